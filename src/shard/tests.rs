//! What a shard holds and counts while events pass through it.

mod counts;

use std::collections::BTreeMap;

use super::legend::{Legend, StoredLegend};
use super::*;
use crate::cases::size;
use crate::diagnostic::Sources;
use crate::event::{Event, Position, StreamId, Timestamp, Value};
use crate::history::stored::StoredLogs;
use crate::stored::{Reader, Row, Rows};

/// A shard that runs these rules over the stream `s`, whose fields are `k` and `n`.
fn shard(rules: &str) -> Shard {
    let text = format!("stream s time at {{ k string, n int, at timestamp(s) }}\n{rules}");
    let (program, diagnostics) = Program::compile(&Sources::new([("rules.trip", text)]));
    Shard::new(Arc::new(program.unwrap_or_else(|| panic!("{diagnostics:?}"))), 0)
}

/// An event of the key `k` with the number `n`, at a second.
fn event(second: i64, k: &str, n: i64) -> Event {
    let time = Timestamp::from_micros(second * 1_000_000);
    let position = Position { offset: second as u64 * 10 + n.unsigned_abs(), ..Position::default() };
    Event::new(StreamId(0), time, position, [Value::text(k), Value::Int(n), Value::Timestamp(time)], [])
}

/// Rows by group and key.
type StoredRows = BTreeMap<(Space, u16, Vec<u8>), Vec<u8>>;

impl Shard {
    /// Stores what has changed and gives the shard that the rows make.
    fn restarted(mut self, rows: &mut StoredRows) -> Shard {
        let program = Arc::clone(&self.program);
        let legend = Legend::new(&program);
        let changes = self.changes(&legend, Rows::default(), 1);
        for row in changes.rows.iter() {
            let name = (row.space, row.group, row.key.to_vec());
            match row.value {
                Some(value) => drop(rows.insert(name, value.to_vec())),
                None => assert!(rows.remove(&name).is_some(), "only what was stored is removed"),
            }
        }
        let stored = StoredLegend::restore(&mut Reader::new(legend.as_bytes())).expect("it was just written");
        let (_, meaning) = stored.take_over(&program);
        let mut restore = Restore {
            program: &program,
            meaning: &meaning,
            again: &|_, _| None,
            passed: self.passed,
            latest: Timestamp::MAX,
            stratum: self.stratum,
            left: &mut [],
            counts: Vec::new(),
        };
        let (mut shard, mut logs) = (Shard::new(Arc::clone(&program), self.stratum), StoredLogs::default());
        for ((space, group, key), value) in &*rows {
            let row = Row { space: *space, group: *group, key, value: Some(value) };
            let mut key = Reader::new(key);
            assert_eq!(key.number(), Ok(0), "the stratum");
            shard.restore(row, key, &mut restore, &mut logs).expect("it was just written");
        }
        shard.restored(self.passed, Timestamp::MAX, logs).expect("it was just written");
        shard.counters = self.counters;
        shard
    }

    /// Passes an event through, and gives the alerts.
    fn take(&mut self, event: &Event) -> Vec<Decision> {
        let mut decisions = Vec::new();
        self.run(&Work { items: vec![Item::new(event.clone())], passed: event.time() }, &mut decisions);
        decisions
    }
}

#[test]
fn outdated_timers_do_not_pile_up() {
    let mut shard = shard(
        r#"rule pair {
             by k
             event one = s where n == 1
             event two = s where n == 2
             match one then two within 365d
             alert low "x"
           }"#,
    );
    let (mut alerts, events) = (0, size(10_000, 100_000));
    for second in 0..events {
        shard.take(&event(second, "k", 1));
        alerts += shard.take(&event(second, "k", 2)).len();
        assert!(shard.timers.len() < 4_000, "after {second} s");
    }
    assert_eq!((alerts, shard.live_runs(), shard.live_keys()), (events as usize, 0, 0));
}

#[test]
fn timers_that_are_thrown_out_with_the_outdated_ones_come_back() {
    let mut shard = shard(
        r#"rule silence {
             by k
             event one = s where n == 1
             match one then not s for 1d
             alert low "x"
           }"#,
    );
    // One key falls silent early on; another goes on for so long that timers are thrown out.
    shard.take(&event(0, "silent", 1));
    let mut alerts = Vec::new();
    for second in (1..80_000).step_by(size(5, 1)) {
        alerts.extend(shard.take(&event(second, "busy", 1)));
        alerts.extend(shard.take(&event(second, "busy", 2)));
    }
    assert!(alerts.is_empty());
    shard.advance(Timestamp::from_micros(86_400_000_001), &mut alerts);
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0].alert.key[0].1, Value::text("silent"));
    assert_eq!((shard.live_runs(), shard.live_keys()), (0, 0));
}

