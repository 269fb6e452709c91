//! Drives the engine on a thread of its own.
//!
//! Enters: batches of events from the sources' queue. Leaves: alerts to the outbox. Time comes from
//! the clock it is given. While nothing comes, the engine learns a few times a second what time it
//! is, so that quiet partitions can let go of event time. When the queue has ended, event time stays
//! where it is: this is a live stream, and what has not happened yet may still happen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration as Wait;

use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::engine::{Engine, Refused};
use crate::event::{Duration, Event, SequencePoint, Timestamp};
use crate::outbox::Outbox;
use crate::quarantine::late::Late;
use crate::quarantine::writer::{Burst, Writer};
use crate::source::queue::{Queued, Receiver};
use crate::source::reader::Batch;
use crate::source::{Clock, Input};
use crate::table::Tables;
use crate::telemetry::Metrics;
use crate::telemetry::limit::{RateLimit, Verdict};

use super::reload::Replacement;

/// How often the engine learns what time it is.
const TICK: Duration = Duration::from_micros(250_000);
/// An input that has waited longer than this shows that the engine is behind.
const BEHIND: Duration = Duration::from_micros(1_000_000);
/// How many refused events are logged each second.
const LOGGED: u64 = 10;

/// The engine with what it is connected to.
pub struct Driver<O> {
    engine: Engine,
    outbox: O,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    ticked: Timestamp,
    refusals: RateLimit,
    /// Contents of lists and tables that are to be put in the place of those in use.
    replacements: Option<mpsc::Receiver<Replacement>>,
    /// Where late events are kept; `None`: they are not.
    late: Option<Writer>,
}

impl<O: Outbox> Driver<O> {
    /// Connects an engine. `metrics` has the sources that inputs name.
    pub fn new(engine: Engine, outbox: O, clock: Arc<dyn Clock>, metrics: Arc<Metrics>) -> Driver<O> {
        let refusals = RateLimit::new(LOGGED, Duration::SECOND);
        Driver {
            engine,
            outbox,
            clock,
            metrics,
            ticked: Timestamp::MIN,
            refusals,
            replacements: None,
            late: None,
        }
    }

    /// The same with a source of new contents for lists and tables. They are taken between two
    /// inputs.
    pub fn with_replacements(mut self, replacements: mpsc::Receiver<Replacement>) -> Driver<O> {
        self.replacements = Some(replacements);
        self
    }

    /// The same with a place for events that come too late.
    pub fn keeping_late(mut self, writer: Option<Writer>) -> Driver<O> {
        self.late = writer;
        self
    }

    /// Works off `queue` until it ends, or until `halt` is set. Returns how many inputs were left.
    /// Waits on `runtime`; for a thread of its own.
    pub fn run(mut self, mut queue: Receiver, runtime: &Handle, halt: &AtomicBool) -> usize {
        let patience = Wait::from_micros(TICK.as_micros().unsigned_abs());
        while !halt.load(Ordering::Relaxed) {
            match queue.try_recv() {
                Ok(Queued { input, .. }) => self.take(input),
                Err(TryRecvError::Disconnected) => return 0,
                Err(TryRecvError::Empty) => {
                    match runtime.block_on(async { timeout(patience, queue.recv()).await }) {
                        Ok(Some(Queued { input, .. })) => self.take(input),
                        Ok(None) => return 0,
                        Err(_) => self.rest(),
                    }
                }
            }
        }
        queue.close();
        let mut left = 0;
        while queue.try_recv().is_ok() {
            left += 1;
        }
        left
    }

    /// Works on one input.
    pub fn take(&mut self, input: Input) {
        self.replace_tables();
        let now = self.clock.now();
        match input {
            Input::Opened { stream, partition } => self.engine.open(stream, partition, now),
            Input::Closed { stream, partition } => self.engine.close(stream, partition),
            Input::Events { source, batch, arrival } => {
                self.push(source, batch, now);
                // While the engine is behind, partitions that seem quiet may have sent what still
                // waits for its turn; they must not let go of event time.
                if arrival.saturating_add(BEHIND) >= now {
                    self.tick_if_due(now);
                }
            }
        }
        self.hand_over();
    }

    /// Nothing has come for a while.
    pub fn rest(&mut self) {
        self.replace_tables();
        self.tick_if_due(self.clock.now());
        self.hand_over();
    }

    fn replace_tables(&mut self) {
        while let Some(Ok(replacement)) = self.replacements.as_ref().map(mpsc::Receiver::try_recv) {
            let mut tables = Tables::clone(self.engine.tables());
            for (id, content) in replacement {
                let index = id.0 as usize;
                if let Some(metrics) = self.metrics.tables.get(index) {
                    metrics.reloads.add(1);
                    metrics.entries.set(content.entries() as u64);
                    metrics.bytes.set(content.size() as u64);
                }
                let name = &self.engine.program().tables()[index].name;
                info!(table = %name, version = %content.version(), entries = content.entries(), "replaced");
                tables.set(id, content);
            }
            self.engine.set_tables(Arc::new(tables));
        }
    }

