//! What keeps the journal from writing, and what to do about it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::disk::Cause;

/// Why the journal cannot be written. While it lasts nothing new is taken, what was taken is kept, and
/// it is tried again until it works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What kind it is.
    pub cause: Cause,
    /// What the system said, with what was being done.
    pub detail: String,
    /// The folder of the journal.
    pub folder: PathBuf,
}

impl Trouble {
    /// What went wrong in that folder, while `doing` was tried with `path`.
    pub fn new(folder: &Path, doing: &str, path: &Path, error: &io::Error) -> Trouble {
        let detail = format!("cannot {doing} {}: {error}", path.display());
        Trouble { cause: Cause::of(error), detail, folder: folder.to_path_buf() }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the journal in {} takes no records: {} ({}); {}: it goes on by itself then",
            self.folder.display(),
            self.cause.text(),
            self.detail,
            self.cause.advice()
        )
    }
}
