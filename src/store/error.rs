//! Why a store or a savepoint cannot be used.

use std::io;
use std::path::{Path, PathBuf};

use crate::disk::Cause;

/// Why a store cannot be opened, read or written. What was stored before is as it was.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it open.
    #[error("the state in {} is in use by another process{}; stop that one first, or give this one a folder of its own", folder.display(), number(*process))]
    InUse {
        /// The folder of the store.
        folder: PathBuf,
        /// The process, if it has said its number.
        process: Option<u32>,
    },
    /// There is none.
    #[error("there is no state in {}; look whether that is the folder that the service uses", folder.display())]
    Missing {
        /// The folder that was looked in.
        folder: PathBuf,
    },
    /// A file has a format that this program does not know.
    #[error("{} has format {found} and this program knows {known}: a newer version has written it, or it is damaged; run that version (the file was left as it is)", file.display())]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that this program knows.
        known: u32,
    },
    /// A file that is named like ours is none of ours.
    #[error("{} is no {kind} of Tripline; move it out of the way, or name another file (it was left as it is)", file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
        /// What it should be.
        kind: &'static str,
    },
    /// A file would be written over another.
    #[error("{} is there already; remove it, or name another file", file.display())]
    Exists {
        /// The file.
        file: PathBuf,
    },
    /// Something that was on the disk no longer is, or has changed.
    #[error("{} is damaged: {what}; {advice} (it was left as it is)", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Where in it, and what is wrong.
        what: String,
        /// What to do about it.
        advice: &'static str,
    },
    /// Something is larger than what can be stored.
    #[error("{what} takes {bytes} bytes, and no more than {most} can be stored")]
    TooLarge {
        /// What it is.
        what: &'static str,
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        most: usize,
    },
    /// Rows that have to come in order do not.
    #[error("the rows to be restored are not in order of group, space and key, or one comes twice")]
    Unordered,
    /// The disk is full or broken, or the file may not be used so.
    #[error("cannot {doing} {}: {error}; {}", path.display(), Cause::of(error).advice())]
    Disk {
        /// What was tried.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said; it stands in the text, and so is no source.
        error: io::Error,
    },
    /// The store has been closed, or opened anew after trouble, since this view of it was taken.
    #[error("this view of the state in {} has ended, as the file was closed; take a new one", file.display())]
    Ended {
        /// The file.
        file: PathBuf,
    },
}

/// What to do about a damaged store.
const STORE_ADVICE: &str =
    "bring the file back from a copy, or restore a savepoint into an empty state folder";
/// What to do about a damaged savepoint.
const SAVEPOINT_ADVICE: &str = "bring the file back from a copy, or use another savepoint";

fn number(process: Option<u32>) -> String {
    process.map(|process| format!(" ({process})")).unwrap_or_default()
}

impl StoreError {
    /// Says what was tried with which file; to be used in `map_err`.
    pub(super) fn disk(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
        let path = path.to_path_buf();
        move |error| StoreError::Disk { doing, path, error }
    }

    /// The file of a store is damaged.
    pub(super) fn damaged(file: &Path, what: impl Into<String>) -> StoreError {
        StoreError::Damaged { file: file.to_path_buf(), what: what.into(), advice: STORE_ADVICE }
    }

    /// The file of a savepoint is damaged.
    pub(super) fn damaged_savepoint(file: &Path, what: impl Into<String>) -> StoreError {
        StoreError::Damaged { file: file.to_path_buf(), what: what.into(), advice: SAVEPOINT_ADVICE }
    }

    /// What kind of trouble with the disk it is; `None` when it is something else.
    pub fn cause(&self) -> Option<Cause> {
        match self {
            StoreError::Disk { error, .. } => Some(Cause::of(error)),
            _ => None,
        }
    }

    /// Whether the same may work later, without anybody changing anything but the disk.
    pub fn is_temporary(&self) -> bool {
        matches!(self, StoreError::Disk { .. } | StoreError::Ended { .. })
    }
}
