//! What the groups of cases measure with, and where their figures go.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::child::{self, Account};
use crate::inside::{Job, Outcome};
use crate::machine;
use crate::options::Options;
use crate::results::{Report, Row, Unit};

/// A case is not measured once more when so much time has passed for it.
const BUDGET: Duration = Duration::from_secs(40);

/// What is said of a figure that is only the least it can be.
pub const STOPPED: &str = "stopped: it takes longer than this";

/// Events to feed through the real binary.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The file or folder of the rules.
    pub rules: PathBuf,
    /// Streams and the files of their events.
    pub inputs: Vec<(&'static str, PathBuf)>,
    /// How many events there are in all files.
    pub events: u64,
    /// Among how many threads the keys are divided.
    pub shards: usize,
}

/// What a replay took: the median of several, without what the same takes for no events.
#[derive(Clone, Debug)]
pub struct Measured {
    /// CPU time in seconds.
    pub cpu_s: f64,
    /// The part of it that the system itself took: reading, and clearing new memory.
    pub system_s: f64,
    /// Time from start to end in seconds.
    pub wall_s: f64,
    /// Peak memory in megabytes, startup included.
    pub peak_mb: f64,
    /// CPU time in seconds for no events: starting, and compiling the rules.
    pub startup_s: f64,
    /// Peak memory in megabytes for no events.
    pub startup_mb: f64,
    /// How many alerts there were.
    pub alerts: u64,
    /// The limits that alerts named, with how often.
    pub limits: Vec<String>,
    /// Whether it was stopped because it took too long; then the figures are the least they could be.
    pub stopped: bool,
    /// Events that went through it.
    pub events: u64,
}

impl Measured {
    /// CPU time of an event in microseconds.
    pub fn micros(&self) -> f64 {
        self.cpu_s * 1e6 / self.events as f64
    }

    /// The CPU time of an event as a figure, with all that was measured beside it.
    pub fn row(&self, group: &str, case: impl Into<String>) -> Row {
        let mut row = Row::new(group, case, self.micros(), Unit::MicrosAnEvent);
        row.events_per_s = Some(self.events as f64 / self.cpu_s);
        row.peak_mb = Some(self.peak_mb);
        row.alerts = Some(self.alerts);
        if self.stopped {
            row.remark = STOPPED.to_owned();
            row.alerts = None;
        }
        row
    }
}

/// The measurement under way.
pub struct Suite {
    /// What was asked for.
    pub options: Options,
    /// Where the files of the cases are; gone at the end.
    folder: tempfile::TempDir,
    rows: Vec<Row>,
    begun: Instant,
}

impl Suite {
    /// A suite that has measured nothing.
    pub fn new(options: Options) -> Suite {
        // On disk rather than in memory, which some systems have for temporary files.
        let folder =
            tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder can be made");
        Suite { options, folder, rows: Vec::new(), begun: Instant::now() }
    }

    /// Whether a case is asked for.
    pub fn wants(&self, group: &str, case: &str) -> bool {
        let name = format!("{group}: {case}");
        self.options.only.is_empty() || self.options.only.iter().any(|text| name.contains(text.as_str()))
    }

