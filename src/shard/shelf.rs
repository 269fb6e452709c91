//! Keys that leave memory where it has a limit, and come back.
//!
//! Enters: a limit that all shards share, and a shelf on which the rows are that were stored. When all take
//! more than the limit, each lets some keys go at each batch of events, those that were not needed for the
//! longest time first, and only such as are stored as they are. A key comes back when an event concerns its
//! rules or something is due for it, from its row, as after a restart: so what is decided is the same
//! whatever is in memory.
//!
//! Nothing that is about all keys needs those that are away: how many runs are alive is counted on, what has
//! changed is in memory, and so is when something is due.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::again::Again;
use super::keys::Record;
use super::keys::shelf::ReadRecord;
use super::keys::{Slot, Sought};
use super::legend::{Left, Legend, Meaning, StoredLegend};
use super::stored::prefix;
use super::{Restore, Shard};
use crate::event::{Key, Timestamp};
use crate::history::LogId;
use crate::history::stored::PastShelf;
use crate::program::Program;
use crate::stored::{Damaged, Reader, Shelf, Space};

/// About how many keys may leave at a time: more than there are events to bring others back.
const PORTION: usize = 128;
/// The keys that are away take memory too, but leave this part of it to those that are not.
const LEAST_PART: usize = 2;

/// What shards share that have a limit together.
pub struct Shelving {
    shelf: Arc<dyn Shelf>,
    /// What the numbers in rows stand for.
    meaning: Meaning,
    limit: usize,
    shards: usize,
    /// How many bytes of memory keys take in all shards, and what remains of those that are away.
    held: AtomicUsize,
    away: AtomicUsize,
    /// Up to which number of changes all is stored.
    stored: AtomicU64,
}

impl Shelving {
    /// For so many shards of a program, whose rows are stored as the legend says or as it says that they were.
    pub fn new(
        program: &Program,
        legend: &Legend,
        (limit, shards): (usize, usize),
        shelf: Arc<dyn Shelf>,
    ) -> Shelving {
        let stored = StoredLegend::restore(&mut Reader::new(legend.as_bytes()));
        let (_, meaning) = stored.expect("a legend is read as it is written").take_over(program);
        Shelving {
            shelf,
            meaning,
            limit,
            shards,
            held: AtomicUsize::new(0),
            away: AtomicUsize::new(0),
            stored: AtomicU64::new(0),
        }
    }

    /// All changes up to that number are stored.
    pub fn are_stored(&self, generation: u64) {
        self.stored.fetch_max(generation, Ordering::Release);
    }

    /// How many bytes there are for keys that are in memory.
    fn room(&self) -> usize {
        self.limit - self.away.load(Ordering::Relaxed).min(self.limit / LEAST_PART)
    }
}

impl fmt::Debug for Shelving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelving").field("limit", &self.limit).field("held", &self.held).finish()
    }
}

/// What a shard has to do with the shelf.
pub(super) struct Shelved {
    common: Arc<Shelving>,
    again: Again,
    /// Left out of what comes back is nothing: that was counted when the state was taken over.
    left: Vec<Left>,
    /// What others know of the bytes that it takes.
    said: Taken,
    /// How many keys and pasts have come back.
    brought_back: u64,
}

impl fmt::Debug for Shelved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelved").field("said", &self.said).finish()
    }
}

/// Bytes of memory that keys take, and what remains of those that are away.
#[derive(Clone, Copy, Debug, Default)]
struct Taken {
    held: usize,
    away: usize,
}

impl Shard {
    /// Keeps to the limit from now on.
    pub fn shelve(&mut self, common: Arc<Shelving>, legend: &Legend) {
        self.shelved = Some(Box::new(Shelved::new(&self.program, Arc::clone(&common))));
        self.keys.measure(legend);
        let logs = (0..self.program.logs().len() as u32).map(LogId);
        let past = PastShelf {
            shelf: Arc::clone(&common.shelf),
            prefix: prefix(self.stratum).into_bytes(),
            numbers: logs.map(|log| legend.log(log).log).collect(),
            columns: common.meaning.columns.clone(),
            columns_now: common.meaning.columns_now.clone(),
        };
        self.histories.get_mut().shelve(past);
        self.say(0);
    }

    /// How many keys and pasts are not in memory.
    pub fn cold_keys(&self) -> usize {
        self.keys.cold() + self.histories.borrow().cold()
    }

    /// How often one has been brought back.
    pub fn brought_back(&self) -> u64 {
        self.shelved.as_ref().map_or(0, |shelved| shelved.brought_back)
            + self.histories.borrow().brought_back()
    }

    /// About how many bytes keys take, and what remains of those that are away.
    pub fn held_bytes(&self) -> usize {
        let Taken { held, away } = self.taken();
        if self.shelved.is_some() { held + away } else { 0 }
    }

    fn taken(&self) -> Taken {
        let histories = self.histories.borrow();
        Taken {
            held: self.keys.bytes() + histories.bytes(),
            away: self.keys.cold_bytes() + histories.cold_bytes(),
        }
    }

