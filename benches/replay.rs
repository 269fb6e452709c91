//! Replays a million generated events through the example rules with the real binary, and says how
//! fast it was and how much memory it took.
//!
//! `cargo bench --bench replay -- --events 1000000 --runs 5 --shards 1`
//!
//! Figures are those the operating system keeps of the finished process: user and system time, wall
//! time and peak memory. The median of the runs counts; machines are noisy.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

#[path = "../examples/demo/generator.rs"]
mod generator;
#[path = "common/usage.rs"]
mod usage;

use generator::{Generator, STREAMS, Settings};

fn main() {
    let events = option("--events").unwrap_or(1_000_000);
    let runs = option("--runs").unwrap_or(5).max(1);
    let shards = option("--shards").unwrap_or(1);
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let inputs = write_inputs(folder.path(), events);
    let bytes: u64 =
        inputs.iter().map(|(_, file)| std::fs::metadata(file).map_or(0, |data| data.len())).sum();
    println!(
        "{events} events, {:.0} bytes each, {} streams, rules/, shards: {shards}",
        bytes as f64 / events as f64,
        inputs.len()
    );
    let mut samples: Vec<Sample> = (0..runs).map(|_| measure(&inputs, shards)).collect();
    samples.sort_by(|a, b| a.cpu_s.total_cmp(&b.cpu_s));
    println!("{:>10} {:>10} {:>12} {:>14} {:>10}", "cpu s", "wall s", "µs an event", "events/s", "peak MB");
    for sample in &samples {
        sample.print(events);
    }
    println!("median:");
    samples[samples.len() / 2].print(events);
}

/// The number after an option of the command line.
fn option(name: &str) -> Option<u64> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.nth(1)?.parse().ok()
}

/// One file a stream, in the order in which the lines would arrive.
fn write_inputs(folder: &Path, events: u64) -> Vec<(&'static str, PathBuf)> {
    let settings =
        Settings { seed: 1, events, keys: (events / 10).max(1), start_ms: 1_772_352_000_000, planted: true };
    let files: Vec<(&str, PathBuf)> =
        STREAMS.iter().map(|stream| (stream.name, folder.join(format!("{}.jsonl", stream.name)))).collect();
    let mut writers: Vec<BufWriter<File>> = files
        .iter()
        .map(|(_, path)| BufWriter::new(File::create(path).expect("the file can be made")))
        .collect();
    for line in Generator::new(settings) {
        writeln!(writers[line.stream], "{}", line.json).expect("the line can be written");
    }
    for writer in &mut writers {
        writer.flush().expect("the file can be written");
    }
    files
}

/// What one run took.
struct Sample {
    cpu_s: f64,
    wall_s: f64,
    peak_mb: f64,
}

impl Sample {
    fn print(&self, events: u64) {
        println!(
            "{:>10.2} {:>10.2} {:>12.2} {:>14.0} {:>10.0}",
            self.cpu_s,
            self.wall_s,
            self.cpu_s * 1e6 / events as f64,
            events as f64 / self.wall_s,
            self.peak_mb
        );
    }
}

fn measure(inputs: &[(&str, PathBuf)], shards: u64) -> Sample {
    let before = usage::children_cpu_s();
    let start = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tripline"));
    command.arg("replay").arg(concat!(env!("CARGO_MANIFEST_DIR"), "/rules"));
    command.arg("--shards").arg(shards.to_string());
    for (stream, file) in inputs {
        command.arg("--input").arg(format!("{stream}={}", file.display()));
    }
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("the binary can be run");
    assert!(status.success(), "the replay failed");
    let wall_s = start.elapsed().as_secs_f64();
    // The largest child so far: all of them do the same.
    Sample { cpu_s: usage::children_cpu_s() - before, wall_s, peak_mb: usage::children_peak_mb() }
}
