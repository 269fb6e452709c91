//! The state of one commit, which stays as it is while others follow.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::disk::DiskFile;
use crate::event::Timestamp;

use super::archive::{ArchiveSize, Kept, Term, Way};
use super::blob::{Row, StoredRow, group_start};
use super::directory::{Directory, Size, Span};
use super::error::StoreError;
use super::filter;
use super::merge::Merge;
use super::outbox::{DeadLetter, Lanes, Waiting};
use super::record::Record;
use super::tables::{KeptRows, Name, Tables, View};

/// The state of one commit. It can be read by several threads while later commits are made. What it
/// holds takes room in the file until it is dropped.
pub struct Snapshot {
    view: View,
    pub(super) record: Record,
    pub(super) directory: Directory,
    pub(super) lanes: Lanes,
    /// What has to stay open for it, if no store does that.
    _held: Option<Held>,
}

/// A store that is open for a snapshot only.
pub(super) struct Held {
    pub tables: Tables,
    /// Nobody else opens it meanwhile.
    pub _lock: Option<Arc<dyn DiskFile>>,
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("record", &self.record).finish_non_exhaustive()
    }
}

impl Snapshot {
    /// The state of the last commit.
    pub(super) fn load(tables: &Tables) -> Result<Snapshot, StoreError> {
        let view = tables.view()?;
        let record = Record::load(&view)?;
        let directory = Directory::load(&view, record.hand.clone())?;
        let lanes = view.lanes()?;
        Ok(Snapshot { view, record, directory, lanes, _held: None })
    }

    /// The same when what it consists of is known.
    pub(super) fn new(
        tables: &Tables,
        record: Record,
        directory: Directory,
        lanes: Lanes,
    ) -> Result<Snapshot, StoreError> {
        Ok(Snapshot { view: tables.view()?, record, directory, lanes, _held: None })
    }

    /// The state of a store that nobody else has open.
    pub(super) fn holding(held: Held) -> Result<Snapshot, StoreError> {
        let snapshot = Snapshot::load(&held.tables)?;
        Ok(Snapshot { _held: Some(held), ..snapshot })
    }

    pub(super) fn view(&self) -> &View {
        &self.view
    }

    /// The file that it is in.
    pub fn file(&self) -> &Path {
        self.view.file().path()
    }

