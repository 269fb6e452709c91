//! What an event costs by the number of live runs of its key: the engine alone, with events that are
//! decided already. Every event begins a run, and the window holds the runs of as many events as the
//! case says.

use crate::inside::{Job, Outcome, Values};
use crate::results::{Row, Unit};
use crate::suite::Suite;
use crate::table::grouped;

const GROUP: &str = "window";

/// How many runs are alive.
const RUNS: [u64; 5] = [10, 100, 1_000, 10_000, 100_000];

/// How much more an event may cost with the most live runs than with the fewest.
const MOST_TIMES: f64 = 2.0;

/// What an event may cost for each live run where conditions read captured events, in nanoseconds.
const MOST_NANOS: f64 = 2.0;

/// A pattern: its name, its events and what is matched, and the numbers that the events have.
struct Pattern {
    name: &'static str,
    clauses: &'static str,
    /// The numbers that the events have, so that as many runs lead to few matches.
    values: fn(runs: u64) -> Values,
    /// Events in the window that make as many runs.
    window: fn(runs: u64) -> u64,
    unary: bool,
}

const PATTERNS: [Pattern; 4] = [
    // Every tenth event moves all runs that wait for their second step.
    Pattern {
        name: "unary",
        clauses: "event a = s where v >= 0\n event b = s where kind == \"b\"\n event c = s where kind == \"c\"\n \
                  match a then b then c",
        values: |_| Values::Spread(1_000_000_000),
        window: |runs| runs,
        unary: true,
    },
    // Each b is taken and skipped by every run: n events have 0.1 n² / 2 pairs.
    Pattern {
        name: "unary, any",
        clauses: "event a = s where v >= 0\n event b = s where kind == \"b\"\n event c = s where kind == \"c\"\n \
                  match a then any b then c",
        values: |_| Values::Spread(1_000_000_000),
        window: |runs| (((1.0 + 0.2 * runs as f64).sqrt() - 1.0) * 10.0) as u64,
        unary: true,
    },
    // One event in a hundred is lower than what about one of the runs has captured.
    Pattern {
        name: "captured, <",
        clauses: "event a = s where v >= 1_000_000_000\n event b = s where v < a.v - 1_000_000_000\n match a then b",
        values: |runs| Values::Low(1_000_000_000 - 1_000_000_000 / runs),
        window: |runs| runs,
        unary: false,
    },
    // One event in ten is as high as one of the runs.
    Pattern {
        name: "captured, ==",
        clauses: "event a = s where v >= 0\n event b = s where v == a.v\n match a then b",
        values: |runs| Values::Spread(runs * 10),
        window: |runs| runs,
        unary: false,
    },
];

/// Measures each pattern with each number of live runs.
pub fn run(suite: &mut Suite) {
    for pattern in &PATTERNS {
        let mut fewest: Option<Outcome> = None;
        for runs in RUNS {
            let case = format!("{}, {} live runs", pattern.name, grouped(runs));
            if !suite.wants(GROUP, &case) {
                continue;
            }
            let Some(outcome) = suite.inside(&job(pattern, runs, suite.options.scaled(200_000))) else {
                eprintln!("{GROUP}: {case} was stopped: it takes too long");
                continue;
            };
            let remark = format!("{} were alive", grouped(outcome.live_runs));
            suite.push(Row::new(GROUP, case, outcome.nanos, Unit::NanosAnEvent).remark(remark));
            match &fewest {
                None => fewest = (runs == RUNS[0]).then_some(outcome),
                Some(fewest) if runs == RUNS[RUNS.len() - 1] => suite.push(judged(pattern, fewest, &outcome)),
                Some(_) => {}
            }
        }
    }
}

/// The most runs against the fewest.
fn judged(pattern: &Pattern, fewest: &Outcome, most: &Outcome) -> Row {
    let name = pattern.name;
    if pattern.unary {
        let case = format!("{name}, {} against {}", grouped(RUNS[RUNS.len() - 1]), grouped(RUNS[0]));
        return Row::new(GROUP, case, most.nanos / fewest.nanos, Unit::Times).target(MOST_TIMES);
    }
    let nanos = (most.nanos - fewest.nanos) / most.live_runs.saturating_sub(fewest.live_runs).max(1) as f64;
    Row::new(GROUP, format!("{name}, a live run"), nanos.max(0.0), Unit::NanosARun).target(MOST_NANOS)
}

fn job(pattern: &Pattern, runs: u64, events: u64) -> Job {
    let window = (pattern.window)(runs);
    let rules = format!(
        "rule r {{\n by key\n {}\n within {window}ms\n overlap all\n max runs 1_000_000\n max events 10_000_000\n \
         alert low \"{{key}}\"\n}}\n",
        pattern.clauses
    );
    // Twice the window, so that runs have ended, too, before the clock runs.
    Job { rules, values: (pattern.values)(runs), fill: 2 * window + 10_000, events, enough_s: 3.0 }
}
