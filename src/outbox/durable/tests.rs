//! Queues over a store, on a clock of their own.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::super::{Next, Off, Pending, Queue, QueueLimits, Wanted};
use super::*;
use crate::disk::SimulatedDisk;
use crate::store::{Alert, Commit, Options, OutboxChange, Store};
use crate::telemetry::catalogue::SinkMetrics;

const SECOND: Duration = Duration::from_secs(1);

/// A store with the queues for `a` and `b`, and what writes it.
struct Setting {
    disk: SimulatedDisk,
    store: Store,
    feed: Feed,
    queues: Vec<DurableQueue>,
    wakes: Arc<AtomicUsize>,
    metrics: Vec<Arc<SinkMetrics>>,
    /// What was taken from the queue for `a`, and nothing has been said of.
    taken: Vec<Pending>,
}

/// So many alerts for an attempt.
fn attempt(most: usize) -> Wanted {
    Wanted { most, is_probe: false, overdue: None }
}

fn open(disk: &SimulatedDisk) -> Store {
    let options = Options { cache: 0, ..Options::default() };
    Store::open(Arc::new(disk.clone()), Path::new("/state"), options).expect("it can be opened")
}

impl Setting {
    fn new(alerts: usize) -> Setting {
        Setting::over(SimulatedDisk::new(1), alerts, 0)
    }

    /// With a clock on the wall that shows `wall` microseconds now.
    fn over(disk: SimulatedDisk, alerts: usize, wall: i64) -> Setting {
        let store = open(&disk);
        let (begun, wakes) = (Instant::now(), Arc::<AtomicUsize>::default());
        let woken = Arc::clone(&wakes);
        let around = Around {
            reads: Reads::Aside,
            current: store.current(),
            waker: Arc::new(move || {
                woken.fetch_add(1, Ordering::Relaxed);
            }),
            now: Arc::new(move || {
                let time = i64::try_from(begun.elapsed().as_micros()).expect("it is short");
                Timestamp::from_micros(wall + time)
            }),
        };
        let metrics = ["a", "b"].map(|name| Arc::new(SinkMetrics::new(name)));
        let lanes = metrics.clone().map(|metrics| Lane {
            name: metrics.name.clone(),
            limits: QueueLimits { alerts, bytes: 1 << 20 },
            longest_wait: 100 * SECOND,
            fallback: (metrics.name == "a").then_some(1),
            metrics,
        });
        let (feed, queues) = durable(around, lanes.into());
        Setting { disk, store, feed, queues, wakes, metrics: metrics.into(), taken: Vec::new() }
    }

    /// Commits new alerts, with what has happened to others. An alert is its sink, its key and its id.
    fn commit(&mut self, alerts: &[&str]) {
        let alerts: Vec<Alert<'_>> = alerts
            .iter()
            .map(|text| Alert {
                sink: &text[..1],
                key: &text.as_bytes()[1..2],
                id: &text[2..],
                rule: "rule",
                time: Timestamp::from_micros(0),
                body: text.as_bytes(),
            })
            .collect();
        let changes = self.feed.take_changes();
        let outbox: Vec<OutboxChange<'_>> = changes.iter().map(Change::as_outbox_change).collect();
        let commit = Commit { alerts: &alerts, outbox: &outbox, ..Commit::default() };
        self.store.commit(&commit).expect("it can be stored");
        self.feed.published();
    }

    /// Takes alerts; those that were taken before and of which nothing has been said are not attempted.
    async fn next(&mut self, most: usize) -> Vec<Pending> {
        match self.look(attempt(most)).await.expect("the queue has something or ends") {
            Next::Attempt(pending) => pending,
            Next::Over => Vec::new(),
            other => panic!("{other:?}"),
        }
    }

    async fn look(&mut self, wanted: Wanted) -> Option<Next> {
        self.taken.drain(..).rev().for_each(|pending| self.queues[0].put_back(&pending));
        let next = timeout(1_000 * SECOND, self.queues[0].next(wanted)).await.ok()?;
        if let Next::Attempt(pending) | Next::Overdue(pending) = &next {
            self.taken.clone_from(pending);
        }
        Some(next)
    }

