//! Rules that are changed while they have partial matches: the old version goes on with what it has.

use super::harness::{Bench, Edit};

const STREAMS: &str = "
stream s time at { k string, t string, v int, note string?, at timestamp(ms) }
stream m time at { k string, v int, at timestamp(ms) }
";

/// A rule with the definitions `a`, `b` and `c` for events with these letters, whose threshold is `least`.
fn rule(name: &str, least: i64, pattern: &str) -> String {
    let events = ["a", "b", "c"]
        .map(|letter| format!(" event {letter} = s where t == \"{letter}\" and v >= least_{name}\n"))
        .concat();
    format!("let least_{name} = {least}\nrule {name} {{\n by k\n{events} {pattern}\n}}\n")
}

fn record(at: i64, k: &str, t: &str, v: i64) -> String {
    format!(r#"{{"k":"{k}","t":"{t}","v":{v},"note":"of {v}","at":{at}}}"#)
}

fn goes_on(old: &[&str]) -> Edit {
    Edit { old: old.iter().map(ToString::to_string).collect(), left: vec![] }
}

const PAIR: &str = "match a then b within 1h\n overlap all\n alert low \"{least_pair}: {a.v} {b.v}\"";

#[test]
fn what_has_begun_is_completed_by_the_version_that_it_began_with() {
    let pair = |least| format!("{STREAMS}{}", rule("pair", least, PAIR));
    let mut bench = Bench::new(&pair(1));
    bench.push("s", &record(0, "x", "a", 5));
    bench.push("s", &record(1, "y", "a", 50));
    assert_eq!(bench.edit(&pair(10)), goes_on(&["pair: 2 runs, 0 alerts"]));
    // Neither begins anything that it does not fit, and the old version begins nothing.
    bench.push("s", &record(2, "z", "a", 5));
    bench.push("s", &record(3, "z", "b", 50));
    assert_eq!(bench.alerts(), [] as [&str; 0]);
    bench.push("s", &record(4, "x", "a", 20));
    bench.push("s", &record(5, "x", "b", 7));
    assert_eq!(bench.alerts(), ["pair 1: 5 7"]);
    bench.push("s", &record(6, "x", "b", 70));
    assert_eq!(bench.alerts(), ["pair 10: 20 70"]);
    assert_eq!(bench.engine.runs("pair").len(), 1, "that of y");
    assert_eq!(bench.ended(), [] as [&str; 0]);
    // Its time is over.
    bench.push("s", &record(3_700_000, "w", "c", 1));
    assert_eq!(bench.ended(), ["pair"]);
    assert_eq!(bench.ended(), [] as [&str; 0], "it is said once");
    assert_eq!(bench.edit(&pair(10)), goes_on(&[]));
    assert_eq!(bench.engine.program().old_rules().len(), 0);
}

#[test]
fn alerts_of_an_old_version_are_those_of_a_rule_that_was_never_changed() {
    let pair = |least| format!("{STREAMS}{}", rule("pair", least, PAIR));
    let run = |edit: bool| {
        let mut bench = Bench::new(&pair(1));
        bench.push("s", &record(0, "x", "a", 5));
        if edit {
            bench.edit(&pair(10));
        } else {
            bench.restart(&pair(1));
        }
        bench.push("s", &record(1, "x", "b", 7));
        let alerts = bench.engine.take_alerts();
        alerts.iter().map(|alert| serde_json::to_string(alert).expect("an alert is JSON")).collect::<Vec<_>>()
    };
    let alerts = run(true);
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts, run(false));
}

