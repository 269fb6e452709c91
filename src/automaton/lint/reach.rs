//! What can be reached: transitions that nothing can take, steps that capture nothing, rules that never
//! match.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::fits::{Fits, Never};
use crate::automaton::{AbsenceEnd, Automaton, CompiledRule, StateId, Transition, Trigger};
use crate::diagnostic::codes::{W0501, W0511, W0517};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::event::Duration;
use crate::language::checked::{ClockId, LinkKind, Rule, TestId, VariableId};

/// Most groups with a time limit for which it is worked out whether something comes too late in them.
const MAX_CLOCKS: usize = 32;

/// Why a transition can never be taken.
#[derive(Clone, Copy, Debug)]
enum Dead {
    /// No event fits.
    Never(Never),
    /// What is preferred takes every event that fits: as this variable.
    Taken(VariableId),
    /// The `next not` before it rules every event out that fits.
    RuledOut(TestId),
    /// The loop ends with every event that fits.
    Ended(TestId),
    /// The absences before it last for so long, and all must come within the second.
    TooLate(Duration, Duration),
}

/// What runs can reach.
pub(super) struct Reached {
    /// For each state, whether a run can come to it.
    pub states: Vec<bool>,
    /// For each transition of each state, why it is never taken.
    dead: Vec<Vec<Option<Dead>>>,
}

impl Reached {
    /// The transitions that may be taken out of states that may be reached.
    pub fn live<'r>(&'r self, automaton: &'r Automaton) -> impl Iterator<Item = (StateId, &'r Transition)> {
        let states =
            (0..automaton.states.len() as u32).map(StateId).filter(|state| self.states[state.0 as usize]);
        states.flat_map(|state| self.live_from(automaton, state).map(move |transition| (state, transition)))
    }

    /// What is never captured out of states that may be reached, and why.
    fn blocked<'r>(&'r self, automaton: &'r Automaton) -> impl Iterator<Item = (VariableId, Dead)> {
        let states = automaton.states.iter().zip(&self.dead).zip(&self.states);
        let reached = states.filter(|(_, reached)| **reached);
        let transitions = reached.flat_map(|((state, dead), _)| state.transitions.iter().zip(dead));
        transitions.filter_map(|(transition, dead)| match (transition.trigger, dead) {
            (Trigger::Take { variable, .. }, Some(dead)) => Some((variable, *dead)),
            _ => None,
        })
    }

    /// The transitions out of a state that may be taken.
    fn live_from<'r>(
        &'r self,
        automaton: &'r Automaton,
        state: StateId,
    ) -> impl Iterator<Item = &'r Transition> + use<'r> {
        live_from(automaton, &self.dead, state)
    }
}

fn live_from<'r>(
    automaton: &'r Automaton,
    dead: &'r [Vec<Option<Dead>>],
    state: StateId,
) -> impl Iterator<Item = &'r Transition> + use<'r> {
    let transitions = automaton.state(state).transitions.iter().zip(&dead[state.0 as usize]);
    transitions.filter(|(_, dead)| dead.is_none()).map(|(transition, _)| transition)
}

/// Warns about what can never be reached, and about absences that change nothing.
pub(super) fn check(compiled: &CompiledRule, fits: &mut Fits<'_>, diagnostics: &mut Diagnostics) -> Reached {
    let CompiledRule { rule, automaton, .. } = compiled;
    let mut reached = Reached { states: Vec::new(), dead: dead(compiled, fits) };
    reached.find_states(automaton);
    reached.find_too_late(rule, automaton);
    let matches =
        automaton.states.iter().zip(&reached.states).any(|(state, reached)| state.accepting && *reached);
    let steps = never_captured(rule, automaton, &reached);
    let is_only = !matches && steps.len() == 1;
    let mut is_told = matches;
    for (variable, dead) in &steps {
        if let Some(diagnostic) = not_captured(rule, *variable, *dead, is_only) {
            is_told |= is_only;
            diagnostics.push(diagnostic);
        }
    }
    if !is_told {
        diagnostics.push(never_matches(rule, automaton, &reached, &steps));
    }
    needs_too_many(rule, automaton, &reached, diagnostics);
    useless_absences(rule, automaton, fits, &reached, diagnostics);
    reached
}

