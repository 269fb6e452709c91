//! Partial matches that ran out of time when a single event was lacking: the last few of each rule, for people who ask
//! whether a rule asks for a little too much.
//!
//! These are examples and no count: of many that end within ten seconds of event time one is looked at, none for keys with
//! very many partial matches, and none that had captured a single event, as that is how every match begins. Nothing of
//! it is stored.

use std::collections::VecDeque;

use super::Shard;
use crate::automaton::CompiledRule;
use crate::event::{Duration, Key, Timestamp};
use crate::matcher::RunSet;
use crate::matcher::view::{End, Looking, RunView};
use crate::program::{Program, RuleId};

/// So many of each rule are remembered.
const REMEMBERED: usize = 10;
/// After one was looked at, no other is for so long.
const PAUSE: Duration = Duration::from_micros(10 * Duration::SECOND.as_micros());
/// Of more partial matches than this for one key none is looked at: that would take long.
const MOST_RUNS: usize = 64;
/// What every match begins with is no near miss.
const LEAST_CAPTURED: usize = 2;

/// A partial match that ran out of time.
#[derive(Clone, Debug)]
pub struct NearMiss {
    /// When its time was over.
    pub ended: Timestamp,
    /// What it was at its end.
    pub run: RunView,
}

/// Those of each rule.
#[derive(Debug)]
pub(super) struct Misses(Vec<OfRule>);

#[derive(Clone, Debug)]
struct OfRule {
    /// From when on another one is looked at.
    from: Timestamp,
    /// The last ones, the newest first.
    last: VecDeque<NearMiss>,
}

impl Misses {
    /// None yet, for so many rules.
    pub fn new(rules: usize) -> Misses {
        Misses(vec![OfRule { from: Timestamp::MIN, last: VecDeque::new() }; rules])
    }

    /// Whether the time has come to look at another one.
    pub fn wants(&self, rule: RuleId, runs: &RunSet, due: Timestamp) -> bool {
        self.0[rule.0 as usize].from <= due && runs.len() <= MOST_RUNS
    }

    /// Looks at runs for a key, before it is decided what is `due`.
    pub fn look(&mut self, program: &Program, rule: RuleId, key: &Key, runs: &RunSet, due: Timestamp) {
        let of_rule = &mut self.0[rule.0 as usize];
        of_rule.from = due.saturating_add(PAUSE);
        let compiled = &program.compiled()[rule.0 as usize];
        if !lacks_one(compiled, runs) {
            return;
        }
        let looking = Looking::new(compiled);
        let views = runs.runs(compiled, due).into_iter().map(|run| run.view(&looking, key.values()));
        let missed = views.filter(|run| is_near(run, due)).max_by_key(|run| run.captured.len());
        if let Some(run) = missed {
            of_rule.last.truncate(REMEMBERED - 1);
            of_rule.last.push_front(NearMiss { ended: due, run });
        }
    }
}

/// Whether any run is one step from a match. That is seen at once, and mostly the end of it.
fn lacks_one(compiled: &CompiledRule, runs: &RunSet) -> bool {
    let mut found = false;
    runs.states(compiled, &mut |state, _| found = found || compiled.automaton.distance(state) == 1);
    found
}

/// Whether a run ends now without a word, and would have been a match with one more event.
fn is_near(run: &RunView, due: Timestamp) -> bool {
    run.missing == 1
        && !run.reported
        && run.end == End::Nothing
        && run.captured.len() >= LEAST_CAPTURED
        && run.until.is_some_and(|until| until <= due)
}

impl Shard {
    /// The near misses of a rule, the last ones first.
    pub(super) fn misses(&self, rule: RuleId) -> Vec<NearMiss> {
        self.misses.0[rule.0 as usize].last.iter().cloned().collect()
    }
}
