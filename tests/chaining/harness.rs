//! Rules over the streams `s` and `z`, and events given in short.

use std::sync::Arc;

use tripline::alert::{Alert, AlertKind};
use tripline::codec::Decoder;
use tripline::codec::json::JsonDecoder;
use tripline::diagnostic::{Sources, Style, render_all};
use tripline::engine::{Engine, EngineOptions, StateInMemory};
use tripline::event::{PartitionId, Position, Timestamp};
use tripline::program::Program;

/// The streams of sources. `z` sorts after every stream of alerts that the tests name.
pub const STREAMS: &str = "
stream s time at { k string, n int, at timestamp(ms) }
stream z time at { k string, n int, at timestamp(ms) }
";

/// An event: the stream, the millisecond, the key and a number.
pub type Given = (&'static str, i64, &'static str, i64);

/// The program of rules over [`STREAMS`].
pub fn program(rules: &str) -> Arc<Program> {
    compile(&format!("{STREAMS}{rules}"))
}

/// The program of a whole text.
pub fn compile(text: &str) -> Arc<Program> {
    let sources = Sources::new([("rules.trip", text)]);
    let (program, diagnostics) = Program::compile(&sources);
    let shown = || render_all(&diagnostics, &sources, Style::Plain);
    Arc::new(program.unwrap_or_else(|| panic!("{text}\n{}", shown())))
}

/// An engine that is fed line by line.
pub struct Bench {
    pub engine: Engine,
    /// What was stored of the engine when it was stopped last.
    state: StateInMemory,
}

impl Bench {
    pub fn new(program: &Arc<Program>) -> Bench {
        let engine = Engine::new(Arc::clone(program), EngineOptions::RECORDED);
        Bench { engine, state: StateInMemory::default() }
    }

    /// A source of the stream begins to send.
    pub fn open(&mut self, stream: &str) {
        let stream = self.engine.program().input(stream).expect("a stream of sources");
        self.engine.open(stream, PartitionId(0), Timestamp::from_micros(0));
    }

    /// Pushes a record at a place of a stream.
    pub fn push(&mut self, stream: &str, offset: u64, record: &str) {
        self.offer(stream, offset, record);
        self.engine.run();
    }

    /// Gives the engine a record and leaves what is ready for later.
    pub fn offer(&mut self, stream: &str, offset: u64, record: &str) {
        let now = Timestamp::from_micros(0);
        let program = Arc::clone(self.engine.program());
        let stream = program.input(stream).expect("a stream of sources");
        let mut decoder = JsonDecoder::keeping(program.kept(stream), stream, program.schema(stream));
        let position = Position { partition: PartitionId(0), offset };
        let event = decoder
            .decode(record.as_bytes(), position, now)
            .unwrap_or_else(|error| panic!("{record}: {error}"))
            .expect("every object is an event");
        self.engine.offer(event, now).unwrap_or_else(|why| panic!("{record}: {why:?}"));
    }

    /// Stops the engine; another goes on from its state.
    pub fn restart(&mut self) {
        self.state.take(&self.engine.changes());
        let program = Arc::clone(self.engine.program());
        let restored = self.state.restore(program, EngineOptions::RECORDED);
        self.engine = restored.expect("it was just written").engine;
    }

    /// The alerts since the last call, in short.
    pub fn shown(&mut self) -> Vec<String> {
        self.engine.take_alerts().iter().map(show).collect()
    }
}

/// The record of an event.
pub fn record((_, ms, k, n): &Given) -> String {
    format!(r#"{{"k":"{k}","n":{n},"at":{ms}}}"#)
}

/// Runs rules over events, which arrive in the order given, to the end of all time.
pub fn run(rules: &str, events: &[Given]) -> Vec<Alert> {
    let mut bench = Bench::new(&program(rules));
    for stream in ["s", "z"] {
        if events.iter().any(|event| event.0 == stream) {
            bench.open(stream);
        }
    }
    for (offset, event) in (0..).zip(events) {
        bench.push(event.0, offset, &record(event));
    }
    bench.engine.finish();
    assert_eq!(bench.engine.waiting(), 0);
    bench.engine.take_alerts()
}

/// `rule title @milliseconds`, with the kind when it is no match.
pub fn show(alert: &Alert) -> String {
    let kind = match alert.kind {
        AlertKind::Match => String::new(),
        other => format!("{} ", other.name()),
    };
    format!("{} {kind}{} @{}", alert.rule, alert.title, alert.decided_time.as_micros() / 1_000)
}

/// What a rule set reports of events, in short.
pub fn reports(rules: &str, events: &[Given]) -> Vec<String> {
    run(rules, events).iter().map(show).collect()
}
