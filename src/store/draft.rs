//! The rows of a commit under way: new blobs, and what is merged to keep their number small.
//!
//! Every commit writes its rows as a run. For each byte of it two are read and merged into the base,
//! where the hand stands; so it goes round about once while as much is written as the base has, and
//! runs never have much more bytes than the base. Rows of the commit itself that the hand passes go to the
//! base at once: where nearly all rows change between two commits, that is half of what is written. Runs of commits that change little are merged with
//! each other before, by size, so that there are not too many of them. Both are done in portions: a
//! commit takes the longer the more it brings, and not the longer the more there is.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use super::Sizes;
use super::blob::{Builder, Built, Row, StoredRow};
use super::directory::{Directory, Entry, Hand, Run, Span, sum};
use super::error::StoreError;
use super::merge::Merge;
use super::record::Record;
use super::tables::{Edit, Name, TableEdit, View};

/// Fewer runs are not merged into one.
const FAN: usize = 4;
/// For a byte that is written to a run, so many are read to be merged into the base.
const PACE: u64 = 2;
/// A commit catches up with so many times what it brings itself, if earlier ones have left work.
const CATCH_UP: u64 = 4;

/// The rows of a commit under way.
pub struct Draft<'t> {
    blobs: TableEdit<'t>,
    entries: TableEdit<'t>,
    runs: TableEdit<'t>,
    sizes: Sizes,
    pub directory: Directory,
    next_blob: u64,
    next_run: u64,
    credit: u64,
    /// How many blobs were written for the rows of this commit, and how many to merge others.
    pub written: u64,
    pub merged: u64,
}