#[test]
fn keys_whose_runs_are_over_are_forgotten() {
    let mut shard = shard(
        r#"rule pair {
             by k
             event one = s where n == 1
             event two = s where n == 2
             match one then two within 10s
             alert low "x"
           }
           rule lonely {
             by k
             match s as a then not s for 5s
             alert low "x"
           }"#,
    );
    let (mut alerts, events) = (Vec::new(), size(5_000, 20_000));
    for second in 0..events {
        alerts.extend(shard.take(&event(second, &format!("k{second}"), second % 3)));
        assert!(shard.live_keys() <= 12, "{} keys", shard.live_keys());
        assert!(shard.live_runs() <= 20, "{} runs", shard.live_runs());
    }
    shard.advance(Timestamp::MAX, &mut alerts);
    assert_eq!(alerts.len(), events as usize);
    assert_eq!((shard.live_runs(), shard.live_keys(), shard.timers.len()), (0, 0, 0));
}

#[test]
fn a_key_is_made_only_by_an_event_that_a_run_can_begin_with() {
    let mut shard = shard(
        r#"rule falls {
             by k
             event large = s where n > 5
             event any_other = s where n > 0
             match large then any_other within 10s
             alert low "x"
           }
           rule either {
             by k
             event one = s where n == 1
             event nine = s where n == 9
             event two = s where n == 2
             match (one or nine) then two within 10s
             alert low "x"
           }"#,
    );
    let mut held = |second, k, n| {
        let alerts = shard.take(&event(second, k, n)).len();
        (alerts, shard.live_keys(), shard.live_runs())
    };
    assert_eq!(held(0, "a", 2), (0, 0, 0), "of interest to both, but they begin with others");
    assert_eq!(held(1, "b", 9), (0, 1, 2), "the first of both, though `any_other` fits as well");
    assert_eq!(held(2, "c", 1), (0, 2, 3), "only `either` begins with it");
    assert_eq!(held(3, "b", 2), (2, 1, 1), "both are complete");
    assert_eq!(held(13, "d", 0), (0, 0, 0), "the time of the last one is over");
    assert_eq!(shard.counters().events, [4, 4], "for each rule, what fits one of those that it names");
}

#[test]
fn what_cannot_be_computed_is_counted_for_each_rule() {
    let mut shard = shard(
        r#"rule asks_alone {
             event e = s where 10 / n > 1
             match e alert low "x"
           }
           rule asks_the_same {
             event e = s where 10 / n > 1
             match e then e as f within 1s alert low "x"
           }
           rule asks_of_a_run {
             event e = s where a.n / n > 1
             match s as a then e within 10s alert low "x"
           }
           rule asks_in_its_alert {
             match s as a alert low "x" { inverse = 1 / a.n }
           }
           rule asks_a_function {
             match s as a alert low "x" { root = sqrt(a.n - 1) }
           }
           rule asks_an_average_of_nothing {
             match (s as a or s as b) alert low "x" { mean = avg(b.n) }
           }
           rule asks_what_can_be_computed {
             event e = s where n / 10 > 1
             match e alert low "x"
           }
           rule is_off {
             event e = s where 10 / n > 1
             match e alert low "x" mode off
           }"#,
    );
    shard.take(&event(0, "k", 0));
    let by_rule = |shard: &Shard| -> Vec<(String, u64)> {
        let names = shard.program.rules().iter().map(|rule| rule.name.to_string());
        names.zip(shard.counters().faults.iter().copied()).filter(|(_, count)| *count > 0).collect()
    };
    let expect = |list: &[(&str, u64)]| -> Vec<(String, u64)> {
        list.iter().map(|(name, count)| (name.to_string(), *count)).collect()
    };
    let first = [("asks_a_function", 1), ("asks_alone", 1), ("asks_in_its_alert", 1), ("asks_the_same", 1)];
    assert_eq!(by_rule(&shard), expect(&first));
    shard.take(&event(1, "k", 0));
    let second = [
        ("asks_a_function", 2),
        ("asks_alone", 2),
        ("asks_in_its_alert", 2),
        ("asks_of_a_run", 1),
        ("asks_the_same", 2),
    ];
    assert_eq!(by_rule(&shard), expect(&second));
}

#[test]
fn a_run_ends_without_another_event_of_its_key() {
    let mut shard = shard("rule pair { by k  match s as a then s as b within 1s  alert low \"x\" }");
    let mut alerts = shard.take(&event(0, "k", 1));
    shard.advance(Timestamp::from_micros(1_000_000), &mut alerts);
    assert_eq!(shard.live_runs(), 1, "the limit itself is included");
    shard.advance(Timestamp::from_micros(1_000_001), &mut alerts);
    assert_eq!((shard.live_keys(), shard.live_runs(), alerts.len()), (0, 0, 0));
}

