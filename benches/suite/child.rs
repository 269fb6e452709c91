//! One process, and what the operating system says it took.
//!
//! The system adds up what all children of a process took and keeps the memory of the largest only. So
//! each measured process is started by a small one of its own, which is this program again: it bounds
//! the child, waits for it and says in JSON what it took. A child also begins with the memory of the
//! one that starts it on its account, which must therefore be small.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use nix::sys::resource::{Resource, setrlimit};
use serde::{Deserialize, Serialize};

use crate::usage;

/// The first argument that makes this program keep account of another.
pub const WORD: &str = "account-of";

/// The most memory that a measured process may ask for: more would only take the machine down with it.
const MOST_BYTES: u64 = 20 << 30;

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

/// Runs a program to its end, or until it has taken `patience_s` seconds of CPU time.
pub fn account(program: &Path, arguments: &[String], patience_s: u64) -> Account {
    let me = std::env::current_exe().expect("the system tells which program this is");
    let output = Command::new(me)
        .args([WORD, &patience_s.to_string()])
        .arg(program)
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .expect("this program can be started again");
    assert!(output.status.success(), "no account could be kept of {}", program.display());
    serde_json::from_slice(&output.stdout).expect("an account is JSON")
}

/// The small process: starts the program named by the arguments after the patience, and writes its
/// account.
pub fn keep_account(arguments: &[String]) -> ExitCode {
    let [patience_s, program, arguments @ ..] = arguments else {
        eprintln!("{WORD} needs a number of seconds and a program");
        return ExitCode::from(2);
    };
    bound(patience_s.parse().expect("a number of seconds"));
    let begun = Instant::now();
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).output();
    let output = match output {
        Ok(output) => output,
        Err(error) => {
            eprintln!("{program} cannot be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    let account = Account {
        cpu_s: usage::children_cpu_s(),
        system_s: usage::children_system_s(),
        wall_s: begun.elapsed().as_secs_f64(),
        peak_mb: usage::children_peak_mb(),
        success: output.status.success(),
        stopped: output.status.signal().is_some(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    println!("{}", serde_json::to_string(&account).expect("an account is plain data"));
    ExitCode::SUCCESS
}

/// Bounds the CPU time and the memory of this process and of what it starts.
pub fn bound(patience_s: u64) {
    setrlimit(Resource::RLIMIT_CPU, patience_s, patience_s + 5).expect("CPU time can be bounded");
    setrlimit(Resource::RLIMIT_AS, MOST_BYTES, MOST_BYTES).expect("memory can be bounded");
}
