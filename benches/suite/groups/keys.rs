//! Many keys, each with a live run; and what a key, a run and an event take of memory.
//!
//! Every key comes once and begins a run; then come further events for any of the keys, which look at
//! its run. The more keys there are the more of the same number of events are first ones, which cost
//! something else: a key is made, and its event is kept. So three figures are given:
//!
//! - an event of a key that is there: what the further events take beyond what the first ones alone take;
//! - a new key with its run and its event: what the first ones take, where they are enough to be measured;
//! - all events together, as many for each number of keys.
//!
//! Memory is peak memory of the process. All figures in bytes are differences between two
//! measurements of the same number of events, so that what does not grow is not in them:
//!
//! - one rule for 10,000 keys and for many: a key with its first run and the event that the run holds;
//! - one rule and two alike, where each event begins a run of each rule: a run without its event. Once
//!   with one run a key, which is then a key's first, and once with a hundred runs a key.

use std::fs;
use std::path::PathBuf;

use crate::results::{Row, Unit};
use crate::suite::{Measured, Replay, STOPPED, Suite};
use crate::table::grouped;
use crate::traffic::{keys, to_file};

const GROUP: &str = "keys";

/// How many events there are in all, or how many further ones.
const EVENTS: u64 = 12_000_000;

/// How many keys.
const KEYS: [u64; 3] = [10_000, 1_000_000, 10_000_000];

/// How much more an event may cost with many keys than with few.
const MOST_TIMES: f64 = 3.0;

/// How many bytes a run may take beyond its event.
const MOST_BYTES: f64 = 200.0;

const STREAM: &str = "stream orders time at {
  order  string
  kind   string
  amount int
  at     timestamp(ms)
}
";

/// How runs may be held, and the condition on the second event that leads to it.
const KINDS: [(&str, &str); 2] =
    [("captured events are read", "amount > placed.amount"), ("unary", "amount > 1_000")];

/// Measures all.
pub fn run(suite: &mut Suite) {
    further(suite);
    speed(suite);
    for (kind, condition) in KINDS {
        memory(suite, kind, condition);
    }
}

/// The cost of an event of a key that is there, and that of a new key, by the number of keys.
fn further(suite: &mut Suite) {
    let events = suite.options.scaled(EVENTS);
    let mut few = None;
    for keys in KEYS.into_iter().filter(|keys| *keys <= events) {
        let (case, new) =
            (format!("an event of {} keys", grouped(keys)), format!("each of {} new keys", grouped(keys)));
        if !suite.wants(GROUP, &case) {
            continue;
        }
        let traffic = Traffic { keys, rounds: 1, events: keys, rules: 1 };
        let first = measure(suite, traffic, KINDS[0].1);
        let all = measure(suite, Traffic { events: keys + events, ..traffic }, KINDS[0].1);
        let peak_mb = Some(all.peak_mb);
        let micros = (all.cpu_s - first.cpu_s) * 1e6 / events as f64;
        let remark = if all.stopped { STOPPED } else { "" };
        let row = Row::new(GROUP, case.as_str(), micros, Unit::MicrosAnEvent).remark(remark);
        suite.push(Row { peak_mb, ..row });
        match few {
            None if keys == KEYS[0] => few = Some(micros),
            None => {}
            Some(few) => {
                let case = format!("{case} against {}", grouped(KEYS[0]));
                suite.push(Row::new(GROUP, case, micros / few, Unit::Times).target(MOST_TIMES));
                let remark = format!("with its run and its event, which is kept; {}", of_the_system(&first));
                suite.push(first.row(GROUP, new).remark(remark));
            }
        }
    }
}