    /// How many bytes the file has by now.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn file_size(&self) -> Result<u64, StoreError> {
        self.view.file().len().map_err(StoreError::disk("read", self.file()))
    }

    /// How many commits there were with it; 0 for a store that is new.
    pub fn number(&self) -> u64 {
        self.record.number
    }

    /// When it was made, as whoever made it has said.
    pub fn time(&self) -> Timestamp {
        self.record.time
    }

    /// The last number of the journal that it has taken in.
    pub fn journal(&self) -> u64 {
        self.record.journal
    }

    /// The head.
    ///
    /// # Errors
    /// When it cannot be read or is damaged.
    pub fn head(&self) -> Result<Vec<u8>, StoreError> {
        self.view.whole(Name::HEAD, self.record.head)
    }

    /// The positions.
    ///
    /// # Errors
    /// When they cannot be read or are damaged.
    pub fn positions(&self) -> Result<Vec<u8>, StoreError> {
        self.view.whole(Name::POSITIONS, self.record.positions)
    }

    /// The rows of some groups, in order of group, space and key. Several threads can each read others.
    /// Memory holds a blob of 64 KiB of each run.
    pub fn rows(self: &Arc<Self>, groups: Range<u16>) -> Rows {
        let span = Span { from: group_start(groups.start), to: Some(group_start(groups.end)) };
        Rows { snapshot: Arc::clone(self), merge: Merge::of(&self.directory, &span) }
    }

    /// The rows of all groups.
    pub fn all_rows(self: &Arc<Self>) -> Rows {
        Rows { snapshot: Arc::clone(self), merge: Merge::of(&self.directory, &Span::all()) }
    }

    /// The value of one row; `None` when there is no such row.
    ///
    /// It takes the reading of one blob of 64 KiB, and of another if the row has not been changed for
    /// so long that it is in the base; now and then, once in a hundred times the number of runs, of one
    /// more in vain. Nothing is read for a key that surely is in no run and before or behind the base.
    ///
    /// # Errors
    /// When it cannot be read or is damaged.
    pub fn row(&self, space: u8, group: u16, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let key = Row { space, group, key, value: None }.whole_key();
        let hash = filter::hash(&key);
        let Directory { base, runs, hand } = &self.directory;
        let live = runs.iter().rev().filter(|run| run.counts(hand, &key)).map(|run| &run.blobs);
        for list in live.chain([base]) {
            let index = list.partition_point(|entry| *entry.last < *key);
            let Some(entry) = list.get(index).filter(|entry| *entry.first <= *key) else { continue };
            if !entry.filter.may_hold(hash) {
                continue;
            }
            let blob = self.view.blob(entry)?;
            let index = blob.lower_bound(&key).ok_or_else(|| self.view.strange(entry))?;
            if index < blob.rows() {
                let row = blob.row(index).ok_or_else(|| self.view.strange(entry))?;
                if row.whole_key() == key {
                    return Ok(row.value().map(<[u8]>::to_vec));
                }
            }
        }
        Ok(None)
    }

    /// How the rows are kept.
    pub fn size(&self) -> Size {
        self.directory.size()
    }

    /// How much waits in the outbox, by sink.
    pub fn lanes(&self) -> &Lanes {
        &self.lanes
    }

    /// The alerts that wait for a sink, in order from the number behind `after` on: so many, or fewer
    /// that have so many bytes together, but one in any case if there is one.
    ///
    /// # Errors
    /// When they cannot be read or are damaged.
    pub fn waiting(
        &self,
        sink: &str,
        after: u64,
        most: usize,
        most_bytes: u64,
    ) -> Result<Vec<Waiting>, StoreError> {
        self.view.waiting(sink, after, most, most_bytes)
    }

    /// What routing keeps, by key.
    ///
    /// # Errors
    /// When it cannot be read or is damaged.
    pub fn routing(&self) -> Result<KeptRows, StoreError> {
        self.view.routing()
    }

    /// Looks at what is kept in a list for people to look at, one entry after the other, as long as `each` wants more:
    /// all of it, or what has a term.
    ///
    /// # Errors
    /// When it cannot be read or is damaged.
    pub fn archive(
        &self,
        list: u8,
        term: Option<Term>,
        way: Way,
        each: impl FnMut(Kept) -> bool,
    ) -> Result<(), StoreError> {
        match term {
            Some(term) => self.view.archive_with(list, term, way, each),
            None => self.view.archive(list, way, each),
        }
    }

    /// How much is kept for people to look at.
    pub fn archive_size(&self) -> ArchiveSize {
        ArchiveSize { entries: self.record.archived, bytes: self.record.archived_bytes }
    }

    /// Of alerts that have been given up: how many there are, how many bytes they have, and how many have
    /// been dropped to make room for others.
    pub fn dead(&self) -> (u64, u64, u64) {
        let Record { dead, dead_bytes, dead_dropped, .. } = self.record;
        (dead, dead_bytes, dead_dropped)
    }

    /// The alerts that have been given up, in order from the number behind `after` on, so many at most.
    ///
    /// # Errors
    /// When they cannot be read or are damaged.
    pub fn dead_letters(&self, after: u64, most: usize) -> Result<Vec<DeadLetter>, StoreError> {
        self.view.dead_letters(after, most)
    }
}

/// Rows in order of group, space and key.
#[derive(Debug)]
pub struct Rows {
    snapshot: Arc<Snapshot>,
    merge: Merge,
}

impl Iterator for Rows {
    type Item = Result<StoredRow, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.merge.next(&self.snapshot.view).transpose()? {
                // A row that was removed is none.
                Ok(row) if row.value().is_none() => {}
                next => return Some(next),
            }
        }
    }
}

/// The state of the last commit, for any thread. Clones show the same.
#[derive(Clone, Debug)]
pub struct Current(Arc<Mutex<Arc<Snapshot>>>);

impl Current {
    pub(super) fn new(snapshot: Arc<Snapshot>) -> Current {
        Current(Arc::new(Mutex::new(snapshot)))
    }

    /// The state of the last commit that was reported.
    pub fn get(&self) -> Arc<Snapshot> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn set(&self, snapshot: Arc<Snapshot>) {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *current, snapshot);
        drop(current);
        // It may be the last one who has it, and have to close a file.
        drop(old);
    }
}
