//! The benchmark suite: what every figure of `docs/performance.md` is measured with.
//!
//! `make bench`, or `cargo bench --bench suite -- --help` for what can be chosen.
//!
//! Enters: nothing but the binary and the rules beside this file; the traffic is made up, the same for
//! every run. Leaves: one table, with the figures of the result that is kept in the repository beside
//! those of now. Figures that are end to end are those the operating system keeps of the real binary
//! ([`child`]); where the engine alone is meant, it runs in a process of its own ([`inside`]).

#[path = "../../tests/kafka/broker.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod broker;
mod child;
mod groups;
mod inside;
mod machine;
mod options;
#[path = "../../tests/common/ports.rs"]
mod ports;
mod results;
mod service;
mod stored;
mod suite;
mod table;
mod topic;
mod traffic;
#[path = "../common/usage.rs"]
mod usage;

use std::process::ExitCode;

use child::Task;
use options::Options;
use results::Report;
use suite::Suite;

// As in the binary, so that what is measured inside this one is what the binary would take.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // Where this program has started itself, to do one thing alone.
    match arguments.split_first() {
        Some((word, rest)) if word == child::Program::WORD => return child::run::<child::Program>(rest),
        Some((word, rest)) if word == inside::Job::WORD => return child::run::<inside::Job>(rest),
        Some((word, rest)) if word == stored::Job::WORD => return child::run::<stored::Job>(rest),
        Some((word, rest)) if word == topic::Bare::WORD => return child::run::<topic::Bare>(rest),
        _ => {}
    }
    let options = match Options::from_arguments(arguments) {
        Ok(options) => options,
        Err(text) => {
            eprintln!("{text}");
            return ExitCode::from(2);
        }
    };
    let before = Report::read(&options.result);
    let mut suite = Suite::new(options.clone());
    groups::run(&mut suite);
    let now = suite.report();
    print!("{}", table::render(before.as_ref(), &now));
    if options.save {
        now.write(&options.result);
    }
    ExitCode::SUCCESS
}
