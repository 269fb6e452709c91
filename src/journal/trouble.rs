//! What keeps the journal from writing, and what to do about it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

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

/// The kinds of trouble that one does something different about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// No room on the file system, or no more of it for this user.
    Full,
    /// The file system, or the folder, may not be written.
    ReadOnly,
    /// Its folder, or a file that should be in it, is not there.
    Gone,
    /// Anything else: most often the disk itself.
    Broken,
}

impl Cause {
    /// What an error of the system stands for.
    pub fn of(error: &io::Error) -> Cause {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Cause::Full,
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => Cause::ReadOnly,
            io::ErrorKind::NotFound => Cause::Gone,
            _ => Cause::Broken,
        }
    }

    /// What to do about it.
    pub fn advice(self) -> &'static str {
        match self {
            Cause::Full => "make room on its file system",
            Cause::ReadOnly => "make it writable for the user that runs the service",
            Cause::Gone => "look who has moved it away, or whether a disk is not mounted, and bring it back",
            Cause::Broken => "check the disk and the system's log (dmesg)",
        }
    }

    /// A word for metrics and statuses.
    pub fn name(self) -> &'static str {
        match self {
            Cause::Full => "full",
            Cause::ReadOnly => "read_only",
            Cause::Gone => "gone",
            Cause::Broken => "broken",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Cause::Full => "there is no room left",
            Cause::ReadOnly => "it may not be written",
            Cause::Gone => "it is not there",
            Cause::Broken => "writing fails",
        }
    }
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
