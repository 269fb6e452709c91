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
pub(super) struct Slot(pub(super) u32);

/// The records by key.
#[derive(Debug, Default)]
pub(super) struct Keys {
    hashing: Seeded,
    index: HashTable<Entry>,
    records: Records,
    free: Vec<Slot>,
}

/// Where the record of a key is. With the hash, so that the table can grow without a look at records.
#[derive(Clone, Copy, Debug)]
struct Entry {
    hash: u32,
    slot: Slot,
}

impl Entry {
    /// The hash by which the table finds it.
    fn hash(&self) -> u64 {
        spread(self.hash)
    }
}

/// A hash of 32 bits as the table wants it: it uses the lowest and the highest bits.
fn spread(hash: u32) -> u64 {
    u64::from(hash) | u64::from(hash) << 32
}

/// The records by slot, in pieces: growing moves none of them, which would take long when there are
/// millions.
#[derive(Debug, Default)]
struct Records {
    pieces: Vec<Vec<Option<Record>>>,
}

/// How many records a piece has.
const PIECE: usize = 1_024;

impl Records {
    fn get(&self, slot: Slot) -> Option<&Record> {
        self.pieces.get(slot.0 as usize / PIECE)?.get(slot.0 as usize % PIECE)?.as_ref()
    }

    fn get_mut(&mut self, slot: Slot) -> Option<&mut Record> {
        self.place(slot)?.as_mut()
    }

    /// The place of a slot that has been given out.
    fn place(&mut self, slot: Slot) -> Option<&mut Option<Record>> {
        self.pieces.get_mut(slot.0 as usize / PIECE)?.get_mut(slot.0 as usize % PIECE)
    }

    /// Adds a record and gives out its slot.
    fn push(&mut self, record: Record) -> Slot {
        if self.pieces.last().is_none_or(|last| last.len() == PIECE) {
            // The first may remain the only one, and nearly empty.
            self.pieces.push(if self.pieces.is_empty() { Vec::new() } else { Vec::with_capacity(PIECE) });
        }
        let before = (self.pieces.len() - 1) * PIECE;
        let last = self.pieces.last_mut().expect("there is a piece with room");
        last.push(Some(record));
        Slot((before + last.len() - 1) as u32)
    }

    /// The records that there are, with their slots.
    fn iter(&self) -> impl Iterator<Item = (Slot, &Record)> {
        let places = (0..).map(Slot).zip(self.pieces.iter().flatten());
        places.filter_map(|(slot, record)| Some((slot, record.as_ref()?)))
    }
}

/// The state of one key: the rules that hold something for it.
#[derive(Clone, Debug)]
pub struct Record {
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

    /// Whether the moment of something that is due is the one that counts.
    fn wants(&self, due: Timestamp, what: Due) -> bool {
        match what {
            Due::Runs(_) => self.timer == due,
            Due::Limit(_) => self.passed.as_ref().is_some_and(|passed| passed.due == due),
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
            *keys.record_mut(slot) = record;
            keys.remove_idle(slot);
        }
        keys
    }

    /// The records.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.iter().map(|(_, record)| record)
    }

    /// How many runs are alive of each rule for each key.
    pub fn live_runs(&self) -> impl Iterator<Item = (RuleId, usize)> {
        self.records().flat_map(|record| &record.rules).map(|state| (state.rule, state.runs.len()))
    }

    /// How many keys have a record.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// The timers that are wanted.
    pub fn timers(&self) -> impl Iterator<Item = Timer> {
        self.records
            .iter()
            .flat_map(|(slot, record)| record.rules.iter().flat_map(move |state| state.timers(slot)))
    }

    /// Whether a timer is one that is wanted.
    pub fn wants(&self, timer: &Timer) -> bool {
        let (Due::Runs(rule) | Due::Limit(rule)) = timer.what;
        let state =
            self.records.get(timer.slot).and_then(|record| Some(&record.rules[record.find(rule).ok()?]));
        state.is_some_and(|state| state.wants(timer.due, timer.what))
    }

    fn hash(&self, key: &Key) -> u32 {
        self.hashing.hash_one(key) as u32
    }

    /// The record of a key, if it has one.
    pub fn find(&self, key: &Key) -> Option<Slot> {
        let hash = self.hash(key);
        let is_it = |entry: &Entry| entry.hash == hash && self.record(entry.slot).key == *key;
        self.index.find(spread(hash), is_it).map(|entry| entry.slot)
    }

    /// A new record for a key that has none.
    pub fn insert(&mut self, key: &Key) -> Slot {
        let record = Record { key: key.clone(), rules: SmallVec::new() };
        let slot = match self.free.pop() {
            Some(slot) => {
                *self.records.place(slot).expect("a free slot has been given out before") = Some(record);
                slot
            }
            None => self.records.push(record),
        };
        let hash = self.hash(key);
        self.index.insert_unique(spread(hash), Entry { hash, slot }, Entry::hash);
        slot
    }

    fn record(&self, slot: Slot) -> &Record {
        self.records.get(slot).expect("the slot names a record that exists")
    }

    fn record_mut(&mut self, slot: Slot) -> &mut Record {
        self.records.get_mut(slot).expect("the slot names a record that exists")
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

    /// The rules that have live runs for the key, in order.
    pub fn active(&self, slot: Slot) -> impl Iterator<Item = RuleId> {
        let states = self.record(slot).rules.iter();
        states.filter(|state| !state.runs.is_empty()).map(|state| state.rule)
    }

    /// The runs of a rule for a key, if it has any.
    pub fn runs(&self, slot: Slot, rule: RuleId) -> Option<&RunSet> {
        let record = self.record(slot);
        record.find(rule).ok().map(|index| &record.rules[index].runs)
    }

    /// The runs of a rule for every key that has some.
    pub fn runs_of(&self, rule: RuleId) -> impl Iterator<Item = (Slot, &RunSet)> {
        self.records.iter().filter_map(move |(slot, _)| Some((slot, self.runs(slot, rule)?)))
    }

    /// The state of a rule for a key, made if it is new.
    pub fn state(&mut self, slot: Slot, rule: RuleId) -> &mut RuleState {
        let record = self.record_mut(slot);
        let index = record.find(rule).unwrap_or_else(|index| {
            let new = RuleState { rule, runs: RunSet::default(), timer: Timestamp::MAX, passed: None };
            record.rules.insert(index, new);
            index
        });
        &mut record.rules[index]
    }

    /// The state of a rule for the key of a timer, unless it is gone.
    pub fn state_if_held(&mut self, slot: Slot, rule: RuleId) -> Option<&mut RuleState> {
        let record = self.records.get_mut(slot)?;
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
        let Some(record) = self.records.get_mut(slot) else { return };
        record.rules.retain(|state| !state.runs.is_empty() || state.passed.is_some());
        if !record.rules.is_empty() {
            return;
        }
        let hash = self.hash(&self.record(slot).key);
        if let Ok(entry) = self.index.find_entry(spread(hash), |entry| entry.slot == slot) {
            entry.remove();
        }
        if let Some(place) = self.records.place(slot) {
            *place = None;
            self.free.push(slot);
        }
    }
}
