//! A service from its start to its end: all of its parts on one thread, each step of them by order.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration as Wait;

use tokio::task::{JoinError, JoinSet};

use crate::archive::Archive;
use crate::disk::simulated::Random;
use crate::disk::{Disk, SimulatedDisk};
use crate::engine::{Engine, EngineOptions};
use crate::event::{Duration, Timestamp};
use crate::journal::{Committer, Journal};
use crate::outbox::{Lane, durable};
use crate::program::Program;
use crate::runtime::checkpoint::writer::{Job, Surroundings as AroundWriter, Writer};
use crate::runtime::checkpoint::{Checkpoint, checkpoints};
use crate::runtime::control::{Health, ServicePart};
use crate::runtime::driver::{Driver, Exit};
use crate::runtime::recovery;
use crate::runtime::routing::desk::Desk;
use crate::runtime::routing::durable::Routing;
use crate::runtime::routing::memory::Post;
use crate::runtime::shelf::Memory;
use crate::sink::retry::RetryPolicy;
use crate::sink::worker::{Policy, Worker};
use crate::source::gate::{Backlog, Forwarder, Listening, Wanted, gate, recover};
use crate::source::http::Intake;
use crate::source::positions::{Positions, Resume};
use crate::source::queue::{Receiver, Sender, queue};
use crate::source::reader::Batch;
use crate::source::{Clock, Inlet, Input, LastThings, PartitionNumbers, Stop, Surroundings, Troubles};
use crate::store::{Current, Store};
use crate::stored::{Shelf, Space};
use crate::telemetry::Metrics;
use crate::watch;

use super::book::{Book, Entry};
use super::check::{check_outbox, to_sinks};
use super::engines::{check_left, feed, restore, timeless};
use super::log::Log;
use super::rules::Rules;
use super::say;
use super::settings::Settings;
use super::sinks::{Answer, Outside, SINKS};
use super::sources::{Commands, SOURCES, WEB, identity};

/// How often a checkpoint is due. So short that how long the machine takes for one does not matter.
const EVERY: Duration = Duration::from_micros(50_000);

/// A clock that stands until it is moved.
#[derive(Debug, Default)]
pub struct SimulatedClock(AtomicI64);

impl SimulatedClock {
    pub fn advance(&self, time: Wait) {
        let micros = i64::try_from(time.as_micros()).expect("it is short");
        self.0.fetch_add(micros, Ordering::Relaxed);
    }

    pub fn millis(&self) -> u64 {
        u64::try_from(self.now().as_micros() / 1_000).expect("it is after 1970")
    }

    pub fn set(&self, seconds: i64) {
        self.0.store(seconds * 1_000_000, Ordering::Relaxed);
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed))
    }
}

/// What outlasts a service.
#[derive(Clone)]
pub struct Lasting {
    pub disk: SimulatedDisk,
    pub clock: Arc<SimulatedClock>,
    pub outside: Outside,
    pub book: Arc<Mutex<Book>>,
    pub settings: Arc<Settings>,
    pub rules: Rules,
}

/// A service that runs.
pub struct Life {
    lasting: Lasting,
    pub program: Arc<Program>,
    pub driver: Driver<Post>,
    pub writer: Writer,
    pub committer: Committer,
    pub journal: Journal,
    pub current: Current,
    queue: Receiver,
    jobs: mpsc::Receiver<Job>,
    /// A checkpoint that is made and that the writer has not taken.
    checkpoint: Option<(Timestamp, Box<Checkpoint>)>,
    /// The one that it has.
    under_way: Option<Timestamp>,
    /// What sources get; `None` when they are to end.
    pub around: Option<Surroundings>,
    pub metrics: Arc<Metrics>,
    pub health: Health,
    pub intake: Option<Arc<Intake>>,
    /// The sources that read.
    pub commands: Vec<(usize, usize, Commands)>,
    pub tasks: JoinSet<()>,
    workers: JoinSet<()>,
    /// What waits for the disk.
    backlog: Arc<Backlog>,
    /// While the journal is worked off, where partitions become quiet: an engine that never hears what time it is.
    timeless: Option<Engine>,
    /// How many events had come too late for it by the last checkpoint.
    late_before: u64,
    halt: watch::Sender<bool>,
    _stop: watch::Sender<bool>,
}

/// Why a life is over, or does not begin.
#[derive(Debug)]
pub struct Over(pub String);

