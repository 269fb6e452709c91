//! `limit N per D [for each …]`: which alerts pass, and what they say of those held back.

use std::sync::Arc;

use proptest::prelude::*;
use tripline::alert::{Alert, AlertKind};
use tripline::diagnostic::{Sources, Style, render_all};
use tripline::engine::{Engine, EngineOptions, ShardCounters, StateInMemory};
use tripline::event::{Event, PartitionId, Position, StreamId, Timestamp, Value};
use tripline::program::Program;

/// An event of the stream `s`: millisecond, key, kind of event, and a value that may be missing.
type Given = (i64, &'static str, i64, Option<i64>);

fn program(rules: &str) -> Arc<Program> {
    let text = format!("stream s time at {{ k string, n int, v int?, at timestamp(us) }}\n{rules}");
    let sources = Sources::new([("rules.trip", text)]);
    let (program, diagnostics) = Program::compile(&sources);
    Arc::new(program.unwrap_or_else(|| panic!("{}", render_all(&diagnostics, &sources, Style::Plain))))
}

/// Runs rules over events; gives the alerts and what was counted.
fn run(rules: &str, events: &[Given]) -> (Vec<Alert>, ShardCounters) {
    run_restarting(&[rules], events)
}

/// The same with an engine that is stopped before each event, with the rules of each in turn when
/// there are several.
fn run_restarting(rules: &[&str], events: &[Given]) -> (Vec<Alert>, ShardCounters) {
    let programs: Vec<Arc<Program>> = rules.iter().map(|rules| program(rules)).collect();
    let mut engine = Engine::new(Arc::clone(&programs[0]), EngineOptions::RECORDED);
    let mut state = StateInMemory::default();
    for (offset, (ms, key, n, v)) in (0..).zip(events) {
        let time = Timestamp::from_millis(*ms).expect("in range");
        let v = v.map_or(Value::Null, Value::Int);
        let values = vec![Value::text(key), Value::Int(*n), v, Value::Timestamp(time)];
        let position = Position { partition: PartitionId(0), offset };
        if programs.len() > 1 {
            let next = Arc::clone(&programs[offset as usize % programs.len()]);
            state.take(&engine.changes());
            engine = state.restore(next, EngineOptions::RECORDED).expect("it was just written").engine;
        }
        engine.push(Event::new(StreamId(0), time, position, values, *b"{}"), time).expect("in order");
    }
    engine.finish();
    assert_eq!(
        (engine.stats().live_runs, engine.stats().live_keys),
        (0, 0),
        "everything is forgotten in the end"
    );
    (engine.take_alerts(), engine.stats().rules)
}

/// When the alerts were decided, in milliseconds, each with what was held back before it.
fn passed(alerts: &[Alert]) -> Vec<(i64, u64)> {
    alerts.iter().map(|alert| (alert.decided_time.as_micros() / 1_000, alert.suppressed)).collect()
}

#[test]
fn the_next_passes_exactly_when_the_time_is_over() {
    let rule = "rule r { by k match s as a alert low \"x\" limit 1 per 10s }";
    let at = |ms| (ms, "k", 0, None);
    let events = [at(0), at(0), at(9_999), at(10_000), at(19_999), at(20_001), at(50_000)];
    let (alerts, counters) = run(rule, &events);
    assert_eq!(passed(&alerts), [(0, 0), (10_000, 2), (20_001, 1), (50_000, 0)]);
    assert_eq!((counters.alerts, counters.held_back), (vec![7], vec![3]));
}

#[test]
fn several_pass_within_a_sliding_time() {
    let rule = "rule r { by k match s as a alert low \"x\" limit 2 per 10s }";
    let events = [0, 4, 6, 9, 10, 12, 14, 20].map(|second| (second * 1_000, "k", 0, None));
    let (alerts, _) = run(rule, &events);
    // At 10 s the alert of 0 s counts no more; at 12 s those of 4 s and 10 s do.
    assert_eq!(passed(&alerts), [(0, 0), (4_000, 0), (10_000, 2), (14_000, 1), (20_000, 0)]);
}

#[test]
fn keys_are_counted_apart() {
    let rule = "rule r { by k match s as a alert low \"{k}\" limit 1 per 10s }";
    let events = [(0, "a", 0, None), (1, "b", 0, None), (2, "a", 0, None), (10_001, "b", 0, None)];
    let (alerts, _) = run(rule, &events);
    let titles: Vec<&str> = alerts.iter().map(|alert| alert.title.as_str()).collect();
    assert_eq!(titles, ["a", "b", "b"]);
}

#[test]
fn for_each_counts_values_apart_and_null_is_one_of_them() {
    let rule = "rule r { by k match s as a alert low \"x\" limit 1 per 10s for each a.n, a.v }";
    let events = [
        (0, "k", 1, Some(1)),
        (1, "k", 1, Some(2)),
        (2, "k", 2, Some(1)),
        (3, "k", 1, None),
        (4, "k", 1, None),
        (5, "k", 1, Some(1)),
        (10_003, "k", 1, None),
    ];
    let (alerts, _) = run(rule, &events);
    assert_eq!(passed(&alerts), [(0, 0), (1, 0), (2, 0), (3, 0), (10_003, 1)]);
}

#[test]
fn for_each_may_compute_and_read_the_key() {
    let rule =
        r#"rule r { by k match 2 s as a alert low "x" limit 1 per 1h for each k, sum(a.n) > 5, last(a).v }"#;
    let event = |ms, n| (ms, "k", n, Some(1));
    let (alerts, _) =
        run(rule, &[event(0, 1), event(1, 2), event(2, 3), event(3, 3), event(4, 5), event(5, 1)]);
    assert_eq!(passed(&alerts), [(1, 0), (3, 0)]);
}

#[test]
fn for_each_may_look_at_the_past() {
    // The first two alerts of a key are one group, those after them another.
    let rule = r#"rule r { by k match s as a alert low "x" limit 1 per 1h for each count(s) over 1h > 2 }"#;
    let (alerts, _) = run(rule, &[0, 1, 2, 3].map(|ms| (ms, "k", 0, None)));
    assert_eq!(passed(&alerts), [(0, 0), (2, 0)]);
}

#[test]
fn matches_and_timeouts_count_together() {
    let rule = r#"rule r {
      by k
      event a = s where n == 1
      event b = s where n == 2
      match a then b within 5s
      alert low "match"
      on timeout alert low "timeout"
      limit 1 per 10s
    }"#;
    // Decided: match 1 s, time-out 7 s, time-out 16 s, match 17 s, match 30 s.
    let events = [(0, 1), (1, 2), (2, 1), (11, 1), (17, 1), (17, 2), (30, 1), (30, 2)];
    let events: Vec<Given> = events.iter().map(|(second, n)| (second * 1_000, "k", *n, None)).collect();
    let (alerts, counters) = run(rule, &events);
    assert_eq!(passed(&alerts), [(1_000, 0), (16_000, 1), (30_000, 1)]);
    let kinds: Vec<AlertKind> = alerts.iter().map(|alert| alert.kind).collect();
    assert_eq!(kinds, [AlertKind::Match, AlertKind::Timeout, AlertKind::Match]);
    assert_eq!((counters.alerts, counters.held_back), (vec![5], vec![2]));
}

