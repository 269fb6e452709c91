//! An outage of one sink on a virtual clock: how often it is asked, what becomes of its alerts, and that another sink does
//! not notice.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::disk::SimulatedDisk;
use crate::disk::simulated::Random;
use crate::event::Timestamp;
use crate::outbox::durable::{Around, Change, Feed, Reads, durable};
use crate::outbox::{Lane, Left, Outgoing, QueueLimits};
use crate::sink::retry::RetryPolicy;
use crate::sink::worker::{Policy, Worker};
use crate::sink::{Attempt, DeliveryError, Sink};
use crate::store::{Alert, Commit, Options, OutboxChange, Store};
use crate::telemetry::catalogue::SinkMetrics;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
/// The first goes down, the second works, the third gets what the first gives up.
const SINKS: [&str; 3] = ["desk", "archive", "spare"];

/// How the first sink fails.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    Answers(u16),
    AsksToWait(u64),
    Drops,
    Hangs,
}

/// What receivers have seen.
#[derive(Default)]
struct Seen {
    /// When attempts began, by sink.
    attempts: BTreeMap<&'static str, Vec<Instant>>,
    /// What was accepted, in order, and when.
    accepted: BTreeMap<&'static str, Vec<(String, Instant)>>,
}

struct Receiver {
    name: &'static str,
    trouble: Option<(Trouble, Instant)>,
    seen: Arc<Mutex<Seen>>,
}

impl Sink for Receiver {
    fn most(&self) -> usize {
        1
    }

    async fn deliver(&self, alerts: &[Arc<Outgoing>]) -> Attempt {
        let now = Instant::now();
        self.seen.lock().expect("no panic").attempts.entry(self.name).or_default().push(now);
        let status =
            |status, retry_after| DeliveryError::Status { status, retry_after, answer: String::new() };
        let failure = match self.trouble.filter(|(_, until)| now < *until) {
            Some((Trouble::Answers(code), _)) => status(code, None),
            Some((Trouble::AsksToWait(seconds), _)) => status(429, Some(Duration::from_secs(seconds))),
            Some((Trouble::Drops, _)) => DeliveryError::Unreachable("closed".into()),
            Some((Trouble::Hangs, _)) => {
                sleep(10 * SECOND).await;
                DeliveryError::Unreachable("no answer in time".into())
            }
            None => {
                sleep(Duration::from_millis(20)).await;
                let mut seen = self.seen.lock().expect("no panic");
                let accepted = seen.accepted.entry(self.name).or_default();
                accepted.push((alerts[0].id.clone(), Instant::now()));
                return Attempt::all(1);
            }
        };
        Attempt { delivered: 0, failure: Some(failure) }
    }
}

struct Service {
    begun: Instant,
    store: Store,
    feed: Feed,
    workers: JoinSet<Left>,
    seen: Arc<Mutex<Seen>>,
    metrics: Vec<Arc<SinkMetrics>>,
}

impl Service {
    /// The first sink is in trouble for so long.
    fn start(trouble: Trouble, time: Duration, policy: Policy) -> Service {
        let disk = SimulatedDisk::new(1);
        let store =
            Store::open(Arc::new(disk), Path::new("/state"), Options::default()).expect("it can be opened");
        let begun = Instant::now();
        let now =
            move || Timestamp::from_micros(i64::try_from(begun.elapsed().as_micros()).expect("it is short"));
        let (current, reads) = (store.current(), Reads::Here);
        let around = Around { current, reads, waker: Arc::new(|| ()), now: Arc::new(now) };
        let metrics: Vec<_> = SINKS.map(|name| Arc::new(SinkMetrics::new(name))).into();
        let lanes = metrics.iter().enumerate().map(|(place, metrics)| Lane {
            name: metrics.name.clone(),
            limits: QueueLimits { alerts: 1_000, bytes: 1 << 20 },
            longest_wait: policy.retry.longest_wait(),
            fallback: (place == 0 && policy.has_fallback).then_some(2),
            metrics: Arc::clone(metrics),
        });
        let (feed, queues) = durable(around, lanes.collect());
        let seen = Arc::<Mutex<Seen>>::default();
        let mut workers = JoinSet::new();
        for (place, (name, queue)) in SINKS.into_iter().zip(queues).enumerate() {
            let trouble = (place == 0).then_some((trouble, begun + time));
            let sink = Receiver { name, trouble, seen: Arc::clone(&seen) };
            let policy = if place == 0 {
                policy
            } else {
                Policy { has_fallback: false, fallback_after: None, ..policy }
            };
            let mut chance = Random::new(7);
            let worker = Worker::new(name.into(), sink, queue, policy, Arc::clone(&metrics[place]))
                .with_chance(move || chance.below(1 << 32) as f64 / (1_u64 << 32) as f64);
            workers.spawn(worker.run(std::future::pending()));
        }
        Service { begun, store, feed, workers, seen, metrics }
    }