/// Why each transition is never taken, as far as it and those beside it tell.
fn dead(compiled: &CompiledRule, fits: &mut Fits<'_>) -> Vec<Vec<Option<Dead>>> {
    let CompiledRule { rule, automaton, .. } = compiled;
    let never: Vec<Option<Never>> =
        (0..rule.tests.len()).map(|test| fits.never(TestId(test as u32))).collect();
    let of_state = |transitions: &Vec<Transition>, fits: &mut Fits<'_>| -> Vec<Option<Dead>> {
        let reason = |(index, transition): (usize, &Transition)| {
            let Trigger::Take { test, link, .. } = transition.trigger else { return None };
            if let Some(never) = never[test.0 as usize] {
                return Some(Dead::Never(never));
            }
            if let Some(until) = transition.until.filter(|until| fits.covers(*until, test)) {
                return Some(Dead::Ended(until));
            }
            let ruled_out = |not: &&TestId| link == LinkKind::Next && fits.covers(**not, test);
            if let Some(not) = transition.next_not.iter().find(ruled_out) {
                return Some(Dead::RuledOut(*not));
            }
            let takes_all = |earlier: &&Transition| takes_all(earlier, transition, fits);
            match transitions[..index].iter().find(takes_all)?.trigger {
                Trigger::Take { variable, .. } => Some(Dead::Taken(variable)),
                Trigger::Absence { .. } => None,
            }
        };
        transitions.iter().enumerate().map(reason).collect()
    };
    automaton.states.iter().map(|state| of_state(&state.transitions, fits)).collect()
}

/// Whether `earlier`, which is preferred, takes every event that `later` could.
fn takes_all(earlier: &Transition, later: &Transition, fits: &mut Fits<'_>) -> bool {
    let (Trigger::Take { test: first, link, within, .. }, Trigger::Take { test: second, .. }) =
        (earlier.trigger, later.trigger)
    else {
        return false;
    };
    let always_there = earlier.not.is_empty()
        && earlier.next_not.is_empty()
        && earlier.until.is_none()
        && within.is_none()
        && link == LinkKind::Then
        && earlier.checks.iter().all(|clock| later.checks.contains(clock));
    always_there && fits.covers(first, second)
}

impl Reached {
    /// Finds the states that live transitions lead to.
    fn find_states(&mut self, automaton: &Automaton) {
        self.states = vec![false; automaton.states.len()];
        self.states[StateId::START.0 as usize] = true;
        let mut open = vec![StateId::START];
        while let Some(state) = open.pop() {
            for transition in live_from(automaton, &self.dead, state) {
                let target = transition.target;
                if !std::mem::replace(&mut self.states[target.0 as usize], true) {
                    open.push(target);
                }
            }
        }
    }

    /// Marks what comes too late: the absences before it last as long as a time limit around them.
    fn find_too_late(&mut self, rule: &Rule, automaton: &Automaton) {
        let has_span = |(_, transition): (StateId, &Transition)| {
            matches!(transition.trigger, Trigger::Absence { end: AbsenceEnd::After(_), .. })
        };
        if !self.live(automaton).any(has_span) {
            return;
        }
        let mut late = Vec::new();
        if let Some(within) = rule.within {
            let passed = self.time_passed(automaton, vec![StateId::START]);
            late.extend(self.too_late(automaton, &passed, within, |_| true));
        }
        for (index, within) in rule.clocks.iter().enumerate().take(MAX_CLOCKS) {
            let clock = ClockId(index as u32);
            let begins = self.live(automaton).filter(|(_, transition)| transition.sets.contains(&clock));
            let begun = begins.map(|(_, transition)| transition.target).collect();
            let passed = self.time_passed(automaton, begun);
            late.extend(
                self.too_late(automaton, &passed, *within, |transition| transition.checks.contains(&clock)),
            );
        }
        if late.is_empty() {
            return;
        }
        for (state, index, dead) in late {
            self.dead[state.0 as usize][index] = Some(dead);
        }
        self.find_states(automaton);
    }

