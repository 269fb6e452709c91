//! Where the record of a key is, by the hash of the key.

use hashbrown::HashTable;

use super::records::Slot;

/// The slots of records by the hashes of their keys.
///
/// Cut into many tables by the highest bits of the hash: a table that grows puts all that it has in new
/// places, which would take half a second for ten million keys at once.
#[derive(Debug)]
pub(super) struct Index {
    parts: Vec<HashTable<Entry>>,
    len: usize,
}

/// How many bits of the hash choose the table.
const PART_BITS: u32 = 8;
/// A table is made smaller when less than one in so many of its places is in use…
const SPARSE: usize = 8;
/// …and has more than so many.
const SMALL: usize = 64;

/// Where the record of a key is. With the hash, so that a table can grow without a look at records.
#[derive(Clone, Copy, Debug)]
struct Entry {
    hash: u32,
    slot: Slot,
}

impl Entry {
    fn spread(&self) -> u64 {
        spread(self.hash)
    }
}

/// A hash as a table wants it, which takes the place from the lowest bits and seven more from the
/// highest: those must not be the ones that have chosen the table.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

impl Default for Index {
    fn default() -> Index {
        Index { parts: vec![HashTable::new(); 1 << PART_BITS], len: 0 }
    }
}

impl Index {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    fn part(&self, hash: u32) -> &HashTable<Entry> {
        &self.parts[(hash >> (u32::BITS - PART_BITS)) as usize]
    }

    fn part_mut(&mut self, hash: u32) -> &mut HashTable<Entry> {
        &mut self.parts[(hash >> (u32::BITS - PART_BITS)) as usize]
    }

    /// The slot with that hash that is the one.
    pub fn find(&self, hash: u32, is_it: impl Fn(Slot) -> bool) -> Option<Slot> {
        let entry = self.part(hash).find(spread(hash), |entry| entry.hash == hash && is_it(entry.slot));
        entry.map(|entry| entry.slot)
    }

    /// Adds a slot.
    pub fn insert(&mut self, hash: u32, slot: Slot) {
        self.len += 1;
        self.part_mut(hash).insert_unique(spread(hash), Entry { hash, slot }, Entry::spread);
    }

    /// Puts another slot in the place of one.
    pub fn replace(&mut self, hash: u32, slot: Slot, other: Slot) {
        let found = self.part_mut(hash).find_mut(spread(hash), |entry| entry.slot == slot);
        found.expect("the slot was added with that hash").slot = other;
    }

    /// Takes a slot out.
    pub fn remove(&mut self, hash: u32, slot: Slot) {
        let part = self.part_mut(hash);
        let Ok(entry) = part.find_entry(spread(hash), |entry| entry.slot == slot) else { return };
        entry.remove();
        if part.capacity() > SMALL && part.len() < part.capacity() / SPARSE {
            part.shrink_to(2 * part.len(), Entry::spread);
        }
        self.len -= 1;
    }
}
