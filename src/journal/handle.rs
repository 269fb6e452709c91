//! What sources hold of a journal: they append to it and are told what has become of it.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::disk::Disk;

use super::committer::Committer;
use super::error::{AppendError, JournalError};
use super::format::{self, HEAD, MARK};
use super::frames::Frames;
use super::log::Log;
use super::read::Reader;
use super::segment::Segment;
use super::trouble::Trouble;
use super::{Entry, Limits, Options};

/// What is kept free in the files: for the mark at the end of a journal that is closed, or for copying
/// the end of one that was not.
const SPARE: u64 = (HEAD + 2 * MARK) as u64;

/// A journal. Clones are the same journal; when the last one is dropped, what was appended is written
/// and the journal ends.
#[derive(Clone)]
pub struct Journal(Arc<Handle>);

/// Lets the committer know that nobody holds the journal any more.
struct Handle(Arc<Shared>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.lock().is_closing = true;
        self.0.work.notify_all();
    }
}

/// What a journal's holders and its committer share.
pub(super) struct Shared {
    pub disk: Arc<dyn Disk>,
    pub folder: PathBuf,
    pub limits: Limits,
    state: Mutex<State>,
    /// There is something to do for the committer.
    pub work: Condvar,
    /// The journal has ended.
    pub ended: Condvar,
}

/// What changes.
pub(super) struct State {
    /// What the committer has not taken yet.
    pub waiting: Frames,
    /// What this may take on the disk at most.
    pub waiting_cost: u64,
    /// What the committer has taken, as entries, bytes and their cost.
    pub taken: (u64, usize, u64),
    /// The number of the next entry.
    pub next: u64,
    /// The last entry that is durable; those before are too.
    pub durable: u64,
    /// How many bytes the files have.
    pub bytes: u64,
    /// Which version of the segments this is, and they.
    pub segments: (u64, Arc<[Segment]>),
    /// Up to which entry it may be trimmed, if that was asked.
    pub trim: Option<u64>,
    pub trouble: Option<Arc<Trouble>>,
    pub work_done: Work,
    pub is_closing: bool,
    pub has_ended: bool,
}

/// How a journal does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The number of the oldest entry in the files, or of the next one when there is none.
    pub oldest: u64,
    /// The number of the last entry that is durable; all before it are too. 0 if there was never one.
    pub durable: u64,
    /// The number that the next entry will have.
    pub next: u64,
    /// How many bytes wait to be written.
    pub waiting_bytes: usize,
    /// How many entries wait to be written.
    pub waiting: u64,
    /// How many files there are.
    pub segments: usize,
    /// How many bytes they have.
    pub bytes: u64,
    /// Why nothing is taken, if that is so.
    pub trouble: Option<Arc<Trouble>>,
    /// Whether it has ended: what is not durable by now will not be.
    pub has_ended: bool,
    /// What has been written since the journal was opened.
    pub work: Work,
}

/// What a journal has written, and how long the disk took for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// How many blocks, each with at least one sync.
    pub blocks: u64,
    /// How many entries.
    pub entries: u64,
    /// The time that all blocks took, failed attempts included.
    pub time: Duration,
    /// The time that the last one took.
    pub last_time: Duration,
}

/// What a batch was appended as. It is durable when its last number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    first: u64,
    last: u64,
}

impl Journal {
    /// Opens the journal in a folder, which is made if there is none. What is in it is durable
    /// afterwards; [`Journal::read_from`] gives it back. The committer writes what is appended: on a
    /// thread of its own after [`Committer::start`], or whenever [`Committer::round`] is called.
    ///
    /// # Errors
    /// When it is in use, cannot be written, or is damaged.
    pub fn open(
        disk: Arc<dyn Disk>,
        folder: &Path,
        options: Options,
    ) -> Result<(Journal, Committer), JournalError> {
        let log = Log::open(Arc::clone(&disk), folder, &options)?;
        let (version, segments) = log.segments();
        let state = State {
            waiting: Frames::default(),
            waiting_cost: 0,
            taken: (0, 0, 0),
            next: log.next().max(options.known.saturating_add(1)),
            durable: log.last(),
            bytes: log.bytes(),
            segments: (version, segments.iter().cloned().collect()),
            trim: None,
            trouble: None,
            work_done: Work::default(),
            is_closing: false,
            has_ended: false,
        };
        if options.known > log.last() {
            tracing::warn!(
                folder = %folder.display(),
                last = log.last(),
                known = options.known,
                "the journal ends before the last record that the state has taken in: are they from the same time? numbers go on behind the state's"
            );
        }
        let shared = Arc::new(Shared {
            disk,
            folder: folder.to_path_buf(),
            limits: options.limits.kept(),
            state: Mutex::new(state),
            work: Condvar::new(),
            ended: Condvar::new(),
        });
        let committer = Committer::new(Arc::clone(&shared), log, options);
        Ok((Journal(Arc::new(Handle(shared))), committer))
    }

