//! Keeping `max runs` and `max events`.
//!
//! Entries know how many runs and captured events they stood for when they were made, as if none had
//! ended since; and unless a run can become several, there are no more than starts in the ring. While that is within the limits there is nothing to do. Else the runs are counted, by
//! tidying, if so many entries have come since the last time that it is cheap, told over all of them.
//! Where that shows, too, that a limit is reached, or does not pay, they are held one by one from then
//! on; the list then keeps the limits itself.

use super::ring::Weight;
use super::{CompactRuns, within};
use crate::event::Event;
use crate::matcher::list::RunList;
use crate::matcher::{Matcher, Report};

impl CompactRuns {
    /// How many runs and captured events there are at most.
    pub(super) fn weight(&self) -> Weight {
        let weights = self.lanes.iter().map(|lane| self.ring.weight(lane.head));
        let mut weight = weights.fold(Weight::default(), Weight::and);
        if !self.copies {
            weight.runs = weight.runs.min(self.ring.starts());
        }
        weight
    }
}

impl Matcher<'_> {
    /// The runs one by one, with the rule's limits kept, if they can no longer be held together.
    pub(super) fn keep_limits_together(
        &self,
        set: &mut CompactRuns,
        event: &Event,
        reports: &mut Vec<Report>,
    ) -> Option<RunList> {
        if self.is_within_limits(set) {
            return None;
        }
        if set.ring.may_be_tidied() {
            set.tidy(within(self.rule));
            if self.is_within_limits(set) {
                return None;
            }
        }
        let runs = set.runs(self.rule, event.time());
        Some(self.list_of(runs, event, reports))
    }

    fn is_within_limits(&self, set: &CompactRuns) -> bool {
        let Weight { runs, events } = set.weight();
        runs as usize <= self.rule.rule.max_runs && events as usize <= self.rule.rule.max_events
    }
}
