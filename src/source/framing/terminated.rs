//! What the framings share whose records end with a line feed: the limit.

use std::ops::Range;

use memchr::{memchr, memrchr};

use super::Part;
use super::buffer::Buffer;

/// Takes records from a buffer. One that grows past the limit is passed over as it comes.
#[derive(Debug)]
pub(super) struct Terminated {
    max_record: usize,
    /// So many of the first bytes held have been looked at: the record does not end in them.
    pub(super) scanned: usize,
    /// How many bytes of an oversized record have been passed over.
    passed: Option<u64>,
}

/// What was taken.
pub(super) struct Taken {
    /// Offset of its first byte in the partition.
    pub(super) offset: u64,
    /// `None` when it is nothing but white space.
    pub(super) content: Option<Part>,
}

impl Terminated {
    pub(super) fn new(max_record: usize) -> Terminated {
        Terminated { max_record, scanned: 0, passed: None }
    }

    /// The place of the first line feed held.
    pub(super) fn find_feed(&mut self, buffer: &Buffer) -> Option<usize> {
        let held = buffer.held();
        let found = memchr(b'\n', &held[self.scanned..]).map(|place| self.scanned + place);
        self.scanned = found.unwrap_or(held.len());
        found
    }

    /// The place of the last line feed held.
    pub(super) fn find_last_feed(&mut self, buffer: &Buffer) -> Option<usize> {
        let held = buffer.held();
        let found = memrchr(b'\n', &held[self.scanned..]).map(|place| self.scanned + place);
        if found.is_none() {
            self.scanned = held.len();
        }
        found
    }

    /// Leaves what is known of the record that the bytes held begin with to someone else, who has these
    /// bytes up to a line feed. None is among the `held` bytes behind that.
    pub(super) fn hand_over(&mut self, held: usize) -> Terminated {
        let next = Terminated { scanned: held, ..Terminated::new(self.max_record) };
        std::mem::replace(self, next)
    }

    /// Takes a record of `length` bytes, and after it the `end` bytes of its end. A carriage return
    /// belongs to the end, too.
    pub(super) fn take(&mut self, buffer: &mut Buffer, length: usize, end: usize) -> Taken {
        let passed = self.passed.take();
        self.scanned = 0;
        let offset = buffer.offset() - passed.unwrap_or(0);
        let taken = buffer.take(length + end);
        let record = without_return(buffer, taken.start..taken.end - end);
        let length = passed.unwrap_or(0) + record.len() as u64;
        let content = if passed.is_some() || record.len() > self.max_record {
            Some(Part::Oversized { length, limit: self.max_record })
        } else {
            (!is_blank(buffer.at(record.clone()))).then_some(Part::Record(record))
        };
        Taken { offset, content }
    }

    /// The bytes have ended: takes what is held; `None` when there is nothing.
    pub(super) fn take_last(&mut self, buffer: &mut Buffer) -> Option<Taken> {
        (self.pending(buffer) > 0).then(|| self.take(buffer, buffer.len(), 0))
    }

    /// The record does not end in what is held: passes that over if it is too long.
    pub(super) fn pass_over_if_too_long(&mut self, buffer: &mut Buffer) {
        // A carriage return may yet belong to the end.
        let record = without_return(buffer, buffer.place());
        if self.passed.is_some() || record.len() > self.max_record {
            self.passed = Some(self.passed.unwrap_or(0) + record.len() as u64);
            buffer.take(record.len());
            self.scanned = buffer.len();
        }
    }

    /// How many bytes of a record that has not ended have arrived.
    pub(super) fn pending(&self, buffer: &Buffer) -> u64 {
        buffer.len() as u64 + self.passed.unwrap_or(0)
    }
}

/// The place of a record without the carriage return that it may end in.
fn without_return(buffer: &Buffer, mut record: Range<usize>) -> Range<usize> {
    if buffer.at(record.clone()).last() == Some(&b'\r') {
        record.end -= 1;
    }
    record
}

/// Whether a record is nothing but white space.
pub(super) fn is_blank(record: &[u8]) -> bool {
    // Its first byte mostly decides.
    record.first().is_none_or(u8::is_ascii_whitespace) && record.trim_ascii().is_empty()
}
