//! What the passing of event time decides: absences that are over, and runs out of time.

use super::RunList;
use super::report::Done;
use crate::automaton::Trigger;
use crate::event::Timestamp;
use crate::matcher::{Matcher, Report, ReportKind};

impl Matcher<'_> {
    /// Event time has passed `now`, which is the set's [`RunList::due`]: decides all that is due.
    /// Matches are reported before time-outs.
    pub(in crate::matcher) fn pass_time_in_list(
        &self,
        set: &mut RunList,
        now: Timestamp,
        reports: &mut Vec<Report>,
    ) {
        while set.due() <= now && !set.is_empty() {
            let mut done = Done::default();
            for index in 0..set.runs.len() {
                if set.runs[index].due <= now && self.end_absence(set, index, now) {
                    done.complete(index);
                }
            }
            self.report(set, done, ReportKind::Match, now, reports);
            self.time_out(set, now, reports);
            set.runs.retain(|run| run.frontier != 0);
            set.settle();
        }
    }

    /// Moves a run on whose absence is over; whether it is complete then.
    fn end_absence(&self, set: &mut RunList, index: usize, now: Timestamp) -> bool {
        let run = &mut set.runs[index];
        let state = self.rule.automaton.state(run.state);
        let ended = run.open(state).find_map(|(_, transition)| match transition.trigger {
            Trigger::Absence { end, .. } if run.absence_end(self.rule, end) <= now => {
                Some((transition, run.absence_end(self.rule, end)))
            }
            _ => None,
        });
        let Some((transition, end)) = ended else { return false };
        run.move_to(self.rule, transition.target, end);
        run.due = run.next_due(self.rule);
        self.rule.automaton.state(transition.target).accepting
    }

    /// Ends the runs none of whose frontier steps can be taken any more; reports those of them that
    /// the rule wants to know of.
    fn time_out(&self, set: &mut RunList, now: Timestamp, reports: &mut Vec<Report>) {
        let mut done = Done::default();
        let mut over = Vec::new();
        for (index, run) in set.runs.iter().enumerate() {
            if run.frontier == 0 || run.due > now || run.times_out(self.rule) > now {
                continue;
            }
            over.push(index);
            let wanted = self.rule.rule.timeout.as_ref().is_some_and(|timeout| {
                timeout
                    .after
                    .is_none_or(|after| run.captures.newest_first().any(|(variable, _)| variable == after))
            });
            if wanted && !run.reported {
                done.complete(index);
            }
        }
        self.report(set, done, ReportKind::Timeout, now, reports);
        for index in over {
            set.runs[index].frontier = 0;
        }
    }
}
