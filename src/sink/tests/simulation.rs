//! Lives of a process, one after the other, in which sinks and the disk fail and the power goes.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::play::{DESK, Mode, Planned, RandomSink, SINKS, SPARE, World};
use crate::disk::SimulatedDisk;
use crate::disk::simulated::Random;
use crate::event::Timestamp;
use crate::outbox::durable::{Around, Change, Feed, Reads, durable};
use crate::outbox::{Lane, Left, QueueLimits};
use crate::rate::Rate;
use crate::seeds::seeds;
use crate::sink::retry::RetryPolicy;
use crate::sink::worker::{Policy, Worker};
use crate::store::{Commit, DeadLimits, Options, OutboxChange, Store};
use crate::telemetry::catalogue::SinkMetrics;
use crate::watch;

/// How a life ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The power goes.
    Crash,
    /// The process is killed.
    Kill,
    /// It is told to stop, and stores what has come of attempts.
    Halt,
    /// No alert comes any more, and all are delivered.
    Done,
}

/// Several lives of a process.
struct Play {
    random: Random,
    disk: SimulatedDisk,
    /// Whether the disk fails and lives end before their time.
    is_rough: bool,
    policy: Policy,
    limits: QueueLimits,
    most: [usize; SINKS.len()],
    world: Arc<Mutex<World>>,
    /// The clock on the wall when the life began.
    wall: i64,
    counts: Counts,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    attempts: u64,
    repeats: u64,
    letters: u64,
    /// Alerts that another sink has taken instead.
    spared: u64,
    /// Times that a sink was not used any more.
    disabled: u64,
    left: u64,
    failed_commits: u64,
}

/// One of them.
struct Life {
    store: Store,
    feed: Feed,
    workers: JoinSet<Left>,
    halt: watch::Sender<bool>,
    metrics: Vec<Arc<SinkMetrics>>,
    /// What sinks have done and no commit has.
    changes: Vec<Change>,
    /// How many alerts are in the last commit that was reported, and how many were decided.
    stored: usize,
    decided: usize,
}

impl Play {
    fn new(seed: u64, is_rough: bool) -> Play {
        let mut random = Random::new(seed);
        let tries = 1 + u32::try_from(random.below(5)).expect("it is small");
        let backoff = Duration::from_millis(1 + random.below(200));
        let is_patient = random.percent(50);
        let soon = |random: &mut Random| match is_patient {
            true => Duration::from_secs(1_000_000_000),
            false => Duration::from_millis(random.below(3_000)),
        };
        let retry = RetryPolicy {
            tries: Some(tries),
            give_up_after: soon(&mut random),
            backoff,
            max_backoff: backoff * 8,
            max_pause: backoff * (1 + u32::try_from(random.below(8)).expect("it is small")),
            max_retry_after: Duration::from_millis(random.below(300)),
        };
        let rate = Rate { count: 1 + u32::try_from(random.below(20)).expect("it is small"), per: backoff };
        let policy = Policy {
            retry,
            concurrency: [1, 2, 4, 16][random.size(4)],
            rate: random.percent(30).then_some(rate),
            has_fallback: false,
            fallback_after: (!is_patient && random.percent(50)).then(|| soon(&mut random)),
        };
        let limits = [(1, 1), (2, 1_000), (5, 60), (1_000, 100_000)][random.size(4)];
        let limits = QueueLimits { alerts: limits.0, bytes: limits.1 };
        let (alerts, keys) = (random.size(120), 1 + random.below(20));
        let world = Arc::new(Mutex::new(World::new(&mut random, alerts, keys, tries, is_patient)));
        let most = [[1, 1, 1], [1, 3, 256], [256, 1, 1], [4, 256, 3]][random.size(4)];
        let disk = SimulatedDisk::new(random.bits());
        let counts = Counts::default();
        Play { random, disk, is_rough, policy, limits, most, world, wall: 0, counts }
    }

    fn run(mut self) -> Counts {
        for _ in 0..self.random.size(6) {
            let end = match (self.is_rough, self.random.size(3)) {
                (true, 0) => End::Crash,
                (true, 1) => End::Kill,
                _ => End::Halt,
            };
            self.live(end);
        }
        self.live(End::Done);
        self.check();
        self.counts
    }

