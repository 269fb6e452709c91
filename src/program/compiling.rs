//! Rules of a program as they are compiled, one after the other, as long as there is room for all of them.

use crate::automaton::{CompiledRule, Linter, Predicates};
use crate::diagnostic::codes::E0310;
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::language::checked::Rule;

/// Most states of all rules together.
pub const MAX_STATES: usize = 1_000_000;
/// Most transitions between the states of all rules together.
pub const MAX_TRANSITIONS: usize = 2_000_000;
/// After so many rules that grow too large, the rest is not tried: each of them takes as long as the
/// largest rule that is allowed.
const MAX_TOO_LARGE: usize = 10;

/// Rules that are being compiled.
#[derive(Default)]
pub(super) struct Compiling {
    pub rules: Vec<CompiledRule>,
    pub predicates: Predicates,
    states: usize,
    transitions: usize,
}

impl Compiling {
    /// Takes a rule that was compiled, if there is room for it.
    ///
    /// # Errors
    /// The limit that it breaks together with the others: how much of what. Then it is not taken.
    pub fn push(&mut self, compiled: CompiledRule) -> Result<(), (usize, &'static str)> {
        let states = self.states + compiled.automaton.states.len();
        let transitions = self.transitions + compiled.automaton.transitions();
        let limits = [(states, MAX_STATES, "states"), (transitions, MAX_TRANSITIONS, "transitions")];
        if let Some((_, most, what)) = limits.into_iter().find(|(found, most, _)| found > most) {
            return Err((most, what));
        }
        (self.states, self.transitions) = (states, transitions);
        self.rules.push(compiled);
        Ok(())
    }

    /// Compiles the rules of now.
    pub fn rules(&mut self, rules: Vec<Rule>, linter: &mut Linter<'_>, diagnostics: &mut Diagnostics) {
        let mut refused = 0;
        for rule in rules {
            let span = rule.pattern_span;
            match CompiledRule::new(rule, &mut self.predicates) {
                Ok(compiled) => {
                    diagnostics.append(linter.rule(&compiled));
                    if let Err((most, what)) = self.push(compiled) {
                        let message = format!("the rules up to here need more than {most} {what}");
                        diagnostics.push(too_large(span, message));
                        break;
                    }
                }
                Err(error) => {
                    refused += 1;
                    let message = format!("this pattern grows too large: {}", error.what);
                    diagnostics.push(too_large(error.span, message));
                }
            }
            if refused == MAX_TOO_LARGE {
                break;
            }
        }
    }
}

fn too_large(span: Span, message: String) -> Diagnostic {
    Diagnostic::new(E0310, span, message)
        .help("each repetition that is counted, and each set of branches of an `and`, takes states of its own: use smaller counts, or fewer steps that could come next")
}
