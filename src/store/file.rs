//! The file of a store, as the database in it sees it.
//!
//! What redb takes for a file begins behind a ring of copies of its first bytes; see `copy`.
//!
//! What is found when a file is opened may never have come to the disk, if a sync has failed and the
//! program was killed. So it is written as the next copy and synced before anything else happens. If
//! that fails, the next try writes over that one again: however often it fails, what is on the disk stays.
//!
//! Magic and version also tell a file of ours from another before redb may change anything in it.
//!
//! Redb believes what it reads: over a page that has changed behind its back it may panic, or free what
//! is in use. So a checksum of each page is remembered here, of what was written or read first, and a
//! page that no longer fits it is an error. That takes up to 40 bytes of memory for a page, of which most
//! have 64 KiB.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

use crate::disk::DiskFile;

use super::copy::{COPIES, COPY, Copy, HEAD, Kind, LENGTH, START, VERSION, no_copy, place, read_copy};
use super::error::StoreError;

/// How redb's own file begins.
const INNER_MAGIC: [u8; 4] = *b"redb";

/// The file of a store.
#[derive(Debug)]
pub struct StateFile {
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    is_read_only: bool,
    head: Mutex<Head>,
    failure: Mutex<Option<Failure>>,
    written: Mutex<Written>,
    pages: Mutex<Pages>,
}

