//! Records that leave memory and come back.
//!
//! A record leaves when its row is stored as the record is; what remains is said in [`super::cold`]. It comes
//! back as a restart would bring it back: from its row.

use std::hash::BuildHasher;

use super::cold::{bytes_of, key_of};
use super::stored::Restore;
use super::{Keys, Record, Slot, Sought};
use crate::event::stored::{EventWriter, Events};
use crate::event::{Key, Timestamp};
use crate::matcher::RunSet;
use crate::program::{Program, RuleId};
use crate::shard::legend::Legend;
use crate::shard::timers::{Due, Timer, Timers};
use crate::stored::{Damaged, Reader, Writer};

/// How many bytes of memory what is held takes for each byte that it takes where it is stored, without
/// events. A test compares what comes of it with what is taken.
const WIDENED: usize = 8;
/// How many bytes a record takes besides, with its places in the index and among the timers.
const RECORD_BYTES: usize = 108;

/// About how many bytes of memory a record takes whose events take so many, and which takes so many where it
/// is stored without them.
pub(super) fn estimate(record: &Record, events: usize, body: usize) -> usize {
    RECORD_BYTES + events + WIDENED * body + record.more_bytes()
}

impl Keys {
    /// About how many bytes of memory the records take, as they were stored last.
    pub fn bytes(&self) -> usize {
        self.records.bytes()
    }

    /// How many keys have no record in memory.
    pub fn cold(&self) -> usize {
        self.cold.len()
    }

    /// About how many bytes of memory these take.
    pub fn cold_bytes(&self) -> usize {
        self.cold.bytes()
    }

    /// What was being stored is.
    pub fn all_stored(&mut self) {
        self.records.all_stored();
    }

    /// From now on somebody wants to know how much memory records take. All are stored anew before they can
    /// leave it: what rows say of them that were read before may be outdated.
    pub fn measure(&mut self, legend: &Legend) {
        self.measures = true;
        let mut events = EventWriter::default();
        let mut out = Writer::default();
        let slots: Vec<Slot> = self.records.iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            let record = self.record(slot);
            record.store(legend, &mut events);
            let bytes = estimate(record, events.footprint(), events.body.len());
            self.records.measured(slot, bytes);
            self.records.change(slot);
            events.finish(&mut out);
            out.clear();
        }
    }

    /// Lets about so many records leave memory that were not needed for the longest time. How many did.
    pub fn put_away(&mut self, most: usize, program: &Program, timers: &mut Timers) -> usize {
        let slots = self.records.coldest(most);
        for slot in &slots {
            let hash = self.hashing.hash_one(self.record(*slot).key()) as u32;
            if let Some(record) = self.records.remove(*slot) {
                let cold = self.add_cold(&record, program, timers);
                self.index.replace(hash, *slot, cold);
            }
        }
        slots.len()
    }

    /// Takes note of a record that will not be in memory.
    fn add_cold(&mut self, record: &Record, program: &Program, timers: &mut Timers) -> Slot {
        let due = record.due(program);
        let slot = self.cold.insert(bytes_of(record.key()).as_slice(), due);
        if due < Timestamp::MAX {
            // What is due is found out when it has come back.
            timers.push(Timer::new(due, Due::Runs(RuleId(0)), slot));
        }
        slot
    }

    /// Adds a key whose record will not be in memory.
    pub(super) fn insert_cold(&mut self, record: &Record, program: &Program, timers: &mut Timers) -> Slot {
        let slot = self.add_cold(record, program, timers);
        let hash = self.hashing.hash_one(record.key()) as u32;
        self.index.insert(hash, slot);
        slot
    }

    /// The slot of a key that has no record in memory, if something is held for it.
    pub fn find_cold(&self, sought: &Sought<'_>) -> Option<Slot> {
        if self.cold.len() == 0 {
            return None;
        }
        let key = bytes_of(&sought.key.to_key());
        let is_it = |slot: Slot| self.cold.get(slot).is_some_and(|(bytes, _)| bytes == key.as_slice());
        self.index.find(sought.hash, is_it)
    }

    /// Whether something is held for a key.
    pub fn contains(&self, sought: &Sought<'_>) -> bool {
        self.find(sought).is_some() || self.find_cold(sought).is_some()
    }

    /// A cold key, if it is the slot of one.
    pub fn cold_key(&self, slot: Slot) -> Option<Key> {
        self.cold.get(slot).map(|(bytes, _)| key_of(bytes))
    }

    /// The slots of all cold keys.
    pub fn cold_slots(&self) -> impl Iterator<Item = Slot> {
        self.cold.slots()
    }

    /// The record of a cold key comes back from its row. Gives its slot; none, when nothing is left of it. How
    /// many runs were counted while it was away is left in [`Restore::counts`].
    ///
    /// # Errors
    /// When the row is damaged.
    pub fn bring_back(
        &mut self,
        cold: Slot,
        key: Key,
        value: &[u8],
        restore: &mut Restore<'_>,
        timers: &mut Timers,
    ) -> Result<Option<Slot>, Damaged> {
        let read = ReadRecord::read(key, Reader::new(value), restore)?;
        let hash = self.hashing.hash_one(read.record.key()) as u32;
        self.cold.remove(cold);
        if read.record.is_empty() {
            self.index.remove(hash, cold);
            self.removed.push(read.record.into_key());
            return Ok(None);
        }
        let is_as_stored = read.is_current && !read.counts_differ(restore);
        let slot = self.records.insert(read.record);
        self.index.replace(hash, cold, slot);
        self.records.is_stored(slot, true);
        self.records.measured(slot, read.bytes);
        if !is_as_stored {
            self.records.change(slot);
        }
        if let Some(record) = self.records.get_mut(slot) {
            record.schedule(slot, restore, timers);
        }
        Ok(Some(slot))
    }
}

/// A record as it was read from its row.
pub struct ReadRecord {
    pub record: Record,
    /// Whether the row is as it would be now.
    pub is_current: bool,
    /// About how many bytes of memory it takes.
    pub bytes: usize,
}

impl ReadRecord {
    /// Reads the row of a key. How many runs it says that there are is left in [`Restore::counts`].
    ///
    /// # Errors
    /// When it is damaged.
    pub fn read(key: Key, mut value: Reader<'_>, restore: &mut Restore<'_>) -> Result<ReadRecord, Damaged> {
        let events = Events::read(&mut value, &restore.meaning.streams, restore.again)?;
        events.are_until(restore.latest)?;
        let body = value.rest().len();
        restore.counts.clear();
        let (record, is_current) = Record::restore(key, &mut value, &events, restore)?;
        let bytes = estimate(&record, events.footprint(), body);
        Ok(ReadRecord { record, is_current, bytes })
    }

    /// Whether there are fewer runs of a rule than the row says, which counts some that were over. Such a record
    /// must not leave memory unless it is stored anew: the row says how many were counted while it was away.
    pub fn counts_differ(&self, restore: &Restore<'_>) -> bool {
        let now = |rule| self.record.runs(rule).map_or(0, RunSet::len);
        restore.counts.iter().any(|(rule, count)| now(*rule) != *count)
    }
}
