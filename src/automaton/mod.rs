//! The automaton: what a pattern compiles into.
//!
//! Enters: a checked rule. Leaves: its states with their ordered transitions, immutable from then
//! on. A *state* is a place in the pattern together with all counts: how far each loop around it
//! has come and which branches of an `and` are done. Its *transitions* are the frontier of a run in
//! that state: the steps that it could take next, in the order of preference.
//!
//! Counts are unrolled: `3..5 a` is five states. All runs in one state therefore move alike when
//! conditions look at the current event only. Open counts stop at their minimum, so the number of
//! states is finite; [`MAX_STATES`] and [`MAX_TRANSITIONS`] bound it.

mod build;
pub mod cost;
mod distance;
mod elements;
pub mod graph;
mod lint;
mod predicates;
mod representation;
mod sides;
#[cfg(feature = "service")]
pub mod svg;

use std::sync::Arc;

use crate::diagnostic::Span;
use crate::event::Duration;
use crate::expression::{RegisterId, RegisterSpec};
use crate::language::checked::{ClockId, LinkKind, Rule, Test, TestId, VariableId};

pub use build::build;
pub use elements::{Element, StepInfo, steps};
pub use lint::{Linter, same_meaning};
pub use predicates::{Answers, FieldNumbers, Index, Place, PredicateId, Predicates};
pub use representation::{OneByOne, Representation};
pub use sides::Sides;

/// Most states of one rule.
pub const MAX_STATES: usize = 20_000;
/// Most transitions out of one state: a run keeps one bit for each.
pub const MAX_FRONTIER: usize = 64;
/// Most transitions of one rule, so that wide states cannot also be many.
pub const MAX_TRANSITIONS: usize = 200_000;

/// A state, by its place in [`Automaton::states`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateId(pub u32);

impl StateId {
    /// Where a run begins: nothing has been taken.
    pub const START: StateId = StateId(0);
}

/// The automaton of a rule.
#[derive(Clone, Debug)]
pub struct Automaton {
    /// The states; the first is [`StateId::START`].
    pub states: Vec<State>,
    /// Whether events that fit nothing still matter, because a step must follow directly.
    pub sees_every_event: bool,
    /// How far each state is from a match.
    distances: Vec<u32>,
}

/// A place in the pattern with all counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// What a run in this state can do next, in the order of preference.
    pub transitions: Vec<Transition>,
    /// Whether a run that comes here has taken all it needs.
    pub accepting: bool,
    /// How often the innermost loop around what was taken last has been gone through, and whether
    /// that count is open: it then means "so often or more".
    pub count: Option<(u32, bool)>,
}

/// One thing that a run can do next.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    /// What makes it happen.
    pub trigger: Trigger,
    /// An event that is skipped and fits one of these takes the transition away.
    pub not: Vec<TestId>,
    /// If the very next event fits one of these, the transition is gone before it could be taken.
    pub next_not: Vec<TestId>,
    /// An event that fits this takes the transition away before it could be taken.
    pub until: Option<TestId>,
    /// Groups with a time limit that have begun and go on with this event.
    pub checks: Vec<ClockId>,
    /// Groups with a time limit that begin with this event.
    pub sets: Vec<ClockId>,
    /// What belongs to a repetition that this event begins, and is cleared before it is captured.
    pub resets: Arc<[RegisterId]>,
    /// Where it leads.
    pub target: StateId,
}

/// What makes a transition happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// An event is taken.
    Take {
        /// What it must be.
        test: TestId,
        /// What it is captured as.
        variable: VariableId,
        /// How it follows what was taken before.
        link: LinkKind,
        /// How long after it at most.
        within: Option<Duration>,
    },
    /// Time passes without an event that fits the test.
    Absence {
        /// What must not come.
        test: TestId,
        /// When it is over.
        end: AbsenceEnd,
    },
}

/// When an absence is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbsenceEnd {
    /// So long after the event taken last, or after the absence before it.
    After(Duration),
    /// When the match's `within` has passed since its first event.
    Within,
    /// At the very next event or, if none comes, like `Within`.
    NextEvent,
}

impl Automaton {
    /// The state with that id.
    pub fn state(&self, id: StateId) -> &State {
        &self.states[id.0 as usize]
    }

    /// How many transitions lie between a state and the nearest one that is accepting; a transition is an event taken or
    /// an absence that is over.
    pub fn distance(&self, id: StateId) -> u32 {
        self.distances[id.0 as usize]
    }