    /// Appends a batch: all of it, or nothing. It is not durable yet: [`Options::on_change`] hears when
    /// it is. This does not wait for the disk.
    ///
    /// # Errors
    /// When it is too large, there is no room now, or the disk is in trouble. Then nothing of it was
    /// appended.
    pub fn append(&self, batch: &[Entry<'_>]) -> Result<Ticket, AppendError> {
        let shared = &self.0.0;
        let sizes = batch.iter().map(|entry| (format::size(entry), format::has_name_for(entry)));
        let bytes = AppendError::check(sizes, &shared.limits)?;
        let cost = shared.cost(bytes);
        let mut state = shared.lock();
        state.has_room_for(bytes, cost, shared)?;
        let first = state.next;
        for entry in batch {
            let number = state.next;
            state.waiting.push(number, entry);
            state.next += 1;
        }
        let last = state.next - 1;
        if !batch.is_empty() {
            state.waiting_cost += cost;
            shared.work.notify_one();
        }
        Ok(Ticket { first, last })
    }

    /// Says that entries up to and including this one are no longer needed: the committer removes the
    /// files that hold no others.
    pub fn trim(&self, up_to: u64) {
        let mut state = self.0.0.lock();
        state.trim = state.trim.max(Some(up_to));
        self.0.0.work.notify_one();
    }

    /// Reads the durable entries from a number on, in order. To be used before the journal is trimmed
    /// beyond it.
    ///
    /// # Errors
    /// When entries from that number on have been trimmed.
    pub fn read_from(&self, number: u64) -> Result<Reader, JournalError> {
        let shared = &self.0.0;
        let (segments, last) = {
            let state = shared.lock();
            (Arc::clone(&state.segments.1), state.durable)
        };
        let from = number.max(1);
        if let Some(oldest) = segments.first().filter(|oldest| from <= oldest.head.previous) {
            let (folder, oldest) = (shared.folder.clone(), oldest.head.first);
            return Err(JournalError::Missing { folder, asked: from, oldest });
        }
        Ok(Reader::new(Arc::clone(&shared.disk), &segments, last, from))
    }

    /// How large things may get. They may be less than what was asked for.
    pub fn limits(&self) -> Limits {
        self.0.0.limits
    }

    /// How it does.
    pub fn status(&self) -> Status {
        self.0.0.lock().status()
    }

    /// Writes what was appended, ends the journal and waits for that. Needs the committer's thread.
    ///
    /// # Errors
    /// When what was appended could not be made durable.
    pub fn close(&self) -> Result<(), Arc<Trouble>> {
        let shared = &self.0.0;
        let mut state = shared.lock();
        state.is_closing = true;
        shared.work.notify_all();
        while !state.has_ended {
            state = shared.ended.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.trouble.clone().map_or(Ok(()), Err)
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("folder", &self.0.0.folder).finish_non_exhaustive()
    }
}

impl Shared {
    pub fn lock(&self) -> MutexGuard<'_, State> {
        // No code that holds it leaves it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What so many bytes of entries may take on the disk at most, with marks and heads.
    fn cost(&self, bytes: usize) -> u64 {
        let segments = bytes as u64 / self.limits.segment.max(1) + 2;
        bytes as u64 + segments * (HEAD + MARK) as u64
    }
}

impl State {
    fn has_room_for(&self, bytes: usize, cost: u64, shared: &Shared) -> Result<(), AppendError> {
        if self.is_closing || self.has_ended {
            return Err(AppendError::Ended);
        }
        if let Some(trouble) = &self.trouble {
            return Err(AppendError::Trouble(Arc::clone(trouble)));
        }
        let (waiting, most) = (self.waiting.len() + self.taken.1, shared.limits.waiting);
        if waiting + bytes > most {
            return Err(AppendError::Busy { waiting, most });
        }
        let (held, most) = (self.bytes + self.waiting_cost + self.taken.2, shared.limits.disk);
        if held + cost + SPARE > most {
            return Err(AppendError::Full { folder: shared.folder.clone(), bytes: held, most });
        }
        Ok(())
    }

    pub fn status(&self) -> Status {
        Status {
            oldest: self.segments.1.first().map_or(self.next, |segment| segment.head.first),
            durable: self.durable,
            next: self.next,
            waiting_bytes: self.waiting.len() + self.taken.1,
            waiting: self.waiting.count() + self.taken.0,
            segments: self.segments.1.len(),
            bytes: self.bytes,
            trouble: self.trouble.clone(),
            has_ended: self.has_ended,
            work: self.work_done,
        }
    }
}

impl Ticket {
    /// The numbers of the entries; an empty range for an empty batch.
    pub fn numbers(&self) -> RangeInclusive<u64> {
        self.first..=self.last
    }
}
