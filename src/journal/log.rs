//! The files of a journal, as the one who writes them sees them.
//!
//! Everything here waits for the disk and happens in the order of calls.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing::warn;

use crate::disk::{Access, Disk, DiskFile};

use super::error::JournalError;
use super::format::{self, HEAD, Head, MARK};
use super::frames::{Frames, Part};
use super::recovery::{self, Tail};
use super::segment::{self, Segment};
use super::trouble::Trouble;
use super::{Limits, Options};

/// The file that the one who writes holds a lock on.
const LOCK: &str = "lock";

/// The files of a journal.
#[derive(Debug)]
pub struct Log {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    limits: Limits,
    /// The segments, oldest first.
    segments: VecDeque<Segment>,
    /// The file of the last one, if it can be written to.
    active: Option<Arc<dyn DiskFile>>,
    /// What a failure has left: files to be removed, and one to be cut where its entries end.
    litter: Vec<PathBuf>,
    ragged: Option<(PathBuf, u64)>,
    /// The number of the last entry, which is durable.
    last: u64,
    next_sequence: u64,
    /// Whether a removal may not be on the disk yet.
    has_removed: bool,
    /// Counts changes of the list of segments.
    version: u64,
    /// Held until the end.
    lock: Option<Arc<dyn DiskFile>>,
}

