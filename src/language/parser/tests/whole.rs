//! Whole files.

use super::good;
use crate::language::tree::{ClauseKind, Item};

pub(super) const EXAMPLE: &str = include_str!("card_testing.trip");

#[test]
fn the_example_parses() {
    let tree = good(EXAMPLE);
    let kinds: Vec<&str> = tree
        .items
        .iter()
        .map(|item| match item {
            Item::Stream(_) => "stream",
            Item::List(_) => "list",
            Item::Table(_) => "table",
            Item::Let(_) => "let",
            Item::Def(_) => "def",
            Item::Rule(_) => "rule",
            Item::Test(_) => "test",
        })
        .collect();
    assert_eq!(kinds, ["stream", "list", "let", "def", "rule", "test"]);
    let Item::Rule(rule) = &tree.items[4] else { panic!("a rule") };
    assert_eq!(rule.clauses.len(), 10);
    assert!(matches!(&rule.clauses[5].kind, ClauseKind::Match(_)));
}

#[test]
fn the_rules_of_all_conformance_cases_parse() {
    let cases =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/patterns.jsonl"))
            .expect("the cases are there");
    let mut count = 0;
    for line in cases.lines() {
        let case: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
        good(case["rule"].as_str().expect("a case has a rule"));
        count += 1;
    }
    assert!(count > 100, "only {count} cases");
}