    fn push(&mut self, source: usize, batch: Batch, now: Timestamp) {
        let mut late = Burst::default();
        for event in batch.events {
            let point = event.point();
            let kept = self.late.is_some().then(|| event.clone());
            if let Err(refused) = self.engine.push(event, now) {
                self.report(source, point, refused, now);
                if let (Some(event), Refused::Late(by)) = (kept, refused) {
                    late.push(&self.late_line(source, &event, by, now));
                }
            }
        }
        if let Some(writer) = &self.late {
            writer.put_blocking(late);
        }
    }

    /// The line by which a late event is kept.
    fn late_line(&self, source: usize, event: &Event, by: Duration, now: Timestamp) -> Vec<u8> {
        let stream = &self.engine.program().schema(event.stream()).name;
        let source = &self.metrics.sources[source].name;
        Late { time: now, source, stream, event, by }.to_line()
    }

    fn report(&mut self, source: usize, point: SequencePoint, refused: Refused, now: Timestamp) {
        let metrics = &self.metrics.sources[source];
        let (kind, by) = match refused {
            Refused::Late(by) => {
                metrics.late.add(1);
                ("late", by)
            }
            Refused::Future(by) => {
                metrics.future.add(1);
                ("too far ahead of the clock", by)
            }
        };
        if let Verdict::Show { held_back } = self.refusals.check(now) {
            warn!(
                source = %metrics.name,
                partition = point.position.partition.0,
                offset = point.position.offset,
                time = %point.time,
                by = %by,
                not_logged = held_back,
                "did not take an event: {kind}"
            );
        }
    }

    fn tick_if_due(&mut self, now: Timestamp) {
        // A clock that was set back must not stop the ticks until it has caught up.
        if now >= self.ticked.saturating_add(TICK) || now < self.ticked {
            self.ticked = now;
            self.engine.tick(now);
        }
    }