    /// The least time that has passed when a run comes to each state from one of `begun` (Dijkstra,
    /// Numerische Mathematik 1, 1959): only absences take time for certain.
    fn time_passed(&self, automaton: &Automaton, begun: Vec<StateId>) -> Vec<Option<Duration>> {
        let mut least: Vec<Option<Duration>> = vec![None; automaton.states.len()];
        let mut open: BinaryHeap<Reverse<(Duration, StateId)>> =
            begun.into_iter().map(|state| Reverse((Duration::ZERO, state))).collect();
        while let Some(Reverse((passed, state))) = open.pop() {
            let known = &mut least[state.0 as usize];
            if known.is_some() {
                continue;
            }
            *known = Some(passed);
            for transition in self.live_from(automaton, state) {
                let passed = match transition.trigger {
                    Trigger::Absence { end: AbsenceEnd::After(duration), .. } => sum(passed, duration),
                    _ => passed,
                };
                open.push(Reverse((passed, transition.target)));
            }
        }
        least
    }

    /// The live transitions out of a state at which `within` is over already. What follows an absence
    /// comes after its end, not at it.
    fn too_late(
        &self,
        automaton: &Automaton,
        passed: &[Option<Duration>],
        within: Duration,
        is_bound: impl Fn(&Transition) -> bool,
    ) -> Vec<(StateId, usize, Dead)> {
        let mut late = Vec::new();
        for (state, of) in automaton.states.iter().enumerate() {
            let Some(passed) = passed[state].filter(|passed| *passed > Duration::ZERO && *passed >= within)
            else {
                continue;
            };
            let bound = of.transitions.iter().enumerate().filter(|(index, transition)| {
                self.dead[state][*index].is_none()
                    && matches!(transition.trigger, Trigger::Take { .. })
                    && is_bound(transition)
            });
            late.extend(
                bound.map(|(index, _)| (StateId(state as u32), index, Dead::TooLate(passed, within))),
            );
        }
        late
    }
}

fn sum(a: Duration, b: Duration) -> Duration {
    Duration::from_micros(a.as_micros().saturating_add(b.as_micros()))
}

/// The variables that never capture anything though runs come to where they could, with the reason.
fn never_captured(rule: &Rule, automaton: &Automaton, reached: &Reached) -> Vec<(VariableId, Dead)> {
    let mut reasons: Vec<Option<Dead>> = vec![None; rule.variables.len()];
    for (variable, dead) in reached.blocked(automaton) {
        reasons[variable.0 as usize] = Some(dead);
    }
    let mut captured = vec![false; rule.variables.len()];
    for (_, transition) in reached.live(automaton) {
        if let Trigger::Take { variable, .. } = transition.trigger {
            captured[variable.0 as usize] = true;
        }
    }
    let never = reasons.into_iter().enumerate().filter(|(variable, _)| !captured[*variable]);
    never.filter_map(|(variable, reason)| Some((VariableId(variable as u32), reason?))).collect()
}

/// A step that captures nothing; `None` when the reason has been told. `is_only`: it alone is why the
/// rule never matches.
fn not_captured(rule: &Rule, variable: VariableId, dead: Dead, is_only: bool) -> Option<Diagnostic> {
    if matches!(dead, Dead::Never(Never::Condition)) {
        return None;
    }
    let variable = &rule.variables[variable.0 as usize];
    let so = if is_only { format!(", so `{}` never matches", rule.name) } else { String::new() };
    let message = format!("`{}` can never be captured{so}", variable.name);
    Some(because(rule, Diagnostic::new(W0501, variable.span, message), dead))
}

/// Adds why nothing is taken at the step that the diagnostic is about.
fn because(rule: &Rule, diagnostic: Diagnostic, dead: Dead) -> Diagnostic {
    let test = |id: TestId| &rule.tests[id.0 as usize].name;
    match dead {
        Dead::Never(Never::Condition) => diagnostic.label("no event fits"),
        Dead::Never(Never::Key) => diagnostic
            .label("this asks for events in which a part of the key is missing")
            .help("such events belong to no group: group by something else, or ask for something else"),
        Dead::Taken(earlier) => {
            let earlier = &rule.variables[earlier.0 as usize];
            let help = match earlier.repeated {
                true => format!(
                    "make `{0}` lazy, such as `1+ lazy {0}`, or tell the two apart by their conditions",
                    earlier.name
                ),
                false => "tell the two apart by their conditions".to_owned(),
            };
            diagnostic.also(earlier.span, "this takes every event that fits it").help(help)
        }
        Dead::RuledOut(not) => diagnostic
            .label(format!("the `next not {}` before it rules out every event that fits", test(not)))
            .help("write `then` before it if it may come later, or tell the two apart by their conditions"),
        Dead::Ended(until) => diagnostic
            .label(format!("`until {}` ends the loop at every event that fits", test(until)))
            .help("tell the two apart by their conditions"),
        Dead::TooLate(passed, within) => diagnostic
            .label(format!("comes after more than {passed}, the time of the absences before it"))
            .help(format!("all must come within {within}: make the absences shorter or the limit longer")),
    }
}

