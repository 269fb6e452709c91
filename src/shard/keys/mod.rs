//! The keys of a shard for which something is held: one record a key for all rules.
//!
//! With millions of keys nothing of a key is in the processor's caches when its next event comes, and
//! what an event costs is how often it waits for memory: for the index, for the record, and for what
//! the record points to. So a record is small, a single run with all that is asked of it is in one block
//! beside the record, and keys of several events are looked up together ([`Keys::look_up`]): then the
//! processor waits for all of them at once.
//!
//! Memory follows the number of keys: what a burst of keys has taken is used again or given back. Where it
//! has a limit, records that are stored leave it, and come back when they are needed ([`shelf`]).

mod cold;
mod index;
mod record;
mod records;
pub mod shelf;
pub mod stored;
#[cfg(test)]
mod tests;

use std::hash::BuildHasher;
use std::hint::black_box;

use super::limit::{Group, Verdict};
use super::timers::{Timer, Timers};
use crate::event::{Key, KeyRef, Seeded, Timestamp};
use crate::language::checked::Limit;
use crate::matcher::RunSet;
use crate::program::RuleId;

use cold::Cold;
use index::Index;
use record::RuleRuns;
use records::Records;

pub use record::Record;
pub(super) use records::Slot;

/// The records by key.
#[derive(Debug, Default)]
pub(super) struct Keys {
    hashing: Seeded,
    index: Index,
    records: Records,
    cold: Cold,
    /// Whether somebody wants to know how much memory records take.
    pub measures: bool,
    /// The keys that were stored and have no record any more.
    removed: Vec<Key>,
    /// The records that are stored in another way than they would be now, also of cold keys.
    outdated: Vec<Slot>,
}

/// A key that is looked for: its values are hashed once, however often it is looked for.
#[derive(Clone, Debug)]
pub(super) struct Sought<'a> {
    pub key: KeyRef<'a>,
    hash: u32,
    /// Where it was, perhaps, when it was looked up with others.
    hint: Option<Slot>,
}

