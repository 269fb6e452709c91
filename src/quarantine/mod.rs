//! What was set aside: records that are no events, and events that came too late.
//!
//! Enters: lines, from the sources and the engine's thread. Leaves: a file of JSON lines that people can
//! look at, and that `tripline quarantine replay` can feed again. [`record`] and [`late`] are the two
//! forms of a line, [`writer`] appends them from a thread of its own, [`file`] is how several programs
//! share the file, [`back`] looks at its end, [`taken`] how one of them takes it away to work on it.
//!
//! - Who hands over a line waits while the queue is full; nothing is dropped to make room in it.
//! - What cannot be kept, because the file is full or cannot be written, is counted and logged. It stops
//!   nothing.

pub mod back;
pub mod file;
pub mod filter;
pub mod late;
pub mod read;
pub mod record;
pub mod taken;
pub mod writer;

use std::path::PathBuf;

/// A file to keep lines in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The file.
    pub file: PathBuf,
    /// The size in bytes that it does not grow beyond.
    pub max_size: u64,
}
