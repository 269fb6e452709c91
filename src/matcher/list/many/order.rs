//! Runs in their order, wherever they stand.
//!
//! Each run has a slot, which it keeps for as long as it lives. The slots are linked in the order of the
//! runs, so that the oldest is at hand and a copy gets its place before the run that it was made of.

use std::ops::{Index, IndexMut};

use super::super::Run;

/// The place of a run.
pub(super) type Slot = u32;

/// No slot, and no lane.
pub(super) const NONE: u32 = u32::MAX;

/// The runs.
#[derive(Clone, Debug)]
pub(super) struct Order {
    entries: Vec<Entry>,
    oldest: Slot,
    newest: Slot,
    /// The first of the slots that are free, which are linked by [`Entry::after`].
    free: Slot,
    len: usize,
}

/// A slot.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// None if the slot is free.
    run: Option<Run>,
    before: Slot,
    after: Slot,
    /// The lane in which the run stands; [`NONE`] while it is on its way.
    pub lane: u32,
    /// Its place in the lane.
    pub at: u32,
}

impl Order {
    /// Without runs, but with room for so many.
    pub fn with_room(runs: usize) -> Order {
        Order { entries: Vec::with_capacity(runs), oldest: NONE, newest: NONE, free: NONE, len: 0 }
    }

    /// How many runs there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The oldest run.
    pub fn oldest(&self) -> Option<Slot> {
        (self.oldest != NONE).then_some(self.oldest)
    }

    /// The run behind that one.
    pub fn after(&self, slot: Slot) -> Option<Slot> {
        let after = self.entries[slot as usize].after;
        (after != NONE).then_some(after)
    }

    /// The run before that one.
    pub fn before(&self, slot: Slot) -> Option<Slot> {
        let before = self.entries[slot as usize].before;
        (before != NONE).then_some(before)
    }

    /// The slots from the oldest run to the newest.
    pub fn slots(&self) -> impl Iterator<Item = Slot> {
        std::iter::successors(self.oldest(), |slot| self.after(*slot))
    }

    /// The run in a slot, if there is one.
    pub fn get(&self, slot: Slot) -> Option<&Run> {
        self.entries[slot as usize].run.as_ref()
    }

    /// Where a run stands.
    pub fn entry(&self, slot: Slot) -> &Entry {
        &self.entries[slot as usize]
    }

    /// Where a run stands, to be changed.
    pub fn entry_mut(&mut self, slot: Slot) -> &mut Entry {
        &mut self.entries[slot as usize]
    }

    /// How many slots there are.
    pub fn room(&self) -> usize {
        self.entries.len()
    }

    /// Adds a run behind all others.
    pub fn push(&mut self, run: Run) -> Slot {
        self.insert(run, NONE)
    }

    /// Adds a run before that in slot `after`, or behind all others if that is [`NONE`].
    pub fn insert(&mut self, run: Run, after: Slot) -> Slot {
        let before = match self.entries.get(after as usize) {
            Some(entry) => entry.before,
            None => self.newest,
        };
        let entry = Entry { run: Some(run), before, after, lane: NONE, at: 0 };
        let slot = self.free;
        let slot = match self.entries.get_mut(slot as usize) {
            Some(place) => {
                self.free = place.after;
                *place = entry;
                slot
            }
            None => {
                if self.entries.len() == self.entries.capacity() {
                    self.entries.reserve_exact(self.entries.len() / 4 + 1);
                }
                self.entries.push(entry);
                self.entries.len() as Slot - 1
            }
        };
        self.link(before, slot);
        self.link(slot, after);
        self.len += 1;
        slot
    }

    /// Takes a run out.
    pub fn remove(&mut self, slot: Slot) -> Run {
        let free = self.free;
        let entry = self.entry_mut(slot);
        let run = entry.run.take().expect("there is a run in the slot");
        let (before, after) = (entry.before, std::mem::replace(&mut entry.after, free));
        self.free = slot;
        self.link(before, after);
        self.len -= 1;
        run
    }

    fn link(&mut self, before: Slot, after: Slot) {
        match self.entries.get_mut(before as usize) {
            Some(entry) => entry.after = after,
            None => self.oldest = after,
        }
        match self.entries.get_mut(after as usize) {
            Some(entry) => entry.before = before,
            None => self.newest = before,
        }
    }
}

impl Index<usize> for Order {
    type Output = Run;

    fn index(&self, slot: usize) -> &Run {
        self.entries[slot].run.as_ref().expect("there is a run in the slot")
    }
}

impl IndexMut<usize> for Order {
    fn index_mut(&mut self, slot: usize) -> &mut Run {
        self.entries[slot].run.as_mut().expect("there is a run in the slot")
    }
}
