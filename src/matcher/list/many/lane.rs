//! A lane: the runs that stand at one place.

use std::sync::Arc;

use super::super::Run;
use super::column::{Column, Found};
use super::order::Slot;
use crate::automaton::{Answers, CompiledRule, State, Timing, Trigger};
use crate::event::Event;
use crate::expression::{Captured, RegisterId};
use crate::language::checked::TestId;
use crate::matcher::Matcher;
use crate::matcher::step::{Place, Rest, Step};

/// The runs that stand at one place, in no particular order.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    /// Where they stand. What the runs themselves say of it may be out of date.
    pub place: Place,
    /// Their slots.
    pub members: Vec<Slot>,
    /// What may be asked of them.
    questions: Vec<Question>,
}

/// A test that reads captured events, as it may be asked of the runs of a lane.
#[derive(Clone, Debug)]
struct Question {
    test: TestId,
    /// The registers that are cleared before it is asked.
    resets: Arc<[RegisterId]>,
    /// One bit for each transition for which it is asked.
    of: u64,
    /// One bit for each transition for which it is asked of the very next event alone.
    of_next: u64,
    /// What the first of its sides is worth for the runs, if it has sides.
    column: Option<Column>,
}

/// What an event is to a lane.
#[derive(Debug)]
pub(super) enum Look {
    /// Each run must be offered it.
    Each,
    /// Only those that were found may fit a test; this becomes of the others.
    Others(Others),
}

/// What becomes of the runs of a lane which an event does not fit.
#[derive(Debug)]
pub(super) enum Others {
    /// Nothing.
    Stay,
    /// They are somewhere else now.
    Go(Place),
    /// They have nothing left to wait for.
    End,
}

impl Lane {
    /// A lane without runs.
    pub fn new(rule: &CompiledRule, place: Place) -> Lane {
        Lane { place, members: Vec::new(), questions: questions(rule, rule.automaton.state(place.state)) }
    }

    /// Adds a run. Gives its place in the lane.
    pub fn push(&mut self, rule: &CompiledRule, slot: Slot, run: &Run) -> u32 {
        for question in &mut self.questions {
            let Some(column) = &mut question.column else { continue };
            let sides = &rule.sides[question.test.0 as usize];
            if question.resets.is_empty() {
                column.push(rule, sides, run.read(rule));
            } else {
                column.push(rule, sides, Captured::Kept(&run.registers_without(rule, &question.resets)));
            }
        }
        self.members.push(slot);
        self.members.len() as u32 - 1
    }

    /// Takes a run out. Gives the slot of the one that has taken its place, if there is one.
    pub fn swap_remove(&mut self, at: u32) -> Option<Slot> {
        self.columns().for_each(|column| column.swap_remove(at as usize));
        self.members.swap_remove(at as usize);
        self.members.get(at as usize).copied()
    }

    /// Takes all runs out.
    pub fn clear(&mut self) -> Vec<Slot> {
        self.columns().for_each(|column| *column = Column::default());
        std::mem::take(&mut self.members)
    }

    /// Adds the runs of another lane of the same state, and leaves it empty.
    pub fn append(&mut self, other: &mut Lane) {
        self.columns().zip(other.columns()).for_each(|(mine, theirs)| mine.append(theirs));
        self.members.append(&mut other.members);
    }

    fn columns(&mut self) -> impl Iterator<Item = &mut Column> {
        self.questions.iter_mut().filter_map(|question| question.column.as_mut())
    }

    /// Finds out what the event is to the runs. Adds those that it may fit to `found`.
    pub fn look(
        &self,
        matcher: &Matcher<'_>,
        event: &Event,
        answers: &Answers,
        found: &mut Vec<Slot>,
    ) -> Look {
        let Some(others) = self.others(matcher, event, answers) else { return Look::Each };
        let before = found.len();
        let mut asked = 0;
        for question in &self.questions {
            if !question.is_asked(self.place) || !matcher.fits_alone(question.test, event, answers) {
                continue;
            }
            let Some(column) = &question.column else { return Look::Each };
            let sides = &matcher.rule.sides[question.test.0 as usize];
            match column.ask(matcher, sides, event) {
                Found::All => return Look::Each,
                some => column.find(&some, |at| found.push(self.members[at as usize])),
            }
            asked += 1;
        }
        if asked > 1 {
            // Several tests may have found the same.
            found[before..].sort_unstable();
            let mut last = None;
            let mut kept = before;
            for index in before..found.len() {
                if last.replace(found[index]) != Some(found[index]) {
                    found[kept] = found[index];
                    kept += 1;
                }
            }
            found.truncate(kept);
        }
        Look::Others(others)
    }

    /// What becomes of runs that fit no test which reads captured events; none if each must be asked.
    fn others(&self, matcher: &Matcher<'_>, event: &Event, answers: &Answers) -> Option<Others> {
        let rule = matcher.rule;
        let reads_captures = |test: TestId| rule.rule.tests[test.0 as usize].residual.is_some();
        let Step { copies, rest } = self
            .place
            .step(&rule.automaton, |test| !reads_captures(test) && matcher.fits_alone(test, event, answers));
        match rest {
            _ if !copies.is_empty() => None,
            Rest::Dead => Some(Others::End),
            // When something is taken away, what is left may be too late already.
            Rest::Skipped { frontier } if frontier == self.place.frontier || rule.timing != Timing::Steps => {
                let place = self.place.skipped(&rule.automaton, frontier);
                Some(if place == self.place { Others::Stay } else { Others::Go(place) })
            }
            Rest::Skipped { .. } | Rest::Taken(_) | Rest::Passed(_) => None,
        }
    }
}

impl Question {
    /// Whether it may be asked of runs there.
    fn is_asked(&self, place: Place) -> bool {
        let of = if place.fresh { self.of | self.of_next } else { self.of };
        of & place.frontier != 0
    }
}

/// What may be asked of the runs of a state.
fn questions(rule: &CompiledRule, state: &State) -> Vec<Question> {
    let mut all: Vec<Question> = Vec::new();
    let mut ask = |test: TestId, resets: &Arc<[RegisterId]>, bits: (u64, u64)| {
        if rule.rule.tests[test.0 as usize].residual.is_none() {
            return;
        }
        let known = all.iter().position(|known| known.test == test && known.resets == *resets);
        let known = known.unwrap_or_else(|| {
            let has_sides = !rule.sides[test.0 as usize].is_empty();
            let column = has_sides.then(Column::default);
            all.push(Question { test, resets: Arc::clone(resets), of: 0, of_next: 0, column });
            all.len() - 1
        });
        all[known].of |= bits.0;
        all[known].of_next |= bits.1;
    };
    let nothing: Arc<[RegisterId]> = Arc::default();
    for (index, transition) in state.transitions.iter().enumerate() {
        let bit = 1 << index;
        match transition.trigger {
            Trigger::Take { test, .. } => ask(test, &transition.resets, (bit, 0)),
            Trigger::Absence { test, .. } => ask(test, &nothing, (bit, 0)),
        }
        transition.not.iter().chain(&transition.until).for_each(|test| ask(*test, &nothing, (bit, 0)));
        transition.next_not.iter().for_each(|test| ask(*test, &nothing, (0, bit)));
    }
    all
}
