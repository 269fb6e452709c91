//! What a commit brings, and how it is written.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::time::{Duration, Instant};

use crate::event::Timestamp;

use super::archive::{ArchiveEdit, Entry};
use super::blob::{LARGEST_ROW, Row, StoredRow};
use super::directory::Directory;
use super::draft::Draft;
use super::error::StoreError;
use super::format::Writer;
use super::ids::{Ids, IdsChange};
use super::outbox::{Alert, Lanes, OutboxChange, OutboxEdit};
use super::record::{self, Record};
use super::snapshot::Snapshot;
use super::tables::{Edit, Name};
use super::{Options, Sizes, whole};

/// What has come of the part of a commit that is about alerts.
struct Alerts {
    lanes: Lanes,
    ids: IdsChange,
    /// As far as it is known by then.
    committed: Committed,
}

/// What one commit brings: all of it is stored, or nothing.
#[derive(Clone, Debug, Default)]
pub struct Commit<'a> {
    /// When it is made.
    pub time: Timestamp,
    /// The head: what is not in rows, whole.
    pub head: &'a [u8],
    /// The rows that have changed, in any order; of two of the same key the later counts.
    pub rows: &'a [Row<'a>],
    /// How far sources have been taken in, as they understand it, whole. It is written when it has changed.
    pub positions: &'a [u8],
    /// The last number of the journal that it has taken in.
    pub journal: u64,
    /// New alerts, in order. Those with ids that are remembered are left out.
    pub alerts: &'a [Alert<'a>],
    /// What has happened to alerts, in order. It is done before new ones are put in.
    pub outbox: &'a [OutboxChange<'a>],
    /// Ids of alerts that were dealt with, whether something of them was put into the outbox or not.
    pub dealt_with: &'a [&'a str],
    /// What has changed of what routing keeps.
    pub routing: &'a [RoutingRow<'a>],
    /// What is to be kept for people to look at, in order.
    pub archive: &'a [Entry<'a>],
    /// What is kept for them from before may be removed.
    pub archive_before: Option<Timestamp>,
    /// Ids may be forgotten whose alerts, and all that came with the same commit, are older.
    pub forget: Option<Timestamp>,
}

/// A row that routing keeps, which has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoutingRow<'a> {
    /// Its key.
    pub key: &'a [u8],
    /// Its value; `None` when it is removed.
    pub value: Option<&'a [u8]>,
}

/// What is to become the whole state, in place of what there is. The outbox stays.
#[derive(Clone, Copy, Debug)]
pub struct Restore<'a> {
    /// When it is done.
    pub time: Timestamp,
    /// The head.
    pub head: &'a [u8],
    /// The positions, whole.
    pub positions: &'a [u8],
    /// The last number of the journal that is in it.
    pub journal: u64,
}

/// What a commit has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// Its number.
    pub number: u64,
    /// The numbers of its alerts in the outbox, in their order; `None` for those that were left out.
    pub alerts: Vec<Option<u64>>,
    /// The numbers of what is kept for people to look at, in the order in which it came; `None` for what was left out.
    pub archived: Vec<Option<u64>>,
    /// How many ids of older alerts were forgotten because there were too many, and not because of their
    /// age. If one of these alerts is decided again, it is sent again.
    pub crowded_out: u64,
    /// How many bytes have come to the disk, with everything that belongs to it.
    pub bytes: u64,
    /// How many blobs were written for its rows.
    pub blobs: u64,
    /// How many blobs were written to merge older ones.
    pub merged_blobs: u64,
    /// How long it took to merge.
    pub merge_time: Duration,
    /// How long it took to write, after the rows were in order.
    pub write_time: Duration,
    /// How long it took to make it durable.
    pub sync_time: Duration,
}

/// What a commit under way will have made, once it is durable.
pub struct Prepared {
    pub record: Record,
    pub directory: Directory,
    pub lanes: Lanes,
    pub ids: IdsChange,
    pub committed: Committed,
}

