//! The records of keys: which have changed, and those that rows make.

use std::hash::BuildHasher;
use std::hint::black_box;

use smallvec::SmallVec;

use super::shelf::{ReadRecord, estimate};
use super::{Keys, Slot};
use crate::automaton::CompiledRule;
use crate::event::stored::{EventWriter, ReadAgain};
use crate::event::{Event, Key, Timestamp};
use crate::program::{Program, RuleId};
use crate::shard::ahead::TOGETHER;
use crate::shard::legend::{Left, Legend, Meaning};
use crate::shard::timers::Timers;
use crate::stored::{Damaged, Reader, Rows, Space};

/// How many records are stored in a new way at a time, besides those that have changed.
const OUTDATED: usize = 4_096;
/// How many of them may be such as must be read from the shelf before.
const OUTDATED_COLD: usize = 256;

/// The runs of so many rules, and so many events of each, are brought near together.
const FEW_RULES: usize = 4;
const FEW_EVENTS: usize = 16;

/// What is needed to take over a state.
pub struct Restore<'a> {
    /// The program that takes it over.
    pub program: &'a Program,
    /// What numbers stand for.
    pub meaning: &'a Meaning,
    /// Reads records of events again.
    pub again: &'a ReadAgain<'a>,
    /// All times before this had passed.
    pub passed: Timestamp,
    /// No event of a row is later.
    pub latest: Timestamp,
    /// The stratum of the rules.
    pub stratum: usize,
    /// What is left out is counted here.
    pub left: &'a mut [Left],
    /// How many runs a row says that there are of each rule.
    pub counts: Vec<(RuleId, usize)>,
}

impl<'a> Restore<'a> {
    /// A rule that holds something for a key.
    pub fn rule(&self, rule: RuleId, key: &Key) -> Result<&'a CompiledRule, Damaged> {
        let compiled = &self.program.compiled()[rule.0 as usize];
        let is_its_key = compiled.rule.key.names.len() == key.values().len();
        if is_its_key && compiled.rule.stratum as usize == self.stratum {
            Ok(compiled)
        } else {
            Err(Damaged::new("a rule holds something for a key that it cannot have"))
        }
    }
}

impl Keys {
    /// Adds the rows of what has changed since the last time. `prefix` is what the keys of all rows begin
    /// with. Whether there are records that are still stored in an outdated way.
    pub fn changes(&mut self, legend: &Legend, prefix: &[u8], rows: &mut Rows) -> bool {
        let mut events = EventWriter::default();
        for slots in self.records.take_changed().chunks(TOGETHER) {
            self.bring_near(slots);
            for slot in slots {
                let record = self.record(*slot);
                let key = record.key();
                record.store(legend, &mut events);
                let bytes = estimate(record, events.footprint(), events.body.len());
                rows.write(
                    Space::Runs,
                    key.group().0,
                    |w| {
                        w.plain(prefix);
                        key.write(w);
                    },
                    |w| events.finish(w),
                );
                if self.measures {
                    self.records.measured(*slot, bytes);
                }
            }
        }
        for key in std::mem::take(&mut self.removed) {
            // It may have come again.
            if !self.contains(&self.seek(key.as_ref())) {
                rows.remove(Space::Runs, key.group().0, |w| {
                    w.plain(prefix);
                    key.write(w);
                });
            }
        }
        !self.outdated.is_empty()
    }

    /// Some of the records that are stored in an outdated way, which are from now on to be stored anew; those
    /// that are cold must come back for that.
    pub fn take_outdated(&mut self) -> Vec<Slot> {
        let rest = self.outdated.len().saturating_sub(OUTDATED);
        let mut cold = 0;
        let is_enough = |slot: &Slot| {
            cold += usize::from(slot.cold().is_some());
            cold > OUTDATED_COLD
        };
        let enough = self.outdated[rest..].iter().rev().position(is_enough);
        let rest = enough.map_or(rest, |enough| self.outdated.len() - enough);
        let taken = self.outdated.split_off(rest);
        for slot in &taken {
            self.records.change(*slot);
        }
        taken
    }

    /// Reads something of all that will be written of some records, in such a way that the processor waits
    /// for much at a time: most of it was not looked at when the records changed.
    fn bring_near(&self, slots: &[Slot]) {
        self.touch(|| slots.iter().copied());
        let mut events: SmallVec<[&Event; 256]> = SmallVec::new();
        for slot in slots {
            self.record(*slot).all_runs().take(FEW_RULES).for_each(|(_, runs)| {
                let end = events.len() + FEW_EVENTS;
                runs.events(&mut |event| {
                    if events.len() < end {
                        events.push(event);
                    }
                });
            });
        }
        black_box(events.iter().fold(0, |sum, event| sum ^ event.touch()));
        black_box(events.iter().fold(0, |sum, event| sum ^ event.touch_record()));
    }

    /// Takes over a row of a group, of whose key the beginning has been read; into memory unless it is to be
    /// cold. Gives its runs by rule.
    pub fn restore(
        &mut self,
        (group, is_cold): (u16, bool),
        mut key: Reader<'_>,
        value: Reader<'_>,
        restore: &mut Restore<'_>,
        timers: &mut Timers,
        mut runs: impl FnMut(RuleId, usize),
    ) -> Result<(), Damaged> {
        let key = Key::read(&mut key)?;
        if key.group().0 != group {
            return Err(Damaged::new("a row is not in the group of its key"));
        }
        if self.contains(&self.seek(key.as_ref())) {
            return Err(Damaged::new("there are two rows of a key"));
        }
        let read = ReadRecord::read(key, value, restore)?;
        let counts_differ = self.measures && read.counts_differ(restore);
        let ReadRecord { record, is_current, bytes } = read;
        if record.is_empty() {
            self.removed.push(record.into_key());
            return Ok(());
        }
        if is_cold {
            restore.counts.iter().for_each(|(rule, count)| runs(*rule, *count));
            let slot = self.insert_cold(&record, restore.program, timers);
            if !is_current {
                self.outdated.push(slot);
            }
            return Ok(());
        }
        record.all_runs().for_each(|(rule, of_rule)| runs(rule, of_rule.len()));
        let slot = self.add(self.hashing.hash_one(record.key()) as u32, record);
        self.records.is_stored(slot, is_current);
        if self.measures {
            self.records.measured(slot, bytes);
        }
        if counts_differ {
            self.records.change(slot);
        }
        if !is_current {
            self.outdated.push(slot);
        }
        if let Some(record) = self.records.get_mut(slot) {
            record.schedule(slot, restore, timers);
        }
        Ok(())
    }
}
