//! Records of sources that cannot be replayed, kept until checkpoints have taken them in.
//!
//! Enters: batches of records with where they came from. Leaves: word of how far they are on the disk, so
//! that senders may be told ([`Options::on_change`]); and, after a restart, the records again. [`Journal`] is what sources hold,
//! [`Committer`] writes what they have appended from a thread of its own, many batches with one sync.
//! Underneath, `log` is the files, `format` their bytes, `recovery` and `read` get the records back,
//! [`inspect()`] looks at a journal without changing it.
//!
//! - Every record gets a number: 1, then one more for each. Records come back in order of their numbers,
//!   each once.
//! - A record is reported as durable after it was synced, never before. What is found after a crash is
//!   all of those, perhaps some that were appended later, and nothing else.
//! - After a failure to write or to sync, nothing more is written to that segment. What was not durable
//!   is written again to a new one, and that one says from which number on it counts.
//! - Only an end that was never synced is cut off. Damage before it is an error that names the place,
//!   and the files stay as they are.
//! - Everything is bounded: a record, what waits in memory, bytes on the disk.
//!
//! The folder has one file a segment, `0000000001.journal` and so on, and `lock`, which the one process
//! that writes holds. A segment is begun as `0000000001.new` and gets its name when its first entries are on
//! the disk.

mod committer;
mod error;
mod format;
mod frames;
mod handle;
mod inspect;
mod log;
mod read;
mod recovery;
mod segment;
#[cfg(test)]
mod tests;
mod trouble;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::event::Timestamp;

pub use crate::disk::Cause;
pub use committer::Committer;
pub use error::{AppendError, JournalError};
pub use handle::{Journal, Status, Ticket, Work};
pub use inspect::{Inspection, Place, SegmentFile, Torn, entries, inspect};
pub use read::Reader;
pub use trouble::Trouble;

/// A record and where it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The name of its stream. Not its id: that may be another after a restart.
    pub stream: &'a str,
    /// The partition of the stream.
    pub partition: u32,
    /// The place in the partition.
    pub offset: u64,
    /// When it came in, by the wall clock.
    pub arrival: Timestamp,
    /// Its bytes.
    pub record: &'a [u8],
}

/// How large things may get, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// All files together. Beyond it nothing is taken until checkpoints have made room.
    pub disk: u64,
    /// What is appended and not yet on the disk; also one batch.
    pub waiting: usize,
    /// One entry: its record, the name of its stream and a few bytes.
    pub entry: usize,
    /// A file. The journal is trimmed by whole files.
    pub segment: u64,
}

/// The setting that bounds the files, as messages name it.
pub(crate) const DISK_SETTING: &str = "journal.max_size";

impl Default for Limits {
    fn default() -> Limits {
        Limits { disk: 1 << 30, waiting: 16 << 20, entry: 4 << 20, segment: 32 << 20 }
    }
}

impl Limits {
    /// The limits that are kept: those that were asked for, made small enough that a journal whose
    /// entries are all taken in always has room for one more batch, and a batch for one entry.
    fn kept(self) -> Limits {
        let disk = self.disk.max(1 << 10);
        let most = |part: u64| usize::try_from(disk / part).unwrap_or(usize::MAX);
        let waiting = self.waiting.min(most(4));
        let entry = self.entry.min(most(8)).min(waiting).min(format::LONGEST);
        Limits { disk, waiting, entry, segment: self.segment.min(disk / 8) }
    }
}

/// How a journal is run.
#[derive(Clone, Default)]
pub struct Options {
    /// How large things may get.
    pub limits: Limits,
    /// The last number that the state knows of. Should the journal end before it, numbers go on behind
    /// it, so that none is given out twice.
    pub known: u64,
    /// How long to wait before it is tried again to write; a second, unless this says otherwise.
    pub again: Option<Duration>,
    /// Is told after every attempt to write, on the thread that writes: entries are durable, there is
    /// room again, trouble begins or ends. It must not wait for anything.
    pub on_change: Option<Listener>,
}

/// Someone who wants to know how the journal does.
pub type Listener = Arc<dyn Fn(&Status) + Send + Sync>;

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Options { limits, known, again, .. } = self;
        f.debug_struct("Options")
            .field("limits", limits)
            .field("known", known)
            .field("again", again)
            .finish_non_exhaustive()
    }
}
