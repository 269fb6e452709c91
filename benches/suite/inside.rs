//! The engine alone, in a process of its own: what an event costs when it is decoded already.
//!
//! Events are made and decoded before the clock runs, then offered and matched in batches as a replay
//! does it. The first of them fill the windows and are not counted.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tripline::codec::Decoder;
use tripline::codec::json::JsonDecoder;
use tripline::diagnostic::Sources;
use tripline::engine::{Engine, EngineOptions};
use tripline::event::{Event, PartitionId, Position, Timestamp};
use tripline::program::Program;

use crate::child::Task;
use crate::usage;

/// Events made at once, before the clock runs.
const BATCH: u64 = 1_024;

/// The stream of all jobs: an event each millisecond, for one key.
pub const STREAM: &str = "stream s time at {
  key      string
  kind     string
  v        int
  amount   float
  items    int
  merchant string
  ok       bool
  at       timestamp(ms)
}
";

/// What to measure.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    /// Rules over [`STREAM`].
    pub rules: String,
    /// Which numbers the events have.
    pub values: Values,
    /// Events before the clock runs.
    pub fill: u64,
    /// Events to measure.
    pub events: u64,
    /// CPU time after which no further batch is measured, in seconds.
    pub enough_s: f64,
}

/// The field `v` of events.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Values {
    /// Spread from 0 to this.
    Spread(u64),
    /// Spread from 1,000,000,000 to the double of it, but of each hundred events one has this.
    Low(u64),
}

/// What was measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// CPU time of an event, in nanoseconds.
    pub nanos: f64,
    /// How many runs were alive at the end.
    pub live_runs: u64,
    /// How many alerts there were after the filling.
    pub alerts: u64,
    /// How many events were measured.
    pub events: u64,
}

impl Outcome {
    /// Whether it was stopped before anything was measured.
    pub fn is_stopped(&self) -> bool {
        self.events == 0
    }
}

impl Task for Job {
    const WORD: &str = "inside";

    type Outcome = Outcome;

    fn run(&self) -> Outcome {
        let sources = Sources::new([("rules.trip", format!("{STREAM}\n{}", self.rules))]);
        let (program, diagnostics) = Program::compile(&sources);
        let program = Arc::new(program.unwrap_or_else(|| panic!("{diagnostics:?}")));
        let mut feed = Feed::new(&program, self.values);
        while feed.number < self.fill {
            feed.batch(BATCH.min(self.fill - feed.number));
        }
        let (mut events, mut cpu_s, mut alerts) = (0, 0.0, 0);
        while events < self.events && cpu_s < self.enough_s {
            let (taken_s, found) = feed.batch(BATCH.min(self.events - events));
            events += BATCH.min(self.events - events);
            cpu_s += taken_s;
            alerts += found;
        }
        let live_runs = feed.engine.stats().live_runs as u64;
        Outcome { nanos: cpu_s * 1e9 / events as f64, live_runs, alerts, events }
    }
}

/// An engine and the events for it.
struct Feed {
    engine: Engine,
    decoder: JsonDecoder,
    values: Values,
    number: u64,
}

impl Feed {
    fn new(program: &Arc<Program>, values: Values) -> Feed {
        let stream = program.stream("s").expect("the stream is declared");
        let mut engine = Engine::new(Arc::clone(program), EngineOptions::RECORDED);
        engine.open(stream, PartitionId(0), Timestamp::FIRST);
        let decoder = JsonDecoder::keeping(program.kept(stream), stream, program.schema(stream));
        Feed { engine, decoder, values, number: 0 }
    }

    /// The CPU time of so many events in seconds, and how many alerts they led to.
    fn batch(&mut self, count: u64) -> (f64, u64) {
        let events: Vec<Event> = (0..count).map(|_| self.next_event()).collect();
        let before = usage::own_cpu_s();
        for event in events {
            self.engine.offer(event, Timestamp::FIRST).expect("the events are in order");
        }
        self.engine.run();
        let taken_s = usage::own_cpu_s() - before;
        (taken_s, self.engine.take_alerts().len() as u64)
    }

    /// An event with numbers that are spread but always the same.
    fn next_event(&mut self) -> Event {
        let number = self.number;
        self.number += 1;
        let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24;
        let kind = if number % 10 == 9 { "b" } else { "a" };
        let v = match self.values {
            Values::Spread(most) => spread % most,
            Values::Low(low) if number % 100 == 99 => low,
            Values::Low(_) => 1_000_000_000 + spread % 1_000_000_000,
        };
        let record = format!(
            r#"{{"key":"k","kind":"{kind}","v":{v},"amount":{}.{:02},"items":{},"merchant":"merchant {}","ok":{},"at":{number}}}"#,
            spread % 10_000,
            spread % 97,
            spread % 100,
            spread % 1_000,
            !spread.is_multiple_of(3),
        );
        let position = Position { partition: PartitionId(0), offset: number };
        let event = self.decoder.decode(record.as_bytes(), position, Timestamp::FIRST);
        event.expect("the record is well-formed").expect("the record is an event")
    }
}
