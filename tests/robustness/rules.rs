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
    assert_eq!(codes(rules(2)), ["W0501", "W0513"]);
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

/// Rules of this body with numbers in place of `#`, behind a stream and these declarations.
fn rules(declarations: &str, count: usize, body: &str) -> String {
    let one =
        |number: usize| format!("rule r{number} {{ by k {} }}\n", body.replace('#', &number.to_string()));
    format!("{}{declarations}\n{}", super::STREAM, (0..count).map(one).collect::<String>())
}

#[test]
fn arguments_that_double() {
    let nested = format!("{}f{} > 1", "d(".repeat(50), ")".repeat(50));
    let body = format!("event e = s where {nested} match e alert low \"x\"");
    assert_eq!(codes(rules("def d(x float) = x + x", 1, &body)), ["E0208"]);
}

#[test]
fn definitions_that_double() {
    let chain = (1..60).map(|i| format!("def d{i}(x float) = d{0}(x) + d{0}(x)\n", i - 1));
    let declarations = format!("def d0(x float) = x + x\n{}", chain.collect::<String>());
    let body = "event e = s where d59(f) > 1 match e alert low \"x\"";
    assert_eq!(codes(rules(&declarations, 1, body)), ["E0208"]);
}

#[test]
fn definitions_that_nest() {
    let minus = format!("def g(x float) = {}x{}", "-(".repeat(50), ")".repeat(50));
    let calls = format!("def h(x float) = {}x{}", "g(".repeat(50), ")".repeat(50));
    let body = "event e = s where h(h(h(f))) > 1 match e alert low \"x\"";
    assert_eq!(codes(rules(&format!("{minus}\n{calls}"), 1, body)), ["E0208"]);
    let chain = (1..5_000).map(|i| format!("def d{i}(x float) = d{}(-x)\n", i - 1));
    let declarations = format!("def d0(x float) = -x\n{}", chain.collect::<String>());
    let body = "event e = s where d4999(f) > 1 match e alert low \"x\"";
    assert_eq!(codes(rules(&declarations, 1, body)), ["E0208"]);
}

#[test]
fn an_expression_as_deep_as_may_be_is_evaluated_in_a_small_stack() {
    let declarations = "def g(x float) = -(-(-(-(-(-(-(-(-(-x)))))))))";
    let body = "event e = s where g(g(g(g(g(g(g(g(g(g(g(g(n)))))))))))) > 1 match e alert low \"x\"";
    assert!(codes(rules(declarations, 1, body)).is_empty());
}

#[test]
fn texts_that_double() {
    let chain = (1..40).map(|i| format!("let t{i} = t{0} + t{0}\n", i - 1));
    let declarations = format!("let t0 = \"0123456789\"\n{}", chain.collect::<String>());
    let body = "event e = s where t == t39 match e alert low \"x\"";
    assert_eq!(codes(rules(&declarations, 1, body)), ["E0208"]);
}

#[test]
fn a_large_text_at_many_places() {
    let declarations = format!("let big = \"{}\"", "x".repeat(100_000));
    let many = vec!["big"; 9_000].join(", ");
    let body = format!("event e = s where t in ({many}) match e alert low \"x\"");
    assert_eq!(codes(rules(&declarations, 1, &body)), ["E0208"]);
    assert_eq!(
        codes(rules(&declarations, 1_000, "event e = s where t == big match e alert low \"x\"")),
        ["E0208"]
    );
}

#[test]
fn a_large_definition_at_many_places() {
    let declarations =
        format!("def d(x int) = {}", (0..3_000).map(|i| format!("x > {i}")).collect::<Vec<_>>().join(" or "));
    let body = "event e = s where d(n) match e alert low \"x\"";
    assert_eq!(codes(rules(&declarations, 10, body)), ["W0513"]);
    assert_eq!(codes(rules(&declarations, 2_000, body)), ["E0208"]);
}

#[test]
fn definitions_in_many_circles() {
    let ring = (0..10_000).map(|i| format!("def f{i}(x int) = f{}(x) + f0(x)\n", (i + 1) % 10_000));
    assert_eq!(codes(rules(&ring.collect::<String>(), 0, "")), ["E0108"]);
    let pairs = (0..10_000).map(|i| format!("let a{i} = b{i}\nlet b{i} = a{i}\n"));
    assert_eq!(codes(rules(&pairs.collect::<String>(), 0, "")), ["E0108"]);
}

#[test]
fn more_parameters_fields_and_parts_of_a_key_than_allowed() {
    let parameters = (0..40_000).map(|i| format!("p{i} int")).collect::<Vec<_>>().join(", ");
    assert_eq!(codes(rules(&format!("def f({parameters}) = p0"), 0, "")), ["E0403"]);

    let fields = (0..30_000).map(|i| format!("f{i} int\n")).collect::<String>();
    let conditions = (0..900).map(|i| format!("f{i} > 1")).collect::<Vec<_>>().join(" or ");
    let rule = format!("rule r {{ event e = s where {conditions} match e alert low \"x\" }}");
    assert_eq!(codes(format!("stream s {{\n{fields}}}\n{rule}\n")), ["E0403"]);

    let streams = (0..5_000).map(|i| format!("stream s{i} {{ a int }}\n")).collect::<String>();
    let steps = sequence((0..5_000).map(|i| format!("s{i}")));
    let key = vec!["a"; 50_000].join(", ");
    let rule = format!("rule r {{ by {key} match {steps} within 1h alert low \"x\" }}");
    assert_eq!(codes(format!("{streams}{rule}")), ["E0106", "E0403"]);
}

