//! What events made of alerts are, and what rules see of them.

use std::panic::AssertUnwindSafe;

use serde_json::{Value as Json, json};
use tripline::event::{PartitionId, Timestamp};
use tripline::program::NoInput;

use super::harness::{Bench, Given, compile, program, record, reports, run, show};

/// `small` finds an event of 1 and then one of 2; `three` counts its alerts.
const CHAIN: &str = r#"
rule small {
  by k
  event a = s where n == 1
  event b = s where n == 2
  match a then b within 10s
  alert low "{k}" { sum = a.n + b.n }
  on timeout alert info "{k}" { sum = a.n, reached = a.time }
}
stream smalls from small
"#;

fn json(alert: &tripline::alert::Alert) -> Json {
    serde_json::to_value(alert).expect("an alert is JSON")
}

#[test]
fn a_rule_reads_the_alerts_of_another() {
    let rules = format!(
        "{CHAIN}
        rule twice {{
          by k
          match smalls as one then smalls as two within 1h
          alert high \"{{k}}: {{one.kind}} {{one.sum}}, {{two.kind}} {{two.sum}}\" {{ apart = two.time - one.time }}
        }}"
    );
    let events = [("s", 0, "x", 1), ("s", 1_000, "x", 2), ("s", 2_000, "y", 1), ("s", 60_000, "x", 1)];
    let found = run(&rules, &events);
    assert_eq!(
        found.iter().map(show).collect::<Vec<_>>(),
        [
            "small x @1000",
            "small timeout y @12000",
            "small timeout x @70000",
            "twice x: match 3, timeout 1 @70000"
        ]
    );
    let twice = json(&found[3]);
    assert_eq!(twice["fields"], json!({"apart": "1m9s"}));
    assert_eq!(twice["first_time"], "1970-01-01T00:00:01Z");
    let expected = json!({
        "one": [{"id": found[0].id, "rule": "small", "kind": "match", "time": "1970-01-01T00:00:01Z", "k": "x", "sum": 3}],
        "two": [{"id": found[2].id, "rule": "small", "kind": "timeout", "time": "1970-01-01T00:01:10Z", "k": "x",
                 "sum": 1, "reached": "1970-01-01T00:01:00Z"}],
    });
    assert_eq!(twice["events"], expected);
}

