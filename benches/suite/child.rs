//! What is measured in a process of its own, and what the operating system says a process took.
//!
//! The system adds up what all children of a process took and keeps the memory of the largest only. So
//! each measurement is a small process, which is this program again ([`start`]). It gets a [`Task`] in
//! JSON, bounds itself, and says in JSON what came of it. A child also begins with the memory of the one
//! that starts it on its account, which must therefore be small.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use nix::sys::resource::{Resource, setrlimit};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::usage;

/// The most memory that a measured process may ask for: more would only take the machine down with it.
const MOST_BYTES: u64 = 20 << 30;

/// What a process of its own is started for.
pub trait Task: Serialize + DeserializeOwned {
    /// The first argument that makes this program that process.
    const WORD: &str;

    /// What comes of it.
    type Outcome: Serialize + DeserializeOwned;

    /// Does it, in the process of its own.
    fn run(&self) -> Self::Outcome;
}

/// Does a task in a process of its own; `None` if that was stopped because it took more than `patience_s`
/// seconds of CPU time, or failed.
pub fn start<T: Task>(task: &T, patience_s: u64) -> Option<T::Outcome> {
    let me = std::env::current_exe().expect("the system tells which program this is");
    let task = serde_json::to_string(task).expect("a task is plain data");
    let output = Command::new(me)
        .args([T::WORD, &patience_s.to_string(), &task])
        .stderr(Stdio::inherit())
        .output()
        .expect("this program can be started again");
    output.status.success().then(|| serde_json::from_slice(&output.stdout).expect("an outcome is JSON"))
}

/// The process of its own: does the task that the arguments after the word describe.
pub fn run<T: Task>(arguments: &[String]) -> ExitCode {
    let [patience_s, task] = arguments else {
        eprintln!("{} needs a number of seconds and a task", T::WORD);
        return ExitCode::from(2);
    };
    bound(patience_s.parse().expect("a number of seconds"));
    let task: T = serde_json::from_str(task).expect("a task is JSON");
    println!("{}", serde_json::to_string(&task.run()).expect("an outcome is plain data"));
    ExitCode::SUCCESS
}

/// Bounds the CPU time and the memory of this process and of what it starts.
fn bound(patience_s: u64) {
    setrlimit(Resource::RLIMIT_CPU, patience_s, patience_s + 5).expect("CPU time can be bounded");
    setrlimit(Resource::RLIMIT_AS, MOST_BYTES, MOST_BYTES).expect("memory can be bounded");
}

/// A program that runs to its end, and of which account is kept.
#[derive(Debug, Serialize, Deserialize)]
pub struct Program {
    path: PathBuf,
    arguments: Vec<String>,
}

/// What a process took.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Account {
    /// CPU time, user and system, in seconds.
    pub cpu_s: f64,
    /// The part of it that the system itself took.
    pub system_s: f64,
    /// Time from start to end, in seconds.
    pub wall_s: f64,
    /// Peak memory, in megabytes.
    pub peak_mb: f64,
    /// Whether it ended by itself and well.
    pub success: bool,
    /// Whether it was stopped because it took too long.
    pub stopped: bool,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Task for Program {
    const WORD: &str = "account-of";

    type Outcome = Account;

    fn run(&self) -> Account {
        let begun = Instant::now();
        let mut command = Command::new(&self.path);
        command.args(&self.arguments).stdin(Stdio::null()).stdout(Stdio::null());
        let output = command.output().unwrap_or_else(|error| {
            panic!("{} cannot be started: {error}", self.path.display());
        });
        Account {
            cpu_s: usage::children_cpu_s(),
            system_s: usage::children_system_s(),
            wall_s: begun.elapsed().as_secs_f64(),
            peak_mb: usage::children_peak_mb(),
            success: output.status.success(),
            stopped: output.status.signal().is_some(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Runs a program to its end, or until it has taken `patience_s` seconds of CPU time.
pub fn account(path: &Path, arguments: &[String], patience_s: u64) -> Account {
    let program = Program { path: path.to_owned(), arguments: arguments.to_owned() };
    let account = start(&program, patience_s);
    account.unwrap_or_else(|| panic!("no account could be kept of {}", path.display()))
}