#[test]
fn what_waits_for_time_is_decided_by_the_old_version() {
    let quiet = |minutes| {
        let pattern = format!(
            "match 2+ consecutive a then not c for {minutes}m within 1h\n overlap resume at last a\n alert low \
             \"{minutes}: {{count(a)}}\"\n on timeout after a alert low \"{minutes}: late\""
        );
        format!("{STREAMS}{}", rule("quiet", 1, &pattern))
    };
    let mut bench = Bench::new(&quiet(10));
    for (at, k) in [(0, "x"), (1, "y"), (2, "x"), (3, "y"), (4, "z")] {
        bench.push("s", &record(at, k, "a", 5));
    }
    assert_eq!(bench.edit(&quiet(20)).old, ["quiet: 5 runs, 0 alerts"]);
    bench.push("s", &record(60_000, "y", "c", 5));
    bench.push("s", &record(60_001, "z", "a", 5));
    bench.push("s", &record(60_002, "w", "a", 5));
    bench.push("s", &record(60_003, "w", "a", 5));
    bench.push("s", &record(10_000_000, "v", "b", 5));
    assert_eq!(
        bench.alerts(),
        ["quiet 10: 2", "quiet 10: 2", "quiet 20: 2", "quiet 10: late", "quiet 20: late", "quiet 20: late"]
    );
    assert_eq!(bench.ended(), ["quiet"]);
}

#[test]
fn each_version_counts_its_own_alerts_for_its_limit() {
    let pair = |least: i64, limit: &str| {
        let pattern = format!("{PAIR}\n limit {limit} per 2h");
        format!("{STREAMS}{}", rule("pair", least, &pattern))
    };
    let mut bench = Bench::new(&pair(1, "1"));
    for at in 0..3 {
        bench.push("s", &record(at, "x", "a", at));
    }
    bench.push("s", &record(4, "x", "b", 4));
    assert_eq!(bench.alerts(), ["pair 1: 1 4"]);
    bench.push("s", &record(5, "x", "a", 5));
    // Of the two runs of the old version the first has been reported.
    assert_eq!(bench.edit(&pair(0, "9")).old, ["pair: 1 runs, 0 alerts"]);
    bench.push("s", &record(6, "x", "a", 6));
    bench.push("s", &record(7, "x", "b", 7));
    assert_eq!(bench.alerts(), ["pair 0: 6 7"], "the alert of the old version is held back");
    let counts = bench.engine.stats().rules;
    assert_eq!((counts.alerts, counts.held_back), (vec![4], vec![2]));
}

#[test]
fn a_second_edit_leaves_two_versions_behind_and_very_many_not_all() {
    let pair = |least| format!("{STREAMS}{}", rule("pair", least, PAIR));
    let mut bench = Bench::new(&pair(1));
    for edit in 2..=7 {
        bench.push("s", &record(edit, &format!("k{edit}"), "a", 100));
        let Edit { old, left } = bench.edit(&pair(edit));
        assert_eq!(old.len() as i64, (edit - 1).min(4));
        let why = "pair Changed: 1 runs; 4 newer versions of it have not come to an end";
        assert_eq!(left, if edit > 5 { vec![why] } else { vec![] });
    }
    for edit in 2..=7 {
        bench.push("s", &record(10 + edit, &format!("k{edit}"), "b", 100));
    }
    let expected = ["pair 3: 100 100", "pair 4: 100 100", "pair 5: 100 100", "pair 6: 100 100"];
    assert_eq!(bench.alerts(), expected);
    assert_eq!(bench.ended().len(), 4);
    assert_eq!(bench.engine.stats().live_runs, 0);
    assert_eq!(bench.rows(), 0);
}

#[test]
fn an_old_version_goes_on_through_restarts_and_edits_of_others() {
    let both = |pair, other| {
        format!(
            "{STREAMS}{}{}",
            rule("pair", pair, PAIR),
            rule("other", other, "match a alert low \"{a.v}\"")
        )
    };
    let mut bench = Bench::new(&both(1, 1000));
    bench.push("s", &record(0, "x", "a", 5));
    bench.push("s", &record(1, "y", "a", 5));
    for other in [1000, 1000, 2000, 1000, 3000] {
        assert_eq!(bench.edit(&both(10, other)).old, ["pair: 2 runs, 0 alerts"]);
        bench.store();
    }
    bench.push("s", &record(2, "x", "b", 5));
    assert_eq!(bench.alerts(), ["pair 1: 5 5"]);
    // As it was: it goes on with what it had, and begins anew.
    assert_eq!(bench.edit(&both(1, 1000)), goes_on(&[]));
    bench.push("s", &record(3, "x", "a", 6));
    bench.push("s", &record(4, "y", "b", 6));
    bench.push("s", &record(5, "x", "b", 6));
    assert_eq!(bench.alerts(), ["pair 1: 5 6", "pair 1: 6 6"]);
}

