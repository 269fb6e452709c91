//! The logs of all keys: which of their rows have changed, and the logs that rows make.

use std::hash::BuildHasher;
use std::ops::Range;

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::shelf::ColdLog;
use super::{Held, Histories, Place, coarse};
use crate::event::stored::{read_key_part, write_key};
use crate::event::{Key, KeyGroup, Seeded, Timestamp, Value};
use crate::history::log::Log;
use crate::history::log::stored::{Chunk, Outline};
use crate::history::stored::Columns;
use crate::history::{LogId, LogSpec, Logs};
use crate::stored::{Damaged, Reader, Rows, Space, Writer};

/// How a log is called where it is stored: its number, and that of its columns.
pub type Called<'a> = &'a dyn Fn(LogId) -> (u32, u32);

/// How many logs are stored in a new way at a time, besides those that have changed.
const OUTDATED: usize = 1_024;
/// The same where some must be read from the shelf before.
const OUTDATED_COLD: usize = 128;

impl Histories {
    /// Adds the rows of what has changed since the last time. `prefix` is what the keys of all rows begin
    /// with. Whether there are logs that are still stored in an outdated way.
    pub fn changes(
        &mut self,
        logs: &Logs,
        (prefix, called): (&[u8], Called<'_>),
        generation: u64,
        rows: &mut Rows,
    ) -> bool {
        let at_a_time = if self.cold.is_empty() { OUTDATED } else { OUTDATED_COLD };
        let rest = self.outdated.len().saturating_sub(at_a_time);
        let outdated = self.outdated.split_off(rest);
        outdated.iter().for_each(|hash| self.bring_back_all(*hash, logs));
        self.generation = generation;
        let changed = std::mem::take(&mut self.changed);
        for hash in outdated.iter().chain(&changed) {
            for Held { place, log } in self.logs.iter_hash_mut(*hash) {
                if log.stored.is_noted || log.is_outdated() {
                    let (number, columns) = called(place.log);
                    let row = place.rows(logs.get(place.log), prefix, number);
                    let (changed, gone) = log.changes(generation);
                    for chunk in changed {
                        rows.write(Space::Past, row.group.0, row.key(chunk), |w| {
                            log.store(chunk, columns, w)
                        });
                    }
                    gone.for_each(|chunk| rows.remove(Space::Past, row.group.0, row.key(chunk)));
                    if self.shelf.is_some() {
                        self.bytes = self.bytes.wrapping_add_signed(log.measure());
                    }
                }
            }
        }
        for (place, chunks) in std::mem::take(&mut self.removed) {
            self.remove_rows(logs, &place, chunks, (prefix, called(place.log).0), rows);
        }
        !self.outdated.is_empty()
    }

    /// Removes rows of a log that was forgotten, but for those that are of another one by now.
    fn remove_rows(
        &self,
        logs: &Logs,
        place: &Place,
        chunks: Range<u64>,
        (prefix, number): (&[u8], u32),
        rows: &mut Rows,
    ) {
        let spec = logs.get(place.log);
        let row = place.rows(spec, prefix, number);
        let hash = self.hashing.hash_one(place);
        let now = self.logs.find(hash, |held| held.place == *place);
        let now =
            now.filter(|held| held.place.rows(spec, prefix, number).begin.as_slice() == row.begin.as_slice());
        let now = now.map_or(0..0, |held| held.log.stored.chunks.clone());
        for chunk in chunks.filter(|chunk| !now.contains(chunk)) {
            rows.remove(Space::Past, row.group.0, row.key(chunk));
        }
    }

    /// Takes over logs that were stored.
    pub fn restore(&mut self, logs: &Logs, stored: StoredLogs, latest: Timestamp) -> Result<(), Damaged> {
        for (place, stored) in stored.logs {
            let spec = logs.get(place.log);
            let hash = self.hashing.hash_one(&place);
            let chunks = match stored {
                StoredLog::Whole(chunks) => chunks,
                StoredLog::Cold(outline) => {
                    let (events, over) = (outline.events()?, outline.newest.end_of(spec.keep));
                    self.events += events;
                    self.expiry.entry(coarse(over, spec.keep)).or_default().push(hash);
                    if !outline.is_current {
                        self.outdated.push(hash);
                    }
                    self.add_cold(ColdLog::new(place, outline.chunks, events, over));
                    continue;
                }
            };
            let mut log = Log::restore(spec, chunks)?;
            if log.newest() > Some(latest) {
                return Err(Damaged::new("a past event is later than event time had come"));
            }
            self.events += log.len();
            self.expiry.entry(coarse(log.over(spec), spec.keep)).or_default().push(hash);
            if log.is_outdated() {
                self.outdated.push(hash);
            }
            if self.shelf.is_some() {
                self.bytes = self.bytes.wrapping_add_signed(log.measure());
            }
            let hashing = &self.hashing;
            self.logs.insert_unique(hash, Held { place, log }, |held| hashing.hash_one(&held.place));
        }
        Ok(())
    }
}

/// The rows of a log.
pub(in crate::history) struct LogRows {
    pub group: KeyGroup,
    /// What the keys of all of them begin with.
    begin: Writer,
}

impl LogRows {
    pub fn key(&self, chunk: u64) -> impl FnOnce(&mut Writer) {
        move |w| {
            w.plain(self.begin.as_slice());
            w.number(chunk);
        }
    }
}

impl Place {
    /// The rows of the log there, which is called so.
    pub fn rows(&self, spec: &LogSpec, prefix: &[u8], number: u32) -> LogRows {
        let mut begin = Writer::default();
        begin.plain(prefix);
        begin.number(number.into());
        write_key(&self.key, &mut begin);
        LogRows { group: self.group(spec), begin }
    }

