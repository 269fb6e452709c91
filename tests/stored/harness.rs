//! Engines that are fed in short and stopped in between.

use std::sync::{Arc, Mutex, MutexGuard};

use tripline::alert::Alert;
use tripline::codec::Decoder;
use tripline::codec::json::JsonDecoder;
use tripline::diagnostic::{Sources, Style, render_all};
use tripline::engine::{Engine, EngineOptions, Restored, Restoring, StateInMemory, stored_rules};
use tripline::event::{PartitionId, Position, Timestamp};
use tripline::program::Program;
use tripline::stored::Space;

/// The program of some text.
pub fn compile(text: &str) -> Arc<Program> {
    let sources = Sources::new([("rules.trip", text)]);
    let (program, diagnostics) = Program::compile(&sources);
    let shown = || render_all(&diagnostics, &sources, Style::Plain);
    Arc::new(program.unwrap_or_else(|| panic!("{text}\n{}", shown())))
}

/// An engine with what was stored of it and its predecessors.
pub struct Bench {
    pub engine: Engine,
    pub state: Arc<Mutex<StateInMemory>>,
    offset: u64,
    /// How many bytes of memory keys may take, if there is a limit.
    limit: Option<usize>,
}

impl Bench {
    pub fn new(rules: &str) -> Bench {
        let engine = Engine::new(compile(rules), EngineOptions::RECORDED);
        Bench { engine, state: Arc::default(), offset: 0, limit: None }
    }

    /// What has been stored.
    pub fn state(&self) -> MutexGuard<'_, StateInMemory> {
        self.state.lock().expect("no test has failed")
    }

    /// The same with so little memory that what is stored leaves it.
    pub fn cold(rules: &str) -> Bench {
        let mut bench = Bench { limit: Some(0), ..Bench::new(rules) };
        bench.engine.shelve(0, bench.state.clone());
        bench
    }

    /// Gives the engine a record of a stream.
    pub fn push(&mut self, stream: &str, record: &str) {
        let program = Arc::clone(self.engine.program());
        let stream = program.input(stream).expect("a stream of sources");
        let mut decoder = JsonDecoder::keeping(program.kept(stream), stream, program.schema(stream));
        let position = Position { partition: PartitionId(0), offset: self.offset };
        self.offset += 1;
        let now = Timestamp::from_micros(0);
        let event = decoder.decode(record.as_bytes(), position, now).expect("well formed").expect("an event");
        self.engine.push(event, now).unwrap_or_else(|why| panic!("{record}: {why:?}"));
    }

    /// How many rows are stored, but for the texts of rules.
    pub fn rows(&self) -> usize {
        self.state().rows().filter(|row| row.space != Space::Rules).count()
    }

    /// Stores what has changed; gives how many rows that were, and how many of them are gone, but for the texts
    /// of rules.
    pub fn store(&mut self) -> (usize, usize) {
        let changes = self.engine.changes();
        self.state().take(&changes);
        self.engine.stored(changes.generation());
        let rows = || changes.rows().filter(|row| row.space != Space::Rules);
        let counts = (rows().count(), rows().filter(|row| row.value.is_none()).count());
        self.engine.reuse(changes);
        counts
    }

    fn restored(&self, program: Arc<Program>, options: EngineOptions) -> Restored {
        let state = self.state();
        let mut restoring = Restoring::new(program, options, state.head()).expect("it was just written");
        if let Some(limit) = self.limit {
            restoring.shelve(limit, self.state.clone());
        }
        state.rows().for_each(|row| restoring.row(row).expect("it was just written"));
        drop(state);
        restoring.finish().expect("it was just written")
    }

    /// Stops the engine; one with these rules goes on.
    pub fn restart(&mut self, rules: &str) -> Restart {
        self.store();
        let options = EngineOptions { shards: 2, ..EngineOptions::RECORDED };
        let Restored { engine, left, events_left, .. } = self.restored(compile(rules), options);
        self.engine = engine;
        let left = left.iter().map(|left| {
            format!(
                "{} {:?}: {} keys, {} runs, {} past events, {} alerts",
                left.rule, left.why, left.keys, left.runs, left.past_events, left.alerts
            )
        });
        Restart { left: left.collect(), events_left }
    }

    /// Stops the engine; one with these rules goes on, and with what those before had begun.
    pub fn edit(&mut self, rules: &str) -> Edit {
        self.store();
        let olds = {
            let state = self.state();
            stored_rules(state.head(), state.rows()).expect("it was just written")
        };
        let sources = Sources::new([("rules.trip", rules)]);
        let (program, diagnostics) = Program::compile_with_old(&sources, &olds);
        let program =
            program.unwrap_or_else(|| panic!("{}", render_all(&diagnostics, &sources, Style::Plain)));
        let options = EngineOptions { shards: 3, ..EngineOptions::RECORDED };
        let Restored { engine, left, old, .. } = self.restored(Arc::new(program), options);
        self.engine = engine;
        let old = old.iter().map(|old| format!("{}: {} runs, {} alerts", old.rule, old.runs, old.alerts));
        let left = left.iter().map(|left| {
            let why = left.refused.as_deref().unwrap_or_default();
            format!("{} {:?}: {} runs; {why}", left.rule, left.why, left.runs)
        });
        Edit { old: old.collect(), left: left.collect() }
    }

    /// The old versions of rules that have come to an end.
    pub fn ended(&mut self) -> Vec<String> {
        self.store();
        self.engine.take_ended().iter().map(|rule| rule.name.to_string()).collect()
    }

    /// The alerts since the last call: rule and title.
    pub fn alerts(&mut self) -> Vec<String> {
        let show = |alert: &Alert| format!("{} {}", alert.rule, alert.title);
        self.engine.take_alerts().iter().map(show).collect()
    }
}

/// What has become of rules that were changed.
#[derive(Debug, PartialEq)]
pub struct Edit {
    /// The old versions that go on.
    pub old: Vec<String>,
    /// What was left out.
    pub left: Vec<String>,
}

/// What was left out.
#[derive(Debug, PartialEq)]
pub struct Restart {
    pub left: Vec<String>,
    pub events_left: u64,
}

impl Restart {
    /// Nothing.
    pub fn nothing() -> Restart {
        Restart { left: vec![], events_left: 0 }
    }
}
