//! Streams of events that ask for the most.

use std::sync::Arc;

use tripline::alert::{Alert, AlertKind};
use tripline::diagnostic::Sources;
use tripline::engine::{Engine, EngineOptions};
use tripline::event::{Event, PartitionId, Position, StreamId, Timestamp, Value};
use tripline::program::Program;

/// An engine for rules over the stream `s`, and the number of events it has been given.
struct Feed {
    engine: Engine,
    given: u64,
}

impl Feed {
    fn new(rules: &str) -> Feed {
        let text = format!("stream s time at {{ k string, n int, at timestamp(us) }}\n{rules}");
        let (program, diagnostics) = Program::compile(&Sources::new([("rules.trip", text)]));
        let program = program.unwrap_or_else(|| panic!("{diagnostics:?}"));
        let mut engine = Engine::new(Arc::new(program), EngineOptions::RECORDED);
        engine.open(StreamId(0), PartitionId(0), Timestamp::from_micros(0));
        Feed { engine, given: 0 }
    }

    /// Gives an event of the key `k` with the number `n`, at a microsecond; returns the alerts.
    fn give(&mut self, us: i64, k: &str, n: i64) -> Vec<Alert> {
        let time = Timestamp::from_micros(us);
        let position = Position { partition: PartitionId(0), offset: self.given };
        self.given += 1;
        let values = [Value::text(k), Value::Int(n), Value::Timestamp(time)];
        let event = Event::new(StreamId(0), time, position, values, *b"{}");
        self.engine.push(event, time).expect("events are given in order");
        self.engine.take_alerts()
    }

    /// Ends the stream; returns the alerts.
    fn finish(&mut self) -> Vec<Alert> {
        self.engine.finish();
        self.engine.take_alerts()
    }
}

/// Counts of matches and of limits reached.
fn count(alerts: &[Alert]) -> (usize, usize) {
    let of = |kind| alerts.iter().filter(|alert| alert.kind == kind).count();
    (of(AlertKind::Match), of(AlertKind::Limit))
}

#[test]
fn many_runs_that_complete_at_one_event() {
    for (overlap, matches, left) in [
        ("none", 1, 0),
        ("per start", 1_500, 0),
        ("all", 1_500, 0),
        ("resume at first a", 1_500, 0),
        ("resume at last b", 1, 0),
    ] {
        let mut feed = Feed::new(&format!(
            "rule r {{ event a = s where n == 1  event b = s where n == 2
                      match a then b within 1h  overlap {overlap}  alert low \"x\" }}"
        ));
        for us in 0..1_500 {
            assert!(feed.give(us, "k", 1).is_empty());
        }
        assert_eq!(feed.engine.stats().live_runs, 1_500);
        let alerts = feed.give(1_500, "k", 2);
        assert_eq!(count(&alerts), (matches, 0), "{overlap}");
        assert_eq!(feed.engine.stats().live_runs, left, "{overlap}");
    }
}

#[test]
fn many_runs_that_time_out_at_once() {
    let mut feed = Feed::new(
        "rule r { event a = s where n == 1  event b = s where n == 2
                  match a then b within 1h  overlap all  alert low \"x\"  on timeout alert low \"y\" }",
    );
    for _ in 0..1_500 {
        feed.give(0, "k", 1);
    }
    let alerts = feed.give(3_600_000_001, "k", 3);
    assert_eq!(alerts.len(), 1_500);
    assert!(alerts.iter().all(|alert| alert.kind == AlertKind::Timeout));
    assert_eq!(feed.engine.stats().live_runs, 0);
}

#[test]
fn every_combination_stays_within_max_runs() {
    for pattern in ["0+ any a then b", "3+ any a then b"] {
        let pattern = pattern.replace("0+ any a", "a as first then 0+ any a");
        let mut feed = Feed::new(&format!(
            "rule r {{ event a = s where n == 1  event b = s where n == 2
                      match {pattern} within 1h  overlap all  max runs 500  alert low \"x\" }}"
        ));
        let mut limits = 0;
        for us in 0..200 {
            let (matches, reached) = count(&feed.give(us, "k", 1));
            assert_eq!(matches, 0);
            limits += reached;
            assert!(feed.engine.stats().live_runs <= 500);
        }
        assert_eq!(limits, 1, "told once until the key is idle");
        let (matches, _) = count(&feed.give(200, "k", 2));
        assert!((1..=500).contains(&matches), "{matches} matches");
        feed.finish();
        assert_eq!(feed.engine.stats().live_runs, 0);
    }
}

#[test]
fn the_events_of_a_run_stay_within_max_events() {
    let mut feed = Feed::new(
        "rule r { event a = s where n == 1  event b = s where n == 2
                  match 1+ a then b within 1h  max events 1000  alert low \"x\" }",
    );
    let mut limits = 0;
    for us in 0..50_000 {
        limits += count(&feed.give(us, "k", 1)).1;
        assert!(feed.engine.stats().live_runs <= 1000);
    }
    assert_eq!(limits, 1);
    assert_eq!(count(&feed.give(50_000, "k", 2)).0, 1);
}

#[test]
fn an_absence_for_many_keys_at_one_moment() {
    let mut feed = Feed::new("rule r { by k  match s as a then not s for 1s  alert low \"{k}\" }");
    for key in 0..100_000 {
        assert!(feed.give(0, &format!("k{key}"), 1).is_empty());
    }
    assert_eq!((feed.engine.stats().live_runs, feed.engine.stats().live_keys), (100_000, 100_000));
    let alerts = feed.give(1_000_001, "other", 1);
    assert_eq!(count(&alerts), (100_000, 0));
    assert!(alerts.windows(2).all(|pair| pair[0].events[0].1[0].point() < pair[1].events[0].1[0].point()));
    assert_eq!((feed.engine.stats().live_runs, feed.engine.stats().live_keys), (1, 1));
}

#[test]
fn an_expression_as_deep_as_may_be_is_evaluated_in_the_stack_of_a_test() {
    let mut feed = Feed::new(
        "def ten(x float) = -(-(-(-(-(-(-(-(-(-x)))))))))
         rule r { event e = s where ten(ten(ten(ten(ten(ten(ten(ten(ten(ten(ten(ten(n)))))))))))) > 1
                  match e  alert low \"x\" }",
    );
    assert_eq!(count(&feed.give(0, "k", 1)).0, 0);
    assert_eq!(count(&feed.give(1, "k", 2)).0, 1);
}

#[test]
fn times_at_the_ends_of_what_can_be_said() {
    let rules = "rule silence { by k  match s as a then not s for 100000000d  alert low \"x\" }
                 rule slow { by k  match s as a then s as b within 100000000d  overlap all  alert low \"x\"
                             on timeout alert low \"y\" }
                 rule close { by k  event b = s where time - a.time < 1s
                              match s as a then b within 1s  alert low \"x\" }";
    let (first, last) = (i64::MIN, i64::MAX);
    let mut feed = Feed::new(rules);
    for us in [first, first + 1, -1, 0, 1, last - 1, last, last] {
        feed.give(us, "k", 1);
    }
    feed.finish();
    assert_eq!(feed.engine.stats().live_runs, 0);
}
