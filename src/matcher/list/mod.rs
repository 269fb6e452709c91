//! Runs held one by one.
//!
//! What any rule can be run with: each run has its own captured events, registers and deadlines, and is
//! offered every event that concerns the rule.
//!
//! Invariant: runs stand in the order of their first events, those of one beginning in the order of
//! preference.

mod captures;
mod few;
mod offer;
mod report;
mod run;
mod time;

use crate::automaton::{Answers, CompiledRule};
use crate::event::{Event, Timestamp};
use crate::matcher::{Matcher, Report, ReportKind};

use few::Few;

#[cfg(test)]
pub(in crate::matcher) use offer::Offered;
pub use run::Run;

/// The runs of one rule for one key, in the order of their first events.
#[derive(Clone, Debug)]
pub struct RunList {
    runs: Few,
    due: Timestamp,
    /// Whether the limit has been reported since the set was last empty.
    limit_reported: bool,
}

impl Default for RunList {
    fn default() -> RunList {
        RunList { runs: Few::default(), due: Timestamp::MAX, limit_reported: false }
    }
}

impl RunList {
    /// How many runs are alive.
    pub fn len(&self) -> usize {
        self.runs.len()
    }

    /// Whether no run is alive.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The next moment at which the passing of time decides something; [`Timestamp::MAX`] when
    /// nothing waits for time.
    pub fn due(&self) -> Timestamp {
        self.due
    }

    /// The runs.
    pub fn runs(&self) -> &[Run] {
        self.runs.as_slice()
    }

    /// Brings [`RunList::due`] up to date.
    fn settle(&mut self, rule: &CompiledRule) {
        self.due = self.runs.due(rule);
        if self.is_empty() {
            self.limit_reported = false;
        }
    }
}

impl Matcher<'_> {
    /// Offers the next event of the key to every run, and lets it start a new one.
    pub(in crate::matcher) fn offer_to_list(
        &self,
        set: &mut RunList,
        event: &Event,
        answers: &Answers,
        reports: &mut Vec<Report>,
    ) {
        set.runs.event(self, event, answers, reports);
        self.keep_limits(set, event, reports);
    }

    /// The list of these runs, which stand in its order, after the event that brought them there.
    pub(in crate::matcher) fn list_of(
        &self,
        runs: Vec<Run>,
        event: &Event,
        reports: &mut Vec<Report>,
    ) -> RunList {
        let mut list = RunList { runs: Few::from(runs), ..RunList::default() };
        self.keep_limits(&mut list, event, reports);
        list
    }

    /// Drops the oldest runs until the limits of the rule are kept, and says so once.
    fn keep_limits(&self, set: &mut RunList, event: &Event, reports: &mut Vec<Report>) {
        if let Some((run, kind)) = set.runs.keep_limits(self.rule)
            && !set.limit_reported
        {
            set.limit_reported = true;
            reports.push(run.report(kind, event.time()));
        }
        set.settle(self.rule);
    }

    /// Event time has passed `now`, which is the set's [`RunList::due`]: decides all that is due.
    /// Matches are reported before time-outs.
    pub(in crate::matcher) fn pass_time_in_list(
        &self,
        set: &mut RunList,
        now: Timestamp,
        reports: &mut Vec<Report>,
    ) {
        while set.due <= now && !set.is_empty() {
            set.runs.time(self, now, reports);
            set.settle(self.rule);
        }
    }
}

/// The reason for which runs are dropped, if a limit of the rule is not kept by so many runs that hold
/// so many events.
fn limit_reached(rule: &CompiledRule, runs: usize, held: usize) -> Option<ReportKind> {
    if runs > rule.rule.max_runs {
        Some(ReportKind::TooManyRuns)
    } else {
        (held > rule.rule.max_events).then_some(ReportKind::TooManyEvents)
    }
}
