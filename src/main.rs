//! The `tripline` command.

use std::process::ExitCode;

// Engines allocate one event at a time on one thread and free it on the same; the system's
// allocator is slower at that. `scripts/compare-builds` says how much.
#[cfg(not(system_allocator))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    tripline::cli::main()
}
