//! Reporting runs in order.

use std::cmp::Reverse;
use std::ops::IndexMut;

use super::Run;
use crate::event::{SequencePoint, Timestamp};
use crate::matcher::policy::Dropped;
use crate::matcher::{Matcher, Report, ReportKind};

impl Run {
    /// What is said of it.
    pub(super) fn report(&self, kind: ReportKind, decided: Timestamp) -> Report {
        let captures = self.captures.in_order();
        let (_, first) = captures.first().expect("a run has captured the event that it began with");
        Report { kind, decided, first: first.point(), captures }
    }
}

impl Matcher<'_> {
    /// Reports runs, given by their places, in order; each report may drop others of them, by the rule's
    /// overlap policy. What of all runs is dropped is for the caller to remove.
    pub(super) fn report(
        &self,
        runs: &mut (impl IndexMut<usize, Output = Run> + ?Sized),
        mut done: Vec<usize>,
        kind: ReportKind,
        decided: Timestamp,
        reports: &mut Vec<Report>,
    ) -> Dropped {
        if done.len() > 1 {
            done.sort_by_cached_key(|&place| order(&runs[place]));
        }
        let mut dropped = Dropped::default();
        for place in done {
            let run = &mut runs[place];
            if dropped.includes(run.began(), || run.first_point()) {
                continue;
            }
            run.reported = true;
            let report = run.report(kind, decided);
            dropped.add(self.rule.rule.overlap, &report);
            reports.push(report);
        }
        dropped
    }
}

/// By first event, longest first, by captured positions from left to right, then as preferred: of the
/// copies of one run that took the same events, the one comes first that took the preferred step where
/// they parted.
fn order(run: &Run) -> impl Ord + use<> {
    let mut points: Vec<SequencePoint> =
        run.captures.newest_first().map(|(_, event)| event.point()).collect();
    points.reverse();
    let mut choices: Vec<u8> = run.captures.choices_newest_first().collect();
    choices.reverse();
    (points.first().copied(), Reverse(points.len()), points, choices)
}
