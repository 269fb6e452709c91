//! Events from files: read once, or followed as they grow and rotate.
//!
//! Each file that is read once is a partition of the stream, and each path that is followed. All of
//! them are open before the first is read, so that event time waits for the slowest. Files are looked
//! at again and again, which works on every file system; being told by the system does not.

mod before;
mod follow;
mod follower;
mod known;
mod once;
mod open;
mod order;
mod pattern;
mod pieces;
mod shown;
#[cfg(test)]
mod tests;
mod watch;

use std::time::Duration;

pub use follow::Following;
pub use once::Once;
pub use pattern::{Mistake, Paths};

/// What a file source is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The files.
    pub paths: Paths,
    /// Most paths that are read; at least 1.
    pub max_files: usize,
    /// Whether they are read once or followed.
    pub mode: Mode,
}

/// How files are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// To their end, and that is all.
    Once,
    /// As they grow and are replaced.
    Follow {
        /// Where files begin that are there when the service starts.
        start: Start,
        /// How often the files are looked at.
        poll: Duration,
    },
}

/// Where a file begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With its first record.
    Beginning,
    /// With the first record that is not whole when it is first seen.
    End,
}
