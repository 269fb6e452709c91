//! Hostile rule sets.

use super::{codes, rule, sequence};

#[test]
fn absences_without_end_in_a_row() {
    let absences = "then not s ".repeat(50_000);
    assert_eq!(codes(rule(&format!("match s as a {absences} within 1h"))), ["E0303"]);
}

#[test]
fn absences_with_a_time_in_a_row() {
    let absences = "then not s for 1s ".repeat(15_000);
    assert_eq!(codes(rule(&format!("match s as a {absences}"))), ["W0506"]);
}

#[test]
fn lazy_loops_in_a_row() {
    for count in [60, 20_000] {
        let steps = (0..count).map(|i| format!("0+ lazy s as b{i}"));
        let pattern = format!("match s as a then {} then s as c within 1h", sequence(steps));
        let expected: &[&str] = if count == 60 { &["W0501"] } else { &["E0310"] };
        assert_eq!(codes(rule(&pattern)), expected, "{count}");
    }
}

#[test]
fn optional_steps_in_a_row() {
    let steps = (0..20_000).map(|i| format!("optional s as b{i}"));
    let pattern = format!("match s as a then {} then s as c within 1h", sequence(steps));
    assert_eq!(codes(rule(&pattern)), ["E0310"]);
}

#[test]
fn a_loop_over_what_could_match_nothing() {
    let pattern = "match 2+ (0+ lazy s as a then 0+ lazy s as b) then s as c within 1h";
    assert_eq!(codes(rule(pattern)), ["E0301"]);
}

#[test]
fn counts_in_counts() {
    assert_eq!(codes(rule("match 10000 (10000 s as a) within 1h")), ["E0310"]);
    assert_eq!(codes(rule("match 100 100 100 100 s as a within 1h")), ["E0310"]);
}

#[test]
fn many_branches_in_any_order() {
    let branches = |count: usize| (0..count).map(|i| format!("s as b{i}")).collect::<Vec<_>>().join(" and ");
    assert!(codes(rule(&format!("match ({}) within 1h", branches(8)))).is_empty());
    assert_eq!(codes(rule(&format!("match ({}) within 1h", branches(32)))), ["E0310"]);
    assert_eq!(codes(rule(&format!("match ({}) within 1h", branches(33)))), ["E0403"]);
}

#[test]
fn many_rules_that_grow_too_large() {
    let branches = (0..32).map(|i| format!("s as b{i}")).collect::<Vec<_>>().join(" and ");
    let rules = (0..1_000).map(|i| format!("rule r{i} {{ match ({branches}) within 1h alert low \"x\" }}\n"));
    assert_eq!(codes(super::STREAM.to_owned() + &rules.collect::<String>()), ["E0310"]);
}

#[test]
fn many_states_with_many_transitions() {
    let branches = (0..60).map(|i| format!("s as b{i}")).collect::<Vec<_>>().join(" or ");
    let rules = |count: usize| {
        let rule = |i| format!("rule r{i} {{ match 50 ({branches}) within 1h alert low \"x\" }}\n");
        super::STREAM.to_owned() + &(0..count).map(rule).collect::<String>()
    };
    assert_eq!(codes(rules(2)), ["W0501"]);
    assert_eq!(codes(rules(700)), ["E0310", "W0501"]);
    assert_eq!(codes(rule(&format!("match 10000 ({branches}) within 1h"))), ["E0310"]);
}

#[test]
fn large_conditions_at_many_places() {
    let large: Vec<String> = (0..200).map(|i| format!("n > {i}")).collect();
    let events = (0..60).map(|i| format!("event e{i} = s where {} or f < {i}\n", large.join(" or ")));
    let branches = (0..60).map(|i| format!("e{i}")).collect::<Vec<_>>().join(" or ");
    let pattern = format!("{}match 100 ({branches}) within 1h", events.collect::<String>());
    assert_eq!(codes(rule(&pattern)), Vec::<String>::new());
}
