//! The file of a store, as the database in it sees it.
//!
//! Redb keeps what decides over everything, which of two roots is the newest, in the first bytes of its
//! file and writes them in place. That is safe where a disk writes a sector whole or not at all, and
//! where no bit there ever changes by itself: those bytes have no checksum, and one other bit makes the
//! last checkpoint vanish. So its file lies behind a ring of copies of these bytes of our own:
//!
//! ```text
//! byte 0      copy   magic 8 | version u32 | crc u32 | number u64 | kind u64 | the first 512 bytes
//! byte 4096   copy, and so on, eight of them
//! byte 32768  the file of redb; its own first 512 bytes are not used
//! ```
//!
//! Each copy is written over the oldest, and the one with the largest number counts. So what was synced
//! last is whole at any moment, whatever becomes of the one that is being written. When one has been
//! synced it is written once more as the next, so that of a closed file no single copy is needed. Copies
//! that follow each other lie three places apart: what destroys one of the two seldom reaches the other.
//!
//! What is found when a file is opened may never have come to the disk, if a sync has failed and the
//! program was killed. So it is written as the next copy and synced before anything else happens. If
//! that fails, the next try writes over that one again: however often it fails, what is on the disk stays.
//!
//! Magic and version also tell a file of ours from another before redb may change anything in it.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

use crate::disk::DiskFile;

use super::error::StoreError;

/// How every copy begins.
const MAGIC: [u8; 8] = *b"tripstat";
/// The format of everything in the file. This program reads and writes no other.
pub const VERSION: u32 = 1;
/// How redb's own file begins.
const INNER_MAGIC: [u8; 4] = *b"redb";
/// How many of redb's bytes are kept in copies; those that it writes in place are among them.
const HEAD: usize = 512;
/// The bytes before them in a copy.
const PREFIX: usize = 32;
/// How far the copies are from each other: each is on pages and sectors of its own.
const COPY: u64 = 4_096;
/// How many there are.
const COPIES: u64 = 8;
/// Where redb's file begins.
pub const START: u64 = COPIES * COPY;

/// How many places further the next copy lies; every place has its turn, as this and their number have no
/// divisor in common.
const STRIDE: u64 = 3;

/// Why a copy was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Redb has changed it.
    Changed = 0,
    /// The one before was synced, and this is the same.
    Again = 1,
    /// It is what was found when the file was opened.
    Found = 2,
}

/// A copy.
#[derive(Clone, Copy)]
struct Copy {
    /// One more than that of the copy before.
    number: u64,
    kind: Kind,
    head: [u8; HEAD],
}

impl Copy {
    fn encode(&self) -> [u8; PREFIX + HEAD] {
        let mut bytes = [0; PREFIX + HEAD];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.number.to_le_bytes());
        bytes[24] = self.kind as u8;
        bytes[PREFIX..].copy_from_slice(&self.head);
        let crc = copy_crc(&bytes);
        bytes[12..16].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// The copy that these bytes are, with the version of its format; `None` when they are none.
    fn decode(bytes: &[u8; PREFIX + HEAD]) -> Option<(u32, Copy)> {
        let (prefix, head) = bytes.split_first_chunk::<PREFIX>()?;
        let crc = u32::from_le_bytes(*prefix[12..].first_chunk()?);
        if prefix[..8] != MAGIC || crc != copy_crc(bytes) {
            return None;
        }
        let number = u64::from_le_bytes(*prefix[16..].first_chunk()?);
        let kind =
            [Kind::Changed, Kind::Again, Kind::Found].into_iter().find(|kind| *kind as u8 == prefix[24])?;
        let copy = Copy { number, kind, head: *head.first_chunk()? };
        Some((version(bytes), copy))
    }
}

/// Where the copy with that number lies.
fn place(number: u64) -> u64 {
    number.wrapping_mul(STRIDE) % COPIES * COPY
}

