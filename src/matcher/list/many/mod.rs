//! A list of many runs: in lanes, of which most events concern few runs.
//!
//! All runs that stand at one place are moved alike by tests that ask of the event alone. So they stand
//! together in a *lane*, and an event that fits no test which reads captured events is looked at once for
//! each lane: if the runs stay where they are, or stand elsewhere now but take nothing, that is all.
//!
//! Where a test compares something of the event with something of the run, the lane keeps a *column* of
//! what the run's side is worth. The event's side is computed once, the column tells which runs can fit,
//! and only these are offered the event. Each run is offered it
//!
//! - where it takes an event by a test of the event alone: it must, or a copy of it must, keep it;
//! - where a test is asked as a whole (see [`crate::automaton::Sides`]);
//! - where an event takes a step away and steps have times of their own: what is left may be too late.
//!
//! Otherwise, steps that are too late stay in the frontier until the run is looked at. That changes nothing:
//! whoever takes a step asks whether it is too late, and a run is over with the last of its steps.
//!
//! Invariants: between two events, each run is in the lane of its place. What a run says itself of its
//! frontier, and whether it is fresh, counts only while it is on its way from one lane to another.

mod column;
mod dues;
mod lane;
mod lanes;
mod order;

use std::ops::Range;

use super::few::Few;
use super::offer::Offered;
use super::{Run, limit_reached};
use crate::automaton::{Answers, CompiledRule, Timing};
use crate::event::{Event, Timestamp};
use crate::language::checked::Overlap;
use crate::matcher::{Matcher, Report, ReportKind};

use dues::Dues;
use lane::{Look, Others};
use lanes::Lanes;
use order::{NONE, Order, Slot};

/// Many runs.
#[derive(Clone, Debug)]
pub(super) struct Many {
    order: Order,
    lanes: Lanes,
    /// Where steps have times of their own; else who began first is due first.
    dues: Dues,
    /// How many captured events the runs hold, each counted by itself.
    held: usize,
}

/// What became of runs that were offered an event.
#[derive(Debug, Default)]
struct Round {
    /// Those that are complete.
    done: Vec<Slot>,
    /// Those that are in no lane for now.
    moved: Vec<Slot>,
    /// Buffer for the copies of one run.
    copies: Vec<Run>,
}

impl Many {
    /// The runs, which are given in their order.
    pub fn new(rule: &CompiledRule, runs: impl ExactSizeIterator<Item = Run>) -> Many {
        let order = Order::with_room(runs.len());
        let mut many = Many { order, lanes: Lanes::default(), dues: Dues::default(), held: 0 };
        for run in runs {
            many.held += run.captures.len();
            let slot = many.order.push(run);
            many.settle_run(rule, slot);
        }
        many
    }