    /// One life, in a runtime of its own, with which everything ends that is under way.
    fn live(&mut self, end: End) {
        let runtime = Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .max_blocking_threads(1)
            .build()
            .expect("a runtime");
        self.world.lock().expect("no test has failed").begin_life();
        let (end, time) = runtime.block_on(async {
            let begun = Instant::now();
            let mut life = self.begin(begun);
            let end = life.run(self, end).await;
            (end, begun.elapsed())
        });
        wait_for_readers(runtime);
        self.wall += i64::try_from(time.as_micros()).expect("it is short") + 1_000;
        if self.random.percent(10) {
            // Someone sets the clock.
            self.wall +=
                i64::try_from(self.random.below(7_200_000_000)).expect("it is small") - 3_600_000_000;
        }
        match end {
            End::Crash => self.disk.crash(),
            End::Kill | End::Halt | End::Done => self.disk.kill(),
        }
    }

    fn begin(&mut self, begun: Instant) -> Life {
        let dead = DeadLimits { letters: 10_000, bytes: 1 << 30 };
        let options = Options { dead, ..Options::default() };
        let disk = Arc::new(self.disk.clone());
        let store = Store::open(disk, Path::new("/state"), options).expect("it can be opened");
        let stored = count_stored(&store);
        self.world.lock().expect("no test has failed").durable = stored;
        let wall = self.wall;
        let now = move || {
            let time = i64::try_from(begun.elapsed().as_micros()).expect("it is short");
            Timestamp::from_micros(wall + time)
        };
        let (current, reads) = (store.current(), Reads::Here);
        let around = Around { current, reads, waker: Arc::new(|| ()), now: Arc::new(now) };
        let metrics: Vec<_> = SINKS.map(|name| Arc::new(SinkMetrics::new(name))).into();
        let lanes = metrics.iter().enumerate().map(|(place, metrics)| Lane {
            name: metrics.name.clone(),
            limits: self.limits,
            longest_wait: self.policy.retry.longest_wait(),
            fallback: (place == DESK).then_some(SPARE),
            metrics: Arc::clone(metrics),
        });
        let (feed, queues) = durable(around, lanes.collect());
        let (halt, halted) = watch::channel(false);
        let mut workers = JoinSet::new();
        for (place, queue) in queues.into_iter().enumerate() {
            let mut chance = Random::new(self.random.bits());
            let random = Mutex::new(Random::new(self.random.bits()));
            let sink = RandomSink { place, most: self.most[place], random, world: Arc::clone(&self.world) };
            let has_fallback = place == DESK;
            let fallback_after = self.policy.fallback_after.filter(|_| has_fallback);
            let policy = Policy { has_fallback, fallback_after, ..self.policy };
            let worker = Worker::new(SINKS[place].into(), sink, queue, policy, Arc::clone(&metrics[place]))
                .with_chance(move || chance.below(1 << 32) as f64 / (1_u64 << 32) as f64);
            let mut halted = halted.clone();
            workers.spawn(async move {
                let halt = async move { drop(halted.wait_for(|halted| *halted).await) };
                worker.run(halt).await
            });
        }
        Life { store, feed, workers, halt, metrics, changes: Vec::new(), stored, decided: stored }
    }