impl Life {
    /// Starts a service, as far as to where its sources begin.
    ///
    /// # Errors
    /// When the disk does not let it.
    pub async fn begin(lasting: &Lasting, shards: usize, log: &mut Log) -> Result<Life, Over> {
        let Lasting { disk, clock, outside, settings, rules, .. } = lasting.clone();
        let shared: Arc<dyn Disk> = Arc::new(disk);
        outside.forget();
        let state = settings.state(EVERY, rules.resets);
        let store = Store::open(Arc::clone(&shared), &state.path, settings.store);
        let store = store.map_err(|error| Over(error.to_string()))?;
        let olds = recovery::old_rules(&state, &store).map_err(|error| Over(format!("{error:#}")))?;
        let program = rules.after(&olds);
        let metrics = metrics(&program);
        let opened = recovery::open_on(Arc::clone(&shared), &state, store, &metrics);
        let (opened, committer) = opened.map_err(|error| Over(format!("{error:#}")))?;
        let recovery::Opened { store, positions, journal, listening, state, settled } = opened;
        let options = EngineOptions { max_ahead: None, shards, ..EngineOptions::LIVE };
        let memory = state.memory.map(|limit| Memory {
            limit: usize::try_from(limit).expect("it is small"),
            shelf: Arc::new(LastCheckpoint(store.current())),
        });
        let (engine, left) = restore(store.snapshot(), &program, options, memory)?;
        let timeless = match rules.idle() {
            true => Some(timeless(store.snapshot(), &program, clock.now())?),
            false => None,
        };
        log.go_on(store.snapshot());
        lasting.book.lock().expect("no panic").go_on(&log.entries);
        check_outbox(lasting, log, store.snapshot());
        let is_changed = log.go_on_with(rules);
        check_left(&left, rules, is_changed);

        let counted = metrics.checkpoints.clone().expect("a service with a store counts its checkpoints");
        let (checkpoints, waker, jobs, reply) = checkpoints(state.checkpoint, counted);
        let (current, now) = (store.current(), Arc::clone(&clock));
        let around = durable::Around {
            reads: durable::Reads::Here,
            current: current.clone(),
            waker: Arc::new(move || drop(waker.send(Job::Settled))),
            now: Arc::new(move || now.now()),
        };
        let (halt, halted) = watch::channel(false);
        let (feed, workers) = start_sinks(around, &settings, &metrics, &outside, &halted);
        let health = Health::starting();
        let backlog = Arc::clone(listening.backlog());
        health.ask(ServicePart::Journal, move || backlog.reason().map(|why| why.to_string()));
        let (desk, counted) = (Desk::default(), Arc::clone(&metrics.routing));
        let routing = Routing::open(Arc::new(to_sinks()), store.snapshot(), desk, counted)
            .map_err(|error| Over(error.to_string()))?;
        let around = AroundWriter {
            elsewhere: None,
            routing,
            feed,
            journal: journal.clone(),
            clock: clock.clone(),
            metrics: Arc::clone(&metrics),
            health: health.clone(),
            settled,
            max_outbox: state.max_outbox,
            archive: Archive::default(),
            keep_alerts: state.keep_alerts,
            disk: shared,
        };
        let writer = Writer::new(store, around, reply);
        let driver = Driver::new(engine, Exit::Checkpoints(checkpoints), clock.clone(), Arc::clone(&metrics))
            .resuming(positions.clone())
            .behind(Arc::clone(listening.backlog()));
        let (sender, receiver) = queue(settings.queue);
        let (stop, stopped) = watch::channel(false);
        let around = Surroundings {
            limits: settings.limits,
            numbers: Arc::default(),
            queue: sender.clone(),
            gate: None,
            resume: Resume::default(),
            quarantine: None,
            flow: Arc::default(),
            settled: watch::channel(Arc::default()).1,
            last: LastThings::default(),
            troubles: Troubles::default(),
            stop: Stop::new(stopped),
            clock,
        };
        health.started();
        let mut life = Life {
            lasting: lasting.clone(),
            program,
            driver,
            writer,
            committer,
            journal,
            current,
            queue: receiver,
            jobs,
            checkpoint: None,
            under_way: None,
            around: Some(around),
            metrics,
            health,
            intake: None,
            commands: Vec::new(),
            tasks: JoinSet::new(),
            workers,
            backlog: Arc::clone(listening.backlog()),
            late_before: timeless.as_ref().map_or(0, |timeless| timeless.counters().late),
            timeless,
            halt,
            _stop: stop,
        };
        let positions = life.recover(positions, &sender, log).await?;
        life.open_gate(positions, &listening, sender);
        Ok(life)
    }