    fn commit(&mut self, ids: std::ops::Range<u32>, now: Timestamp) {
        let changes = self.feed.take_changes();
        let outbox: Vec<OutboxChange<'_>> = changes.iter().map(Change::as_outbox_change).collect();
        let ids: Vec<String> = ids.map(|id| id.to_string()).collect();
        let alerts = ids.iter().flat_map(|id| {
            // Ten alerts of a key follow each other.
            let key = &id.as_bytes()[..id.len() - 1];
            SINKS[..2].iter().map(move |sink| Alert { sink, id, rule: "r", key, time: now, body: b"{}" })
        });
        let alerts: Vec<_> = alerts.collect();
        self.store
            .commit(&Commit { time: now, alerts: &alerts, outbox: &outbox, ..Commit::default() })
            .expect("it works");
        self.feed.published();
    }

    /// So many alerts come at once, then one each ten seconds for so long, and then all is delivered.
    async fn run(&mut self, first: u32, time: Duration) -> u32 {
        let count = self.live(first, time).await;
        self.wind_up().await;
        count
    }

    /// So many alerts come at once, then one each ten seconds for so long.
    async fn live(&mut self, first: u32, time: Duration) -> u32 {
        let mut next = 1_000;
        self.commit(next..next + first, self.now());
        next += first;
        let begun = Instant::now();
        while begun.elapsed() < time {
            sleep(10 * SECOND).await;
            self.commit(next..next + 1, self.now());
            next += 1;
        }
        next - 1_000
    }

    /// No more come, and all is delivered.
    async fn wind_up(&mut self) {
        self.feed.end();
        let begun = Instant::now();
        while !self.workers.is_empty() {
            let _ = timeout(Duration::from_millis(200), self.workers.join_next()).await;
            self.commit(0..0, self.now());
            assert!(begun.elapsed() < 10 * HOUR, "it does not come to an end");
        }
    }

    /// The time since it began.
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(i64::try_from(self.begun.elapsed().as_micros()).expect("it is short"))
    }

    /// The most attempts in any minute from a time on and up to another.
    fn most_in_a_minute(&self, from: Instant, to: Instant) -> usize {
        let seen = self.seen.lock().expect("no panic");
        let attempts: Vec<Instant> =
            seen.attempts[SINKS[0]].iter().copied().filter(|at| (from..to).contains(at)).collect();
        let within =
            |first: &Instant| attempts.iter().filter(|at| (*first..*first + MINUTE).contains(at)).count();
        attempts.iter().map(within).max().unwrap_or(0)
    }

    fn accepted(&self, sink: &str) -> Vec<(String, Instant)> {
        self.seen.lock().expect("no panic").accepted.get(sink).cloned().unwrap_or_default()
    }
}

fn policy() -> Policy {
    let retry = RetryPolicy {
        tries: None,
        give_up_after: 72 * HOUR,
        backoff: Duration::from_millis(500),
        max_backoff: HOUR,
        max_pause: MINUTE,
        max_retry_after: HOUR,
    };
    Policy { retry, concurrency: 4, rate: None, has_fallback: false, fallback_after: None }
}

