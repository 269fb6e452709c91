//! The alerts for one sink, read from the store.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, sleep_until};
use tracing::{error, info};

use crate::event::{self, Timestamp};
use crate::store::{Disabled, StoreError, Waiting};
use crate::watch;

use super::super::window::Window;
use super::super::{Left, Next, Off, Outgoing, Pending, Queue, Wanted, shortened};
use super::Reads;
use super::feed::{Asked, Change, News, Shared, What};

/// So long it takes until what could not be read from the store is read again.
const READ_AGAIN: Duration = Duration::from_secs(1);

/// One sink's queue.
pub struct DurableQueue {
    shared: Arc<Shared>,
    place: usize,
    sink: Arc<str>,
    /// The sink that gets what is given up.
    fallback: Option<Arc<str>>,
    pub(super) window: Window,
    /// The number of the last alert that was read.
    last: u64,
    /// A look into the store that is under way.
    reading: Option<JoinHandle<Result<Vec<Waiting>, StoreError>>>,
    news: watch::Receiver<News>,
    /// Told when another queue ends, which may have sent something here.
    ends: watch::Receiver<Vec<bool>>,
    /// What was known when it was last looked at the store.
    seen: News,
    /// Whether the store may have alerts behind the last one that was read.
    is_behind: bool,
    /// When it can be read again after trouble.
    trouble: Option<Instant>,
    off: Option<Off>,
    /// Whether somebody wants to see at once what comes of something.
    is_hurried: bool,
    /// What is not to be sent any more, and was being attempted when that was said.
    discarded: BTreeSet<u64>,
}

impl DurableQueue {
    pub(super) fn new(shared: Arc<Shared>, place: usize, news: watch::Receiver<News>) -> DurableQueue {
        let lane = &shared.lanes[place];
        let sink = Arc::from(&*lane.name);
        let fallback = lane.fallback.map(|place| Arc::from(&*shared.lanes[place].name));
        let off = shared.disabled(place).flatten().map(off);
        let ends = shared.ends();
        DurableQueue {
            shared,
            place,
            sink,
            fallback,
            window: Window::new(Instant::now()),
            last: 0,
            reading: None,
            news,
            ends,
            seen: News::default(),
            is_behind: true,
            trouble: None,
            off,
            is_hurried: false,
            discarded: BTreeSet::new(),
        }
    }

    /// Fills the window from the store, if it is time for that.
    async fn fill(&mut self) {
        while self.is_behind && self.needs_more() && self.trouble.is_none_or(|until| until <= Instant::now())
        {
            let Some(read) = self.read().await else { return };
            match read {
                Ok(read) => self.take(read),
                Err(error) => self.wait_out(&error),
            }
        }
    }

    /// Looks into the store, unless it is known that nothing is there.
    async fn read(&mut self) -> Option<Result<Vec<Waiting>, StoreError>> {
        if self.reading.is_none() {
            let limits = self.shared.lanes[self.place].limits;
            let most = limits.alerts - self.window.len();
            let bytes = u64::from(limits.bytes) - self.window.bytes();
            let (snapshot, sink) = (self.shared.around.current.get(), Arc::clone(&self.sink));
            if !snapshot.lanes().contains_key(&*sink) {
                self.is_behind = false;
                return None;
            }
            let last = self.last;
            let read = move || snapshot.waiting(&sink, last, most, bytes);
            match self.shared.around.reads {
                Reads::Aside => self.reading = Some(tokio::task::spawn_blocking(read)),
                #[cfg(test)]
                Reads::Here => return Some(read()),
            }
        }
        // It is kept while it is waited for, as who waits may turn to something else meanwhile.
        let done = self.reading.as_mut()?.await;
        self.reading = None;
        match done.map_err(JoinError::try_into_panic) {
            Ok(read) => Some(read),
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            // The process ends.
            Err(Err(_)) => std::future::pending().await,
        }
    }

    /// Whether there is room in the window, and so much that it is worth to read, or nothing else to do.
    fn needs_more(&self) -> bool {
        let limits = self.shared.lanes[self.place].limits;
        let (alerts, bytes) = (self.window.len(), self.window.bytes());
        let has_room =
            |part: usize| alerts < limits.alerts / part && bytes < u64::from(limits.bytes) / part as u64;
        has_room(2) || has_room(1) && self.window.is_idle()
    }

    fn take(&mut self, read: Vec<Waiting>) {
        if self.trouble.take().is_some() {
            info!(sink = %self.sink, "alerts can be read from the store again");
        }
        self.is_behind = !read.is_empty();
        let now = Instant::now();
        let wall = (self.shared.around.now)();
        for waiting in read {
            self.last = waiting.number;
            let until = self.wait(waiting.tries.again, wall).map(|wait| now + wait);
            self.window.put(pending(waiting, wall), until, now);
        }
    }

    /// How long an alert has to wait that is to be tried again then.
    fn wait(&self, again: Timestamp, now: Timestamp) -> Option<Duration> {
        let wait = again.as_micros().saturating_sub(now.as_micros());
        let wait = u64::try_from(wait).ok().filter(|wait| *wait > 0)?;
        Some(Duration::from_micros(wait).min(self.shared.lanes[self.place].longest_wait))
    }

    fn wait_out(&mut self, failure: &StoreError) {
        if self.trouble.is_none() {
            error!(sink = %self.sink, %failure, "alerts cannot be read from the store; they are not lost, and this is tried again each second");
        }
        self.trouble = Some(Instant::now() + READ_AGAIN);
    }

    /// Looks whether the sink is used, by what is stored. Returns whether that has changed.
    fn look_whether_it_is_used(&mut self) -> bool {
        let Some(disabled) = self.shared.disabled(self.place) else { return false };
        let off = disabled.map(off);
        std::mem::replace(&mut self.off, off) != self.off
    }