#[test]
fn a_rule_that_is_gone_or_off_goes_on_with_nothing() {
    let pair = |least| rule("pair", least, PAIR);
    let none = "let least_pair = 2\nrule other { match s as one alert low \"{least_pair}\" }".to_owned();
    let off = pair(2).replace("match", "mode off match");
    for (after, expected) in [(none, "pair Gone: 1 runs; "), (off, "pair Off: 1 runs; ")] {
        let mut bench = Bench::new(&format!("{STREAMS}{}", pair(1)));
        bench.push("s", &record(0, "x", "a", 5));
        let edit = bench.edit(&format!("{STREAMS}{after}"));
        assert_eq!(edit, Edit { old: vec![], left: vec![expected.to_owned()] });
    }
}

#[test]
fn where_alerts_go_is_said_by_the_rule_of_now() {
    let pair = |least, more: &str| format!("{STREAMS}{}", rule("pair", least, &format!("{PAIR} {more}")));
    let mut bench = Bench::new(&pair(1, "to desk"));
    bench.push("s", &record(0, "x", "a", 5));
    bench.push("s", &record(1, "y", "a", 5));
    bench.edit(&pair(2, "to audit"));
    bench.push("s", &record(2, "x", "b", 5));
    let alerts = bench.engine.take_alerts();
    assert_eq!((&*alerts[0].title, &*alerts[0].sinks), ("1: 5 5", &["audit".to_owned()][..]));
    bench.edit(&pair(2, "to audit mode shadow"));
    bench.push("s", &record(3, "y", "b", 5));
    assert_eq!(bench.alerts(), [] as [&str; 0]);
    assert_eq!(bench.engine.stats().rules.alerts, [2]);
}

#[test]
fn what_an_old_version_cannot_do_is_said() {
    let pattern = "match a then b within 1h\n alert low \"x\"";
    let before = format!("{STREAMS}{}", rule("pair", 1, pattern));
    for (after, why) in [
        (
            before.replace("v int,", "v float,").replace("= 1", "= 2"),
            "pair Changed: 1 runs; with the streams, lists and tables of now it means something else",
        ),
        (
            before.replace("v int,", "w int,").replace(" and v >= least_pair", "").replace("= 1", "= 2"),
            "pair Changed: 1 runs; `s` has no field `v`",
        ),
    ] {
        let mut bench = Bench::new(&before);
        bench.push("s", &record(0, "x", "a", 5));
        let edit = bench.edit(&after);
        assert_eq!(edit.old, [] as [&str; 0]);
        assert_eq!(edit.left, [why]);
    }
}

#[test]
fn old_versions_see_the_past_that_they_know_and_share_it_with_the_new_ones() {
    let habit = |times| {
        format!(
            "{STREAMS}rule habit {{ by k event a = s where t == \"a\" and v > {times} * avg(s.v) over previous 30d \
             event b = s where t == \"b\" and v > avg(s.v) over previous 30d\n match a then b within 1h\n \
             alert low \"{times}: {{a.v}} {{b.v}} {{count(s) over 30d}}\" }}"
        )
    };
    let mut bench = Bench::new(&habit(2));
    for at in 0..4 {
        bench.push("s", &record(at, "x", "c", 10));
    }
    bench.push("s", &record(5, "x", "a", 25));
    assert_eq!(bench.edit(&habit(4)).old, ["habit: 1 runs, 0 alerts"]);
    bench.push("s", &record(6, "x", "b", 14));
    assert_eq!(bench.alerts(), ["habit 2: 25 14 6"]);
    bench.push("s", &record(7, "x", "a", 60));
    bench.push("s", &record(8, "x", "b", 40));
    assert_eq!(bench.alerts(), ["habit 4: 60 40 8"]);
}

