//! What the automaton shows to be not meant: steps that can never be taken, rules that never match,
//! runs that never end.

mod fits;
mod reach;
mod timeout;

use std::collections::HashMap;

use super::cost::Holding;
use super::{AbsenceEnd, Automaton, CompiledRule, State, Transition, Trigger};
use crate::diagnostic::codes::{W0505, W0513, W0516};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::event::StreamSchema;
use crate::language::checked::{LinkKind, Mode, Overlap, Rule};

use fits::Fits;

/// Most operations of conditions of a rule set that are looked at: a rule set that people write has far
/// fewer.
const MAX_JUDGED: usize = 500_000;

/// Warns about the rules of one program, one after the other.
#[derive(Debug)]
pub struct Linter<'s> {
    streams: &'s [StreamSchema],
    /// How many operations of conditions may still be looked at.
    left: usize,
}

impl<'s> Linter<'s> {
    /// For rules over these streams.
    pub fn new(streams: &'s [StreamSchema]) -> Linter<'s> {
        Linter { streams, left: MAX_JUDGED }
    }

    /// Warnings about a rule that can be run.
    pub fn rule(&mut self, compiled: &CompiledRule) -> Diagnostics {
        let CompiledRule { rule, automaton, .. } = compiled;
        let mut diagnostics = Diagnostics::default();
        let mut fits = Fits::new(compiled, self.streams, &mut self.left);
        let reached = reach::check(compiled, &mut fits, &mut diagnostics);
        timeout::check(compiled, &reached, &mut diagnostics);
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
        diagnostics.append(multiplies(compiled));
        diagnostics
    }
}

/// Warns about a rule whose runs double with each event that fits.
fn multiplies(compiled: &CompiledRule) -> Diagnostics {
    let rule = &compiled.rule;
    let mut diagnostics = Diagnostics::default();
    if let Some(variable) = Holding::new(compiled).doubles() {
        let variable = &rule.variables[variable.0 as usize];
        let message = format!("partial matches of `{}` double with each `{}`", rule.name, variable.name);
        // Two to that power is the first that is too many.
        let events = rule.max_runs.ilog2() + 1;
        diagnostics.push(
            Diagnostic::new(W0516, variable.span, message)
                .label("every selection of these events is tried")
                .help(format!(
                    "after {events} of them `max runs` ({}) drops the oldest: take `any` away, or give the count an end, such as `3..5 any`",
                    rule.max_runs
                )),
        );
    }
    diagnostics
}

/// Warns about rules that mean the same: their alerts would have the same ids.
pub fn same_meaning(rules: &[CompiledRule]) -> Diagnostics {
    let mut diagnostics = Diagnostics::default();
    let mut first: HashMap<&str, &Rule> = HashMap::new();
    for CompiledRule { rule, .. } in rules.iter().filter(|compiled| compiled.rule.mode != Mode::Off) {
        let known = *first.entry(&rule.fingerprint).or_insert(rule);
        if known.name == rule.name {
            continue;
        }
        let message = format!("`{}` has the same meaning as `{}`", rule.name, known.name);
        diagnostics.push(
            Diagnostic::new(W0513, rule.pattern_span, message)
                .also(known.pattern_span, format!("`{}` matches the same events", known.name))
                .help("each match is reported by both, with the same id: take one of them out, or switch it off with `mode off`"),
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