#[test]
fn what_tells_of_a_bound_is_not_held_back() {
    let rule = r#"rule r {
      by k
      event a = s where n == 1
      event b = s where n == 2
      match a then b
      overlap all
      max runs 1
      alert low "x"
      limit 1 per 10s
    }"#;
    let event = |ms, n| (ms, "k", n, None);
    let (alerts, _) = run(rule, &[event(0, 1), event(1, 2), event(2, 1), event(3, 1), event(4, 2)]);
    let kinds: Vec<AlertKind> = alerts.iter().map(|alert| alert.kind).collect();
    assert_eq!(kinds, [AlertKind::Match, AlertKind::Limit]);
}

#[test]
fn in_shadow_nothing_is_held_back() {
    let rule = "rule r { by k match s as a alert low \"x\" limit 1 per 10s mode shadow }";
    let (alerts, counters) = run(rule, &[(0, "k", 0, None), (1, "k", 0, None)]);
    assert!(alerts.is_empty());
    assert_eq!((counters.alerts, counters.held_back), (vec![2], vec![0]));
}

#[test]
fn a_limit_changes_no_id() {
    let events = [(0, "k", 0, None), (1, "k", 0, None), (20_000, "k", 0, None)];
    let without = run("rule r { by k match s as a alert low \"x\" }", &events).0;
    let with = run("rule r { by k match s as a alert low \"x\" limit 1 per 10s }", &events).0;
    let ids = |alerts: &[Alert]| alerts.iter().map(|alert| alert.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&with), [ids(&without)[0].clone(), ids(&without)[2].clone()]);
    assert_eq!(with[0].fingerprint, without[0].fingerprint);
}

