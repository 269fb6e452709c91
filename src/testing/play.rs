//! Runs the events of a test through an engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::alert::Alert;
use crate::codec::Decoder;
use crate::codec::json::JsonDecoder;
use crate::engine::{Engine, EngineOptions, Refused, StateInMemory};
use crate::event::{Duration, PartitionId, Position, StreamId, Timestamp};
use crate::language::case::{Case, Given, Step};
use crate::program::Program;
use crate::shard::Watcher;
use crate::table::Tables;

use super::{MAX_ALERTS, record};

/// What came of the events of a test.
#[derive(Debug, Default)]
pub(super) struct Played {
    /// The alerts, in the order decided.
    pub alerts: Vec<Alert>,
    /// The events that came too late, by their places among the steps, and by how much.
    pub late: Vec<(usize, Duration)>,
    /// Records that are no events of their streams, by their places among the steps, and why.
    pub malformed: Vec<(usize, String)>,
    /// Whether it was given up, because there were too many alerts or it took too long.
    pub gave_up: bool,
    /// To where event time had come before it ran to infinity.
    pub passed: Timestamp,
}

/// The one partition that each stream of a test has.
const PARTITION: PartitionId = PartitionId(0);

/// Runs a test on an engine of its own.
pub(super) fn play(program: &Arc<Program>, tables: &Arc<Tables>, case: &Case) -> Played {
    let mut player = Player::new(program, tables, case, &|| false);
    player.play(case);
    player.played
}

/// Runs a test while someone looks on, who is given back.
pub(super) fn watch(
    program: &Arc<Program>,
    tables: &Arc<Tables>,
    case: &Case,
    watcher: Box<dyn Watcher>,
    give_up: &dyn Fn() -> bool,
) -> Box<dyn Watcher> {
    let mut player = Player::new(program, tables, case, give_up);
    player.engine.set_watcher(watcher);
    player.play(case);
    player.engine.take_watcher().expect("it has been looking on")
}

/// Plays a test.
pub(super) struct Player<'a> {
    program: &'a Arc<Program>,
    pub engine: Engine,
    /// Whether it has taken too long.
    give_up: &'a dyn Fn() -> bool,
    /// What was stored when the engine was stopped last.
    state: StateInMemory,
    decoders: BTreeMap<StreamId, JsonDecoder>,
    /// The wall clock.
    clock: Timestamp,
    pub played: Played,
}

impl Player<'_> {
    /// `give_up` is asked before each event.
    pub fn new<'a>(
        program: &'a Arc<Program>,
        tables: &Arc<Tables>,
        case: &Case,
        give_up: &'a dyn Fn() -> bool,
    ) -> Player<'a> {
        let mut engine = Engine::new(Arc::clone(program), EngineOptions::TEST);
        engine.set_tables(Arc::clone(tables));
        Player {
            program,
            engine,
            give_up,
            state: StateInMemory::default(),
            decoders: BTreeMap::new(),
            clock: case.base,
            played: Played::default(),
        }
    }

    fn play(&mut self, case: &Case) {
        self.events(case);
        if !case.stops {
            self.finish();
        }
    }

    /// Plays the events, and lets time stand then.
    pub fn events(&mut self, case: &Case) {
        let last = last_steps(case);
        for stream in last.keys() {
            self.engine.open(*stream, PARTITION, self.clock);
        }
        for (index, step) in case.steps.iter().enumerate() {
            self.played.gave_up |= (self.give_up)();
            if self.played.gave_up {
                return;
            }
            match step {
                Step::Event(given) => {
                    self.event(index, given);
                    if last[&given.stream] == index {
                        self.engine.close(given.stream, PARTITION);
                    }
                }
                Step::Restart => self.restart(),
            }
            self.collect();
        }
        // Every event has been matched: the streams have ended, and hold nothing back.
        self.played.passed = self.engine.watermark().max(self.clock);
    }

    /// Lets time run to infinity.
    pub fn finish(&mut self) {
        if !self.played.gave_up {
            self.engine.finish();
            self.collect();
        }
    }

    fn event(&mut self, index: usize, given: &Given) {
        self.clock = self.clock.max(given.time);
        let schema = self.program.schema(given.stream);
        let decoder =
            self.decoders.entry(given.stream).or_insert_with(|| JsonDecoder::new(given.stream, schema));
        // The offset leads from a captured event back to its line.
        let position = Position { partition: PARTITION, offset: index as u64 };
        let written = match &given.record {
            Some(record) => Ok(record.to_string()),
            None => record::record(schema, given).map(|record| record.to_string()),
        };
        let decoded = written.and_then(|bytes| {
            decoder.decode(bytes.as_bytes(), position, given.time).map_err(|error| error.to_string())
        });
        let decoded = decoded.map(|event| event.expect("every object is an event"));
        match decoded.map(|event| self.engine.push(event, self.clock)) {
            Ok(Ok(())) => {}
            Ok(Err(Refused::Late(by) | Refused::Future(by))) => self.played.late.push((index, by)),
            Err(why) => self.played.malformed.push((index, why)),
        }
    }

    /// Stops the engine; another goes on from what it has left.
    fn restart(&mut self) {
        let tables = Arc::clone(self.engine.tables());
        self.state.take(&self.engine.changes());
        let watcher = self.engine.take_watcher();
        let restored = self.state.restore(Arc::clone(self.program), EngineOptions::TEST);
        self.engine = restored.expect("the state is what has just been written").engine;
        self.engine.set_tables(tables);
        if let Some(watcher) = watcher {
            self.engine.set_watcher(watcher);
        }
    }

    /// Takes the alerts.
    fn collect(&mut self) {
        self.played.alerts.append(&mut self.engine.take_alerts());
        self.played.gave_up |= self.played.alerts.len() > MAX_ALERTS;
        self.played.alerts.truncate(MAX_ALERTS);
    }
}

/// For each stream of a test, its last step.
fn last_steps(case: &Case) -> BTreeMap<StreamId, usize> {
    let events = case.steps.iter().enumerate().filter_map(|(index, step)| match step {
        Step::Event(given) => Some((given.stream, index)),
        Step::Restart => None,
    });
    events.collect()
}
