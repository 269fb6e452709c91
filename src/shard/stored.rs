//! What a shard holds, as rows: those that have changed, and the shard that rows make. What can be found
//! out from the rest (timers, answers to predicates) is no part of it.
//!
//! The keys of rows begin with the stratum of the rules. The group of a row says which shard has it; rows
//! know nothing of how many there are.

use super::keys::Record;
use super::keys::stored::Restore;
use super::legend::{Legend, Meaning};
use super::{Shard, ShardCounters};
use crate::event::stored::Events;
use crate::event::{Key, Timestamp};
use crate::history::stored::StoredLogs;
use crate::program::{Program, RuleId};
use crate::stored::{Damaged, Reader, Row, Rows, Space, Writer};

/// What has become of a shard since it was asked last.
#[derive(Debug)]
pub struct ShardChanges {
    /// The rows that have changed, in the order of their groups.
    pub rows: Rows,
    /// What it has counted.
    pub counters: ShardCounters,
    /// How many runs are alive of each old version of a rule.
    pub live_of_old: Vec<usize>,
    /// Whether there are rows that were written with an older version of a stream or of columns.
    pub has_outdated: bool,
}

impl Shard {
    /// What has changed since this was asked last; at first, everything. The room that other rows have taken
    /// is used again. `generation` is the number of these changes: they are stored when that is said.
    pub fn changes(&mut self, legend: &Legend, mut rows: Rows, generation: u64) -> ShardChanges {
        rows.clear();
        self.make_room();
        self.under_way = generation;
        for slot in self.keys.take_outdated() {
            if slot.cold().is_some() {
                self.bring_back(slot, self.passed);
            }
        }
        let prefix = prefix(self.stratum);
        let prefix = prefix.as_slice();
        let called = |log| {
            let numbers = legend.log(log);
            (numbers.log, numbers.columns)
        };
        let outdated_keys = self.keys.changes(legend, prefix, &mut rows);
        let outdated_logs =
            self.histories.get_mut().changes(self.program.logs(), (prefix, &called), generation, &mut rows);
        for (space, group, key) in std::mem::take(&mut self.unknown) {
            rows.remove(space, group, |w| w.plain(&key));
        }
        rows.sort();
        let has_outdated = outdated_keys || outdated_logs;
        let (counters, live_of_old) = (self.counters.clone(), self.live_runs_of_old().to_vec());
        ShardChanges { rows, counters, live_of_old, has_outdated }
    }

    /// Takes over a row of which the key has been read up to the stratum.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn restore(
        &mut self,
        row: Row<'_>,
        mut key: Reader<'_>,
        restore: &mut Restore<'_>,
        logs: &mut StoredLogs,
    ) -> Result<(), Damaged> {
        let mut value = Reader::new(row.value.unwrap_or_default());
        if restore.stratum != self.stratum {
            // There are no rules of that stratum: all that is in the row is left out.
            return self.leave(row, restore);
        }
        let is_cold = self.takes_too_much_with(logs.bytes());
        if row.space == Space::Runs {
            let (live, program) = (&mut self.live, restore.program);
            self.keys.restore(
                (row.group, is_cold),
                key,
                value,
                restore,
                &mut self.timers,
                |rule, runs| {
                    live.change(rule, &program.compiled()[rule.0 as usize], 0, runs);
                },
            )?;
            return Ok(());
        }
        let meaning = restore.meaning;
        let number = key.small()?;
        let columns = value.small()?;
        let Some(id) = meaning.log(number, restore.stratum) else { return self.leave(row, restore) };
        let then =
            meaning.columns.get(&columns).ok_or(Damaged::new("nobody knows what was kept of events"))?;
        let now = &meaning.columns_now[id.0 as usize];
        let log = (id, restore.program.logs().get(id));
        logs.read(log, (row.group, is_cold), &mut key, (then, now), &mut value)
    }

    /// Leaves a row out, which will be removed.
    fn leave(&mut self, row: Row<'_>, restore: &mut Restore<'_>) -> Result<(), Damaged> {
        self.unknown.push((row.space, row.group, row.key.into()));
        let (mut key, mut value) = (Reader::new(row.key), Reader::new(row.value.unwrap_or_default()));
        key.small()?;
        if row.space == Space::Past {
            let number = key.small()?;
            value.small()?;
            let events = StoredLogs::count(&mut value)?;
            for place in restore.meaning.left_readers(number) {
                restore.left[*place].past_events += events;
            }
            return Ok(());
        }
        let key = Key::read(&mut key)?;
        let events = Events::read(&mut value, &restore.meaning.streams, restore.again)?;
        Record::restore(key, &mut value, &events, restore)?;
        Ok(())
    }

    /// Goes on from what was restored, when all rows have been read.
    ///
    /// # Errors
    /// When rows are missing.
    pub fn restored(
        &mut self,
        passed: Timestamp,
        latest: Timestamp,
        logs: StoredLogs,
    ) -> Result<(), Damaged> {
        self.passed = passed;
        self.histories.get_mut().restore(self.program.logs(), logs, latest)?;
        self.takes_too_much_with(0);
        Ok(())
    }
}

/// What the keys of all rows of a stratum begin with.
pub(super) fn prefix(stratum: usize) -> Writer {
    let mut w = Writer::default();
    w.size(stratum);
    w
}

impl ShardCounters {
    /// The counts of a rule.
    fn of_rules(&self) -> [&Vec<u64>; 7] {
        [
            &self.events,
            &self.alerts,
            &self.held_back,
            &self.groups_forgotten,
            &self.limits,
            &self.forgotten,
            &self.faults,
        ]
    }

    pub(super) fn of_rules_mut(&mut self) -> [&mut Vec<u64>; 7] {
        [
            &mut self.events,
            &mut self.alerts,
            &mut self.held_back,
            &mut self.groups_forgotten,
            &mut self.limits,
            &mut self.forgotten,
            &mut self.faults,
        ]
    }

    /// Writes them.
    pub(crate) fn store(&self, legend: &Legend, w: &mut Writer) {
        w.number(self.keyless);
        let rules = (0..self.events.len() as u32).map(RuleId);
        let rules: Vec<_> = rules.filter_map(|rule| Some((rule, legend.runs(rule)?))).collect();
        w.list(rules, |w, (rule, number)| {
            w.number(number.into());
            self.of_rules().iter().for_each(|counts| w.number(counts[rule.0 as usize]));
        });
    }

    /// Reads what all shards had counted together; the first of each stratum goes on from that.
    ///
    /// # Errors
    /// When it is damaged.
    pub(crate) fn restore(
        program: &Program,
        meaning: &Meaning,
        r: &mut Reader<'_>,
        shards: &mut [Vec<Shard>],
    ) -> Result<(), Damaged> {
        shards[0][0].counters.keyless = r.count()?;
        for _ in 0..r.len()? {
            let rule = meaning.rule(r.small()?);
            let mut counts = [0; 7];
            for count in &mut counts {
                *count = r.count()?;
            }
            let Some(rule) = rule else { continue };
            let stratum = program.compiled()[rule.0 as usize].rule.stratum as usize;
            let own = shards[stratum][0].counters.of_rules_mut();
            own.into_iter().zip(counts).for_each(|(own, count)| own[rule.0 as usize] = count);
        }
        Ok(())
    }
}
