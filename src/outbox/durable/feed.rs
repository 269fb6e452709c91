//! What has come of attempts, on its way to the store.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::event::Timestamp;
use crate::store::{Disabled, OutboxChange};
use crate::watch;

use super::{Around, Lane};

/// So many changes of a sink wait to be stored at most; then its alerts wait too. This bounds memory
/// while the disk fails, and how many alerts are sent again after a crash.
pub(super) const MOST_CHANGES: usize = 65_536;

/// Something that has happened to an alert and is not in the store yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub(super) sink: Arc<str>,
    pub(super) number: u64,
    /// The id that it is sent under; empty for what is said of a sink.
    pub(super) id: String,
    pub(super) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    Accepted,
    Failed {
        failed: u32,
        again: Timestamp,
        error: String,
    },
    GivenUp {
        time: Timestamp,
        error: String,
    },
    Forwarded {
        to: Arc<str>,
        time: Timestamp,
    },
    /// Of the sink, not of an alert.
    Disabled(Disabled),
    Enabled,
}

impl Change {
    /// The same as the store takes it.
    pub fn as_outbox_change(&self) -> OutboxChange<'_> {
        let Change { sink, number, what, .. } = self;
        let number = *number;
        match what {
            What::Accepted => OutboxChange::Accepted { sink, number },
            What::Failed { failed, again, error } => {
                OutboxChange::Failed { sink, number, failed: *failed, again: *again, error }
            }
            What::GivenUp { time, error } => OutboxChange::GivenUp { sink, number, time: *time, error },
            What::Forwarded { to, time } => OutboxChange::Forwarded { sink, number, to, time: *time },
            What::Disabled(why) => OutboxChange::Disabled { sink, why },
            What::Enabled => OutboxChange::Enabled { sink },
        }
    }

    /// The id that it is sent under; empty for what is said of a sink.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether the alert has left the queue.
    fn settles(&self) -> bool {
        matches!(self.what, What::Accepted | What::GivenUp { .. } | What::Forwarded { .. })
    }
}

/// What somebody wants done with alerts that wait, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// These are tried at once.
    pub hurried: BTreeSet<u64>,
    /// These are not sent any more.
    pub discarded: BTreeSet<u64>,
}

/// What the queues are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    /// How many commits there were.
    pub commits: u64,
    /// Whether no alert will come any more.
    pub is_over: bool,
}

/// What the queues and the store's writer share.
pub(super) struct Shared {
    pub around: Around,
    pub lanes: Vec<Lane>,
    gathered: Mutex<Gathered>,
    /// What is asked of each lane.
    asked: Mutex<Vec<Asked>>,
    /// Which queues have ended.
    ended: watch::Sender<Vec<bool>>,
}

#[derive(Default)]
struct Gathered {
    changes: Vec<Change>,
    /// For each lane what is gathered, and what has been taken and is perhaps not in the store yet.
    open: Vec<Open>,
}

#[derive(Clone, Copy, Default)]
struct Open {
    gathered: Tally,
    taken: Tally,
}

#[derive(Clone, Copy, Default)]
struct Tally {
    changes: usize,
    /// How many of them end the way of an alert.
    settled: u64,
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.changes += other.changes;
        self.settled += other.settled;
    }
}

impl Shared {
    pub fn new(around: Around, lanes: Vec<Lane>) -> Shared {
        let gathered = Gathered { changes: Vec::new(), open: vec![Open::default(); lanes.len()] };
        let (ended, _) = watch::channel(vec![false; lanes.len()]);
        let asked = Mutex::new(lanes.iter().map(|_| Asked::default()).collect());
        let shared = Shared { around, lanes, gathered: Mutex::new(gathered), asked, ended };
        shared.measure(&shared.gathered());
        shared
    }

    fn gathered(&self) -> MutexGuard<'_, Gathered> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes changes of a lane.
    pub fn gather(&self, place: usize, changes: impl Iterator<Item = Change>) {
        let mut gathered = self.gathered();
        let Gathered { changes: all, open } = &mut *gathered;
        let before = all.len();
        all.extend(changes);
        let new = &all[before..];
        let settled = new.iter().filter(|change| change.settles()).count() as u64;
        open[place].gathered.add(Tally { changes: new.len(), settled });
        self.measure_lane(&gathered, place);
        let is_news = before == 0 && !gathered.changes.is_empty();
        drop(gathered);
        if is_news {
            (self.around.waker)();
        }
    }

    fn asked(&self) -> MutexGuard<'_, Vec<Asked>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is asked of a lane since the last time.
    pub fn take_asked(&self, place: usize) -> Asked {
        std::mem::take(&mut self.asked()[place])
    }

