//! What processes have used, as the operating system keeps account of it.
#![allow(dead_code, reason = "every benchmark uses a part of it")]

use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeValLike;

/// CPU time of all children that have ended, user and system, in seconds.
pub fn children_cpu_s() -> f64 {
    cpu_s(&usage(UsageWho::RUSAGE_CHILDREN))
}

/// The part of [`children_cpu_s`] that the system itself took, for example to clear new memory.
pub fn children_system_s() -> f64 {
    usage(UsageWho::RUSAGE_CHILDREN).system_time().num_microseconds() as f64 / 1e6
}

/// CPU time of this process, user and system, in seconds.
pub fn own_cpu_s() -> f64 {
    cpu_s(&usage(UsageWho::RUSAGE_SELF))
}

/// Peak memory of the largest child that has ended, in megabytes.
pub fn children_peak_mb() -> f64 {
    usage(UsageWho::RUSAGE_CHILDREN).max_rss() as f64 / 1e3
}

fn usage(who: UsageWho) -> Usage {
    getrusage(who).expect("the system keeps account of processes")
}

fn cpu_s(usage: &Usage) -> f64 {
    (usage.user_time().num_microseconds() + usage.system_time().num_microseconds()) as f64 / 1e6
}

/// Resident memory of a process, in megabytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Now.
    pub now_mb: f64,
    /// The most so far.
    pub peak_mb: f64,
}

/// The memory of a process that runs; `None` where the system does not tell, as only Linux does.
pub fn memory(process: u32) -> Option<Memory> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let megabytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kib * 1024.0 / 1e6)
    };
    Some(Memory { now_mb: megabytes("VmRSS:")?, peak_mb: megabytes("VmHWM:")? })
}
