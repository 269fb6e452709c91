//! The entries of a ring, in their order.
//!
//! Most keys have one run that has taken one event, and there are millions of keys: a single entry is held
//! in place.

use std::collections::VecDeque;
use std::ops::Index;

use super::ring::Entry;

/// Entries, the oldest first.
#[derive(Clone, Debug)]
#[expect(clippy::box_collection, reason = "with the queue itself in place, one entry would take more room")]
pub(super) enum Entries {
    One(Entry),
    /// Any number of them; without room for any until one comes.
    Other(Option<Box<VecDeque<Entry>>>),
}

impl Default for Entries {
    fn default() -> Entries {
        Entries::Other(None)
    }
}

impl Entries {
    /// None, with room for so many.
    pub fn with_room(room: usize) -> Entries {
        Entries::Other((room > 1).then(|| Box::new(VecDeque::with_capacity(room))))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Entries::One(_) => 1,
            Entries::Other(None) => 0,
            Entries::Other(Some(entries)) => entries.len(),
        }
    }

    /// The oldest.
    pub fn front(&self) -> Option<&Entry> {
        match self {
            Entries::One(entry) => Some(entry),
            Entries::Other(entries) => entries.as_ref()?.front(),
        }
    }

    /// Those with their places, the oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (usize, &Entry)> + ExactSizeIterator {
        (0..self.len()).map(|place| (place, &self[place]))
    }

    /// Adds one.
    pub fn push_back(&mut self, entry: Entry) {
        if let Entries::Other(Some(entries)) = self {
            entries.push_back(entry);
            return;
        }
        *self = match self.pop_front() {
            None => Entries::One(entry),
            Some(first) => Entries::Other(Some(Box::new(VecDeque::from([first, entry])))),
        };
    }

    /// Takes out the oldest.
    pub fn pop_front(&mut self) -> Option<Entry> {
        match self {
            Entries::Other(entries) => entries.as_mut()?.pop_front(),
            Entries::One(_) => match std::mem::take(self) {
                Entries::One(entry) => Some(entry),
                Entries::Other(_) => None,
            },
        }
    }

    /// Takes out all. Keeps room for so many at most.
    pub fn clear(&mut self, room: usize) {
        match self {
            Entries::Other(Some(entries)) if entries.capacity() <= room => entries.clear(),
            _ => *self = Entries::default(),
        }
    }
}

impl Index<usize> for Entries {
    type Output = Entry;

    fn index(&self, place: usize) -> &Entry {
        match self {
            Entries::One(entry) => &std::slice::from_ref(entry)[place],
            Entries::Other(Some(entries)) => &entries[place],
            Entries::Other(None) => unreachable!("who knows a place has an entry"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_entry_takes_no_room_elsewhere() {
        assert_eq!(size_of::<Entries>(), size_of::<Entry>());
    }
}
