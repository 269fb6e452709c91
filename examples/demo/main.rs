//! The demo: the real service, the example rules, a day of made-up traffic, and what it finds.
//!
//! It starts the `tripline` binary with a configuration in a temporary folder, sends a day of
//! events over TCP within some seconds, takes the alerts as a webhook would, prints them as they
//! come, and then compares them with the cases that were planted among the traffic. It exits with 1
//! when a planted case was not reported, or a near miss was. Meanwhile the service can be looked at: it has its web page,
//! and Prometheus can scrape it.
//!
//! `make demo` builds and runs it; `cargo run --release --example demo -- --help` lists the options.

mod generator;
mod options;
mod receiver;
mod report;
mod sender;
mod service;

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use generator::{Generator, HOUR, Settings};
use options::Options;
use receiver::Alert;
use report::{Report, Screen};
use service::Service;

/// How long after the last line or alert to wait for more alerts.
const QUIET: Duration = Duration::from_secs(2);
/// When to stop waiting for planted cases that have not been reported.
const PATIENCE: Duration = Duration::from_secs(15);

fn main() -> ExitCode {
    let options = match Options::from_arguments(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("demo: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the demo; whether everything planted was found.
fn run(options: &Options) -> Result<bool, String> {
    let generator = Generator::new(settings(options));
    let screen = Screen::new();
    let mut report = Report::new(generator.cases());
    let (address, alerts) = receiver::start().map_err(|error| format!("cannot receive alerts: {error}"))?;
    let mut service = Service::start(address, options.port)?;
    screen.introduce(options, generator.cases(), &service);

    let connections = service.connect()?;
    let sending = sender::start(generator, connections, options.rate);
    let started = Instant::now();
    let mut sent = None;
    let mut last = Instant::now();
    let mut seen = BTreeSet::new();
    loop {
        if let Some(alert) = next(&alerts)? {
            last = Instant::now();
            // Rules with several sinks deliver an alert to each of them.
            if seen.insert(alert.id.clone()) {
                screen.show(&alert);
                report.add(&alert);
            }
        }
        if sent.is_none() && sending.is_finished() {
            sent = Some(Instant::now());
            last = Instant::now();
        }
        let Some(sent) = sent else { continue };
        let complete = report.is_complete() && last.elapsed() > QUIET;
        if complete || sent.elapsed() > PATIENCE {
            break;
        }
    }
    let took = sent_seconds(started, sent);
    // The connections stay open until here: a closed one would no longer hold event time back.
    let (lines, connections) = sending.join().map_err(|_| "the sender failed".to_owned())??;
    screen.conclude(&report, lines, took);
    if options.keep {
        screen.invite(&service);
        // Who has no terminal closes it.
        let _ = std::io::stdin().read_line(&mut String::new());
    }
    service.stop()?;
    drop(connections);
    Ok(report.is_right())
}

/// A day that ended at the last midnight, so that the same seed gives the same alerts at any hour.
fn settings(options: &Options) -> Settings {
    let now = jiff::Timestamp::now().as_millisecond();
    let midnight = now - now.rem_euclid(24 * HOUR);
    let mut settings = Settings {
        seed: options.seed,
        events: options.events,
        keys: (options.events / 10).max(100),
        start_ms: 0,
        planted: 1,
    };
    settings.start_ms = midnight - settings.span_ms();
    settings
}

/// The next alert, if one comes soon.
fn next(alerts: &Receiver<Alert>) -> Result<Option<Alert>, String> {
    match alerts.recv_timeout(Duration::from_millis(50)) {
        Ok(alert) => Ok(Some(alert)),
        Err(RecvTimeoutError::Timeout) => Ok(None),
        Err(RecvTimeoutError::Disconnected) => Err("the receiver of alerts has stopped".to_owned()),
    }
}

fn sent_seconds(started: Instant, sent: Option<Instant>) -> f64 {
    sent.map_or(0.0, |sent| sent.duration_since(started).as_secs_f64())
}