#[test]
fn a_key_with_a_field_of_every_stream() {
    let streams = (0..10_000).map(|i| format!("stream s{i} {{ a{i} int }}\n")).collect::<String>();
    let steps = sequence((0..10_000).map(|i| format!("s{i}")));
    let key = (0..10_000).map(|i| format!("s{i}.a{i}")).collect::<Vec<_>>().join(" = ");
    let rule = format!("rule r {{ by {key} match {steps} within 1h alert low \"x\" }}");
    assert!(codes(format!("{streams}{rule}")).is_empty());
}

#[test]
fn long_patterns_over_many_events() {
    let read = |i: usize| if i < 1_000 { format!("e{}.n", i - 1) } else { i.to_string() };
    let events = (1..15_000).map(|i| format!("event e{i} = s where n > {}\n", read(i))).collect::<String>();
    let steps = sequence((0..15_000).map(|i| format!("e{i}")));
    let pattern = format!("event e0 = s\n{events}match {steps} within 1h");
    assert!(codes(rule(&pattern)).is_empty());
    let steps = sequence((0..60_000).map(|i| format!("s as b{i}")));
    assert_eq!(codes(rule(&format!("match {steps} within 1h"))), ["E0310"]);
}

#[test]
fn a_large_condition_at_many_steps() {
    let condition = (0..3_000).map(|i| format!("n == {i}")).collect::<Vec<_>>().join(" or ");
    let steps = sequence((0..15_000).map(|i| format!("e as b{i}")));
    assert_eq!(codes(rule(&format!("event e = s where {condition}\nmatch {steps} within 1h"))), ["E0208"]);
}

#[test]
fn mistakes_without_end() {
    let events = (0..20_000).map(|i| format!("event e{i} = s where nn > 1\n")).collect::<String>();
    let unknown = sequence((0..20_000).map(|i| format!("f{i}")));
    let expected = ["E0102", "E0103", "W0507"];
    assert_eq!(codes(rule(&format!("{events}match e0 then {unknown} within 1h"))), expected);
    assert_eq!(codes(rules("", 10_000, "event e = ss match e alert low \"{ee.x}\"")), ["E0101", "E0103"]);
    let nullable = sequence((0..20_000).map(|i| format!("(optional s as b{i})")));
    assert_eq!(codes(rule(&format!("match s as a then {nullable} within 1h"))), ["E0301"]);
}

#[test]
fn names_as_long_as_a_file() {
    let (long, other) = ("a".repeat(250_000), "b".repeat(250_000));
    let text = format!("stream {long} {{ k int }}\nrule r {{ match {other} alert low \"x\" }}\n");
    assert_eq!(codes(text), ["E0103"]);
}

#[test]
fn regular_expressions_without_end() {
    let same = rules("", 2_000, "event e = s where t matches \"\\\\w{15}\" match e alert low \"x\"");
    assert_eq!(codes(same), ["W0513"]);
    let large = rules("", 30, "event e = s where t matches \"\\\\w{99}#\" match e alert low \"x\"");
    assert_eq!(codes(large), ["E0205"]);
    let different = rules("", 200, "event e = s where t matches \"[a-z]{8}#\" match e alert low \"x\"");
    assert!(codes(different).is_empty());
}

#[test]
fn a_wildcard_pattern_without_end() {
    let body = format!("event e = s where t like \"{}\" match e alert low \"x\"", "*a".repeat(5_000));
    assert_eq!(codes(rules("", 1, &body)), ["E0403"]);
}

#[test]
fn many_captures_that_conditions_and_alerts_read() {
    for (count, expected) in [(1_000, &[][..]), (3_000, &["E0403"])] {
        let reads = (0..count).map(|i| format!("v{i}.n > 1")).collect::<Vec<_>>().join(" or ");
        let steps = sequence((0..count).map(|i| format!("s as v{i}")));
        let pattern = format!("event e = s where {reads}\nmatch 6 ({steps} then e) within 1h");
        assert_eq!(codes(rule(&pattern)), expected);
    }
    let steps = sequence((0..3_000).map(|i| format!("s as v{i}")));
    let fields = (0..2_000).map(|i| format!("f{i} = v{i}.n + 1\n")).collect::<String>();
    let rule = format!("match {steps} within 1h alert low \"x\" {{\n{fields}}}");
    assert!(codes(rules("", 1, &rule)).is_empty());
}

#[test]
fn many_groups_with_a_time_limit() {
    let groups = |count: usize| sequence((0..count).map(|i| format!("(s as b{i} then s as c{i} within 5m)")));
    assert!(codes(rule(&format!("match {} within 1h", groups(1_000)))).is_empty());
    assert_eq!(codes(rule(&format!("match {} within 1h", groups(9_000)))), ["E0403"]);
}

#[test]
fn many_rules_with_keys_of_their_own() {
    let fields = (0..900).map(|i| format!("f{i} int\n")).collect::<String>();
    let rule = |i| {
        format!("rule r{i} {{ by f{}, f{} match s alert low \"x\" }}\n", i % 900, (i / 900 + i + 1) % 900)
    };
    let rules = (0..10_000).map(rule).collect::<String>();
    assert!(codes(format!("stream s {{\n{fields}}}\n{rules}")).is_empty());
}
