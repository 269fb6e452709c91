//! What the passing of event time decides about one run: absences that are over, and runs out of time.

use super::Run;
use crate::automaton::Trigger;
use crate::event::Timestamp;
use crate::matcher::Matcher;

impl Matcher<'_> {
    /// Moves a run on if an absence is over for which it waits; whether it is complete then.
    pub(super) fn end_absence(&self, run: &mut Run, now: Timestamp) -> bool {
        let state = self.rule.automaton.state(run.state);
        let ended = run.open(state).find_map(|(_, transition)| match transition.trigger {
            Trigger::Absence { end, .. } if run.absence_end(self.rule, end) <= now => {
                Some((transition, run.absence_end(self.rule, end)))
            }
            _ => None,
        });
        let Some((transition, end)) = ended else { return false };
        run.move_to(self.rule, transition.target, end);
        self.rule.automaton.state(transition.target).accepting
    }

    /// Whether a run is out of time: none of its frontier steps can be taken after `now`.
    pub(super) fn is_late(&self, run: &Run, now: Timestamp) -> bool {
        run.times_out(self.rule) <= now
    }

    /// Whether the rule wants to know that the run is out of time.
    pub(super) fn tells_timeout(&self, run: &Run) -> bool {
        !run.reported
            && self.rule.rule.timeout.as_ref().is_some_and(|timeout| {
                timeout
                    .after
                    .is_none_or(|after| run.captures.newest_first().any(|(variable, _)| variable == after))
            })
    }
}
