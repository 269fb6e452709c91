//! Reporting what is complete, and what the overlap policy then drops.

use std::cmp::Reverse;

use super::run::{Run, RunSet};
use super::{Matcher, Report, ReportKind};
use crate::event::{SequencePoint, Timestamp};
use crate::language::checked::{Overlap, VariableId};

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
        set: &mut RunSet,
        done: Done,
        kind: ReportKind,
        decided: Timestamp,
        reports: &mut Vec<Report>,
    ) {
        let mut dropped = vec![false; if done.0.is_empty() { 0 } else { set.runs.len() }];
        for index in done.in_order(&set.runs) {
            if dropped[index] {
                continue;
            }
            let run = &mut set.runs[index];
            run.reported = true;
            let report = Report { kind, decided, first: run.first, captures: run.captures.in_order() };
            for (other, dropped) in set.runs.iter().zip(&mut dropped) {
                *dropped |= self.drops(&report, other);
            }
            reports.push(report);
        }
        for (run, dropped) in set.runs.iter_mut().zip(dropped) {
            if dropped {
                run.frontier = 0;
            }
        }
    }

    /// Whether a report drops `run`.
    fn drops(&self, report: &Report, run: &Run) -> bool {
        let captured = |variable: VariableId| {
            report
                .captures
                .iter()
                .filter(move |(captured, _)| *captured == variable)
                .map(|(_, event)| event.point())
        };
        match self.rule.rule.overlap {
            Overlap::None => report.captures.last().is_some_and(|(_, last)| run.first <= last.point()),
            Overlap::PerStart => run.first == report.first,
            Overlap::All => false,
            Overlap::ResumeAtFirst(variable) => {
                captured(variable).next().is_some_and(|point| run.first < point)
            }
            Overlap::ResumeAtLast(variable) => {
                captured(variable).next_back().is_some_and(|point| run.first < point)
            }
        }
    }
}