    /// The group of the key by which the log's events are grouped.
    fn group(&self, spec: &LogSpec) -> KeyGroup {
        let key = self.key.iter().take(spec.key.len());
        Key::group_of(key).expect("no part of the place of a log is null")
    }
}

/// The rows of logs, until all have been read.
#[derive(Debug, Default)]
pub struct StoredLogs {
    logs: HashMap<Place, StoredLog, Seeded>,
    bytes: usize,
}

/// The rows of a log.
#[derive(Debug)]
enum StoredLog {
    Whole(Vec<Chunk>),
    /// For which there is no room.
    Cold(Outline),
}

impl StoredLog {
    /// Only what must be known of it; by how many bytes it is smaller then.
    fn cool_down(&mut self) -> usize {
        let StoredLog::Whole(chunks) = self else { return 0 };
        let mut outlines = chunks.iter().map(Chunk::outline);
        let Some(mut outline) = outlines.next() else { return 0 };
        outlines.for_each(|other| outline.add(&other));
        let bytes = chunks.iter().map(Chunk::footprint).sum();
        *self = StoredLog::Cold(outline);
        bytes
    }
}

impl StoredLogs {
    /// How many events there are in a row, of whose value is left what stands behind its columns.
    pub fn count(value: &mut Reader<'_>) -> Result<u64, Damaged> {
        Chunk::count(value)
    }

    /// About how many bytes of memory they take.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Reads a row of a log, of which the key has been read up to the log's number, and the value up to
    /// which columns it has; these, and those that the log has now. If it is to be cold, nothing remains of it
    /// but what must be known of the log.
    pub fn read(
        &mut self,
        (id, log): (LogId, &LogSpec),
        (group, is_cold): (u16, bool),
        key: &mut Reader<'_>,
        (then, now): (&Columns, &Columns),
        value: &mut Reader<'_>,
    ) -> Result<(), Damaged> {
        let mut values: SmallVec<[Value; 1]> = SmallVec::new();
        for _ in 0..log.key.len() + log.same.len() {
            values.push(read_key_part(key)?);
        }
        let chunk = key.count()?;
        key.end()?;
        let place = Place { log: id, key: values };
        if place.group(log).0 != group {
            return Err(Damaged::new("a row is not in the group of its key"));
        }
        let chunk = Chunk::restore(chunk, then, now, value)?;
        value.end()?;
        let stored = self.logs.entry(place).or_insert_with(|| StoredLog::Whole(Vec::new()));
        if is_cold && !matches!(stored, StoredLog::Whole(chunks) if chunks.is_empty()) {
            self.bytes -= stored.cool_down();
        }
        match stored {
            StoredLog::Whole(chunks) if is_cold => {
                debug_assert!(chunks.is_empty(), "it has cooled down otherwise");
                *stored = StoredLog::Cold(chunk.outline());
            }
            StoredLog::Whole(chunks) => {
                self.bytes += chunk.footprint();
                chunks.push(chunk);
            }
            StoredLog::Cold(outline) => outline.add(&chunk.outline()),
        }
        Ok(())
    }
}
