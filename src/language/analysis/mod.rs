//! From syntax trees to checked rules: names across files, types, constants, patterns.
//!
//! Every problem of every file is reported in one go; a rule with a mistake does not hide the
//! mistakes of another. Neither the order of files nor that of declarations has any effect.

mod calls;
mod case;
mod conditions;
mod constants;
mod expression;
mod fingerprint;
mod fold;
mod history;
mod key;
mod lint;
mod matching;
mod names;
mod operators;
mod pattern;
mod rule;
mod scope;
mod shape;
mod stream;
mod unused;
mod variables;

use crate::diagnostic::Diagnostics;

use super::checked::Checked;
use super::tree;

pub use rule::{DEFAULT_MAX_EVENTS, DEFAULT_MAX_RUNS};

/// Checks the files of a rule set. The result can be run when the diagnostics hold no error.
pub fn check(files: &[tree::File]) -> (Checked, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let declarations = scope::collect(files, &mut diagnostics);
    let unread = scope::Reported::of(files, &declarations);
    let schema = |stream: &&tree::Stream| stream::schema(stream, &unread, &mut diagnostics);
    let mut globals = scope::Globals {
        streams: declarations.streams.iter().map(schema).collect(),
        unread_fields: declarations.streams.iter().map(|stream| unread.fields(stream)).collect(),
        stream_spans: declarations.streams.iter().map(|stream| stream.name.span).collect(),
        constants: Default::default(),
        definitions: Default::default(),
        broken: Default::default(),
        events: declarations.events(),
        reported: unread,
        regexes: matching::Regexes::default(),
        operations: scope::Allowance::new(expression::MAX_ALL_OPERATIONS),
        judged: scope::Allowance::new(conditions::MAX_JUDGED),
    };
    constants::settle(&mut globals, &declarations.constants, &declarations.definitions, &mut diagnostics);
    let mut rules = Vec::new();
    for rule in &declarations.rules {
        if diagnostics.is_full() {
            break;
        }
        let mut own = Diagnostics::default();
        let checked = rule::check(rule, &globals, &mut own);
        // A rule with a mistake goes no further: what comes next relies on what was checked here.
        rules.extend(checked.filter(|_| !own.has_errors()));
        diagnostics.append(own);
    }
    // What a mistake hides may be what uses it.
    if !diagnostics.has_errors() && !rules.is_empty() {
        unused::check(files, &mut diagnostics);
    }
    let cases = case::check(&declarations, &globals, &rules, &mut diagnostics);
    (Checked { streams: globals.streams, rules, cases }, diagnostics)
}
