//! Rule sets that nobody means well, and streams of events that ask for the most: they end quickly,
//! in a small stack, in bounded memory and without a panic.
//!
//! Nothing here measures time. The sizes are such that whatever takes more than linear time does
//! not end while anyone waits.

mod cases;
mod events;
mod rules;
mod text;

use tripline::diagnostic::Sources;
use tripline::program::Program;

/// The stack of the thread that compiles: that of Rust's own threads.
const STACK: usize = 2 << 20;

/// A stream for the rules of these tests.
const STREAM: &str = "stream s time at { k string, n int, f float, t string, o int?, at timestamp(ms) }\n";

/// A rule set of one rule with these clauses.
fn rule(clauses: &str) -> String {
    format!("{STREAM}rule r {{\nby k\n{clauses}\nalert low \"x\"\n}}\n")
}

/// A pattern of `steps` that follow each other with `then`.
fn sequence(steps: impl IntoIterator<Item = String>) -> String {
    steps.into_iter().collect::<Vec<_>>().join(" then ")
}

/// Compiles in a thread with a small stack, and drops the program there. Gives the codes of what
/// was found, each once, or the name of what went well.
fn codes(text: String) -> Vec<String> {
    let compile = move || {
        let sources = Sources::new([("hostile.trip", text)]);
        let (program, diagnostics) = Program::compile(&sources);
        let mut codes: Vec<String> = diagnostics.iter().map(|found| found.code.to_string()).collect();
        codes.sort();
        codes.dedup();
        assert_eq!(program.is_none(), diagnostics.has_errors(), "there is a program or an error");
        codes
    };
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(compile);
    thread.expect("a thread starts").join().expect("compiling does not panic")
}
