//! Reporting what is complete, and dropping what the overlap policy says.

use std::cmp::Reverse;

use super::{Run, RunList};
use crate::event::{SequencePoint, Timestamp};
use crate::matcher::policy::Dropped;
use crate::matcher::{Matcher, Report, ReportKind};

/// The runs that are to be reported at the same moment, by their places in the set.
#[derive(Debug, Default)]
pub(super) struct Done(Vec<usize>);

impl Done {
    pub fn complete(&mut self, index: usize) {
        self.0.push(index);
    }

    /// In the order of reports: by first event, longest first, by captured positions from left to
    /// right, then as preferred.
    fn in_order(mut self, runs: &[Run]) -> Vec<usize> {
        if self.0.len() > 1 {
            self.0.sort_by_cached_key(|&index| {
                let run = &runs[index];
                let mut points: Vec<SequencePoint> =
                    run.captures.newest_first().map(|(_, event)| event.point()).collect();
                points.reverse();
                (run.first, Reverse(points.len()), points, index)
            });
        }
        self.0
    }
}

impl Matcher<'_> {
    /// Reports runs in order; each report may drop others, by the rule's overlap policy. Runs that
    /// are dropped stay in the set with an empty frontier until the caller removes them.
    pub(super) fn report(
        &self,
        set: &mut RunList,
        done: Done,
        kind: ReportKind,
        decided: Timestamp,
        reports: &mut Vec<Report>,
    ) {
        if done.0.is_empty() {
            return;
        }
        let mut dropped = Dropped::default();
        for index in done.in_order(&set.runs) {
            let run = &mut set.runs[index];
            if dropped.includes(run.first) {
                continue;
            }
            run.reported = true;
            let report = Report { kind, decided, first: run.first, captures: run.captures.in_order() };
            dropped.add(self.rule.rule.overlap, &report);
            reports.push(report);
        }
        for run in &mut set.runs {
            if dropped.includes(run.first) {
                run.frontier = 0;
            }
        }
    }
}