impl Commit<'_> {
    /// About how many bytes it brings.
    pub fn size(&self) -> u64 {
        let rows: usize = self.rows.iter().map(Row::size).sum();
        let alerts: usize = self.alerts.iter().map(|alert| alert.body.len() + alert.id.len()).sum();
        let routing: usize =
            self.routing.iter().map(|row| row.key.len() + row.value.map_or(0, <[u8]>::len)).sum();
        let archive: usize = self.archive.iter().map(Entry::size).sum();
        (rows + alerts + routing + archive + self.head.len() + self.positions.len()) as u64
    }

    /// Looks whether it can be stored at all.
    pub fn check(&self) -> Result<(), StoreError> {
        for row in self.rows {
            is_small("a row of the state", row.size())?;
        }
        for Alert { sink, id, rule, key, body, .. } in self.alerts {
            is_small("an alert", sink.len() + id.len() + rule.len() + key.len() + body.len())?;
        }
        for row in self.routing {
            is_small("what is kept of routing", row.key.len() + row.value.map_or(0, <[u8]>::len))?;
        }
        for entry in self.archive {
            is_small("an entry of the archive", entry.size())?;
        }
        check_whole(self.head, self.positions)
    }

    /// Writes what does not belong to the state of the engine: alerts, what has happened to them, and what routing
    /// keeps. The state stays as it is.
    pub fn write_beside(
        &self,
        edit: &Edit,
        before: &Snapshot,
        ids: &Ids,
        options: Options,
    ) -> Result<Prepared, StoreError> {
        let mut record = before.record.clone();
        let Alerts { lanes, ids, committed } = self.write_alerts(edit, &mut record, before, ids, options)?;
        write_record(edit, &mut record)?;
        let directory = before.directory.clone();
        let committed = Committed { number: record.number, ..committed };
        Ok(Prepared { record, directory, lanes, ids, committed })
    }

    /// Writes it.
    pub fn write(
        &self,
        edit: &Edit,
        before: &Snapshot,
        ids: &Ids,
        options: Options,
    ) -> Result<Prepared, StoreError> {
        let rows = in_order(self.rows);
        let begun = Instant::now();
        let mut record = before.record.clone();
        let mut draft = Draft::new(edit, before.directory.clone(), &record, options.sizes)?;
        let merged = draft.tend(before.view(), &rows)?;
        let merge_time = begun.elapsed();
        draft.keep(rows[..merged.start].iter().chain(&rows[merged.end..]))?;
        draft.note(&mut record);
        let directory = draft.directory.clone();
        let (blobs, merged_blobs) = (draft.written, draft.merged);
        drop(draft);
        write_whole(edit, before, &mut record, self.head, self.positions)?;
        (record.number, record.time, record.journal) = (record.number + 1, self.time, self.journal);
        let Alerts { lanes, ids, committed } = self.write_alerts(edit, &mut record, before, ids, options)?;
        write_record(edit, &mut record)?;
        let write_time = begun.elapsed() - merge_time;
        let number = record.number;
        let committed = Committed { number, blobs, merged_blobs, merge_time, write_time, ..committed };
        Ok(Prepared { record, directory, lanes, ids, committed })
    }

    fn write_alerts(
        &self,
        edit: &Edit,
        record: &mut Record,
        before: &Snapshot,
        ids: &Ids,
        options: Options,
    ) -> Result<Alerts, StoreError> {
        let mut outbox = OutboxEdit::new(edit, before.lanes.clone(), options.dead)?;
        for change in self.outbox {
            outbox.change(record, change)?;
        }
        let mut seen = HashSet::new();
        let mut numbers = Vec::with_capacity(self.alerts.len());
        for alert in self.alerts {
            let is_new = !ids.knows(alert.id) && seen.insert((alert.sink, alert.id));
            numbers.push(if is_new { Some(outbox.put(record, alert)?) } else { None });
        }
        let new = self.alerts.iter().zip(&numbers).filter(|(_, number)| number.is_some());
        let dealt_with = self.dealt_with.iter().map(|id| (*id, self.time));
        let new = new.map(|(alert, _)| (alert.id, alert.time)).chain(dealt_with);
        let archived = self.write_archive(edit, record, ids, options)?;
        let ids = ids.change(new, self.forget, options.ids);
        ids.write(edit, record.serial + 1)?;
        self.write_routing(edit)?;
        let crowded_out = ids.crowded_out;
        let committed = Committed { alerts: numbers, archived, crowded_out, ..Committed::default() };
        Ok(Alerts { lanes: outbox.finish()?, ids, committed })
    }

    fn write_archive(
        &self,
        edit: &Edit,
        record: &mut Record,
        ids: &Ids,
        options: Options,
    ) -> Result<Vec<Option<u64>>, StoreError> {
        let mut archive = ArchiveEdit::new(edit)?;
        let numbers = archive.keep(record, self.archive, ids)?;
        archive.trim(record, self.archive_before, options.archive, numbers.len())?;
        Ok(numbers)
    }

    fn write_routing(&self, edit: &Edit) -> Result<(), StoreError> {
        if self.routing.is_empty() {
            return Ok(());
        }
        let mut table = edit.table(Name::ROUTING)?;
        for RoutingRow { key, value } in self.routing {
            match value {
                Some(value) => table.seal(key, Writer::default().rest(value))?,
                None => drop(table.remove(key)?),
            }
        }
        Ok(())
    }
}

