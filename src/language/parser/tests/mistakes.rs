//! What authors see for their mistakes: every case is a snapshot in `tests/snapshots/syntax`.

use super::super::parse;
use super::shown;
use crate::diagnostic::FileId;

/// A rule around some clauses.
fn rule(clauses: &str) -> String {
    format!("rule r {{\n  {clauses}\n}}\n")
}

/// An event definition around a condition.
fn condition(condition: &str) -> String {
    rule(&format!("event e = auth where {condition}\n  match e"))
}

fn check(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots/syntax"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, shown(text)));
}

#[test]
fn texts_and_numbers() {
    check("unknown_characters", &condition("amount > 5 $$ @ and ok;"));
    check("letters_in_names", "let größe = 5\n");
    check("text_not_closed", &rule("about \"Several charges\n  match a"));
    check("text_in_single_quotes", &condition("country == 'DE'"));
    check("text_in_typographic_quotes", &condition("country == “DE”"));
    check("unknown_escape", &condition("path like \"C:\\Users\\u{110000}\\*\""));
    check("number_too_large", "let big = 9223372036854775808\n");
    check("number_with_exponent", "let big = 1e6\nlet hex = 0x1f\nlet odd = 1__000\nlet point = .5\n");
    check("duration_with_space", &rule("match a then b within 10 min"));
    check("duration_with_wrong_unit", &rule("match a then within 10sec b within 2w"));
    check("duration_with_fraction", &rule("match a then b within 1.5h"));
    check("duration_out_of_order", &rule("match a then b within 30m1h"));
    check("duration_too_long", &rule("match a then b within 999999999999d"));
    check("duration_without_unit", &rule("match a then b within 30"));
}

#[test]
fn conditions() {
    check("assignment_in_condition", &condition("amount = 5"));
    check("operators_of_other_languages", &condition("!ok && amount !== 5 || amount <> 6"));
    check("chained_comparison", &condition("1 < amount <= 5"));
    check("is_null", &condition("device is null or ip is not null"));
    check("not_like", &condition("name not like \"a*\""));
    check("not_behind_operator", &condition("a == not b"));
    check("operator_without_operand", &rule("event e = auth where amount >\n  match e then f"));
    check("operand_without_operator", &condition("amount 5"));
    check("method_call", &condition("name.lower() == \"x\""));
    check("where_behind_aggregate", &condition("count(auth) where ok over 10m > 3"));
    check("over_without_aggregate", &condition("amount over 10m > 3"));
    check("over_behind_parentheses", &condition("(count(auth)) over 10m > 3"));
    check("parenthesis_not_closed", &condition("(amount > 5 and (ok or late)"));
    check("call_not_closed", &condition("lower(name == \"x\""));
    check("missing_comma_in_call", &condition("if(ok 1, 2) == 1"));
    check("nested_too_deeply", &condition(&"(".repeat(100)));
    check("chain_too_long", &condition(&format!("{} == 2", ["1"; 70].join(" + "))));
    check("arithmetic_on_a_condition", &condition("device is missing + 1"));
}

#[test]
fn patterns() {
    check("misspelt_then", &rule("match a thn b within 5m"));
    check("missing_link", &rule("match a b"));
    check("or_without_parentheses", &rule("match a or b within 5m"));
    check("or_mixed_with_and", &rule("match (a or b and c) then d"));
    check("begins_with_not", &rule("match not a then b"));
    check("not_without_link", &rule("match a not b for 5m"));
    check("not_in_time", &rule("match a then not b in 5m"));
    check("next_not_for", &rule("match a next not b for 5m"));
    check("not_with_within", &rule("match a then within 5m not b then any not c for 1h"));
    check("not_of_a_group", &rule("match a then not (b or c) for 5m"));
    check("modifier_twice", &rule("match 3+ lazy any lazy a"));
    check("modifier_without_count", &rule("match any a then b\n  event c = s\n  match a then lazy b"));
    check("optional_count", &rule("match optional 3 a then b"));
    check("range_with_minus", &rule("match 3-5 a then 2.. b"));
    check("group_not_closed", &rule("match (a then b within 5m\n  overlap none"));
    check("alias_is_reserved", &rule("match a as then b"));
    check("then_without_step", &rule("match a then\n  overlap none"));
}

