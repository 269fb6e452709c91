//! A list of few runs: a vector in their order, which holds the first in place.
//!
//! Every run is looked at when an event comes or something is due.

use std::collections::HashSet;

use super::offer::Offered;
use super::runs::Runs;
use super::{Run, limit_reached};
use crate::automaton::{Answers, CompiledRule, Timing};
use crate::event::{Event, Timestamp};
use crate::matcher::step::Place;
use crate::matcher::{Matcher, Report, ReportKind};

/// The runs, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Few(Runs);

/// What became of the runs that were offered an event.
#[derive(Debug, Default)]
struct Noted {
    /// Those that are complete, by their places.
    done: Vec<usize>,
    /// Whether any has nothing left to wait for.
    is_any_over: bool,
}

impl Few {
    /// The runs, which are given in their order.
    pub fn new(runs: Vec<Run>) -> Few {
        Few(runs.into())
    }

    /// The runs, in their order.
    pub fn into_runs(self) -> Vec<Run> {
        self.0.into()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The runs.
    pub fn as_slice(&self) -> &[Run] {
        &self.0
    }

    /// At how many places they stand.
    pub fn places(&self, rule: &CompiledRule) -> usize {
        let places: HashSet<Place> = self.0.iter().map(|run| run.place(&rule.automaton)).collect();
        places.len()
    }

    /// The next moment at which the passing of time decides something.
    pub fn due(&self, rule: &CompiledRule) -> Timestamp {
        let due = match rule.timing {
            // Who began first is over first.
            Timing::None | Timing::Whole => self.0.first().map(|run| run.due(rule)),
            Timing::Steps => self.0.iter().map(|run| run.due(rule)).min(),
        };
        due.unwrap_or(Timestamp::MAX)
    }

    /// Offers the next event of the key to every run, and lets it start a new one.
    pub fn event(
        &mut self,
        matcher: &Matcher<'_>,
        event: &Event,
        answers: &Answers,
        reports: &mut Vec<Report>,
    ) {
        let rule = matcher.rule;
        let mut noted = Noted::default();
        let mut copies = Vec::new();
        // Most runs stay one run. From the first on that becomes several, the list is built anew.
        for at in 0..self.0.len() {
            let offered = matcher.offer(&mut self.0[at], event, answers, &mut copies);
            if copies.is_empty() {
                self.note(rule, at, offered, &mut noted);
                continue;
            }
            let mut rest = self.0.split_off(at).into_iter();
            rest.next().into_iter().for_each(|run| self.add(rule, &mut copies, run, offered, &mut noted));
            for mut run in rest {
                let offered = matcher.offer(&mut run, event, answers, &mut copies);
                self.add(rule, &mut copies, run, offered, &mut noted);
            }
            break;
        }
        if noted.is_any_over && noted.done.is_empty() {
            // Most often the only run: the new one takes its place.
            self.remove_over();
            noted.is_any_over = false;
        }
        if let Some(run) = matcher.start(event, answers) {
            self.0.push(run);
            self.note(rule, self.0.len() - 1, Offered::Taken, &mut noted);
        }
        if noted.is_any_over || !noted.done.is_empty() {
            self.report(matcher, noted.done, ReportKind::Match, event.time(), reports);
            self.remove_over();
        }
    }

    /// Adds what a run has become: copies before the run itself, so that those of one run stand together
    /// in the order of preference.
    fn add(
        &mut self,
        rule: &CompiledRule,
        copies: &mut Vec<Run>,
        run: Run,
        offered: Offered,
        noted: &mut Noted,
    ) {
        for copy in copies.drain(..) {
            self.0.push(copy);
            self.note(rule, self.0.len() - 1, Offered::Taken, noted);
        }
        if offered != Offered::Dead {
            self.0.push(run);
            self.note(rule, self.0.len() - 1, offered, noted);
        }
    }

    /// Notes what became of a run: whether it is complete, or dead and to be removed.
    fn note(&mut self, rule: &CompiledRule, index: usize, offered: Offered, noted: &mut Noted) {
        if offered.is_complete(rule, &self.0[index]) {
            noted.done.push(index);
        } else if offered == Offered::Dead {
            self.0[index].frontier = 0;
            noted.is_any_over = true;
        }
    }

    /// Decides what is due at `now`.
    pub fn time(&mut self, matcher: &Matcher<'_>, now: Timestamp, reports: &mut Vec<Report>) {
        let mut done = Vec::new();
        for (index, run) in self.0.iter_mut().enumerate() {
            if run.due(matcher.rule) <= now && matcher.end_absence(run, now) {
                done.push(index);
            }
        }
        self.report(matcher, done, ReportKind::Match, now, reports);
        let late = |run: &Run| run.frontier != 0 && run.due(matcher.rule) <= now && matcher.is_late(run, now);
        let over: Vec<usize> = (0..self.0.len()).filter(|index| late(&self.0[*index])).collect();
        let told = over.iter().copied().filter(|index| matcher.tells_timeout(&self.0[*index])).collect();
        self.report(matcher, told, ReportKind::Timeout, now, reports);
        over.into_iter().for_each(|index| self.0[index].frontier = 0);
        self.remove_over();
    }

    /// Reports runs, and drops those that the overlap policy says.
    fn report(
        &mut self,
        matcher: &Matcher<'_>,
        done: Vec<usize>,
        kind: ReportKind,
        decided: Timestamp,
        reports: &mut Vec<Report>,
    ) {
        if done.is_empty() {
            return;
        }
        let dropped = matcher.report(&mut *self.0, done, kind, decided, reports);
        for run in &mut *self.0 {
            if dropped.includes(run.began(), || run.first_point()) {
                run.frontier = 0;
            }
        }
    }

    /// Removes the runs that have nothing left to wait for.
    fn remove_over(&mut self) {
        self.0.retain(|run| run.frontier != 0);
    }

    /// Drops the oldest runs until the limits of the rule are kept. Gives the first of them and the
    /// limit that the last of them broke.
    pub fn keep_limits(&mut self, rule: &CompiledRule) -> Option<(Run, ReportKind)> {
        let mut held = self.0.iter().map(|run| run.captures.len()).sum();
        let mut dropped = 0;
        let mut reason = None;
        while let Some(limit) = limit_reached(rule, self.0.len() - dropped, held) {
            reason = Some(limit);
            held -= self.0[dropped].captures.len();
            dropped += 1;
        }
        self.0.drop_first(dropped).zip(reason)
    }
}
