//! What is written of changes: what has changed and nothing else.

use std::collections::BTreeSet;

use tripline::engine::{Engine, EngineOptions};
use tripline::stored::Space;

use super::harness::{Bench, Restart, compile};

const STREAM: &str = "stream s time at { k string, t string, v int, at timestamp(ms) }\n";

const PAIR: &str = r#"
rule pair {
  by k
  event a = s where t == "a"
  event b = s where t == "b"
  match a then b within 10s
  overlap all
  alert low "{k} {a.v} {b.v}"
}
"#;

const HABIT: &str = r#"
rule habit {
  by k
  event a = s where v > sum(s.v) over previous 1h
  match a
  alert low "{k} {count(s) over 1h}"
}
"#;

fn record(at: i64, k: &str, t: &str, v: i64) -> String {
    format!(r#"{{"k":"{k}","t":"{t}","v":{v},"at":{at}}}"#)
}

#[test]
fn only_keys_that_have_changed_are_written() {
    let rules = format!("{STREAM}{PAIR}");
    let mut bench = Bench::new(&rules);
    for key in 0..100 {
        bench.push("s", &record(key, &format!("k{key}"), "a", 1));
    }
    assert_eq!(bench.store(), (100, 0), "at first everything");
    assert_eq!(bench.store(), (0, 0));
    bench.push("s", &record(200, "k7", "a", 2));
    bench.push("s", &record(201, "k7", "a", 3));
    bench.push("s", &record(202, "new", "a", 4));
    // This one is of no use to anybody.
    bench.push("s", &record(203, "k8", "x", 4));
    assert_eq!(bench.store(), (2, 0));
    assert_eq!(bench.restart(&rules), Restart::nothing());
    assert_eq!(bench.store(), (0, 0), "what was restored is stored already");
    // After 10 s the first hundred are over, but for k7 and those that come.
    bench.push("s", &record(10_150, "k9", "a", 5));
    assert_eq!(bench.store(), (99, 98), "k9 has begun again, and k7 is not looked at until all is over");
    assert_eq!(bench.rows(), 3);
    bench.push("s", &record(10_150, "k9", "b", 6));
    assert_eq!(bench.alerts(), ["pair k9 5 6"]);
    bench.engine.finish();
    bench.store();
    assert_eq!(bench.rows(), 0, "nothing is held at the end");
}

#[test]
fn a_key_that_comes_again_is_not_removed() {
    let rules = format!("{STREAM}{PAIR}");
    let mut bench = Bench::new(&rules);
    bench.push("s", &record(0, "k", "a", 1));
    assert_eq!(bench.store(), (1, 0));
    // Its run ends and another begins.
    bench.push("s", &record(20_000, "other", "x", 1));
    bench.push("s", &record(20_001, "k", "a", 2));
    assert_eq!(bench.store(), (1, 0));
    // This one is never stored, and its key is gone before that.
    bench.push("s", &record(20_002, "short", "a", 3));
    bench.push("s", &record(40_000, "other", "x", 3));
    assert_eq!(bench.store(), (1, 1));
    assert_eq!(bench.rows(), 0);
}

/// A log is stored in rows of 64 events: what comes changes the last of them, whatever is in those before.
#[test]
fn a_long_past_is_written_piece_by_piece() {
    let rules = format!("{STREAM}{HABIT}");
    let mut bench = Bench::new(&rules);
    for number in 0..1_000 {
        bench.push("s", &record(number * 1_000, "k", "a", 1));
    }
    assert_eq!(bench.store(), (16, 0));
    for number in 1_000..1_010 {
        bench.push("s", &record(number * 1_000, "k", "a", 1));
        assert_eq!(bench.store(), (1, 0));
    }
    // The first are older than an hour, so that their rows go.
    for number in 1_010..3_800 {
        bench.push("s", &record(number * 1_000, "k", "a", 1));
    }
    bench.store();
    assert_eq!(bench.rows(), 3_600_usize.div_ceil(64));
    assert_eq!(bench.restart(&rules), Restart::nothing());
    assert_eq!(bench.engine.stats().past_events, 3_600);
    bench.alerts();
    bench.push("s", &record(3_800_000, "k", "a", 3_598));
    bench.push("s", &record(3_800_500, "k", "a", 1));
    assert_eq!(bench.alerts(), [] as [&str; 0]);
    bench.push("s", &record(3_801_000, "k", "a", 10_000));
    assert_eq!(bench.alerts(), ["habit k 3601"]);
    let (changed, gone) = bench.store();
    assert!(changed <= 3 && gone <= 1, "{changed} {gone}");
    // Long after, all of it is forgotten.
    bench.push("s", &record(40_000_000, "other", "a", 0));
    bench.push("s", &record(80_000_000, "other", "a", 0));
    bench.store();
    assert_eq!(bench.rows(), 1);
}

#[test]
fn a_log_that_begins_again_takes_the_place_of_its_rows() {
    let rules = format!("{STREAM}{HABIT}");
    let mut bench = Bench::new(&rules);
    for number in 0..200 {
        bench.push("s", &record(number, "k", "a", 1));
    }
    assert_eq!(bench.store(), (4, 0));
    // It is forgotten and begins again before that is stored.
    bench.push("s", &record(20_000_000, "other", "a", 0));
    bench.push("s", &record(40_000_000, "k", "a", 7));
    assert_eq!(bench.store(), (4, 3), "one event instead of two hundred");
    assert_eq!(bench.restart(&rules), Restart::nothing());
    bench.alerts();
    bench.push("s", &record(40_000_001, "k", "a", 8));
    assert_eq!(bench.alerts(), ["habit k 2"]);
}

/// When the disk is full, what could not be kept is kept with what comes after it.
#[test]
fn changes_that_could_not_be_kept_are_kept_later() {
    let rules = format!("{STREAM}{PAIR}{HABIT}");
    let first = [(0, "stays"), (0, "goes")];
    let rest = [(5_000, "stays"), (5_001, "new"), (10_001, "short"), (30_000, "new"), (30_001, "again")];
    let mut bench = Bench::new(&rules);
    let push = |bench: &mut Bench, (at, k)| bench.push("s", &record(at, k, "a", 1));
    first.into_iter().for_each(|one| push(&mut bench, one));
    bench.store();
    let mut failed = Vec::new();
    for one in rest {
        push(&mut bench, one);
        failed.push(bench.engine.changes());
    }
    let newest = bench.engine.changes();
    let changes = failed.iter().rev().fold(newest, |newer, older| newer.with_older(older));
    let rows: Vec<_> = changes.rows().map(|row| (row.group, row.space, row.key.to_vec())).collect();
    assert!(rows.is_sorted_by_key(|(group, ..)| *group));
    let names: BTreeSet<_> = rows.iter().map(|(_, space, key)| (space, key)).collect();
    assert_eq!(names.len(), rows.len(), "each once");
    bench.state().take(&changes);
    // As if all had been kept at once.
    let mut other = Bench::new(&rules);
    first.into_iter().chain(rest).for_each(|one| push(&mut other, one));
    other.store();
    assert_eq!(rows_of(&bench), rows_of(&other));
}

fn rows_of(bench: &Bench) -> Vec<(Vec<u8>, Vec<u8>)> {
    bench.state().rows().map(|row| (row.key.to_vec(), row.value.unwrap_or_default().to_vec())).collect()
}

/// New memory costs more than all else that changes cost.
#[test]
fn changes_lie_where_those_before_them_lay() {
    // Each event ends the run of the one before and begins another.
    let rules = format!("{STREAM}{}", PAIR.replace("a then b", "a next b"));
    let mut bench = Bench::new(&rules);
    let options = EngineOptions { shards: 2, ..EngineOptions::RECORDED };
    bench.engine = Engine::new(compile(&rules), options);
    let long = "x".repeat(200);
    let mut places = Vec::new();
    for round in 0..3 {
        for key in 0..6_000 {
            bench.push("s", &record(round, &format!("{key:04}{long}"), "a", 1));
        }
        let changes = bench.engine.changes();
        let of_keys = changes.rows().filter(|row| row.space == Space::Runs);
        places.push(of_keys.map(|row| row.key.as_ptr()).collect::<BTreeSet<_>>());
        bench.engine.reuse(changes);
    }
    let [_, second, third] = &places[..] else { unreachable!("three times") };
    assert_eq!(third.len(), 6_000);
    let again = third.intersection(second).count();
    assert!(again > 4_000, "{again} of them");
}
