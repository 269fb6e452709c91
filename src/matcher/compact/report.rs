//! Reporting the runs that an event has completed, and dropping what the overlap policy says.

use super::offer::Complete;
use super::paths::Paths;
use super::ring::{EntryId, Ring, Weight};
use super::{CompactRuns, within};
use crate::automaton::{StateId, Trigger};
use crate::event::Event;
use crate::language::checked::{Overlap, VariableId};
use crate::matcher::policy::Dropped;
use crate::matcher::{Matcher, Report, ReportKind};

impl Matcher<'_> {
    /// Reports the runs that have taken the event as their last in order; each report may drop others.
    pub(super) fn report_takers(
        &self,
        set: &mut CompactRuns,
        complete: &Complete,
        event: &Event,
        reports: &mut Vec<Report>,
    ) {
        if complete.is_empty() {
            return;
        }
        let overlap = self.rule.rule.overlap;
        let paths = complete_runs(&set.ring, complete, overlap);
        set.ring.passed_in_vain(paths.in_vain);
        let mut in_order: Vec<&[EntryId]> = paths.iter().collect();
        if in_order.len() > 1 {
            in_order.sort_unstable_by(|one, other| set.ring.in_order_of_reports(one, other));
        }
        let mut dropped = Dropped::default();
        for path in in_order {
            let first = set.ring.first(path[0]);
            if dropped.includes(first.time, || first) {
                continue;
            }
            let captures = self.captured(&set.ring, path);
            let report = Report { kind: ReportKind::Match, decided: event.time(), first, captures };
            dropped.add(overlap, &report);
            reports.push(report);
        }
        if overlap != Overlap::All {
            set.drop_starts(within(self.rule), |first| dropped.includes(first.time, || first));
        }
    }

    /// What a run has captured, which its transitions tell.
    fn captured(&self, ring: &Ring, path: &[EntryId]) -> Vec<(VariableId, Event)> {
        let mut state = StateId::START;
        let capture = |id: &EntryId| {
            let entry = ring.entry(*id);
            let transition = &self.rule.automaton.state(state).transitions[usize::from(entry.transition)];
            let Trigger::Take { variable, .. } = transition.trigger else {
                unreachable!("an entry is made where an event is taken")
            };
            state = transition.target;
            (variable, ring.event(*id).clone())
        };
        path.iter().map(capture).collect()
    }
}

/// The complete runs that may have to be reported.
fn complete_runs(ring: &Ring, complete: &Complete, overlap: Overlap) -> Paths {
    let before = |entry: &EntryId| ring.entry(*entry).before;
    let weights = complete.iter().filter_map(before).map(|before| ring.weight(before));
    let weight = weights.fold(Weight::default(), Weight::and);
    // The first report of `overlap none` drops all others: where there are many, only that is looked for.
    if overlap == Overlap::None && weight.events as usize > ring.len() {
        ring.first_takers(complete)
    } else {
        ring.takers(complete)
    }
}
