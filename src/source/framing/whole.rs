//! Datagrams, each of which is a record: what they hold between their first and last byte belongs
//! together, line ends too. One line end behind it is none of the record.
//!
//! The bytes are held until [`Frames::last`] says that the datagram is whole, so that this is nothing
//! for bytes without an end.

use super::buffer::Buffer;
use super::terminated::is_blank;
use super::{Cut, Frame, Frames, Part};

/// Takes datagrams.
#[derive(Debug)]
pub struct Whole {
    buffer: Buffer,
    /// Number of the datagram that comes next.
    number: u64,
    max_record: usize,
}

impl Whole {
    /// A cutter for datagrams of at most `max_record` bytes.
    pub fn new(max_record: usize) -> Whole {
        Whole { buffer: Buffer::new(), number: 1, max_record }
    }
}

impl Frames for Whole {
    fn space(&mut self) -> &mut [u8] {
        self.buffer.space()
    }

    fn filled(&mut self, count: usize) {
        self.buffer.filled(count);
    }

    fn next(&mut self) -> Option<Frame<'_>> {
        None
    }

    fn last(&mut self) -> Option<Frame<'_>> {
        let (offset, number) = (self.buffer.offset(), self.number);
        let mut place = self.buffer.take(self.buffer.len());
        if place.is_empty() {
            return None;
        }
        self.number += 1;
        for end in [b'\n', b'\r'] {
            place.end -= usize::from(self.buffer.at(place.clone()).last() == Some(&end));
        }
        let record = self.buffer.at(place.clone());
        if is_blank(record) {
            return None;
        }
        let content = match record.len() {
            length if length > self.max_record => {
                Part::Oversized { length: length as u64, limit: self.max_record }
            }
            _ => Part::Record(place),
        };
        Some(Cut { offset, number, content }.frame(&self.buffer))
    }

    fn pending(&self) -> u64 {
        self.buffer.len() as u64
    }

    fn number(&self) -> u64 {
        self.number
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{cut, oversized, record};
    use super::*;

    #[test]
    fn a_datagram_is_a_record_whatever_it_holds() {
        let mut whole = Whole::new(5);
        assert_eq!(cut(&mut whole, b"a\nb\r\n", [2, 3]), [record(0, 1, "a\nb")]);
        assert_eq!(cut(&mut whole, b"", []), []);
        assert_eq!(cut(&mut whole, b" \r\n", [3]), []);
        assert_eq!(cut(&mut whole, b"12345\n", [6]), [record(8, 3, "12345")]);
        assert_eq!(cut(&mut whole, b"123456", [6]), [oversized(14, 4, 6, 5)]);
    }
}
