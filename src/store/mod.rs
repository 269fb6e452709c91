//! The state of an engine on the disk: one file, changed by whole commits.
//!
//! Enters: bytes. A commit brings the head and the positions of sources (which are written whole), the rows
//! that have changed, how far the journal has been taken in, new alerts and what has become of older ones. Leaves:
//! the state of the last commit, the whole of it or a row. What the bytes mean is not known here.
//! [`Store`] is what the one who writes holds, [`Snapshot`] is the state of one commit, for any thread,
//! [`look()`] reads a store that is not in use, and a [`Savepoint`] is a state in a file of its own that can
//! be taken elsewhere.
//!
//! - A commit is there as a whole or not at all, and once it is reported it is durable. After a crash the
//!   state is that of the last commit that was reported, or of the one that was under way.
//! - Damage is an error that names the file and the place. Nothing is made up for it, and a file that is
//!   foreign, newer or damaged is left as it is.
//! - When the disk fails, the state stays as it was, and the store can be used again when the disk can.
//! - A commit takes time by what it brings, not by what there is; see `draft`. What is read to get all rows
//!   back is about twice what counts of it at most.
//!
//! Underneath, redb makes the transactions (`tables`) in a file of ours (`file`). Rows are too small and
//! too many for it, so they are packed into `blob`s; which of them there are is the `directory`.
//!
//! The folder has the file `state.store`, which is `state.new` until it is whole, and `lock`, which the
//! one process that has it open holds.

mod archive;
mod blob;
mod commit;
mod copy;
mod directory;
mod draft;
mod error;
mod file;
mod filter;
mod format;
mod handle;
mod ids;
mod lock;
mod merge;
mod outbox;
mod record;
mod savepoint;
mod snapshot;
mod tables;
#[cfg(test)]
mod tests;
mod whole;

pub use archive::{ArchiveSize, Entry, Kept, Term, Way};
pub use blob::{Row, StoredRow};
pub use commit::{Commit, Committed, Restore, RoutingRow};
pub use copy::VERSION as FORMAT;
pub use directory::Size;
pub use error::StoreError;
pub use handle::{Store, look};
pub use outbox::{Alert, DeadLetter, Disabled, Lane, Lanes, OutboxChange, Tries, Waiting};
pub use savepoint::{
    Savepoint, SavepointInfo, SavepointRows, glance_at_savepoint, inspect_savepoint, write_savepoint,
};
pub use snapshot::{Current, Rows, Snapshot};

/// The file of a store in its folder.
pub const FILE: &str = "state.store";
/// The same before it is whole.
const NEW_FILE: &str = "state.new";

/// How a store is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How much memory the database takes for its pages, in bytes.
    pub cache: usize,
    /// How many alerts are kept that have been given up.
    pub dead: DeadLimits,
    /// How many ids of alerts are remembered; beyond that those of the oldest commits are forgotten. Each
    /// takes about 50 bytes of memory.
    pub ids: usize,
    /// How many bytes of entries are kept for people to look at; beyond that the oldest are removed.
    pub archive: u64,
    /// How large the pieces are in which it works.
    pub sizes: Sizes,
}

/// How many alerts are kept that have been given up; beyond that the oldest are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeadLimits {
    /// How many.
    pub letters: u64,
    /// How many bytes they have together; one is kept in any case.
    pub bytes: u64,
}

/// How large the pieces are in which a store works, in bytes. Tests make them small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// A blob of several rows.
    pub blob: usize,
    /// What is merged at once, at least.
    pub portion: u64,
}

impl Default for Options {
    fn default() -> Options {
        let dead = DeadLimits { letters: 10_000, bytes: 64 << 20 };
        let sizes = Sizes { blob: blob::FULL, portion: 512 << 10 };
        // Blobs are read once and directories are held here: pages are rarely asked for twice. But half of this
        // is what a commit can hold back; of a larger one the database writes pages, reads them and writes them again.
        Options { cache: 64 << 20, dead, ids: 1_000_000, archive: 1 << 30, sizes }
    }
}

impl Sizes {
    /// How much is merged into a base of that size at once, at least: a part of it, so that not too many
    /// runs are looked at for little.
    fn step(self, base: u64) -> u64 {
        (base / 64).clamp(self.portion, 32 * self.portion)
    }

    /// How large runs become by being merged with each other.
    fn merge(self, base: u64) -> u64 {
        (base / 32).clamp(8 * self.portion, 128 * self.portion)
    }
}