#[test]
fn what_only_one_kind_of_alert_has_is_null_in_the_other() {
    let rules = format!(
        "{CHAIN}
        rule late {{ by k event e = smalls where reached is present match e alert low \"late {{k}}\" }}
        rule in_time {{ by k event e = smalls where reached is missing and kind == \"match\" match e alert low \"{{k}}\" }}"
    );
    let events = [("s", 0, "x", 1), ("s", 1, "x", 2), ("s", 2, "y", 1)];
    let found = reports(&rules, &events);
    assert_eq!(found, ["small x @1", "in_time x @1", "small timeout y @10002", "late late y @10002"]);
}

#[test]
fn three_rules_may_stand_in_a_chain_and_read_several_streams() {
    let rules = format!(
        r#"{CHAIN}
        rule pair {{ by k match smalls as a then smalls as b alert low "{{k}}" {{ total = a.sum + b.sum }} }}
        stream pairs from pair
        rule top {{
          by k
          event big = pairs where total >= 6
          match s as first then big then z as last within 1h
          alert critical "{{k}}: {{big.total}} then {{last.n}}"
        }}"#
    );
    let events: [Given; 6] = [
        ("s", 0, "x", 1),
        ("s", 1_000, "x", 2),
        ("s", 2_000, "x", 1),
        ("s", 3_000, "x", 2),
        ("z", 3_000, "x", 7),
        ("z", 3_001, "x", 8),
    ];
    // The event of `z` at 3 s precedes what is made of the alerts of 3 s.
    assert_eq!(
        reports(&rules, &events),
        ["small x @1000", "small x @3000", "pair x @3000", "top x: 6 then 8 @3001"]
    );
}

#[test]
fn alerts_lead_on_before_limit_and_in_shadow_but_not_when_off() {
    let chained = "rule count { match 2 ones alert low \"two\" }";
    let events = [("s", 0, "x", 1), ("s", 1, "x", 1), ("s", 2, "x", 1), ("s", 3, "x", 1)];
    let with = |clause: &str| {
        let rules =
            format!("rule one {{ match s as a alert low \"one\" {clause} }} stream ones from one {chained}");
        reports(&rules, &events)
    };
    assert_eq!(with("limit 1 per 1h"), ["one one @0", "count two @1", "count two @3"]);
    assert_eq!(with("mode shadow"), ["count two @1", "count two @3"]);
    assert!(with("mode off").is_empty());
}

#[test]
fn what_tells_of_a_bound_does_not_enter_the_stream() {
    let rules = r#"
      rule pair {
        event a = s where n == 1
        event b = s where n == 2
        match a then b overlap all max runs 1
        alert low "pair"
      }
      stream pairs from pair
      rule any_alert { match pairs alert low "{pairs.kind}" }
    "#;
    let events = [("s", 0, "x", 1), ("s", 1, "x", 1), ("s", 2, "x", 2)];
    let found = reports(rules, &events);
    assert!(found[0].starts_with("pair limit"), "{found:?}");
    assert_eq!(found[1..], ["pair pair @2", "any_alert match @2"]);
}

#[test]
fn one_rule_may_feed_several_streams() {
    let rules = r#"
      rule one { by k match s as a alert low "one" { n = a.n } }
      stream b_ones from one
      stream a_ones from one
      rule both { by k match (a_ones then b_ones) alert low "{a_ones.n} {b_ones.n}" }
    "#;
    assert_eq!(reports(rules, &[("s", 0, "x", 1)]), ["one one @0", "both 1 1 @0"]);
}

#[test]
fn the_key_may_differ_from_that_of_the_alerts() {
    let rules = r#"
      rule one { by k match s as a alert low "one" { n = a.n } }
      stream ones from one
      rule by_n { by n match 2 ones within 1h alert low "{n}: {count_distinct(ones.k)} keys" }
    "#;
    let events = [("s", 0, "x", 1), ("s", 1, "y", 2), ("s", 2, "y", 1)];
    assert_eq!(reports(rules, &events)[3..], ["by_n 1: 2 keys @2"]);
}

#[test]
fn every_type_is_carried() {
    let text = r#"
      stream s time at {
        b bool, i int, f float, t string, d duration, w timestamp(s), p ip, o string?, at timestamp(ms)
      }
      rule one {
        by b, i, f, t, d, w, p
        match s as a
        alert low "one" {
          ab = a.b, ai = a.i, af = a.f, at_ = a.t, ad = a.d, aw = a.w, ap = a.p, ao = a.o, n = null ?? 1
        }
      }
      stream ones from one
      rule two {
        by b, i, f, t, d, w, p
        event same = ones where b == ab and i == ai and f == af and t == at_ and d == ad and w == aw and p == ap
                            and ao is missing and n == 1 and time == w
        match same
        alert low "two"
      }
    "#;
    let mut bench = Bench::new(&compile(text));
    let record = r#"{"b":true,"i":-5,"f":0.1,"t":"é\"\n","d":"1h30m","w":7,"p":"2001:db8::1","at":7000}"#;
    bench.push("s", 0, record);
    bench.engine.finish();
    let found = bench.engine.take_alerts();
    assert_eq!(found.iter().map(show).collect::<Vec<_>>(), ["one one @7000", "two two @7000"]);
    let event = &json(&found[1])["events"]["same"][0];
    assert_eq!(
        (&event["t"], &event["d"], &event["w"]),
        (&json!("é\"\n"), &json!("1h30m"), &json!("1970-01-01T00:00:07Z"))
    );
}

#[test]
fn fields_may_be_called_like_what_the_record_says_besides() {
    let rules = r#"
      rule one { match s as a alert low "one" { id = a.n, rule = a.k } }
      stream ones from one
      rule two { event e = ones where id == 1 and rule == "x" match e alert low "two" }
    "#;
    let found = run(rules, &[("s", 0, "x", 1)]);
    let expected = json!({"kind": "match", "time": "1970-01-01T00:00:00Z", "id": 1, "rule": "x"});
    assert_eq!(json(&found[1])["events"]["e"][0], expected);
}

#[test]
fn nothing_can_be_read_into_a_stream_of_alerts() {
    let program = program(&format!("{CHAIN} rule two {{ match smalls alert low \"two\" }}"));
    assert_eq!(program.inputs().collect::<Vec<_>>(), ["s", "z"]);
    let why = program.input("smalls").expect_err("it carries alerts");
    assert_eq!(
        why.to_string(),
        "`smalls` carries the alerts of the rule `small`; nothing can be read into it"
    );
    assert_eq!(program.input("small"), Err(NoInput::Unknown { name: "small".to_owned() }));
    let stream = program.stream("smalls").expect("it is a stream all the same");
    let mut bench = Bench::new(&program);
    let open = || bench.engine.open(stream, PartitionId(0), Timestamp::from_micros(0));
    assert!(std::panic::catch_unwind(AssertUnwindSafe(open)).is_err());
}

/// The ids of the alerts of a rule.
fn ids(found: &[tripline::alert::Alert], rule: &str) -> Vec<String> {
    found.iter().filter(|alert| &*alert.rule == rule).map(|alert| alert.id.clone()).collect()
}

#[test]
fn ids_do_not_depend_on_what_came_before() {
    let rules = format!("{CHAIN} rule two {{ by k match 2 smalls alert low \"two\" }}");
    let events: [Given; 8] = [
        ("s", 0, "w", 1),
        ("s", 0, "w", 2),
        ("s", 1, "x", 1),
        ("s", 2, "x", 2),
        ("s", 3, "x", 1),
        ("s", 4, "x", 2),
        ("s", 5, "y", 1),
        ("s", 6, "y", 2),
    ];
    let all = run(&rules, &events);
    // Another engine that has not seen the first key: its events have other numbers.
    let mut bench = Bench::new(&program(&rules));
    for (offset, event) in (0..).zip(&events).skip(2) {
        bench.push("s", offset, &record(event));
    }
    bench.engine.finish();
    let rest = bench.engine.take_alerts();
    assert_eq!(ids(&all, "two"), ids(&rest, "two"));
    assert_eq!((ids(&all, "two").len(), ids(&all, "small").len(), ids(&rest, "small").len()), (1, 4, 3));
}

#[test]
fn fingerprints_cover_what_stands_behind() {
    let fingerprints = |rules: &str| {
        let program = program(rules);
        let of = |name: &str| {
            let rule = program.rules().iter().find(|rule| &*rule.name == name).expect("the rule");
            rule.fingerprint.to_string()
        };
        [of("small"), of("two"), of("three"), of("counts")]
    };
    let rules = format!(
        "{CHAIN}
        rule two {{ by k event e = smalls where sum > 2 match 2 e alert low \"two\" {{ last_ = last(e).sum }} }}
        stream twos from two
        rule three {{ by k event e = twos where last_ > 2 match e alert low \"three\" }}
        rule counts {{ by k match 2 smalls alert low \"counts\" }}"
    );
    let before = fingerprints(&rules);
    let same = [
        ("alert low \"{k}\" { sum", "alert high \"other {k}\" { other = a.k, sum"),
        ("within 10s", "within 10000ms limit 1 per 1h mode shadow"),
    ];
    for (from, to) in same {
        assert_eq!(fingerprints(&rules.replace(from, to)), before, "{to}");
    }
    // The meaning of a field that two of them read, of which `three` reads something in turn.
    let other = fingerprints(&rules.replace("sum = a.n + b.n", "sum = a.n + b.n + 1"));
    let changed: Vec<bool> = before.iter().zip(&other).map(|(one, other)| one != other).collect();
    assert_eq!(changed, [false, true, true, false]);
    // The pattern of the first.
    let other = fingerprints(&rules.replace("n == 1", "n <= 1"));
    assert!(before.iter().zip(&other).all(|(one, other)| one != other));
}