fn version(copy: &[u8; PREFIX + HEAD]) -> u32 {
    copy[8..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

/// Over all but the place where it stands itself.
fn copy_crc(copy: &[u8; PREFIX + HEAD]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&copy[..12]);
    hasher.update(&copy[16..]);
    hasher.finalize()
}

/// What is wrong with a file whose pages name others that it does not have.
pub const BEYOND: &str = "a page behind its end is asked for";

/// The file of a store.
#[derive(Debug)]
pub struct StateFile {
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    is_read_only: bool,
    head: Mutex<Head>,
    failure: Mutex<Option<Failure>>,
    written: Mutex<Written>,
}

/// What has been written.
#[derive(Debug, Default)]
struct Written {
    /// The bytes, those of a page once between two syncs, however often it was written.
    bytes: u64,
    /// Where something was written since the last sync.
    places: HashSet<u64>,
}

/// The first bytes of redb's file.
#[derive(Debug)]
struct Head {
    bytes: [u8; HEAD],
    /// The number of the last copy.
    number: u64,
    /// Whether one was written since the last sync.
    is_written: bool,
}

/// What went wrong last.
#[derive(Clone, Debug)]
struct Failure {
    doing: &'static str,
    kind: io::ErrorKind,
    system: Option<i32>,
    text: String,
}

impl StateFile {
    /// The file for a new store; redb makes a database in it.
    pub fn create(file: Arc<dyn DiskFile>, path: &Path) -> StateFile {
        StateFile::new(file, path, false, Head { bytes: [0; HEAD], number: 0, is_written: false })
    }

    /// The file of a store that there is. If it may be changed, what decides over it is on the disk
    /// afterwards, even if syncs have failed before; if not, redb may believe that it changes it.
    ///
    /// # Errors
    /// When it is foreign, newer or damaged; then nothing was changed. When it cannot be written.
    pub fn open(file: Arc<dyn DiskFile>, path: &Path, is_read_only: bool) -> Result<StateFile, StoreError> {
        let mut found = Vec::new();
        for index in 0..COPIES {
            found.extend(read_copy(&*file, path, index * COPY)?);
        }
        let copies = || found.iter().filter_map(Copy::decode);
        let newest = copies().max_by_key(|(_, copy)| copy.number);
        let Some((found_version, copy)) = newest else {
            return Err(no_copy(&found, path));
        };
        if found_version != VERSION {
            return Err(StoreError::Newer { file: path.to_path_buf(), found: found_version, known: VERSION });
        }
        let len = file.len().map_err(StoreError::disk("read", path))?;
        if !copy.head.starts_with(&INNER_MAGIC) || len <= START {
            return Err(StoreError::damaged(path, format!("it ends or is empty at byte {START}")));
        }
        // If the one behind it was begun, this one was synced, and is not to be written over.
        let behind = place(copy.number.wrapping_add(1));
        let is_last = copies().any(|(_, other)| place(other.number) == behind);
        let is_again = copy.kind == Kind::Found && is_last;
        let number = if is_again { copy.number.saturating_sub(1) } else { copy.number };
        let opened =
            StateFile::new(file, path, is_read_only, Head { bytes: copy.head, number, is_written: false });
        if !is_read_only {
            let mut head = opened.head();
            opened.write_head(&mut head, Kind::Found).map_err(StoreError::disk("write", path))?;
            // The same goes for the length.
            opened.file.set_len(len).map_err(StoreError::disk("change the length of", path))?;
            opened.sync_head(&mut head).map_err(StoreError::disk("sync", path))?;
            drop(head);
        }
        Ok(opened)
    }

    fn new(file: Arc<dyn DiskFile>, path: &Path, is_read_only: bool, head: Head) -> StateFile {
        StateFile {
            file,
            path: path.to_path_buf(),
            is_read_only,
            head: Mutex::new(head),
            failure: Mutex::default(),
            written: Mutex::default(),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes have come to the disk; a page that was written again before it was synced counts
    /// once.
    pub fn written(&self) -> u64 {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).bytes
    }

    /// How many bytes it has.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    /// What went wrong last, if anything has.
    pub fn failure(&self) -> Option<StoreError> {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let Failure { doing, kind, system, text } = failure;
        if kind == io::ErrorKind::UnexpectedEof {
            return Some(StoreError::damaged(&self.path, BEYOND));
        }
        let source = system.map_or_else(|| io::Error::new(kind, text), io::Error::from_raw_os_error);
        Some(StoreError::Disk { doing, path: self.path.clone(), source })
    }

    fn head(&self) -> MutexGuard<'_, Head> {
        self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what goes wrong, as redb may say later only that something has.
    fn noted<T>(&self, doing: &'static str, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result {
            let (kind, system, text) = (error.kind(), error.raw_os_error(), error.to_string());
            let failure = Some(Failure { doing, kind, system, text });
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
        }
        result
    }

    fn write_head(&self, head: &mut Head, kind: Kind) -> io::Result<()> {
        if self.is_read_only {
            return Ok(());
        }
        head.number += 1;
        head.is_written = true;
        self.write_copy(head, kind)
    }

    fn sync_head(&self, head: &mut Head) -> io::Result<()> {
        self.file.sync_data()?;
        self.written.lock().unwrap_or_else(PoisonError::into_inner).places.clear();
        if std::mem::take(&mut head.is_written) {
            head.number += 1;
            // Nothing relies on this one as long as nothing happens to the one before.
            let _ = self.write_copy(head, Kind::Again);
        }
        Ok(())
    }

    fn write_copy(&self, head: &Head, kind: Kind) -> io::Result<()> {
        let copy = Copy { number: head.number, kind, head: head.bytes };
        let place = place(head.number);
        self.count(place, PREFIX + HEAD);
        self.file.write(place, &copy.encode())
    }

    fn count(&self, place: u64, bytes: usize) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if written.places.insert(place) {
            written.bytes += bytes as u64;
        }
    }
}