    /// An empty folder for the files of a case; those of the case before are removed.
    pub fn fresh_folder(&self) -> PathBuf {
        let folder = self.folder.path().join("case");
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("the files of a case can be removed");
        }
        fs::create_dir(&folder).expect("a folder can be made");
        folder
    }

    /// A file of the suite beside this one.
    pub fn rules(name: &str) -> PathBuf {
        [env!("CARGO_MANIFEST_DIR"), "benches", "suite", "rules", name].iter().collect()
    }

    /// Keeps a figure and shows it as progress.
    pub fn push(&mut self, row: Row) {
        let Row { group, case, value, unit, remark, .. } = &row;
        let seconds = self.begun.elapsed().as_secs();
        eprintln!("{seconds:>4} s  {group}: {case}  {}  {remark}", unit.show(*value));
        if let Some(file) = &self.options.append {
            let appended = OpenOptions::new().create(true).append(true).open(file);
            let written =
                appended.and_then(|mut file| writeln!(file, "{group}: {case}\t{value}\t{}", unit.name()));
            written.unwrap_or_else(|error| panic!("{} cannot be written: {error}", file.display()));
        }
        self.rows.push(row);
    }

    /// Says what is being done, since it may take a while.
    pub fn note(&self, text: &str) {
        eprintln!("{:>4} s  {text} …", self.begun.elapsed().as_secs());
    }

    /// Measures the real binary.
    pub fn replay(&self, replay: &Replay) -> Measured {
        let empty = self.folder.path().join("empty.jsonl");
        fs::write(&empty, "").expect("a file can be written");
        let nothing = replay.inputs.iter().map(|(stream, _)| (*stream, empty.clone())).collect();
        let startup = self.samples(&Replay { inputs: nothing, ..replay.clone() });
        let startup_wall_s = median(&startup, |account| account.wall_s);
        let startup = middle(startup);
        let samples = self.samples(replay);
        let wall_s = median(&samples, |account| account.wall_s) - startup_wall_s;
        let (alerts, limits) = alerts(&self.alerts_file());
        let sample = middle(samples);
        Measured {
            cpu_s: (sample.cpu_s - startup.cpu_s).max(0.0),
            system_s: (sample.system_s - startup.system_s).max(0.0),
            wall_s: wall_s.max(0.0),
            peak_mb: sample.peak_mb,
            startup_s: startup.cpu_s,
            startup_mb: startup.peak_mb,
            alerts,
            limits,
            stopped: sample.stopped,
            events: replay.events,
        }
    }

    fn samples(&self, replay: &Replay) -> Vec<Account> {
        let mut arguments = vec!["replay".to_owned(), replay.rules.display().to_string()];
        arguments.push(format!("--shards={}", replay.shards));
        arguments.push(format!("--output={}", self.alerts_file().display()));
        for (stream, file) in &replay.inputs {
            arguments.push(format!("--input={stream}={}", file.display()));
        }
        let begun = Instant::now();
        let mut samples = Vec::new();
        while samples.len() < self.options.runs && (samples.is_empty() || begun.elapsed() < BUDGET) {
            let account = child::account(&self.options.binary, &arguments, self.options.patience_s);
            assert!(account.success || account.stopped, "the replay failed:\n{}", account.stderr);
            samples.push(account);
        }
        samples
    }

    fn alerts_file(&self) -> PathBuf {
        self.folder.path().join("alerts.jsonl")
    }

    /// Measures the engine alone, in a process of its own: the median of several runs by CPU time.
    /// A measurement that was stopped counts as the least it can be.
    pub fn inside(&self, job: &Job) -> Outcome {
        let patience_s = self.options.patience_s;
        let mut outcomes: Vec<Outcome> = Vec::new();
        let begun = Instant::now();
        while outcomes.len() < self.options.runs && (outcomes.is_empty() || begun.elapsed() < BUDGET) {
            let nanos = patience_s as f64 * 1e9 / (job.fill + job.events) as f64;
            let stopped = Outcome { nanos, live_runs: 0, alerts: 0, events: 0 };
            outcomes.push(child::start(job, patience_s).unwrap_or(stopped));
        }
        outcomes.sort_by(|a, b| a.nanos.total_cmp(&b.nanos));
        outcomes.swap_remove(outcomes.len() / 2)
    }

    /// The figures, with where they come from.
    pub fn report(self) -> Report {
        Report {
            commit: machine::commit(),
            date: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
            machine: machine::describe(),
            compiler: machine::compiler(),
            command: self.options.command(),
            events: self.options.events,
            rows: self.rows,
        }
    }
}

/// The sample in the middle by CPU time.
fn middle(mut samples: Vec<Account>) -> Account {
    samples.sort_by(|a, b| a.cpu_s.total_cmp(&b.cpu_s));
    samples.swap_remove(samples.len() / 2)
}

fn median(samples: &[Account], value: impl Fn(&Account) -> f64) -> f64 {
    let mut values: Vec<f64> = samples.iter().map(value).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// How many alerts a file has, and the limits that they name.
fn alerts(file: &Path) -> (u64, Vec<String>) {
    let text = fs::read_to_string(file).unwrap_or_default();
    let mut limits: Vec<(String, u64)> = Vec::new();
    for line in text.lines().filter(|line| line.contains(r#""kind":"limit""#)) {
        let Ok(alert) = serde_json::from_str::<serde_json::Value>(line) else { continue };
        let fields = &alert["fields"];
        let name = format!("{} {}", fields["limit"].as_str().unwrap_or("?"), fields["bound"]);
        match limits.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => limits.push((name, 1)),
        }
    }
    let limits = limits.into_iter().map(|(name, count)| format!("{name} ({count} times)")).collect();
    (text.lines().count() as u64, limits)
}
