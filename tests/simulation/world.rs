//! An engine, its sources, and the clock on the wall.

use std::collections::BTreeMap;
use std::sync::Arc;

use tripline::alert::Alert;
use tripline::codec::{Decoder, json::JsonDecoder};
use tripline::diagnostic::{Sources, Style, render_all};
use tripline::engine::{Engine, EngineOptions, Refused};
use tripline::event::{Duration, Event, PartitionId, Position, SequencePoint, StreamId, Timestamp};
use tripline::program::Program;

/// How often the engine learns what time it is, in milliseconds.
const TICK: i64 = 250;

/// A source of a stream: one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    pub stream: StreamId,
    pub partition: PartitionId,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Taken,
    /// Late by so many milliseconds; a part of one counts as one.
    Late(i64),
    /// Too far ahead of the clock by so many milliseconds.
    Future(i64),
}

/// Times are milliseconds.
pub struct World {
    pub engine: Engine,
    pub program: Arc<Program>,
    /// The clock on the wall.
    pub now: i64,
    next_partition: BTreeMap<StreamId, u32>,
    next_offset: BTreeMap<Source, u64>,
    pub alerts: Vec<Alert>,
}

pub fn compile(rules: &str) -> Arc<Program> {
    let sources = Sources::new([("rules.trip", rules)]);
    let (program, problems) = Program::compile(&sources);
    Arc::new(program.unwrap_or_else(|| panic!("{}", render_all(&problems, &sources, Style::Plain))))
}

impl World {
    /// A live engine that has heard of nothing, at a time of the clock.
    pub fn new(program: Arc<Program>, now: i64) -> World {
        World::with_shards(program, now, 1)
    }

    /// The same with so many shards.
    pub fn with_shards(program: Arc<Program>, now: i64, shards: usize) -> World {
        let engine = Engine::new(Arc::clone(&program), EngineOptions { shards, ..EngineOptions::LIVE });
        World {
            engine,
            program,
            now,
            next_partition: BTreeMap::new(),
            next_offset: BTreeMap::new(),
            alerts: Vec::new(),
        }
    }

    fn clock(&self) -> Timestamp {
        Timestamp::from_millis(self.now).expect("times of tests are small")
    }

    /// A new source of a stream connects.
    pub fn connects(&mut self, stream: &str) -> Source {
        let stream = self.program.stream(stream).expect("the rules declare it");
        let number = self.next_partition.entry(stream).or_insert(0);
        let source = Source { stream, partition: PartitionId(*number) };
        *number += 1;
        self.opens(source);
        source
    }

    /// A source whose partition has a name of its own comes, or comes back.
    pub fn opens(&mut self, source: Source) {
        self.engine.open(source.stream, source.partition, self.clock());
        self.take_alerts();
    }

    /// A source has ended, or its connection has broken.
    pub fn breaks_off(&mut self, source: Source) {
        self.engine.close(source.stream, source.partition);
        self.take_alerts();
    }

    /// A source sends its next event, that of time `at`.
    pub fn sends(&mut self, source: Source, at: i64, fields: &str) -> Fate {
        let offset = self.next_offset.entry(source).or_insert(0);
        *offset += 1;
        let offset = *offset;
        self.delivers(source, offset, at, fields)
    }

    /// A source delivers the event at a position.
    pub fn delivers(&mut self, source: Source, offset: u64, at: i64, fields: &str) -> Fate {
        let event = self.event(source, offset, at, fields);
        self.push(event)
    }

    /// The event as a source would deliver it now.
    pub fn event(&self, source: Source, offset: u64, at: i64, fields: &str) -> Event {
        let comma = if fields.is_empty() { "" } else { "," };
        let record = format!("{{\"at\":{at}{comma}{fields}}}");
        let mut decoder = JsonDecoder::keeping(
            self.program.kept(source.stream),
            source.stream,
            self.program.schema(source.stream),
        );
        let position = Position { partition: source.partition, offset };
        let event = decoder.decode(record.as_bytes(), position, self.clock());
        event.unwrap_or_else(|why| panic!("{record}: {why}")).expect("every record is an event")
    }

    pub fn push(&mut self, event: Event) -> Fate {
        let millis = |by: Duration| (by.as_micros() + 999) / 1000;
        let fate = match self.engine.push(event, self.clock()) {
            Ok(()) => Fate::Taken,
            Err(Refused::Late(by)) => Fate::Late(millis(by)),
            Err(Refused::Future(by)) => Fate::Future(millis(by)),
        };
        self.take_alerts();
        fate
    }

    /// The clock goes on to a time, and the engine learns of it again and again.
    pub fn wait_until(&mut self, time: i64) {
        while self.now < time {
            self.now = (self.now + TICK).min(time);
            self.tick();
        }
    }

    /// The clock is set to a time, forwards or backwards.
    pub fn set_clock(&mut self, time: i64) {
        self.now = time;
        self.tick();
    }

    fn tick(&mut self) {
        self.engine.tick(self.clock());
        self.take_alerts();
    }

    fn take_alerts(&mut self) {
        self.alerts.append(&mut self.engine.take_alerts());
    }

    /// The titles of the alerts since this was asked last.
    pub fn reports(&mut self) -> Vec<String> {
        std::mem::take(&mut self.alerts).into_iter().map(|alert| alert.title).collect()
    }

    /// Until when event time has come.
    pub fn event_time(&self) -> i64 {
        self.engine.watermark().as_micros().div_euclid(1000)
    }

    /// Nothing more will come.
    pub fn ends(&mut self) {
        self.engine.finish();
        self.take_alerts();
    }
}

/// The alerts of a program for events that come in order, all at once.
pub fn sorted_at_once(program: &Arc<Program>, events: BTreeMap<SequencePoint, Event>) -> Vec<Alert> {
    let mut engine = Engine::new(Arc::clone(program), EngineOptions::RECORDED);
    let now = Timestamp::from_micros(0);
    for point in events.keys() {
        engine.open(point.stream, point.position.partition, now);
    }
    for (point, event) in events {
        engine.push(event, now).unwrap_or_else(|why| panic!("{point:?} is in order: {why:?}"));
    }
    engine.finish();
    engine.take_alerts()
}

/// Alerts as sinks would get them.
pub fn as_json(alerts: &[Alert]) -> Vec<String> {
    alerts.iter().map(|alert| serde_json::to_string(alert).expect("an alert serialises")).collect()
}
