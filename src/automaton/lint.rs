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
    if lives_for_ever(rule, automaton) {
        diagnostics.push(
            Diagnostic::new(W0505, rule.span, format!("runs of `{}` can live for ever", rule.name))
                .label("no time limit on a run that waits for its next step")
                .help("end the match with `within …`; without it, memory is bounded by `max runs` alone"),
        );
    }
    diagnostics
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
        let earlier = &rule.variables[earlier.0 as usize].name;
        diagnostics.push(
            Diagnostic::new(
                W0501,
                rule.span,
                format!("`{}` of `{}` can never be captured", variable.name, rule.name),
            )
            .label(format!("`{earlier}` takes every event that fits it"))
            .help(format!(
                "make `{earlier}` lazy (`1+ lazy {earlier}`), or tell the two apart by their conditions"
            )),
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
