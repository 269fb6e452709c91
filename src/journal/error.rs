//! Why a journal cannot be used, or takes no record.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::trouble::Trouble;
use super::{Cause, DISK_SETTING, Limits};

/// Why a journal cannot be opened or read. Its files are as they were.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process writes it.
    #[error("the journal in {} is in use by another process; stop that one first, or give this one a folder of its own", folder.display())]
    InUse {
        /// The folder of the journal.
        folder: PathBuf,
    },
    /// A segment has a format that this program does not know.
    #[error("{} has format {found} and this program knows {known}: a newer version has written it, or it is damaged; run that version (the file was left as it is)", file.display(), known = super::format::VERSION)]
    Newer {
        /// The segment.
        file: PathBuf,
        /// Its format.
        found: u32,
    },
    /// A file that is named like a segment is none.
    #[error("{} is named like a part of the journal and is none; move it out of the folder (it was left as it is)", file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
    },
    /// A segment has the name of another, or none that fits.
    #[error("{} is part {part} of a journal under another name; call it {part:010}.journal again, or move it out of the folder (it was left as it is)", file.display())]
    Misnamed {
        /// The file.
        file: PathBuf,
        /// Its number.
        part: u64,
    },
    /// Something that was on the disk no longer is, or has changed.
    #[error("{} is damaged at byte {offset}: {what}; bring the file back from a copy, or start with an empty state folder and do without what the journal holds (it was left as it is)", file.display())]
    Damaged {
        /// The segment.
        file: PathBuf,
        /// Where in it.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// Entries that are asked for have been trimmed.
    #[error("the journal in {} begins with entry {oldest} and entry {asked} is asked for: its files or the state have been brought back from different times; use a state and a journal that belong together", folder.display())]
    Missing {
        /// The folder of the journal.
        folder: PathBuf,
        /// The number that was asked for.
        asked: u64,
        /// The oldest that there is.
        oldest: u64,
    },
    /// The system does not let us.
    #[error("cannot {doing} {}: {error}; {}", path.display(), Cause::of(error).advice())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said; it stands in the text, and so is no source.
        error: io::Error,
    },
}

impl JournalError {
    /// Says what was tried with which file; to be used in `map_err`.
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> JournalError {
        let path = path.to_path_buf();
        move |error| JournalError::Io { doing, path, error }
    }
}

/// Why a batch was not taken. None of it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// An entry is too large. Sending it again does not help.
    #[error(
        "record {index} of the batch takes {bytes} bytes in the journal, and {most} are allowed; send it in smaller records"
    )]
    EntryTooLarge {
        /// Which one of the batch, counted from 0.
        index: usize,
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        most: usize,
    },
    /// The batch is too large. It has to be cut.
    #[error(
        "the batch takes {bytes} bytes in the journal, and {most} are allowed at once; send fewer records together"
    )]
    BatchTooLarge {
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        most: usize,
    },
    /// The disk is slower than what comes.
    #[error("{waiting} bytes wait for the disk and no more than {most} may; send this again later")]
    Busy {
        /// How many bytes wait.
        waiting: usize,
        /// How many may.
        most: usize,
    },
    /// The files have reached their bound.
    #[error("the journal in {} holds {bytes} bytes and may hold {most} (`{DISK_SETTING}`): checkpoints make room once they have taken its records in; if they do not come, look why, or raise the limit", folder.display())]
    Full {
        /// The folder of the journal.
        folder: PathBuf,
        /// How many bytes the files have, with what waits for them.
        bytes: u64,
        /// How many they may have.
        most: u64,
    },
    /// The disk is full or broken.
    #[error("{0}")]
    Trouble(Arc<Trouble>),
    /// It has been closed.
    #[error("the journal is closed: the service stops")]
    Ended,
}

impl AppendError {
    /// Whether the same batch may be taken later.
    pub fn is_temporary(&self) -> bool {
        match self {
            AppendError::Busy { .. } | AppendError::Full { .. } | AppendError::Trouble(_) => true,
            AppendError::EntryTooLarge { .. } | AppendError::BatchTooLarge { .. } | AppendError::Ended => {
                false
            }
        }
    }

    /// Whether a batch of entries of these sizes can ever be taken; how large it is together.
    pub(super) fn check(
        sizes: impl Iterator<Item = (usize, bool)>,
        limits: &Limits,
    ) -> Result<usize, AppendError> {
        let mut bytes = 0;
        for (index, (size, has_name)) in sizes.enumerate() {
            if size > limits.entry || !has_name {
                return Err(AppendError::EntryTooLarge { index, bytes: size, most: limits.entry });
            }
            bytes += size;
        }
        match bytes <= limits.waiting {
            true => Ok(bytes),
            false => Err(AppendError::BatchTooLarge { bytes, most: limits.waiting }),
        }
    }
}
