//! Runs held one by one.
//!
//! What any rule can be run with: each run has its own captured events, registers and deadlines, and is
//! moved by itself. How runs are found that an event concerns depends on how many there are:
//!
//! - [`few`]: a vector, in which each run is offered each event. Most keys have few runs, and nothing is
//!   smaller or, up to some dozen, faster.
//! - [`many`]: in lanes, of which most events concern few runs.
//!
//! Runs go from one form to the other as they become more or fewer. What an event and the passing of time
//! do to one run is written once, in [`offer`] and [`time`], and what is reported does not depend on the
//! form.
//!
//! Invariant: runs stand in the order of their first events, those of one beginning in the order of
//! preference.

mod captures;
mod few;
mod kept;
mod many;
mod offer;
mod report;
mod run;
mod runs;
mod stored;
#[cfg(test)]
mod tests;
mod time;

use std::borrow::Cow;

use crate::automaton::{Answers, CompiledRule};
use crate::event::{Event, Timestamp};
use crate::matcher::{Matcher, Report, ReportKind};

use few::Few;
use many::Many;

pub use captures::Nodes;
#[cfg(test)]
pub(in crate::matcher) use offer::Offered;
pub use run::Run;

/// From so many runs on, lanes are thought of.
const MANY: usize = if cfg!(test) { 4 } else { 32 };
/// With fewer runs, lanes are given up.
const FEW: usize = if cfg!(test) { 2 } else { 8 };
/// A lane is worth having for so many runs; with less than half of them it is given up.
const LANE: usize = if cfg!(test) { 1 } else { 4 };

/// The runs of one rule for one key, in the order of their first events.
#[derive(Clone, Debug)]
pub struct RunList {
    form: Form,
    due: Timestamp,
    /// With how many runs lanes are next thought of.
    next_many: u32,
    /// Whether the limit has been reported since the set was last empty.
    limit_reported: bool,
}

#[derive(Clone, Debug)]
enum Form {
    Few(Few),
    Many(Box<Many>),
}

impl Default for RunList {
    fn default() -> RunList {
        RunList {
            form: Form::Few(Few::default()),
            due: Timestamp::MAX,
            next_many: MANY as u32,
            limit_reported: false,
        }
    }
}

impl RunList {
    /// How many runs are alive.
    pub fn len(&self) -> usize {
        match &self.form {
            Form::Few(few) => few.len(),
            Form::Many(many) => many.len(),
        }
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

    /// Reads something of the first of few runs, so that it is near. Where there are many, most of them are
    /// not needed.
    pub fn touch(&self) -> u64 {
        match &self.form {
            Form::Few(few) => few.as_slice().first().map_or(0, Run::touch) ^ self.due.as_micros() as u64,
            Form::Many(_) => 0,
        }
    }

    /// Reads something of the events of the same run, which must be near by now.
    pub fn touch_event(&self) -> u64 {
        match &self.form {
            Form::Few(few) => few.as_slice().first().map_or(0, Run::touch_event),
            Form::Many(_) => 0,
        }
    }

    /// Gives the events that few runs hold.
    pub fn events<'a>(&'a self, give: &mut impl FnMut(&'a Event)) {
        if let Form::Few(few) = &self.form {
            let captures = few.as_slice().iter().flat_map(|run| run.captures.newest_first());
            captures.for_each(|(_, event)| give(event));
        }
    }

    /// The runs.
    pub fn runs(&self) -> Vec<Cow<'_, Run>> {
        match &self.form {
            Form::Few(few) => few.as_slice().iter().map(Cow::Borrowed).collect(),
            Form::Many(many) => many.runs().map(Cow::Owned).collect(),
        }
    }

    /// Asserts what must hold between two events.
    #[cfg(test)]
    fn check(&self) {
        if let Form::Many(many) = &self.form {
            many.check();
        }
    }

    /// Brings [`RunList::due`] and the form up to date.
    fn settle(&mut self, rule: &CompiledRule) {
        match &mut self.form {
            Form::Few(few) => {
                self.due = few.due(rule);
                if few.len() == 0 {
                    self.limit_reported = false;
                    self.next_many = MANY as u32;
                } else if few.len() >= self.next_many as usize {
                    self.think_of_lanes(rule);
                }
            }
            Form::Many(many) => {
                self.due = many.due(rule);
                if many.len() < FEW || many.len() < many.places() * LANE / 2 {
                    self.give_up_lanes();
                } else if many.room() > 4 * many.len() + MANY {
                    // The room that many more runs have left.
                    let runs: Vec<Run> = many.runs().collect();
                    **many = Many::new(rule, runs.into_iter());
                }
            }
        }
    }

    /// Puts the runs into lanes if few enough are needed.
    fn think_of_lanes(&mut self, rule: &CompiledRule) {
        let Form::Few(few) = &mut self.form else { return };
        self.next_many = (few.len() as u32).saturating_mul(2);
        if few.places(rule) * LANE <= few.len() {
            let runs = std::mem::take(few).into_runs();
            self.form = Form::Many(Box::new(Many::new(rule, runs.into_iter())));
        }
    }

    fn give_up_lanes(&mut self) {
        let form = std::mem::replace(&mut self.form, Form::Few(Few::default()));
        if let Form::Many(many) = form {
            self.next_many = (many.len() as u32).saturating_mul(2).max(MANY as u32);
            self.form = Form::Few(many.into_few());
        }
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
        match &mut set.form {
            Form::Few(few) => few.event(self, event, answers, reports),
            Form::Many(many) => many.event(self, event, answers, reports),
        }
        self.keep_limits(set, event, reports);
    }

    /// The list of these runs, which stand in its order, after the event that brought them there.
    pub(in crate::matcher) fn list_of(
        &self,
        runs: Vec<Run>,
        event: &Event,
        reports: &mut Vec<Report>,
    ) -> RunList {
        let mut list = RunList { form: Form::Few(Few::new(runs)), ..RunList::default() };
        self.keep_limits(&mut list, event, reports);
        list
    }

    /// Drops the oldest runs until the limits of the rule are kept, and says so once.
    fn keep_limits(&self, set: &mut RunList, event: &Event, reports: &mut Vec<Report>) {
        let dropped = match &mut set.form {
            Form::Few(few) => few.keep_limits(self.rule),
            Form::Many(many) => many.keep_limits(self.rule),
        };
        if let Some((run, kind)) = dropped
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
            match &mut set.form {
                Form::Few(few) => few.time(self, now, reports),
                Form::Many(many) => many.time(self, now, reports),
            }
            set.settle(self.rule);
        }
    }
}

/// The limit of the rule that is broken by so many runs which hold so many events, if one is.
fn limit_reached(rule: &CompiledRule, runs: usize, held: usize) -> Option<ReportKind> {
    if runs > rule.rule.max_runs {
        Some(ReportKind::TooManyRuns)
    } else {
        (held > rule.rule.max_events).then_some(ReportKind::TooManyEvents)
    }
}
