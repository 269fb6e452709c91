//! What files can do, behind a trait, so that tests can make them fail.
//!
//! Enters: bytes for files, and names for them. Leaves: what was kept. [`real`] is the system's files;
//! `simulated`, of tests alone, lies in memory, and loses power, runs full or breaks on request, from a seed.
//!
//! What holds for both, and is all that code above may rely on:
//!
//! - What was written outlasts a loss of power only after [`DiskFile::sync_data`] has succeeded. Until
//!   then any part of it may be on the disk, in any order.
//! - After a failed `sync_data`, what was written since the last good one counts as lost, even if it can
//!   still be read and a later `sync_data` succeeds: the system may have forgotten that it is not on the
//!   disk.
//! - That a file exists, has another name or is gone outlasts a loss of power only after
//!   [`Disk::sync_folder`].

mod cause;
pub mod real;
#[cfg(test)]
pub mod simulated;

use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use cause::Cause;
pub use real::RealDisk;
#[cfg(test)]
pub use simulated::SimulatedDisk;

/// Folders and names.
pub trait Disk: Debug + Send + Sync {
    /// Makes a folder and those above it, where there are none, so that they outlast a loss of power.
    /// Only their owner may look into those that are made.
    ///
    /// # Errors
    /// When the system cannot.
    fn make_folder(&self, folder: &Path) -> io::Result<()>;

    /// Makes a file, or empties the one that is there. Only its owner may read one that is made.
    ///
    /// # Errors
    /// When the system cannot.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens a file for reading and, if so asked, for writing.
    ///
    /// # Errors
    /// When there is none, or it may not be used so.
    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn DiskFile>>;

    /// Gives a file another name; one that has this name already is gone.
    ///
    /// # Errors
    /// When the system cannot; the file has its old name then.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// When the system cannot; the file is still there then.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// The files of a folder, in order of name. Folders in it are left out.
    ///
    /// # Errors
    /// When the folder cannot be read.
    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>>;

    /// Makes what was created, renamed and removed in a folder outlast a loss of power.
    ///
    /// # Errors
    /// When the system cannot; what outlasts it is unknown then.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;

    /// How many bytes there is room for on the file system of a folder.
    ///
    /// # Errors
    /// When the system does not say.
    fn free_space(&self, folder: &Path) -> io::Result<u64>;
}

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reading only.
    Read,
    /// Reading and writing.
    Write,
}

/// An open file. Its methods take a shared reference and say where they read and write, as positioned
/// input and output does; they are those that an embedded store asks of its file.
#[expect(clippy::len_without_is_empty, reason = "a file is asked for its length only")]
pub trait DiskFile: Debug + Send + Sync {
    /// Its length in bytes.
    ///
    /// # Errors
    /// When the system does not say.
    fn len(&self) -> io::Result<u64>;

    /// Fills `out` with the bytes from `offset` on.
    ///
    /// # Errors
    /// When they cannot be read; [`io::ErrorKind::UnexpectedEof`] when the file ends before.
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()>;

    /// Writes all of `bytes` at `offset`; the file becomes longer if need be.
    ///
    /// # Errors
    /// When they cannot be written; some of them may have been.
    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Cuts the file, or makes it longer by zeros.
    ///
    /// # Errors
    /// When the system cannot.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Makes content and length outlast a loss of power.
    ///
    /// # Errors
    /// When the system cannot; what was written since the last time counts as lost then.
    fn sync_data(&self) -> io::Result<()>;

    /// Locks the file against others that ask the same, until it is closed. `false` when another holds
    /// the lock. Where a file system has no locks, everybody gets it.
    ///
    /// # Errors
    /// When the system cannot say.
    fn try_lock(&self) -> io::Result<bool>;
}
