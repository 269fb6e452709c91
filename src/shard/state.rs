//! What must outlive the program that runs the rules: the state of an engine as data, and where it
//! is kept.
//!
//! An engine that is given the state of another goes on exactly where that one was: the same events
//! after it give the same alerts. What can be found out from the rest (timers, answers to
//! predicates, which partition holds time back) is no part of it.

use std::cell::RefCell;
use std::convert::Infallible;
use std::sync::Arc;

use crate::alert::Alert;
use crate::automaton::CompiledRule;
use crate::event::StreamSchema;
use crate::history::Histories;
use crate::ordering::OrderingState;
use crate::program::{Program, RuleId};

use super::derived::Derived;
use super::keys::{Keys, Record};
use super::{Shard, ShardCounters};

/// All of an engine that changes.
#[derive(Clone, Debug)]
pub struct EngineState {
    /// The streams of its program: events are known by their fields' places in them.
    pub streams: Vec<StreamSchema>,
    /// Names and fingerprints of its rules: runs are known by the places in their patterns.
    pub rules: Vec<(Arc<str>, Arc<str>)>,
    /// The events that wait for their turn, and the watermarks.
    pub ordering: OrderingState,
    /// The keys with their runs.
    pub shard: ShardState,
    /// The alerts that have been decided and not been taken.
    pub alerts: Vec<Alert>,
    /// What has been counted of events.
    pub counters: Counters,
}

impl EngineState {
    /// Whether it is the state of an engine that runs this program, or one that means the same.
    pub fn is_of(&self, program: &Program) -> bool {
        let rules = program.rules();
        self.streams == program.streams()
            && self.rules.len() == rules.len()
            && self.rules.iter().zip(rules).all(|((name, fingerprint), rule)| {
                (&**name, &**fingerprint) == (&*rule.name, &*rule.fingerprint)
            })
    }
}

/// What an engine has counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Events taken.
    pub events: u64,
    /// Events that came too late to be put in order.
    pub late: u64,
    /// Events whose time was too far ahead.
    pub future: u64,
}

/// All that changes of what runs rules over keys.
#[derive(Clone, Debug)]
pub struct ShardState {
    /// The keys that have live runs.
    pub(super) records: Vec<Record>,
    /// The past that rules look at.
    pub(super) histories: Histories,
    /// The events made of alerts that wait for their turn.
    pub(super) derived: Derived,
    /// For each rule with a `limit`, what its alerts are counted apart for: the fingerprints of rules
    /// do not cover it.
    pub(super) limits: Vec<Option<Arc<str>>>,
    /// What has been counted of rules.
    pub counters: ShardCounters,
}

/// Where the state of an engine is kept while none runs.
pub trait StateStore {
    /// Why it cannot be kept or found.
    type Error: std::error::Error;

    /// Keeps a state in place of the one before.
    ///
    /// # Errors
    /// When it could not be kept; the one before still is.
    fn save(&mut self, state: &EngineState) -> Result<(), Self::Error>;

    /// The state that was kept last, if any was.
    ///
    /// # Errors
    /// When it cannot be read.
    fn load(&mut self) -> Result<Option<EngineState>, Self::Error>;
}

/// Keeps the state in memory: for tests.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Option<EngineState>);

impl StateStore for MemoryStore {
    type Error = Infallible;

    fn save(&mut self, state: &EngineState) -> Result<(), Infallible> {
        self.0 = Some(state.clone());
        Ok(())
    }

    fn load(&mut self) -> Result<Option<EngineState>, Infallible> {
        Ok(self.0.clone())
    }
}

/// For each rule with a `limit`, the hash of what its alerts are counted apart for.
fn limits(program: &Program) -> Vec<Option<Arc<str>>> {
    let limit = |compiled: &CompiledRule| Some(Arc::clone(&compiled.rule.limit.as_ref()?.meaning));
    program.compiled().iter().map(limit).collect()
}

impl Shard {
    /// All of it that changes.
    pub fn state(&self) -> ShardState {
        ShardState {
            records: self.keys.records().cloned().collect(),
            histories: self.histories.borrow().clone(),
            derived: self.derived.clone(),
            limits: limits(&self.program),
            counters: self.counters.clone(),
        }
    }

    /// The shard of this program that had this state.
    pub fn restore(program: Arc<Program>, state: ShardState) -> Shard {
        let mut shard = Shard::new(program);
        let now = limits(&shard.program);
        let is_kept = |rule: RuleId| now[rule.0 as usize] == state.limits[rule.0 as usize];
        shard.keys = Keys::restore(state.records, is_kept);
        shard.live_runs = shard.keys.live_runs();
        shard.set_timers();
        shard.histories = RefCell::new(state.histories);
        shard.derived = state.derived;
        shard.counters = state.counters;
        shard
    }
}
