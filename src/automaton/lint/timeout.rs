//! What a time-out can never have: captures that only a complete match holds.

use super::reach::Reached;
use crate::automaton::{CompiledRule, StateId, Trigger};
use crate::diagnostic::codes::{W0508, W0515};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::language::checked::VariableId;

/// Warns about an `on timeout` that waits for, or reads, what no run has captured that times out.
pub(super) fn check(compiled: &CompiledRule, reached: &Reached, diagnostics: &mut Diagnostics) {
    let CompiledRule { rule, .. } = compiled;
    let Some(timeout) = &rule.timeout else { return };
    let captured = captured(compiled, reached);
    let name = |variable: VariableId| &rule.variables[variable.0 as usize].name;
    if let Some(after) = timeout.after.filter(|after| !captured[after.0 as usize]) {
        let message = format!("this never happens: what times out has not captured `{}`", name(after));
        diagnostics.push(
            Diagnostic::new(W0508, timeout.span, message)
                .label("only a complete match has")
                .help("name an earlier step"),
        );
        return;
    }
    let read = timeout.alert.registers.iter().map(|register| register.variable);
    let mut never: Vec<VariableId> = read.filter(|variable| !captured[variable.0 as usize]).collect();
    never.sort();
    never.dedup();
    for variable in never {
        let name = name(variable);
        let message = format!("a time-out never has `{name}`");
        diagnostics.push(
            Diagnostic::new(W0515, timeout.span, message)
                .label(format!("every value of `{name}` is missing in this alert"))
                .help("only a complete match has captured it; say what was captured before"),
        );
    }
}

/// For each variable, whether a run that has captured it can time out: one that has been complete does not.
fn captured(compiled: &CompiledRule, reached: &Reached) -> Vec<bool> {
    let CompiledRule { rule, automaton, .. } = compiled;
    let mut open = vec![StateId::START];
    let mut incomplete = vec![false; automaton.states.len()];
    incomplete[StateId::START.0 as usize] = true;
    while let Some(state) = open.pop() {
        for transition in &automaton.state(state).transitions {
            let target = transition.target;
            let is_open = !automaton.state(target).accepting && reached.states[target.0 as usize];
            if is_open && !std::mem::replace(&mut incomplete[target.0 as usize], true) {
                open.push(target);
            }
        }
    }
    let mut captured = vec![false; rule.variables.len()];
    for (state, transition) in reached.live(automaton) {
        if let Trigger::Take { variable, .. } = transition.trigger
            && incomplete[state.0 as usize]
            && incomplete[transition.target.0 as usize]
        {
            captured[variable.0 as usize] = true;
        }
    }
    captured
}