    /// Told when a queue ends.
    pub fn ends(&self) -> watch::Receiver<Vec<bool>> {
        self.ended.subscribe()
    }

    /// A queue has ended: nothing comes out of it any more.
    pub fn end(&self, place: usize) {
        self.ended.send_modify(|ended| ended[place] = true);
    }

    /// Whether other queues may still forward something to this one.
    pub fn may_get_more(&self, place: usize) -> bool {
        let ended = self.ended.borrow().clone();
        let gathered = self.gathered();
        let feeders = self.lanes.iter().zip(&ended).zip(&gathered.open);
        feeders
            .filter(|((lane, _), _)| lane.fallback == Some(place))
            .any(|((_, ended), open)| !ended || open.gathered.changes + open.taken.changes > 0)
    }

    /// Whether a lane may bring more changes.
    pub fn has_room(&self, place: usize) -> bool {
        let Open { gathered, taken } = self.gathered().open[place];
        gathered.changes + taken.changes < MOST_CHANGES
    }

    /// What the store says of a sink, if it has all that has happened to it.
    pub fn disabled(&self, place: usize) -> Option<Option<Disabled>> {
        let gathered = self.gathered();
        let Open { gathered: Tally { changes: 0, .. }, taken: Tally { changes: 0, .. } } =
            gathered.open[place]
        else {
            return None;
        };
        let snapshot = self.around.current.get();
        Some(snapshot.lanes().get(&self.lanes[place].name).and_then(|lane| lane.disabled.clone()))
    }

    /// How many alerts wait for a sink in the store when all that has happened is stored.
    pub fn waiting(&self, place: usize) -> u64 {
        self.waiting_of(&self.gathered(), place)
    }

    fn waiting_of(&self, gathered: &Gathered, place: usize) -> u64 {
        let snapshot = self.around.current.get();
        let waiting = snapshot.lanes().get(&self.lanes[place].name).map_or(0, |lane| lane.alerts);
        let Open { gathered, taken } = gathered.open[place];
        waiting.saturating_sub(gathered.settled + taken.settled)
    }

    fn measure(&self, gathered: &Gathered) {
        (0..self.lanes.len()).for_each(|place| self.measure_lane(gathered, place));
    }

    fn measure_lane(&self, gathered: &Gathered, place: usize) {
        let Lane { name, metrics, .. } = &self.lanes[place];
        metrics.waiting.set(self.waiting_of(gathered, place));
        // What has left the queue and is still in the store counts here: of changes it is not known how large their alerts were.
        metrics.waiting_bytes.set(self.around.current.get().lanes().get(name).map_or(0, |lane| lane.bytes));
    }
}

/// What the one who writes the store holds of an outbox.
///
/// A round goes so: take changes, commit them, say that this was done. What a commit that failed has not
/// stored stays with the one who took it, and goes with the next one, before what is taken then. When the
/// feed is dropped, the queues end.
pub struct Feed {
    shared: Arc<Shared>,
    news: watch::Sender<News>,
}

impl Feed {
    pub(super) fn new(shared: Arc<Shared>, news: watch::Sender<News>) -> Feed {
        Feed { shared, news }
    }

    /// Takes what has happened to alerts since the last time, in order.
    pub fn take_changes(&mut self) -> Vec<Change> {
        let mut gathered = self.shared.gathered();
        for Open { gathered, taken } in &mut gathered.open {
            taken.add(std::mem::take(gathered));
        }
        std::mem::take(&mut gathered.changes)
    }

    /// A commit was made that has all changes taken so far, with new alerts or without. The queues look at the
    /// store again.
    pub fn published(&mut self) {
        let mut gathered = self.shared.gathered();
        gathered.open.iter_mut().for_each(|open| open.taken = Tally::default());
        self.shared.measure(&gathered);
        drop(gathered);
        self.news.send_modify(|news| news.commits += 1);
    }

    /// Somebody has had this done with alerts in the store: queues that hold some of them will know it from the next
    /// time on that something is published.
    pub fn asked(&mut self, changes: &[OutboxChange<'_>]) {
        let mut asked = self.shared.asked();
        let place = |name: &str| self.shared.lanes.iter().position(|lane| *lane.name == *name);
        for change in changes {
            match *change {
                OutboxChange::Hurried { sink, number } => {
                    place(sink).map(|place| asked[place].hurried.insert(number));
                }
                OutboxChange::Discarded { sink, number } => {
                    place(sink).map(|place| asked[place].discarded.insert(number));
                }
                _ => {}
            }
        }
    }

    /// No alert will come any more: queues end when they are empty.
    pub fn end(&mut self) {
        self.news.send_modify(|news| news.is_over = true);
    }
}
