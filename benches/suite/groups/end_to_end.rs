//! From a file of JSON lines to alerts, one rule, one core; and the example rules over their streams.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::results::Row;
use crate::suite::{Replay, Suite};
use crate::traffic::{cards, logins, orders, rising, to_file};

#[path = "../../../examples/demo/generator.rs"]
mod generator;

use generator::{Generator, STREAMS, Settings};

const GROUP: &str = "end to end";

/// A rule and the traffic for it.
struct Scenario {
    name: &'static str,
    rules: &'static str,
    write: fn(&Path, u64) -> Vec<(&'static str, PathBuf)>,
}

const SCENARIOS: [Scenario; 5] = [
    Scenario { name: "card testing", rules: "card_testing.trip", write: card_testing },
    Scenario { name: "brute force", rules: "brute_force.trip", write: brute_force },
    Scenario { name: "absence", rules: "absence.trip", write: absence },
    Scenario { name: "impossible travel", rules: "impossible_travel.trip", write: impossible_travel },
    Scenario { name: "skip till any", rules: "rising.trip", write: skip_till_any },
];

/// What an event may cost, in microseconds.
const TARGET: f64 = 1.0;

/// Measures each.
pub fn run(suite: &mut Suite) {
    for scenario in SCENARIOS.iter().filter(|scenario| suite.wants(GROUP, scenario.name)).collect::<Vec<_>>()
    {
        let events = suite.options.scaled(2_000_000);
        suite.note(&format!("{GROUP}: {} is written", scenario.name));
        let inputs = (scenario.write)(&suite.fresh_folder(), events);
        let replay = Replay { rules: Suite::rules(scenario.rules), inputs, events, shards: 1 };
        let measured = suite.replay(&replay);
        let row = measured.row(GROUP, scenario.name).target(TARGET);
        let alerts = measured.alerts as f64 * 1e3 / events as f64;
        let row =
            if measured.stopped { row } else { row.remark(format!("{alerts:.1} alerts a thousand events")) };
        suite.push(row);
    }
    examples(suite);
}

fn measure(suite: &Suite, case: &str, replay: &Replay) -> Row {
    let measured = suite.replay(replay);
    let row = measured.row(GROUP, case);
    if measured.stopped {
        return row;
    }
    let sizes = replay.inputs.iter().map(|(_, file)| fs::metadata(file).map_or(0, |file| file.len()));
    let bytes = sizes.sum::<u64>() as f64 / replay.events as f64;
    let alerts = measured.alerts as f64 * 1e3 / replay.events as f64;
    row.remark(format!("{bytes:.0} bytes an event, {alerts:.1} alerts a thousand events"))
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

fn impossible_travel(folder: &Path, events: u64) -> Vec<(&'static str, PathBuf)> {
    let file = folder.join("logins.jsonl");
    to_file(&file, |out| logins::write(out, events, logins::Attack::Travel));
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

fn skip_till_any(folder: &Path, events: u64) -> Vec<(&'static str, PathBuf)> {
    let file = folder.join("quotes.jsonl");
    to_file(&file, |out| rising::write(out, events));
    vec![("quotes", file)]
}

/// All example rules over the eight streams of the demo.
fn examples(suite: &mut Suite) {
    let case = "example rules, 8 streams";
    if !suite.wants(GROUP, case) {
        return;
    }
    let events = suite.options.scaled(1_000_000);
    suite.note(&format!("{GROUP}: {case} are written"));
    let inputs = write_examples(&suite.fresh_folder(), events);
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let row = measure(suite, case, &Replay { rules, inputs, events, shards: 1 });
    suite.push(row);
}

/// One file a stream, in the order in which the lines would arrive.
fn write_examples(folder: &Path, events: u64) -> Vec<(&'static str, PathBuf)> {
    let settings =
        Settings { seed: 1, events, keys: (events / 10).max(1), start_ms: 1_772_352_000_000, planted: 1 };
    let files: Vec<(&str, PathBuf)> =
        STREAMS.iter().map(|stream| (stream.name, folder.join(format!("{}.jsonl", stream.name)))).collect();
    let mut writers: Vec<BufWriter<File>> = files
        .iter()
        .map(|(_, path)| BufWriter::new(File::create(path).expect("the file can be made")))
        .collect();
    for line in Generator::new(settings) {
        writeln!(writers[line.stream], "{}", line.json).expect("the line can be written");
    }
    for writer in &mut writers {
        writer.flush().expect("the file can be written");
    }
    files
}