impl<'t> Draft<'t> {
    pub fn new(
        edit: &'t Edit,
        directory: Directory,
        record: &Record,
        sizes: Sizes,
    ) -> Result<Draft<'t>, StoreError> {
        Ok(Draft {
            blobs: edit.table(Name::BLOBS)?,
            entries: edit.table(Name::DIRECTORY)?,
            runs: edit.table(Name::RUNS)?,
            sizes,
            directory,
            next_blob: record.next_blob,
            next_run: record.next_run,
            credit: record.credit,
            written: 0,
            merged: 0,
        })
    }

    /// Says in the record what has become of it.
    pub fn note(&self, record: &mut Record) {
        record.hand.clone_from(&self.directory.hand);
        (record.next_blob, record.next_run, record.credit) = (self.next_blob, self.next_run, self.credit);
    }

    /// Keeps changed rows of a commit, which are in order and of which none comes twice.
    pub fn keep<'r>(&mut self, rows: impl Iterator<Item = &'r Row<'r>> + Clone) -> Result<(), StoreError> {
        if self.directory.base.is_empty() && self.directory.runs.is_empty() {
            let mut output = Output::new(0, self.sizes);
            for row in rows.filter(|row| row.value.is_some()) {
                output.push(self, row)?;
            }
            self.directory.base = Arc::new(output.finish(self)?);
            self.written += self.directory.base.len() as u64;
            return Ok(());
        }
        let mut output = Output::new(self.next_run, self.sizes);
        for row in rows.clone() {
            output.push(self, row)?;
        }
        let blobs = output.finish(self)?;
        self.written += blobs.len() as u64;
        let size = self.directory.size();
        // A removal is small and makes a row vanish that is not.
        let removed = rows.filter(|row| row.value.is_none()).count() as u64;
        let average = size.base_bytes / size.base_rows.max(1);
        let credit = self.credit + PACE * sum(&blobs) + removed * average;
        self.credit = credit.min(PACE * (size.base_bytes + size.run_bytes + sum(&blobs)));
        self.add_run(blobs)
    }

    /// Keeps rows as the only ones, in place of all that there are.
    pub fn replace(
        &mut self,
        rows: impl Iterator<Item = Result<StoredRow, StoreError>>,
    ) -> Result<(), StoreError> {
        self.blobs.clear()?;
        self.entries.clear()?;
        self.runs.clear()?;
        self.directory = Directory::default();
        self.credit = 0;
        let mut output = Output::new(0, self.sizes);
        for row in rows {
            output.push(self, &row?.as_row())?;
        }
        self.directory.base = Arc::new(output.finish(self)?);
        self.written += self.directory.base.len() as u64;
        Ok(())
    }

    /// Merges a portion of what earlier commits have left, and with it those rows of this one that belong
    /// there. They are in order and none comes twice; which of them are merged is returned, and the others
    /// are still to be kept.
    pub fn tend(&mut self, view: &View, coming: &[Row<'_>]) -> Result<Range<usize>, StoreError> {
        let mut merged = 0..0;
        let base = sum(&self.directory.base);
        if self.directory.runs.is_empty() {
            self.credit = 0;
            return Ok(merged);
        }
        let step = self.sizes.step(base);
        if self.credit >= step {
            let size: u64 = coming.iter().map(|row| row.size() as u64).sum();
            let most = step.max(CATCH_UP * PACE * size);
            let passed = self.turn(view, coming, self.credit.min(most))?;
            self.credit = self.credit.saturating_sub(passed.read);
            merged = passed.coming;
        }
        let sizes: Vec<u64> = self.directory.runs.iter().map(|run| run.bytes).collect();
        if let Some(first) = crowd(&sizes, self.sizes.merge(base)) {
            self.unite(view, first)?;
        }
        Ok(merged)
    }

    /// Moves the hand on until so many bytes of rows were read.
    fn turn(&mut self, view: &View, coming: &[Row<'_>], budget: u64) -> Result<Passed, StoreError> {
        let hand = self.directory.hand.clone();
        let mut output = Output::new(0, self.sizes);
        let passed = self.merge(view, coming, budget, &mut output)?;
        self.replace_base(view, &hand.key, passed.stop.as_deref(), output)?;
        self.directory.hand = match &passed.stop {
            Some(key) => Hand { key: key.clone(), ..hand },
            None => Hand { round: hand.round + 1, key: Vec::new() },
        };
        self.retire()?;
        Ok(passed)
    }

    /// Merges rows from the hand on until so many bytes of those that are stored were read.
    fn merge(
        &mut self,
        view: &View,
        coming: &[Row<'_>],
        budget: u64,
        output: &mut Output,
    ) -> Result<Passed, StoreError> {
        let from = self.directory.hand.key.clone();
        let first = coming.partition_point(|row| row.order_to(&from) == Ordering::Less);
        let mut next = first;
        let mut merge = Merge::of(&self.directory, &Span { from, to: None });
        let stop = loop {
            let is_enough = merge.read() >= budget;
            let row = merge.next(view)?;
            let key = row.as_ref().map(StoredRow::whole_key);
            // A row of this commit comes before the next one that is stored, or in its place.
            let mut is_replaced = false;
            while let Some(new) = coming.get(next)
                && let order = key.map_or(Ordering::Less, |key| new.order_to(key))
                && (order == Ordering::Less || order == Ordering::Equal && !is_enough)
            {
                if new.value.is_some() {
                    output.push(self, new)?;
                }
                is_replaced = order == Ordering::Equal;
                next += 1;
            }
            match row {
                Some(row) if is_enough => break Some(row.whole_key().to_vec()),
                Some(row) if row.value().is_some() && !is_replaced => output.copy(self, &row)?,
                Some(_) => {}
                None => break None,
            }
        };
        Ok(Passed { stop, read: merge.read(), coming: first..next })
    }

    /// Puts what was merged in the place of what the base had from one key to another, or to its end.
    fn replace_base(
        &mut self,
        view: &View,
        from: &[u8],
        stop: Option<&[u8]>,
        mut output: Output,
    ) -> Result<(), StoreError> {
        let base = Arc::clone(&self.directory.base);
        let first = base.partition_point(|entry| *entry.last < *from);
        let mut end = base.len();
        if let Some(stop) = stop {
            end = base.partition_point(|entry| *entry.first < *stop);
            // What the hand has not passed of the blob it stands in goes to a blob of its own.
            output.cut(self)?;
            if let Some(entry) = base[first..end].last().filter(|entry| *entry.last >= *stop) {
                let blob = view.blob(entry)?;
                let from = blob.lower_bound(stop).ok_or_else(|| view.strange(entry))?;
                for index in from..blob.rows() {
                    output.copy(self, &blob.row(index).ok_or_else(|| view.strange(entry))?)?;
                }
            }
        }
        let new = output.finish(self)?;
        self.merged += new.len() as u64;
        for entry in &base[first..end] {
            self.drop_blob(entry)?;
        }
        Arc::make_mut(&mut self.directory.base).splice(first..end, new);
        Ok(())
    }

    /// Removes the runs of which nothing counts any more.
    fn retire(&mut self) -> Result<(), StoreError> {
        for run in std::mem::take(&mut self.directory.runs) {
            match run.live(&self.directory.hand).is_empty() {
                true => self.drop_run(&run)?,
                false => self.directory.runs.push(run),
            }
        }
        Ok(())
    }

    /// Makes one run of all from this one on.
    fn unite(&mut self, view: &View, first: usize) -> Result<(), StoreError> {
        let runs = self.directory.runs.split_off(first);
        let mut merge = Merge::default();
        for run in runs.iter().rev() {
            run.live(&self.directory.hand).into_iter().for_each(|span| merge.add(&run.blobs, span));
        }
        let mut output = Output::new(self.next_run, self.sizes);
        while let Some(row) = merge.next(view)? {
            output.copy(self, &row)?;
        }
        let blobs = output.finish(self)?;
        self.merged += blobs.len() as u64;
        for run in &runs {
            self.drop_run(run)?;
        }
        self.add_run(blobs)
    }

    fn add_run(&mut self, blobs: Vec<Arc<Entry>>) -> Result<(), StoreError> {
        if !blobs.is_empty() {
            let run = Run::new(self.next_run, self.directory.hand.clone(), blobs);
            self.next_run += 1;
            self.runs.seal(&run.key(), run.encode())?;
            self.directory.runs.push(Arc::new(run));
        }
        Ok(())
    }

    fn drop_run(&mut self, run: &Run) -> Result<(), StoreError> {
        self.runs.remove(&run.key())?;
        run.blobs.iter().try_for_each(|entry| self.drop_blob(entry))
    }

    fn drop_blob(&mut self, entry: &Entry) -> Result<(), StoreError> {
        self.entries.remove(&entry.key())?;
        self.blobs.remove(&entry.key())?;
        Ok(())
    }

    fn put(&mut self, run: u64, built: Built) -> Result<Arc<Entry>, StoreError> {
        let Built { bytes, rows, first, last, filter } = built;
        let entry = Entry {
            id: self.next_blob,
            run,
            bytes: u32::try_from(bytes.len())
                .expect("a blob has one row of a GiB, or less than a page's bytes"),
            rows,
            crc: crc32fast::hash(&bytes),
            first,
            last,
            filter,
        };
        self.next_blob += 1;
        self.blobs.insert(&entry.key(), &bytes)?;
        self.entries.seal(&entry.key(), entry.encode())?;
        Ok(Arc::new(entry))
    }
}

/// What the hand has passed.
struct Passed {
    /// Where it stands now; `None` at the end.
    stop: Option<Vec<u8>>,
    /// How many bytes of stored rows were read.
    read: u64,
    /// Which rows of the commit have been merged with them.
    coming: Range<usize>,
}

/// The blobs of a run, or a part of the base, as they are written.
struct Output {
    run: u64,
    builder: Builder,
    blobs: Vec<Arc<Entry>>,
}

impl Output {
    fn new(run: u64, sizes: Sizes) -> Output {
        // Every key is looked for in the base, if in no run: a filter there would not help.
        Output { run, builder: Builder::new(sizes.blob, run != 0), blobs: Vec::new() }
    }

    fn push(&mut self, draft: &mut Draft<'_>, row: &Row<'_>) -> Result<(), StoreError> {
        if !self.builder.has_room_for(row.size()) {
            self.cut(draft)?;
        }
        self.builder.push(row);
        Ok(())
    }

    fn copy(&mut self, draft: &mut Draft<'_>, row: &StoredRow) -> Result<(), StoreError> {
        if !self.builder.has_room_for(row.size()) {
            self.cut(draft)?;
        }
        self.builder.copy(row);
        Ok(())
    }

    /// Ends the blob that is being filled.
    fn cut(&mut self, draft: &mut Draft<'_>) -> Result<(), StoreError> {
        if let Some(built) = self.builder.finish() {
            self.blobs.push(draft.put(self.run, built)?);
        }
        Ok(())
    }

    fn finish(mut self, draft: &mut Draft<'_>) -> Result<Vec<Arc<Entry>>, StoreError> {
        self.cut(draft)?;
        Ok(self.blobs)
    }
}

/// The first of the newest runs that are to be merged, if any are. The sizes are those of all runs, the
/// oldest first; more than `most` bytes are never merged at once. Each of those that are merged becomes
/// a part of one at least twice as large, so that no byte is merged often.
fn crowd(sizes: &[u64], most: u64) -> Option<usize> {
    let (mut largest, mut total, mut found) = (0, 0, None);
    for (index, size) in sizes.iter().enumerate().rev() {
        largest = largest.max(*size);
        total += size;
        if total > most {
            break;
        }
        if sizes.len() - index >= FAN && 2 * largest <= total {
            found = Some(index);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_a_size_are_merged_when_there_are_many() {
        let most = 1 << 22;
        assert_eq!(crowd(&[], most), None);
        assert_eq!(crowd(&[9_000; 3], most), None);
        assert_eq!(crowd(&[9_000; 4], most), Some(0));
        assert_eq!(crowd(&[3 << 20, 9_000, 9_000, 9_000, 9_000], most), Some(1));
        assert_eq!(crowd(&[70_000, 9_000, 9_000, 9_000], most), None, "the large one would not gain");
        assert_eq!(crowd(&[70_000, 70_000, 9_000, 9_000, 9_000], most), Some(0));
        assert_eq!(crowd(&[2 << 20; 9], most), None, "too much at once");
    }

    #[test]
    fn runs_that_are_merged_by_size_are_few_and_each_byte_is_merged_few_times() {
        let (mut sizes, mut merged, most) = (Vec::new(), 0, 1 << 22);
        for _ in 0..4_096 {
            sizes.push(4_096);
            while let Some(first) = crowd(&sizes, most) {
                let total: u64 = sizes.drain(first..).sum();
                merged += total;
                sizes.push(total);
            }
            assert!(sizes.len() < 20, "{}", sizes.len());
        }
        let all: u64 = sizes.iter().sum();
        assert!(merged <= 10 * all, "{merged} of {all}");
    }
}
