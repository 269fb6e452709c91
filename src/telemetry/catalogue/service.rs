//! What can be said of the service as a whole.

use super::super::metric::{Family, Flags, Gauge, Info, Moment, Spent};
use super::group::group;

/// The parts of the service for which it can be not ready, in the order shown.
pub const TROUBLE_PARTS: [&str; 6] = ["service", "sources", "lag", "journal", "store", "outbox"];
/// The levels by which log messages are counted, in the order shown.
pub const LOG_LEVELS: [&str; 3] = ["error", "warn", "info"];

group! {
    /// Whether it runs as it should, and which it is.
    "Service": ServiceMetrics by "" {
        build: Info = Info::new([("version", env!("CARGO_PKG_VERSION"))]), "tripline_build_info", "services",
            "1; its labels say which version it is.";
        ready: Gauge = Gauge::default(), "tripline_ready", "services",
            "1 while the service takes events, as `/readyz` says, otherwise 0.";
        trouble: Flags = Flags::new("part", TROUBLE_PARTS), "tripline_trouble", "parts",
            "1 while a part of the service is a reason not to be ready, otherwise 0; `/readyz` has the reason in words.";
        logged: Family = Family::new("level", LOG_LEVELS), "tripline_log_messages_total", "messages",
            "Messages written to the log.";
    }
}

group! {
    /// What the process takes of the machine, as every program tells it that Prometheus watches. Only on Linux.
    "Process": ProcessMetrics by "" {
        cpu: Spent = Spent::default(), "process_cpu_seconds_total", "seconds",
            "Time for which processors worked for it, in the program and in the system.";
        resident: Gauge = Gauge::default(), "process_resident_memory_bytes", "bytes",
            "Memory that it takes.";
        virtual_memory: Gauge = Gauge::default(), "process_virtual_memory_bytes", "bytes",
            "Addresses that it has reserved, be there memory behind them or not.";
        files: Gauge = Gauge::default(), "process_open_fds", "descriptors",
            "File descriptors that are open: files and connections.";
        most_files: Gauge = Gauge::default(), "process_max_fds", "descriptors",
            "File descriptors that may be open.";
        threads: Gauge = Gauge::default(), "process_threads", "threads",
            "Threads.";
        started: Moment = Moment::default(), "process_start_time_seconds", "seconds",
            "When it was started, in seconds since 1970.";
    }
}
