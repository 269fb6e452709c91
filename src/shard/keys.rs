//! The keys of a shard for which something is held: one record a key for all rules.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use smallvec::SmallVec;

use super::limit::{Group, Passed, Verdict};
use super::timers::{Due, Timer, Timers};
use crate::event::{Key, Seeded, Timestamp};
use crate::language::checked::Limit;
use crate::matcher::RunSet;
use crate::program::RuleId;

/// The place of a key's record; given again once the record is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot(u32);

/// The records by key.
#[derive(Debug, Default)]
pub(super) struct Keys {
    hashing: Seeded,
    index: HashTable<Slot>,
    records: Vec<Option<Record>>,
    free: Vec<Slot>,
}

/// The state of one key: the rules that hold something for it.
#[derive(Clone, Debug)]
pub struct Record {
    /// That of the key in the index that holds it.
    hash: u64,
    key: Key,
    /// In the order of their ids.
    rules: SmallVec<[RuleState; 1]>,
}

/// The state of one rule for one key.
#[derive(Clone, Debug)]
pub(super) struct RuleState {
    rule: RuleId,
    pub runs: RunSet,
    /// The earliest timer set for them; later ones left in the queue are ignored when they come up.
    timer: Timestamp,
    /// The alerts that count for the rule's `limit`.
    passed: Option<Box<Passed>>,
}

impl RuleState {
    /// Sets a timer when something is due before the one that is set.
    pub fn schedule(&mut self, slot: Slot, timers: &mut Timers) {
        let due = self.runs.due();
        if due < self.timer {
            self.timer = due;
            timers.push(Timer { due, what: Due::Runs(self.rule), slot });
        }
    }

    /// Asks the rule's `limit` about an alert that was decided at `time`.
    pub fn offer(
        &mut self,
        limit: &Limit,
        group: Group,
        time: Timestamp,
        slot: Slot,
        timers: &mut Timers,
    ) -> Verdict {
        let passed = self.passed.get_or_insert_with(|| Box::new(Passed::new(limit)));
        let verdict = passed.offer(limit, group, time);
        self.schedule_forgetting(limit, slot, timers);
        verdict
    }

    /// Forgets what the rule's `limit` needs no more at `now`, the moment of its timer.
    pub fn forget(&mut self, limit: &Limit, now: Timestamp, slot: Slot, timers: &mut Timers) {
        let Some(passed) = self.passed.as_mut().filter(|passed| passed.due == now) else { return };
        passed.due = Timestamp::MAX;
        if passed.forget(limit, now) {
            self.passed = None;
        }
        self.schedule_forgetting(limit, slot, timers);
    }

    fn schedule_forgetting(&mut self, limit: &Limit, slot: Slot, timers: &mut Timers) {
        let Some(passed) = &mut self.passed else { return };
        let due = passed.end(limit);
        if due < passed.due {
            passed.due = due;
            timers.push(Timer { due, what: Due::Limit(self.rule), slot });
        }
    }

    /// The timers that are wanted.
    fn timers(&self, slot: Slot) -> impl Iterator<Item = Timer> + use<> {
        let runs = (self.timer, Due::Runs(self.rule));
        let limit = self.passed.as_ref().map(|passed| (passed.due, Due::Limit(self.rule)));
        let all = std::iter::once(runs).chain(limit).filter(|(due, _)| *due < Timestamp::MAX);
        all.map(move |(due, what)| Timer { due, what, slot })
    }
}

impl Record {
    /// The place of a rule among those of the key, or the place where it belongs.
    fn find(&self, rule: RuleId) -> Result<usize, usize> {
        self.rules.binary_search_by_key(&rule, |state| state.rule)
    }
}

impl Keys {
    /// The keys that had these records. `limits`: whether what a rule's `limit` counts is still the
    /// same.
    pub fn restore(records: Vec<Record>, limits: impl Fn(RuleId) -> bool) -> Keys {
        let mut keys = Keys::default();
        for mut record in records {
            for state in record.rules.iter_mut().filter(|state| !limits(state.rule)) {
                state.passed = None;
            }
            let slot = keys.insert(&record.key);
            record.hash = keys.record(slot).hash;
            keys.records[slot.0 as usize] = Some(record);
            keys.remove_idle(slot);
        }
        keys
    }

