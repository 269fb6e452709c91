//! Framing: cuts the bytes of a partition into records.
//!
//! Enters: bytes, in pieces of any size. Leaves: frames, each with the offset of its first byte, its
//! number and its record, or why it has none. One file a framing, all of the same shape.
//!
//! - How the bytes were cut into reads changes nothing: the same bytes give the same frames.
//! - Held in memory: at most one record of the largest size and one read. What is longer is passed
//!   over without being held; the memory of a long record is given back.
//! - Nothing but empty records is left out without being reported.

pub mod blocks;
mod buffer;
pub mod csv;
pub mod length;
pub mod lines;
pub mod octets;
mod terminated;
#[cfg(test)]
mod tests;
pub mod whole;

use std::ops::Range;

use buffer::Buffer;

/// Cuts the bytes of one partition into frames.
pub trait Frames: Send {
    /// Space for the next read; never empty. Call [`Frames::filled`] with how much was read. All
    /// frames of the last read should have been taken, or the memory grows.
    fn space(&mut self) -> &mut [u8];

    /// The first `count` bytes of the last [`Frames::space`] now hold data.
    ///
    /// # Panics
    /// When the space was smaller.
    fn filled(&mut self, count: usize);

    /// The next whole frame, if one has arrived.
    fn next(&mut self) -> Option<Frame<'_>>;

    /// The bytes have ended, once [`Frames::next`] gives none: what is left. More bytes may follow
    /// (those of the next datagram); they begin a new frame.
    fn last(&mut self) -> Option<Frame<'_>>;

    /// How many bytes of a frame that is not whole yet have arrived.
    fn pending(&self) -> u64;

    /// The number of the frame that begins where [`Frames::pending`] does.
    fn number(&self) -> u64;
}

/// A frame and where it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Offset of its first byte, in the partition.
    pub offset: u64,
    /// Where people find it: the line on which it begins where records are text, otherwise its
    /// number. From 1.
    pub number: u64,
    /// What it holds.
    pub content: Content<'a>,
}

/// What a frame holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// A record. The last one of a partition may be cut off, where only its end would tell.
    Record(&'a [u8]),
    /// No bytes, only what is beside the record: see [`crate::codec::beside`].
    Absent,
    /// A record longer than allowed; it is passed over.
    Oversized {
        /// Its length in bytes.
        length: u64,
        /// The limit in bytes.
        limit: usize,
    },
    /// The bytes ended in the middle of a record.
    Incomplete {
        /// What there is of it.
        bytes: &'a [u8],
        /// What is missing.
        why: String,
    },
    /// Where a record should begin stands something else.
    Broken {
        /// The bytes that are passed over, or the first of them.
        bytes: &'a [u8],
        /// What is wrong.
        why: String,
    },
}

/// How the records of a source are told from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// A record a line: [`lines`].
    Lines,
    /// Records of CSV, of which quoted fields may hold line ends: [`csv`].
    Csv {
        /// What stands between two fields.
        delimiter: u8,
    },
    /// Messages behind their length in digits, as syslog over TCP: [`octets`].
    OctetCounting,
    /// Records behind their length in four bytes: [`length`].
    LengthPrefixed,
    /// A record a datagram: [`whole`].
    Datagram,
}

impl Framing {
    /// A cutter for the bytes of one partition, from its beginning, in which a record has at most
    /// `max_record` bytes.
    pub fn frames(self, max_record: usize) -> Box<dyn Frames> {
        match self {
            Framing::Lines => Box::new(lines::Lines::new(max_record)),
            Framing::Csv { delimiter } => Box::new(csv::CsvRecords::new(delimiter, max_record)),
            Framing::OctetCounting => Box::new(octets::OctetCounted::new(max_record)),
            Framing::LengthPrefixed => Box::new(length::LengthPrefixed::new(max_record)),
            Framing::Datagram => Box::new(whole::Whole::new(max_record)),
        }
    }

    /// The bytes by which a record is sent, for a cutter to find.
    pub fn wire(self, record: &[u8]) -> Vec<u8> {
        match self {
            Framing::Lines | Framing::Csv { .. } => [record, b"\n"].concat(),
            Framing::OctetCounting => [format!("{} ", record.len()).as_bytes(), record].concat(),
            Framing::LengthPrefixed => {
                // No record that was read so is longer than its length could say.
                let length = u32::try_from(record.len()).unwrap_or(u32::MAX);
                [&length.to_be_bytes(), record].concat()
            }
            Framing::Datagram => record.to_vec(),
        }
    }
}

/// A frame that is to be lent out: with places in the buffer instead of bytes, because the borrow
/// checker does not let a loop return a borrow that it may go on without.
struct Cut {
    offset: u64,
    number: u64,
    content: Part,
}

enum Part {
    Record(Range<usize>),
    Oversized { length: u64, limit: usize },
    Incomplete { bytes: Range<usize>, why: String },
    Broken { bytes: Range<usize>, why: String },
}

impl Cut {
    fn frame(self, buffer: &Buffer) -> Frame<'_> {
        let content = match self.content {
            Part::Record(range) => Content::Record(buffer.at(range)),
            Part::Oversized { length, limit } => Content::Oversized { length, limit },
            Part::Incomplete { bytes, why } => Content::Incomplete { bytes: buffer.at(bytes), why },
            Part::Broken { bytes, why } => Content::Broken { bytes: buffer.at(bytes), why },
        };
        Frame { offset: self.offset, number: self.number, content }
    }
}
