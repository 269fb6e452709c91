//! From syntax trees to checked rules: names across files, types, constants, patterns.
//!
//! Every problem of every file is reported in one go; a rule with a mistake does not hide the
//! mistakes of another. Neither the order of files nor that of declarations has any effect.

mod calls;
mod case;
mod chain;
mod conditions;
mod conjuncts;
mod constants;
mod dependency;
mod expression;
mod fingerprint;
mod fold;
mod history;
mod key;
mod limit;
mod lint;
mod lookup;
mod matching;
mod names;
mod old;
mod operators;
mod pattern;
mod reads;
mod rule;
mod scope;
mod shape;
mod stream;
mod tables;
mod unused;
mod variables;

use crate::diagnostic::Diagnostics;
use crate::event::StreamSchema;

use super::checked::Checked;
use super::tree;

pub use old::Old;
pub use rule::{DEFAULT_MAX_EVENTS, DEFAULT_MAX_RUNS, GREATEST_MAX};

/// Checks the files of a rule set, and old versions of its rules. The result can be run when the diagnostics
/// hold no error.
pub fn check<'t>(files: &'t [tree::File], olds: &'t [Old<'t>]) -> (Checked, Diagnostics) {
    check_as(files, olds, false)
}

/// The same; the result can also tell why an event did not fit, which takes memory.
pub fn check_for_tests<'t>(files: &'t [tree::File], olds: &'t [Old<'t>]) -> (Checked, Diagnostics) {
    check_as(files, olds, true)
}

fn check_as<'t>(files: &'t [tree::File], olds: &'t [Old<'t>], for_tests: bool) -> (Checked, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let declarations = scope::collect(files, &mut diagnostics);
    let mut unread = scope::Reported::of(files);
    let tables = tables::collect(&declarations.lists, &declarations.tables, &mut unread, &mut diagnostics);
    let schema = |stream: &&tree::Stream| stream::schema(stream, &unread, &mut diagnostics);
    let sources: Vec<StreamSchema> = declarations.streams.iter().map(schema).collect();
    let plan = chain::plan(&declarations, &unread, &mut diagnostics);
    let streams = || declarations.streams.iter().chain(&declarations.derived);
    let mut globals = scope::Globals {
        sources: sources.len(),
        derived: Default::default(),
        unread_fields: streams().map(|stream| unread.fields(stream)).collect(),
        stream_spans: streams().map(|stream| stream.name.span).collect(),
        streams: sources
            .into_iter()
            .chain(declarations.derived.iter().map(|stream| chain::unsettled(stream)))
            .collect(),
        tables,
        constants: Default::default(),
        definitions: Default::default(),
        broken: Default::default(),
        events: declarations.events(),
        reported: unread,
        regexes: matching::Regexes::default(),
        operations: scope::Allowance::new(expression::MAX_ALL_OPERATIONS),
        judged: scope::Allowance::new(conditions::MAX_JUDGED),
        for_tests,
    };
    constants::settle(&mut globals, &declarations.constants, &declarations.definitions, &mut diagnostics);
    let mut rules = Vec::new();
    let mut alert_streams = Vec::new();
    for (rule, stratum) in plan {
        if diagnostics.is_full() {
            break;
        }
        let mut own = Diagnostics::default();
        let checked = rule::check(rule, stratum, &globals, &mut own);
        // A rule with a mistake goes no further: what comes next relies on what was checked here.
        if let Some(checked) = checked.filter(|_| !own.has_errors()) {
            let streams = declarations.streams_of(&rule.name.node);
            alert_streams.extend(chain::settle(&checked, rule, streams, &mut globals, &mut own));
            rules.push(checked);
        }
        diagnostics.append(own);
    }
    rules.sort_by(|a, b| a.name.cmp(&b.name));
    // What a mistake hides may be what uses it.
    if !diagnostics.has_errors() && !rules.is_empty() {
        unused::check(files, &mut diagnostics);
    }
    let cases = case::check(&declarations, &globals, &rules, &mut diagnostics);
    let old_rules = match diagnostics.has_errors() {
        true => Vec::new(),
        false => old::check(olds, &declarations, &rules, &mut globals),
    };
    let tables = globals.tables.into_specs();
    (Checked { streams: globals.streams, alert_streams, tables, rules, old_rules, cases }, diagnostics)
}
