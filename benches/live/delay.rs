//! The time from an event to its alert.
//!
//! A rule that is added to the example rules answers to single events with an alert that names the
//! event. The alerts come back through standard output, and the event's chunk says when it was sent.
//! No stream waits for late events (`late 0s`), so that what is measured is the service and not the
//! rules' patience; an event waits only until every other connection has come as far as it in event time.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{ChildStdout, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::common::live;
use crate::common::sender::{End, Settings};
use crate::common::traffic::{Plan, Traffic};
use crate::drive::{self, Load, Run};
use crate::harness::Folder;
use crate::options::Options;
use crate::throughput::file_sinks;

/// So many chunks are sent in a second, on each connection.
const CHUNKS_A_SECOND: u64 = 1_000;
/// How many chunks a connection may be ahead of another, when one of them is not taken.
const AHEAD: usize = 16;
/// What is sent in the first second finds a service that is just waking up; and behind what is sent in
/// the last comes the closing line, with which everything that waits for time to pass is decided. Neither
/// is counted.
const NOT_COUNTED: usize = CHUNKS_A_SECOND as usize;
/// The stream of the rule that is added, which is the busiest.
const STREAM: &str = "card_auths";

/// The rule that answers to single events.
const PROBE: &str = "
rule probe {
  by card
  event charge = card_auths where approved and amount >= 150
  match charge
  alert info \"probe\" { id = charge.id }
  to probe
}
";

/// An alert, when it was read.
type Answer = (Instant, Value);

/// Measures and prints.
pub fn run(options: &Options) {
    let cards = options.cards.unwrap_or(100_000);
    let rate = options.rate.unwrap_or(250_000);
    let chunk = (rate / CHUNKS_A_SECOND).max(1) as usize;
    let plan = Plan { cards, connections: options.connections, chunk, in_order: true };
    let mut traffic = Traffic::prepare(plan);
    let seconds = options.seconds.unwrap_or(20);
    println!(
        "delay: {seconds} s at {rate} events/s over {}, {cards} cards, rules/ with `late 0s` and a rule that \
         answers to single events, alerts to standard output",
        drive::streams(&traffic)
    );
    let folder = Folder::new();
    copy_rules(Path::new(live::example_rules()), Path::new("rules"), &folder);
    folder.write("rules/probe.trip", PROBE);
    let sinks = format!("{}[sinks.probe]\ntype = \"stdout\"\n", file_sinks());
    let config = live::configuration("rules", &traffic, &sinks);
    let mut load = Load::start(folder, config, &traffic, Stdio::piped());
    let stdout = load.stdout();
    let answers = thread::spawn(move || read_answers(stdout));
    let settings = Settings { rate: Some(rate), ahead: AHEAD, end: End::After(Duration::from_secs(seconds)) };
    let run = load.run(&mut traffic, settings, |_| ());
    run.print(&traffic);
    print_delays(&run, &traffic, &answers.join().expect("the alerts can be read"));
}

/// Copies the rules without their tests and makes every stream's `late` nothing.
fn copy_rules(from: &Path, to: &Path, folder: &Folder) {
    for entry in std::fs::read_dir(from).expect("the rules can be read") {
        let path = entry.expect("the rules can be read").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a plain name");
        let target = to.join(name);
        if path.is_dir() {
            copy_rules(&path, &target, folder);
        } else if !name.ends_with(".test.trip") {
            let text = std::fs::read_to_string(&path).expect("the rules can be read");
            let lines = text
                .lines()
                .map(|line| if line.starts_with("stream ") { punctual(line) } else { line.into() });
            let text = lines.collect::<Vec<String>>().join("\n") + "\n";
            folder.write(target.to_str().expect("a plain name"), text);
        }
    }
}

/// The heading of a stream with `late 0s`.
fn punctual(heading: &str) -> String {
    let mut words: Vec<&str> = heading.split(' ').collect();
    if let Some(late) = words.iter().position(|word| *word == "late") {
        words[late + 1] = "0s";
    }
    words.join(" ")
}

fn read_answers(stdout: ChildStdout) -> Vec<Answer> {
    let mut lines = Vec::new();
    for line in BufReader::new(stdout).lines() {
        let line = line.expect("alerts are UTF-8");
        lines.push((Instant::now(), line));
    }
    // Reading them is left until nothing is measured any more.
    lines.into_iter().map(|(at, line)| (at, serde_json::from_str(&line).expect("alerts are JSON"))).collect()
}

fn print_delays(run: &Run, traffic: &Traffic, answers: &[Answer]) {
    let lane = traffic.lanes.iter().position(|lane| lane.stream.name == STREAM).expect("it is the busiest");
    let chunks = traffic.lanes[lane].chunks_by_id();
    let (mut from_writing, mut from_due) = (Vec::new(), Vec::new());
    let mut by_second: BTreeMap<usize, Vec<Duration>> = BTreeMap::new();
    for (read, alert) in answers {
        let text = |value: &'_ Value| value.as_str().expect("the rule gives its alerts this").to_owned();
        let time: jiff::Timestamp = text(&alert["last_time"]).parse().expect("a time as RFC 3339 has it");
        let chunk_of_day = chunks[&text(&alert["fields"]["id"])];
        let chunk = traffic.lanes[lane].chunk_at(chunk_of_day, time.as_millisecond());
        if (NOT_COUNTED..run.sent.chunks.saturating_sub(NOT_COUNTED)).contains(&chunk) {
            let delay = read.duration_since(run.sent.written[lane][chunk]);
            from_writing.push(delay);
            from_due.push(read.duration_since(run.pace.due(chunk)));
            by_second.entry(chunk / CHUNKS_A_SECOND as usize).or_default().push(delay);
        }
    }
    println!(
        "{:<34} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "milliseconds", "alerts", "p50", "p90", "p99", "p99.9", "most"
    );
    print_percentiles("from the writing of the event", &mut from_writing);
    print_percentiles("from when the rate wanted it sent", &mut from_due);
    // Whether a bad figure is that of a moment or of the whole run.
    print!("p99 of each second, from the writing:");
    by_second.values_mut().for_each(|delays| print!(" {:.1}", percentile(delays, 0.99)));
    println!();
}

fn print_percentiles(what: &str, delays: &mut [Duration]) {
    assert!(!delays.is_empty(), "there are alerts between the first second and the last");
    print!("{what:<34} {:>8}", delays.len());
    for share in [0.5, 0.9, 0.99, 0.999, 1.0] {
        print!(" {:>8.2}", percentile(delays, share));
    }
    println!();
}

/// The delay, in milliseconds, that this share of all does not exceed.
fn percentile(delays: &mut [Duration], share: f64) -> f64 {
    delays.sort();
    let rank = (delays.len() as f64 * share).ceil() as usize;
    delays[rank.saturating_sub(1)].as_secs_f64() * 1e3
}
