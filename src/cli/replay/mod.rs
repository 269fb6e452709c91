//! `tripline replay`: recorded events through the rules.

mod decoding;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::config::value::parse_size;
use crate::diagnostic::did_you_mean;
use crate::event::{StreamId, Timestamp};
use crate::program::{NoInput, Program};
use crate::runtime::replay::{self, REPLAY_CLOCK, ReplayError, Settings, Summary};
use crate::runtime::workers;

use super::output::{self, grouped};
use super::rules::{Ready, RuleArgs};
use super::{Misuse, output::complain};

use decoding::DecodingArgs;

/// Run recorded events through the rules
///
/// Reads files to their end, JSON lines if nothing else is said, in the order of event time, and writes
/// each alert as one JSON line in the order decided. The same files and rules give the same alerts, every
/// time. Exits with 0 when it ran, whatever it found.
#[derive(Debug, clap::Args)]
pub struct Replay {
    #[command(flatten)]
    rules: RuleArgs,

    /// A stream and a file of its events, as `STREAM=FILE`; may be given many times, also for one
    /// stream. `-` is standard input; `.gz` and `.zst` files are decompressed
    #[arg(long, short, required = true, value_name = "STREAM=FILE")]
    input: Vec<String>,

    /// Write the alerts to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Divide the keys among this many threads, which also decode; the alerts are the same, in the same order
    /// [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    shards: Option<u16>,

    /// Pass over records longer than this, and count them
    #[arg(long, value_name = "SIZE", default_value = "1MiB", value_parser = size)]
    max_line: usize,

    /// When the records came in, as `2026-03-01T08:00:00Z`: the time of events whose stream has no event
    /// time, and what tells the year of a syslog time without one [default: 1970-01-01T00:00:00Z]
    #[arg(long, value_name = "TIME", value_parser = time)]
    received: Option<Timestamp>,

    #[command(flatten)]
    decoding: DecodingArgs,
}

fn size(text: &str) -> Result<usize, String> {
    let size = parse_size(text).ok_or("a size is written like 64KiB or 1MiB")?;
    usize::try_from(size).ok().filter(|size| (1..=1 << 30).contains(size)).ok_or("from 1 to 1GiB".into())
}

fn time(text: &str) -> Result<Timestamp, &'static str> {
    Timestamp::parse(text).ok_or("a time is written like 2026-03-01T08:00:00Z, with its offset")
}

