//! Offering an event to the runs.

use super::captures::Captures;
use super::policy::Done;
use super::run::{Run, RunSet};
use super::{Matcher, Report, ReportKind};
use crate::automaton::{AbsenceEnd, Answers, StateId, Trigger};
use crate::event::Event;
use crate::language::checked::LinkKind;

/// What became of a run that was offered an event.
enum Offered {
    /// It took the event, perhaps by way of copies only; what it became stands in the list.
    Taken,
    /// It goes on without the event. `completed`: an absence was only waiting for it.
    Skipped { completed: bool },
    /// It has nothing left to wait for.
    Dead,
}

impl Matcher<'_> {
    /// Offers the next event of the key to every run, and lets it start a new one.
    pub fn event(&self, set: &mut RunSet, event: &Event, answers: &mut Answers, reports: &mut Vec<Report>) {
        let mut done = Done::default();
        let mut runs = Vec::with_capacity(set.runs.len() + 1);
        for mut run in set.runs.drain(..) {
            let before = runs.len();
            match self.offer(&mut run, event, answers, &mut runs) {
                Offered::Taken => {}
                Offered::Skipped { completed } => {
                    runs.push(run);
                    if completed {
                        done.complete(runs.len() - 1);
                    }
                }
                Offered::Dead => {}
            }
            self.note_completed(&runs, before, event, &mut done);
        }
        let before = runs.len();
        self.start(event, answers, &mut runs);
        self.note_completed(&runs, before, event, &mut done);
        set.runs = runs;
        self.report(set, done, ReportKind::Match, event.time(), reports);
        set.runs.retain(|run| run.frontier != 0);
        self.keep_limits(set, event, reports);
        set.settle();
    }

    /// Notes which of the runs from `from` on became complete with this event.
    fn note_completed(&self, runs: &[Run], from: usize, event: &Event, done: &mut Done) {
        for (index, run) in runs.iter().enumerate().skip(from) {
            // A run that skipped the event may stand in an accepting state, too; only those that
            // took it are complete at it.
            let took =
                run.captures.newest_first().next().is_some_and(|(_, newest)| newest.point() == event.point());
            if took && self.rule.automaton.state(run.state).accepting {
                done.complete(index);
            }
        }
    }

    /// Starts a new run if the event fits a possible first step.
    fn start(&self, event: &Event, answers: &mut Answers, runs: &mut Vec<Run>) {
        if !self.can_start(event, answers) {
            return;
        }
        let start = self.rule.automaton.state(StateId::START);
        let mut run = Run::start(self.rule, event);
        for transition in &start.transitions {
            if let Trigger::Take { test, variable, .. } = transition.trigger
                && self.fits(test, event, &run.registers, answers)
            {
                run.take(self.rule, transition, variable, event);
                runs.push(run);
                return;
            }
        }
    }

    /// Offers the event to one run. What takes it is pushed to `runs`, the preferred first.
    fn offer(&self, run: &mut Run, event: &Event, answers: &mut Answers, runs: &mut Vec<Run>) -> Offered {
        self.remove_before(run, event, answers);
        let state = self.rule.automaton.state(run.state);
        for (_, transition) in run.open(state) {
            let Trigger::Take { test, variable, link, .. } = transition.trigger else { continue };
            if !self.fits_transition(run, test, transition, event, answers) {
                continue;
            }
            if link != LinkKind::ThenAny {
                let mut taken = std::mem::replace(run, Run::start(self.rule, event));
                taken.take(self.rule, transition, variable, event);
                runs.push(taken);
                return Offered::Taken;
            }
            let mut taken = run.clone();
            taken.take(self.rule, transition, variable, event);
            runs.push(taken);
        }
        self.skip(run, event, answers)
    }

    /// Takes away what cannot be taken any more: steps whose time is over, loops ended by `until`,
    /// and steps that the very next event was not to be followed by.
    fn remove_before(&self, run: &mut Run, event: &Event, answers: &mut Answers) {
        let state = self.rule.automaton.state(run.state);
        for (index, transition) in run.open(state) {
            let gone = self.deadline_passed(run, transition, event)
                || transition.until.is_some_and(|until| self.fits(until, event, &run.registers, answers))
                || (run.fresh
                    && transition
                        .next_not
                        .iter()
                        .any(|test| self.fits(*test, event, &run.registers, answers)));
            if gone {
                run.frontier &= !(1 << index);
            }
        }
    }

    fn deadline_passed(&self, run: &Run, transition: &crate::automaton::Transition, event: &Event) -> bool {
        self.rule.is_timed && run.deadline(self.rule, transition) < event.time()
    }

    /// Whether the event fits the step; the first step of a repetition does not see the captures of
    /// the repetition before.
    fn fits_transition(
        &self,
        run: &Run,
        test: crate::language::checked::TestId,
        transition: &crate::automaton::Transition,
        event: &Event,
        answers: &mut Answers,
    ) -> bool {
        if transition.resets.is_empty() || self.rule.rule.tests[test.0 as usize].residual.is_none() {
            return self.fits(test, event, &run.registers, answers);
        }
        let mut registers = run.registers.clone();
        Run::reset(&mut registers, self.rule, transition);
        self.fits(test, event, &registers, answers)
    }

    /// The run goes on without the event.
    fn skip(&self, run: &mut Run, event: &Event, answers: &mut Answers) -> Offered {
        let state = self.rule.automaton.state(run.state);
        let mut completed = None;
        for (index, transition) in run.open(state) {
            let mut gone = transition.not.iter().any(|test| self.fits(*test, event, &run.registers, answers));
            match transition.trigger {
                Trigger::Take { link, .. } => gone |= link == LinkKind::Next,
                Trigger::Absence { test, end } => {
                    gone |= self.fits(test, event, &run.registers, answers);
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
            run.due = run.next_due(self.rule);
            return Offered::Skipped { completed: true };
        }
        run.fresh = false;
        if run.frontier == 0 {
            return Offered::Dead;
        }
        if self.rule.is_timed {
            run.due = run.next_due(self.rule);
        }
        Offered::Skipped { completed: false }
    }

    /// Drops the oldest runs until the limits of the rule are kept.
    fn keep_limits(&self, set: &mut RunSet, event: &Event, reports: &mut Vec<Report>) {
        let rule = &self.rule.rule;
        let mut held: usize = set.runs.iter().map(|run| run.captures.len()).sum();
        let mut dropped = 0;
        let mut reason = ReportKind::TooManyRuns;
        while set.runs.len() - dropped > rule.max_runs || held > rule.max_events {
            if set.runs.len() - dropped <= rule.max_runs {
                reason = ReportKind::TooManyEvents;
            }
            held -= set.runs[dropped].captures.len();
            dropped += 1;
        }
        for run in set.runs.drain(..dropped) {
            if !set.limit_reported {
                set.limit_reported = true;
                reports.push(Report {
                    kind: reason,
                    decided: event.time(),
                    first: run.first,
                    captures: Captures::in_order(&run.captures),
                });
            }
        }
    }
}
