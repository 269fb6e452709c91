//! The bytes that have been read and not yet cut.

use std::ops::Range;

/// The first read of a partition; a silent connection holds no more than this.
const SMALLEST_READ: usize = 8 << 10;
/// Reads grow up to this while each fills its space: more would not stay near until it is decoded.
pub(super) const LARGEST_READ: usize = 64 << 10;

/// Takes bytes at its end and gives them out at its front. It grows by a read at a time, as long as
/// nothing is taken from it: who cuts it has to bound that.
#[derive(Debug)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    /// The bytes not yet taken are `bytes[start..end]`.
    start: usize,
    end: usize,
    /// Offset in the partition of `bytes[start]`.
    offset: u64,
    /// How much is read at once: now, and at most.
    read: usize,
    largest_read: usize,
}

impl Buffer {
    pub(super) fn new() -> Buffer {
        Buffer { read: SMALLEST_READ, ..Buffer::of_reads(LARGEST_READ) }
    }

    /// A buffer for reads of always so many bytes.
    pub(super) fn of_reads(size: usize) -> Buffer {
        Buffer { bytes: Vec::new(), start: 0, end: 0, offset: 0, read: size, largest_read: size }
    }

    /// Keeps the first `count` of the bytes held, and gives a buffer that goes on with the others in the
    /// memory of another.
    pub(super) fn split_off(&mut self, count: usize, mut memory: Vec<u8>) -> Buffer {
        let rest = self.start + count..self.end;
        if memory.len() < rest.len() {
            memory.resize(rest.len(), 0);
        }
        memory[..rest.len()].copy_from_slice(&self.bytes[rest.clone()]);
        self.end = rest.start;
        let offset = self.offset + count as u64;
        let (read, largest_read) = (self.read, self.largest_read);
        Buffer { bytes: memory, start: 0, end: rest.len(), offset, read, largest_read }
    }

    /// Its memory, for another to use.
    pub(super) fn into_memory(self) -> Vec<u8> {
        self.bytes
    }

    /// See [`super::Frames::space`].
    pub(super) fn space(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let wanted = self.end + self.read;
        if self.bytes.len() < wanted {
            self.bytes.resize(wanted, 0);
        } else if self.bytes.len() > wanted + 4 * LARGEST_READ {
            // A long record has gone: one such record must not cost its memory for ever.
            self.bytes.truncate(wanted);
            self.bytes.shrink_to_fit();
        }
        &mut self.bytes[self.end..]
    }

    /// See [`super::Frames::filled`].
    pub(super) fn filled(&mut self, count: usize) {
        assert!(count <= self.bytes.len() - self.end, "more bytes read than there was space for");
        if count == self.bytes.len() - self.end {
            self.read = (self.read * 2).min(self.largest_read);
        }
        self.end += count;
    }

    /// The bytes not yet taken.
    pub(super) fn held(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// How many bytes are not yet taken.
    pub(super) fn len(&self) -> usize {
        self.end - self.start
    }

    /// Offset in the partition of the first byte not yet taken.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Takes the first `count` bytes. They stay at the place returned until [`Buffer::space`] is
    /// called.
    pub(super) fn take(&mut self, count: usize) -> Range<usize> {
        let place = self.start..self.start + count;
        assert!(place.end <= self.end, "no more is taken than there is");
        self.start = place.end;
        self.offset += count as u64;
        place
    }

    /// The place of the bytes not yet taken.
    pub(super) fn place(&self) -> Range<usize> {
        self.start..self.end
    }

    /// The bytes at a place.
    pub(super) fn at(&self, place: Range<usize>) -> &[u8] {
        &self.bytes[place]
    }

    /// How much memory it takes.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }
}
