//! Alerts: what their ids depend on, and their JSON whatever is in them.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use tripline::alert::Alert;
use tripline::diagnostic::{Sources, Style, render_all};
use tripline::engine::{Engine, EngineOptions};
use tripline::event::{Duration, Event, PartitionId, Position, StreamId, Timestamp, Value};
use tripline::program::Program;

/// The alerts of rules over the stream `s` with these fields, for events of one partition.
fn alerts(fields: &str, rules: &str, events: Vec<(i64, Vec<Value>, Vec<u8>)>) -> Vec<Alert> {
    let text = format!("stream s time at late 1h {{ {fields}, at timestamp(us) }}\n{rules}");
    let sources = Sources::new([("rules.trip", text)]);
    let (program, diagnostics) = Program::compile(&sources);
    let program = program.unwrap_or_else(|| panic!("{}", render_all(&diagnostics, &sources, Style::Plain)));
    let mut engine = Engine::new(Arc::new(program), EngineOptions::RECORDED);
    for (offset, (us, mut values, raw)) in (0..).zip(events) {
        let time = Timestamp::from_micros(us);
        values.push(Value::Timestamp(time));
        let position = Position { partition: PartitionId(3), offset };
        engine.push(Event::new(StreamId(0), time, position, values, raw), time).expect("in time");
    }
    engine.finish();
    engine.take_alerts()
}

/// The alert of `match s as a` with this text, for one event with these values and this record.
fn one(fields: &str, alert: &str, values: Vec<Value>, raw: &[u8]) -> Json {
    let rules = format!("rule r {{ match s as a alert low {alert} }}");
    let found = alerts(fields, &rules, vec![(1_500_000, values, raw.to_vec())]);
    assert_eq!(found.len(), 1);
    let line = serde_json::to_string(&found[0]).expect("an alert is JSON");
    assert!(!line.contains('\n'), "an alert is one line: {line}");
    serde_json::from_str(&line).expect("an alert is JSON")
}

#[test]
fn an_alert_says_all_of_it() {
    let rules =
        r#"rule r { by k match s as a then s as b alert high "{k}: {a.n} and {b.n}" { sum = a.n + b.n } }"#;
    let event = |us, n| (us, vec![Value::text("x"), Value::Int(n)], format!("{{\"n\": {n}}}").into_bytes());
    let found = alerts("k string, n int", rules, vec![event(0, 1), event(1_500_000, 2)]);
    let mut json = serde_json::to_value(&found[0]).expect("an alert is JSON");
    for name in ["id", "fingerprint"] {
        let hash = json[name].take();
        let hash = hash.as_str().expect("a hash is text");
        assert!(hash.len() == 32 && hash.bytes().all(|b| b.is_ascii_hexdigit()), "{name}: {hash}");
    }
    let expected = json!({
        "id": null, "rule": "r", "fingerprint": null, "severity": "high", "title": "x: 1 and 2", "kind": "match",
        "tags": [], "key": {"k": "x"},
        "first_time": "1970-01-01T00:00:00Z", "last_time": "1970-01-01T00:00:01.5Z",
        "decided_time": "1970-01-01T00:00:01.5Z", "suppressed": 0,
        "fields": {"sum": 3}, "events": {"a": [{"n": 1}], "b": [{"n": 2}]}, "tables": {}
    });
    assert_eq!(json, expected);
}

#[test]
fn an_alert_says_what_its_rule_says_of_itself() {
    let rules = r#"rule r {
        about "What it is about."
        tags fraud, cards
        runbook "https://wiki.example/r"
        match s as a
        alert low "x"
        limit 2 per 90m for each a.n
    }"#;
    let found = alerts("n int", rules, vec![(0, vec![Value::Int(1)], b"{}".to_vec())]);
    let json = serde_json::to_value(&found[0]).expect("an alert is JSON");
    assert_eq!(json["about"], "What it is about.");
    assert_eq!(json["tags"], json!(["fraud", "cards"]));
    assert_eq!(json["runbook"], "https://wiki.example/r");
    assert_eq!(json["limit"], "2 per 1h30m");
}

#[test]
fn values_of_every_type_are_json() {
    let fields = "b bool, i int, f float, big float, t string, d duration, w timestamp, p ip, o int?";
    let values = vec![
        Value::Bool(true),
        Value::Int(i64::MIN),
        Value::Float(0.1),
        Value::Float(1e300),
        Value::text("\u{0}\u{1f}\"\\\n\t\u{2028}é😀{}"),
        Value::Duration(Duration::from_micros(-5_400_000_001)),
        Value::Timestamp(Timestamp::from_micros(i64::MAX - 1)),
        Value::Ip("2001:db8::1".parse().expect("an address")),
        Value::Null,
    ];
    let alert = r#""x" {
        b = a.b, i = a.i, f = a.f, t = a.t, d = a.d, w = a.w, p = a.p, o = a.o,
        infinite = a.big * a.big, less = -a.big * a.big, none = a.i / 0
    }"#;
    let json = one(fields, alert, values, b"{}");
    let expected = json!({
        "b": true, "i": i64::MIN, "f": 0.1, "t": "\u{0}\u{1f}\"\\\n\t\u{2028}é😀{}",
        "d": "-1h30m1us", "w": "9223372036854775806us", "p": "2001:db8::1", "o": null,
        "infinite": "inf", "less": "-inf", "none": null
    });
    assert_eq!(json["fields"], expected);
}