    /// Works off the journal. The engine works meanwhile, and is stored.
    async fn recover(
        &mut self,
        mut positions: Positions,
        sender: &Sender,
        log: &mut Log,
    ) -> Result<Positions, Over> {
        let around = self.around.clone().expect("nothing has ended");
        let (program, journal) = (Arc::clone(&self.program), self.journal.clone());
        let wanted = |source: usize| Wanted {
            inlet: Inlet::new(identity(source, &program, &self.metrics), around.clone()),
            has: SOURCES[source].2,
        };
        let wanted: Vec<Wanted> = (0..SOURCES.len()).map(wanted).collect();
        {
            let streams = |name: &str| program.input(name).ok();
            let mut recovering = std::pin::pin!(recover(&journal, &mut positions, &wanted, streams, sender));
            let mut tries = 0;
            loop {
                tokio::select! {
                    biased;
                    queued = self.queue.recv(), if !self.is_full() => {
                        self.take(queued.expect("the sender is here").input, log);
                    }
                    done = &mut recovering => break done.map_err(|error| Over(error.to_string()))?,
                    () = std::future::ready(()), if self.is_full() => {
                        // Perhaps because of alerts that wait.
                        SINKS.iter().for_each(|sink| self.lasting.outside.answer(sink, Answer::Take(4)));
                        self.pass(Wait::from_millis(500)).await;
                    }
                };
                // As the threads beside it would, some time.
                if self.lasting.settings.stores_while_recovering || self.is_full() {
                    self.keep(log)?;
                    tries += u32::from(!self.store(log)?);
                }
                if tries > 50 {
                    return Err(Over("the disk is in trouble".into()));
                }
            }
        };
        while let Ok(queued) = self.queue.try_recv() {
            self.take(queued.input, log);
        }
        if let Some(timeless) = self.timeless.take() {
            let late = timeless.counters().late - self.late_before;
            assert_eq!(self.late(), late, "time went on past what was in the journal");
        }
        Ok(positions)
    }

    fn is_full(&self) -> bool {
        self.driver.is_full() || !self.is_readable()
    }

    /// Lets records in.
    fn open_gate(&mut self, positions: Positions, listening: &Listening, sender: Sender) {
        let settings = &self.lasting.settings;
        let (gate, forwarder) = gate(self.journal.clone(), listening, sender, settings.queue.bytes);
        self.tasks.spawn(Forwarder::run(forwarder));
        let program = &self.program;
        let around = self.around.as_mut().expect("nothing has ended");
        around.gate = Some(gate);
        let names = program.streams().iter().map(|stream| stream.name.as_str());
        around.numbers = Arc::new(PartitionNumbers::after(&positions, names));
        around.resume = Resume::at(positions);
        let inlet = Inlet::new(identity(WEB, program, &self.metrics), around.clone());
        self.intake = Some(Arc::new(Intake::new(inlet, 100)));
    }

    fn take(&mut self, input: Input, log: &mut Log) {
        let entry = Entry::of(&input);
        self.lasting.book.lock().expect("no panic").note(&entry);
        say(|| format!("  {}: {}", log.entries.len(), shown(&input)));
        match input {
            Input::Events { source, stream, partition, batch, arrival, reached }
                if self.lasting.rules.idle() =>
            {
                // One by one, so that it is seen which of them come too late.
                for event in batch.events {
                    let events = vec![event.clone()];
                    let batch = Batch { events, bytes: 0, count: 1, records: None };
                    let reached = reached.clone();
                    let late = self.late();
                    self.driver.take(Input::Events { source, stream, partition, batch, arrival, reached });
                    let is_late = self.late() > late;
                    log.entries.push(if is_late { Entry::Late } else { Entry::Events }(vec![event]));
                    self.follow(log.entries.last().expect("one was pushed"));
                }
            }
            input => {
                log.entries.push(entry);
                self.driver.take(input);
                self.follow(log.entries.last().expect("one was pushed"));
            }
        }
    }

    /// How many events have come too late.
    fn late(&self) -> u64 {
        self.metrics.sources.iter().map(|source| source.late.get()).sum()
    }

    /// The engine that knows no time does the same.
    fn follow(&mut self, entry: &Entry) {
        if let Some(timeless) = &mut self.timeless {
            feed(timeless, std::slice::from_ref(entry), self.lasting.clock.now());
        }
    }

