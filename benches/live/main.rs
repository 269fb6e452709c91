//! The running service under load: how much it takes, what a stalled receiver and a thousand readers of its alerts do
//! to it, and how long it takes from an event to its alert.
//!
//! `make load`, or `cargo bench --bench live -- [throughput] [stall] [delay] [readers] [OPTIONS]`
//!
//! The traffic is that of the demo, made beforehand (`benches/common/traffic.rs`), and sent over TCP from
//! this process to the real binary with the example rules. A source feeds one stream, so a connection
//! carries one stream: two connections are the two busiest streams, eight are all of them. Nothing here
//! asserts a speed; that nothing is lost is asserted, whatever the speed.

#[path = "../common/mod.rs"]
mod common;
#[path = "../../tests/e2e/harness.rs"]
#[allow(dead_code, reason = "the end-to-end tests use all of it")]
mod harness;
#[path = "../../tests/common/ports.rs"]
mod ports;
#[path = "../../tests/e2e/receiver.rs"]
#[allow(dead_code, reason = "the end-to-end tests use all of it")]
mod receiver;
#[path = "../common/usage.rs"]
mod usage;

mod delay;
mod drive;
mod options;
mod readers;
mod stall;
mod throughput;

use std::process::ExitCode;

use options::{Options, Part};

fn main() -> ExitCode {
    let options = match Options::from_arguments(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    for part in &options.parts {
        match part {
            Part::Throughput => throughput::run(&options),
            Part::Stall => stall::run(&options),
            Part::Delay => delay::run(&options),
            Part::Readers => readers::run(&options),
        }
        println!();
    }
    ExitCode::SUCCESS
}
