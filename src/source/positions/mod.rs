//! How far every partition has come: what sources need to go on after a restart where they were.
//!
//! Enters: the inputs of the engine, each of which says how far its partition has come with it, as the
//! engine takes them. Leaves: plain data that can be stored beside the state of the engine
//! ([`Positions`], bytes in `stored`), and from which sources go on ([`Resume`]).
//!
//! - A position is behind what the engine has taken and before what it has not, record by record. So a
//!   checkpoint of the engine between two inputs, and the positions of that moment, belong together.
//! - A record that is read again has the same partition and the same offset.
//! - A number of a partition is never given to another partition, also over restarts: unless the engine has
//!   taken nothing of it.
//! - Entries of the journal reach the engine in the order of their numbers, so that one number says which
//!   of them it has taken.

mod resume;
mod stored;
#[cfg(test)]
mod tests;
pub mod topic;

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use crate::event::{PartitionId, StreamId};

use super::Input;

pub use resume::{Resume, Stored};

/// How far all partitions have come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Positions {
    /// The number of the last entry of the journal that has been taken; all before it have been. 0: none.
    pub journal: u64,
    /// What is known of each stream, by its name.
    pub streams: BTreeMap<Box<str>, StreamPositions>,
}

/// How far the partitions of a stream have come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamPositions {
    /// The number of the next partition that begins.
    pub next: u64,
    /// Those that are open, and files that have been read.
    pub partitions: BTreeMap<PartitionId, PartitionPosition>,
}

/// How far a partition has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionPosition {
    /// Where it comes from.
    pub origin: Arc<Origin>,
    /// Whether the engine knows of it. A file that was read to its end, or is not wanted any more, is kept
    /// here although it does not.
    pub is_open: bool,
    /// How far it has come.
    pub reached: Reached,
}

/// Where a partition comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The name of the source.
    pub source: Arc<str>,
    /// What it is.
    pub kind: Kind,
}

/// What a partition is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A connection, with who made it: it ends with the process.
    Connection(Arc<str>),
    /// The only partition that the source has of the stream: it goes on after a restart.
    Source,
    /// A file, or a path that is followed: it can be read again.
    File(Arc<Path>),
    /// A partition of a topic of Kafka: it can be read again.
    Kafka {
        /// The topic.
        topic: Arc<str>,
        /// The partition of it.
        partition: u32,
    },
}

impl Kind {
    /// Whether what has been read of it can be read again.
    pub fn can_be_read_again(&self) -> bool {
        matches!(self, Kind::File(_) | Kind::Kafka { .. })
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Kind::Connection(peer) => f.write_str(peer),
            Kind::Source => f.write_str("the source"),
            Kind::File(path) => path.display().fmt(f),
            Kind::Kafka { topic, partition } => write!(f, "{topic}/{partition}"),
        }
    }
}

/// How far a partition has come, with everything before it taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// The offset at which the next record begins, or a blank before it.
    pub offset: u64,
    /// The number that the next record has for people: a line, for example.
    pub number: u64,
    /// The record that says what those after it mean, such as the header of a CSV file, if there was one.
    pub header: Option<Arc<[u8]>>,
    /// The number of its last entry in the journal; 0: it has none.
    pub journal: u64,
    /// Of a partition that is read from files: where in them that is.
    pub file: Option<Arc<FileReached>>,
}

/// How far a path has been read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileReached {
    /// The file that is being read, up to there; `None` while there is none. Of one that is compressed, the
    /// bytes are those that are in it.
    pub current: Option<Piece>,
    /// The files before it, up to where they were read, as long as some path may show them.
    pub left: Arc<[Piece]>,
    /// How large the file was, once it has been read to its end and nothing more is waited for.
    pub ended: Option<u64>,
}

/// A file, as far as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Which file.
    pub file: FileId,
    /// How many bytes of it have been read.
    pub read: u64,
    /// How it begins.
    pub head: Head,
}

/// Which file it is, whatever its name is now. A number of a deleted file can be given to a new one, so the
/// time of creation belongs to it where the file system tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileId {
    /// The device.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
    /// When it was made, in nanoseconds since 1970.
    pub born: Option<i64>,
}

impl FileId {
    /// The identity of the file with that status.
    pub fn of(data: &Metadata) -> FileId {
        let born = data.created().ok().and_then(|time| match time.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_nanos()).ok(),
            Err(before) => i64::try_from(before.duration().as_nanos()).ok().map(|before| -before),
        });
        FileId { device: data.dev(), inode: data.ino(), born }
    }
}