#[test]
fn titles_hold_braces_and_whatever_is_put_in() {
    let title = |written: &str, text: &str| {
        one("t string", &format!("\"{written}\""), vec![Value::text(text)], b"{}")["title"].clone()
    };
    assert_eq!(title("{{}} {{a.t}} {a.t}", "x"), "{} {a.t} x");
    assert_eq!(title("{a.t}{a.t}", "{a.t} {{"), "{a.t} {{{a.t} {{");
    assert_eq!(title("{a.t}", "line\nline \"\u{7}\""), "line\nline \"\u{7}\"");
    assert_eq!(title("", "x"), "");
}

#[test]
fn records_stand_as_they_came() {
    let event = |raw: &[u8]| one("n int", "\"x\"", vec![Value::Int(1)], raw)["events"]["a"][0].clone();
    assert_eq!(event(b"{\"n\": 1, \"unknown\": [true]}"), json!({"n": 1, "unknown": [true]}));
    assert_eq!(event(b" {\n\"n\":\r\n1\n}\n"), json!({"n": 1}), "on one line");
    assert_eq!(event(b"not JSON"), "not JSON");
    assert_eq!(event(b"{\"n\": 1} and more"), "{\"n\": 1} and more");
    assert_eq!(event(b""), "");
    assert_eq!(event(b"\xff\xfe"), "\u{fffd}\u{fffd}");
    let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
    let rules = "rule r { match s as a alert low \"x\" }";
    let found = alerts("n int", rules, vec![(0, vec![Value::Int(1)], deep.clone())]);
    let line = serde_json::to_string(&found[0]).expect("an alert is JSON");
    assert!(line.contains(std::str::from_utf8(&deep).expect("brackets are text")));
}

#[test]
fn numbers_of_records_keep_their_digits() {
    let rules = "rule r { match s as a alert low \"x\" }";
    let raw = br#"{"n":1,"n":2,"big":123456789012345678901234567890,"f":1.10}"#;
    let found = alerts("n int", rules, vec![(0, vec![Value::Int(1)], raw.to_vec())]);
    let line = serde_json::to_string(&found[0]).expect("an alert is JSON");
    assert!(line.contains(std::str::from_utf8(raw).expect("the record is text")), "{line}");
}

#[test]
fn an_alert_with_a_hundred_thousand_events() {
    let rules = r#"rule r {
        event first = s where n == 0
        event a = s where n > 0
        event last = s where n < 0
        match first then 1+ a then last alert low "{count(a)}" { sum = sum(a.n) } max events 200000
    }"#;
    let event = |n: i64| (n, vec![Value::Int(n)], b"{}".to_vec());
    let mut events: Vec<_> = (0..100_000).map(event).collect();
    events.push((100_000, vec![Value::Int(-1)], b"{}".to_vec()));
    let found = alerts("n int", rules, events);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].title.as_str(), &found[0].fields[0].1), ("99999", &Value::Int(4_999_950_000)));
    assert!(serde_json::to_string(&found[0]).expect("an alert is JSON").len() > 300_000);
}

/// A rule with several kinds of alerts, over events with the numbers 0 to 4.
const RULES: &str = r#"
rule r {
  by k
  event a = s where n == 1
  event b = s where n == 2
  match a then any 1+ any b within 40ms
  overlap all
  max runs 20
  alert low "one"
}
rule t {
  by k
  event a = s where n == 1
  event b = s where n == 3
  match a then b within 40ms
  overlap all
  alert low "two"
  on timeout alert low "three"
}
"#;

fn ids(rules: &str, record: &[u8]) -> Vec<String> {
    let event = |ms: i64| {
        let key = Value::text(if ms % 7 < 3 { "x" } else { "y" });
        (ms * 1_000, vec![key, Value::Int(ms * ms / 3 % 5)], record.to_vec())
    };
    let found = alerts("k string, n int", rules, (0..300).map(event).collect());
    assert!(found.len() > 300, "{} alerts", found.len());
    found.into_iter().map(|alert| alert.id).collect()
}

#[test]
fn different_alerts_have_different_ids() {
    let all = ids(RULES, b"{}");
    let different: BTreeSet<&String> = all.iter().collect();
    assert_eq!(different.len(), all.len());
}

#[test]
fn ids_depend_on_what_was_matched_where_alone() {
    let said_otherwise = RULES.replace("\"one\"", "\"{a.n} {count(b)}\" { n = a.n }");
    let said_otherwise = said_otherwise.replace("rule r {", "rule r { about \"a\" tags x, y to desk");
    let spelt_otherwise = RULES.replace("n == 1", "n == (3 - 2)  # the same").replace("  ", "\n");
    for other in [RULES.to_owned(), said_otherwise, spelt_otherwise] {
        assert_eq!(ids(RULES, b"{}"), ids(&other, b"{\"other\": \"content\"}"), "{other}");
    }
    let meant_otherwise = RULES.replace("n == 1", "n <= 1");
    let (before, after) = (ids(RULES, b"{}"), ids(&meant_otherwise, b"{}"));
    assert!(before.iter().all(|id| !after.contains(id)), "another meaning gives other ids");
}
