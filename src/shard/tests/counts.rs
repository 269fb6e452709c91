//! What is counted of random events, against asking each predicate of each rule by itself.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::automaton::PredicateId;
use crate::cases::{cases, size};
use crate::event::FieldId;
use crate::expression::{Expr, Scope};
use crate::program::Mode;

/// Rules of many kinds over a stream whose events have two keys, one of which may be missing.
const MANY_KINDS: &str = r#"
  stream s time at { k string, j string?, n int, v int?, at timestamp(s) }
  rule begins_alike_1 { by k event a = s where n == 1 event b = s where v > 2 match a then b within 10s alert low "x" }
  rule begins_alike_2 { by k event a = s where n == 1 event b = s where v > 2 match a then b then s within 10s alert low "x" }
  rule waits_for_two { by k event a = s where n == 2 event b = s where v > 2 event c = s where n == 1
    match a then b then any c within 20s alert low "x" }
  rule waits_for_all { by k event a = s where n == 2 match a then s as b then not s for 2s alert low "x" }
  rule begins_with_all { by k event b = s where v > 2 match s as a then b within 3s alert low "x" }
  rule by_the_other { by j event a = s where n == 1 event b = s where v > 2 match a then b within 10s alert low "x" }
  rule by_both { by k, j event a = s where v > 2 event c = s where n == 1 match c then a then c as d within 9s alert low "x" }
  rule by_none { event a = s where n == 3 and 10 / v > 1 match a then a as b within 2s alert low "x" }
  rule follows_directly { by k event a = s where 10 / n > 1 event b = s where v > 2 match a next b within 9s alert low "x" }
  rule negated { by k event a = s where not (v > 2 or 10 / n < 5) event b = s where n == 1 match a then not b then s within 9s alert low "x" }
  rule either { by j event a = s where n in (1, 2) and (v == 2 or k == "k1") and 10 / v > 3 match a alert low "x" }
  rule reads_the_past { by k event a = s where n == 1 and count(s where 10 / n > 1) over 5s > 1 match a alert low "x" }
  rule asks_it_twice { by j event a = s where 10 / n > 1 and count(s where 10 / n > 1) over 5s > 1 match a alert low "x" }
  rule is_off { by k event a = s where 10 / n > 1 match a alert low "x" mode off }
"#;

thread_local! {
    static PROGRAM: Arc<Program> = {
        let (program, diagnostics) = Program::compile(&Sources::new([("rules.trip", MANY_KINDS)]));
        Arc::new(program.unwrap_or_else(|| panic!("{diagnostics:?}")))
    };
}

/// What must have been counted of an event: by how many routes it has no key, and for each rule whether
/// it fits, and what could not be computed.
fn counted(program: &Program, event: &Event) -> (u64, Vec<(u64, u64)>) {
    let is_null = |field: &FieldId| event.value(*field).is_null();
    let routes = program.routes(0, StreamId(0)).iter();
    let keyless = routes.filter(|route| route.key.iter().any(is_null)).count() as u64;
    let tables = Tables::unread(program.tables());
    let ask = |condition: &Expr| {
        let faults = Faults::default();
        let scope = Scope { event: Some(event), tables: &tables, ..Scope::bare(&faults) };
        (condition.holds(&scope), faults.take())
    };
    let of_rule = |(id, compiled): (RuleId, &CompiledRule)| {
        let is_off = compiled.rule.mode == Mode::Off;
        if is_off || compiled.rule.key.fields[&StreamId(0)].iter().any(is_null) {
            return (0, 0);
        }
        let alone = compiled.rule.tests.iter().map(|test| test.unary.as_ref());
        let fits = alone.clone().any(|condition| condition.is_none_or(|condition| ask(condition).0));
        let filters = program.readings(id).logs().filter_map(|log| program.logs().get(log).filter);
        let own = compiled.predicates.iter().flatten().copied();
        let asked: BTreeSet<PredicateId> = own.chain(filters).collect();
        let faults = asked.into_iter().map(|id| ask(program.predicates().get(id)).1).sum();
        (u64::from(fits), faults)
    };
    (keyless, (0..).map(RuleId).zip(program.compiled()).map(of_rule).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(64, 1_000), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn events_are_counted_for_each_rule_that_they_fit(
        events in prop::collection::vec((0..3_i64, 0..3, 0..3, 0..4_i64, prop::option::of(0..5_i64)), 1..40),
    ) {
        let program = PROGRAM.with(Arc::clone);
        let (mut shard, mut rows) = (Shard::new(Arc::clone(&program), 0), StoredRows::default());
        let mut expected = ShardCounters::new(program.compiled().len());
        let mut second = 0;
        for (offset, (after, k, j, n, v)) in (0..).zip(events) {
            second += after;
            let time = Timestamp::from_micros(second * 1_000_000);
            let position = Position { offset, ..Position::default() };
            let values = [
                Value::text(format!("k{k}")),
                if j == 0 { Value::Null } else { Value::text(format!("j{j}")) },
                Value::Int(n),
                v.map_or(Value::Null, Value::Int),
                Value::Timestamp(time),
            ];
            let event = Event::new(StreamId(0), time, position, values, []);
            let (keyless, of_rules) = counted(&program, &event);
            expected.keyless += keyless;
            for (rule, (fits, faults)) in of_rules.into_iter().enumerate() {
                expected.events[rule] += fits;
                expected.faults[rule] += faults;
            }
            shard.take(&event);
            if offset % 5 == 4 {
                shard = shard.restarted(&mut rows);
            }
        }
        let counters = shard.counters();
        prop_assert_eq!((counters.keyless, &counters.events), (expected.keyless, &expected.events));
        prop_assert_eq!(&counters.faults, &expected.faults);
    }
}

/// With many keys, the keys of the next events are looked up together and ahead of time. What is found then
/// may be outdated when the turn of the event comes: a key's record goes once its runs are over, and another
/// key may get its place.
#[test]
fn keys_that_are_looked_up_ahead_of_time_may_come_and_go() {
    const RULES: &str = r#"
      rule waits { by k event a = s where n == 7 event b = s where n == 8 match a then b alert low "x" }
      rule short { by k event a = s where n == 1 event b = s where n == 2 match a then b within 1s alert low "{k}" }
      rule silent { by k event a = s where n == 3 event b = s where n == 4 match a then not b for 1s alert low "{k}" }
      rule direct { by k event a = s where n in (1, 3) match a next a as b within 3s alert low "{k}" }
    "#;
    let (mut few, mut many) = (shard(RULES), shard(RULES));
    // More keys than `ahead` calls few, each of which is held by a run for good.
    for number in 0..5_000 {
        many.take(&event(0, &format!("filler {number}"), 7));
    }
    let (mut state, mut second, mut found) = (1_u64, 0, 0);
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for _ in 0..size(200, 2_000) {
        let events: Vec<Event> = (0..random(100))
            .map(|_| {
                second += (random(4) / 3) as i64;
                event(second, &format!("k{}", random(12)), random(5) as i64)
            })
            .collect();
        let passed = Timestamp::from_micros(second * 1_000_000);
        let run = |shard: &mut Shard| {
            let mut decisions = Vec::new();
            let items = events.iter().cloned().map(Item::new).collect();
            shard.run(&Work { items, passed }, &mut decisions);
            decisions.into_iter().map(|decision| format!("{:?}", decision.alert)).collect::<Vec<_>>()
        };
        let (expected, alerts) = (run(&mut few), run(&mut many));
        assert_eq!(alerts, expected);
        found += alerts.len();
        assert_eq!(many.live_keys(), few.live_keys() + 5_000);
    }
    assert!(found > 500, "{found}");
}