    /// Tells others how many bytes it takes, with so many that are not its own yet.
    fn say(&mut self, to_come: usize) {
        let mut now = self.taken();
        now.held += to_come;
        let Some(shelved) = &mut self.shelved else { return };
        let Taken { held, away } = std::mem::replace(&mut shelved.said, now);
        for (total, before, now) in
            [(&shelved.common.held, held, now.held), (&shelved.common.away, away, now.away)]
        {
            if before != now {
                // Wraps around where it has become less.
                total.fetch_add(now.wrapping_sub(before), Ordering::Relaxed);
            }
        }
    }

    /// Whether all shards together take more than they may, and this one, with so many bytes that are not its
    /// own yet, not much less than others.
    pub(super) fn takes_too_much_with(&mut self, to_come: usize) -> bool {
        if self.shelved.is_none() {
            return false;
        }
        self.say(to_come);
        let Some(shelved) = &self.shelved else { return false };
        let room = shelved.common.room();
        let own = shelved.said.held;
        shelved.common.held.load(Ordering::Relaxed) > room && own > room / (2 * shelved.common.shards)
    }

    /// Lets some keys leave memory if there are too many. Nothing may be in hand.
    pub(super) fn make_room(&mut self) {
        let Some(shelved) = &self.shelved else { return };
        if self.under_way > 0 && shelved.common.stored.load(Ordering::Acquire) >= self.under_way {
            self.under_way = 0;
            self.keys.all_stored();
            self.histories.get_mut().all_stored();
        }
        if self.takes_too_much_with(0) {
            self.keys.put_away(PORTION, &self.program, &mut self.timers);
            self.histories.get_mut().put_away(PORTION, self.program.logs());
        }
    }

    /// The record of a key, which is brought back if it is not in memory, when all times before `now` have
    /// passed.
    pub(super) fn find(&mut self, key: &Sought<'_>, now: Timestamp) -> Option<Slot> {
        let found = self.keys.find(key);
        if found.is_some() || self.keys.cold() == 0 {
            return found;
        }
        let cold = self.keys.find_cold(key)?;
        self.bring_back(cold, now)
    }

    /// Brings a key back, when all times before `now` have passed. Its slot; none if nothing is left of it.
    pub(super) fn bring_back(&mut self, cold: Slot, now: Timestamp) -> Option<Slot> {
        let key = self.keys.cold_key(cold)?;
        let Shard { keys, timers, live, .. } = self;
        let shelved = self.shelved.as_mut().expect("keys are away only where there is a shelf");
        let program = &self.program;
        let read = shelved.read(program, self.stratum, key, now, |key, value, restore| {
            let slot = keys.bring_back(cold, key, value, restore, timers)?;
            for (rule, before) in &restore.counts {
                let now = slot.and_then(|slot| keys.runs(slot, *rule)).map_or(0, |runs| runs.len());
                live.change(*rule, &program.compiled()[rule.0 as usize], *before, now);
            }
            Ok(slot)
        });
        shelved.brought_back += 1;
        read
    }

    /// Gives the records of some keys that are away, without bringing them back.
    pub(super) fn look_at_cold(
        &self,
        slots: impl Iterator<Item = Slot>,
        mut give: impl FnMut(Slot, &Record),
    ) {
        let Some(shelved) = &self.shelved else { return };
        // Nothing may be counted of what is only looked at.
        let mut other = Shelved::new(&self.program, Arc::clone(&shelved.common));
        for slot in slots {
            let Some(key) = self.keys.cold_key(slot) else { continue };
            other.read(&self.program, self.stratum, key, self.passed, |key, value, restore| {
                give(slot, &ReadRecord::read(key, Reader::new(value), restore)?.record);
                Ok(())
            });
        }
    }
}

impl Shelved {
    fn new(program: &Arc<Program>, common: Arc<Shelving>) -> Shelved {
        let (again, left) = (Again::new(Arc::clone(program)), common.meaning.left.clone());
        Shelved { common, again, left, said: Taken::default(), brought_back: 0 }
    }

    /// Reads the row of a key.
    ///
    /// # Panics
    /// When there is none, or it is damaged: what the rules have seen of the key cannot be known any more.
    fn read<T>(
        &mut self,
        program: &Program,
        stratum: usize,
        key: Key,
        passed: Timestamp,
        take: impl FnOnce(Key, &[u8], &mut Restore<'_>) -> Result<T, Damaged>,
    ) -> T {
        let mut row = prefix(stratum);
        key.write(&mut row);
        let group = key.group().0;
        let again = &self.again;
        let mut restore = Restore {
            program,
            meaning: &self.common.meaning,
            again: &|stream, raw| again.read(stream, raw),
            passed,
            latest: Timestamp::MAX,
            stratum,
            left: &mut self.left,
            counts: Vec::new(),
        };
        let value = self.common.shelf.row(Space::Runs, group, row.as_slice());
        let value = value.unwrap_or_else(|| panic!("the stored state of the key {key} cannot be read"));
        let taken = take(key.clone(), &value, &mut restore);
        taken.unwrap_or_else(|damaged| panic!("the stored state of the key {key} is damaged: {damaged}"))
    }
}
