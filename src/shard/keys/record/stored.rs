//! A record as bytes: for each rule what it holds, behind the number that stands for it and its length.

use super::{Held, List, Record, RulePassed, RuleRuns};
use crate::event::stored::{EventWriter, Events};
use crate::event::{Key, Timestamp};
use crate::matcher::RunSet;
use crate::program::RuleId;
use crate::shard::keys::Slot;
use crate::shard::keys::stored::Restore;
use crate::shard::legend::{self, Legend};
use crate::shard::limit::Passed;
use crate::shard::timers::Timers;
use crate::stored::{Damaged, Reader};

impl Record {
    /// Writes it, but for the key.
    pub fn store(&self, legend: &Legend, w: &mut EventWriter) {
        let number = |held: &Held| match held {
            Held::Runs(held) if held.runs.is_empty() => None,
            Held::Runs(held) => legend.runs(held.rule),
            Held::Passed(held) => legend.limit(held.rule),
        };
        let all = || self.held.as_slice().iter().filter_map(|held| Some((held, number(held)?)));
        w.body.size(all().count());
        for (held, number) in all() {
            w.body.number(number.into());
            let open = w.body.open();
            match held {
                Held::Runs(held) => held.runs.store(w, &legend.streams),
                Held::Passed(held) => held.passed.store(&mut w.body),
            }
            w.body.close(open);
        }
    }

    /// Reads that of a key. Whether it is stored as it would be now.
    pub fn restore(
        key: Key,
        r: &mut Reader<'_>,
        events: &Events,
        restore: &mut Restore<'_>,
    ) -> Result<(Record, bool), Damaged> {
        let mut record = Record::new(key);
        let mut is_current = events.are_current();
        for _ in 0..r.len()? {
            let number = r.small()?;
            let body = r.bytes()?;
            match restore.meaning.held(number) {
                Some(legend::Held::Runs(rule)) => record.take_runs_of(rule, body, events, restore)?,
                Some(legend::Held::Limit(rule)) => record.take_limit(rule, body, restore)?,
                Some(legend::Held::Left(place)) => {
                    is_current = false;
                    let left = &mut restore.left[place];
                    left.keys += 1;
                    left.runs += RunSet::stored_count(&mut Reader::new(body))?;
                }
                // Of something that was left out before.
                None => is_current = false,
            }
        }
        r.end()?;
        Ok((record, is_current))
    }

    fn take_runs_of(
        &mut self,
        rule: RuleId,
        body: &[u8],
        events: &Events,
        restore: &mut Restore<'_>,
    ) -> Result<(), Damaged> {
        let compiled = restore.rule(rule, &self.key)?;
        restore
            .counts
            .push((rule, RunSet::stored_count(&mut Reader::new(body))?.min(u32::MAX.into()) as usize));
        let runs = RunSet::restore(Reader::new(body), events, compiled, restore.passed)?;
        if runs.is_empty() {
            return Err(Damaged::new("there are no runs where there should be some"));
        }
        self.take(Held::Runs(RuleRuns { rule, runs, timer: Timestamp::MAX }))
    }

    fn take_limit(&mut self, rule: RuleId, body: &[u8], restore: &Restore<'_>) -> Result<(), Damaged> {
        let compiled = restore.rule(rule, &self.key)?;
        let limit =
            compiled.rule.limit.as_ref().ok_or(Damaged::new("a rule has no limit that could count"))?;
        let mut r = Reader::new(body);
        let passed = Passed::restore(limit, &mut r)?;
        r.end()?;
        self.take(Held::Passed(RulePassed { rule, passed: Box::new(passed) }))
    }

    fn take(&mut self, held: Held) -> Result<(), Damaged> {
        let place = match self.find(held.what()) {
            Ok(_) => return Err(Damaged::new("a rule holds two things of a kind for a key")),
            Err(place) => place,
        };
        self.held.insert(place, held);
        Ok(())
    }

    /// All runs, with their rules, which it does not hold any more.
    pub fn take_runs(&mut self) -> Vec<(RuleId, RunSet)> {
        let take = |held: &mut Held| match held {
            Held::Runs(held) => Some((held.rule, std::mem::take(&mut held.runs))),
            Held::Passed(_) => None,
        };
        self.held.as_mut_slice().iter_mut().filter_map(take).collect()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        matches!(self.held, List::Empty)
    }

    /// Sets timers for all that is due some time.
    pub fn schedule(&mut self, slot: Slot, restore: &Restore<'_>, timers: &mut Timers) {
        for held in self.held.as_mut_slice() {
            match held {
                Held::Runs(held) => held.schedule(slot, timers),
                Held::Passed(held) => {
                    let rule = &restore.program.compiled()[held.rule.0 as usize].rule;
                    rule.limit.iter().for_each(|limit| held.schedule(limit, slot, timers));
                }
            }
        }
    }
}
