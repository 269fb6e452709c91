//! What must outlive the program that runs the rules: the state of an engine as data, and where it
//! is kept.
//!
//! An engine that is given the state of another goes on exactly where that one was: the same events
//! after it give the same alerts.

use std::convert::Infallible;
use std::sync::Arc;

use crate::alert::Alert;
use crate::event::{Kept, StreamSchema};
use crate::ordering::OrderingState;
use crate::program::Program;
use crate::shard::ShardState;

use super::stages::Pending;

/// All of an engine that changes.
#[derive(Clone, Debug)]
pub struct EngineState {
    /// The streams of its program: events are known by their fields' places in them.
    pub streams: Vec<StreamSchema>,
    /// For each of them, the fields that its events keep.
    pub kept: Vec<Kept>,
    /// Names and fingerprints of its rules: runs are known by the places in their patterns.
    pub rules: Vec<(Arc<str>, Arc<str>)>,
    /// The events that wait for their turn, and the watermarks.
    pub ordering: OrderingState,
    /// The keys with their runs: for each stratum of rules, each shard.
    pub shards: Vec<Vec<ShardState>>,
    /// The alerts of which events are made once event time has passed theirs.
    pub(super) pending: Pending,
    /// The alerts that have been decided and not been taken.
    pub alerts: Vec<Alert>,
    /// What has been counted of events.
    pub counters: Counters,
}

impl EngineState {
    /// Whether it is the state of an engine that runs this program, or one that means the same, with
    /// so many shards. Its events must keep all that the program reads: an alert that says something
    /// new is no new meaning, but what it says may be missing.
    pub fn is_of(&self, program: &Program, shards: usize) -> bool {
        let rules = program.rules();
        self.streams == program.streams()
            && program.all_kept().iter().zip(&self.kept).all(|(read, kept)| kept.covers(*read))
            && self.shards.len() == program.strata()
            && self.shards.iter().all(|of_stratum| of_stratum.len() == shards)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Sources;
    use crate::engine::{Engine, EngineOptions};

    #[test]
    fn events_that_lack_what_a_new_alert_says_are_not_taken_over() {
        let program = |alert: &str| {
            let stream = "stream s { k string, n int }";
            let rule =
                format!("{stream} rule r {{ by k match s as x then s as y within 1h alert low {alert} }}");
            let (program, problems) = Program::compile(&Sources::new([("r.trip", rule)]));
            Arc::new(program.unwrap_or_else(|| panic!("{problems:?}")))
        };
        let (silent, telling) = (program("\"x\""), program("\"x\" { n = x.n }"));
        assert_eq!(silent.rules()[0].fingerprint, telling.rules()[0].fingerprint, "it means the same");
        let restore = |from: &Arc<Program>, to: &Arc<Program>| {
            let state = Engine::new(Arc::clone(from), EngineOptions::RECORDED).snapshot();
            Engine::restore(Arc::clone(to), EngineOptions::RECORDED, state).is_ok()
        };
        assert!(restore(&telling, &silent) && restore(&silent, &silent));
        assert!(!restore(&silent, &telling));
    }
}