#[test]
fn rules() {
    check("misspelt_clause", &rule("mach a then b\n  alrt high \"x\" {\n    a = 1\n  }\n  to desk"));
    check("reserved_name", "rule next {\n  match a\n}\nlet in = 5\n");
    check("name_with_hyphen", "rule card-testing {\n  match a thn b\n}\n");
    check("unknown_overlap", &rule("match a\n  overlap non\n  overlap per key\n  overlap some"));
    check("alert_without_severity", &rule("match a\n  alert \"Card {card}\""));
    check("alert_without_title", &rule("match a\n  alert high\n  to desk"));
    check(
        "alert_fields",
        &rule("alert low \"x\" {\n    a: 1\n    b = 2 c = 3\n    d\n    = 4 5\n    e = \n  }"),
    );
    check("alert_not_closed", &rule("alert low \"x\" {\n    a = 1\n  to desk"));
    check("rule_not_closed", "rule a {\n  match x\n\nrule b {\n  match y\n}\n");
    check("too_many_braces", "rule a {\n  match x\n}\n}\n");
    check("limit", &rule("limit 5 in 1h\n  limit 5\n  limit 1 per 1h for card\n  max run 5\n  mode\n}"));
    check(
        "title_braces",
        &rule("alert low \"{card: {}} } {count(small) x} {\"\n  alert low \"{amount:.2} {1 +}\""),
    );
    check("title_text", &rule("alert low \"{if(kind == \\\"a\\\", 1, \\\"b)}\""));
    check("clause_outside", "match a then b\nrule r {\n  match a\n}\n");
    check("event_without_stream", &rule("event a auth\n  event b =\n  event = c\n  event d = auth when ok"));
}

#[test]
fn declarations() {
    check(
        "stream_fields",
        "stream s time at late {\n  a\n  b strng\n  c int d int\n  where string\n  e: int\n  f text?,\n  g timestamp(min)\n  h int ! from x\n}\n",
    );
    check("stream_head_twice", "stream s time a time b late 5s late 6s {\n  a int\n}\n");
    check("stream_of_alerts_with_time", "stream s late 5s from r\n");
    check("stream_not_closed", "stream s {\n  a int\n\nlet x = 5\n");
    check(
        "list_and_table",
        "list l from \"x\"\ntable t \"x.csv\" {\n  key a string\n}\ntable u from \"u.csv\" {\n  key a\n}\n",
    );
    check("let_and_def", "let a 5\nlet b == 5\ndef f(a, b int) = 1\ndef g(a int = 1\ndef h(a int,) = a\n");
    check("misspelt_declaration", "strem s {\n  a int\n}\nRule r {\n}\nlet x = 1\n");
}

#[test]
fn tests_of_rules() {
    check(
        "test_lines",
        "test \"t\" {\n  at 5 s { a: 1 b: 2, c = 3 }\n  at 5s { a: 1 }\n  expct r\n  expect r x2\n  expect late\n  expect r × 2 timeout × 3 { events.a[0].f: 1, b }\n  after 5s s {}\n}\n",
    );
    check("test_event_not_closed", "test \"t\" {\n  at 5s s { a: 1\n  expect r\n}\n");
    check("test_without_name", "test t {\n  at 5s s { a: 1 }\n  expect\n}\n");
}

#[test]
fn limits() {
    let many = "let a 1\n".repeat(150);
    let (_, diagnostics) = parse(FileId(0), &many);
    assert_eq!(diagnostics.len(), 101);
    let last = diagnostics.iter().last().expect("there are some");
    assert_eq!(last.message, "this file has more than 100 problems; the rest is not shown");
}

#[test]
fn habits_of_other_languages() {
    check(
        "habits_in_rules",
        "rule r {\n  by: card\n  event a: s where x < 2\n  event b = s where x < 2,\n  to \"desk\"\n  limit 1 per hour\n  \
         mode: shadow\n}\n",
    );
    check(
        "habits_in_patterns",
        "rule r {\n  match 3+ a, then b\n  match a -> b\n  match a followed by b\n  match a THEN b\n  match 3x a\n  \
         match a{3} then b\n  match a* then b\n}\n",
    );
    check(
        "habits_in_conditions",
        "rule r {\n  event a = s where x in [1, 2]\n  event b = s where x in 1, 2\n  event c = s where x between 1 and 5\n  \
         event d = s where f(1, )\n  event e = s where x ? 1 : 2\n  event f = s where count(*) over 1h > 3\n  \
         event g = s where count(s, over 1h) > 3\n  event h = s where name contains \"x\"\n  event i = s where a.\n}\n",
    );
    check(
        "habits_in_declarations",
        "stream s {\n  id string;\n  card string not null\n  amount float = 5\n  n int?\n  from \"a.b\"\n}\nconst x = 5\n\
         function f(a int) = a\ndef g(a: float) = a\nlet y : int = 5\n",
    );
    check(
        "habits_in_tests",
        "test \"a\" {\n  at \"10s\" s { id: 1 }\n  expect r 2\n  expect r * 2\n  expect r { card = \"x\" }\n  \
         expect r card: \"x\"\n  expect\n}\n",
    );
    check(
        "brackets_not_closed_in_several_places",
        "rule a {\n  alert high \"x\" {\n    a = count(\n    b = 2\n  }\n  to desk\n}\nrule b {\n  match (x or y then z\n  \
         alert high \"unclosed {x\n  to desk\n}\nrule c {\n  event e = s where (a == 1\n  \
         event f = s where b in (1, 2\n  match e then f\n}\n",
    );
}
