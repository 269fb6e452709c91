//! Rules and traffic that would take all time and memory if nothing bounded them. What counts is that
//! they end, with little memory, and that alerts name the limit that was reached.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::results::Row;
use crate::suite::{Measured, Replay, Suite};
use crate::traffic::{self, cards};

const GROUP: &str = "adversaries";

const STREAM: &str = "stream s time at {
  key  string
  kind string
  v    int
  at   timestamp(ms)
}
";

/// A rule over one key, and the kinds of its events.
struct Adversary {
    name: &'static str,
    clauses: &'static str,
    events: u64,
    kind: fn(number: u64, events: u64) -> &'static str,
}

const ADVERSARIES: [Adversary; 5] = [
    Adversary {
        name: "0+ any a, 10,000 events",
        clauses: "event first = s where kind == \"first\"
                  event a = s where kind == \"a\"
                  event last = s where kind == \"last\"
                  match first then 0+ any a then last within 1d",
        events: 10_000,
        kind: |number, events| match number {
            0 => "first",
            _ if number + 1 == events => "last",
            _ => "a",
        },
    },
    Adversary {
        name: "0+ any a, conditions on what was taken",
        clauses: "event first = s where kind == \"first\"
                  event higher = s where kind == \"a\" and v > (max(higher.v) ?? -1)
                  event last = s where kind == \"last\"
                  match first then 0+ any higher then last within 1d",
        events: 10_000,
        kind: |number, events| match number {
            0 => "first",
            _ if number + 1 == events => "last",
            _ => "a",
        },
    },
    Adversary {
        name: "runs pile up, no within",
        clauses: "event a = s where kind == \"a\"
                  event last = s where kind == \"last\"
                  match a then last",
        events: 100_000,
        kind: |_, _| "a",
    },
    Adversary {
        name: "runs pile up, conditions on what was taken",
        clauses: "event a = s where kind == \"a\"
                  event lower = s where v < a.v - 1_000_000
                  match a then lower",
        events: 100_000,
        kind: |_, _| "a",
    },
    Adversary {
        name: "100,000 matches at one event",
        clauses: "event a = s where kind == \"a\"
                  event last = s where kind == \"last\"
                  match a then last within 1d
                  max runs 100_000",
        events: 100_001,
        kind: |number, events| if number + 1 == events { "last" } else { "a" },
    },
];

/// Measures each.
pub fn run(suite: &mut Suite) {
    for adversary in ADVERSARIES.iter().filter(|it| suite.wants(GROUP, it.name)).collect::<Vec<_>>() {
        let folder = suite.fresh_folder();
        let rules = folder.join("rules.trip");
        fs::write(&rules, rule(adversary.clauses)).expect("the rule can be written");
        let file = folder.join("s.jsonl");
        write_events(&file, adversary);
        let replay = Replay { rules, inputs: vec![("s", file)], events: adversary.events, shards: 1 };
        let measured = suite.replay(&replay);
        suite.push(described(adversary.name, &measured));
    }
    one_large_key(suite);
}

fn rule(clauses: &str) -> String {
    format!("{STREAM}\nrule r {{\n  by key\n  {clauses}\n  overlap all\n  alert low \"{{key}}\"\n}}\n")
}

fn write_events(file: &Path, adversary: &Adversary) {
    traffic::to_file(file, |out| {
        for number in 0..adversary.events {
            let kind = (adversary.kind)(number, adversary.events);
            writeln!(out, r#"{{"key":"k","kind":"{kind}","v":{number},"at":{number}}}"#)?;
        }
        Ok(())
    });
}

/// Half of all events on one card, two shards: one of them has three quarters of the work.
fn one_large_key(suite: &mut Suite) {
    let case = "one key has half of all events, 2 shards";
    if !suite.wants(GROUP, case) {
        return;
    }
    let events = suite.options.scaled(2_000_000);
    let file = suite.fresh_folder().join("payments.jsonl");
    traffic::to_file(&file, |out| cards::write(out, events, cards::Spread::HalfOnOne));
    let rules = Suite::rules("card_testing.trip");
    let measured = suite.replay(&Replay { rules, inputs: vec![("payments", file)], events, shards: 2 });
    suite.push(described(case, &measured));
}

fn described(case: &str, measured: &Measured) -> Row {
    let row = measured.row(GROUP, case);
    if measured.stopped {
        return row;
    }
    let limits = if measured.limits.is_empty() { "no limit".to_owned() } else { measured.limits.join(", ") };
    row.remark(format!("{:.2} s; named: {limits}", measured.wall_s))
}
