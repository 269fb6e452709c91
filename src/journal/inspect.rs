//! Looks at a journal and changes nothing, for commands.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::Disk;
use crate::event::Timestamp;

use super::Entry;
use super::error::JournalError;
use super::read::Reader;
use super::recovery;

/// How often files may go away under our hands before that is an error.
const TRIES: usize = 8;

/// What a journal holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// Its files, oldest first.
    pub segments: Vec<SegmentFile>,
    /// How many bytes they have together.
    pub bytes: u64,
    /// The oldest entry.
    pub oldest: Option<Place>,
    /// The newest entry.
    pub newest: Option<Place>,
    /// An end that can be read only in part: while the service runs, what it writes at this moment;
    /// otherwise what a crash has cut short, and the next start removes.
    pub torn: Option<Torn>,
}

/// A file of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentFile {
    /// Where it is.
    pub file: PathBuf,
    /// How many bytes it has.
    pub bytes: u64,
    /// The number of its first entry, or of the one that would be.
    pub first: u64,
    /// How many entries of it count.
    pub entries: u64,
}

/// Where an entry came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its number.
    pub number: u64,
    /// The name of its stream.
    pub stream: String,
    /// The partition of the stream.
    pub partition: u32,
    /// The place in the partition.
    pub offset: u64,
    /// When it came in, by the wall clock.
    pub arrival: Timestamp,
}

/// An end that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn {
    /// The segment.
    pub file: PathBuf,
    /// Where in it what can be read ends.
    pub offset: u64,
    /// How many bytes follow.
    pub bytes: u64,
}

impl Place {
    pub(super) fn new(number: u64, entry: &Entry<'_>) -> Place {
        let Entry { stream, partition, offset, arrival, .. } = *entry;
        Place { number, stream: stream.to_owned(), partition, offset, arrival }
    }
}

impl Inspection {
    /// How many entries there are.
    pub fn entries(&self) -> u64 {
        self.segments.iter().map(|segment| segment.entries).sum()
    }
}

/// Looks at the journal in a folder; also at one that is in use, which may grow meanwhile.
///
/// # Errors
/// When a file cannot be read, is not what its name says, or is damaged where this looks: at the
/// beginnings, the oldest entry and the last file.
pub fn inspect(disk: &Arc<dyn Disk>, folder: &Path) -> Result<Inspection, JournalError> {
    let mut tries = 0;
    loop {
        tries += 1;
        match look(disk, folder) {
            // The service has trimmed it meanwhile.
            Err(JournalError::Io { error, path, .. })
                if error.kind() == io::ErrorKind::NotFound && path != folder && tries < TRIES => {}
            looked => return looked,
        }
    }
}

fn look(disk: &Arc<dyn Disk>, folder: &Path) -> Result<Inspection, JournalError> {
    let segments = recovery::find(&**disk, folder)?.segments;
    let tail = segments.last().map(|last| recovery::tail(&**disk, last)).transpose()?;
    let last = tail.as_ref().map_or(0, |tail| tail.last);
    let mut reader = Reader::new(Arc::clone(disk), &segments, last, 1);
    let oldest = reader.read()?.map(|(number, entry)| Place::new(number, &entry));
    let newest = match tail.as_ref().and_then(|tail| tail.newest.clone()) {
        Some(newest) => Some(newest),
        // The last file has none yet.
        None => {
            let mut reader = Reader::new(Arc::clone(disk), &segments, last, last.max(1));
            reader.read()?.map(|(number, entry)| Place::new(number, &entry))
        }
    };
    let torn = segments.last().zip(tail).filter(|(_, tail)| tail.torn > 0).map(|(segment, tail)| Torn {
        file: segment.file.clone(),
        offset: tail.end,
        bytes: tail.torn,
    });
    let lasts = segments.iter().skip(1).map(|next| next.head.previous).chain([last]);
    let files = segments.iter().zip(lasts).map(|(segment, last)| SegmentFile {
        file: segment.file.clone(),
        bytes: segment.len,
        first: segment.head.first,
        entries: (last + 1).saturating_sub(segment.head.first),
    });
    let segments: Vec<SegmentFile> = files.collect();
    let bytes = segments.iter().map(|segment| segment.bytes).sum();
    Ok(Inspection { segments, bytes, oldest, newest, torn })
}

/// Reads the entries of a journal that nobody has open, from a number on.
///
/// # Errors
/// As [`inspect`].
pub fn entries(
    disk: &Arc<dyn Disk>,
    folder: &Path,
    from: u64,
    mut give: impl FnMut(u64, &Entry<'_>),
) -> Result<(), JournalError> {
    let segments = recovery::find(&**disk, folder)?.segments;
    let tail = segments.last().map(|last| recovery::tail(&**disk, last)).transpose()?;
    let last = tail.map_or(0, |tail| tail.last);
    let mut reader = Reader::new(Arc::clone(disk), &segments, last, from.max(1));
    while let Some((number, entry)) = reader.read()? {
        give(number, &entry);
    }
    Ok(())
}
