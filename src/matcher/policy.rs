//! Reporting what is complete, and what the overlap policy then drops.

use std::cmp::Reverse;

use super::run::{Run, RunSet};
use super::{Matcher, Report, ReportKind};
use crate::event::{Event, SequencePoint, Timestamp};
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

/// Which runs the reports of one moment drop, by their first events.
#[derive(Debug, Default)]
struct Dropped {
    /// Those that began at or before this.
    through: Option<SequencePoint>,
    /// Those that began before this.
    before: Option<SequencePoint>,
    /// Those that began with one of these, which are sorted.
    starts: Vec<SequencePoint>,
}

impl Dropped {
    /// Adds what a report drops. Reports come in the order of their first events.
    fn add(&mut self, overlap: Overlap, report: &Report) {
        let is = |wanted: VariableId| move |captured: &&(VariableId, Event)| captured.0 == wanted;
        let mut captures = report.captures.iter();
        let point = |captured: Option<&(VariableId, Event)>| captured.map(|(_, event)| event.point());
        match overlap {
            Overlap::None => self.through = self.through.max(point(captures.last())),
            Overlap::PerStart => self.starts.push(report.first),
            Overlap::All => {}
            Overlap::ResumeAtFirst(variable) => {
                self.before = self.before.max(point(captures.find(is(variable))));
            }
            Overlap::ResumeAtLast(variable) => {
                self.before = self.before.max(point(captures.rev().find(is(variable))));
            }
        }
    }

    /// Whether a run that began with `first` is dropped.
    fn includes(&self, first: SequencePoint) -> bool {
        self.through.is_some_and(|through| first <= through)
            || self.before.is_some_and(|before| first < before)
            || self.starts.binary_search(&first).is_ok()
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
