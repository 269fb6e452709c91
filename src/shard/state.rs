//! What a shard holds, as data. What can be found out from the rest (timers, answers to predicates)
//! is no part of it.

use std::cell::RefCell;
use std::sync::Arc;

use crate::automaton::CompiledRule;
use crate::event::Timestamp;
use crate::history::Histories;
use crate::program::{Program, RuleId};

use super::keys::{Keys, Record};
use super::{Shard, ShardCounters};

/// All that changes of what runs rules over keys.
#[derive(Clone, Debug)]
pub struct ShardState {
    /// The keys that have live runs.
    pub(super) records: Vec<Record>,
    /// All times before this have passed.
    pub(super) passed: Timestamp,
    /// The past that rules look at.
    pub(super) histories: Histories,
    /// For each rule with a `limit`, what its alerts are counted apart for: the fingerprints of rules
    /// do not cover it.
    pub(super) limits: Vec<Option<Arc<str>>>,
    /// What has been counted of rules.
    pub counters: ShardCounters,
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
            passed: self.passed,
            histories: self.histories.borrow().clone(),
            limits: limits(&self.program),
            counters: self.counters.clone(),
        }
    }

    /// The shard of this program and stratum that had this state.
    pub fn restore(program: Arc<Program>, stratum: usize, state: ShardState) -> Shard {
        let mut shard = Shard::new(program, stratum);
        let now = limits(&shard.program);
        let is_kept = |rule: RuleId| now[rule.0 as usize] == state.limits[rule.0 as usize];
        shard.keys = Keys::restore(state.records, is_kept);
        for (rule, runs) in shard.keys.live_runs() {
            shard.live.change(&shard.program.compiled()[rule.0 as usize], 0, runs);
        }
        shard.passed = state.passed;
        shard.keys.timers().for_each(|timer| shard.timers.push(timer));
        shard.histories = RefCell::new(state.histories);
        shard.counters = state.counters;
        shard
    }
}
