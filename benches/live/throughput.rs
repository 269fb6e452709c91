//! As many events as the service takes.

use std::fmt::Write;
use std::process::Stdio;
use std::time::Duration;

use crate::common::live;
use crate::common::sender::{End, Settings};
use crate::common::traffic::{Plan, Traffic};
use crate::drive::{self, Load};
use crate::harness::Folder;
use crate::options::Options;

/// Lines of a chunk, over all connections, when there is no rate to cut them by.
pub const CHUNK: usize = 2_000;

/// Measures and prints.
pub fn run(options: &Options) {
    let cards = options.cards.unwrap_or(100_000);
    let plan = Plan { cards, connections: options.connections, chunk: CHUNK, in_order: false };
    let mut traffic = Traffic::prepare(plan);
    let seconds = options.seconds.unwrap_or(20);
    println!(
        "throughput: {seconds} s over {}, {cards} cards, rules/, alerts to files",
        drive::streams(&traffic)
    );
    let config = live::configuration(live::example_rules(), &traffic, &file_sinks());
    let load = Load::start(Folder::new(), config, &traffic, Stdio::null());
    let settings =
        Settings { rate: options.rate, ahead: options.ahead, end: End::After(Duration::from_secs(seconds)) };
    load.run(&mut traffic, settings, |_| ()).print(&traffic);
}

/// A file for each sink of the example rules.
pub fn file_sinks() -> String {
    live::DESKS.iter().fold(String::new(), |mut text, desk| {
        let _ = write!(text, "[sinks.{desk}]\ntype = \"file\"\npath = \"{desk}.jsonl\"\n\n");
        text
    })
}
