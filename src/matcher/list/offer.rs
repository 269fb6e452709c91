//! Offering an event to one run, and beginning one.

use super::Run;
use crate::automaton::{AbsenceEnd, Answers, CompiledRule, StateId, Timing, Transition, Trigger};
use crate::event::Event;
use crate::expression::Captured;
use crate::language::checked::{LinkKind, TestId};
use crate::matcher::Matcher;

/// What became of a run that was offered an event, besides the copies of it that took the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::matcher) enum Offered {
    /// It took the event.
    Taken,
    /// It goes on without the event.
    Skipped,
    /// It goes on without the event, and an absence was only waiting for that: it is complete.
    Completed,
    /// It has nothing left to wait for.
    Dead,
}

impl Offered {
    /// Whether the run, of which this has become, is complete.
    pub(super) fn is_complete(self, rule: &CompiledRule, run: &Run) -> bool {
        match self {
            Offered::Taken => rule.automaton.state(run.state).accepting,
            Offered::Completed => true,
            Offered::Skipped | Offered::Dead => false,
        }
    }
}

impl Matcher<'_> {
    /// The run that begins with the event, if it fits a possible first step.
    pub(super) fn start(&self, event: &Event, answers: &Answers) -> Option<Run> {
        if !self.rule.begins {
            return None;
        }
        let mut run: Option<Run> = None;
        for (index, transition) in (0..).zip(&self.rule.automaton.state(StateId::START).transitions) {
            let Trigger::Take { test, .. } = transition.trigger else { continue };
            if !self.fits_alone(test, event, answers) {
                continue;
            }
            let new = run.get_or_insert_with(|| Run::start(self.rule, event));
            if self.fits_captured(test, event, new) {
                new.take(self.rule, index, event);
                return run;
            }
        }
        None
    }

    /// Offers the event to one run. Copies of it that took the event by `any` are pushed to
    /// `copies`, the preferred first.
    pub(in crate::matcher) fn offer(
        &self,
        run: &mut Run,
        event: &Event,
        answers: &Answers,
        copies: &mut Vec<Run>,
    ) -> Offered {
        self.remove_before(run, event, answers);
        let state = self.rule.automaton.state(run.state);
        for (index, transition) in run.open(state) {
            let Trigger::Take { test, link, .. } = transition.trigger else { continue };
            if !self.fits_transition(run, test, transition, event, answers) {
                continue;
            }
            if link != LinkKind::ThenAny {
                run.take(self.rule, index, event);
                return Offered::Taken;
            }
            let mut copy = run.part();
            copy.take(self.rule, index, event);
            copies.push(copy);
        }
        self.skip(run, event, answers)
    }

    /// Takes away what cannot be taken any more: steps whose time is over, loops ended by `until`,
    /// and steps that the very next event was not to be followed by.
    fn remove_before(&self, run: &mut Run, event: &Event, answers: &Answers) {
        let state = self.rule.automaton.state(run.state);
        // Where all steps end at the same moment, the run is gone when it has passed.
        let may_be_late = self.rule.timing == Timing::Steps;
        for (index, transition) in run.open(state) {
            let gone = may_be_late && run.deadline(self.rule, transition) < event.time()
                || transition.until.is_some_and(|until| self.fits(until, event, run, answers))
                || (run.fresh
                    && transition.next_not.iter().any(|test| self.fits(*test, event, run, answers)));
            if gone {
                run.frontier &= !(1 << index);
            }
        }
    }

    /// Whether the event fits the step; the first step of a repetition does not see the captures of
    /// the repetition before.
    fn fits_transition(
        &self,
        run: &Run,
        test: TestId,
        transition: &Transition,
        event: &Event,
        answers: &Answers,
    ) -> bool {
        if transition.resets.is_empty() || self.rule.rule.tests[test.0 as usize].residual.is_none() {
            return self.fits(test, event, run, answers);
        }
        if !self.fits_alone(test, event, answers) {
            return false;
        }
        let registers = run.registers_without(self.rule, &transition.resets);
        self.residual(test).is_none_or(|condition| self.holds(condition, event, Captured::Kept(&registers)))
    }

    /// The run goes on without the event.
    fn skip(&self, run: &mut Run, event: &Event, answers: &Answers) -> Offered {
        let state = self.rule.automaton.state(run.state);
        let mut completed = None;
        for (index, transition) in run.open(state) {
            let mut gone = transition.not.iter().any(|test| self.fits(*test, event, run, answers));
            match transition.trigger {
                Trigger::Take { link, .. } => gone |= link == LinkKind::Next,
                Trigger::Absence { test, end } => {
                    gone |= self.fits(test, event, run, answers);
                    if !gone && end == AbsenceEnd::NextEvent {
                        completed = Some(transition.target);
                    }
                }
            }
            if gone {
                run.frontier &= !(1 << index);
            }
        }
        if let Some(target) = completed {
            run.move_to(self.rule, target, event.time());
            return Offered::Completed;
        }
        run.fresh = false;
        if run.frontier == 0 {
            return Offered::Dead;
        }
        run.settle(self.rule);
        Offered::Skipped
    }
}
