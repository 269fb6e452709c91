//! What the automaton shows to be not meant: steps that can never be taken, runs that never end.

use super::{AbsenceEnd, Automaton, CompiledRule, State, Transition, Trigger};
use crate::diagnostic::codes::{W0501, W0505};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::language::checked::{LinkKind, Overlap, Rule, TestId, VariableId};

/// Warnings about a rule that can be run.
pub fn lint(compiled: &CompiledRule) -> Diagnostics {
    let CompiledRule { rule, automaton, .. } = compiled;
    let mut diagnostics = Diagnostics::default();
    never_captured(compiled, &mut diagnostics);
    // With an `on timeout` that never happens, the missing limit has been told.
    let is_told = rule.timeout.is_some() && !limits_time(rule, automaton);
    if !is_told && lives_for_ever(rule, automaton) {
        let message = format!("partial matches of `{}` can live for ever", rule.name);
        diagnostics.push(
            Diagnostic::new(W0505, rule.pattern_span, message)
                .label("no time limit for what comes next")
                .help(
                    "end the match with `within 1h`, say; without it, memory is bounded by `max runs` alone",
                ),
        );
    }
    diagnostics
}

/// Whether anything limits the time between the events of a match.
fn limits_time(rule: &Rule, automaton: &Automaton) -> bool {
    let is_limited =
        |transition: &Transition| matches!(transition.trigger, Trigger::Take { within: Some(_), .. });
    rule.within.is_some()
        || !rule.clocks.is_empty()
        || automaton.states.iter().flat_map(|state| &state.transitions).any(is_limited)
}

/// Warns about steps whose every transition stands behind one that takes all their events.
fn never_captured(compiled: &CompiledRule, diagnostics: &mut Diagnostics) {
    let CompiledRule { rule, automaton, .. } = compiled;
    // For each variable: whether something captures it, and what stands in its way.
    let mut reachable = vec![false; rule.variables.len()];
    let mut behind: Vec<Option<VariableId>> = vec![None; rule.variables.len()];
    for state in &automaton.states {
        for (index, transition) in state.transitions.iter().enumerate() {
            let Trigger::Take { variable, .. } = transition.trigger else { continue };
            match state.transitions[..index].iter().find(|earlier| covers(earlier, transition, compiled)) {
                Some(Transition { trigger: Trigger::Take { variable: earlier, .. }, .. }) => {
                    behind[variable.0 as usize] = Some(*earlier);
                }
                _ => reachable[variable.0 as usize] = true,
            }
        }
    }
    for (index, variable) in rule.variables.iter().enumerate() {
        let Some(earlier) = behind[index].filter(|_| !reachable[index]) else { continue };
        let earlier = &rule.variables[earlier.0 as usize];
        let help = match earlier.repeated {
            true => format!(
                "make `{0}` lazy, such as `1+ lazy {0}`, or tell the two apart by their conditions",
                earlier.name
            ),
            false => "tell the two apart by their conditions".to_owned(),
        };
        diagnostics.push(
            Diagnostic::new(W0501, variable.span, format!("`{}` can never be captured", variable.name))
                .also(earlier.span, "this takes every event that fits it")
                .help(help),
        );
    }
}

/// Whether `earlier`, which is preferred, takes every event that `later` could.
fn covers(earlier: &Transition, later: &Transition, compiled: &CompiledRule) -> bool {
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
    let test = |id: TestId| &compiled.rule.tests[id.0 as usize];
    let predicate = |id: TestId| compiled.predicates[id.0 as usize];
    always_there
        && test(first).stream == test(second).stream
        && test(first).residual.is_none()
        && (predicate(first).is_none() || predicate(first) == predicate(second))
}

/// Whether a run can wait for its next step without any limit.
fn lives_for_ever(rule: &Rule, automaton: &Automaton) -> bool {
    if rule.within.is_some() {
        return false;
    }
    let dropped_on_report = matches!(rule.overlap, Overlap::None | Overlap::PerStart);
    let waits_without_limit = |state: &State| {
        state.transitions.iter().any(|transition| {
            transition.checks.is_empty()
                && !matches!(
                    transition.trigger,
                    Trigger::Take { within: Some(_), .. }
                        | Trigger::Take { link: LinkKind::Next, .. }
                        | Trigger::Absence { end: AbsenceEnd::After(_), .. }
                )
        })
    };
    automaton.states[1..]
        .iter()
        .any(|state| !(state.accepting && dropped_on_report) && waits_without_limit(state))
}