impl Keys {
    /// The records.
    #[cfg(test)]
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.iter().map(|(_, record)| record)
    }

    /// How many runs are alive of each rule for each key.
    #[cfg(test)]
    pub fn live_runs(&self) -> impl Iterator<Item = (RuleId, usize)> {
        self.records().flat_map(Record::all_runs).map(|(rule, runs)| (rule, runs.len()))
    }

    /// How many keys something is held for, in memory or on the shelf.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether a timer is one that is wanted.
    pub fn wants(&self, timer: &Timer) -> bool {
        if timer.slot.cold().is_some() {
            return self.cold.get(timer.slot).is_some_and(|(_, due)| due == timer.due);
        }
        self.records.get(timer.slot).is_some_and(|record| record.wants(timer))
    }

    fn hash(&self, key: impl std::hash::Hash) -> u32 {
        self.hashing.hash_one(key) as u32
    }

    /// Prepares to look for a key.
    pub fn seek<'a>(&self, key: KeyRef<'a>) -> Sought<'a> {
        Sought { hash: self.hash(&key), key, hint: None }
    }

    /// Looks up keys together that will be looked for one by one soon, as many as there are events at a
    /// time, some dozens. What it finds is a hint: it may be outdated once records were made or removed.
    ///
    /// Each loop reads something of every key before the next loop needs it, and no turn of a loop
    /// waits for another.
    pub fn look_up(&self, keys: &mut [Sought<'_>]) {
        for sought in &mut *keys {
            sought.hint = self.index.find(sought.hash, |_| true);
        }
        self.touch(|| keys.iter().filter_map(|sought| sought.hint));
    }

    /// Looks up the records together whose timers come next, like [`Keys::look_up`].
    pub fn come_near(&self, timers: &[Timer]) {
        let slots = || timers.iter().map(|timer| timer.slot);
        self.touch(slots);
        let records = slots().filter_map(|slot| self.records.get(slot));
        let places = records.map(|record| self.index.find(self.hash(record.key()), |_| true));
        black_box(places.filter(Option::is_some).count());
    }

    /// Reads something of records, in a way that cannot be left out although nobody wants to know.
    fn touch<T: Iterator<Item = Slot>>(&self, slots: impl Fn() -> T) {
        let records = || slots().filter_map(|slot| self.records.get(slot));
        black_box(records().fold(0, |sum, record| sum ^ record.touch()));
        black_box(records().fold(0, |sum, record| sum ^ record.touch_far()));
        black_box(records().fold(0, |sum, record| sum ^ record.touch_events()));
    }

    /// The record of a key, if it has one in memory.
    pub fn find(&self, sought: &Sought<'_>) -> Option<Slot> {
        let is_it = |slot: Slot| self.records.get(slot).is_some_and(|record| sought.key.is(record.key()));
        sought.hint.filter(|slot| is_it(*slot)).or_else(|| self.index.find(sought.hash, is_it))
    }

    /// A new record for a key that has none.
    pub fn insert(&mut self, sought: &Sought<'_>) -> Slot {
        self.add(sought.hash, Record::new(sought.key.to_key()))
    }

    fn add(&mut self, hash: u32, record: Record) -> Slot {
        let slot = self.records.insert(record);
        self.index.insert(hash, slot);
        slot
    }

    /// The record in a place.
    pub fn record(&self, slot: Slot) -> &Record {
        self.records.get(slot).expect("the slot names a record that exists")
    }

    fn record_mut(&mut self, slot: Slot) -> &mut Record {
        self.records.change(slot).expect("the slot names a record that exists")
    }

    /// The key of a record.
    pub fn key(&self, slot: Slot) -> &Key {
        self.record(slot).key()
    }

    /// Whether the rule has live runs for the key.
    pub fn has_runs(&self, slot: Slot, rule: RuleId) -> bool {
        self.runs(slot, rule).is_some_and(|runs| !runs.is_empty())
    }

    /// The rules that have live runs for the key, in order.
    pub fn active(&self, slot: Slot) -> impl Iterator<Item = RuleId> {
        let runs = self.record(slot).all_runs();
        runs.filter(|(_, runs)| !runs.is_empty()).map(|(rule, _)| rule)
    }

    /// The runs of a rule for a key, if it has any.
    pub fn runs(&self, slot: Slot, rule: RuleId) -> Option<&RunSet> {
        self.record(slot).runs(rule)
    }

    /// Where the records are.
    pub fn slots(&self) -> impl Iterator<Item = Slot> {
        self.records.iter().map(|(slot, _)| slot)
    }

    /// The key, and the runs of a rule for it, none yet if it is new.
    pub fn runs_mut(&mut self, slot: Slot, rule: RuleId) -> (&Key, &mut RuleRuns) {
        self.record_mut(slot).runs_or_none(rule)
    }

    /// The runs that a timer for `due` was set for, unless they are gone or wait for another moment.
    /// Their timer counts as used.
    pub fn runs_if_scheduled(&mut self, slot: Slot, rule: RuleId, due: Timestamp) -> Option<&mut RuleRuns> {
        self.records.change(slot)?.runs_if_scheduled(rule, due)
    }

    /// Asks a rule's `limit` about an alert that was decided at `time` for a key.
    pub fn offer(
        &mut self,
        slot: Slot,
        rule: RuleId,
        limit: &Limit,
        group: Group,
        time: Timestamp,
        timers: &mut Timers,
    ) -> Verdict {
        self.record_mut(slot).offer(rule, limit, group, time, slot, timers)
    }

    /// Forgets what a rule's `limit` needs no more of a key at `now`, the moment of its timer.
    pub fn forget(&mut self, slot: Slot, rule: RuleId, limit: &Limit, now: Timestamp, timers: &mut Timers) {
        if let Some(record) = self.records.change(slot) {
            record.forget(rule, limit, now, slot, timers);
        }
    }

    /// Forgets the rules of a key that hold nothing for it, and the key when none is left.
    pub fn remove_idle(&mut self, slot: Slot) {
        // What is dropped has been changed before.
        let Some(record) = self.records.get_mut(slot) else { return };
        if record.drop_idle() {
            let hash = self.hashing.hash_one(record.key()) as u32;
            self.index.remove(hash, slot);
            self.removed.extend(self.records.remove(slot).map(Record::into_key));
        }
    }
}
