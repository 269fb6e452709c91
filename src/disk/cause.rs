//! What keeps files from being written, and what to do about it.

use std::io;

/// The kinds of trouble that one does something different about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// No room on the file system, or no more of it for this user or this file.
    Full,
    /// The file system, or the folder, may not be written.
    ReadOnly,
    /// Its folder, or a file that should be in it, is not there.
    Gone,
    /// Where its folder should be is something else.
    NoFolder,
    /// Anything else: most often the disk itself.
    Broken,
}

impl Cause {
    /// What an error of the system stands for.
    pub fn of(error: &io::Error) -> Cause {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Cause::Full
            }
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => Cause::ReadOnly,
            io::ErrorKind::NotFound => Cause::Gone,
            io::ErrorKind::NotADirectory => Cause::NoFolder,
            _ => Cause::Broken,
        }
    }

    /// What to do about it.
    pub fn advice(self) -> &'static str {
        match self {
            Cause::Full => "make room on its file system",
            Cause::ReadOnly => "make it writable for the user that runs the service",
            Cause::Gone => "look who has moved it away, or whether a disk is not mounted, and bring it back",
            Cause::NoFolder => "move what is there out of the way, or name another folder",
            Cause::Broken => "check the disk and the system's log (dmesg)",
        }
    }

    /// A word for metrics and statuses.
    pub fn name(self) -> &'static str {
        match self {
            Cause::Full => "full",
            Cause::ReadOnly => "read_only",
            Cause::Gone => "gone",
            Cause::NoFolder => "no_folder",
            Cause::Broken => "broken",
        }
    }

    /// The same as a part of a sentence.
    pub fn text(self) -> &'static str {
        match self {
            Cause::Full => "there is no room left",
            Cause::ReadOnly => "it may not be written",
            Cause::Gone => "it is not there",
            Cause::NoFolder => "its folder is none",
            Cause::Broken => "writing fails",
        }
    }
}