    /// The same runs as a list of few.
    pub fn into_few(mut self) -> Few {
        Few::new(std::iter::from_fn(|| self.order.oldest().map(|slot| self.take(slot))).collect())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Asserts what must hold between two events.
    #[cfg(test)]
    pub fn check(&self) {
        let slots: Vec<Slot> = self.order.slots().collect();
        assert_eq!(slots.len(), self.order.len());
        assert!(slots.is_sorted_by_key(|slot| self.order[*slot as usize].first_point()));
        let held: usize = slots.iter().map(|slot| self.order[*slot as usize].captures.len()).sum();
        assert_eq!(held, self.held);
        for slot in &slots {
            let entry = self.order.entry(*slot);
            let lane = self.lanes.get(entry.lane);
            assert_eq!(lane.members[entry.at as usize], *slot);
            assert_eq!(lane.place.state, self.order[*slot as usize].state);
        }
        self.lanes.check(slots.len());
    }

    /// At how many places they stand.
    pub fn places(&self) -> usize {
        self.lanes.len()
    }

    /// For how many there is room.
    pub fn room(&self) -> usize {
        self.order.room()
    }

    /// The runs, in their order, as they would stand in a list of few.
    pub fn runs(&self) -> impl Iterator<Item = Run> {
        self.order.slots().map(|slot| {
            let mut run = self.order[slot as usize].clone();
            run.come(self.lanes.get(self.order.entry(slot).lane).place);
            run
        })
    }

    /// The next moment at which the passing of time decides something.
    pub fn due(&mut self, rule: &CompiledRule) -> Timestamp {
        if rule.timing == Timing::Steps {
            return self.dues.next(rule, &self.order);
        }
        let oldest = self.order.oldest();
        oldest.map_or(Timestamp::MAX, |slot| self.order[slot as usize].due(rule))
    }

    /// Offers the next event of the key to every run that it may concern, and lets it start a new one.
    pub fn event(
        &mut self,
        matcher: &Matcher<'_>,
        event: &Event,
        answers: &Answers,
        reports: &mut Vec<Report>,
    ) {
        let mut round = Round::default();
        for slot in self.look(matcher, event, answers) {
            self.offer(matcher, slot, event, answers, &mut round);
        }
        if let Some(run) = matcher.start(event, answers) {
            self.add(matcher.rule, run, NONE, &mut round);
        }
        self.report(matcher, round.done, ReportKind::Match, event.time(), reports);
        self.settle(matcher.rule, round.moved);
    }

    /// Looks at each lane: moves the runs that the event does not fit, and gives the others.
    fn look(&mut self, matcher: &Matcher<'_>, event: &Event, answers: &Answers) -> Vec<Slot> {
        let mut found = Vec::new();
        let mut moves = Vec::new();
        let mut ended: Vec<(u32, Range<usize>)> = Vec::new();
        for (number, lane) in self.lanes.iter() {
            let from = found.len();
            match lane.look(matcher, event, answers, &mut found) {
                Look::Each => {
                    found.truncate(from);
                    found.extend_from_slice(&lane.members);
                }
                Look::Others(Others::Stay) => {}
                Look::Others(Others::Go(place)) => moves.push((number, place)),
                Look::Others(Others::End) => ended.push((number, from..found.len())),
            }
            found[from..].iter().for_each(|slot| self.order[*slot as usize].come(lane.place));
        }
        for (number, spared) in ended {
            for slot in &found[spared] {
                self.lanes.remove(&mut self.order, *slot);
            }
            for slot in self.lanes.clear(&mut self.order, number) {
                self.take(slot);
            }
        }
        self.lanes.go(&mut self.order, &moves);
        found
    }

    /// Offers an event to one run.
    fn offer(
        &mut self,
        matcher: &Matcher<'_>,
        slot: Slot,
        event: &Event,
        answers: &Answers,
        round: &mut Round,
    ) {
        let rule = matcher.rule;
        let run = &mut self.order[slot as usize];
        let (held, due) = (run.captures.len(), run.due(rule));
        let offered = matcher.offer(run, event, answers, &mut round.copies);
        self.held += run.captures.len() - held;
        let place = run.place(&rule.automaton);
        let is_due_anew = run.due(rule) != due;
        if offered.is_complete(rule, run) {
            round.done.push(slot);
        }
        for copy in std::mem::take(&mut round.copies) {
            self.add(rule, copy, slot, round);
        }
        let lane = self.order.entry(slot).lane;
        match offered {
            Offered::Skipped if lane != NONE && self.lanes.get(lane).place == place => {
                if is_due_anew {
                    self.dues.note(rule, &self.order, slot);
                }
            }
            Offered::Dead => drop(self.take(slot)),
            _ => {
                self.lanes.remove(&mut self.order, slot);
                round.moved.push(slot);
            }
        }
    }

    /// Adds a run that has just taken an event, before another or behind all.
    fn add(&mut self, rule: &CompiledRule, run: Run, before: Slot, round: &mut Round) {
        self.held += run.captures.len();
        let is_complete = Offered::Taken.is_complete(rule, &run);
        let slot = self.order.insert(run, before);
        if is_complete {
            round.done.push(slot);
        }
        round.moved.push(slot);
    }

    /// Decides what is due at `now`.
    pub fn time(&mut self, matcher: &Matcher<'_>, now: Timestamp, reports: &mut Vec<Report>) {
        let rule = matcher.rule;
        let due = self.take_due(rule, now);
        for slot in &due {
            let lane = self.order.entry(*slot).lane;
            self.order[*slot as usize].come(self.lanes.get(lane).place);
            self.lanes.remove(&mut self.order, *slot);
        }
        let ends = |slot: &Slot| matcher.end_absence(&mut self.order[*slot as usize], now);
        let done = due.iter().copied().filter(ends).collect();
        self.report(matcher, done, ReportKind::Match, now, reports);
        let is_late = |run: &Run| run.frontier != 0 && run.due(rule) <= now && matcher.is_late(run, now);
        let late = |slot: &Slot| self.order.get(*slot).is_some_and(is_late);
        let over: Vec<Slot> = due.iter().copied().filter(late).collect();
        let is_told = |slot: &Slot| matcher.tells_timeout(&self.order[*slot as usize]);
        let told = over.iter().copied().filter(is_told).collect();
        self.report(matcher, told, ReportKind::Timeout, now, reports);
        for slot in over {
            if self.order.get(slot).is_some() {
                self.take(slot);
            }
        }
        self.settle(rule, due);
    }

    /// The runs for which something is due at `now`.
    fn take_due(&mut self, rule: &CompiledRule, now: Timestamp) -> Vec<Slot> {
        if rule.timing == Timing::Steps {
            return self.dues.take(rule, &self.order, now);
        }
        let is_due = |slot: &Slot| self.order[*slot as usize].due(rule) <= now;
        self.order.slots().take_while(is_due).collect()
    }

    /// Reports runs, and removes those that the overlap policy says.
    fn report(
        &mut self,
        matcher: &Matcher<'_>,
        done: Vec<Slot>,
        kind: ReportKind,
        decided: Timestamp,
        reports: &mut Vec<Report>,
    ) {
        if done.is_empty() {
            return;
        }
        let places = done.iter().map(|slot| *slot as usize).collect();
        let dropped = matcher.report(&mut self.order, places, kind, decided, reports);
        match matcher.rule.rule.overlap {
            Overlap::All => {}
            Overlap::PerStart => done.into_iter().for_each(|slot| self.drop_family(slot)),
            // Whatever began before a certain event.
            Overlap::None | Overlap::ResumeAtFirst(_) | Overlap::ResumeAtLast(_) => {
                while let Some(slot) = self.order.oldest() {
                    let run = &self.order[slot as usize];
                    if !dropped.includes(run.began(), || run.first_point()) {
                        break;
                    }
                    self.take(slot);
                }
            }
        }
    }

    /// Removes the run and those that began with the same event, if they are still there.
    fn drop_family(&mut self, slot: Slot) {
        let Some(run) = self.order.get(slot) else { return };
        let (began, first) = (run.began(), run.first_point());
        let is_of_it = |run: &Run| run.began() == began && run.first_point() == first;
        for next in [Order::before, Order::after] {
            while let Some(other) = next(&self.order, slot)
                && is_of_it(&self.order[other as usize])
            {
                self.take(other);
            }
        }
        self.take(slot);
    }

    /// Removes a run.
    fn take(&mut self, slot: Slot) -> Run {
        let lane = self.order.entry(slot).lane;
        if lane != NONE {
            self.order[slot as usize].come(self.lanes.get(lane).place);
            self.lanes.remove(&mut self.order, slot);
        }
        let run = self.order.remove(slot);
        self.held -= run.captures.len();
        run
    }

    /// Puts the runs into lanes that are in none, and removes those that have nothing left to wait for.
    fn settle(&mut self, rule: &CompiledRule, moved: Vec<Slot>) {
        for slot in moved {
            // It may have been dropped.
            match self.order.get(slot) {
                Some(run) if run.frontier == 0 => drop(self.take(slot)),
                Some(_) => self.settle_run(rule, slot),
                None => {}
            }
        }
        self.lanes.tidy();
    }

    fn settle_run(&mut self, rule: &CompiledRule, slot: Slot) {
        self.lanes.insert(rule, &mut self.order, slot);
        if rule.timing == Timing::Steps {
            self.dues.note(rule, &self.order, slot);
        }
    }

    /// Drops the oldest runs until the limits of the rule are kept. Gives the first of them and the
    /// limit that the last of them broke.
    pub fn keep_limits(&mut self, rule: &CompiledRule) -> Option<(Run, ReportKind)> {
        let mut first = None;
        let mut reason = None;
        while let Some(limit) = limit_reached(rule, self.len(), self.held)
            && let Some(oldest) = self.order.oldest()
        {
            reason = Some(limit);
            let run = self.take(oldest);
            first.get_or_insert(run);
        }
        first.zip(reason)
    }
}