    /// The engine takes at most so many inputs. Returns whether there will be no more.
    pub fn work(&mut self, most: usize, log: &mut Log) -> bool {
        self.look_after_tasks();
        for _ in 0..most {
            if self.driver.is_full() || !self.is_readable() {
                return false;
            }
            match self.queue.try_recv() {
                Ok(queued) => self.take(queued.input, log),
                Err(error) => return error == tokio::sync::mpsc::error::TryRecvError::Disconnected,
            }
        }
        false
    }

    /// What is wrong in a task is wrong.
    fn look_after_tasks(&mut self) {
        let ended = || self.tasks.try_join_next().or_else(|| self.workers.try_join_next());
        for ended in std::iter::from_fn(ended) {
            if let Err(Ok(panic)) = ended.map_err(JoinError::try_into_panic) {
                std::panic::resume_unwind(panic);
            }
        }
    }

    /// Whether the engine finds what it has no room for. If not, it would wait for that.
    fn is_readable(&self) -> bool {
        let snapshot = self.current.get();
        snapshot.number() == 0 || snapshot.head().is_ok()
    }

    /// Nothing has come for a while.
    pub fn rest(&mut self) {
        if self.is_readable() {
            let (is_behind, before) =
                (self.backlog.is_behind(self.lasting.clock.now()), self.driver.watermark());
            self.driver.rest();
            let stands = !is_behind || self.driver.watermark() == before;
            assert!(stands, "time went on past what waits for the disk");
        }
    }

    /// Makes a checkpoint, if anything has happened.
    pub fn keep(&mut self, log: &mut Log) -> Result<(), Over> {
        self.lasting
            .clock
            .advance(Wait::from_micros(EVERY.as_micros().unsigned_abs()) + Wait::from_millis(1));
        self.driver.keep().map_err(|error| self.unless_down(&error))?;
        self.look_for_jobs(log);
        Ok(())
    }

    /// The same for the last one. Returns whether all is stored.
    pub fn keep_last(&mut self, log: &mut Log) -> Result<bool, Over> {
        self.lasting.clock.advance(Wait::from_millis(1));
        let is_done = self.driver.keep_last().map_err(|error| self.unless_down(&error))?;
        self.look_for_jobs(log);
        Ok(is_done)
    }

    /// Only when the power has gone may the state not be storable for good.
    fn unless_down(&self, error: &anyhow::Error) -> Over {
        assert!(self.lasting.disk.is_down(), "{error:#}");
        Over("the power has gone".into())
    }

    fn look_for_jobs(&mut self, log: &mut Log) {
        while let Ok(job) = self.jobs.try_recv() {
            if let Job::Checkpoint(checkpoint) = job {
                let time = checkpoint.time;
                say(|| format!("  checkpoint {time} of {} inputs", log.entries.len()));
                let before = log.made.insert(time, (log.entries.len(), log.rules.len()));
                assert!(before.is_none() && self.checkpoint.is_none(), "one at a time");
                self.checkpoint = Some((time, checkpoint));
            }
        }
    }

    /// Stores what there is to store. Returns whether that was done.
    pub fn store(&mut self, log: &mut Log) -> Result<bool, Over> {
        if let Some((time, checkpoint)) = self.checkpoint.take() {
            self.under_way = Some(time);
            self.writer.take(*checkpoint);
        }
        let is_done = self.writer.work();
        say(|| format!("  stored: {is_done}, at operation {}", self.lasting.disk.operations()));
        if is_done && let Some(time) = self.under_way.take() {
            // Unless it has failed for good, which the driver says.
            log.reported = Some(time);
        }
        match self.lasting.disk.is_down() {
            true => Err(Over("the power has gone".into())),
            false => Ok(is_done),
        }
    }

    /// The journal is written.
    pub fn round(&mut self) -> Result<(), Over> {
        self.committer.round();
        say(|| {
            format!(
                "  journal: durable {}, at operation {}",
                self.journal.status().durable,
                self.lasting.disk.operations()
            )
        });
        match self.lasting.disk.is_down() {
            true => Err(Over("the power has gone".into())),
            false => Ok(()),
        }
    }

