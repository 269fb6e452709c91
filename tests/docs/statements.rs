//! What the reference says in words about time, order and identity.

use std::sync::Arc;

use serde_json::json;
use tripline::alert::Alert;
use tripline::codec::Decoder;
use tripline::codec::json::JsonDecoder;
use tripline::engine::{Engine, EngineOptions, Refused};
use tripline::event::{PartitionId, Position, Timestamp};
use tripline::program::Program;

use super::page::check;

fn program(text: &str) -> Arc<Program> {
    let (program, _, shown) = check(&[("rules.trip", text)]);
    Arc::new(program.unwrap_or_else(|| panic!("{text}\n{shown}")))
}

/// A stream `s` with that head, and a rule that reports every event.
fn every_event(head: &str) -> Arc<Program> {
    program(&format!(
        "stream s {head} {{ id int, at timestamp(s) }}\nrule r {{\n match s\n alert low \"{{s.id}}\"\n}}\n"
    ))
}

fn seconds(at: f64) -> Timestamp {
    Timestamp::from_micros((at * 1e6) as i64)
}

/// An engine with what is needed to push events of streams by name.
struct Feed {
    engine: Engine,
    pushed: u64,
}

impl Feed {
    fn new(program: &Arc<Program>) -> Feed {
        Feed { engine: Engine::new(Arc::clone(program), EngineOptions::RECORDED), pushed: 0 }
    }

    fn open(&mut self, stream: &str, partition: u32) {
        let stream = self.engine.program().stream(stream).expect("a stream");
        self.engine.open(stream, PartitionId(partition), seconds(0.0));
    }

    /// Pushes an event with that id and event time; `now` is the time of its arrival.
    fn push_at(&mut self, stream: &str, partition: u32, id: i64, at: f64, now: f64) -> Result<(), Refused> {
        let program = Arc::clone(self.engine.program());
        let stream = program.stream(stream).expect("a stream");
        self.pushed += 1;
        let position = Position { partition: PartitionId(partition), offset: self.pushed };
        let mut decoder = JsonDecoder::keeping(program.kept(stream), stream, program.schema(stream));
        let record = json!({"id": id, "k": "key", "at": at}).to_string();
        let event = decoder
            .decode(record.as_bytes(), position, seconds(now))
            .expect("well-formed")
            .expect("an event");
        self.engine.push(event, seconds(now))
    }

    fn push(&mut self, stream: &str, partition: u32, id: i64, at: f64) -> Result<(), Refused> {
        self.push_at(stream, partition, id, at, 0.0)
    }

    fn titles(&mut self) -> Vec<String> {
        self.engine.take_alerts().into_iter().map(|alert| alert.title).collect()
    }
}

#[test]
fn events_within_late_are_put_in_their_place() {
    let mut feed = Feed::new(&every_event("time at late 5s"));
    feed.open("s", 0);
    assert_eq!(feed.push("s", 0, 1, 100.0), Ok(()));
    assert_eq!(feed.push("s", 0, 2, 95.0), Ok(()));
    assert!(matches!(feed.push("s", 0, 3, 94.0), Err(Refused::Late(_))));
    assert_eq!(feed.push("s", 0, 4, 106.0), Ok(()));
    assert_eq!(feed.titles(), ["2", "1"], "each as soon as none before it can still arrive");
    feed.engine.finish();
    assert_eq!(feed.titles(), ["4"]);
}

#[test]
fn without_late_one_partition_is_matched_at_once() {
    let mut feed = Feed::new(&every_event("time at"));
    feed.open("s", 0);
    assert_eq!(feed.push("s", 0, 1, 100.0), Ok(()));
    assert_eq!(feed.titles(), ["1"]);
}

