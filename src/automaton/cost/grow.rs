//! How the runs of a key grow with the events that come.

use std::fmt;

use serde::Serialize;

use super::circles::{Components, components};
use crate::automaton::{AbsenceEnd, Automaton, CompiledRule, StateId, Transition, Trigger};
use crate::language::checked::{LinkKind, Overlap, VariableId};

/// How many runs a key has after n of its events, within the life of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Growth {
    /// So many at most, however many events come.
    Steady {
        /// How many.
        runs: usize,
    },
    /// One for each event that can begin a match.
    Linear,
    /// In proportion to n to that power: behind each `any`, what fits is tried with each that came before
    /// it.
    Power {
        /// The power.
        power: u32,
    },
    /// Twice as many with each event that fits: every subset of them is tried.
    Doubling,
}

impl Growth {
    /// The growth as the end of a sentence.
    pub fn sentence(self) -> String {
        match self {
            Growth::Steady { runs } => format!("never more than {runs}"),
            Growth::Linear => "one for each event that can begin a match".to_owned(),
            Growth::Power { power } => {
                format!(
                    "growing with the number of events that fit to the power of {power}, because of its `any`"
                )
            }
            Growth::Doubling => {
                "twice as many with each event that fits, because every selection of them is tried".to_owned()
            }
        }
    }
}

impl fmt::Display for Growth {
    /// In a few words, for tables.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Growth::Steady { .. } => f.write_str("none"),
            Growth::Linear => f.write_str("linear"),
            Growth::Power { power } => write!(f, "power {power}"),
            Growth::Doubling => f.write_str("doubling"),
        }
    }
}

/// The states in which a run stays between events, and the circles among them.
pub struct Holding<'r> {
    automaton: &'r Automaton,
    /// Whether a run stays in the state.
    holds: Vec<bool>,
    /// For each state its component in the graph of those that hold.
    components: Components,
}

impl<'r> Holding<'r> {
    pub fn new(compiled: &'r CompiledRule) -> Holding<'r> {
        let automaton = &compiled.automaton;
        let dropped = matches!(compiled.rule.overlap, Overlap::None | Overlap::PerStart);
        let stays =
            |state: &crate::automaton::State| !(state.transitions.is_empty() || state.accepting && dropped);
        let mut holds: Vec<bool> = automaton.states.iter().map(stays).collect();
        holds[StateId::START.0 as usize] = false;
        let edges = |(state, of): (usize, &crate::automaton::State)| -> Vec<usize> {
            let targets = of.transitions.iter().map(|transition| transition.target.0 as usize);
            targets.filter(|target| holds[state] && holds[*target]).collect()
        };
        let edges: Vec<Vec<usize>> = automaton.states.iter().enumerate().map(edges).collect();
        Holding { automaton, components: components(&edges), holds }
    }

    /// Whether runs stay in the state.
    pub fn holds(&self, state: StateId) -> bool {
        self.holds[state.0 as usize]
    }

    /// The transitions out of a state.
    pub fn transitions(&self, state: StateId) -> &'r [Transition] {
        &self.automaton.state(state).transitions
    }

    /// The states that hold.
    pub fn states(&self) -> impl Iterator<Item = StateId> {
        (0..self.holds.len() as u32).map(StateId).filter(|state| self.holds(*state))
    }

    fn component(&self, state: StateId) -> usize {
        self.components.of[state.0 as usize]
    }

    /// The greatest sum along a way that a run can go: `of` says what a transition adds, `start` what the
    /// first adds. `None`: a circle adds something.
    fn longest(&self, of: impl Fn(&Transition) -> usize) -> Option<usize> {
        let mut best = vec![0; self.components.circular.len()];
        let mut states: Vec<StateId> = self.states().collect();
        states.sort_by_key(|state| self.component(*state));
        for (state, transition) in self.all_transitions(&states) {
            let (own, target, component) = (of(transition), transition.target, self.component(state));
            let behind = match self.holds(target) {
                true if self.component(target) == component => {
                    if own > 0 {
                        return None;
                    }
                    continue;
                }
                true => best[self.component(target)],
                false => 0,
            };
            best[component] = best[component].max(own + behind);
        }
        let first = self.transitions(StateId::START).iter().map(|transition| {
            let target = transition.target;
            of(transition) + if self.holds(target) { best[self.component(target)] } else { 0 }
        });
        first.max()
    }

    fn all_transitions<'s>(
        &'s self,
        states: &'s [StateId],
    ) -> impl Iterator<Item = (StateId, &'r Transition)> + use<'s, 'r> {
        states.iter().flat_map(|state| self.transitions(*state).iter().map(|transition| (*state, transition)))
    }

    /// Most events that a run holds while it stays; `None`: as many as come.
    pub fn most_events(&self) -> Option<usize> {
        let stays = |transition: &Transition| {
            matches!(transition.trigger, Trigger::Take { .. }) && self.holds(transition.target)
        };
        self.longest(|transition| usize::from(stays(transition)))
    }

    /// How the runs of a key grow.
    pub fn growth(&self) -> Growth {
        if self.states().next().is_none() {
            return Growth::Steady { runs: 0 };
        }
        match self.longest(|transition| usize::from(self.copies(transition))) {
            None => return Growth::Doubling,
            Some(0) => {}
            Some(copies) => return Growth::Power { power: copies as u32 + 1 },
        }
        // A run that the very next event moves on or ends is alive for as many events as it has steps.
        let is_next = |transition: &Transition| {
            matches!(
                transition.trigger,
                Trigger::Take { link: LinkKind::Next, .. }
                    | Trigger::Absence { end: AbsenceEnd::NextEvent, .. }
            )
        };
        let moves_on = self.states().flat_map(|state| self.transitions(state)).all(is_next);
        match self.most_events().filter(|_| moves_on) {
            Some(runs) => Growth::Steady { runs },
            None => Growth::Linear,
        }
    }

    /// Whether taking leaves a copy behind, and both stay.
    fn copies(&self, transition: &Transition) -> bool {
        matches!(transition.trigger, Trigger::Take { link: LinkKind::ThenAny, .. })
            && self.holds(transition.target)
    }

    /// What is captured where runs double.
    pub fn doubles(&self) -> Option<VariableId> {
        let states: Vec<StateId> = self.states().collect();
        let mut doubling = self.all_transitions(&states).filter(|(state, transition)| {
            self.copies(transition) && self.component(*state) == self.component(transition.target)
        });
        doubling.find_map(|(_, transition)| match transition.trigger {
            Trigger::Take { variable, .. } => Some(variable),
            Trigger::Absence { .. } => None,
        })
    }
}