    /// Ends as a service does that is asked to stop. `delivers`: the sinks work until nothing is left.
    ///
    /// # Errors
    /// When the disk does not let it end like that.
    pub async fn stop(mut self, delivers: bool, log: &mut Log) -> Result<(), Over> {
        (self.around, self.intake) = (None, None);
        self.commands.clear();
        let mut tries = 0..60;
        let mut again = || tries.next().map(drop).ok_or_else(|| Over("the disk is in trouble".into()));
        loop {
            again()?;
            self.settle().await;
            self.round()?;
            self.keep(log)?;
            self.store(log)?;
            if self.work(usize::MAX, log) {
                break;
            }
        }
        self.driver.finish();
        while !self.keep_last(log)? {
            again()?;
            self.store(log)?;
        }
        self.writer.last_alert();
        if delivers {
            self.lasting.outside.open(true);
            while self.workers.join_next().await.is_some() {}
        }
        self.halt.send_replace(true);
        while self.workers.join_next().await.is_some() {}
        self.writer.end();
        self.committer.finish();
        match self.lasting.disk.is_down() {
            true => Err(Over("the power has gone".into())),
            false => Ok(()),
        }
    }

    /// Ends at once: nothing of it does anything any more.
    pub async fn end(mut self) {
        self.look_after_tasks();
        self.tasks.shutdown().await;
        self.workers.shutdown().await;
    }

    /// Lets all who can go on do so, which takes a moment of the clock.
    pub async fn settle(&self) {
        self.pass(Wait::from_millis(1)).await;
    }

    /// Lets time pass.
    pub async fn pass(&self, time: Wait) {
        // With a clock that stands, this ends when nobody else has anything to do.
        tokio::time::sleep(time).await;
        self.lasting.clock.advance(time);
    }

    /// Whether everything that was decided is stored and delivered.
    pub fn is_done(&mut self, log: &mut Log) -> Result<bool, Over> {
        let is_empty = self.current.get().lanes().values().all(|lane| lane.alerts == 0);
        Ok(self.keep_last(log)? && is_empty && self.queue.inputs() == 0)
    }
}

/// Where keys are that are not in memory.
struct LastCheckpoint(Current);

impl Shelf for LastCheckpoint {
    fn row(&self, space: Space, group: u16, key: &[u8]) -> Option<Vec<u8>> {
        // The engine does nothing while nothing can be read.
        self.0.get().row(space.number(), group, key).unwrap_or_else(|error| panic!("{error}"))
    }
}

/// An input for people.
fn shown(input: &Input) -> String {
    let Input::Events { source, stream, partition, batch, reached, .. } = input else {
        return format!("{input:?}");
    };
    let records: Vec<_> = batch.events.iter().map(|event| String::from_utf8_lossy(event.raw())).collect();
    format!(
        "source {source}, {stream:?} {partition:?}, journal {}, up to {}: {records:?}",
        reached.journal, reached.offset
    )
}

fn metrics(program: &Program) -> Arc<Metrics> {
    let rules = program.rules().iter().map(|rule| &*rule.name);
    Arc::new(Metrics::new(SOURCES.map(|(name, _, _)| name), rules, SINKS).with_state())
}

fn start_sinks(
    around: durable::Around,
    settings: &Settings,
    metrics: &Metrics,
    outside: &Outside,
    halted: &watch::Receiver<bool>,
) -> (durable::Feed, JoinSet<()>) {
    let retry = RetryPolicy {
        tries: Some(settings.tries),
        give_up_after: Wait::from_secs(1_000_000_000),
        backoff: Wait::from_millis(500),
        max_backoff: Wait::from_secs(2),
        max_pause: Wait::from_secs(2),
        max_retry_after: Wait::from_secs(10),
    };
    let policy = Policy { retry, concurrency: 1, rate: None, has_fallback: false, fallback_after: None };
    let lane = |(place, name): (usize, &&str)| Lane {
        name: (*name).to_owned(),
        limits: settings.lane,
        longest_wait: retry.longest_wait(),
        fallback: None,
        metrics: Arc::clone(&metrics.sinks[place]),
    };
    let (feed, queues) = durable::durable(around, SINKS.iter().enumerate().map(lane).collect());
    let mut workers = JoinSet::new();
    for ((name, queue), metrics) in SINKS.into_iter().zip(queues).zip(&metrics.sinks) {
        let sink = outside.sink(name);
        // All times are whole milliseconds: how parts of these are rounded is no part of the seed.
        let mut chance = Random::new(settings.chance);
        let worker = Worker::new(name.to_owned(), sink, queue, policy, Arc::clone(metrics))
            .with_chance(move || chance.below(4) as f64 / 4.0);
        let mut halted = halted.clone();
        workers.spawn(async move {
            let halt = async move { drop(halted.wait_for(|halted| *halted).await) };
            worker.run(halt).await;
        });
    }
    (feed, workers)
}
