//! The matcher: moves the runs of one rule for one key.
//!
//! Enters: the events of one key in order, and the passing of event time. Leaves: reports of
//! matches, of time-outs and of runs dropped because a limit was reached, in the order decided.
//! The matcher is stateless; what changes is the [`RunSet`], which is explicit and can tell its
//! size. It never reads a clock and never looks at another key.
//!
//! Invariant: what was due before an event has been decided before it is looked at.

mod compact;
pub mod explain;
mod list;
mod policy;
mod set;
mod step;
pub mod stored;
#[cfg(test)]
mod tests;
pub mod view;

use crate::automaton::{Answers, CompiledRule, StateId, Trigger};
use crate::event::{Event, SequencePoint, Timestamp};
use crate::expression::{Captured, Expr, Faults, History, Scope};
use crate::language::checked::{TestId, VariableId};
use crate::table::Tables;

pub use list::Run;
pub use set::RunSet;

/// Something that the matcher has decided.
#[derive(Clone, Debug)]
pub struct Report {
    /// What happened.
    pub kind: ReportKind,
    /// The event time at which it was certain.
    pub decided: Timestamp,
    /// The first event that the run captured.
    pub first: SequencePoint,
    /// What was captured, in the order taken.
    pub captures: Vec<(VariableId, Event)>,
}

/// What happened to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReportKind {
    /// It took all it needs.
    Match,
    /// It ran out of time, and the rule reports that.
    Timeout,
    /// It was dropped because the rule's `max runs` was reached.
    TooManyRuns,
    /// It was dropped because the rule's `max events` was reached.
    TooManyEvents,
}

/// Moves the runs of one rule.
#[derive(Clone, Copy, Debug)]
pub struct Matcher<'a> {
    /// The rule.
    pub rule: &'a CompiledRule,
    /// The contents of lists and tables.
    pub tables: &'a Tables,
    /// The past as the rule sees it for the key and the event; none when it does not look.
    pub history: Option<&'a dyn History>,
    /// Where what the rule alone asks and cannot be computed is counted.
    pub faults: &'a Faults,
}

impl Matcher<'_> {
    /// Whether the event fits the test for a run.
    fn fits(&self, test: TestId, event: &Event, run: &Run, answers: &Answers) -> bool {
        self.fits_alone(test, event, answers) && self.fits_captured(test, event, run)
    }

    /// Whether the event fits what the test asks besides, of what a run has captured and of the past.
    fn fits_captured(&self, test: TestId, event: &Event, run: &Run) -> bool {
        let holds = |condition| self.holds(condition, event, run.read(self.rule));
        self.residual(test).is_none_or(holds)
    }

    /// What a test asks of more than the event alone.
    fn residual(&self, test: TestId) -> Option<&Expr> {
        self.rule.rule.tests[test.0 as usize].residual.as_ref()
    }

    /// Whether a condition holds of an event for a run of which this can be read.
    fn holds(&self, condition: &Expr, event: &Event, captured: Captured<'_>) -> bool {
        condition.holds(&self.scope(event, captured))
    }

    /// What a condition sees of an event and of a run.
    fn scope<'s>(&'s self, event: &'s Event, captured: Captured<'s>) -> Scope<'s> {
        Scope {
            event: Some(event),
            captured,
            specs: &self.rule.specs,
            tables: self.tables,
            history: self.history,
            ..Scope::bare(self.faults)
        }
    }

    /// Whether the event fits what the test asks of it alone, whatever a run has captured.
    pub fn fits_alone(&self, test: TestId, event: &Event, answers: &Answers) -> bool {
        event.stream() == self.rule.rule.tests[test.0 as usize].stream
            && self.rule.predicates[test.0 as usize].is_none_or(|id| answers.holds(id))
    }

    /// Whether the event fits, alone, a step that a run can begin with.
    pub fn can_start(&self, event: &Event, answers: &Answers) -> bool {
        let start = self.rule.automaton.state(StateId::START);
        start.transitions.iter().any(|transition| match transition.trigger {
            Trigger::Take { test, .. } => self.fits_alone(test, event, answers),
            Trigger::Absence { .. } => false,
        })
    }
}
