//! How long a run can live.

use std::collections::HashMap;
use std::fmt;

use serde::{Serialize, Serializer};

use super::circles::{Components, components};
use super::grow::Holding;
use super::sum;
use crate::automaton::{AbsenceEnd, CompiledRule, StateId, Transition, Trigger};
use crate::event::Duration;
use crate::language::checked::{ClockId, LinkKind};

/// How long a run can live, in event time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lifetime {
    /// At most so long.
    Limited(Duration),
    /// Up to the next event of its key, whenever that comes.
    NextEvent,
    /// As long as the service runs.
    Unlimited,
}

impl fmt::Display for Lifetime {
    /// As the end of a sentence that begins with "each".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lifetime::Limited(span) => write!(f, "lives at most {span}"),
            Lifetime::NextEvent => f.write_str("waits for the next events of its key, however long"),
            Lifetime::Unlimited => f.write_str("can live for ever"),
        }
    }
}

impl Serialize for Lifetime {
    /// A duration as the language writes it, `"next event"` or `"unlimited"`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Lifetime::Limited(span) => serializer.collect_str(span),
            Lifetime::NextEvent => serializer.serialize_str("next event"),
            Lifetime::Unlimited => serializer.serialize_str("unlimited"),
        }
    }
}

impl Lifetime {
    const NONE: Lifetime = Lifetime::Limited(Duration::ZERO);

    /// One after the other.
    fn then(self, other: Lifetime) -> Lifetime {
        match (self, other) {
            (Lifetime::Limited(a), Lifetime::Limited(b)) => Lifetime::Limited(sum(a, b)),
            (a, b) => a.max(b),
        }
    }
}

/// How long a run of the rule can live.
pub fn lifetime(compiled: &CompiledRule, holding: &Holding<'_>) -> Lifetime {
    if holding.states().next().is_none() {
        return Lifetime::NONE;
    }
    match compiled.rule.within {
        // `within` binds the events that are taken; an absence at the end may go on after it.
        Some(within) => Lifetime::Limited(sum(within, longest_end(compiled))),
        None => Regions::new(compiled, holding).lifetime(),
    }
}

/// How long the absences last, at most, that follow each other at the end of a match.
fn longest_end(compiled: &CompiledRule) -> Duration {
    let states = &compiled.automaton.states;
    let end_of = |state: StateId| -> Option<(Duration, StateId)> {
        states[state.0 as usize].transitions.iter().find_map(|transition| match transition.trigger {
            Trigger::Absence { end: AbsenceEnd::After(span), .. } => Some((span, transition.target)),
            _ => None,
        })
    };
    let mut longest = Duration::ZERO;
    for start in (0..states.len() as u32).map(StateId) {
        let (mut state, mut passed) = (start, Duration::ZERO);
        // There are at most as many absences in a row as states.
        for _ in 0..states.len() {
            if states[state.0 as usize].accepting {
                longest = longest.max(passed);
            }
            let Some((span, target)) = end_of(state) else { break };
            (state, passed) = (target, sum(passed, span));
        }
    }
    longest
}

/// The states that hold, put together where one time limit of a group binds all of what a run does.
struct Regions {
    /// For each region, how long a run stays in it.
    stays: Vec<Lifetime>,
    /// Where a run can go from each region.
    edges: Vec<Vec<usize>>,
}

impl Regions {
    fn new(compiled: &CompiledRule, holding: &Holding<'_>) -> Regions {
        let states: Vec<StateId> = holding.states().collect();
        let guards: HashMap<StateId, ClockId> =
            states.iter().filter_map(|state| Some((*state, guard(holding.transitions(*state))?))).collect();
        // States reached from each other while the clock that binds both runs on.
        let mut region: HashMap<StateId, usize> = HashMap::new();
        let mut stays = Vec::new();
        let mut neighbours: HashMap<StateId, Vec<StateId>> = HashMap::new();
        for state in &states {
            for transition in holding.transitions(*state) {
                let (target, clock) = (transition.target, guards.get(state));
                if clock.is_some_and(|clock| transition.checks.contains(clock))
                    && guards.get(&target) == clock
                {
                    neighbours.entry(*state).or_default().push(target);
                    neighbours.entry(target).or_default().push(*state);
                }
            }
        }
        for state in &states {
            if region.contains_key(state) {
                continue;
            }
            let mut open = vec![*state];
            while let Some(member) = open.pop() {
                if region.insert(member, stays.len()).is_none() {
                    open.extend(neighbours.get(&member).into_iter().flatten());
                }
            }
            stays.push(match guards.get(state) {
                Some(clock) => Lifetime::Limited(compiled.rule.clocks[clock.0 as usize]),
                None => holding
                    .transitions(*state)
                    .iter()
                    .map(|of| waits(compiled, of))
                    .max()
                    .unwrap_or(Lifetime::NONE),
            });
        }
        let mut edges = vec![Vec::new(); stays.len()];
        for state in &states {
            for transition in holding.transitions(*state).iter().filter(|of| holding.holds(of.target)) {
                let (from, to) = (region[state], region[&transition.target]);
                let goes_on = guards.get(state).is_some_and(|clock| transition.checks.contains(clock));
                if from != to || !goes_on {
                    edges[from].push(to);
                }
            }
        }
        Regions { stays, edges }
    }

    /// The sum of the stays along the longest way.
    fn lifetime(&self) -> Lifetime {
        let Components { of, circular } = components(&self.edges);
        let mut inner = vec![Lifetime::NONE; circular.len()];
        let mut behind = vec![Lifetime::NONE; circular.len()];
        let mut order: Vec<usize> = (0..self.edges.len()).collect();
        order.sort_by_key(|region| of[*region]);
        let mut longest = Lifetime::NONE;
        for members in order.chunk_by(|a, b| of[*a] == of[*b]) {
            let component = of[members[0]];
            for region in members {
                inner[component] = inner[component].max(self.stays[*region]);
                let others =
                    self.edges[*region].iter().map(|target| of[*target]).filter(|other| *other != component);
                behind[component] =
                    others.map(|other| behind[other]).max().unwrap_or(Lifetime::NONE).max(behind[component]);
            }
            // Who goes round can do so for ever.
            let stay = match inner[component] {
                Lifetime::Limited(_) if circular[component] => Lifetime::Unlimited,
                stay => stay,
            };
            behind[component] = stay.then(behind[component]);
            longest = longest.max(behind[component]);
        }
        longest
    }
}

/// The group, the outermost one, whose time limit binds whatever a run can do.
fn guard(transitions: &[Transition]) -> Option<ClockId> {
    let (first, rest) = transitions.split_first()?;
    first.checks.iter().find(|clock| rest.iter().all(|transition| transition.checks.contains(clock))).copied()
}

/// How long a run can wait for the transition.
fn waits(compiled: &CompiledRule, transition: &Transition) -> Lifetime {
    let rule = &compiled.rule;
    let (own, otherwise) = match transition.trigger {
        Trigger::Take { within, link: LinkKind::Next, .. } => (within, Lifetime::NextEvent),
        Trigger::Take { within, .. } => (within, Lifetime::Unlimited),
        Trigger::Absence { end: AbsenceEnd::After(span), .. } => (Some(span), Lifetime::Unlimited),
        Trigger::Absence { .. } => (None, Lifetime::Unlimited),
    };
    let groups = transition.checks.iter().map(|clock| rule.clocks[clock.0 as usize]);
    own.into_iter().chain(groups).min().map_or(otherwise, Lifetime::Limited)
}
