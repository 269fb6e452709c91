//! Which partial match came nearest to a report.

use std::cmp::Reverse;

use crate::event::{Event, SequencePoint, Timestamp};
use crate::matcher::Report;
use crate::matcher::view::Captured;
use crate::program::RuleId;
use crate::shard::{Seen, Watcher};

use super::{Found, WantedKey, has};

/// Looks for the partial match of a rule that came nearest to a report.
#[derive(Debug)]
pub(in crate::testing) struct Nearest {
    rule: RuleId,
    wanted: WantedKey,
    /// What was captured by matches that were reported: these partial matches lack nothing.
    done: Vec<Vec<SequencePoint>>,
    best: Option<(Score, Found)>,
}

/// How near a partial match came: whether it has the wanted key, how little it lacks, how much it has
/// captured.
type Score = (bool, Reverse<u32>, usize);

impl Nearest {
    pub fn new(rule: RuleId, wanted: WantedKey, done: Vec<Vec<SequencePoint>>) -> Nearest {
        Nearest { rule, wanted, done, best: None }
    }

    /// The partial match, if there was any.
    pub fn into_found(self) -> Option<Found> {
        self.best.map(|(_, found)| found)
    }

    fn look(&mut self, seen: &Seen<'_>) {
        for run in seen.runs().iter().filter(|run| !run.is_reported()) {
            let missing = Reverse(run.missing(seen.matcher.rule));
            let score = (has(seen.key, &self.wanted), missing, run.len());
            if self.best.as_ref().is_some_and(|(best, _)| *best >= score) {
                continue;
            }
            let captured = run.captured();
            if !self.is_done(&captured) {
                self.best = Some((score, Found { key: seen.key.clone(), captured }));
            }
        }
    }

    /// Whether a match was reported that began with all that.
    fn is_done(&self, captured: &Captured) -> bool {
        let points = || captured.iter().map(|(_, point)| point);
        self.done
            .iter()
            .any(|done| done.len() >= captured.len() && done.iter().zip(points()).all(|(a, b)| a == b))
    }
}

impl Watcher for Nearest {
    fn rule(&self) -> RuleId {
        self.rule
    }

    fn event(&mut self, _: &Seen<'_>, _: &Event) {}

    fn time(&mut self, _: &Seen<'_>, _: Timestamp) {}

    fn after(&mut self, seen: &Seen<'_>, _: &[Report]) {
        self.look(seen);
    }

    fn keyless(&mut self, _: &Event) {}
}