/// Most steps that a message points to.
const MAX_PLACES: usize = 5;

/// A rule that never matches because of these steps or, when there is none, because a loop never comes to
/// its count.
fn never_matches(
    rule: &Rule,
    automaton: &Automaton,
    reached: &Reached,
    steps: &[(VariableId, Dead)],
) -> Diagnostic {
    let message = format!("`{}` never matches", rule.name);
    let mut places = steps.iter().map(|(variable, _)| &rule.variables[variable.0 as usize]);
    let Some(first) = places.next() else {
        return match reached.blocked(automaton).next() {
            Some((variable, dead)) => {
                let span = rule.variables[variable.0 as usize].span;
                because(rule, Diagnostic::new(W0511, span, message), dead)
            }
            None => Diagnostic::new(W0511, rule.pattern_span, message).help("its steps exclude each other"),
        };
    };
    let mut diagnostic =
        Diagnostic::new(W0511, first.span, message).label("no event can be captured as this");
    for other in places.take(MAX_PLACES) {
        diagnostic = diagnostic.also(other.span, "nor as this");
    }
    diagnostic.help("correct the condition of the step, or leave the step out")
}

/// Warns when every run is dropped by `max events` before it is complete.
fn needs_too_many(rule: &Rule, automaton: &Automaton, reached: &Reached, diagnostics: &mut Diagnostics) {
    let Some(taken) = fewest_taken(automaton, reached) else { return };
    // The last event is reported before the limit is looked at.
    if taken > rule.max_events + 1 {
        let message = format!("`{}` never matches", rule.name);
        diagnostics.push(
            Diagnostic::new(W0511, rule.pattern_span, message)
                .label(format!("takes {taken} events at least"))
                .help(format!(
                    "`max events {}` drops a partial match that holds more: allow more",
                    rule.max_events
                )),
        );
    }
}

/// How many events a match takes at least.
fn fewest_taken(automaton: &Automaton, reached: &Reached) -> Option<usize> {
    let mut seen = vec![false; automaton.states.len()];
    let mut open = VecDeque::from([(0, StateId::START)]);
    while let Some((taken, state)) = open.pop_front() {
        if std::mem::replace(&mut seen[state.0 as usize], true) {
            continue;
        }
        if automaton.state(state).accepting {
            return Some(taken);
        }
        for transition in reached.live_from(automaton, state) {
            match transition.trigger {
                Trigger::Take { .. } => open.push_back((taken + 1, transition.target)),
                Trigger::Absence { .. } => open.push_front((taken, transition.target)),
            }
        }
    }
    None
}

/// Warns about an absence between two steps that changes nothing, because the step after it takes every
/// event that it could see.
fn useless_absences(
    rule: &Rule,
    automaton: &Automaton,
    fits: &mut Fits<'_>,
    reached: &Reached,
    diagnostics: &mut Diagnostics,
) {
    // For each absence, the step that makes it useless; `None`: another does not.
    let mut found: Vec<Option<Option<VariableId>>> = vec![None; rule.tests.len()];
    for (_, transition) in reached.live(automaton) {
        for not in &transition.not {
            let useless = match transition.trigger {
                Trigger::Take { test, variable, link: LinkKind::Then, within: None }
                    if transition.until.is_none() && fits.covers(test, *not) =>
                {
                    Some(variable)
                }
                _ => None,
            };
            let known = &mut found[not.0 as usize];
            *known = Some(known.map_or(useless, |known| known.and(useless)));
        }
    }
    for (not, variable) in found.into_iter().enumerate() {
        let Some(variable) = variable.flatten() else { continue };
        if fits.never(TestId(not as u32)).is_some() {
            continue;
        }
        let (not, step) = (&rule.tests[not].name, &rule.variables[variable.0 as usize]);
        let message = format!("`not {not}` changes nothing before `{}`", step.name);
        diagnostics.push(
            Diagnostic::new(W0517, step.span, message)
                .label(format!("this takes every event that fits `{not}`"))
                .help("`not` sees the events between two steps, and one that is taken is not between them: tell the two apart by their conditions"),
        );
    }
}
