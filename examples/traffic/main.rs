//! Fills topics of Kafka with the demo's made-up traffic, as it would come: `compose.yaml` runs it.
//!
//! It makes the topics that are not there. The traffic begins some hours ago, so that rules that wait for hours have
//! something to report at once, catches up as fast as the topics take it, and goes on with the clock, day after day, until
//! it is stopped. Topics that have something in them are filled from now on.
//!
//! `cargo run --example traffic -- --help` lists the options.

#[path = "../demo/generator.rs"]
mod generator;
mod topics;

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use clap::Parser;

use generator::{Generator, HOUR, Line, SECOND, Settings};
use topics::Topics;

const DAY: i64 = 24 * HOUR;
/// How often it is said how much was sent.
const REPORT_EVERY: u64 = 100_000;

/// Fill topics of Kafka with made-up traffic, as it would come
#[derive(Debug, Parser)]
struct Options {
    /// Some brokers of the cluster, as `host:port`, with commas between
    #[arg(long, default_value = "127.0.0.1:9092")]
    brokers: String,

    /// Only make the topics
    #[arg(long)]
    make_topics: bool,

    /// Events a second, on average of a day
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    rate: u64,

    /// How many hours ago the traffic begins, where there is none yet
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(i64).range(0..=23))]
    hours: i64,

    /// How many times a day the demo's fifty cases are planted
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u64).range(0..=1_000))]
    cases: u64,

    /// The same seed gives the same traffic
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("traffic: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Makes the topics, and sends until something fails.
fn run(options: &Options) -> Result<(), String> {
    let topics = Topics::open(&options.brokers)?;
    topics.make()?;
    if options.make_topics {
        return Ok(());
    }
    let mut start = now() - if topics.is_empty()? { options.hours * HOUR } else { 0 };
    let mut sent = 0;
    for seed in options.seed.. {
        let settings = day(options, seed, start);
        for line in Generator::new(settings) {
            send(&topics, &line)?;
            sent += 1;
            if sent % REPORT_EVERY == 0 {
                println!("{sent} events sent");
            }
        }
        start += settings.span_ms();
    }
    Err("there is no further seed".to_owned())
}

/// What a day has that begins then.
fn day(options: &Options, seed: u64, start_ms: i64) -> Settings {
    let events = options.rate * (DAY / SECOND) as u64;
    // Ten lines a card make a day.
    Settings { seed, events, keys: events / 10, start_ms, planted: options.cases }
}

/// Sends a line when its time has come.
fn send(topics: &Topics, line: &Line) -> Result<(), String> {
    let wait = line.time_ms - now();
    if let Ok(wait @ 1..) = u64::try_from(wait) {
        topics.flush()?;
        thread::sleep(Duration::from_millis(wait));
    }
    topics.send(line)
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
