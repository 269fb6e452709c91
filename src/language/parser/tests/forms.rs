//! Every form of the language and the tree that it makes.

use super::{good, show};
use crate::language::tree::{ClauseKind, ExprKind, Item};

/// The items of a text, shown.
fn items(text: &str) -> Vec<String> {
    good(text).items.iter().map(show::item).collect()
}

/// The only item of a text, shown.
fn item(text: &str) -> String {
    let items = items(text);
    assert_eq!(items.len(), 1, "{items:?}");
    items.into_iter().next().unwrap_or_default()
}

/// The clauses of a rule, shown.
fn clauses(text: &str) -> Vec<String> {
    let tree = good(&format!("rule r {{ {text} }}"));
    let Item::Rule(rule) = &tree.items[0] else { panic!("a rule") };
    rule.clauses.iter().map(show::clause).collect()
}

/// A pattern, shown.
fn pattern(text: &str) -> String {
    clauses(&format!("match {text}")).concat()["match ".len()..].to_owned()
}

/// An expression, shown.
fn expr(text: &str) -> String {
    item(&format!("let x = {text}")).trim_start_matches("let x = ").to_owned()
}

#[test]
fn streams() {
    assert_eq!(item("stream s { }"), "stream s {}");
    assert_eq!(
        item("stream s time at late 5s idle 1m { a int, b float? c string }".replace("? c", "?, c").as_str()),
        "stream s time at late 5s idle 1m {a Int; b Float?; c Str}"
    );
    assert_eq!(item("stream s time arrival {\n a bool\n}"), "stream s time arrival {a Bool}");
    assert_eq!(item("stream s idle 1s\n late 2ms time x {}"), "stream s time x late 2ms idle 1s {}");
    assert_eq!(
        item("stream s {\n  device string? from \"client.device.id\"\n  ip ip,\n  d duration\n}"),
        "stream s {device Str? from \"client.device.id\"; ip Ip; d Duration}"
    );
    assert_eq!(
        item(
            "stream s { a timestamp\n b timestamp(s)\n c timestamp(ms)?\n d timestamp(us), e timestamp(ns) }"
        ),
        "stream s {a Timestamp(None); b Timestamp(Some(Seconds)); c Timestamp(Some(Millis))?; \
         d Timestamp(Some(Micros)); e Timestamp(Some(Nanos))}"
    );
    assert_eq!(item("stream risky from card_testing"), "stream risky from card_testing");
}

#[test]
fn fields_may_have_the_names_of_words() {
    let words = ["time", "at", "count", "first", "last", "late", "from", "to", "key", "list", "test", "rule"];
    let words = words.iter().chain(&["stream", "let", "def", "event", "match", "alert", "on", "x", "this"]);
    let fields: String = words.clone().map(|word| format!("  {word} string\n")).collect();
    let shown: Vec<String> = words.clone().map(|word| format!("{word} Str")).collect();
    assert_eq!(item(&format!("stream s {{\n{fields}}}")), format!("stream s {{{}}}", shown.join("; ")));
    for word in words {
        assert_eq!(expr(&format!("{word} + 1")), format!("(+ {word} 1)"));
    }
    assert_eq!(expr("v.not.is.where.then"), "v.not.is.where.then");
    assert_eq!(
        item("stream s {\n  from string\n  to string from \"x\"\n  def timestamp(ms)\n}"),
        "stream s {from Str; to Str from \"x\"; def Timestamp(Some(Millis))}"
    );
}

#[test]
fn lists_and_tables() {
    assert_eq!(item("list trusted string from \"l.txt\""), "list trusted Str from \"l.txt\"");
    assert_eq!(
        item(
            "table merchants from \"m.csv\" { key id string, risk float?\n country string from \"Country code\" }"
        ),
        "table merchants from \"m.csv\" {key id Str; risk Float?; country Str from \"Country code\"}"
    );
    assert_eq!(
        item("table t from \"m.csv\" {\n key string\n key key int\n}"),
        "table t from \"m.csv\" {key Str; key key Int}"
    );
}

