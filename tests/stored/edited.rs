//! What becomes of a state when rules have been edited.

use super::harness::{Bench, Restart};

const STREAMS: &str = "
stream s time at { k string, t string, v int, note string?, at timestamp(ms) }
stream m time at { k string, v int, at timestamp(ms) }
";

fn rule(name: &str, more: &str) -> String {
    format!(
        "rule {name} {{\n by k\n event a = s where t == \"a\"\n event b = s where t == \"b\"\n \
         match a then b within 1h\n overlap all\n {more}\n}}\n"
    )
}

fn record(at: i64, k: &str, t: &str, v: i64) -> String {
    format!(r#"{{"k":"{k}","t":"{t}","v":{v},"note":"of {v}","at":{at}}}"#)
}

#[test]
fn a_rule_that_means_the_same_keeps_its_state_whatever_is_around_it() {
    let pair = rule("pair", "alert low \"{k} {a.v} {b.v}\" limit 1 per 2h for each b.v");
    let mut bench = Bench::new(&format!("{STREAMS}{pair}"));
    bench.push("s", &record(0, "x", "a", 1));
    bench.push("s", &record(1, "y", "a", 2));
    bench.push("s", &record(2, "x", "a", 5));
    bench.push("s", &record(3, "y", "b", 3));
    bench.push("s", &record(4, "y", "a", 6));
    assert_eq!(bench.alerts(), ["pair y 2 3"]);
    // Streams, rules and fields before it and behind it, and other words in it.
    let streams = STREAMS.replace("{ k string, t", "{ new int?, k string, later timestamp?, t");
    let streams = format!("stream a time at {{ k string, at timestamp(ms) }}\n{streams}");
    let others = [rule("another", "alert low \"x\""), rule("zzz", "alert low \"x\"")].concat();
    let reads_more =
        "rule more { by k match s as a then s as b within 1s alert low \"{b.note} {a.later}\" }\n";
    let pair = format!("# A comment.\n{}", pair.replace("alert low", "about \"Two\" alert high"));
    let edited = format!("{streams}{others}{reads_more}{pair}");
    assert_eq!(bench.restart(&edited), Restart::nothing());
    bench.push("s", &record(10, "x", "b", 4));
    assert_eq!(bench.alerts(), ["pair x 1 4"], "the limit counts each alone; others have seen no beginning");
    bench.push("s", &record(11, "y", "b", 3));
    assert_eq!(bench.alerts(), [] as [&str; 0], "the limit goes on counting");
    bench.push("s", &record(12, "x", "a", 7));
    // And back again, and once more with nothing around it.
    bench.alerts();
    let left = |restart: Restart| restart.left.iter().filter(|left| left.starts_with("pair")).count();
    assert_eq!(left(bench.restart(&format!("{streams}{reads_more}{pair}"))), 0);
    assert_eq!(left(bench.restart(&format!("{STREAMS}{pair}"))), 0);
    bench.push("s", &record(20, "x", "b", 5));
    assert_eq!(bench.alerts(), ["pair x 7 5"]);
}

#[test]
fn a_rule_that_means_something_else_begins_anew_and_that_is_said() {
    let both = |within: &str| {
        let changed = rule("changed", "alert low \"{k}\"").replace("1h", within);
        format!("{STREAMS}{changed}{}", rule("kept", "alert low \"{k}\""))
    };
    let mut bench = Bench::new(&both("1h"));
    for (at, k) in (0..).zip(["x", "y", "x", "y"]) {
        bench.push("s", &record(at, k, "a", 1));
    }
    let left = bench.restart(&both("2h")).left;
    assert_eq!(left, ["changed Changed: 2 keys, 4 runs, 0 past events, 0 alerts"]);
    assert_eq!(bench.engine.stats().live_runs, 4);
    bench.push("s", &record(10, "x", "b", 1));
    assert_eq!(bench.alerts(), ["kept x", "kept x"]);
    // As it was, it has missed what happened in the meantime, also to keys that have not changed since.
    assert_eq!(bench.restart(&both("1h")), Restart::nothing());
    bench.push("s", &record(20, "y", "b", 1));
    assert_eq!(bench.alerts(), ["kept y", "kept y"]);
    // Gone, and off.
    bench.push("s", &record(30, "z", "a", 1));
    let gone = format!("{STREAMS}{}", rule("kept", "alert low \"{k}\" mode off"));
    let left = bench.restart(&gone).left;
    let expected = [
        "changed Gone: 1 keys, 1 runs, 0 past events, 0 alerts",
        "kept Off: 1 keys, 1 runs, 0 past events, 0 alerts",
    ];
    assert_eq!(left, expected);
    assert_eq!(bench.engine.stats().live_keys, 0);
    bench.push("s", &record(31, "z", "a", 1));
    assert_eq!(bench.restart(&both("1h")), Restart::nothing());
    bench.push("s", &record(32, "z", "b", 1));
    bench.engine.finish();
    assert_eq!(bench.alerts(), [] as [&str; 0]);
    assert_eq!(bench.rows(), 0, "rows of which nothing is left are removed");
}

#[test]
fn an_alert_may_say_more_of_events_than_they_kept() {
    let before = format!("{STREAMS}{}", rule("pair", "alert low \"{k}\""));
    let mut bench = Bench::new(&before);
    bench.push("s", &record(0, "x", "a", 1));
    bench.push("s", &record(1, "y", "a", 2));
    bench.push("s", r#"{"k":"z","t":"a","v":3,"at":2}"#);
    let says_more = "alert low \"{a.v} {a.note} {a.more} {b.note}\"";
    // A field that was not there, and one that is required now.
    let streams = STREAMS.replace("note string?", "more int?, note string");
    let after = format!("{streams}{}", rule("pair", says_more));
    assert_eq!(bench.restart(&after), Restart::nothing());
    bench.push("s", &record(10, "x", "b", 4));
    bench.push("s", &record(11, "z", "b", 5));
    assert_eq!(bench.alerts(), ["pair 1 of 1 null of 4", "pair 3 null null of 5"]);
    // The rows that were written before are written anew, a part at a time.
    bench.store();
    assert_eq!(bench.store(), (0, 0));
    assert_eq!(bench.restart(&after), Restart::nothing());
    bench.push("s", &record(12, "y", "b", 6));
    assert_eq!(bench.alerts(), ["pair 2 of 2 null of 6"]);
}

#[test]
fn events_that_wait_are_taken_over_with_their_streams() {
    let late = STREAMS.replace("time at", "time at late 10s");
    let rules = format!("{late}{}", rule("pair", "alert low \"{a.v} {b.v}\""));
    let mut bench = Bench::new(&rules);
    bench.push("s", &record(1_000, "x", "a", 1));
    bench.push("m", r#"{"k":"x","v":1,"at":1000}"#);
    bench.push("m", r#"{"k":"x","v":1,"at":1001}"#);
    // The second stream is not there any more.
    let without = rules.replace("stream m time", "stream other time");
    assert_eq!(bench.restart(&without), Restart { left: vec![], events_left: 2 });
    bench.push("s", &record(500, "x", "b", 2));
    bench.push("s", &record(1_500, "x", "b", 3));
    bench.engine.finish();
    assert_eq!(bench.alerts(), ["pair 1 3"]);
}

#[test]
fn alerts_that_wait_to_be_read_are_taken_over_unless_their_rule_has_changed() {
    let chain = |a: &str| {
        format!(
            "{STREAMS}rule first {{ by k event a = s where t == \"{a}\" match a alert low \"{{k}}\" {{ v = a.v }} }}
             stream found from first
             rule second {{ by k match found as one then m as two within 1h alert low \"{{one.v}} {{two.v}}\" }}\n"
        )
    };
    for (after, left, alerts) in [
        ("a", None, vec!["second 7 8"]),
        ("c", Some("first Changed: 0 keys, 0 runs, 0 past events, 1 alerts"), vec![]),
    ] {
        let mut bench = Bench::new(&chain("a"));
        bench.push("m", r#"{"k":"x","v":1,"at":0}"#);
        bench.push("s", &record(1_000, "x", "a", 7));
        bench.push("m", r#"{"k":"y","v":1,"at":1001}"#);
        assert_eq!(bench.alerts(), ["first x"]);
        assert_eq!(bench.engine.waiting(), 2, "event time has not passed the alert");
        let found = bench.restart(&chain(after)).left;
        assert_eq!(found, left.map_or_else(Vec::new, |left| vec![left.to_owned()]));
        bench.push("m", r#"{"k":"x","v":8,"at":1002}"#);
        bench.push("s", &record(2_000, "x", "b", 0));
        bench.engine.finish();
        assert_eq!(bench.alerts(), alerts);
    }
}

#[test]
fn alerts_that_were_decided_are_given_out_whatever_has_become_of_their_rule() {
    let mut bench = Bench::new(&format!("{STREAMS}{}", rule("pair", "alert low \"{a.v}\"")));
    bench.push("s", &record(0, "x", "a", 1));
    bench.push("s", &record(1, "x", "b", 2));
    // Neither the rule nor the stream is there, also at the next restart.
    let other = "stream other time at { k string, at timestamp(ms) }";
    bench.restart(other);
    bench.restart(other);
    let alerts = bench.engine.take_alerts();
    let json = serde_json::to_value(&alerts[0]).expect("an alert is JSON");
    assert_eq!((alerts.len(), &*alerts[0].rule, &*alerts[0].title), (1, "pair", "1"));
    assert_eq!(json["events"]["b"][0]["note"], "of 2");
}

#[test]
fn the_past_belongs_to_the_rules_that_read_it() {
    let habit = |name: &str, more: &str| {
        format!(
            "rule {name} {{\n by k\n event a = s where v > sum(s.v) over previous 1h {more}\n match a\n \
             alert low \"{{count(s) over 1h}}\"\n}}\n"
        )
    };
    let [one, other] = [habit("one", ""), habit("other", "and t == \"a\"")];
    let mut bench = Bench::new(&format!("{STREAMS}{one}{other}"));
    bench.push("s", &record(0, "x", "a", 10));
    bench.push("s", &record(1, "x", "a", 5));
    bench.alerts();
    // One has changed: the other still needs the log, and both read it. It keeps more now, of which the past
    // events have nothing.
    let changed = habit("one", "and max(s.note) over 1h is missing");
    assert_eq!(bench.restart(&format!("{STREAMS}{changed}{other}")), Restart::nothing());
    bench.push("s", r#"{"k":"x","t":"a","v":16,"at":2}"#);
    assert_eq!(bench.alerts(), ["one 3", "other 3"]);
    bench.push("s", &record(3, "x", "a", 40));
    assert_eq!(bench.alerts(), ["other 4"]);
    bench.store();
    assert_eq!(bench.restart(&format!("{STREAMS}{changed}{other}")), Restart::nothing());
    bench.push("s", &record(4, "x", "a", 100));
    assert_eq!(bench.alerts(), ["other 5"]);
    // With the last of them that is as it was, the past goes.
    let left = bench.restart(&format!("{STREAMS}{one}")).left;
    let expected = [
        "one Changed: 0 keys, 0 runs, 5 past events, 0 alerts",
        "other Gone: 0 keys, 0 runs, 5 past events, 0 alerts",
    ];
    assert_eq!(left, expected);
    bench.push("s", &record(5, "x", "a", 1));
    assert_eq!(bench.alerts(), ["one 1"]);
    bench.engine.finish();
    bench.store();
    assert!(bench.rows() <= 1, "only what was kept since");
}

#[test]
fn counts_go_on_where_they_were() {
    let rules = |more: &str| format!("{STREAMS}{}{more}", rule("pair", "alert low \"x\""));
    let mut bench = Bench::new(&rules(""));
    bench.push("s", &record(0, "x", "a", 1));
    bench.push("s", &record(1, "x", "b", 1));
    bench.restart(&rules(&rule("a_new_one", "alert low \"x\"")));
    bench.push("s", &record(2, "x", "b", 1));
    let stats = bench.engine.stats();
    assert_eq!((stats.rules.alerts, stats.rules.events), (vec![0, 1], vec![1, 3]));
    assert_eq!(bench.engine.counters().events, 3);
}
