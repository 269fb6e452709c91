//! When events made of alerts are looked at: after the source events of equal time, in the order of
//! reports, and before what is due for the rules that read them.

use std::sync::Arc;

use super::harness::{Bench, Given, compile, program, record, reports, run};

/// `ones` finds events of 1, `twos` those of 2.
const FOUND: &str = r#"
rule one { by k event a = s where n == 1 match a alert low "{k}" }
rule two { by k event a = s where n == 2 match a alert low "{k}" }
stream found_one from one
stream also_two from two
"#;

#[test]
fn they_wait_until_event_time_has_passed() {
    let rules = format!("{FOUND} rule read {{ by k match found_one alert low \"{{k}}\" }}");
    let mut bench = Bench::new(&program(&rules));
    bench.open("s");
    bench.open("z");
    bench.push("s", 0, &record(&("s", 1_000, "x", 1)));
    assert!(bench.shown().is_empty(), "`z` may have been earlier");
    bench.push("z", 0, &record(&("z", 1_000, "x", 0)));
    assert_eq!(bench.shown(), ["one x @1000"]);
    assert_eq!(bench.engine.waiting(), 1 + 1, "the event made of it, and that of `z` itself");
    bench.push("s", 1, &record(&("s", 1_001, "x", 0)));
    assert!(bench.shown().is_empty(), "`z` may still send something at 1 s");
    bench.push("z", 1, &record(&("z", 1_001, "x", 0)));
    assert_eq!(bench.shown(), ["read x @1000"]);
}

#[test]
fn a_source_that_ends_lets_them_go() {
    let rules = format!("{FOUND} rule read {{ by k match found_one alert low \"{{k}}\" }}");
    let mut bench = Bench::new(&program(&rules));
    bench.open("s");
    bench.push("s", 0, &record(&("s", 1_000, "x", 1)));
    assert_eq!(bench.shown(), ["one x @1000"]);
    bench.engine.finish();
    assert_eq!(bench.shown(), ["read x @1000"]);
}

#[test]
fn source_events_of_equal_time_come_first() {
    let rules = |pattern: &str| {
        format!("{FOUND} rule read {{ by k event last = z where n > 0 match {pattern} alert low \"yes\" }}")
    };
    let events = [("s", 1_000, "x", 1), ("z", 1_000, "x", 5)];
    assert_eq!(reports(&rules("found_one then last"), &events), ["one x @1000"]);
    assert_eq!(reports(&rules("last next found_one"), &events), ["one x @1000", "read yes @1000"]);
    let later = [("s", 1_000, "x", 1), ("z", 1_001, "x", 5)];
    assert_eq!(reports(&rules("found_one next last"), &later), ["one x @1000", "read yes @1001"]);
}

#[test]
fn they_come_in_the_order_of_reports_whatever_their_streams_are_called() {
    let rules = |pattern: &str| format!("{FOUND} rule read {{ by k match {pattern} alert low \"yes\" }}");
    let one_two = [("s", 1_000, "x", 1), ("s", 1_000, "x", 2)];
    let two_one = [("s", 1_000, "x", 2), ("s", 1_000, "x", 1)];
    for (events, pattern, found) in [
        (one_two, "found_one next also_two", 1),
        (one_two, "also_two then found_one", 0),
        (two_one, "also_two next found_one", 1),
        (two_one, "found_one then also_two", 0),
    ] {
        assert_eq!(reports(&rules(pattern), &events).len(), 2 + found, "{pattern} in {events:?}");
    }
}

/// A chain whose second rule looks for silence after an event of 0.
fn silence(first: &str) -> String {
    format!(
        r#"
        {first}
        stream alarms from first
        rule silence {{
          by k
          event begin = s where n == 0
          match begin then not alarms for 5s
          alert high "silence"
        }}
        "#
    )
}

#[test]
fn an_absence_sees_what_is_made_of_a_match_at_its_very_end() {
    let rules = silence("rule first { by k event a = s where n == 1 match a alert low \"alarm\" }");
    let at = |ms| [("s", 0, "x", 0), ("s", ms, "x", 1)];
    assert_eq!(reports(&rules, &at(4_999)), ["first alarm @4999"]);
    assert_eq!(reports(&rules, &at(5_000)), ["first alarm @5000"]);
    assert_eq!(reports(&rules, &at(5_001)), ["silence silence @5000", "first alarm @5001"]);
}

#[test]
fn an_absence_sees_what_is_decided_by_the_same_passing_of_time() {
    // The first rule is decided by time as well: 3 s after an event of 1.
    let rules = silence(
        r#"rule first {
          by k
          event a = s where n == 1
          event b = s where n == 2
          match a then not b for 3s
          alert low "alarm"
        }"#,
    );
    let at = |ms| [("s", 0, "x", 0), ("s", ms, "x", 1)];
    assert_eq!(reports(&rules, &at(1_999)), ["first alarm @4999"]);
    assert_eq!(reports(&rules, &at(2_000)), ["first alarm @5000"]);
    assert_eq!(reports(&rules, &at(2_001)), ["silence silence @5000", "first alarm @5001"]);
}