/// What pages hold, by where they begin: their length and their checksum.
#[derive(Clone, Debug, Default)]
pub struct Pages(HashMap<u64, (usize, u32)>);

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
        let head = Head { bytes: [0; HEAD], number: 0, is_written: false };
        StateFile::new(file, path, false, head, Pages::default())
    }

    /// The file of a store that there is. If it may be changed, what decides over it is on the disk
    /// afterwards, even if syncs have failed before; if not, redb may believe that it changes it. What is
    /// known of its pages holds from the beginning.
    ///
    /// # Errors
    /// When it is foreign, newer or damaged; then nothing was changed. When it cannot be written.
    pub fn open(
        file: Arc<dyn DiskFile>,
        path: &Path,
        is_read_only: bool,
        pages: Pages,
    ) -> Result<StateFile, StoreError> {
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
        let head = Head { bytes: copy.head, number, is_written: false };
        let opened = StateFile::new(file, path, is_read_only, head, pages);
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

    fn new(file: Arc<dyn DiskFile>, path: &Path, is_read_only: bool, head: Head, pages: Pages) -> StateFile {
        StateFile {
            file,
            path: path.to_path_buf(),
            is_read_only,
            head: Mutex::new(head),
            failure: Mutex::default(),
            written: Mutex::default(),
            pages: Mutex::new(pages),
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

    /// Whether a file that has been opened anew is this one.
    ///
    /// # Errors
    /// When it cannot be read, or written if that is needed to know it.
    pub fn is_in(&self, other: &dyn DiskFile) -> Result<bool, StoreError> {
        let mut head = self.head();
        if self.has_copy_in(other, &head)? {
            return Ok(true);
        }
        // The copies may have been destroyed in the meantime. If it is the file, it has what is written now.
        self.write_head(&mut head, Kind::Again).map_err(StoreError::disk("write", &self.path))?;
        self.has_copy_in(other, &head)
    }

    /// Whether a file has one of the last two copies.
    fn has_copy_in(&self, other: &dyn DiskFile, head: &Head) -> Result<bool, StoreError> {
        for number in head.number.saturating_sub(1)..=head.number {
            let found = read_copy(other, &self.path, place(number))?;
            let found = found.as_ref().and_then(Copy::decode);
            if found.is_some_and(|(_, copy)| copy.number == number && copy.head == head.bytes) {
                return Ok(true);
            }
        }
        Ok(false)
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
        if let Some(what) = damage(kind, &text) {
            return Some(StoreError::damaged(&self.path, what));
        }
        let error = system.map_or_else(|| io::Error::new(kind, text), io::Error::from_raw_os_error);
        Some(StoreError::Disk { doing, path: self.path.clone(), error })
    }

    /// What is known of its pages.
    pub fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn head(&self) -> MutexGuard<'_, Head> {
        self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a page of redb's and holds it against what is known of it.
    fn read_page(&self, place: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(place, out)?;
        let read = (out.len(), crc32fast::hash(out));
        match self.pages().0.entry(place) {
            Entry::Occupied(known) if known.get().0 == read.0 => match *known.get() == read {
                true => Ok(()),
                false => {
                    let text = format!("what is kept at byte {place} is not what was written there");
                    Err(io::Error::new(io::ErrorKind::InvalidData, text))
                }
            },
            other => {
                other.insert_entry(read);
                Ok(())
            }
        }
    }

    fn write_page(&self, place: u64, data: &[u8]) -> io::Result<()> {
        self.count(place, data.len());
        // If it fails, nothing is known.
        self.pages().0.remove(&place);
        self.file.write(place, data)?;
        self.pages().0.insert(place, (data.len(), crc32fast::hash(data)));
        Ok(())
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
        self.count(place, LENGTH);
        self.file.write(place, &copy.encode())
    }

    fn count(&self, place: u64, bytes: usize) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if written.places.insert(place) {
            written.bytes += bytes as u64;
        }
    }
}

/// What is wrong with a file from which something cannot be read for such a reason, if it is damaged.
pub fn damage(kind: io::ErrorKind, text: &str) -> Option<&str> {
    match kind {
        // Its pages name others that it does not have.
        io::ErrorKind::UnexpectedEof => Some("a page behind its end is asked for"),
        io::ErrorKind::InvalidData => Some(text),
        _ => None,
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
        // What is around the head is not a page that is written as one.
        match in_head {
            0 => file.noted("read", file.read_page(START + offset, rest)),
            _ => file.noted("read", file.file.read(START + offset + in_head as u64, rest)),
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let file = &*self.0;
        if file.is_read_only {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        file.pages().0.retain(|place, _| *place < START + len);
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
        file.noted("write", file.write_page(START + offset + in_head as u64, rest))
    }
}

/// How many of so many bytes from there on are among the first ones.
fn in_head(offset: u64, len: usize) -> usize {
    usize::try_from((HEAD as u64).saturating_sub(offset)).map_or(0, |room| room.min(len))
}

#[cfg(test)]
mod tests {
    use super::super::copy::BETWEEN;
    use super::*;
    use crate::disk::{Access, Disk, SimulatedDisk};

    const PATH: &str = "/file";
    fn open(disk: &SimulatedDisk, access: Access) -> StateFile {
        let file = disk.open(Path::new(PATH), access).expect("a file");
        let is_read_only = access == Access::Read;
        StateFile::open(file, Path::new(PATH), is_read_only, Pages::default()).expect("a copy is left")
    }

    /// A file that was synced so often, and was killed then. The head says how often.
    fn synced(times: u8, is_opened_again: bool) -> SimulatedDisk {
        let disk = SimulatedDisk::new(1);
        disk.make_folder(Path::new("/")).expect("a folder");
        let file = disk.create(Path::new(PATH)).expect("a file");
        let backend = Backend(Arc::new(StateFile::create(file, Path::new(PATH))));
        backend.write(HEAD as u64, &[1; 9_000]).expect("it can be written");
        for time in 1..=times {
            // Sometimes it is written twice before it is synced.
            for byte in [0, time].into_iter().skip(usize::from(time) % 2) {
                backend.write(0, &[b'r', b'e', b'd', b'b', byte]).expect("it can be written");
            }
            backend.sync_data().expect("it can be synced");
        }
        disk.kill();
        if is_opened_again {
            drop(open(&disk, Access::Write));
            disk.kill();
        }
        disk
    }

    #[test]
    fn no_stretch_reaches_both_copies_that_say_what_was_synced_last() {
        let mut newest = HashSet::new();
        for times in 1..=16 {
            for is_opened_again in [false, true] {
                let disk = synced(times, is_opened_again);
                let whole = disk.contents(Path::new(PATH)).expect("a file");
                newest.insert(open(&disk, Access::Read).head().number % COPIES);
                let end = usize::try_from(START).expect("small") - BETWEEN;
                for at in (0..=end).step_by(136) {
                    let mut bytes = whole.clone();
                    bytes[at..at + BETWEEN].fill(0);
                    disk.put(Path::new(PATH), &bytes);
                    let head = open(&disk, Access::Read).head().bytes;
                    assert_eq!(head[4], times, "{times} {is_opened_again} {at}");
                }
            }
        }
        assert_eq!(newest.len() as u64, COPIES, "the newest copy was in every place");
    }

    #[test]
    fn a_page_that_has_changed_is_not_read() {
        let disk = synced(1, false);
        let backend = Backend(Arc::new(open(&disk, Access::Write)));
        let mut page = [0; 4_096];
        for round in 0..2 {
            backend.write(4_096, &[7; 4_096]).expect("it can be written");
            backend.read(4_096, &mut page).expect("it can be read");
            disk.flip_bit(Path::new(PATH), usize::try_from(START).expect("small") + 5_000, 3);
            for _ in 0..2 {
                let error = backend.read(4_096, &mut page).expect_err("it has changed");
                let error = wrong_for(&backend, &error);
                assert!(
                    error.contains("is damaged: what is kept at byte 36864 is not what was written there;"),
                    "{round} {error}"
                );
            }
        }
        // What was read is known as well.
        let backend = Backend(Arc::new(open(&disk, Access::Write)));
        backend.read(4_096, &mut page).expect("nothing was known of it");
        disk.flip_bit(Path::new(PATH), usize::try_from(START).expect("small") + 5_000, 3);
        backend.read(4_096, &mut page).expect_err("it has changed");
        backend.read(4_096, &mut page[..512]).expect("that is another page");
    }

    #[test]
    fn a_file_is_known_again_even_if_its_copies_are_destroyed() {
        let disk = synced(3, false);
        let other = synced(5, true).contents(Path::new(PATH)).expect("a file");
        let file = open(&disk, Access::Write);
        let there = || disk.open(Path::new(PATH), Access::Read).expect("a file");
        assert!(file.is_in(&*there()).expect("it can be read"));
        let zeros = disk.open(Path::new(PATH), Access::Write).expect("a file");
        zeros.write(0, &[0; 8 * 4_096]).expect("it can be written");
        assert!(file.is_in(&*there()).expect("it can be written"));
        disk.put(Path::new("/other"), &other);
        let other = disk.open(Path::new("/other"), Access::Read).expect("a file");
        assert!(!file.is_in(&*other).expect("it can be read"));
        drop(file);
        assert_eq!(open(&disk, Access::Read).head().bytes[4], 3, "what counts is there again");
    }

    fn wrong_for(backend: &Backend, error: &io::Error) -> String {
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        backend.0.failure().expect("it was noted").to_string()
    }
}
