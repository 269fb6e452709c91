//! Where the time of card testing goes, as a flame graph: see `scripts/flame-graph`.
//!
//! `tripline-flame-graph traffic FILE EVENTS` writes the traffic of the benchmark. Any other arguments
//! are those of `tripline`: they are run in this process, of which a timer takes a sample about a
//! thousand times for each second of CPU time, and the picture goes to standard output.
//!
//! What is shown is what a reader of this project can find in it: the standard library's own machinery
//! (closures, iterators) belongs to whoever called it, and another library is one frame.

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
        let mut names: Vec<String> =
            frames.frames.iter().flatten().filter_map(|symbol| shown(&symbol.name())).collect();
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

/// What a function is shown as: by its name, or that of the library to which it belongs; `None` for the
/// standard library's machinery and for this program.
fn shown(symbol: &str) -> Option<String> {
    const MACHINERY: [&str; 12] = [
        "core::",
        "std::",
        "alloc::",
        "&",
        "{",
        "__libc_start",
        "_start",
        "__rust_begin",
        "call_once",
        "main",
        "profile",
        "tripline_flame_graph",
    ];
    const ALLOCATOR: [&str; 6] = ["mi_", "_mi_", "mimalloc", "__rust_", "alloc", "dealloc"];
    let path = symbol.trim_start_matches('<');
    let begins = |prefix: &&str| path.starts_with(*prefix);
    // A type parameter that stands for any type: `<F as FnOnce>::call_once`.
    let is_parameter = path.find(" as ").is_some_and(|end| end == 1);
    if path.is_empty() || is_parameter || MACHINERY.iter().any(begins) {
        return None;
    }
    if ALLOCATOR.iter().any(begins) || path == "realloc" {
        return Some("mimalloc".to_owned());
    }
    if let Some(own) = path.strip_prefix("tripline::") {
        let own = if symbol.starts_with('<') { format!("<{own}") } else { own.to_owned() };
        return Some(short(&own));
    }
    match path.split_once("::") {
        Some((library, _)) => Some(library.to_owned()),
        // Of the C library, or put into another function without its full name.
        None => Some(path.to_owned()),
    }
}

/// The name of a function without what the compiler adds to it.
fn short(name: &str) -> String {
    let mut name = name.replace("tripline::", "");
    // Closures are part of the function that they stand in.
    while let Some(outer) = name.strip_suffix("::{{closure}}").or_else(|| name.strip_suffix("::{closure#0}"))
    {
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