#[test]
fn events_of_the_same_time_go_by_stream_partition_and_place() {
    let mut feed = Feed::new(&program(
        "stream a time at { id int, at timestamp(s) }\nstream b time at { id int, at timestamp(s) }\n\
         rule ra { match a\n alert low \"a{a.id}\" }\nrule rb { match b\n alert low \"b{b.id}\" }\n",
    ));
    for (stream, partition) in [("b", 0), ("a", 1), ("a", 0)] {
        feed.open(stream, partition);
    }
    for (stream, partition, id) in [("b", 0, 1), ("a", 1, 2), ("a", 0, 3), ("a", 0, 4)] {
        feed.push(stream, partition, id, 5.0).expect("in time");
    }
    feed.engine.finish();
    assert_eq!(feed.titles(), ["a3", "a4", "a2", "b1"]);
}

#[test]
fn a_quiet_partition_holds_back_until_it_is_idle() {
    let mut feed = Feed::new(&every_event("time at idle 30s"));
    feed.open("s", 0);
    feed.open("s", 1);
    feed.push_at("s", 0, 1, 100.0, 0.0).expect("in time");
    assert!(feed.titles().is_empty());
    feed.engine.tick(seconds(29.0));
    assert!(feed.titles().is_empty());
    feed.push_at("s", 0, 2, 101.0, 29.0).expect("in time");
    feed.engine.tick(seconds(30.0));
    assert_eq!(feed.titles(), ["1", "2"]);
    // As soon as it sends again, it is waited for again.
    feed.push_at("s", 1, 3, 102.0, 31.0).expect("in time");
    feed.push_at("s", 0, 4, 103.0, 31.0).expect("in time");
    assert_eq!(feed.titles(), ["3"]);
    // When all are idle, event time follows the clock.
    feed.engine.tick(seconds(1_000.0));
    assert_eq!(feed.titles(), ["4"]);
    assert_eq!(feed.engine.watermark(), seconds(1_000.0));
}

#[test]
fn a_partition_that_connects_later_begins_where_time_has_come_to() {
    let mut feed = Feed::new(&every_event("time at"));
    feed.open("s", 0);
    feed.push("s", 0, 1, 100.0).expect("in time");
    feed.open("s", 1);
    assert!(matches!(feed.push("s", 1, 2, 99.0), Err(Refused::Late(_))));
    assert_eq!(feed.push("s", 1, 3, 100.0), Ok(()));
}

#[test]
fn events_stamped_on_arrival_are_never_late() {
    let mut feed = Feed::new(&program(
        "stream a time at { id int, at timestamp(s) }\nstream s time arrival { id int }\n\
         rule r { match a as first then s within 1h\n alert low \"{s.time}\" }\n",
    ));
    feed.open("a", 0);
    feed.push_at("a", 0, 1, 100.0, 50.0).expect("in time");
    assert_eq!(feed.push_at("s", 0, 2, 0.0, 60.0), Ok(()), "event time is further on than the clock");
    feed.engine.finish();
    assert_eq!(feed.titles(), ["1970-01-01T00:01:40Z"]);
}

#[test]
fn an_event_too_far_ahead_is_set_aside() {
    let program = every_event("time at");
    let options = EngineOptions::LIVE;
    let mut feed = Feed { engine: Engine::new(program, options), pushed: 0 };
    feed.open("s", 0);
    assert_eq!(feed.push_at("s", 0, 1, 86_400.0, 0.0), Ok(()));
    assert!(matches!(feed.push_at("s", 0, 2, 86_401.0, 0.0), Err(Refused::Future(_))));
}

#[test]
fn alerts_of_one_moment_have_an_order() {
    let rule = |name: &str, rest: &str| {
        format!("rule {name} {{\n by k\n event x = s where id == 0\n {rest}\n alert low \"{name}\"\n}}\n")
    };
    let text = "stream s time at idle 30s { id int, k string, at timestamp(s) }\n".to_owned()
        + &rule("absent", "match s then not x for 5s\n overlap all")
        + &rule("late", "match s then x within 5s\n on timeout alert low \"late, timed out\"\n overlap all")
        + &rule("by_event", "match s\n overlap all")
        + &rule("also_absent", "match s then not x for 5s\n overlap all");
    let mut feed = Feed::new(&program(&text));
    feed.open("s", 0);
    feed.push("s", 0, 1, 0.0).expect("in time");
    assert_eq!(feed.titles(), ["by_event"]);
    feed.push("s", 0, 2, 5.0).expect("in time");
    feed.push("s", 0, 3, 6.0).expect("in time");
    // The event at five seconds comes first, then what its time decides: matches before time-outs.
    assert_eq!(feed.titles(), ["by_event", "absent", "also_absent", "late, timed out", "by_event"]);
}