#[test]
fn strata_are_decided_one_after_the_other_at_one_moment() {
    // All of them are due at 5 s. Each reads the alerts of the one before, under names that sort the
    // other way round.
    let rules = r#"
      rule d { by k event a = s where n == 1 event b = s where n == 2 match a then not b for 3s alert low "d" }
      stream ds from d
      rule c { by k event a = s where n == 0 match a then not ds for 5s alert low "c: no d" }
      stream cs from c
      rule b { by k event a = s where n == 0 match a then not cs for 5s alert low "b: no c" }
      stream bs from b
      rule a { by k event e = s where n == 0 match e then bs within 5s alert low "a: b in time" on timeout alert low "a" }
    "#;
    let with_d = [("s", 0, "x", 0), ("s", 2_000, "x", 1)];
    assert_eq!(reports(rules, &with_d), ["d d @5000", "b b: no c @5000", "a a: b in time @5000"]);
    let without_d = [("s", 0, "x", 0), ("s", 2_000, "x", 7)];
    assert_eq!(reports(rules, &without_d), ["c c: no d @5000", "a timeout a @5000"]);
}

#[test]
fn what_time_decides_leads_on_before_later_events() {
    let rules = r#"
      rule silent { by k match s as a then not s for 2s alert low "{k}" }
      stream silences from silent
      rule both { by k match s as a then silences then s as b within 1m alert low "{b.n}" }
    "#;
    let events: [Given; 4] =
        [("s", 0, "x", 1), ("s", 2_001, "x", 2), ("s", 3_000, "x", 3), ("s", 60_000, "x", 4)];
    let found = reports(rules, &events);
    assert_eq!(
        found,
        ["silent x @2000", "both 2 @2001", "silent x @5000", "both 4 @60000", "silent x @62000"]
    );
}