    /// Does what somebody has asked for, which is done in the store already.
    fn obey(&mut self) {
        let Asked { hurried, discarded } = self.shared.take_asked(self.place);
        if hurried.is_empty() && discarded.is_empty() {
            return;
        }
        // What is being read may be older.
        self.reading = None;
        self.is_hurried |= !hurried.is_empty();
        self.window.hurry(&hurried);
        self.discarded.extend(discarded);
    }

    /// Something has come of an alert.
    pub(super) fn gather_of(&self, pending: &Pending, what: What) {
        self.shared.gather(self.place, std::iter::once(self.change_of(pending, what)));
    }

    fn change_of(&self, pending: &Pending, what: What) -> Change {
        Change { sink: Arc::clone(&self.sink), number: pending.number, id: pending.alert.id.clone(), what }
    }

    /// Something is said of the sink.
    fn gather(&self, what: What) {
        let change = Change { sink: Arc::clone(&self.sink), number: 0, id: String::new(), what };
        self.shared.gather(self.place, std::iter::once(change));
    }

    /// Waits until something can be different.
    async fn wait_for_news(&mut self, wanted: Wanted) {
        let read_again = self.trouble.filter(|_| self.is_behind && self.needs_more());
        let overdue = wanted.overdue.and_then(|after| self.window.next_overdue(after));
        let ready = self.window.next_time().filter(|_| wanted.most > 0);
        let until = [ready, overdue, read_again].into_iter().flatten().min();
        let time = async {
            match until {
                Some(until) => sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            // That it fails is seen at the next look.
            _ = self.news.changed() => {}
            _ = self.ends.changed() => {}
            () = time => {}
        }
    }
}

impl Queue for DurableQueue {
    const IS_DURABLE: bool = true;

    async fn next(&mut self, wanted: Wanted) -> Next {
        // Without one who writes the store, what is delivered would be delivered again.
        while self.news.has_changed().is_ok() {
            // What these have sent here by then is seen below.
            self.ends.borrow_and_update();
            let may_get_more = self.shared.may_get_more(self.place);
            let news = *self.news.borrow_and_update();
            if std::mem::replace(&mut self.seen, news) != news {
                self.is_behind = true;
                self.obey();
                if self.look_whether_it_is_used() {
                    return Next::Switched;
                }
            }
            self.discarded = self.window.discard(&self.discarded);
            if std::mem::take(&mut self.is_hurried) {
                return Next::Hurried;
            }
            self.fill().await;
            self.shared.lanes[self.place].metrics.oldest.set(self.window.oldest(Instant::now()));
            if self.shared.has_room(self.place)
                && let Some(next) = self.window.next(wanted, Instant::now())
            {
                return next;
            }
            let is_empty = self.window.len() == 0 && !self.is_behind;
            if news.is_over && is_empty && !may_get_more {
                break;
            }
            self.wait_for_news(wanted).await;
        }
        Next::Over
    }

    fn accept(&mut self, accepted: &[Pending]) {
        accepted.iter().for_each(|pending| self.window.settle(pending));
        let changes = accepted.iter().map(|pending| self.change_of(pending, What::Accepted));
        self.shared.gather(self.place, changes);
    }

    fn fail(&mut self, pending: &Pending, wait: Duration, error: &str) {
        self.window.fail(pending, Instant::now() + wait);
        let wait = event::Duration::from_micros(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX));
        let again = (self.shared.around.now)().saturating_add(wait);
        let failed = pending.failed.saturating_add(1);
        self.gather_of(pending, What::Failed { failed, again, error: error.to_owned() });
    }

    fn put_back(&mut self, pending: &Pending) {
        self.window.put_back(pending);
    }

    fn give_up(&mut self, pending: &Pending, error: &str) {
        self.window.settle(pending);
        let time = (self.shared.around.now)();
        self.gather_of(pending, What::GivenUp { time, error: error.to_owned() });
    }

    fn forward(&mut self, pending: &Pending) {
        self.window.settle(pending);
        let time = (self.shared.around.now)();
        if let Some(to) = &self.fallback {
            self.gather_of(pending, What::Forwarded { to: Arc::clone(to), time });
        }
    }

    fn hurry(&mut self, most: Duration) {
        self.window.hold_back_until_at_most(Instant::now() + most);
    }

    fn off(&self) -> Option<&Off> {
        self.off.as_ref()
    }

    fn switch(&mut self, off: Option<Off>) {
        self.off.clone_from(&off);
        let what = match off {
            Some(Off { receiver, error }) => {
                What::Disabled(Disabled { since: (self.shared.around.now)(), receiver, error })
            }
            None => What::Enabled,
        };
        self.gather(what);
    }

    fn leave(&mut self) -> Left {
        self.shared.end(self.place);
        Left { lost: Vec::new(), kept: self.shared.waiting(self.place) }
    }
}

fn off(disabled: Disabled) -> Off {
    let Disabled { receiver, error, .. } = disabled;
    Off { receiver, error }
}

fn pending(waiting: Waiting, now: Timestamp) -> Pending {
    let Waiting { number, id, rule, key, body, tries, time, .. } = waiting;
    // One from another version has another kind of key: what it is does not matter.
    let key = (*key).try_into().unwrap_or_else(|_| shortened(&key));
    let body = String::from_utf8(body)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    let waited = now.as_micros().saturating_sub(time.as_micros());
    let waited = Duration::from_micros(u64::try_from(waited).unwrap_or(0));
    let alert = Outgoing { id, rule: rule.into(), key, body };
    Pending { number, failed: tries.failed, waited, alert: Arc::new(alert) }
}