    async fn is_quiet(&mut self) -> bool {
        self.taken.drain(..).rev().for_each(|pending| self.queues[0].put_back(&pending));
        timeout(5 * SECOND, self.queues[0].next(attempt(9))).await.is_err()
    }

    /// Somebody has something done with alerts that wait.
    fn ask(&mut self, changes: &[OutboxChange<'_>]) {
        self.store.change_outbox(changes).expect("it can be stored");
        self.feed.asked(changes);
        self.feed.published();
    }

    fn said(&mut self, of: &[Pending]) {
        self.taken.retain(|taken| of.iter().all(|pending| pending.number != taken.number));
    }

    fn accept(&mut self, accepted: &[Pending]) {
        self.said(accepted);
        self.queues[0].accept(accepted);
    }

    fn fail(&mut self, pending: &Pending, wait: Duration) {
        self.said(std::slice::from_ref(pending));
        self.queues[0].fail(pending, wait, "no");
    }

    fn give_up(&mut self, pending: &Pending) {
        self.said(std::slice::from_ref(pending));
        self.queues[0].give_up(pending, "no");
    }

    fn wakes(&self) -> usize {
        self.wakes.load(Ordering::Relaxed)
    }

    fn waiting(&self) -> [u64; 2] {
        [0, 1].map(|place| self.metrics[place].waiting.get())
    }
}

fn ids(pending: &[Pending]) -> Vec<&str> {
    pending.iter().map(|pending| pending.alert.id.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn alerts_come_from_commits_and_leave_with_commits() {
    let mut setting = Setting::new(10);
    assert!(setting.is_quiet().await);
    setting.commit(&["ax1", "bx1", "ax2"]);
    let first = setting.next(9).await;
    assert_eq!(ids(&first), ["1", "2"]);
    assert_eq!((&*first[0].alert.rule, &*first[0].alert.body, first[0].failed), ("rule", "ax1", 0));
    assert_eq!(ids(&setting.next(1).await), ["1"], "nothing was said of it");
    assert_eq!((setting.waiting(), setting.wakes()), ([2, 1], 0));
    let first = setting.next(9).await;
    setting.accept(&first[..1]);
    setting.give_up(&first[1]);
    assert_eq!((setting.waiting(), setting.wakes()), ([0, 1], 1), "one call is enough for both");
    assert!(setting.is_quiet().await, "what is accepted does not come again before it is stored");
    setting.commit(&["ax3"]);
    assert_eq!((setting.waiting(), ids(&setting.next(9).await)), ([1, 1], vec!["3"]));
    let letters = setting.store.snapshot().dead_letters(0, 9).expect("they can be read");
    assert_eq!((letters.len(), &*letters[0].alert.id), (1, "2"));
    let third = setting.next(9).await;
    setting.accept(&third);
    assert_eq!(setting.wakes(), 2);
    // What is given up and wanted again comes like a new one.
    setting
        .store
        .change_outbox(&[OutboxChange::Retried { letter: 1, time: Timestamp::from_micros(0) }])
        .expect("it can be stored");
    setting.feed.published();
    assert_eq!(ids(&setting.next(9).await), ["2"]);
}

#[tokio::test(start_paused = true)]
async fn queues_end_when_all_is_delivered() {
    let mut setting = Setting::new(10);
    setting.commit(&["ax1"]);
    setting.feed.end();
    let first = setting.next(9).await;
    setting.fail(&first[0], 7 * SECOND);
    let begun = Instant::now();
    let again = setting.next(9).await;
    assert_eq!((ids(&again), again[0].failed, begun.elapsed().as_secs()), (vec!["1"], 1, 7));
    setting.accept(&again);
    assert_eq!(setting.next(9).await, []);
    let other = timeout(5 * SECOND, setting.queues[1].next(attempt(9))).await;
    assert!(other.is_err(), "what the first gives up would come here");
    assert_eq!(setting.queues[0].leave().kept, 0);
    let other = timeout(5 * SECOND, setting.queues[1].next(attempt(9))).await;
    assert!(other.is_err(), "it is not stored yet what the first has done");
    setting.commit(&[]);
    assert_eq!(setting.queues[1].next(attempt(9)).await, Next::Over);
}

#[tokio::test(start_paused = true)]
async fn queues_end_with_the_one_who_writes_the_store_and_say_what_is_kept() {
    let mut setting = Setting::new(10);
    setting.commit(&["ax1", "ax2", "bx3"]);
    let first = setting.next(1).await;
    setting.accept(&first);
    let Setting { feed, mut queues, .. } = setting;
    drop(feed);
    assert_eq!(queues[1].next(attempt(9)).await, Next::Over);
    assert_eq!(queues[0].leave().kept, 1);
}

#[tokio::test(start_paused = true)]
async fn memory_holds_some_and_the_store_the_rest() {
    let mut setting = Setting::new(4);
    let alerts: Vec<String> = (1..=20).map(|id| format!("a{}{id}", id % 2)).collect();
    setting.commit(&alerts.iter().map(String::as_str).collect::<Vec<_>>());
    let mut seen = Vec::new();
    while seen.len() < 20 {
        let ready = setting.next(256).await;
        assert!(ready.len() <= 4 && setting.queues[0].window.len() <= 4);
        setting.accept(&ready[..1]);
        seen.push(ready[0].alert.id.parse::<u32>().expect("a number"));
    }
    assert_eq!(seen, (1..=20).collect::<Vec<_>>());
    assert!(setting.is_quiet().await);
    assert_eq!(setting.waiting(), [0, 0]);
}

#[tokio::test(start_paused = true)]
async fn when_all_in_memory_are_held_back_more_is_read_as_far_as_there_is_room() {
    let mut setting = Setting::new(4);
    setting.commit(&["ax1", "ax2", "ax3", "ay4", "ay5"]);
    let ready = setting.next(9).await;
    assert_eq!(ids(&ready), ["1", "2", "3", "4"]);
    setting.fail(&ready[0], 50 * SECOND);
    setting.accept(&ready[3..]);
    assert_eq!(ids(&setting.next(9).await), ["5"]);
    let five = setting.next(9).await;
    setting.accept(&five);
    setting.commit(&["ax6", "ay7"]);
    assert!(setting.is_quiet().await, "7 is behind 6, for which there is room, and waits for more");
    let begun = Instant::now();
    assert_eq!(ids(&setting.next(9).await), ["1", "2", "3", "6"]);
    assert_eq!(begun.elapsed().as_secs(), 45);
}

#[tokio::test(start_paused = true)]
async fn tries_and_their_times_outlast_a_restart() {
    let mut setting = Setting::new(9);
    setting.commit(&["ax1", "ax2", "ay3"]);
    let ready = setting.next(9).await;
    setting.fail(&ready[0], 10 * SECOND);
    setting.commit(&[]);
    let restart = |setting: Setting, seconds: i64| {
        let Setting { disk, store, .. } = setting;
        drop(store);
        disk.crash();
        Setting::over(disk, 9, seconds * 1_000_000)
    };
    let mut setting = restart(setting, 4);
    assert_eq!(setting.waiting(), [3, 0]);
    assert_eq!(ids(&setting.next(9).await), ["3"]);
    let begun = Instant::now();
    tokio::time::sleep(6 * SECOND).await;
    let ready = setting.next(9).await;
    assert_eq!((ids(&ready), begun.elapsed().as_secs()), (vec!["1", "2", "3"], 6));
    assert_eq!((ready[0].failed, ready[1].failed), (1, 0));
    setting.fail(&ready[0], 10 * SECOND);
    setting.accept(&ready[2..]);
    setting.commit(&[]);
    // The clock was set back by much: nothing waits longer than it ever does.
    let mut setting = restart(setting, -1_000_000);
    let begun = Instant::now();
    let ready = setting.next(9).await;
    assert_eq!((ids(&ready), ready[0].failed, begun.elapsed().as_secs()), (vec!["1", "2"], 2, 100));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_read_again() {
    let mut setting = Setting::new(9);
    setting.commit(&["ax1"]);
    // The file is dead, as after trouble with the disk.
    setting.disk.kill();
    assert!(setting.is_quiet().await);
    setting.store.commit(&Commit::default()).expect_err("the file is dead");
    // It has been opened anew.
    let begun = Instant::now();
    assert_eq!(ids(&setting.next(9).await), ["1"]);
    assert!(begun.elapsed() <= SECOND, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_queue_waits_when_too_much_of_it_is_not_stored() {
    let mut setting = Setting::new(9);
    setting.commit(&["ax1", "ax2"]);
    let ready = setting.next(1).await;
    for number in 1_000..1_000 + feed::MOST_CHANGES as u64 - 1 {
        let other = Pending { number, ..ready[0].clone() };
        setting.queues[0].gather_of(&other, feed::What::Accepted);
    }
    assert_eq!(ids(&setting.next(1).await), ["1"]);
    setting.accept(&ready);
    assert!(setting.is_quiet().await);
    assert_eq!(setting.feed.take_changes().len(), feed::MOST_CHANGES);
    assert!(setting.is_quiet().await, "it is taken, and not stored yet");
    setting.feed.published();
    assert_eq!(ids(&setting.next(1).await), ["2"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_given_up_goes_to_the_other_sink_in_the_same_commit() {
    let mut setting = Setting::new(9);
    setting.commit(&["ax1", "ax2", "ay3"]);
    let overdue = Wanted { most: 0, is_probe: false, overdue: Some(20 * SECOND) };
    assert_eq!(
        setting.look(overdue).await.map(|next| matches!(next, Next::Overdue(all) if all.len() == 3)),
        Some(true)
    );
    let taken = std::mem::take(&mut setting.taken);
    setting.queues[0].forward(&taken[0]);
    setting.queues[0].put_back(&taken[2]);
    setting.queues[0].forward(&taken[1]);
    assert_eq!(setting.waiting(), [1, 0]);
    setting.commit(&[]);
    assert_eq!(setting.waiting(), [1, 2]);
    let Next::Attempt(other) = setting.queues[1].next(attempt(9)).await else { panic!("alerts") };
    assert_eq!((ids(&other), other[0].failed, other[0].waited), (vec!["1", "2"], 0, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn what_somebody_hurries_or_does_not_want_is_so_at_once() {
    let mut setting = Setting::new(3);
    setting.commit(&["ax1", "ay2", "az3", "ax4", "ay5"]);
    let taken = setting.next(9).await;
    setting.fail(&taken[0], 50 * SECOND);
    setting.fail(&taken[1], 50 * SECOND);
    setting.commit(&[]);
    // 3 is under way, 5 is not in memory.
    setting.taken.clear();
    let discarded = [2, 3, 5].map(|number| OutboxChange::Discarded { sink: "a", number });
    setting.ask(&discarded);
    assert_eq!(setting.waiting(), [2, 0]);
    assert!(setting.is_quiet().await, "what is left is held back");
    setting.fail(&taken[2], SECOND);
    assert!(setting.is_quiet().await, "it is not tried again that nobody wants");
    setting.ask(&[OutboxChange::Hurried { sink: "a", number: 1 }]);
    assert_eq!(setting.look(attempt(9)).await, Some(Next::Hurried));
    let all = setting.next(9).await;
    assert_eq!((ids(&all), all[0].failed), (vec!["1", "4"], 1));
    setting.accept(&all);
    setting.commit(&[]);
    assert_eq!(setting.waiting(), [0, 0]);
    assert!(setting.is_quiet().await);
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_is_not_used_is_known_after_a_restart_until_it_is_used_again() {
    let mut setting = Setting::new(9);
    setting.commit(&["ax1"]);
    let off = Off { receiver: b"one".to_vec(), error: "gone".into() };
    setting.queues[0].switch(Some(off.clone()));
    assert_eq!(setting.queues[0].off(), Some(&off));
    // A commit that does not have it yet changes nothing.
    setting.feed.published();
    let nothing = Wanted { most: 0, is_probe: false, overdue: None };
    assert_eq!(setting.look(nothing).await, None);
    setting.commit(&[]);
    let Setting { disk, store, .. } = setting;
    drop(store);
    disk.crash();
    let mut setting = Setting::over(disk, 9, 0);
    assert_eq!(setting.queues[0].off(), Some(&off));
    setting.store.change_outbox(&[OutboxChange::Enabled { sink: "a" }]).expect("it can be stored");
    setting.feed.published();
    assert_eq!(setting.look(nothing).await, Some(Next::Switched));
    assert_eq!(setting.queues[0].off(), None);
    assert_eq!(ids(&setting.next(9).await), ["1"]);
}