#[test]
fn the_past_is_forgotten_once_it_has_left_every_window() {
    let mut shard = shard(
        r#"rule often {
             by k
             event a = s where count(s where n == this.n) over 60s > 2 and sum(s.n) over 10s > 0
             match a
             alert low "x"
           }"#,
    );
    for second in 0..100 {
        shard.take(&event(second, &format!("k{second}"), 1));
    }
    // Two logs hold each event: one for 60 s, one for 10 s.
    assert!(shard.past_events() <= 60 + 2 + 10 + 2, "{}", shard.past_events());
    shard.advance(Timestamp::from_micros(1_000_000_000), &mut Vec::new());
    assert_eq!((shard.past_events(), shard.live_keys()), (0, 0));
}

#[test]
fn rules_that_ask_the_same_share_what_is_kept() {
    let rule = |name: &str, mode: &str, condition: &str| {
        format!("rule {name} {{ by k\nevent a = s where {condition}\nmatch a\nalert low \"x\"\n{mode} }}\n")
    };
    let events = |rules: &str| {
        let mut shard = shard(rules);
        (0..10).for_each(|second| drop(shard.take(&event(second, "k", 1))));
        shard.past_events()
    };
    let one = rule("one", "", "count(s where n > 0) over 1h > 3");
    let same = rule("two", "", "sum(s.n where n > 0) over 5h > 100");
    let other = rule("three", "", "count(s where n > 1) over 1h > 3 or count(s) over 1h > 3");
    let off = rule("four", "mode off", "count(s where n > -1) over 1h > 3");
    assert_eq!(events(&one), 10);
    assert_eq!(events(&format!("{one}{same}")), 10, "one log with two windows");
    assert_eq!(events(&format!("{one}{same}{other}")), 20, "one more log that takes them");
    assert_eq!(events(&format!("{one}{off}")), 10, "a rule that is off keeps nothing");
}

#[test]
fn partial_matches_can_be_looked_at() {
    let mut shard = shard(
        r#"rule r {
             by k
             event one = s where n == 1
             event two = s where n == 2
             event no  = s where n == 0
             match 2+ one then not no then two within 10s
             alert low "x"
           }"#,
    );
    let rule = shard.program.rule("r").expect("it is declared");
    assert!(shard.runs(rule).is_empty());
    shard.take(&event(0, "a", 1));
    shard.take(&event(1, "a", 1));
    shard.take(&event(2, "b", 1));
    let mut runs = shard.runs(rule);
    runs.sort_by_key(|run| (run.key[0].1.to_string(), run.missing));
    let shown: Vec<String> = runs
        .iter()
        .map(|run| {
            let waits = run.waits.iter().map(|wait| format!("{} {:?}", wait.event, wait.until.unwrap()));
            let waits: Vec<String> = waits.collect();
            format!("{} {} {} {}", run.key[0].1, run.captured.len(), run.missing, waits.join(", "))
        })
        .collect();
    let until = |second: i64| Timestamp::from_micros(second * 1_000_000).to_string();
    let expected = [
        format!("a 2 1 one {0}, two {0}", until(10)),
        format!("a 1 2 one {}", until(11)),
        format!("b 1 2 one {}", until(12)),
    ];
    assert_eq!(shown, expected);
}

#[test]
fn near_misses_are_remembered_and_what_every_match_begins_with_is_none() {
    let rules = r#"rule triple {
        by k
        event first = s where n == 1
        event second = s where n == 2
        event third = s where n == 3
        match first then second then third within 10s
        alert low "x"
    }"#;
    let misses = |events: &[(i64, &str, i64)]| {
        let mut shard = shard(rules);
        events.iter().for_each(|(second, key, n)| drop(shard.take(&event(*second, key, *n))));
        shard.misses(RuleId(0))
    };
    // One event is what everything begins with; two and then nothing is near; a match is a match.
    let found = misses(&[
        (0, "one", 1),
        (1, "near", 1),
        (2, "near", 2),
        (3, "match", 1),
        (4, "match", 2),
        (5, "match", 3),
        (100, "later", 1),
    ]);
    let [miss] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(miss.run.key[0].1, Value::text("near"));
    assert_eq!(miss.run.captured.len(), 2);
    assert_eq!(miss.ended, event(11, "", 0).time());
    // One in ten seconds, and the last ones.
    let many: Vec<(i64, String, i64)> = (0..40)
        .flat_map(|index| {
            [(index / 2 * 10, format!("k{index}"), 1), (index / 2 * 10, format!("k{index}"), 2)]
        })
        .collect();
    let mut many: Vec<(i64, &str, i64)> =
        many.iter().map(|(second, key, n)| (*second, key.as_str(), *n)).collect();
    many.push((300, "later", 1));
    let found = misses(&many);
    let ended: Vec<_> = found.iter().map(|miss| miss.ended).collect();
    let wanted: Vec<_> = (11..=20).rev().map(|ten| event(ten * 10, "", 0).time()).collect();
    assert_eq!(ended, wanted);
}
