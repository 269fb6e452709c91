//! The service with and without `[state]`: the same events, in turn, so that what else the machine does
//! hits both alike. What counts is each pair, and of those the one in the middle.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use crate::results::{Row, Unit};
use crate::service::{Service, Took};
use crate::suite::Suite;
use crate::traffic::{cards, logins, orders, to_file};

use super::{GROUP, median, spread};

/// How much longer the same events may take: throughput may be 15 % less.
const MOST_TIMES: f64 = 1.0 / 0.85;

/// How many events: enough for several checkpoints.
const EVENTS: u64 = 6_000_000;

/// Where events come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    /// Files, which are read anew after a crash.
    Files,
    /// Connections, of which what came is written to the journal.
    Tcp,
}

/// Rules, and events for them.
struct Case {
    name: &'static str,
    rules: &'static str,
    from: From,
    write: fn(&Path, u64) -> Vec<(&'static str, PathBuf)>,
}

const CASES: [Case; 4] = [
    Case { name: "card testing", rules: "card_testing.trip", from: From::Files, write: card_testing },
    Case { name: "brute force", rules: "brute_force.trip", from: From::Files, write: brute_force },
    Case { name: "absence", rules: "absence.trip", from: From::Files, write: absence },
    Case { name: "card testing, TCP", rules: "card_testing.trip", from: From::Tcp, write: card_testing },
];

/// Measures each.
pub fn run(suite: &mut Suite) {
    for case in CASES {
        let name = format!("{}, kept against not", case.name);
        if suite.wants(GROUP, &name) {
            measure(suite, &case, &name);
        }
    }
}

fn measure(suite: &mut Suite, case: &Case, name: &str) {
    let events = suite.options.scaled(EVENTS);
    suite.note(&format!("{GROUP}: {} is written", case.name));
    let folder = suite.fresh_folder();
    let inputs = (case.write)(&folder, events);
    let mut pairs = Vec::new();
    for _ in 0..suite.options.runs {
        let pair = [false, true].map(|keeps| run_once(suite, case, &folder, &inputs, keeps));
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
    suite.push(Row::new(GROUP, name, median(wall), Unit::Times).target(MOST_TIMES).remark(clock));
    suite.push(Row::new(GROUP, format!("{name}, CPU time"), median(cpu), Unit::Times).remark(of_cpu));
}

/// Runs the service over all events once. Returns what it took and how many alerts it sent.
fn run_once(
    suite: &Suite,
    case: &Case,
    folder: &Path,
    inputs: &[(&'static str, PathBuf)],
    keeps: bool,
) -> (Took, usize) {
    let alerts = folder.join("alerts.jsonl");
    let _ = fs::remove_file(&alerts);
    let _ = fs::remove_dir_all(folder.join("state"));
    let config = configuration(case, inputs, keeps);
    let mut service = Service::start(&suite.options.binary, folder, &config);
    let took = match case.from {
        From::Files => service.end(),
        From::Tcp => {
            inputs.iter().for_each(|(stream, file)| service.send(stream, file));
            service.stop()
        }
    };
    let text = fs::read_to_string(&alerts).unwrap_or_default();
    (took, text.lines().count())
}

fn configuration(case: &Case, inputs: &[(&'static str, PathBuf)], keeps: bool) -> String {
    let mut text = format!(
        "rules = '{}'\nmax_ahead = \"36500d\"\nshutdown_timeout = \"10m\"\ndefault_sinks = [\"alerts\"]\n\n\
         [sinks.alerts]\ntype = \"file\"\npath = \"alerts.jsonl\"\n\n",
        Suite::rules(case.rules).display()
    );
    for (stream, file) in inputs {
        let from = match case.from {
            From::Files => format!("type = \"file\"\npath = '{}'", file.display()),
            From::Tcp => "type = \"tcp\"\nlisten = \"127.0.0.1:0\"".to_owned(),
        };
        let _ = writeln!(text, "[sources.{stream}]\nstream = \"{stream}\"\n{from}\n");
    }
    if keeps {
        text.push_str("[state]\npath = \"state\"\ncheckpoint = \"1s\"\n");
    }
    text
}

fn card_testing(folder: &Path, events: u64) -> Vec<(&'static str, PathBuf)> {
    let file = folder.join("payments.jsonl");
    to_file(&file, |out| cards::write(out, events, cards::Spread::Even));
    vec![("payments", file)]
}

fn brute_force(folder: &Path, events: u64) -> Vec<(&'static str, PathBuf)> {
    let file = folder.join("logins.jsonl");
    to_file(&file, |out| logins::write(out, events, logins::Attack::Guess));
    vec![("logins", file)]
}

fn absence(folder: &Path, events: u64) -> Vec<(&'static str, PathBuf)> {
    let (placed, paid) = (folder.join("orders.jsonl"), folder.join("payments.jsonl"));
    to_file(&placed, |placed| {
        let mut written = Ok(());
        to_file(&paid, |paid| {
            written = orders::write(placed, paid, events);
            Ok(())
        });
        written
    });
    vec![("orders", placed), ("payments", paid)]
}
