//! What an event does to runs, as far as tests decide it that ask of the event alone.
//!
//! All runs that stand in the same [`Place`] are moved alike by such tests, however many they are: this
//! is the whole of what "taken", "copied", "skipped" and "gone" mean, without deadlines and without
//! what runs have captured, which the callers add.

use smallvec::SmallVec;

use crate::automaton::{AbsenceEnd, Automaton, StateId, Trigger};
use crate::language::checked::{LinkKind, TestId};

/// Where runs stand that are moved alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The state.
    pub state: StateId,
    /// One bit for each transition of the state that is still there, the first the lowest.
    pub frontier: u64,
    /// Whether no event has been skipped since they came to the state.
    pub fresh: bool,
}

/// What an event does to the runs of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The transitions, in the order of preference, by which copies of the runs take the event.
    pub copies: SmallVec<[u8; 4]>,
    /// What becomes of the runs themselves.
    pub rest: Rest,
}

/// What becomes of runs, besides the copies of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// They take the event by this transition.
    Taken(u8),
    /// They go on without the event, with these transitions.
    Skipped {
        /// As in [`Place`].
        frontier: u64,
    },
    /// An absence was only waiting for an event that is not this one: they go on behind it.
    Passed(StateId),
    /// They have nothing left to wait for.
    Dead,
}

impl Place {
    /// Where a run stands that has come to a state.
    pub fn at(automaton: &Automaton, state: StateId) -> Place {
        let count = automaton.state(state).transitions.len();
        let frontier = if count == 0 { 0 } else { u64::MAX >> (64 - count) };
        Place { state, frontier, fresh: true }
    }

    /// Whether runs can stand there: they wait for something, and the state has all that they wait for.
    pub fn is_of(self, automaton: &Automaton) -> bool {
        self.frontier != 0 && self.frontier & !Place::at(automaton, self.state).frontier == 0
    }

    /// Where runs stand that have stood here and gone on without an event, with these transitions. That
    /// an event was skipped matters only where something must not follow directly.
    pub fn skipped(self, automaton: &Automaton, frontier: u64) -> Place {
        let transitions = &automaton.state(self.state).transitions;
        let fresh = self.fresh && transitions.iter().all(|transition| transition.next_not.is_empty());
        Place { frontier, fresh, ..self }
    }

    /// What an event does to the runs here; `fits` says whether it fits a test.
    pub fn step(self, automaton: &Automaton, mut fits: impl FnMut(TestId) -> bool) -> Step {
        let transitions = &automaton.state(self.state).transitions;
        let open =
            |frontier: u64| (0..transitions.len() as u8).filter(move |index| frontier & (1 << index) != 0);
        let mut frontier = self.frontier;
        for index in open(self.frontier) {
            let transition = &transitions[usize::from(index)];
            if transition.until.is_some_and(&mut fits)
                || self.fresh && transition.next_not.iter().any(|test| fits(*test))
            {
                frontier &= !(1 << index);
            }
        }
        let mut copies = SmallVec::new();
        for index in open(frontier) {
            let Trigger::Take { test, link, .. } = transitions[usize::from(index)].trigger else { continue };
            if !fits(test) {
                continue;
            }
            if link != LinkKind::ThenAny {
                return Step { copies, rest: Rest::Taken(index) };
            }
            copies.push(index);
        }
        let mut passed = None;
        for index in open(frontier) {
            let transition = &transitions[usize::from(index)];
            let mut gone = transition.not.iter().any(|test| fits(*test));
            match transition.trigger {
                Trigger::Take { link, .. } => gone |= link == LinkKind::Next,
                Trigger::Absence { test, end } => {
                    gone |= fits(test);
                    if !gone && end == AbsenceEnd::NextEvent {
                        passed = Some(transition.target);
                    }
                }
            }
            if gone {
                frontier &= !(1 << index);
            }
        }
        let rest = match passed {
            Some(target) => Rest::Passed(target),
            None if frontier == 0 => Rest::Dead,
            None => Rest::Skipped { frontier },
        };
        Step { copies, rest }
    }
}
