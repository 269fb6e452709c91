//! Where the time of card testing goes, as a flame graph: see `scripts/flame-graph`.
//!
//! `tripline-flame-graph traffic FILE EVENTS` writes the traffic of the benchmark. Any other arguments
//! are those of `tripline`: they are run in this process, of which a timer takes a sample about a
//! thousand times for each second of CPU time, and the picture goes to standard output.
//!
//! What is shown is what a reader of this project can find in it: calls in the standard library's own
//! machinery (closures, iterators) belong to whoever called them.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::process::ExitCode;

use inferno::flamegraph::{self, Options, Palette};

#[path = "../../suite/traffic/mod.rs"]
#[allow(dead_code, reason = "the suite uses all of it")]
mod traffic;

// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Samples for each second of CPU time: no divisor of what happens at whole milliseconds.
const FREQUENCY: i32 = 997;

/// Frames that take less than this part of the time are left out, in percent.
const LEAST: f64 = 0.2;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.as_slice() {
        [word, file, events] if word == "traffic" => write_traffic(file, events),
        _ => profile(),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write_traffic(file: &str, events: &str) -> Result<ExitCode, Box<dyn Error>> {
    let mut out = BufWriter::new(File::create(file)?);
    traffic::cards::write(&mut out, events.parse()?, traffic::cards::Spread::Even)?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn profile() -> Result<ExitCode, Box<dyn Error>> {
    // A sample that falls into these may hold a lock that walking the stack needs.
    let guard = pprof::ProfilerGuardBuilder::default()
        .frequency(FREQUENCY)
        .blocklist(&["libgcc", "pthread", "vdso"])
        .build()?;
    let code = tripline::cli::main();
    let report = guard.report().build()?;
    let mut stacks: BTreeMap<String, isize> = BTreeMap::new();
    for (frames, count) in &report.data {
        // Innermost first, also of the functions that were put into one.
        let names = frames.frames.iter().flatten().map(|symbol| short(&symbol.name()));
        let mut names: Vec<String> = names.filter(|name| is_shown(name)).collect();
        names.reverse();
        names.dedup();
        if !names.is_empty() {
            *stacks.entry(names.join(";")).or_default() += count;
        }
    }
    let lines: Vec<String> = stacks.iter().map(|(stack, count)| format!("{stack} {count}")).collect();
    let mut options = Options::default();
    options.title = "Card testing: where CPU time goes, from a file of JSON lines to alerts".to_owned();
    options.subtitle = Some("Width is CPU time. Click to look closer, Ctrl-F to search.".to_owned());
    options.min_width = LEAST;
    options.deterministic = true;
    options.colors = Palette::Basic(flamegraph::color::BasicPalette::Aqua);
    flamegraph::from_lines(&mut options, lines.iter().map(String::as_str), std::io::stdout().lock())?;
    Ok(code)
}

/// Whether a function is one that a reader of the project would look for.
fn is_shown(name: &str) -> bool {
    const MACHINERY: [&str; 14] = [
        "core::",
        "std::",
        "alloc::",
        "<core::",
        "<std::",
        "<alloc::",
        "<&",
        "<I as ",
        "<F as ",
        "<T as ",
        "__libc_start",
        "_start",
        "main",
        "tripline_flame_graph",
    ];
    !name.is_empty() && !MACHINERY.iter().any(|prefix| name.starts_with(prefix))
}

/// The name of a function without what the compiler adds to it.
fn short(name: &str) -> String {
    let mut name = name.replace("tripline::", "");
    // Closures are part of the function that they stand in.
    while let Some(outer) = name.strip_suffix("::{{closure}}") {
        name.truncate(outer.len());
    }
    without_generics(&name)
}

/// `a::b::<C>` and `a<C>::b` without what stands in angle brackets, unless the name begins with it.
fn without_generics(name: &str) -> String {
    let mut text = String::new();
    let mut depth = 0;
    for (place, character) in name.char_indices() {
        match character {
            '<' if place > 0 => depth += 1,
            '>' if depth > 0 => depth -= 1,
            _ if depth == 0 => text.push(character),
            _ => {}
        }
    }
    text.replace("::::", "::").trim_end_matches("::").to_owned()
}
