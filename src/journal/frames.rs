//! Entries in memory, in the form in which they are written.

use super::{Entry, format};

/// What memory is kept for, when nothing waits.
const KEPT: usize = 1 << 20;

/// Entries that wait to be written, with numbers without a gap.
#[derive(Debug, Default)]
pub struct Frames {
    bytes: Vec<u8>,
    /// How many of the bytes have been written.
    done: usize,
    /// The number of the first entry that has not.
    first: u64,
    /// How many entries have not.
    count: u64,
}

/// The first of them, as many as fit.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// The frames.
    pub bytes: &'a [u8],
    /// How many they are.
    pub count: u64,
}

impl Frames {
    /// Appends an entry, whose number follows that of the one before.
    pub fn push(&mut self, number: u64, entry: &Entry<'_>) {
        if self.count == 0 {
            self.first = number;
        }
        debug_assert_eq!(number, self.first + self.count, "numbers have no gap");
        format::push_entry(&mut self.bytes, number, entry);
        self.count += 1;
    }

    /// How many bytes wait.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.done
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many entries wait.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The number of the first entry that waits.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// Whole entries from the front that take no more than `room` bytes, but the first in any case.
    pub fn part(&self, room: usize) -> Part<'_> {
        let rest = &self.bytes[self.done..];
        if rest.len() <= room {
            return Part { bytes: rest, count: self.count };
        }
        let (mut end, mut count) = (0, 0);
        while let Some(length) = format::length(&rest[end..])
            && (count == 0 || end + length <= room)
        {
            end += length;
            count += 1;
        }
        Part { bytes: &rest[..end], count }
    }

    /// Forgets entries from the front, which have been written.
    pub fn written(&mut self, bytes: usize, count: u64) {
        self.done += bytes;
        self.first += count;
        self.count -= count;
        if self.is_empty() {
            self.bytes.clear();
            self.bytes.shrink_to(KEPT);
            self.done = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Timestamp;

    #[test]
    fn entries_are_cut_only_between_each_other() {
        let mut frames = Frames::default();
        let entry =
            Entry { stream: "s", partition: 0, offset: 0, arrival: Timestamp::MIN, record: b"record" };
        let size = format::size(&entry);
        (5..9).for_each(|number| frames.push(number, &entry));
        for (room, count) in [(0, 1), (size, 1), (2 * size - 1, 1), (2 * size, 2), (9 * size, 4)] {
            let part = frames.part(room);
            assert_eq!((part.bytes.len(), part.count), (size * count, count as u64), "{room}");
        }
        frames.written(size, 1);
        assert_eq!((frames.first(), frames.count(), frames.len()), (6, 3, 3 * size));
        frames.written(3 * size, 3);
        assert!(frames.is_empty() && frames.part(0).bytes.is_empty());
        frames.push(20, &entry);
        assert_eq!((frames.first(), frames.part(0).bytes.len()), (20, size));
    }
}