#[test]
fn more_alerts_of_one_moment_than_can_wait_are_left_out_and_told_once() {
    let rules = r#"
      rule one { match s as a alert low "one" mode shadow }
      stream ones from one
      rule two { match ones alert low "two" mode shadow }
      rule three { by k event a = s where n == 1 match a alert low "three" }
      stream threes from three
      rule four { match threes alert low "four" mode shadow }
    "#;
    let mut bench = Bench::new(&program(rules));
    bench.open("s");
    for at in 0..100_000 {
        bench.push("s", at, r#"{"k":"x","n":0,"at":1000}"#);
    }
    for at in 100_000..100_003 {
        bench.push("s", at, r#"{"k":"x","n":1,"at":1000}"#);
    }
    let told =
        "three limit three: `threes` can take 100000 alerts of one moment; this one and others were left out";
    assert_eq!(
        bench.shown(),
        ["three three @1000", &format!("{told} @1000"), "three three @1000", "three three @1000"]
    );
    bench.restart();
    bench.push("s", 200_000, r#"{"k":"x","n":1,"at":2000}"#);
    bench.engine.finish();
    assert_eq!(bench.shown(), ["three three @2000"]);
    let program = Arc::clone(bench.engine.program());
    let named = |counts: &[u64]| -> Vec<(String, u64)> {
        program.rules().iter().map(|rule| rule.name.to_string()).zip(counts.iter().copied()).collect()
    };
    let counters = bench.engine.stats().rules;
    let expect = |list: [(&str, u64); 4]| list.map(|(name, count)| (name.to_owned(), count)).to_vec();
    assert_eq!(
        named(&counters.alerts),
        expect([("four", 1), ("one", 100_004), ("three", 4), ("two", 100_001)])
    );
    assert_eq!(named(&counters.limits), expect([("four", 0), ("one", 1), ("three", 1), ("two", 0)]));
}

#[test]
fn what_rules_of_two_strata_keep_alike_is_counted_once_for_each() {
    let rules = r#"
      rule one { by k match s alert low "one" { found = count(s where 1 / n > 0) over 5s } }
      stream ones from one
      rule two { by k match ones alert low "two" { found = count(s where 1 / n > 0) over 5s } }
    "#;
    let mut bench = Bench::new(&program(rules));
    bench.open("s");
    bench.push("s", 0, r#"{"k":"x","n":0,"at":1000}"#);
    bench.engine.finish();
    assert_eq!(bench.shown(), ["one one @1000", "two two @1000"]);
    assert_eq!(bench.engine.stats().rules.faults, [1, 1]);
}

#[test]
fn what_event_time_has_passed_when_an_engine_stops_is_decided_when_it_goes_on() {
    let mut bench = Bench::new(&compile(
        "stream s time at late 4s { k string, at timestamp(ms) }
         rule quiet { by k match s as a then not s for 2s alert low \"{k}\" }",
    ));
    bench.open("s");
    bench.push("s", 0, r#"{"k":"x","at":1000}"#);
    bench.push("s", 1, r#"{"k":"y","at":6000}"#);
    assert!(bench.shown().is_empty());
    // Nothing is ready, but time has passed.
    bench.offer("s", 2, r#"{"k":"y","at":9000}"#);
    bench.restart();
    bench.engine.run();
    assert_eq!(bench.shown(), ["quiet x @3000"]);
}

#[test]
fn how_the_streams_arrive_does_not_matter() {
    let rules = r#"
      rule pair { by k match s as a then z as b within 3s overlap all alert low "{a.n}{b.n}" on timeout alert info "{a.n}" }
      stream pairs from pair
      rule quiet { by k match pairs as p then not pairs for 2s alert low "{p.kind}" }
      stream quiets from quiet
      rule end { by k match (pairs or quiets as q or s as e or z as f) then quiets as last within 5s overlap all alert low "x" }
    "#;
    let mut events: Vec<Given> = Vec::new();
    for at in 0..60 {
        events.push((["s", "z"][at as usize % 2], at / 2 * 700, ["x", "y"][at as usize / 3 % 2], at));
    }
    let of =
        |stream: &str| -> Vec<Given> { events.iter().filter(|event| event.0 == stream).copied().collect() };
    // Each stream keeps its order and its places: one after the other, and in turn.
    let offsets = |list: Vec<Given>| (0..).zip(list).collect::<Vec<_>>();
    let (s, z) = (offsets(of("s")), offsets(of("z")));
    let in_turn: Vec<_> = s.iter().zip(&z).flat_map(|(s, z)| [*s, *z]).collect();
    let mut results = Vec::new();
    for arrival in [[s.clone(), z.clone()].concat(), [z, s].concat(), in_turn] {
        let mut bench = Bench::new(&program(rules));
        bench.open("s");
        bench.open("z");
        let mut found = Vec::new();
        for (offset, event) in arrival {
            bench.push(event.0, offset, &record(&event));
            found.extend(bench.engine.take_alerts());
        }
        bench.engine.finish();
        found.extend(bench.engine.take_alerts());
        results
            .push(found.iter().map(|alert| serde_json::to_string(alert).expect("JSON")).collect::<Vec<_>>());
    }
    assert!(results[0].len() > 100, "{} alerts", results[0].len());
    assert_eq!(results[0], results[1]);
    assert_eq!(results[0], results[2]);
    assert!(!run(rules, &events).is_empty());
}

#[test]
fn the_past_of_such_a_stream_is_what_has_been_decided_before() {
    // At 2 s the source event comes before the alert of 2 s; the alert itself counts itself; and a
    // time-out at 2 s sees both alerts.
    let rules = format!(
        r#"{FOUND}
        rule by_event {{
          by k
          event e = z where count(found_one) over 1h == 1
          match e alert low "{{e.n}}"
        }}
        rule by_alert {{
          by k
          event e = found_one where count(found_one) over 1h == 2 and count(z) over 1h == 2
          match e alert low "second"
        }}
        rule at_the_end {{
          by k
          event begin = z where n == 0
          match begin then not also_two for 2s
          alert low "{{count(found_one) over 1h}} alerts"
        }}"#
    );
    let events: [Given; 5] = [
        ("z", 0, "x", 0),
        ("s", 1_000, "x", 1),
        ("s", 2_000, "x", 1),
        ("z", 2_000, "x", 5),
        ("s", 9_000, "y", 0),
    ];
    assert_eq!(
        reports(&rules, &events),
        [
            "one x @1000",
            "one x @2000",
            "by_event 5 @2000",
            "by_alert second @2000",
            "at_the_end 2 alerts @2000"
        ]
    );
}

#[test]
fn a_chain_may_be_long() {
    // Each rule waits for silence of the one before; all are due at the same moment.
    let mut rules = String::from(
        "rule r999 { by k match s as a then not s for 5s alert low \"0\" } stream a999 from r999",
    );
    for number in (0..999).rev() {
        rules.push_str(&format!(
            "\nrule r{number:03} {{ by k match s as a then a{:03} within 5s alert low \"x\" }} stream a{number:03} from r{number:03}",
            number + 1
        ));
    }
    let found = run(&rules, &[("s", 0, "x", 0)]);
    assert_eq!(found.len(), 1_000);
    assert_eq!(&*found[999].rule, "r000");
    assert!(found.iter().all(|alert| alert.decided_time.as_micros() == 5_000_000));
}