    fn hand_over(&mut self) {
        let alerts = self.engine.take_alerts();
        if !alerts.is_empty() {
            self.outbox.put(alerts);
        }
        let counters = self.engine.rule_counters();
        self.metrics.engine.events.follow(self.engine.counters().events);
        self.metrics.engine.keyless.follow(counters.keyless);
        self.metrics.engine.waiting.set(self.engine.waiting() as u64);
        self.metrics.engine.runs.set(self.engine.live_runs() as u64);
        self.metrics.engine.past.set(self.engine.past_events() as u64);
        for (index, metrics) in self.metrics.rules.iter().enumerate() {
            metrics.alerts.follow(counters.alerts[index]);
            metrics.held_back.follow(counters.held_back[index]);
            metrics.groups_forgotten.follow(counters.groups_forgotten[index]);
            metrics.limits.follow(counters.limits[index]);
            metrics.forgotten.follow(counters.forgotten[index]);
            metrics.faults.follow(counters.faults[index]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::sync::atomic::AtomicI64;

    use crate::alert::Alert;
    use crate::codec::Decoder;
    use crate::codec::json::JsonDecoder;
    use crate::diagnostic::Sources;
    use crate::engine::EngineOptions;
    use crate::event::{PartitionId, Position, StreamId};
    use crate::program::Program;
    use crate::source::queue::{QueueLimits, queue};

    const RULES: &str = r#"
stream quiet time at idle 10s { id string, at timestamp(s) }
rule lonely {
  event e = quiet where id != ""
  match e then not quiet for 5s
  alert low "{e.id}" {}
  to out
}
"#;

    #[derive(Default)]
    struct ManualClock(AtomicI64);

    impl ManualClock {
        fn set(&self, second: i64) {
            self.0.store(second * 1_000_000, Ordering::Relaxed);
        }
    }

    impl Clock for ManualClock {
        fn now(&self) -> Timestamp {
            Timestamp::from_micros(self.0.load(Ordering::Relaxed))
        }
    }

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<String>>>);

    impl Outbox for Kept {
        fn put(&mut self, alerts: Vec<Alert>) {
            let titles = alerts.into_iter().map(|alert| alert.title);
            self.0.lock().expect("no panic").extend(titles);
        }
    }

    struct Bench {
        driver: Driver<Kept>,
        clock: Arc<ManualClock>,
        kept: Kept,
        metrics: Arc<Metrics>,
        decoder: JsonDecoder,
    }

    impl Bench {
        fn new() -> Bench {
            let (program, problems) = Program::compile(&Sources::new([("a.trip", RULES)]));
            let program = Arc::new(program.unwrap_or_else(|| panic!("{problems:?}")));
            let decoder = JsonDecoder::new(StreamId(0), &program.streams()[0]);
            let clock = Arc::new(ManualClock::default());
            let kept = Kept::default();
            let metrics = Arc::new(Metrics::new(["s"], ["lonely"], []));
            let engine = Engine::new(program, EngineOptions::LIVE);
            let driver = Driver::new(engine, kept.clone(), clock.clone(), metrics.clone());
            Bench { driver, clock, kept, metrics, decoder }
        }

        /// An event of a partition that arrived at a second and is worked on at another.
        fn input(&mut self, partition: u32, at: i64, arrival: i64) -> Input {
            let record = format!("{{\"id\":\"p{partition}@{at}\",\"at\":{at}}}");
            let position = Position { partition: PartitionId(partition), offset: at.unsigned_abs() };
            let arrival = Timestamp::from_micros(arrival * 1_000_000);
            let event = self
                .decoder
                .decode(record.as_bytes(), position, arrival)
                .expect("well-formed")
                .expect("an event");
            Input::Events { source: 0, batch: Batch { events: vec![event], bytes: record.len() }, arrival }
        }

        fn take(&mut self, partition: u32, at: i64, arrival: i64) {
            let input = self.input(partition, at, arrival);
            self.driver.take(input);
        }

        fn open(&mut self, partition: u32) {
            self.driver.take(Input::Opened { stream: StreamId(0), partition: PartitionId(partition) });
        }

        fn alerts(&self) -> Vec<String> {
            self.kept.0.lock().expect("no panic").clone()
        }
    }

    #[test]
    fn the_clock_lets_quiet_partitions_go_while_nothing_comes() {
        let mut bench = Bench::new();
        bench.clock.set(100);
        bench.open(0);
        bench.take(0, 100, 100);
        bench.clock.set(109);
        bench.driver.rest();
        assert_eq!(bench.alerts(), [] as [&str; 0], "9 s are not idle yet");
        bench.clock.set(111);
        bench.driver.rest();
        assert_eq!(bench.alerts(), ["p0@100"]);
    }

    #[test]
    fn nobody_is_quiet_while_the_engine_is_behind() {
        let mut bench = Bench::new();
        bench.clock.set(100);
        bench.open(0);
        bench.open(1);
        bench.take(0, 100, 100);
        bench.take(1, 100, 100);
        // The engine was busy for 20 s; what partition 1 has sent meanwhile still waits.
        bench.clock.set(120);
        bench.take(0, 110, 110);
        assert_eq!(bench.alerts(), [] as [&str; 0], "partition 1 may have sent something");
        bench.take(1, 101, 101);
        bench.take(0, 120, 120);
        assert_eq!(bench.alerts(), [] as [&str; 0], "its last word was just now");
        bench.clock.set(131);
        bench.driver.rest();
        assert_eq!(bench.alerts(), ["p1@101", "p0@110", "p0@120"]);
    }

    #[test]
    fn refused_events_are_counted_with_their_source() {
        let mut bench = Bench::new();
        bench.clock.set(1_000);
        bench.open(0);
        bench.take(0, 1_000, 1_000);
        bench.take(0, 990, 1_000);
        bench.take(0, 1_000 + 2 * 86_400, 1_000);
        let metrics = &bench.metrics;
        assert_eq!((metrics.sources[0].late.get(), metrics.sources[0].future.get()), (1, 1));
        assert_eq!(metrics.engine.events.get(), 1);
    }

    #[test]
    fn the_queue_is_worked_off_to_its_end_and_event_time_stays() {
        let mut bench = Bench::new();
        bench.clock.set(100);
        let inputs = [bench.input(0, 100, 100), bench.input(0, 107, 100)];
        let (sender, queue) = queue(QueueLimits { inputs: 4, bytes: 1 << 20 });
        for input in inputs {
            sender.try_send_all(vec![input]).expect("there is room");
        }
        drop(sender);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let kept = bench.kept.clone();
        let left = bench.driver.run(queue, runtime.handle(), &AtomicBool::new(false));
        assert_eq!(left, 0);
        assert_eq!(*kept.0.lock().expect("no panic"), ["p0@100"], "what comes after 107 is open");
    }

    #[test]
    fn a_halt_leaves_the_rest() {
        let mut bench = Bench::new();
        let input = bench.input(0, 100, 100);
        let (sender, queue) = queue(QueueLimits { inputs: 4, bytes: 1 << 20 });
        sender.try_send_all(vec![input]).expect("there is room");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        assert_eq!(bench.driver.run(queue, runtime.handle(), &AtomicBool::new(true)), 1);
        assert!(sender.try_send_all(Vec::new()).is_err());
    }
}