    /// The records.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.iter().flatten()
    }

    /// How many runs are alive.
    pub fn live_runs(&self) -> usize {
        self.records().flat_map(|record| &record.rules).map(|state| state.runs.len()).sum()
    }

    /// How many keys have a record.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// The timers that are wanted.
    pub fn timers(&self) -> impl Iterator<Item = Timer> {
        let slots = (0..).map(Slot);
        let records = slots.zip(&self.records).filter_map(|(slot, record)| Some((slot, record.as_ref()?)));
        let states = records.flat_map(|(slot, record)| record.rules.iter().map(move |state| (slot, state)));
        states.flat_map(|(slot, state)| state.timers(slot))
    }

    /// The record of a key, if it has one.
    pub fn find(&self, key: &Key) -> Option<Slot> {
        self.index.find(self.hashing.hash_one(key), |slot| self.record(*slot).key == *key).copied()
    }

    /// A new record for a key that has none.
    pub fn insert(&mut self, key: &Key) -> Slot {
        let hash = self.hashing.hash_one(key);
        let record = Record { hash, key: key.clone(), rules: SmallVec::new() };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.records[slot.0 as usize] = Some(record);
                slot
            }
            None => {
                self.records.push(Some(record));
                Slot(self.records.len() as u32 - 1)
            }
        };
        let records = &self.records;
        self.index.insert_unique(hash, slot, |slot| {
            records[slot.0 as usize].as_ref().map_or(0, |record| record.hash)
        });
        slot
    }

    fn record(&self, slot: Slot) -> &Record {
        self.records[slot.0 as usize].as_ref().expect("the index names records that exist")
    }

    /// The key of a record.
    pub fn key(&self, slot: Slot) -> &Key {
        &self.record(slot).key
    }

    /// Whether the rule has live runs for the key.
    pub fn has_runs(&self, slot: Slot, rule: RuleId) -> bool {
        let record = self.record(slot);
        record.find(rule).is_ok_and(|index| !record.rules[index].runs.is_empty())
    }

    /// The runs of a rule for a key, if it has any.
    pub fn runs(&self, slot: Slot, rule: RuleId) -> Option<&RunSet> {
        let record = self.record(slot);
        record.find(rule).ok().map(|index| &record.rules[index].runs)
    }

    /// The runs of a rule for every key that has some.
    pub fn runs_of(&self, rule: RuleId) -> impl Iterator<Item = (Slot, &RunSet)> {
        let slots = (0..).map(Slot).zip(&self.records).filter(|(_, record)| record.is_some());
        slots.filter_map(move |(slot, _)| Some((slot, self.runs(slot, rule)?)))
    }

    /// The state of a rule for a key, made if it is new.
    pub fn state(&mut self, slot: Slot, rule: RuleId) -> &mut RuleState {
        let record = self.records[slot.0 as usize].as_mut().expect("the slot names a record that exists");
        let index = record.find(rule).unwrap_or_else(|index| {
            let new = RuleState { rule, runs: RunSet::default(), timer: Timestamp::MAX, passed: None };
            record.rules.insert(index, new);
            index
        });
        &mut record.rules[index]
    }

    /// The state of a rule for the key of a timer, unless it is gone.
    pub fn state_if_held(&mut self, slot: Slot, rule: RuleId) -> Option<&mut RuleState> {
        let record = self.records.get_mut(slot.0 as usize)?.as_mut()?;
        let index = record.find(rule).ok()?;
        Some(&mut record.rules[index])
    }

    /// The state that a timer for `due` was set for, unless it is gone or waits for another moment.
    /// Its timer counts as used.
    pub fn state_if_scheduled(&mut self, slot: Slot, rule: RuleId, due: Timestamp) -> Option<&mut RuleState> {
        let state = self.state_if_held(slot, rule)?;
        if state.timer != due {
            return None;
        }
        state.timer = Timestamp::MAX;
        Some(state)
    }

    /// Forgets the rules of a key that hold nothing for it, and the key when none is left.
    pub fn remove_idle(&mut self, slot: Slot) {
        let Some(record) = self.records[slot.0 as usize].as_mut() else { return };
        record.rules.retain(|state| !state.runs.is_empty() || state.passed.is_some());
        if !record.rules.is_empty() {
            return;
        }
        let hash = record.hash;
        if let Ok(entry) = self.index.find_entry(hash, |other| *other == slot) {
            entry.remove();
        }
        self.records[slot.0 as usize] = None;
        self.free.push(slot);
    }
}
