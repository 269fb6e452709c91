//! As many events as the service takes, while the receiver of its alerts does not answer for a while:
//! nothing may be lost, and memory must stay bounded.

use std::process::Stdio;
use std::time::Duration;

use crate::common::sender::{End, Settings};
use crate::common::traffic::{Plan, Traffic};
use crate::common::{live, reference};
use crate::drive::{self, Load, Run, Sample};
use crate::harness::Folder;
use crate::options::Options;
use crate::receiver::{Gate, Receiver};
use crate::throughput::CHUNK;

/// Alerts that may wait for a sink. Few, so that a stalled receiver is soon felt by the senders.
const QUEUE: usize = 16;
/// Rows of the table of memory over time.
const ROWS: usize = 20;

/// Measures, prints, and asserts what must hold.
pub fn run(options: &Options) {
    let cards = options.cards.unwrap_or(10_000);
    let plan = Plan { cards, connections: options.connections, chunk: CHUNK, in_order: false };
    let mut traffic = Traffic::prepare(plan);
    let seconds = options.seconds.unwrap_or(60);
    let (from, to) = stalled(seconds, options.stall);
    println!(
        "stall: {seconds} s over {}, {cards} cards, rules/, alerts to a webhook that does not answer from {} to {} s",
        drive::streams(&traffic),
        from.as_secs_f64(),
        to.as_secs_f64()
    );
    let gate = Gate::default();
    gate.open();
    let receiver = Receiver::gated([], gate.clone());
    let sinks: String =
        live::DESKS.iter().map(|desk| receiver.sink(desk, &format!("queue = {QUEUE}\n"))).collect();
    let config = live::configuration(live::example_rules(), &traffic, &sinks);
    let load = Load::start(Folder::new(), config, &traffic, Stdio::null());
    let settings =
        Settings { rate: options.rate, ahead: options.ahead, end: End::After(Duration::from_secs(seconds)) };
    let run = load.run(&mut traffic, settings, |sample| {
        if (from..to).contains(&sample.at) { gate.close() } else { gate.open() }
    });
    run.print(&traffic);
    print_samples(&run.samples, from, to);
    compare(&run, &receiver, &mut traffic);
    check_memory(&run, options.most_mb);
}

/// When the receiver does not answer: in the middle.
fn stalled(seconds: u64, stall: u64) -> (Duration, Duration) {
    let middle = Duration::from_secs(seconds) / 2;
    let half = Duration::from_secs(stall) / 2;
    (middle.saturating_sub(half), middle + half)
}

fn print_samples(samples: &[Sample], from: Duration, to: Duration) {
    println!("{:>9} {:>12} {:>12}", "second", "events sent", "resident MB");
    let step = samples.len().div_ceil(ROWS);
    for sample in samples.iter().step_by(step) {
        let memory = sample.memory.map_or("unknown".to_owned(), |memory| format!("{:.0}", memory.now_mb));
        let stalled = if (from..to).contains(&sample.at) { "  no answers" } else { "" };
        println!("{:>9.1} {:>12} {memory:>12}{stalled}", sample.at.as_secs_f64(), sample.lines);
    }
    println!("The senders stood still for up to {:.1} s.", standstill(samples).as_secs_f64());
}

/// The longest time in which nothing was sent.
fn standstill(samples: &[Sample]) -> Duration {
    let still = samples.chunk_by(|a, b| a.lines == b.lines);
    still.map(|samples| samples[samples.len() - 1].at - samples[0].at).max().unwrap_or_default()
}

/// Asserts that the alerts that were delivered are those that a replay finds.
fn compare(run: &Run, receiver: &Receiver, traffic: &mut Traffic) {
    let closing = traffic.closing_date(run.sent.chunks);
    let requests = receiver.received();
    let delivered = reference::ids(requests.iter().map(|request| &request.body), &closing);
    let expected = reference::alerts(traffic, run.sent.chunks);
    let missing = expected.difference(&delivered).count();
    let added = delivered.difference(&expected).count();
    assert_eq!((missing, added), (0, 0), "alerts (missing, added) against a replay of the same bytes");
    println!(
        "Nothing was lost: the {} alerts of a replay of the same bytes, in {} requests.",
        delivered.len(),
        requests.len()
    );
}

fn check_memory(run: &Run, most_mb: u64) {
    let Some(peak) = run.peak_mb() else {
        println!("This system does not tell how much memory the service took.");
        return;
    };
    assert!(peak <= most_mb as f64, "the service took {peak:.0} MB, more than the {most_mb} of --most-mb");
    println!("The service took {peak:.0} MB at most; {most_mb} are allowed.");
}
