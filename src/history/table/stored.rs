//! The logs of all keys: which of their rows have changed, and the logs that rows make.

use std::hash::BuildHasher;
use std::ops::Range;

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::{Held, Histories, Place, coarse};
use crate::event::stored::{read_key_part, write_key};
use crate::event::{Key, KeyGroup, Seeded, Value};
use crate::history::log::Log;
use crate::history::log::stored::Chunk;
use crate::history::stored::Columns;
use crate::history::{LogId, LogSpec, Logs};
use crate::stored::{Damaged, Reader, Rows, Space, Writer};

/// How a log is called where it is stored: its number, and that of its columns.
pub type Called<'a> = &'a dyn Fn(LogId) -> (u32, u32);

/// How many logs are stored in a new way at a time, besides those that have changed.
const OUTDATED: usize = 1_024;

impl Histories {
    /// Adds the rows of what has changed since the last time. `prefix` is what the keys of all rows begin
    /// with. Whether there are logs that are still stored in an outdated way.
    pub fn changes(&mut self, logs: &Logs, prefix: &[u8], called: Called<'_>, rows: &mut Rows) -> bool {
        let rest = self.outdated.len().saturating_sub(OUTDATED);
        let outdated = self.outdated.split_off(rest);
        let changed = std::mem::take(&mut self.changed);
        for hash in outdated.iter().chain(&changed) {
            for Held { place, log } in self.logs.iter_hash_mut(*hash) {
                if log.stored.is_noted || log.is_outdated() {
                    let (number, columns) = called(place.log);
                    let row = place.rows(logs.get(place.log), prefix, number);
                    let (changed, gone) = log.changes();
                    for chunk in changed {
                        rows.write(Space::Past, row.group.0, row.key(chunk), |w| {
                            log.store(chunk, columns, w)
                        });
                    }
                    gone.for_each(|chunk| rows.remove(Space::Past, row.group.0, row.key(chunk)));
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
    pub fn restore(&mut self, logs: &Logs, stored: StoredLogs) -> Result<(), Damaged> {
        for (place, chunks) in stored.chunks {
            let spec = logs.get(place.log);
            let log = Log::restore(spec, chunks)?;
            self.events += log.len();
            self.expiry.entry(coarse(log.over(spec), spec.keep)).or_default().push(place.clone());
            let hash = self.hashing.hash_one(&place);
            if log.is_outdated() {
                self.outdated.push(hash);
            }
            let hashing = &self.hashing;
            self.logs.insert_unique(hash, Held { place, log }, |held| hashing.hash_one(&held.place));
        }
        Ok(())
    }
}

/// The rows of a log.
struct LogRows {
    group: KeyGroup,
    /// What the keys of all of them begin with.
    begin: Writer,
}

impl LogRows {
    fn key(&self, chunk: u64) -> impl FnOnce(&mut Writer) {
        move |w| {
            w.plain(self.begin.as_slice());
            w.number(chunk);
        }
    }
}

impl Place {
    /// The rows of the log there, which is called so.
    fn rows(&self, spec: &LogSpec, prefix: &[u8], number: u32) -> LogRows {
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
    chunks: HashMap<Place, Vec<Chunk>, Seeded>,
}

impl StoredLogs {
    /// How many events there are in a row, of whose value is left what stands behind its columns.
    pub fn count(value: &mut Reader<'_>) -> Result<u64, Damaged> {
        Chunk::count(value)
    }

    /// Reads a row of a log, of which the key has been read up to the log's number, and the value up to
    /// which columns it has; these, and those that the log has now.
    pub fn read(
        &mut self,
        (id, log): (LogId, &LogSpec),
        group: u16,
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
        self.chunks.entry(place).or_default().push(chunk);
        Ok(())
    }
}