/// The cost of as many events by the number of keys, the first event of each key included.
fn speed(suite: &mut Suite) {
    let cases: Vec<(u64, String)> =
        KEYS.iter().map(|keys| (*keys, format!("{} keys", grouped(*keys)))).collect();
    let events = suite.options.scaled(EVENTS);
    let mut few: Option<Measured> = None;
    for (keys, case) in cases {
        if !suite.wants(GROUP, &case) || keys > events {
            continue;
        }
        let measured = measure(suite, Traffic { keys, rounds: 1, events, rules: 1 }, KINDS[0].1);
        suite.push(measured.row(GROUP, case.as_str()).remark(of_the_system(&measured)));
        match &few {
            None if keys == KEYS[0] => few = Some(measured),
            None => {}
            Some(few) => {
                // New memory is the system's affair, and costs tens of times as much in a guest whose host has
                // to find it: both are given.
                let own = |of: &Measured| of.cpu_s - of.system_s;
                let case_times = format!("{case} against {}", grouped(KEYS[0]));
                let with = measured.cpu_s / few.cpu_s;
                let remark = format!("without the operating system's time; with it {with:.2}x");
                let row = Row::new(GROUP, case_times, own(&measured) / own(few), Unit::Times);
                suite.push(row.target(MOST_TIMES).remark(remark));
                let bytes = (measured.peak_mb - few.peak_mb) * 1e6 / (keys - KEYS[0]) as f64;
                let row =
                    Row::new(GROUP, format!("{case}: a key, its run and the event"), bytes, Unit::Bytes);
                suite.push(row);
            }
        }
    }
}

/// How much of the time the system itself took: it must clear new memory, which takes much longer where it
/// is itself a guest and gets that memory from its host.
fn of_the_system(measured: &Measured) -> String {
    if measured.stopped {
        return STOPPED.to_owned();
    }
    let micros = measured.system_s * 1e6 / measured.events as f64;
    format!("{micros:.2} µs of it the operating system's, for new memory above all")
}

/// What runs take of memory.
fn memory(suite: &mut Suite, kind: &str, condition: &str) {
    let first = format!("a key's first run, {kind}");
    let further = format!("each of 100 runs a key, {kind}");
    let runs = suite.options.scaled(1_000_000).next_multiple_of(100);
    for (case, rounds) in [(first, 1), (further, 100)] {
        if !suite.wants(GROUP, &case) {
            continue;
        }
        let traffic = Traffic { keys: runs / rounds, rounds, events: runs, rules: 1 };
        let one = measure(suite, traffic, condition);
        let two = measure(suite, Traffic { rules: 2, ..traffic }, condition);
        let bytes = (two.peak_mb - one.peak_mb) * 1e6 / runs as f64;
        let whole = (one.peak_mb - one.startup_mb) * 1e6 / runs as f64;
        let remark = format!("with its event and its part of the key {whole:.0} B");
        suite.push(Row::new(GROUP, case, bytes, Unit::Bytes).target(MOST_BYTES).remark(remark));
    }
}

/// Events for some keys.
#[derive(Clone, Copy, Debug)]
struct Traffic {
    /// How many keys.
    keys: u64,
    /// How many events of each begin a run.
    rounds: u64,
    /// How many events there are in all.
    events: u64,
    /// How many rules of the same meaning.
    rules: u64,
}

fn measure(suite: &Suite, traffic: Traffic, condition: &str) -> Measured {
    let Traffic { keys, rounds, events, rules } = traffic;
    let folder = suite.fresh_folder();
    let file = folder.join("orders.jsonl");
    to_file(&file, |out| keys::write(out, keys, rounds, events));
    let rules = write_rules(&folder.join("rules.trip"), condition, rules);
    suite.replay(&Replay { rules, inputs: vec![("orders", file)], events, shards: 1 })
}

fn write_rules(file: &PathBuf, condition: &str, rules: u64) -> PathBuf {
    let rule = |number| {
        format!(
            "\nrule r{number} {{\n  by order\n  event placed = orders where kind == \"order\"\n  \
             event paid = orders where kind == \"payment\" and {condition}\n  \
             match placed then paid within 30d\n  overlap all\n  alert low \"{{order}}\"\n}}\n"
        )
    };
    let text: String = std::iter::once(STREAM.to_owned()).chain((0..rules).map(rule)).collect();
    fs::write(file, text).expect("the rules can be written");
    file.clone()
}
