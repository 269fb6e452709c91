//! What an event is to a run, told and not done: the decisions of `offer`, each with its reason.
//!
//! For explanations only. It looks at a run as it was before the event was offered, and must come to
//! the same verdict; tests hold it to that.

use super::Matcher;
use super::Run;
use crate::automaton::{AbsenceEnd, StateId, Transition, Trigger};
use crate::diagnostic::Span;
use crate::event::{Event, Timestamp, Value};
use crate::expression::Captured;
use crate::language::checked::{LinkKind, TestId, VariableId};

/// What an event is to a run.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// What it is to each thing that the run waits for, in the order of preference.
    pub steps: Vec<Step>,
    /// What becomes of the run.
    pub verdict: Verdict,
}

/// What becomes of a run, besides the copies of it that take the event by `any`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It takes the event, as this.
    Taken(VariableId),
    /// It goes on without the event.
    Skipped,
    /// An absence was only waiting for an event that is not this one: it goes on behind it.
    Passed,
    /// It has nothing left to wait for.
    Dead,
}

/// What an event is to one thing that a run waits for.
#[derive(Clone, Debug)]
pub struct Step {
    /// The test of the event that is waited for or, in an absence, must not come.
    pub test: TestId,
    /// Whether it is an absence.
    pub is_absence: bool,
    /// Where it leads.
    pub target: StateId,
    /// Whether the event fits; also whether it would have in time.
    pub answer: Answer,
    /// What took it away, if anything did.
    pub gone: Option<Gone>,
}

/// Whether an event fits a step.
#[derive(Clone, Debug)]
pub enum Answer {
    /// It does.
    Fits,
    /// It is of another stream.
    OtherStream,
    /// It does not, because this does not hold.
    Unfit(Option<Reason>),
    /// It was not asked, because the step was gone before.
    NotAsked,
}

/// What takes a step away from a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// It could have been taken until then.
    TooLate(Timestamp),
    /// The event ends the loop.
    Until(TestId),
    /// The event came, and must not have come before the step.
    Not(TestId),
    /// The event was the very next one, and is not what must come directly.
    NotDirectly,
}

/// The first part of a condition that does not hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    /// Where it stands.
    pub span: Span,
    /// Whether it is unknown rather than false.
    pub is_unknown: bool,
    /// What it looks at: places and values.
    pub shown: Vec<(Span, Value)>,
}

impl Matcher<'_> {
    /// What the event is to the run.
    pub fn explain(&self, run: &Run, event: &Event) -> Explanation {
        let state = self.rule.automaton.state(run.state);
        let mut steps: Vec<Step> = Vec::new();
        let mut taken = None;
        let mut passes = false;
        for (_, transition) in run.open(state) {
            let mut step = self.ask(run, transition, event);
            if let (Answer::Fits, None, Trigger::Take { variable, link, .. }) =
                (&step.answer, step.gone, transition.trigger)
                && link != LinkKind::ThenAny
            {
                taken = Some(variable);
                steps.push(step);
                break;
            }
            if step.gone.is_none() {
                step.gone = self.gone_by_skipping(run, transition, event);
                passes |= step.gone.is_none()
                    && matches!(transition.trigger, Trigger::Absence { end: AbsenceEnd::NextEvent, .. });
            }
            steps.push(step);
        }
        let verdict = match taken {
            Some(variable) => Verdict::Taken(variable),
            None if passes => Verdict::Passed,
            None if steps.iter().all(|step| step.gone.is_some()) => Verdict::Dead,
            None => Verdict::Skipped,
        };
        Explanation { steps, verdict }
    }

    /// What the event is to the steps that a run can begin with.
    pub fn explain_start(&self, event: &Event) -> Vec<Step> {
        let run = Run::start(self.rule, event);
        let start = self.rule.automaton.state(StateId::START);
        start.transitions.iter().map(|transition| self.ask(&run, transition, event)).collect()
    }

    /// Whether the event fits a step that is still there.
    fn ask(&self, run: &Run, transition: &Transition, event: &Event) -> Step {
        let (test, is_absence) = match transition.trigger {
            Trigger::Take { test, .. } => (test, false),
            Trigger::Absence { test, .. } => (test, true),
        };
        let gone = self.gone_before(run, transition, event);
        let answer = match (gone, is_absence) {
            // Whether it would have fitted in time is worth knowing.
            (None | Some(Gone::TooLate(_)), false) => {
                let registers = run.registers_without(self.rule, &transition.resets);
                self.answer(test, event, Captured::Kept(&registers))
            }
            _ => Answer::NotAsked,
        };
        Step { test, is_absence, target: transition.target, answer, gone }
    }

    fn answer(&self, test: TestId, event: &Event, captured: Captured<'_>) -> Answer {
        let asked = &self.rule.rule.tests[test.0 as usize];
        if event.stream() != asked.stream {
            Answer::OtherStream
        } else if self.is(test, event, captured) {
            Answer::Fits
        } else {
            Answer::Unfit(self.reason(test, event, captured))
        }
    }

    /// What has taken the step away before the event could be taken.
    fn gone_before(&self, run: &Run, transition: &Transition, event: &Event) -> Option<Gone> {
        let deadline = run.deadline(self.rule, transition);
        if deadline < event.time() {
            return Some(Gone::TooLate(deadline));
        }
        let fits = |test: &TestId| self.is(*test, event, run.read(self.rule));
        if let Some(until) = transition.until.filter(fits) {
            return Some(Gone::Until(until));
        }
        let not = transition.next_not.iter().copied().find(|test| run.fresh && fits(test));
        not.map(Gone::Not)
    }

    /// What takes the step away when the run goes on without the event.
    fn gone_by_skipping(&self, run: &Run, transition: &Transition, event: &Event) -> Option<Gone> {
        let fits = |test: &TestId| self.is(*test, event, run.read(self.rule));
        if let Some(not) = transition.not.iter().copied().find(fits) {
            return Some(Gone::Not(not));
        }
        match transition.trigger {
            Trigger::Take { link: LinkKind::Next, .. } => Some(Gone::NotDirectly),
            Trigger::Take { .. } => None,
            Trigger::Absence { test, .. } => fits(&test).then_some(Gone::Not(test)),
        }
    }

    /// Whether the event is what the test asks for.
    fn is(&self, test: TestId, event: &Event, captured: Captured<'_>) -> bool {
        let test = &self.rule.rule.tests[test.0 as usize];
        let scope = self.scope(event, captured);
        event.stream() == test.stream
            && test.unary.iter().chain(&test.residual).all(|condition| condition.holds(&scope))
    }

    /// The first part of the test's condition that does not hold.
    fn reason(&self, test: TestId, event: &Event, captured: Captured<'_>) -> Option<Reason> {
        let scope = self.scope(event, captured);
        let conjuncts = &self.rule.rule.tests[test.0 as usize].conjuncts;
        conjuncts.iter().find_map(|conjunct| {
            let truth = conjunct.condition.truth(&scope);
            (truth != Some(true)).then(|| Reason {
                span: conjunct.span,
                is_unknown: truth.is_none(),
                shown: conjunct
                    .shown
                    .iter()
                    .map(|(span, value)| (*span, value.value(&scope).into_owned()))
                    .collect(),
            })
        })
    }
}
