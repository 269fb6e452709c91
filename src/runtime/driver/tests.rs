//! The driver with a clock that stands where it is put.

use super::*;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::AtomicI64;

use crate::alert::Alert;
use crate::codec::Decoder;
use crate::codec::json::JsonDecoder;
use crate::diagnostic::Sources;
use crate::disk::SimulatedDisk;
use crate::engine::{Engine, EngineOptions};
use crate::event::{Position, StreamId};
use crate::journal::{Journal, Options};
use crate::program::Program;
use crate::source::gate::{Listening, Load, gate};
use crate::source::positions::{Kind, Origin, Reached};
use crate::source::queue::{QueueLimits, queue};
use crate::source::reader::Records;
use crate::telemetry::catalogue::JournalMetrics;

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
    fn put(&mut self, alerts: Vec<Alert>, _limited: Vec<(Alert, u64)>) {
        let titles = alerts.into_iter().map(|alert| alert.title);
        self.0.lock().expect("no panic").extend(titles);
    }
}

/// Events of one partition that arrived together.
fn events(events: Vec<Event>, bytes: usize, arrival: Timestamp) -> Input {
    let (stream, partition) = (StreamId(0), events[0].position().partition);
    let offset = events.last().map_or(0, |event| event.position().offset + 1);
    let reached = Reached { offset, ..Reached::default() };
    let batch = Batch { events, bytes, ..Batch::default() };
    Input::Events { source: 0, stream, partition, batch, arrival, reached }
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
        Bench::of(RULES)
    }

    fn of(rules: &str) -> Bench {
        let (program, problems) = Program::compile(&Sources::new([("a.trip", rules)]));
        let program = Arc::new(program.unwrap_or_else(|| panic!("{problems:?}")));
        let decoder = JsonDecoder::new(StreamId(0), &program.streams()[0]);
        let clock = Arc::new(ManualClock::default());
        let kept = Kept::default();
        let metrics = Arc::new(Metrics::new(["s"], ["lonely"], []));
        let engine = Engine::new(program, EngineOptions::LIVE);
        let driver = Driver::new(engine, Exit::Outbox(kept.clone()), clock.clone(), metrics.clone());
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
        events(vec![event], record.len(), arrival)
    }

    fn take(&mut self, partition: u32, at: i64, arrival: i64) {
        let input = self.input(partition, at, arrival);
        self.driver.take(input);
    }

    fn open(&mut self, partition: u32) {
        let origin = Arc::new(Origin { source: "s".into(), kind: Kind::Connection("peer".into()) });
        self.driver.take(Input::Opened { stream: StreamId(0), partition: PartitionId(partition), origin });
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
fn partitions_that_are_ahead_pause_until_the_others_have_caught_up() {
    let mut bench = Bench::new();
    let flow = Arc::new(Flow::default());
    let one = bench.input(0, 0, 0);
    let Input::Events { batch, .. } = one else { unreachable!() };
    let size = batch.events[0].footprint();
    bench.driver = bench.driver.with_reorder_bound(10 * size, Arc::clone(&flow));
    let id = |partition| (StreamId(0), PartitionId(partition));
    bench.clock.set(100);
    bench.open(0);
    bench.open(1);
    let (mut sent, mut at) = (0, 100);
    while !flow.is_paused(id(0)) {
        bench.take(0, at, 100);
        (sent, at) = (sent + 1, at + 1);
    }
    assert!((5..=7).contains(&sent), "half of the bound: {sent}");
    assert!(!flow.is_paused(id(1)), "everyone waits for it");
    // Paused for longer than `idle`, it must not be taken for quiet.
    bench.clock.set(109);
    bench.take(1, 101, 109);
    assert!(flow.is_paused(id(0)), "it is still far ahead");
    bench.clock.set(115);
    bench.driver.rest();
    bench.clock.set(118);
    bench.driver.rest();
    bench.take(1, 105, 118);
    assert!(!flow.is_paused(id(0)));
    bench.take(0, at, 118);
    let metrics = &bench.metrics;
    assert_eq!((metrics.sources[0].late.get(), metrics.engine.stuck.get()), (0, 0));
}

#[test]
fn what_was_on_its_way_from_who_is_ahead_stops_nobody_else() {
    let mut bench = Bench::new();
    let flow = Arc::new(Flow::default());
    let Input::Events { batch, .. } = bench.input(0, 0, 0) else { unreachable!() };
    let size = batch.events[0].footprint();
    bench.driver = bench.driver.with_reorder_bound(10 * size, Arc::clone(&flow));
    let id = |partition| (StreamId(0), PartitionId(partition));
    bench.clock.set(100);
    bench.open(0);
    bench.open(1);
    // Three times the bound, much of it in one piece, before the source notices that it is to pause.
    let inputs: Vec<Input> = (100..130).map(|at| bench.input(0, at, 100)).collect();
    let mut all = inputs.into_iter().flat_map(|input| match input {
        Input::Events { batch, .. } => batch.events,
        _ => unreachable!(),
    });
    for count in [12, 5, 5, 8] {
        let arrival = Timestamp::from_micros(100_000_000);
        bench.driver.take(events(all.by_ref().take(count).collect(), 0, arrival));
        assert!(flow.is_paused(id(0)));
        assert!(!flow.is_paused(id(1)), "everyone waits for it");
        assert_eq!(bench.metrics.engine.stuck.get(), 0);
    }
    bench.take(1, 128, 100);
    assert!(!flow.is_paused(id(0)) && !flow.is_paused(id(1)));
    // Who holds event time back may also be quiet.
    bench.clock.set(111);
    bench.driver.rest();
    assert_eq!(bench.driver.engines.waiting(), 0);
}

#[test]
fn nothing_is_read_when_what_waits_needs_more_than_the_bound() {
    let mut bench = Bench::new();
    let flow = Arc::new(Flow::default());
    bench.driver = bench.driver.with_reorder_bound(1, Arc::clone(&flow));
    bench.clock.set(100);
    bench.open(0);
    bench.open(1);
    bench.take(0, 100, 100);
    let ids = [0, 1].map(|partition| (StreamId(0), PartitionId(partition)));
    assert!(ids.iter().all(|id| flow.is_paused(*id)));
    assert_eq!(bench.metrics.engine.stuck.get(), 1);
    // A setting cannot be changed while the service runs; a partition that ends lets time go.
    bench.driver.take(Input::Closed { stream: StreamId(0), partition: PartitionId(1), journal: 0 });
    assert!(!ids.iter().any(|id| flow.is_paused(*id)));
    assert_eq!(bench.metrics.engine.stuck.get(), 0);
}

#[test]
fn a_partition_whose_own_lateness_needs_more_than_the_bound_is_not_read_on() {
    let rules = RULES.replace("idle 10s", "late 1h idle 10s");
    let mut bench = Bench::of(&rules);
    let flow = Arc::new(Flow::default());
    let Input::Events { batch, .. } = bench.input(0, 0, 0) else { unreachable!() };
    let bound = 10 * batch.events[0].footprint();
    bench.driver = bench.driver.with_reorder_bound(bound, Arc::clone(&flow));
    bench.clock.set(100);
    bench.open(0);
    for at in 100..110 {
        assert!(!flow.is_paused((StreamId(0), PartitionId(0))), "{at}");
        bench.take(0, at, 100);
    }
    assert!(flow.is_paused((StreamId(0), PartitionId(0))));
    assert_eq!(bench.metrics.engine.stuck.get(), 1);
}

#[test]
fn a_partition_that_lost_its_connection_holds_event_time_back() {
    let mut bench = Bench::new();
    bench.clock.set(100);
    bench.open(0);
    bench.take(0, 100, 100);
    let (stream, partition) = (StreamId(0), PartitionId(0));
    bench.driver.take(Input::Disconnected { stream, partition });
    bench.clock.set(150);
    bench.driver.rest();
    assert_eq!(bench.alerts(), [] as [&str; 0], "it may have sent something meanwhile");
    bench.driver.take(Input::Connected { stream, partition });
    bench.clock.set(159);
    bench.driver.rest();
    assert_eq!(bench.alerts(), [] as [&str; 0]);
    bench.clock.set(161);
    bench.driver.rest();
    assert_eq!(bench.alerts(), ["p0@100"]);
}

#[test]
fn what_is_held_is_measured_also_while_the_engine_is_behind() {
    let mut bench = Bench::new();
    bench.clock.set(100);
    bench.open(0);
    bench.open(1);
    bench.clock.set(130);
    bench.take(0, 100, 110);
    let engine = &bench.metrics.engine;
    assert_eq!((engine.waiting.get(), engine.runs.get()), (1, 0));
    bench.clock.set(131);
    bench.take(1, 101, 110);
    assert_eq!((bench.metrics.engine.waiting.get(), bench.metrics.engine.runs.get()), (1, 1));
    assert_eq!(bench.metrics.engine.lag.get().as_secs(), 31);
    assert_eq!(bench.metrics.engine.behind.get().as_secs(), 30);
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
    assert_eq!((metrics.sources[0].late.get(), metrics.sources[0].rejected.of("future").get()), (1, 1));
    assert_eq!(metrics.engine.events.get(), 1);
}

#[test]
fn the_queue_is_worked_off_to_its_end_and_event_time_stays() {
    let mut bench = Bench::new();
    bench.clock.set(100);
    let inputs = [bench.input(0, 100, 100), bench.input(0, 107, 100)];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let (sender, queue) = queue(QueueLimits { inputs: 4, bytes: 1 << 20 });
    for input in inputs {
        runtime.block_on(sender.send(input)).expect("there is room");
    }
    drop(sender);
    let kept = bench.kept.clone();
    let left = bench.driver.run(queue, runtime.handle(), &AtomicBool::new(false));
    assert_eq!(left.expect("it has no store"), 0);
    assert_eq!(*kept.0.lock().expect("no panic"), ["p0@100"], "what comes after 107 is open");
}

#[test]
fn a_halt_leaves_the_rest() {
    let mut bench = Bench::new();
    let input = bench.input(0, 100, 100);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let (sender, queue) = queue(QueueLimits { inputs: 4, bytes: 1 << 20 });
    runtime.block_on(sender.send(input)).expect("there is room");
    let left = bench.driver.run(queue, runtime.handle(), &AtomicBool::new(true));
    assert_eq!(left.expect("it has no store"), 1);
    assert!(runtime.block_on(sender.send_all(Vec::new())).is_err());
}

#[test]
fn the_positions_are_those_of_what_was_taken() {
    let mut bench = Bench::new();
    bench.open(0);
    bench.take(0, 100, 100);
    bench.take(0, 105, 105);
    let positions = bench.driver.keeper.positions();
    let partition = &positions.streams["quiet"].partitions[&PartitionId(0)];
    assert_eq!(
        (partition.is_open, partition.reached.offset, positions.streams["quiet"].next),
        (true, 106, 1)
    );
}

#[test]
fn nobody_is_quiet_while_the_disk_is_behind_or_when_it_has_just_caught_up() {
    let mut bench = Bench::new();
    let disk = SimulatedDisk::new(1);
    let listening = Listening::new(Arc::new(JournalMetrics::new("")));
    let options = Options { on_change: Some(listening.listener()), ..Options::default() };
    let opened = Journal::open(Arc::new(disk.clone()), Path::new("/journal"), options);
    let (journal, mut committer) = opened.expect("it can be opened");
    let (sender, _queue) = queue(QueueLimits { inputs: 1, bytes: 1 });
    let (gate, _forwarder) = gate(journal, &listening, sender, 1_000);
    bench.driver = bench.driver.behind(Arc::clone(listening.backlog()));
    bench.clock.set(100);
    bench.open(0);
    bench.take(0, 100, 100);
    // Somebody waits for the disk.
    disk.set_read_only(true);
    gate.close("quiet", StreamId(0), PartitionId(9), true, Timestamp::MIN);
    committer.round();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let _inside = runtime.enter();
    let load = Load {
        name: "quiet",
        stream: StreamId(0),
        partition: PartitionId(9),
        arrival: Timestamp::MIN,
        origin: None,
        opens: false,
        source: 0,
        is_whole: false,
        batches: vec![(Batch::keeping(kept()), Reached::default())],
    };
    let mut waiting = Box::pin(gate.keep(load, None));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    bench.clock.set(200);
    bench.driver.rest();
    assert_eq!(bench.alerts(), [] as [&str; 0], "what waits may be of this partition");
    drop(waiting);
    bench.clock.set(201);
    bench.driver.rest();
    bench.clock.set(210);
    bench.driver.rest();
    assert_eq!(bench.alerts(), [] as [&str; 0], "it is heard from 201 on");
    bench.clock.set(212);
    bench.driver.rest();
    assert_eq!(bench.alerts(), ["p0@100"]);
}

fn kept() -> Records {
    let mut records = Records::new(true);
    records.push(0, 1, b"{}");
    records
}