fn read_copy(
    file: &dyn DiskFile,
    path: &Path,
    offset: u64,
) -> Result<Option<[u8; PREFIX + HEAD]>, StoreError> {
    let mut bytes = [0; PREFIX + HEAD];
    match file.read(offset, &mut bytes) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        read => read.map(|()| Some(bytes)).map_err(StoreError::disk("read", path)),
    }
}

/// The error for a file that has no whole copy.
fn no_copy(found: &[[u8; PREFIX + HEAD]], path: &Path) -> StoreError {
    let file = path.to_path_buf();
    let mut ours = found.iter().filter(|copy| copy[..8] == MAGIC).peekable();
    if ours.peek().is_none() {
        return StoreError::Foreign { file, kind: "state" };
    }
    match ours.map(version).find(|version| *version != VERSION) {
        Some(found) => StoreError::Newer { file, found, known: VERSION },
        None => StoreError::damaged(path, "no copy of its first bytes fits its checksum"),
    }
}

/// What redb holds: the file is also read by us.
#[derive(Debug)]
pub struct Backend(pub Arc<StateFile>);

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        let len = self.0.noted("read", self.0.file.len())?;
        Ok(len.saturating_sub(START))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let file = &*self.0;
        let in_head = in_head(offset, out.len());
        let (first, rest) = out.split_at_mut(in_head);
        if in_head > 0 {
            let start = usize::try_from(offset).map_err(io::Error::other)?;
            first.copy_from_slice(&file.head().bytes[start..start + in_head]);
        }
        if rest.is_empty() {
            return Ok(());
        }
        file.noted("read", file.file.read(START + offset + in_head as u64, rest))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let file = &*self.0;
        if file.is_read_only {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        file.noted("change the length of", file.file.set_len(START + len))
    }

    fn sync_data(&self) -> io::Result<()> {
        let file = &*self.0;
        if file.is_read_only {
            return Ok(());
        }
        file.noted("sync", file.sync_head(&mut file.head()))
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let file = &*self.0;
        let in_head = in_head(offset, data.len());
        let (first, rest) = data.split_at(in_head);
        if in_head > 0 {
            let start = usize::try_from(offset).map_err(io::Error::other)?;
            let mut head = file.head();
            head.bytes[start..start + in_head].copy_from_slice(first);
            file.noted("write", file.write_head(&mut head, Kind::Changed))?;
        }
        if rest.is_empty() {
            return Ok(());
        }
        if file.is_read_only {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        let place = START + offset + in_head as u64;
        file.count(place, rest.len());
        file.noted("write", file.file.write(place, rest))
    }
}

/// How many of so many bytes from there on are among the first ones.
fn in_head(offset: u64, len: usize) -> usize {
    usize::try_from((HEAD as u64).saturating_sub(offset)).map_or(0, |room| room.min(len))
}