    /// After everything: each alert has reached its sinks or is among those that were given up.
    fn check(&mut self) {
        let disk = Arc::new(self.disk.clone());
        let store = Store::open(disk, Path::new("/state"), Options::default()).expect("it can be opened");
        let snapshot = store.snapshot();
        assert!(snapshot.lanes().values().all(|lane| lane.alerts == 0), "{:?}", snapshot.lanes());
        let letters = snapshot.dead_letters(0, usize::MAX).expect("they can be read");
        let world = self.world.lock().expect("no test has failed");
        assert_eq!(world.durable, world.plan.len());
        let mut dead = [const { Vec::new() }; SINKS.len()];
        for letter in &letters {
            let tries = &letter.alert.tries;
            let sink = SINKS.iter().position(|name| *name == letter.alert.sink).expect("it is one of them");
            let record = world.record(sink, &letter.alert.id);
            assert!(!tries.error.is_empty());
            if world.is_patient {
                assert!(record.refusals > 0 || record.failures >= world.tries, "{letter:?}: {record:?}");
            }
            if !self.is_rough && world.is_patient {
                let failed = record.failures + record.refusals;
                assert_eq!((tries.failed, record.accepted), (failed, 0), "{letter:?}: {record:?}");
                assert!(record.refusals > 0 || failed == world.tries);
            }
            assert!(!dead[sink].contains(&&*letter.alert.id), "{letter:?} is there twice");
            dead[sink].push(&*letter.alert.id);
        }
        assert!(dead[DESK].is_empty(), "what it gives up is forwarded: {dead:?}");
        for (place, planned) in world.plan.iter().enumerate() {
            for sink in (0..SPARE).filter(|sink| planned.goes_to(*sink)) {
                let ends = if sink == DESK { vec![DESK, SPARE] } else { vec![sink] };
                let record =
                    |sink: &usize| world.seen[*sink].records.get(&place).copied().unwrap_or_default();
                let accepted: u32 = ends.iter().map(|sink| record(sink).accepted).sum();
                let is_dead = ends.iter().any(|sink| dead[*sink].contains(&planned.id()));
                assert!(accepted > 0 || is_dead, "{} is lost to {}", planned.id(), SINKS[sink]);
                self.counts.repeats += u64::from(accepted.saturating_sub(1));
                self.counts.spared += u64::from(sink == DESK && record(&SPARE).accepted > 0);
                assert!(self.is_rough || accepted + u32::from(is_dead) == 1);
            }
        }
        self.counts.letters = letters.len() as u64;
        self.counts.attempts = world.attempts;
    }
}

impl Life {
    async fn run(&mut self, play: &mut Play, end: End) -> End {
        for _ in 0..play.random.size(40) {
            if !self.step(play).await {
                return End::Crash;
            }
        }
        match end {
            End::Crash | End::Kill => {
                if play.random.percent(50) {
                    play.disk.crash_at(play.disk.operations() + 1 + play.random.below(25));
                    self.step(play).await;
                }
                return if play.disk.is_down() { End::Crash } else { end };
            }
            End::Halt => {
                self.halt.send_replace(true);
            }
            End::Done => {
                calm(&play.disk);
                play.world.lock().expect("no test has failed").modes = [Mode::Well; SINKS.len()];
                self.decided = play.world.lock().expect("no test has failed").plan.len();
                assert!(self.commit(play));
                self.feed.end();
            }
        }
        self.wind_up(play, end).await;
        end
    }

    /// Some time passes, something happens, and a commit is made.
    async fn step(&mut self, play: &mut Play) -> bool {
        sleep(Duration::from_millis(1 + play.random.below(200))).await;
        let most = play.world.lock().expect("no test has failed").plan.len();
        if play.random.percent(60) {
            self.decided = (self.decided + play.random.size(8)).min(most);
        }
        if play.random.percent(15) {
            play.world.lock().expect("no test has failed").change_mode(&mut play.random);
        }
        if play.is_rough {
            match play.random.size(20) {
                0 => play.disk.fail_syncs(1 + play.random.below(2)),
                1 => play.disk.fail_writes(1 + play.random.below(2)),
                2 => {
                    let first = play.disk.operations() + 1 + play.random.below(25);
                    play.disk.fail_at(first..first + 1);
                }
                3 => play.disk.set_read_only(true),
                _ => calm(&play.disk),
            }
        }
        if self.commit(play) {
            self.enable(play, End::Halt);
        }
        !play.disk.is_down()
    }

    /// Makes a commit, as whoever writes the store does. Returns whether that has worked.
    fn commit(&mut self, play: &mut Play) -> bool {
        self.changes.append(&mut self.feed.take_changes());
        let mut world = play.world.lock().expect("no test has failed");
        let new = &world.plan[self.stored..self.decided];
        let bodies = Planned::bodies(new);
        let alerts: Vec<_> = new.iter().zip(&bodies).flat_map(|(alert, body)| alert.enter(body)).collect();
        let outbox: Vec<OutboxChange<'_>> = self.changes.iter().map(Change::as_outbox_change).collect();
        let head = self.decided.to_be_bytes();
        let committed = if alerts.is_empty() && play.random.percent(50) {
            self.store.change_outbox(&outbox)
        } else {
            let commit = Commit { head: &head, alerts: &alerts, outbox: &outbox, ..Commit::default() };
            self.store.commit(&commit).map(drop)
        };
        match committed {
            Ok(()) => {
                self.changes.clear();
                self.stored = self.decided;
                world.durable = self.decided;
                drop(world);
                self.feed.published();
                true
            }
            Err(error) => {
                assert!(error.is_temporary() && play.is_rough, "{error}");
                play.counts.failed_commits += 1;
                if !play.disk.is_down() {
                    // It may have been stored all the same.
                    world.durable = count_stored(&self.store);
                }
                false
            }
        }
    }