/// Each came once, those of a key in order.
fn check_whole(accepted: &[(String, Instant)], count: u32) {
    let ids: BTreeSet<&str> = accepted.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!((ids.len(), accepted.len()), (count as usize, count as usize));
    let mut last: BTreeMap<&str, u32> = BTreeMap::new();
    for (id, _) in accepted {
        let number = id.parse().expect("a number");
        let before = last.insert(&id[..id.len() - 1], number);
        assert!(before.is_none_or(|before| before < number), "{id} came after {before:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn however_a_sink_fails_for_hours_nothing_is_lost_it_is_not_flooded_and_another_does_not_notice() {
    let troubles = [
        Trouble::Answers(500),
        Trouble::Answers(503),
        Trouble::AsksToWait(30),
        Trouble::Drops,
        Trouble::Hangs,
    ];
    for trouble in troubles {
        let (begun, time) = (Instant::now(), 2 * HOUR);
        let mut service = Service::start(trouble, time, policy());
        let count = service.run(2_000, 3 * HOUR).await;
        let (desk, archive) = (service.accepted("desk"), service.accepted("archive"));
        check_whole(&desk, count);
        check_whole(&archive, count);
        // In the first minute pauses are still short.
        let first = service.most_in_a_minute(begun, begun + MINUTE);
        let later = service.most_in_a_minute(begun + MINUTE, begun + time);
        assert!(
            first <= 16 && later <= 3,
            "{trouble:?}: {first} attempts in the first minute, {later} in others"
        );
        let all = 2_000 * Duration::from_millis(20) / 4 + 2 * MINUTE;
        let recovered = desk.iter().filter(|(_, at)| *at < begun + time + all).count();
        assert!(recovered >= 2_000 + 2 * 360, "{trouble:?}: {recovered} soon after the outage");
        let archived = archive.iter().filter(|(_, at)| *at < begun + 20 * SECOND).count();
        assert!(archived >= 2_000, "{trouble:?}: {archived}");
        assert_eq!(service.metrics[0].failed.get(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_says_it_is_gone_is_asked_no_more_and_gets_all_once_it_is_used_again() {
    let begun = Instant::now();
    let mut service = Service::start(Trouble::Answers(410), HOUR, policy());
    let count = service.live(2_000, 3 * HOUR).await;
    // The last one is under way to the other.
    sleep(SECOND).await;
    // What was under way when it said so.
    let asked = service.most_in_a_minute(begun, begun + MINUTE);
    assert!((1..=4).contains(&asked), "{asked}");
    assert_eq!(
        service.most_in_a_minute(begun + MINUTE, begun + 4 * HOUR),
        0,
        "it works again, but who knows?"
    );
    assert_eq!(service.accepted("archive").len(), count as usize, "another one does not notice");
    assert_eq!(service.store.snapshot().lanes()["desk"].alerts, u64::from(count));
    service.store.change_outbox(&[OutboxChange::Enabled { sink: "desk" }]).expect("it works");
    service.feed.published();
    service.wind_up().await;
    check_whole(&service.accepted("desk"), count);
    assert_eq!(service.metrics[0].failed.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_has_waited_long_enough_goes_to_the_fallback_and_nothing_comes_twice() {
    let policy = Policy { has_fallback: true, fallback_after: Some(10 * MINUTE), ..policy() };
    let begun = Instant::now();
    let mut service = Service::start(Trouble::Answers(503), HOUR, policy);
    let count = service.run(2_000, 2 * HOUR).await;
    let (mut all, spare) = (service.accepted("desk"), service.accepted("spare"));
    assert!(spare.len() >= 2_000 + 5 * 60 && service.metrics[0].forwarded.get() == spare.len() as u64);
    let early = spare.iter().filter(|(_, at)| *at < begun + 10 * MINUTE).count();
    assert_eq!(early, 0, "they wait first");
    let first = spare.iter().filter(|(_, at)| *at < begun + 12 * MINUTE).count();
    assert!(first >= 2_000, "{first}");
    all.extend(spare);
    all.sort();
    check_whole(&all, count);
}

#[tokio::test(start_paused = true)]
async fn what_a_sink_does_not_take_for_days_is_kept_as_given_up() {
    let mut service = Service::start(Trouble::Drops, 1_000 * HOUR, policy());
    service.commit(1_000..3_000, service.now());
    sleep(71 * HOUR).await;
    service.commit(0..0, service.now());
    assert_eq!(service.store.snapshot().lanes()["desk"].alerts, 2_000);
    sleep(2 * HOUR).await;
    service.commit(0..0, service.now());
    let (letters, _, _) = service.store.snapshot().dead();
    assert_eq!((letters, service.store.snapshot().lanes().get("desk")), (2_000, None));
}
