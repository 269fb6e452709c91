//! The engine and the reference matcher report the same.

use std::collections::BTreeMap;

use super::case::{self, Event, Report};
use super::generate::{Shape, rule_and_events};
use super::pattern::Rule;
use super::{engine, naive, seeds, shrink, tree};

/// What became of one random rule and stream.
enum Verdict {
    /// Both say the same; whether that was anything at all.
    Agree(bool),
    /// The compiler does not accept the rule.
    Rejected(String),
    /// Too many runs for the reference matcher.
    TooMany,
    /// What the engine says and what it should.
    Differ(BTreeMap<String, Vec<Report>>, BTreeMap<String, Vec<Report>>),
}

fn verdict(rule: &Rule, events: &[Event]) -> Verdict {
    let text = rule.file();
    let program = match engine::compile_text(&text) {
        Ok(program) => program,
        Err(diagnostics) => return Verdict::Rejected(diagnostics),
    };
    let Some(expected) = naive::reports_by_key(&tree(&text), events) else { return Verdict::TooMany };
    let actual = engine::reports_by_key(&engine::alerts(&program, events));
    if actual == expected { Verdict::Agree(!expected.is_empty()) } else { Verdict::Differ(actual, expected) }
}

/// Tries random rules; fails at the first difference, when too few of them say anything, and when the
/// compiler rejects more than one in a hundred, although they are made to be well formed.
fn agree(seeds: std::ops::Range<u64>, shape: Shape) {
    let total = seeds.end - seeds.start;
    let (mut rejected, mut too_many, mut silent) = (vec![], 0, 0);
    for seed in seeds {
        let (rule, events) = rule_and_events(seed, shape);
        match verdict(&rule, &events) {
            Verdict::Agree(something) => silent += u64::from(!something),
            Verdict::Rejected(why) => rejected.push(format!("{}\n{why}", rule.file())),
            Verdict::TooMany => too_many += 1,
            Verdict::Differ(..) => panic!("{}", difference(seed, shape, rule, events)),
        }
    }
    println!("{total} rules: {} rejected, {too_many} too large, {silent} silent", rejected.len());
    if let Some(why) = rejected.first() {
        let many = rejected.len() as u64 * 100 > total;
        assert!(!many, "{} of {total} rules are rejected; the first:\n{why}", rejected.len());
    }
    assert!(too_many * 100 <= total * 10, "{too_many} of {total} rules have too many runs");
    assert!(silent * 100 <= total * 75, "{silent} of {total} rules report nothing");
}

/// A message with the smallest rule and stream that show the same kind of failure.
fn difference(seed: u64, shape: Shape, rule: Rule, events: Vec<Event>) -> String {
    let (rule, events) =
        shrink::smallest(rule, events, |rule, events| matches!(verdict(rule, events), Verdict::Differ(..)));
    let Verdict::Differ(actual, expected) = verdict(&rule, &events) else {
        unreachable!("shrinking keeps the failure")
    };
    let mut text =
        format!("seed {seed}, {shape:?}, made smaller:\n{}\n{}", rule.file(), case::show_events(&events));
    for (who, keys) in [("the language says", expected), ("the engine says", actual)] {
        text += &format!("--- {who}\n");
        for (key, reports) in keys {
            text += &format!("key {key:?}\n{}", case::show_reports(&reports));
        }
    }
    text
}

#[test]
fn flat_rules_agree() {
    agree(seeds(2000), Shape { depth: 0, keys: 1 });
}

#[test]
fn rules_with_groups_agree() {
    agree(seeds(2000), Shape { depth: 1, keys: 1 });
}

#[test]
fn rules_with_nested_groups_and_several_keys_agree() {
    agree(seeds(2000), Shape { depth: 3, keys: 3 });
}

#[test]
fn the_reference_matcher_gives_the_recorded_answers() {
    for case in case::recorded() {
        let reports = naive::reports(&tree(&case.rule), &case.events).expect("the cases are small");
        let (expected, actual) = (case::show_reports(&case.expect), case::show_reports(&reports));
        assert_eq!(expected, actual, "{}\n{}\n{}", case.id, case.rule, case::show_events(&case.events));
    }
}

/// Without this the agreement could be one on simple rules only.
#[test]
fn random_rules_use_every_construct() {
    let rules: Vec<String> =
        (0..3000).map(|seed| rule_and_events(seed, Shape { depth: 3, keys: 3 }).0.file()).collect();
    for construct in [
        "then any ",
        "next ",
        "then within ",
        "then any within ",
        "next within ",
        "then not ",
        "next not ",
        " for ",
        "optional s",
        "optional (",
        " lazy ",
        " consecutive ",
        " lazy any ",
        " any lazy ",
        "+ any ",
        " until ",
        " as s",
        " or ",
        " and s",
        "and (",
        "((",
        ")) then",
        "+ (",
        "..3 (",
        "2 s",
        "2 3",
        " s within ",
        ") within ",
        "overlap none",
        "overlap per start",
        "overlap all",
        "resume at first",
        "resume at last",
        "on timeout alert",
        "on timeout after",
        "first(s",
        "last(s",
        "sum(s",
        "count(s",
        "min(s",
        "max(s",
        "is missing",
        "??",
        "int?",
        "500ms",
    ] {
        let users = rules.iter().filter(|rule| rule.contains(construct)).count();
        assert!(users >= 3, "only {users} of 3000 random rules contain {construct:?}");
    }
    for rule in rules {
        tree(&rule);
    }
}