/// The first bytes of a file, by their checksum: tells whether a file still begins as it did. One that does
/// not has been written anew, even if it has the same number and is as large.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// How many bytes.
    pub length: u16,
    /// Their checksum.
    pub crc: u32,
}

impl Head {
    /// The most bytes that are looked at.
    pub const MOST: usize = 1024;

    /// Of the first bytes of a file, of which no more than [`Head::MOST`] count.
    pub fn of(bytes: &[u8]) -> Head {
        let bytes = &bytes[..bytes.len().min(Head::MOST)];
        Head { length: bytes.len() as u16, crc: crc32fast::hash(bytes) }
    }
}

impl Positions {
    /// The positions of a stream, which are made if there are none.
    fn stream(&mut self, name: &str) -> &mut StreamPositions {
        if !self.streams.contains_key(name) {
            self.streams.insert(name.into(), StreamPositions::default());
        }
        self.streams.get_mut(name).expect("it is there now")
    }

    /// A partition has that number, which is not to be given again.
    pub(in crate::source) fn give(&mut self, stream: &str, partition: PartitionId) {
        let stream = self.stream(stream);
        if !topic::has_own_number(partition) {
            stream.next = stream.next.max(u64::from(partition.0) + 1);
        }
    }

    /// The engine has taken an input of a stream of that name.
    pub fn follow(&mut self, stream: &str, input: &Input) {
        match input {
            Input::Opened { partition, origin, .. } => {
                self.give(stream, *partition);
                let new = || PartitionPosition {
                    origin: Arc::clone(origin),
                    is_open: true,
                    reached: Reached::default(),
                };
                self.stream(stream).partitions.entry(*partition).or_insert_with(new).is_open = true;
            }
            Input::Events { partition, reached, .. } | Input::Reached { partition, reached, .. } => {
                self.journal = self.journal.max(reached.journal);
                if let Some(found) = self.stream(stream).partitions.get_mut(partition) {
                    found.reached = reached.clone();
                }
            }
            Input::Closed { partition, journal, .. } => {
                self.journal = self.journal.max(*journal);
                let partitions = &mut self.stream(stream).partitions;
                if let Some(found) = partitions.get_mut(partition) {
                    found.is_open = false;
                    if !found.outlasts_its_end() {
                        partitions.remove(partition);
                    }
                }
            }
            Input::Forgotten { partition, .. } => {
                let partitions = &mut self.stream(stream).partitions;
                if partitions.get(partition).is_some_and(|found| !found.is_open) {
                    partitions.remove(partition);
                }
            }
            Input::Connected { .. } | Input::Disconnected { .. } | Input::Brought { .. } => {}
        }
    }

    /// The partitions that are open, with the names of their streams.
    pub fn open(&self) -> impl Iterator<Item = (&str, PartitionId, &PartitionPosition)> {
        let streams = self.streams.iter();
        let all = streams.flat_map(|(name, stream)| stream.partitions.iter().map(move |one| (&**name, one)));
        all.filter(|(_, (_, position))| position.is_open).map(|(name, (id, position))| (name, *id, position))
    }
}

impl PartitionPosition {
    /// Whether it may go on where it has ended: there are files that it has read, or reads, or it is one of
    /// Kafka that may come back.
    fn outlasts_its_end(&self) -> bool {
        let file = self.reached.file.as_ref();
        matches!(self.origin.kind, Kind::Kafka { .. })
            || file.is_some_and(|file| file.current.is_some() || !file.left.is_empty())
    }
}

/// Follows the inputs of an engine.
#[derive(Clone, Debug, Default)]
pub struct Keeper {
    positions: Positions,
    /// The names of the streams, by their numbers.
    names: Vec<Box<str>>,
}

impl Keeper {
    /// Goes on from positions, for an engine whose streams have these names.
    pub fn new<'a>(positions: Positions, streams: impl IntoIterator<Item = &'a str>) -> Keeper {
        Keeper { positions, names: streams.into_iter().map(Into::into).collect() }
    }

    /// The engine takes an input.
    pub fn follow(&mut self, input: &Input) {
        let StreamId(stream) = input.stream();
        if let Some(name) = self.names.get(stream as usize) {
            self.positions.follow(name, input);
        }
    }

    /// How far everything has come.
    pub fn positions(&self) -> &Positions {
        &self.positions
    }
}
