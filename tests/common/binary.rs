//! The binary that is tested.

use std::process::Command;

/// What would change how the binary behaves.
const VARIABLES: [&str; 9] = [
    "RUST_LOG",
    "NO_COLOR",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
];

/// A command that runs it.
pub fn tripline() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tripline"));
    for name in VARIABLES {
        command.env_remove(name);
    }
    command
}