    /// At the end, or now and then, someone enables sinks again.
    fn enable(&mut self, play: &mut Play, end: End) {
        if end != End::Done && !play.random.percent(20) {
            return;
        }
        let lanes = self.store.snapshot().lanes().clone();
        for (sink, _) in lanes.iter().filter(|(_, lane)| lane.disabled.is_some()) {
            play.counts.disabled += 1;
            if self.store.change_outbox(&[OutboxChange::Enabled { sink }]).is_ok() {
                self.feed.published();
            }
        }
    }

    /// Waits for the workers, and stores what they do.
    async fn wind_up(&mut self, play: &mut Play, end: End) {
        calm(&play.disk);
        let begun = Instant::now();
        loop {
            match timeout(Duration::from_millis(50), self.workers.join_next()).await {
                Ok(None) => break,
                Ok(Some(left)) => {
                    let left = left.expect("no worker has failed");
                    assert!(left.lost.is_empty() && (end == End::Halt || left.kept == 0), "{left:?}");
                    play.counts.left += left.kept;
                }
                Err(_) => {
                    assert!(self.commit(play));
                    self.enable(play, end);
                }
            }
            assert!(begun.elapsed() < Duration::from_secs(3_600), "the workers do not end");
        }
        assert!(self.commit(play));
        let lanes = self.store.snapshot().lanes().clone();
        for metrics in &self.metrics {
            let waiting = lanes.get(&metrics.name).map_or(0, |lane| lane.alerts);
            assert_eq!(metrics.waiting.get(), waiting);
        }
    }
}

/// How many alerts are in a store, as its head says.
fn count_stored(store: &Store) -> usize {
    let head = store.snapshot().head().unwrap_or_default();
    head.try_into().map_or(0, usize::from_be_bytes)
}

/// Nothing fails from now on.
fn calm(disk: &SimulatedDisk) {
    disk.fail_syncs(0);
    disk.fail_writes(0);
    disk.fail_at(0..0);
    disk.set_read_only(false);
}

/// A thread that still reads would have a store open that is gone.
fn wait_for_readers(runtime: Runtime) {
    runtime.shutdown_timeout(Duration::from_secs(10));
}

/// What happens over all seeds, and whether they are so many that it shows something.
fn play(is_rough: bool) -> (Counts, bool) {
    let (mut sum, seeds) = (Counts::default(), seeds(40, 1_000));
    let many = seeds.len() >= 40;
    for seed in seeds {
        let counts = Play::new(seed.number, is_rough).run();
        sum.attempts += counts.attempts;
        sum.repeats += counts.repeats;
        sum.letters += counts.letters;
        sum.spared += counts.spared;
        sum.disabled += counts.disabled;
        sum.left += counts.left;
        sum.failed_commits += counts.failed_commits;
    }
    (sum, many)
}

#[test]
fn whatever_happens_each_alert_reaches_its_sinks_in_order_or_is_kept_as_given_up() {
    let (counts, many) = play(true);
    // Otherwise it would show little.
    let Counts { attempts, repeats, letters, left, failed_commits, spared, disabled } = counts;
    let shows = attempts > 1_000 && repeats > 10 && letters > 100 && left > 10 && failed_commits > 50;
    let shows = shows && spared > 50 && disabled > 5;
    assert!(shows || !many, "{counts:?}");
}

#[test]
fn without_crashes_each_alert_is_accepted_once_or_fails_as_often_as_it_may() {
    let (counts, many) = play(false);
    let Counts { attempts, repeats, letters, left, .. } = counts;
    assert!((attempts > 1_000 && letters > 50 && left > 10 || !many) && repeats == 0, "{counts:?}");
}