#[test]
fn what_was_counted_survives_a_restart_unless_it_is_counted_apart_for_something_else() {
    let with = |limit: &str| format!("rule r {{ by k match s as a alert low \"{{a.n}}\" {limit} }}");
    let rules =
        [with("limit 1 per 1h"), with("limit 2 per 2h"), with("limit 2 per 1h for each a.n"), with("")];
    let [one, two, each, none] = [&rules[0], &rules[1], &rules[2], &rules[3]].map(String::as_str);
    let run = |rules: &[&str]| passed(&run_restarting(rules, &[0, 1, 2, 3].map(|ms| (ms, "k", 0, None))).0);
    assert_eq!(run(&[one, one]), [(0, 0)]);
    // Another number or time counts what has passed all the same.
    assert_eq!(run(&[one, two]), [(0, 0), (1, 0)]);
    assert_eq!(run(&[one, each]), [(0, 0), (1, 0), (2, 0), (3, 0)]);
    assert_eq!(run(&[each, each]), [(0, 0), (1, 0)]);
    assert_eq!(run(&[one, none]), [(0, 0), (1, 0), (2, 0), (3, 0)]);
}

#[test]
fn too_many_groups_make_room_and_are_counted() {
    let rule = "rule r { by k match s as a alert low \"x\" limit 1 per 10h for each a.n }";
    let mut events: Vec<Given> = (0..10_001).map(|n| (n, "k", n, None)).collect();
    events.push((10_001, "k", 0, None));
    events.push((10_002, "k", 5, None));
    let (alerts, counters) = run(rule, &events);
    assert_eq!((alerts.len(), counters.held_back, counters.groups_forgotten), (10_002, vec![1], vec![2]));
}

/// What should pass, by the words of the language: fewer than `count` in (t - per, t].
fn naive(count: usize, per: i64, alerts: &[(i64, &str, Option<i64>)]) -> Vec<(usize, u64)> {
    let mut passed: Vec<(usize, u64)> = Vec::new();
    for (at, (time, key, value)) in alerts.iter().enumerate() {
        let same = |other: usize| (alerts[other].1, alerts[other].2) == (*key, *value);
        let recent = passed.iter().filter(|(other, _)| same(*other) && alerts[*other].0 > time - per);
        if recent.count() < count {
            let last = passed.iter().rev().find(|(other, _)| same(*other)).map_or(0, |(other, _)| other + 1);
            let is_passed = |other: usize| passed.iter().any(|(passed, _)| *passed == other);
            let held_back = (last..at).filter(|other| same(*other) && !is_passed(*other)).count();
            passed.push((at, held_back as u64));
        }
    }
    passed
}

proptest! {
    #[test]
    fn random_alerts_pass_as_a_naive_model_says(
        count in 1_usize..4,
        per in 1_i64..30,
        each in any::<bool>(),
        steps in prop::collection::vec((0_i64..12, 0_usize..2, prop::option::of(0_i64..3)), 0..120),
    ) {
        let mut now = 0;
        let events: Vec<Given> = steps
            .iter()
            .map(|(step, key, v)| {
                now += step * 1_000;
                (now, ["x", "y"][*key], 0, *v)
            })
            .collect();
        let each_text = if each { "for each a.v" } else { "" };
        let rule = format!("rule r {{ by k match s as a alert low \"x\" limit {count} per {per}s {each_text} }}");
        let (alerts, counters) = run(&rule, &events);
        prop_assert_eq!(passed(&alerts), passed(&run_restarting(&[&rule, &rule], &events).0));
        let group = |v: Option<i64>| if each { v } else { None };
        let times: Vec<_> = events.iter().map(|(ms, key, _, v)| (*ms, *key, group(*v))).collect();
        let expected: Vec<_> =
            naive(count, per * 1_000, &times).into_iter().map(|(at, held)| (times[at].0, held)).collect();
        prop_assert_eq!(passed(&alerts), expected);
        prop_assert_eq!(counters.held_back[0] as usize, events.len() - alerts.len());
    }
}