/// Looks whether a head and positions can be stored.
fn check_whole(head: &[u8], positions: &[u8]) -> Result<(), StoreError> {
    is_small("the positions of the state", positions.len())?;
    is_small("the head of the state", head.len())
}

fn is_small(what: &'static str, bytes: usize) -> Result<(), StoreError> {
    match bytes <= LARGEST_ROW {
        true => Ok(()),
        false => Err(StoreError::TooLarge { what, bytes, most: LARGEST_ROW }),
    }
}

impl Restore<'_> {
    /// Looks whether it can be stored at all.
    pub fn check(&self) -> Result<(), StoreError> {
        check_whole(self.head, self.positions)
    }

    /// Writes it.
    pub fn write(
        &self,
        rows: impl Iterator<Item = Result<StoredRow, StoreError>>,
        edit: &Edit,
        before: &Snapshot,
        sizes: Sizes,
    ) -> Result<Prepared, StoreError> {
        let begun = Instant::now();
        let mut record = before.record.clone();
        let mut draft = Draft::new(edit, before.directory.clone(), &record, sizes)?;
        draft.replace(increasing(rows))?;
        draft.note(&mut record);
        let (directory, blobs) = (draft.directory.clone(), draft.written);
        drop(draft);
        write_whole(edit, before, &mut record, self.head, self.positions)?;
        (record.number, record.time, record.journal) = (record.number + 1, self.time, self.journal);
        write_record(edit, &mut record)?;
        let number = record.number;
        let committed = Committed { number, blobs, write_time: begun.elapsed(), ..Committed::default() };
        Ok(Prepared { record, directory, lanes: before.lanes.clone(), ids: IdsChange::default(), committed })
    }
}

/// The rows with an error where one is not larger than the one before.
fn increasing(
    rows: impl Iterator<Item = Result<StoredRow, StoreError>>,
) -> impl Iterator<Item = Result<StoredRow, StoreError>> {
    let mut last: Option<StoredRow> = None;
    rows.map(move |row| {
        let row = row?;
        if last.as_ref().is_some_and(|last| last.whole_key() >= row.whole_key()) {
            return Err(StoreError::Unordered);
        }
        last = Some(row.clone());
        Ok(row)
    })
}

/// The rows in order, of each key the last one.
fn in_order<'r, 'a>(rows: &'r [Row<'a>]) -> Cow<'r, [Row<'a>]> {
    if rows.is_sorted_by(|one, other| one.order(other) == Ordering::Less) {
        return Cow::Borrowed(rows);
    }
    // The beginning of a key tells most of them apart, without a look at where they lie.
    let mut order: Vec<(u128, usize)> = rows.iter().map(Row::begin).zip(0..).collect();
    // The later ones come first, and of those that are equal the first is kept.
    order.sort_unstable_by(|(one_begin, one), (other_begin, other)| {
        let keys = || rows[*one].key.cmp(rows[*other].key);
        one_begin.cmp(other_begin).then_with(keys).then(other.cmp(one))
    });
    let mut sorted: Vec<Row<'a>> = order.into_iter().map(|(_, index)| rows[index]).collect();
    sorted.dedup_by(|next, kept| next.order(kept) == Ordering::Equal);
    Cow::Owned(sorted)
}

/// Stores a head and positions in place of those before.
fn write_whole(
    edit: &Edit,
    before: &Snapshot,
    record: &mut Record,
    head: &[u8],
    positions: &[u8],
) -> Result<(), StoreError> {
    whole::write(edit, before.view(), Name::HEAD, &mut record.head, head)?;
    whole::write(edit, before.view(), Name::POSITIONS, &mut record.positions, positions)
}

/// Stores the record; it is the last thing of every commit.
pub fn write_record(edit: &Edit, record: &mut Record) -> Result<(), StoreError> {
    record.serial += 1;
    edit.table(Name::RECORD)?.seal(record::KEY, record.encode())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_brought_in_order_and_the_last_of_a_key_counts() {
        let row = |key, value| Row { space: 0, group: 1, key, value: Some(value) };
        let (a, b) = (row(b"a", b"1"), row(b"b", b"2"));
        assert!(matches!(in_order(&[a, b]), Cow::Borrowed(_)));
        assert_eq!(*in_order(&[b, a]), [a, b]);
        let removed = Row { value: None, ..a };
        assert_eq!(*in_order(&[a, b, removed]), [removed, b]);
        assert_eq!(*in_order(&[a, row(b"a", b"3")]), [row(b"a", b"3")]);
    }
}