    /// How many transitions all states have.
    pub fn transitions(&self) -> usize {
        self.states.iter().map(|state| state.transitions.len()).sum()
    }
}

/// Why a pattern has no automaton.
#[derive(Clone, Debug, PartialEq)]
pub struct TooLarge {
    /// What grew too large, in words.
    pub what: String,
    /// Where the pattern stands.
    pub span: Span,
}

/// What in a rule depends on the passing of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// Nothing.
    None,
    /// The `within` of the whole match alone: all that a run can do next ends at the same moment, a
    /// fixed time after its first event.
    Whole,
    /// Also absences, or limits of links or groups: what a run can do next may end at different moments.
    Steps,
}

impl Timing {
    fn of(rule: &Rule, automaton: &Automaton) -> Timing {
        let mut transitions = automaton.states.iter().flat_map(|state| &state.transitions);
        let is_limited = |transition: &Transition| {
            matches!(transition.trigger, Trigger::Take { within: Some(_), .. } | Trigger::Absence { .. })
        };
        if !rule.clocks.is_empty() || transitions.any(is_limited) {
            Timing::Steps
        } else if rule.within.is_some() {
            Timing::Whole
        } else {
            Timing::None
        }
    }
}

/// A rule ready to run.
#[derive(Debug)]
pub struct CompiledRule {
    /// What it says.
    pub rule: Rule,
    /// How it moves.
    pub automaton: Automaton,
    /// For each test of the rule, what it asks of the event alone; `None`: nothing.
    pub predicates: Vec<Option<PredicateId>>,
    /// What in it depends on the passing of time.
    pub timing: Timing,
    /// How its partial matches are held.
    pub representation: Representation,
    /// Whether runs begin: not of an old version, which goes on with those that it has.
    pub begins: bool,
    /// The registers of its conditions without their variables, as evaluation needs them.
    pub specs: Vec<RegisterSpec>,
    /// For each variable, which of the registers read its events.
    reads: Vec<Box<[bool]>>,
    /// For each test of the rule, the comparisons of the event with what a run has captured of which it
    /// consists; none where it is asked as a whole.
    pub sides: Vec<Box<[Sides]>>,
}

impl CompiledRule {
    /// How long a run lives that has taken nothing but its first event, if that event is all there is to
    /// know of it: where runs are held together, can begin in one way only, are not complete at once, and
    /// need not see events that fit nothing.
    pub fn lone(&self) -> Option<Duration> {
        let [first] = &*self.automaton.state(StateId::START).transitions else { return None };
        let second = self.automaton.state(first.target);
        let goes_on = !second.accepting && !second.transitions.is_empty();
        let is_known = matches!(self.representation, Representation::Compact { .. })
            && matches!(first.trigger, Trigger::Take { .. })
            && goes_on
            && !self.automaton.sees_every_event;
        self.rule.within.filter(|_| is_known)
    }

    /// Which of the registers read the events of a variable.
    pub fn reads(&self, variable: VariableId) -> &[bool] {
        &self.reads[variable.0 as usize]
    }

    /// Compiles a checked rule; its predicates join those of the rules before it.
    ///
    /// # Errors
    /// When its automaton would grow too large.
    pub fn new(rule: Rule, predicates: &mut Predicates) -> Result<CompiledRule, TooLarge> {
        let automaton = build(&rule)?;
        let own = rule
            .tests
            .iter()
            .map(|test| test.unary.as_ref().map(|condition| predicates.intern(test.stream, condition)))
            .collect();
        let specs: Vec<RegisterSpec> = rule.registers.iter().map(|register| register.spec).collect();
        let reads = (0..rule.variables.len() as u32).map(|variable| {
            rule.registers.iter().map(|register| register.variable == VariableId(variable)).collect()
        });
        let reads = reads.collect();
        let of_test = |test: &Test| match &test.residual {
            Some(residual) => sides::sides(residual, &specs),
            None => Box::default(),
        };
        let sides = rule.tests.iter().map(of_test).collect();
        let timing = Timing::of(&rule, &automaton);
        Ok(CompiledRule {
            representation: Representation::of(&rule, &automaton),
            begins: true,
            rule,
            automaton,
            predicates: own,
            timing,
            reads,
            specs,
            sides,
        })
    }
}
