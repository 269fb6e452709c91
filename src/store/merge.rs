//! The rows of several runs and the base, in order, of each key the newest one.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use super::blob::{Blob, StoredRow};
use super::directory::{Directory, Entry, List, Span};
use super::error::StoreError;
use super::tables::{Name, View};

impl View {
    /// Reads a blob and holds it against its checksum.
    pub fn blob(&self, entry: &Entry) -> Result<Blob, StoreError> {
        let key = entry.key();
        let damaged = |what| Name::BLOBS.damaged(self.file(), &key, what);
        let blob = self.get(Name::BLOBS, &key, |bytes| {
            let blob = Blob::new(bytes);
            let is_right = bytes.len() == entry.bytes as usize
                && blob.rows() == entry.rows
                && crc32fast::hash(bytes) == entry.crc;
            if is_right { Ok(blob) } else { Err(damaged("does not fit its checksum")) }
        })?;
        blob.ok_or_else(|| damaged("is missing"))
    }

    /// The number of the first row of a blob whose key is not less.
    fn lower_bound(&self, blob: &Blob, entry: &Entry, key: &[u8]) -> Result<u32, StoreError> {
        blob.lower_bound(key).ok_or_else(|| self.strange(entry))
    }

    /// The error for a blob that fits its checksum and holds something else than rows.
    pub fn strange(&self, entry: &Entry) -> StoreError {
        Name::BLOBS.damaged(self.file(), &entry.key(), "is no blob of rows")
    }
}

/// Some rows of blobs that follow each other.
#[derive(Debug)]
struct Source {
    list: List,
    /// The next blob.
    next: usize,
    span: Span,
    blob: Option<Blob>,
    /// The next row of it, and where it ends for us.
    row: u32,
    end: u32,
}

impl Source {
    fn new(list: &List, span: Span) -> Source {
        let next = list.partition_point(|entry| *entry.last < *span.from);
        Source { list: List::clone(list), next, span, blob: None, row: 0, end: 0 }
    }

    fn next(&mut self, view: &View) -> Result<Option<StoredRow>, StoreError> {
        loop {
            if let Some(blob) = &self.blob
                && self.row < self.end
            {
                let row = blob.row(self.row).ok_or_else(|| view.strange(&self.list[self.next - 1]))?;
                self.row += 1;
                return Ok(Some(row));
            }
            self.blob = None;
            let Some(entry) = self.list.get(self.next) else { return Ok(None) };
            let Span { from, to } = &self.span;
            if to.as_deref().is_some_and(|to| &*entry.first >= to) {
                return Ok(None);
            }
            self.next += 1;
            let blob = view.blob(entry)?;
            self.row = if *entry.first < **from { view.lower_bound(&blob, entry, from)? } else { 0 };
            self.end = match to {
                Some(to) if *entry.last >= **to => view.lower_bound(&blob, entry, to)?,
                _ => blob.rows(),
            };
            self.blob = Some(blob);
        }
    }
}

/// The next row of a source. Its order is that of the heap: what comes first is the largest.
#[derive(Debug)]
struct Top {
    row: StoredRow,
    /// The newer, the less.
    source: usize,
}

impl Ord for Top {
    fn cmp(&self, other: &Top) -> Ordering {
        other.row.whole_key().cmp(self.row.whole_key()).then(other.source.cmp(&self.source))
    }
}

impl PartialOrd for Top {
    fn partial_cmp(&self, other: &Top) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Top {
    fn eq(&self, other: &Top) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Top {}

/// Rows in order, of each key the newest one, also if it is a removal. Memory holds a blob of each run.
#[derive(Debug, Default)]
pub struct Merge {
    /// The newest first.
    sources: Vec<Source>,
    heap: BinaryHeap<Top>,
    is_begun: bool,
    last: Option<StoredRow>,
    read: u64,
}

impl Merge {
    /// All rows of the directory in a span that still count.
    pub fn of(directory: &Directory, span: &Span) -> Merge {
        let mut merge = Merge::default();
        for run in directory.runs.iter().rev() {
            for live in run.live(&directory.hand) {
                merge.add(&run.blobs, live.and(span));
            }
        }
        merge.add(&directory.base, span.clone());
        merge
    }

    /// Adds rows that are older than all before.
    pub fn add(&mut self, list: &List, span: Span) {
        self.sources.push(Source::new(list, span));
    }

    /// How many bytes of rows were read, also of those that no longer count.
    pub fn read(&self) -> u64 {
        self.read
    }

    /// The next row. After an error there is nothing more to be had.
    pub fn next(&mut self, view: &View) -> Result<Option<StoredRow>, StoreError> {
        let next = self.step(view);
        if next.is_err() {
            self.heap.clear();
        }
        next
    }

    fn step(&mut self, view: &View) -> Result<Option<StoredRow>, StoreError> {
        if !std::mem::replace(&mut self.is_begun, true) {
            for (source, rows) in self.sources.iter_mut().enumerate() {
                self.heap.extend(rows.next(view)?.map(|row| Top { row, source }));
            }
        }
        while let Some(mut top) = self.heap.peek_mut() {
            let row = match self.sources[top.source].next(view)? {
                Some(next) => std::mem::replace(&mut top.row, next),
                None => PeekMut::pop(top).row,
            };
            self.read += row.size() as u64;
            let is_older = self.last.as_ref().is_some_and(|last| last.whole_key() == row.whole_key());
            if !is_older {
                self.last = Some(row.clone());
                return Ok(Some(row));
            }
        }
        Ok(None)
    }
}