const RULE: &str = "
stream s time at late 5s { id int, k string, v float, at timestamp(s) }
let big = 5
rule r {
  by k
  event large = s where v > big
  match 2 large within 1h
  alert low \"x\"
}
";

fn fingerprint(text: &str) -> String {
    program(text).rules()[0].fingerprint.to_string()
}

#[test]
fn a_fingerprint_is_of_what_matches_and_what_is_captured() {
    let own = fingerprint(RULE);
    for (from, to) in [
        ("late 5s", "late 7s idle 30s"),
        ("v > big", "(v > big) # large"),
        ("let big", "let limit = big\nlet big"),
        ("v > big", "v > 5.0"),
        ("alert low \"x\"", "alert high \"y {k}\" {\n n = count(large)\n }\n to desk\n about \"z\"\n tags t"),
        ("alert", "max runs 5\n mode shadow\n alert"),
        ("id int, ", ""),
    ] {
        let other = RULE.replacen(from, to, 1);
        assert_ne!(other, RULE, "{from}");
        assert_eq!(fingerprint(&other), own, "{from} → {to}");
    }
    for (from, to) in [
        ("v > big", "v >= big"),
        ("big = 5", "big = 6"),
        ("within 1h", "within 2h"),
        ("2 large", "3 large"),
        ("by k", "by k, id"),
        ("alert", "overlap all\n alert"),
        ("alert", "on timeout alert low \"t\"\n alert"),
        ("v float", "v float from \"w\""),
        ("v float", "v int"),
        ("2 large", "2 large as l"),
        ("time at", "time arrival"),
    ] {
        assert_ne!(fingerprint(&RULE.replacen(from, to, 1)), own, "{from} → {to}");
    }
}

#[test]
fn the_same_match_has_the_same_id() {
    let alert = |severity: &str, within: &str, first: i64| -> Alert {
        let mut feed = Feed::new(&program(&format!(
            "stream s time at {{ id int, at timestamp(s) }}\n\
             rule r {{ match 2 s within {within}\n alert {severity} \"x\" }}\n"
        )));
        feed.open("s", 0);
        for (id, at) in [(first, 1.0), (2, 2.0)] {
            feed.push("s", 0, id, at).expect("in time");
        }
        feed.engine.take_alerts().pop().expect("an alert")
    };
    let id = alert("low", "1h", 1).id;
    assert_eq!(id, alert("low", "1h", 1).id);
    assert_eq!(id, alert("high", "1h", 1).id, "another severity");
    assert_eq!(id, alert("low", "1h", 7).id, "other contents at the same positions");
    assert_ne!(id, alert("low", "2h", 1).id, "another meaning");
}

#[test]
fn a_rule_in_shadow_counts_and_one_that_is_off_does_not() {
    for (mode, sent, counted) in [("", 1, 1), ("mode shadow\n", 0, 1), ("mode off\n", 0, 0)] {
        let mut feed = Feed::new(&program(&format!(
            "stream s time at {{ id int, at timestamp(s) }}\nrule r {{\n match s\n {mode} alert low \"x\"\n}}\n"
        )));
        feed.open("s", 0);
        feed.push("s", 0, 1, 0.0).expect("in time");
        assert_eq!(feed.engine.take_alerts().len(), sent, "{mode}");
        assert_eq!(feed.engine.stats().rules.alerts[0], counted, "{mode}");
    }
}