#[test]
fn lets_and_defs() {
    assert_eq!(item("let big = 500.00"), "let big = 500.0");
    assert_eq!(item("def f() = 1"), "def f() = 1");
    assert_eq!(
        item("def ratio(a float, b timestamp(ms)) = a / b"),
        "def ratio(a Float, b Timestamp(Some(Millis))) = (/ a b)"
    );
    assert_eq!(items("let a = 1 let b = a\n\n# c\nlet c = b # d").len(), 3);
}

#[test]
fn literals() {
    assert_eq!(expr("1_000_000"), "1000000");
    assert_eq!(expr("9223372036854775807"), "9223372036854775807");
    assert_eq!(expr("3.5"), "3.5");
    assert_eq!(expr("1_0.5_0"), "10.5");
    assert_eq!(expr("true"), "true");
    assert_eq!(expr("false"), "false");
    assert_eq!(expr("null"), "null");
    for (text, shown) in [
        ("250ms", "250ms"),
        ("5s", "5s"),
        ("10m", "10m"),
        ("1h30m", "1h30m"),
        ("7d", "7d"),
        ("90m", "1h30m"),
        ("0s", "0s"),
        ("1d2h3m4s5ms", "1d2h3m4s5ms"),
    ] {
        assert_eq!(expr(text), shown);
    }
    assert_eq!(expr(r#""a\"b\\c\nd\te\u{1F600}\u{e9}é""#), r#""a\"b\\c\nd\te😀éé""#);
    assert_eq!(expr("\"\""), "\"\"");
    assert_eq!(expr(r##""# no comment""##), r##""# no comment""##);
}

#[test]
fn precedence() {
    assert_eq!(
        expr("a or b and not c == d ?? e + f * -g.h"),
        "(or a (and b (not (== c (?? d (+ e (* f (- g.h))))))))"
    );
    assert_eq!(expr("-a * b - c ?? d < e and f or g"), "(or (and (< (?? (- (* (- a) b) c) d) e) f) g)");
    assert_eq!(expr("a - b - c"), "(- (- a b) c)");
    assert_eq!(expr("a / b * c % d"), "(% (* (/ a b) c) d)");
    assert_eq!(expr("a ?? b ?? c"), "(?? (?? a b) c)");
    assert_eq!(expr("a - (b - c)"), "(- a (- b c))");
    assert_eq!(expr("not not a"), "(not (not a))");
    assert_eq!(expr("- - 2"), "(- (- 2))");
    assert_eq!(expr("a - -b"), "(- a (- b))");
    assert_eq!(expr("(a or b) and c"), "(and (or a b) c)");
    assert_eq!(expr("not (a and b) or c"), "(or (not (and a b)) c)");
    assert_eq!(expr("a == (not b)"), "(== a (not b))");
    assert_eq!(expr("(a < b) == (b < c)"), "(== (< a b) (< b c))");
}

#[test]
fn chains_are_one_node() {
    assert_eq!(expr("a and b and c and d"), "(and a b c d)");
    assert_eq!(expr("a or b or c and d and e or f"), "(or a b (and c d e) f)");
    assert_eq!(expr("(a and b) and c"), "(and (and a b) c)");
    assert_eq!(expr("a and (b and c)"), "(and a (and b c))");
    let long = vec!["a == 1"; 5000].join(" or ");
    let tree = good(&format!("let x = {long}"));
    let Item::Let(value) = &tree.items[0] else { panic!("a let") };
    assert!(matches!(&value.value.kind, ExprKind::Or(parts) if parts.len() == 5000));
}

#[test]
fn comparisons() {
    for op in ["==", "!=", "<", "<=", ">", ">="] {
        assert_eq!(expr(&format!("a + 1 {op} b")), format!("({op} (+ a 1) b)"));
    }
    assert_eq!(expr("a in (1, 2 + 3, \"x\")"), "(in a [1 (+ 2 3) \"x\"])");
    assert_eq!(expr("a not in names and b"), "(and (not-in a names) b)");
    assert_eq!(expr("a not in (1)"), "(not-in a [1])");
    assert_eq!(expr("ip in \"10.0.0.0/8\""), "(in ip \"10.0.0.0/8\")");
    assert_eq!(expr("if(ip in \"10.0.0.0/8\", 1, 2)"), "if((in ip \"10.0.0.0/8\"), 1, 2)");
    assert_eq!(expr("not a in (1) or b"), "(or (not (in a [1])) b)");
    assert_eq!(expr("name like \"abc*\""), "(like name \"abc*\")");
    assert_eq!(expr("name matches \"^a\""), "(matches name \"^a\")");
    assert_eq!(expr("a is missing or b.c is present"), "(or (missing a) (present b.c))");
    assert_eq!(expr("a + b is missing"), "(missing (+ a b))");
}

#[test]
fn calls_fields_and_indices() {
    assert_eq!(expr("f()"), "f()");
    assert_eq!(expr("if(a == 1, \"x\", lower(b))"), "if((== a 1), \"x\", lower(b))");
    assert_eq!(expr("first(v).field"), "first(v).field");
    assert_eq!(expr("merchants[merchant].risk"), "merchants[merchant].risk");
    assert_eq!(expr("t[a, b + 1].c"), "t[a, (+ b 1)].c");
    assert_eq!(expr("count(auth where not ok) over 10m"), "count(auth where (not ok)) over 10m");
    assert_eq!(expr("4 * avg(auth.amount) over previous 30d"), "(* 4 avg(auth.amount) over previous 30d)");
    assert_eq!(
        expr("count(auth where device == this.device) over previous 90d == 0"),
        "(== count(auth where (== device this.device)) over previous 90d 0)"
    );
    assert_eq!(
        expr("count_distinct(auth.merchant where ok) over 6h"),
        "count_distinct(auth.merchant where ok) over 6h"
    );
}

#[test]
fn expressions_go_on_at_the_next_line() {
    assert_eq!(items("let a = b\n  and c\n  + 1\n  - 2\nlet d = e").len(), 2);
    assert_eq!(expr("a\n  .b\n  is\n  missing"), "(missing a.b)");
    assert_eq!(expr("# one\n a # two\n # three\n + # four\n b"), "(+ a b)");
}

#[test]
fn clauses_of_a_rule() {
    assert_eq!(clauses("about \"A \\\"b\\\"\""), ["about \"A \\\"b\\\"\""]);
    assert_eq!(
        clauses("tags fraud, cards runbook \"https://x\""),
        ["tags fraud, cards", "runbook \"https://x\""]
    );
    assert_eq!(clauses("by card, merchant"), ["by card, merchant"]);
    assert_eq!(clauses("by logins.user = payments.account, card"), ["by logins.user=payments.account, card"]);
    assert_eq!(clauses("by a.x = b.y = c.time"), ["by a.x=b.y=c.time"]);
    assert_eq!(
        clauses("event e = auth event f = auth where amount < 2"),
        ["event e = auth", "event f = auth where (< amount 2)"]
    );
    assert_eq!(
        clauses("overlap none overlap per start overlap all"),
        ["overlap none", "overlap per start", "overlap all"]
    );
    assert_eq!(
        clauses("overlap resume at first v overlap resume at last v"),
        ["overlap resume at first v", "overlap resume at last v"]
    );
    assert_eq!(clauses("to fraud_desk, audit"), ["to fraud_desk, audit"]);
    assert_eq!(clauses("limit 1 per 1h"), ["limit 1 per 1h"]);
    assert_eq!(
        clauses("limit 1 per 1h for each big.merchant, lower(x)"),
        ["limit 1 per 1h each big.merchant, lower(x)"]
    );
    assert_eq!(clauses("max runs 1_000 max events 100000"), ["max Runs 1000", "max Events 100000"]);
    assert_eq!(clauses("mode shadow mode off"), ["mode shadow", "mode off"]);
}

#[test]
fn alerts() {
    assert_eq!(clauses("alert high \"x\""), ["alert high \"x\""]);
    assert_eq!(
        clauses("alert high \"x\" { a = 1, b = sum(v.f)\n + 2\n c = d, }"),
        ["alert high \"x\" a=1 b=(+ sum(v.f) 2) c=d"]
    );
    assert_eq!(
        clauses("alert low \"x\" {\n  to = 1\n  limit = 2\n  event = 3\n}"),
        ["alert low \"x\" to=1 limit=2 event=3"]
    );
    assert_eq!(
        clauses("on timeout alert low \"x\" on timeout after v alert low \"y\" { a = 1 }"),
        ["on timeout alert low \"x\"", "on timeout after v alert low \"y\" a=1"]
    );
}

#[test]
fn titles() {
    let title = |text: &str| {
        clauses(&format!("alert low {text}")).concat().trim_start_matches("alert low ").to_owned()
    };
    assert_eq!(
        title(r#""Card {card}: {count(small)} small, {big.amount + 1}""#),
        r#""Card " <card> ": " <count(small)> " small, " <(+ big.amount 1)>"#
    );
    assert_eq!(title(r#""{{literal}} }} {{""#), r#""{literal} } {""#);
    assert_eq!(title(r#""{{{card}}}""#), r#""{" <card> "}""#);
    assert_eq!(title(r#""{if(a == \"x}\", \"{\", c)}\n""#), r#"<if((== a "x}"), "{", c)> "\n""#);
    assert_eq!(title(r#""""#), "");
    assert_eq!(title(r#""{ a }{ b }""#), "<a> <b>");
}

#[test]
fn places_in_titles_point_into_the_file() {
    let text = "rule r { alert low \"\\u{41}\\\"é {first(a).b} {c == \\\"é\\\"} {d}\" }";
    let tree = good(text);
    let Item::Rule(rule) = &tree.items[0] else { panic!("a rule") };
    let ClauseKind::Alert(alert) = &rule.clauses[0].kind else { panic!("an alert") };
    let places: Vec<&str> = alert
        .title
        .parts
        .iter()
        .filter_map(|part| match part {
            crate::language::tree::TemplatePart::Expr(e) => {
                Some(&text[e.span.start as usize..e.span.end as usize])
            }
            crate::language::tree::TemplatePart::Text(_) => None,
        })
        .collect();
    assert_eq!(places, ["first(a).b", "c == \\\"é\\\"", "d"]);
}

#[test]
fn patterns() {
    assert_eq!(pattern("a then b"), "a then b");
    assert_eq!(pattern("a next b then any c"), "a next b then-any c");
    assert_eq!(pattern("a then within 30s b next within 1m c"), "a then within 30s b next within 1m c");
    assert_eq!(pattern("a then any within 5s b within 1h"), "a then-any within 5s b within 1h");
    assert_eq!(pattern("3 a"), "{3..3} a");
    assert_eq!(pattern("3+ a then 3..5 b then 0+ c"), "{3..*} a then {3..5} b then {0..*} c");
    assert_eq!(pattern("optional a then b"), "optional a then b");
    assert_eq!(pattern("3+ lazy consecutive any a"), "{3..*} lazy consecutive any a");
    assert_eq!(pattern("3+ a until r then b"), "{3..*} a until r then b");
    assert_eq!(pattern("auth as one then auth as two"), "auth as one then auth as two");
    assert_eq!(pattern("a then not x then b"), "a then-not x then b");
    assert_eq!(pattern("a next not x then b"), "a next-not x then b");
    assert_eq!(pattern("a then not x for 30m"), "a then-not x for 30m");
    assert_eq!(pattern("a then not x for 30m then b within 1h"), "a then-not x for 30m then b within 1h");
    assert_eq!(pattern("a then not x within 1h"), "a then-not x within 1h");
    assert_eq!(pattern("a then any 2..3 any b"), "a then-any {2..3} any b");
}

#[test]
fn groups() {
    assert_eq!(pattern("(a or b)"), "(a or b)");
    assert_eq!(pattern("(a and b and c) then d"), "(a and b and c) then d");
    assert_eq!(pattern("2+ (a then b)"), "{2..*} (a then b)");
    assert_eq!(pattern("(a then b within 5m) then c"), "(a then b within 5m) then c");
    assert_eq!(
        pattern("((a and b) or c then not x then d within 1m) within 1h"),
        "((a and b) or c then-not x then d within 1m) within 1h"
    );
    assert_eq!(pattern("optional (a then 2 lazy (b or c))"), "optional (a then {2..2} lazy (b or c))");
    assert_eq!(pattern("(a) until b"), "(a) until b");
}

#[test]
fn counted_elements_may_be_counted_again() {
    assert_eq!(pattern("2 3 a"), "{2..2} <{3..3} a>");
    assert_eq!(pattern("2+ 1..3 any a until b"), "{2..*} <{1..3} any a until b>");
    assert_eq!(pattern("2+ lazy optional a then b"), "{2..*} lazy <optional a> then b");
    assert_eq!(pattern("0+ 2 (a then b)"), "{0..*} <{2..2} (a then b)>");
}

#[test]
fn events_may_have_the_names_of_words() {
    assert_eq!(pattern("3+ lazy then consecutive"), "{3..*} lazy then consecutive");
    assert_eq!(pattern("3+ lazy lazy then lazy as to"), "{3..*} lazy lazy then lazy as to");
    assert_eq!(pattern("match then event next alert"), "match then event next alert");
}

#[test]
fn tests_of_rules() {
    assert_eq!(item("test \"t\" { }"), "test \"t\" {}");
    assert_eq!(
        item(
            "test \"t\" from \"2026-03-01T08:00:00Z\" {\n  at 90s s { a: 1, b: \"x\"\n c: null }\n  restart\n  stop\n}"
        ),
        "test \"t\" from \"2026-03-01T08:00:00Z\" {at 1m30s s a:1 b:\"x\" c:null; restart; stop}"
    );
    assert_eq!(
        item(
            "test \"t\" { expect nothing expect nothing else expect late 1 expect r expect r × 2 expect r x 3 }"
        ),
        "test \"t\" {expect nothing; expect nothing else; expect late 1; expect r; expect r x2; expect r x3}"
    );
    assert_eq!(
        item("test \"t\" { expect r timeout { a: -1.5 } expect r × 2 timeout expect r timeout × 2 { } }"),
        "test \"t\" {expect r timeout /a:(- 1.5); expect r x2 timeout; expect r x2 timeout}"
    );
    assert_eq!(
        item(
            "test \"t\" { expect r { events.v[0].f: 1\n events.big.id: \"4\", key.card: \"c\", time: 1s } }"
        ),
        "test \"t\" {expect r /events/v/0/f:1 /events/big/id:\"4\" /key/card:\"c\" /time:1s}"
    );
    assert_eq!(
        item("test \"t\" { expect late × 2 expect late { a: 1 } }"),
        "test \"t\" {expect late x2; expect late /a:1}"
    );
}

#[test]
fn places_cover_what_they_name() {
    let text = "\u{feff}rule r {\r\n  by k\r\n  event e = s where (a +\r\n b) * c > 1 # x\r\n  match 2+ e until f then not g for 5m within 1h\r\n}\r\n";
    let tree = good(text);
    let Item::Rule(rule) = &tree.items[0] else { panic!("a rule") };
    let at = |span: crate::diagnostic::Span| &text[span.start as usize..span.end as usize];
    assert_eq!(at(rule.span), text.trim_start_matches('\u{feff}').trim_end());
    assert_eq!(at(rule.clauses[0].span), "by k");
    let ClauseKind::Event(event) = &rule.clauses[1].kind else { panic!("an event") };
    let condition = event.condition.as_ref().expect("a condition");
    assert_eq!(at(condition.span), "(a +\r\n b) * c > 1");
    let ClauseKind::Match(pattern) = &rule.clauses[2].kind else { panic!("a match") };
    assert_eq!(at(pattern.pattern.span), "2+ e until f then not g for 5m");
    assert_eq!(at(pattern.pattern.first.span), "2+ e until f");
    assert_eq!(at(rule.clauses[2].span), "match 2+ e until f then not g for 5m within 1h");
}
