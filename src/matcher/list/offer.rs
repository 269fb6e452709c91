//! Offering an event to the runs.

use super::captures::Captures;
use super::report::Done;
use super::{Run, RunList};
use crate::automaton::{AbsenceEnd, Answers, StateId, Transition, Trigger};
use crate::event::Event;
use crate::language::checked::{LinkKind, TestId};
use crate::matcher::{Matcher, Report, ReportKind};

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

impl Matcher<'_> {
    /// Offers the next event of the key to every run, and lets it start a new one.
    pub(in crate::matcher) fn offer_to_list(
        &self,
        set: &mut RunList,
        event: &Event,
        answers: &Answers,
        reports: &mut Vec<Report>,
    ) {
        let mut done = Done::default();
        let mut copies = Vec::new();
        // Most runs stay one run. From the first on that becomes several, the set is built anew.
        for at in 0..set.runs.len() {
            let offered = self.offer(&mut set.runs[at], event, answers, &mut copies);
            if copies.is_empty() {
                self.note(set, at, offered, &mut done);
                continue;
            }
            let mut rest = set.runs.split_off(at).into_iter();
            rest.next().into_iter().for_each(|run| self.add(set, &mut copies, run, offered, &mut done));
            for mut run in rest {
                let offered = self.offer(&mut run, event, answers, &mut copies);
                self.add(set, &mut copies, run, offered, &mut done);
            }
            break;
        }
        if let Some(run) = self.start(event, answers) {
            if set.runs.is_empty() {
                // Most keys have one run; a vector would make room for four.
                set.runs.reserve_exact(1);
            }
            set.runs.push(run);
            self.note(set, set.runs.len() - 1, Offered::Taken, &mut done);
        }
        self.report(set, done, ReportKind::Match, event.time(), reports);
        set.runs.retain(|run| run.frontier != 0);
        self.keep_limits(set, event, reports);
        set.settle();
    }

    /// Adds what a run has become to the set: copies before the run itself, so that those of one run
    /// stand together in the order of preference.
    fn add(&self, set: &mut RunList, copies: &mut Vec<Run>, run: Run, offered: Offered, done: &mut Done) {
        for copy in copies.drain(..) {
            set.runs.push(copy);
            self.note(set, set.runs.len() - 1, Offered::Taken, done);
        }
        if offered != Offered::Dead {
            set.runs.push(run);
            self.note(set, set.runs.len() - 1, offered, done);
        }
    }

    /// Notes what became of a run: whether it is complete, or dead and to be removed.
    fn note(&self, set: &mut RunList, index: usize, offered: Offered, done: &mut Done) {
        let run = &mut set.runs[index];
        match offered {
            Offered::Taken if self.rule.automaton.state(run.state).accepting => done.complete(index),
            Offered::Completed => done.complete(index),
            Offered::Dead => run.frontier = 0,
            Offered::Taken | Offered::Skipped => {}
        }
    }

    /// The run that begins with the event, if it fits a possible first step.
    fn start(&self, event: &Event, answers: &Answers) -> Option<Run> {
        if !self.can_start(event, answers) {
            return None;
        }
        let start = self.rule.automaton.state(StateId::START);
        let mut run = Run::start(self.rule, event);
        for transition in &start.transitions {
            if let Trigger::Take { test, variable, .. } = transition.trigger
                && self.fits(test, event, &run.registers, answers)
            {
                run.take(self.rule, transition, variable, event);
                return Some(run);
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
        for (_, transition) in run.open(state) {
            let Trigger::Take { test, variable, link, .. } = transition.trigger else { continue };
            if !self.fits_transition(run, test, transition, event, answers) {
                continue;
            }
            if link != LinkKind::ThenAny {
                run.take(self.rule, transition, variable, event);
                return Offered::Taken;
            }
            let mut copy = run.clone();
            copy.take(self.rule, transition, variable, event);
            copies.push(copy);
        }
        self.skip(run, event, answers)
    }

    /// Takes away what cannot be taken any more: steps whose time is over, loops ended by `until`,
    /// and steps that the very next event was not to be followed by.
    fn remove_before(&self, run: &mut Run, event: &Event, answers: &Answers) {
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

    fn deadline_passed(&self, run: &Run, transition: &Transition, event: &Event) -> bool {
        self.rule.is_timed && run.deadline(self.rule, transition) < event.time()
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
            return self.fits(test, event, &run.registers, answers);
        }
        let mut registers = run.registers.clone();
        Run::reset(&mut registers, self.rule, transition);
        self.fits(test, event, &registers, answers)
    }

    /// The run goes on without the event.
    fn skip(&self, run: &mut Run, event: &Event, answers: &Answers) -> Offered {
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
            return Offered::Completed;
        }
        run.fresh = false;
        if run.frontier == 0 {
            return Offered::Dead;
        }
        if self.rule.is_timed {
            run.due = run.next_due(self.rule);
        }
        Offered::Skipped
    }

    /// The list of these runs, which stand in its order, after the event that brought them there.
    pub(in crate::matcher) fn list_of(
        &self,
        runs: Vec<Run>,
        event: &Event,
        reports: &mut Vec<Report>,
    ) -> RunList {
        let mut list = RunList { runs, ..RunList::default() };
        self.keep_limits(&mut list, event, reports);
        list.settle();
        list
    }

    /// Drops the oldest runs until the limits of the rule are kept.
    fn keep_limits(&self, set: &mut RunList, event: &Event, reports: &mut Vec<Report>) {
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