#[test]
fn rules_that_read_the_alerts_of_a_changed_rule_are_fed_by_both_versions() {
    let chain = |least| {
        format!(
            "{STREAMS}{}
             stream found from pair
             rule second {{ by k match 2 found as all within 1h alert low \"{{first(all).sum}} {{last(all).sum}}\" }}\n",
            rule("pair", least, &format!("{PAIR} {{ sum = a.v + b.v }}"))
        )
    };
    let mut bench = Bench::new(&chain(1));
    bench.push("s", &record(0, "x", "a", 5));
    bench.push("s", &record(1, "x", "b", 6));
    bench.push("s", &record(2, "x", "a", 7));
    assert_eq!(bench.alerts(), ["pair 1: 5 6"]);
    // What `second` means depends on `pair`: both go on in their old versions.
    assert_eq!(bench.edit(&chain(10)).old, ["pair: 1 runs, 0 alerts", "second: 1 runs, 0 alerts"]);
    bench.push("s", &record(3, "x", "b", 8));
    bench.push("s", &record(4, "x", "a", 20));
    bench.push("s", &record(5, "x", "b", 30));
    bench.push("s", &record(6, "y", "c", 0));
    let expected = ["pair 1: 7 8", "second 11 15", "pair 10: 20 30", "second 15 50"];
    assert_eq!(bench.alerts(), expected, "the new `second` begins with the alert of the old `pair`");
    assert_eq!(bench.ended(), ["pair", "second"]);
}

#[test]
fn alerts_that_wait_to_be_read_keep_their_version() {
    let chain = |least| {
        format!(
            "{STREAMS}{}
             stream found from pair
             rule second {{ by k match found as one then m as two within 1h alert low \"{{one.sum}} {{two.v}}\" }}\n",
            rule("pair", least, "match a alert low \"{a.v}\" { sum = a.v }")
        )
    };
    let mut bench = Bench::new(&chain(1));
    bench.push("m", r#"{"k":"x","v":1,"at":0}"#);
    bench.push("s", &record(1_000, "x", "a", 7));
    bench.push("m", r#"{"k":"y","v":1,"at":1001}"#);
    assert_eq!(bench.alerts(), ["pair 7"]);
    assert_eq!(bench.edit(&chain(10)).old, ["pair: 0 runs, 1 alerts"]);
    assert_eq!(bench.ended(), [] as [&str; 0]);
    bench.push("s", &record(2_000, "x", "c", 7));
    bench.push("m", r#"{"k":"x","v":8,"at":2000}"#);
    bench.push("s", &record(3_000, "x", "c", 7));
    bench.push("m", r#"{"k":"y","v":8,"at":3000}"#);
    assert_eq!(bench.alerts(), ["second 7 8"]);
    assert_eq!(bench.ended(), ["pair"]);
}

#[test]
fn an_old_version_that_reads_alerts_goes_on_through_restarts_when_only_it_has_begun_something() {
    let chain = |least| {
        format!(
            "{STREAMS}{}
             stream found from pair
             rule second {{ by k match 2 found as all within 1h alert low \"{{first(all).sum}} {{last(all).sum}}\" }}
             stream seconds from second
             rule third {{ by k match 2 seconds as all within 1h alert low \"{{count(all)}}\" }}\n",
            rule("pair", least, "match a alert low \"{a.v}\" { sum = a.v }")
        )
    };
    let mut bench = Bench::new(&chain(1));
    bench.push("s", &record(0, "x", "a", 5));
    bench.push("s", &record(1, "x", "c", 0));
    assert_eq!(bench.alerts(), ["pair 5"]);
    // Of `pair` nothing is left, but `second` means what it does only together with it.
    for _ in 0..3 {
        assert_eq!(bench.edit(&chain(10)), goes_on(&["second: 1 runs, 0 alerts"]));
        assert_eq!(bench.ended(), [] as [&str; 0]);
    }
    bench.push("s", &record(2, "x", "a", 20));
    bench.push("s", &record(3, "x", "c", 0));
    assert_eq!(bench.alerts(), ["pair 20", "second 5 20"]);
    // Now `third` has, and both are there for it.
    for _ in 0..3 {
        assert_eq!(bench.edit(&chain(10)).left, [] as [&str; 0]);
    }
    for (at, v) in [(4, 30), (5, 40), (6, 50), (7, 60)] {
        bench.push("s", &record(at, "x", "a", v));
    }
    bench.push("s", &record(8, "x", "c", 0));
    let alerts = bench.alerts();
    assert!(alerts.contains(&"third 2".to_owned()), "{alerts:?}");
    assert_eq!(bench.edit(&chain(10)), goes_on(&[]));
}