/// What the system said, with what was being done.
type Failure = (&'static str, PathBuf, io::Error);

/// Says what was being done; to be used in `map_err`.
fn at(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Failure {
    let path = path.to_path_buf();
    move |error| (doing, path, error)
}

impl Log {
    /// Opens the journal in a folder, which is made if there is none. What is in it is durable
    /// afterwards.
    ///
    /// # Errors
    /// When it is in use, cannot be written, or is damaged.
    pub fn open(disk: Arc<dyn Disk>, folder: &Path, options: &Options) -> Result<Log, JournalError> {
        disk.make_folder(folder).map_err(JournalError::io("make the folder", folder))?;
        let lock = lock(&*disk, folder)?;
        let found = recovery::find(&*disk, folder)?;
        let tail = found.segments.last().map(|last| recovery::tail(&*disk, last)).transpose()?;
        // From here on it is known to be a journal that this program may change.
        disk.sync_folder(folder).map_err(JournalError::io("sync", folder))?;
        for file in &found.beginnings {
            disk.remove(file).map_err(JournalError::io("remove", file))?;
        }
        let mut log = Log {
            disk,
            folder: folder.to_path_buf(),
            limits: options.limits.kept(),
            next_sequence: found.segments.last().map_or(1, |segment| segment.head.sequence + 1),
            segments: found.segments.into(),
            active: None,
            litter: Vec::new(),
            ragged: None,
            last: 0,
            has_removed: false,
            version: 0,
            lock: Some(lock),
        };
        if let Some(tail) = tail {
            log.settle(tail)?;
        }
        Ok(log)
    }

    /// Makes sure that what was found at the end of the last segment is on the disk.
    ///
    /// A program that was killed leaves writes that the system has not brought to the disk. If a sync had
    /// failed before, the system may also believe that they are there when they are not. So what no mark
    /// vouches for is written once more, to a new segment; in its place it could be destroyed.
    fn settle(&mut self, tail: Tail) -> Result<(), JournalError> {
        let Tail { last, mut unsure, torn, end, sure, .. } = tail;
        let segment = self.segments.back_mut().expect("a tail is that of a segment");
        if torn > 0 {
            let file = segment.file.display();
            warn!(%file, bytes = torn, from = end, last, "the end of the journal was not written whole when the service stopped: cut off; nothing that was reported as kept was in it");
        }
        // What cannot be seen any more must not come back, as its numbers are given out again: also
        // what was cut off before and never synced.
        let failed = |doing| JournalError::io(doing, &segment.file);
        let file = self.disk.open(&segment.file, Access::Write).map_err(failed("open for writing"))?;
        file.set_len(end).map_err(failed("cut"))?;
        file.sync_data().map_err(failed("sync"))?;
        segment.len = end;
        self.last = last - unsure.count();
        if !unsure.is_empty() {
            segment.len = sure;
            self.ragged = Some((segment.file.clone(), sure));
            let copied = self.begin(&mut unsure, usize::MAX);
            copied.map_err(|(doing, path, error)| JournalError::Io { doing, path, error })?;
            self.active = None;
            // If it does not work now, the first entry that is written tries again.
            let _ = self.tidy();
        }
        Ok(())
    }

    /// Its disk.
    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    /// The number of the last entry; 0 if there has never been one.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// The number that the next entry has at least.
    pub fn next(&self) -> u64 {
        self.segments.back().map_or(1, |segment| segment.head.first).max(self.last + 1)
    }

    /// How many bytes its files have.
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.len).sum()
    }

    /// The segments, oldest first, and a number that is another when they are others.
    pub fn segments(&self) -> (u64, &VecDeque<Segment>) {
        (self.version, &self.segments)
    }

    /// Writes entries and makes them durable, the first ones first.
    ///
    /// # Errors
    /// When the disk fails; the entries that are still in `frames` are not durable, and the next try
    /// writes them to a new segment.
    pub fn write(&mut self, frames: &mut Frames) -> Result<(), Trouble> {
        while !frames.is_empty() {
            if let Err((doing, path, error)) = self.write_part(frames) {
                self.abandon();
                // The next try does the same. Now it may make room.
                let _ = self.tidy();
                return Err(Trouble::new(&self.folder, doing, &path, &error));
            }
        }
        Ok(())
    }

    /// Writes as much as fits into a segment.
    fn write_part(&mut self, frames: &mut Frames) -> Result<(), Failure> {
        let first = frames.part(0).bytes.len();
        if let (Some(file), Some(segment)) = (&self.active, self.segments.back_mut())
            && segment.len + (MARK + first) as u64 <= self.limits.segment
        {
            let place = segment.len;
            let part = frames.part(size(self.limits.segment - place) - MARK);
            file.write(place, &format::mark(segment.head.salt, place)).map_err(at("write", &segment.file))?;
            file.write(place + MARK as u64, part.bytes).map_err(at("write", &segment.file))?;
            file.sync_data().map_err(at("sync", &segment.file))?;
            let Part { bytes, count } = part;
            segment.len += (MARK + bytes.len()) as u64;
            self.last = frames.first() + count - 1;
            frames.written(bytes.len(), count);
            return Ok(());
        }
        self.active = None;
        self.tidy()?;
        let room = size(self.limits.segment).saturating_sub(HEAD + MARK);
        self.begin(frames, room)
    }

    /// Begins a segment with as many entries as fit into `room`, but with one in any case. It has its
    /// name when that is on the disk, and ends with a mark that says so.
    fn begin(&mut self, frames: &mut Frames, room: usize) -> Result<(), Failure> {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        let salt = RandomState::new().hash_one(sequence);
        let head = Head { sequence, first: frames.first(), previous: self.last, salt };
        let new = segment::path(&self.folder, sequence, true);
        let path = segment::path(&self.folder, sequence, false);
        let part = frames.part(room);
        let end = (HEAD + part.bytes.len()) as u64;
        // Until it is done it is something to be removed.
        self.litter.extend([new.clone(), path.clone()]);
        let file = self.disk.create(&new).map_err(at("create", &new))?;
        file.write(0, &head.encode()).map_err(at("write", &new))?;
        file.write(HEAD as u64, part.bytes).map_err(at("write", &new))?;
        file.write(end, &format::mark(salt, end)).map_err(at("write", &new))?;
        file.sync_data().map_err(at("sync", &new))?;
        self.disk.rename(&new, &path).map_err(at("rename", &new))?;
        self.disk.sync_folder(&self.folder).map_err(at("sync", &self.folder))?;
        self.has_removed = false;
        self.litter.clear();
        let Part { bytes, count } = part;
        self.last = frames.first() + count - 1;
        frames.written(bytes.len(), count);
        self.segments.push_back(Segment { file: path, head, len: end + MARK as u64 });
        self.version += 1;
        self.active = Some(file);
        Ok(())
    }

    /// Gives up the segment that was being written; its durable entries stay.
    fn abandon(&mut self) {
        if self.active.take().is_some()
            && let Some(segment) = self.segments.back()
        {
            self.ragged = Some((segment.file.clone(), segment.len));
        }
    }

    /// Removes what a failure has left. Before that no new segment is begun, so that what is left does
    /// not pile up when the disk fails again and again.
    fn tidy(&mut self) -> Result<(), Failure> {
        while let Some(file) = self.litter.last() {
            match self.disk.remove(file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(at("remove", file)(error));
                }
                _ => self.litter.truncate(self.litter.len() - 1),
            }
        }
        if let Some((path, len)) = &self.ragged {
            match self.disk.open(path, Access::Write) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                file => file.and_then(|file| file.set_len(*len)).map_err(at("cut", path))?,
            }
            self.ragged = None;
        }
        Ok(())
    }

    /// Removes the segments of which no entry has a number beyond `up_to`, but not the last.
    ///
    /// # Errors
    /// When the disk fails; some may have been removed, and the next call goes on.
    pub fn trim(&mut self, up_to: u64) -> Result<(), Trouble> {
        self.remove_up_to(up_to)
            .map_err(|(doing, path, error)| Trouble::new(&self.folder, doing, &path, &error))
    }

    fn remove_up_to(&mut self, up_to: u64) -> Result<(), Failure> {
        // One after the other, so that a crash in between leaves no gap.
        while self.segments.get(1).is_some_and(|next| next.head.previous <= up_to) {
            self.sync_removal()?;
            let file = &self.segments[0].file;
            match self.disk.remove(file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(at("remove", file)(error));
                }
                _ => {}
            }
            self.has_removed = true;
            self.ragged.take_if(|(ragged, _)| ragged == file);
            self.segments.pop_front();
            self.version += 1;
        }
        self.sync_removal()
    }

    fn sync_removal(&mut self) -> Result<(), Failure> {
        if self.has_removed {
            self.disk.sync_folder(&self.folder).map_err(at("sync", &self.folder))?;
            self.has_removed = false;
        }
        Ok(())
    }

    /// Lets others write the journal; nothing more is written here.
    pub fn unlock(&mut self) {
        self.active = None;
        self.lock = None;
    }

    /// Vouches for everything, so that damage to the last entries is told from a crash.
    ///
    /// # Errors
    /// When the disk fails; entries are as durable as before.
    pub fn close(&mut self) -> Result<(), Trouble> {
        let (Some(file), Some(segment)) = (self.active.take(), self.segments.back()) else { return Ok(()) };
        let mark = format::mark(segment.head.salt, segment.len);
        file.write(segment.len, &mark)
            .map_err(at("write", &segment.file))
            .and_then(|()| file.sync_data().map_err(at("sync", &segment.file)))
            .map_err(|(doing, path, error)| Trouble::new(&self.folder, doing, &path, &error))
    }
}

fn size(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// Locks the journal for this process.
fn lock(disk: &dyn Disk, folder: &Path) -> Result<Arc<dyn DiskFile>, JournalError> {
    let path = folder.join(LOCK);
    let file = match disk.open(&path, Access::Write) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => disk.create(&path),
        opened => opened,
    };
    let file = file.map_err(JournalError::io("open for writing", &path))?;
    match file.try_lock().map_err(JournalError::io("lock", &path))? {
        true => Ok(file),
        false => Err(JournalError::InUse { folder: folder.to_path_buf() }),
    }
}