impl Replay {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let Ready { program, tables, .. } = self.rules.load()?;
        let inputs = self.inputs(&program)?;
        for input in &inputs {
            let schema = program.schema(input.stream);
            if schema.time.is_none() {
                complain(&format!(
                    "note: stream `{}` has no event time; its events count as arriving all at once, in the \
                     order of the file",
                    schema.name
                ));
            }
        }
        let settings = Settings {
            max_line: self.max_line,
            shards: self.shards.map_or_else(workers::cores, usize::from),
            clock: self.received.unwrap_or(REPLAY_CLOCK),
        };
        let begun = Instant::now();
        let replay = replay::Replay::open(program.clone(), tables.tables, inputs, settings)
            .map_err(|error| Misuse(error.to_string()))?;
        let mut out = output::writer(self.output.as_ref())?;
        let bar = progress_bar(replay.stored_size());
        let write = |alerts: Vec<crate::alert::Alert>| -> io::Result<()> {
            for alert in &alerts {
                serde_json::to_writer(&mut out, alert)?;
                out.write_all(b"\n")?;
            }
            // Someone may be reading along.
            if alerts.is_empty() { Ok(()) } else { out.flush() }
        };
        let result = replay.run(write, |read, events| {
            bar.set_position(read);
            bar.set_message(format!("{} events", grouped(events)));
        });
        bar.finish_and_clear();
        match result {
            Ok(summary) => {
                complain(&describe(&summary, &program, begun.elapsed().as_secs_f64()));
                Ok(ExitCode::SUCCESS)
            }
            Err(ReplayError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
                Ok(ExitCode::SUCCESS)
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl Replay {
    fn inputs(&self, program: &Program) -> Result<Vec<replay::Input>, Misuse> {
        let files =
            self.input.iter().map(|text| parse_input(text, program)).collect::<Result<Vec<_>, _>>()?;
        let decodings = self.decoding.of(files.iter().map(|(_, path)| *path))?;
        let mut inputs = Vec::new();
        for (((stream, path), decoding), text) in files.into_iter().zip(decodings).zip(&self.input) {
            if let Some(misfit) = decoding.format.misfit(program.schema(stream)) {
                return Err(Misuse(format!("`--input {text}`: {misfit}")));
            }
            inputs.push(replay::Input { stream, path: path.to_path_buf(), decoding });
        }
        Ok(inputs)
    }
}

fn parse_input<'a>(text: &'a str, program: &Program) -> Result<(StreamId, &'a Path), Misuse> {
    let Some((name, path)) = text.split_once('=').filter(|(name, path)| !name.is_empty() && !path.is_empty())
    else {
        return Err(Misuse(format!("`--input {text}`: an input is written `STREAM=FILE`")));
    };
    let stream = program.input(name).map_err(|why| {
        let hint = match why {
            NoInput::Unknown { .. } => did_you_mean(name, program.inputs()),
            NoInput::Alerts { .. } => String::new(),
        };
        Misuse(format!("`--input {text}`: {why}{hint}"))
    })?;
    Ok((stream, Path::new(path)))
}

fn progress_bar(size: Option<u64>) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let (bar, template) = match size {
        Some(size) => {
            (ProgressBar::new(size), "{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {msg} {eta} left")
        }
        None => (ProgressBar::new_spinner(), "{spinner} {bytes} {bytes_per_sec} {msg}"),
    };
    bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
    bar.with_style(ProgressStyle::with_template(template).expect("the template is well-formed"))
}

/// The summary, as people read it.
fn describe(summary: &Summary, program: &Program, seconds: f64) -> String {
    let counters = &summary.counters;
    let mut lines = Vec::new();
    let rate = if seconds > 0.0 { counters.events as f64 / seconds } else { 0.0 };
    lines.push(format!(
        "events     {} in {seconds:.2} s, {} a second",
        grouped(counters.events),
        grouped(rate as u64)
    ));
    let malformed: u64 = summary.rejected.values().sum();
    let mut line = format!("malformed  {}", grouped(malformed));
    if malformed > 0 {
        let kinds: Vec<_> = summary
            .rejected
            .iter()
            .map(|(reason, count)| format!("{} {}", reason.name(), grouped(*count)))
            .collect();
        line.push_str(&format!(" ({})", kinds.join(", ")));
    }
    lines.push(line);
    for rejected in &summary.shown {
        lines.push(format!("  {}:{}: {}", rejected.path.display(), rejected.line, rejected.why));
    }
    if malformed > summary.shown.len() as u64 {
        lines.push(format!("  and {} more", grouped(malformed - summary.shown.len() as u64)));
    }
    lines.push(format!("late       {}", grouped(counters.late)));
    if summary.rules.keyless > 0 {
        lines.push(format!("keyless    {}", grouped(summary.rules.keyless)));
    }
    let counts = &summary.rules;
    lines.push(format!("alerts     {}", grouped(counts.alerts.iter().sum())));
    by_rule(program, &counts.alerts, &mut lines);
    if counts.held_back.iter().any(|count| *count > 0) {
        lines.push("held back  of these, by `limit`:".to_owned());
        by_rule(program, &counts.held_back, &mut lines);
    }
    if counts.groups_forgotten.iter().any(|count| *count > 0) {
        lines.push(
            "forgotten  groups of `limit … for each`, too many for one key; an alert too many may have passed:"
                .to_owned(),
        );
        by_rule(program, &counts.groups_forgotten, &mut lines);
    }
    if counts.limits.iter().any(|count| *count > 0) {
        lines.push("limits     a bound was reached, so that a match can be missing:".to_owned());
        by_rule(program, &counts.limits, &mut lines);
    }
    if counts.forgotten.iter().any(|count| *count > 0) {
        lines.push("forgotten  past events of keys that have too many, left out of aggregates:".to_owned());
        by_rule(program, &counts.forgotten, &mut lines);
    }
    if counts.faults.iter().any(|count| *count > 0) {
        lines.push("null       values that could not be computed (overflow, division by zero):".to_owned());
        by_rule(program, &counts.faults, &mut lines);
    }
    lines.join("\n")
}

/// A line for each rule that has something to count.
fn by_rule(program: &Program, counts: &[u64], lines: &mut Vec<String>) {
    let width = program.rules().iter().map(|rule| rule.name.len()).max().unwrap_or(0);
    for (rule, count) in program.rules().iter().zip(counts).filter(|(_, count)| **count > 0) {
        lines.push(format!("  {:width$}  {}", rule.name, grouped(*count)));
    }
}
