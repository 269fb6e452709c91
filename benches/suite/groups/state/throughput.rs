//! The service with and without `[state]`: the same events, in turn, so that what else the machine does
//! hits both alike. What counts is each pair, and of those the one in the middle.

use std::fs;
use std::path::Path;

use crate::results::{Row, Unit};
use crate::service::{Service, Took};
use crate::suite::Suite;
use crate::traffic::{cards, to_file};

use super::{GROUP, median, spread};

/// How much longer the same events may take with checkpoints: throughput may be 15 % less. What comes over a
/// connection is besides written to the journal and synced, every byte of it, which has no such bound.
const MOST_TIMES: f64 = 1.0 / 0.85;

/// How many events: enough for several checkpoints.
const EVENTS: u64 = 6_000_000;

/// The file of the payments.
const PAYMENTS: &str = "payments.jsonl";

/// Where payments come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    /// A file, which is read anew from where it was after a crash.
    File,
    /// A connection, of which everything that comes is written to the journal.
    Tcp,
}

/// Rules over payments.
struct Case {
    name: &'static str,
    rules: &'static str,
    from: From,
}

const CASES: [Case; 3] = [
    Case { name: "card testing", rules: "card_testing.trip", from: From::File },
    Case { name: "amount jump", rules: "amount_jump.trip", from: From::File },
    Case { name: "card testing, TCP", rules: "card_testing.trip", from: From::Tcp },
];

/// Measures each.
pub fn run(suite: &mut Suite) {
    let named = CASES.map(|case| (format!("{}, kept against not", case.name), case));
    let wanted: Vec<_> = named.iter().filter(|(name, _)| suite.wants(GROUP, name)).collect();
    if wanted.is_empty() {
        return;
    }
    suite.note(&format!("{GROUP}: payments are written"));
    let (folder, events) = (suite.fresh_folder(), suite.options.scaled(EVENTS));
    to_file(&folder.join(PAYMENTS), |out| cards::write(out, events, cards::Spread::Even));
    for (name, case) in wanted {
        measure(suite, case, name, &folder, events);
    }
}

fn measure(suite: &mut Suite, case: &Case, name: &str, folder: &Path, events: u64) {
    let mut pairs = Vec::new();
    for _ in 0..suite.options.runs {
        let pair = [false, true].map(|keeps| run_once(suite, case, folder, keeps));
        let [(_, without), (_, with)] = &pair;
        assert_eq!(without, with, "the same alerts are sent, whether state is kept or not");
        pairs.push(pair.map(|(took, _)| took));
    }
    let times = |of: fn(&Took) -> f64| -> Vec<f64> {
        pairs.iter().map(|[without, with]| of(with) / of(without)).collect()
    };
    let (wall, cpu) = (times(|took| took.wall_s), times(|took| took.cpu_s));
    let middle = |of: fn(&[Took; 2]) -> f64| median(pairs.iter().map(of));
    let micros = 1e6 / events as f64;
    let clock = format!(
        "on the clock, {} of {} pairs; {:.1} s against {:.1} s",
        spread(&wall, |times| format!("{times:.2}")),
        pairs.len(),
        middle(|[_, with]| with.wall_s),
        middle(|[without, _]| without.wall_s)
    );
    let of_cpu = format!(
        "{}; {:.2} µs an event against {:.2} µs",
        spread(&cpu, |times| format!("{times:.2}")),
        micros * middle(|[_, with]| with.cpu_s),
        micros * middle(|[without, _]| without.cpu_s)
    );
    let row = Row::new(GROUP, name, median(wall), Unit::Times).remark(clock);
    suite.push(if case.from == From::File { row.target(MOST_TIMES) } else { row });
    suite.push(Row::new(GROUP, format!("{name}, CPU time"), median(cpu), Unit::Times).remark(of_cpu));
}

/// Runs the service over all events once. Returns what it took and how many alerts it sent.
fn run_once(suite: &Suite, case: &Case, folder: &Path, keeps: bool) -> (Took, usize) {
    let alerts = folder.join("alerts.jsonl");
    let _ = fs::remove_file(&alerts);
    let _ = fs::remove_dir_all(folder.join("state"));
    let mut service = Service::start(&suite.options.binary, folder, &configuration(case, keeps));
    let took = match case.from {
        From::File => service.end(),
        From::Tcp => {
            service.send("payments", &folder.join(PAYMENTS));
            service.stop()
        }
    };
    let text = fs::read_to_string(&alerts).unwrap_or_default();
    (took, text.lines().count())
}

fn configuration(case: &Case, keeps: bool) -> String {
    let from = match case.from {
        From::File => format!("type = \"file\"\npath = \"{PAYMENTS}\""),
        From::Tcp => "type = \"tcp\"\nlisten = \"127.0.0.1:0\"".to_owned(),
    };
    let state = if keeps { "[state]\npath = \"state\"\ncheckpoint = \"1s\"\n" } else { "" };
    format!(
        "rules = '{}'\nmax_ahead = \"36500d\"\nshutdown_timeout = \"10m\"\ndefault_sinks = [\"alerts\"]\n\n\
         [sinks.alerts]\ntype = \"file\"\npath = \"alerts.jsonl\"\n\n\
         [sources.payments]\nstream = \"payments\"\n{from}\n\n{state}",
        Suite::rules(case.rules).display()
    )
}
