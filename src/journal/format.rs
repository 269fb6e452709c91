//! The bytes of a segment, format 1. Numbers are little-endian.
//!
//! ```text
//! head   magic "tripjrnl" | version u32 | crc u32 | sequence u64 | first u64 | previous u64 | salt u64
//! frame  length u32 | crc u32 | kind u8 | body          the length counts kind and body
//! entry  kind 1: number u64 | partition u32 | offset u64 | arrival i64 | name length u16 | name | record
//! mark   kind 2: salt u64 | place u64
//! ```
//!
//! `first` is the number of the first entry, `previous` that of the last entry that counts in the
//! segments before. Entries in them with a later number were never reported as durable and were written
//! again here.
//!
//! A mark says its own place in the file, and that everything before it is on the disk. A segment gets
//! its name only with its first entries, behind which the first mark stands; every further block begins
//! with one. So what breaks before a mark is damage, and what breaks behind the last one may be a write
//! that a crash has cut short. The salt is a number of the segment
//! that nobody outside knows: marks are found by it behind a broken place, and no record can pass for
//! one.

use crc32fast::Hasher;

use crate::event::Timestamp;

use super::Entry;

/// How every segment begins.
pub const MAGIC: [u8; 8] = *b"tripjrnl";
/// The format that this program writes, and the only one that it reads.
pub const VERSION: u32 = 1;
/// The bytes of a head.
pub const HEAD: usize = 48;
/// The bytes of a frame before its kind.
const PREFIX: usize = 8;
/// The bytes of a mark.
pub const MARK: usize = PREFIX + 1 + 16;
/// Where the salt lies in a mark.
pub const SALT_IN_MARK: usize = PREFIX + 1;
/// The bytes of an entry without name and record.
const ENTRY: usize = PREFIX + 1 + 8 + 4 + 8 + 8 + 2;
/// No frame is longer than that.
pub const LONGEST: usize = 64 << 20;

const KIND_ENTRY: u8 = 1;
const KIND_MARK: u8 = 2;

/// How a segment begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its place among the segments, which is also in its name.
    pub sequence: u64,
    /// The number of its first entry.
    pub first: u64,
    /// The number of the last entry before that counts; 0 if there is none.
    pub previous: u64,
    /// Tells its marks from everything else.
    pub salt: u64,
}

/// Why some bytes are no head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoHead {
    /// It is not one of ours.
    Foreign,
    /// It has a format that this program does not know.
    Version(u32),
    /// It was one.
    Damaged,
}

impl Head {
    /// Its bytes.
    pub fn encode(&self) -> [u8; HEAD] {
        let mut bytes = [0; HEAD];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        for (index, number) in [self.sequence, self.first, self.previous, self.salt].into_iter().enumerate() {
            bytes[16 + 8 * index..][..8].copy_from_slice(&number.to_le_bytes());
        }
        let crc = head_crc(&bytes);
        bytes[12..16].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// The head at the beginning of a file, of which these are the first bytes.
    pub fn decode(bytes: &[u8]) -> Result<Head, NoHead> {
        let Some((magic, rest)) = bytes.split_at_checked(8) else { return Err(NoHead::Foreign) };
        if magic != MAGIC {
            return Err(NoHead::Foreign);
        }
        let mut numbers = Numbers(rest);
        let version = numbers.u32().ok_or(NoHead::Damaged)?;
        if version != VERSION {
            return Err(NoHead::Version(version));
        }
        let head: &[u8; HEAD] = bytes.first_chunk().ok_or(NoHead::Damaged)?;
        if numbers.u32() != Some(head_crc(head)) {
            return Err(NoHead::Damaged);
        }
        let mut number = || numbers.u64().ok_or(NoHead::Damaged);
        Ok(Head { sequence: number()?, first: number()?, previous: number()?, salt: number()? })
    }
}

/// Over all but the place where it stands itself.
fn head_crc(head: &[u8; HEAD]) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(&head[..12]);
    hasher.update(&head[16..]);
    hasher.finalize()
}

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// An entry with its number.
    Entry(u64, Entry<'a>),
    /// A mark, with the salt and the place that it says.
    Mark(u64, u64),
}

/// How many bytes an entry takes.
pub fn size(entry: &Entry<'_>) -> usize {
    ENTRY + entry.stream.len() + entry.record.len()
}

/// Whether an entry can be written at all: the name of its stream is short enough.
pub fn has_name_for(entry: &Entry<'_>) -> bool {
    u16::try_from(entry.stream.len()).is_ok()
}

/// Appends an entry.
///
/// # Panics
/// When it is longer than [`LONGEST`] or its name too long: the caller has checked both.
pub fn push_entry(bytes: &mut Vec<u8>, number: u64, entry: &Entry<'_>) {
    let name = u16::try_from(entry.stream.len()).expect("the name has been checked");
    push_frame(bytes, KIND_ENTRY, |bytes| {
        bytes.extend_from_slice(&number.to_le_bytes());
        bytes.extend_from_slice(&entry.partition.to_le_bytes());
        bytes.extend_from_slice(&entry.offset.to_le_bytes());
        bytes.extend_from_slice(&entry.arrival.as_micros().to_le_bytes());
        bytes.extend_from_slice(&name.to_le_bytes());
        bytes.extend_from_slice(entry.stream.as_bytes());
        bytes.extend_from_slice(entry.record);
    });
}

/// A mark for that place.
pub fn mark(salt: u64, place: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(MARK);
    push_frame(&mut bytes, KIND_MARK, |bytes| {
        bytes.extend_from_slice(&salt.to_le_bytes());
        bytes.extend_from_slice(&place.to_le_bytes());
    });
    bytes
}

fn push_frame(bytes: &mut Vec<u8>, kind: u8, body: impl FnOnce(&mut Vec<u8>)) {
    let start = bytes.len();
    bytes.extend_from_slice(&[0; PREFIX]);
    bytes.push(kind);
    body(bytes);
    let length = u32::try_from(bytes.len() - start - PREFIX).expect("the length has been checked");
    bytes[start..start + 4].copy_from_slice(&length.to_le_bytes());
    let crc = frame_crc(length, &bytes[start + PREFIX..]);
    bytes[start + 4..start + PREFIX].copy_from_slice(&crc.to_le_bytes());
}

fn frame_crc(length: u32, content: &[u8]) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(&length.to_le_bytes());
    hasher.update(content);
    hasher.finalize()
}

/// How many bytes the frame has that begins with these; `None` when they are too few to say, or it
/// would be longer than a frame can be.
pub fn length(bytes: &[u8]) -> Option<usize> {
    let length = Numbers(bytes).u32()? as usize;
    (1..=LONGEST - PREFIX).contains(&length).then_some(PREFIX + length)
}

/// The frame that these bytes are; `None` when they are none.
pub fn frame(bytes: &[u8]) -> Option<Frame<'_>> {
    let mut numbers = Numbers(bytes);
    let length = numbers.u32()?;
    let crc = numbers.u32()?;
    let content = numbers.0;
    let is_whole = content.len() == length as usize && crc == frame_crc(length, content);
    if is_whole { decode(bytes) } else { None }
}

/// The same for bytes whose checksum has been looked at.
pub fn decode(bytes: &[u8]) -> Option<Frame<'_>> {
    let (kind, body) = bytes.get(PREFIX..)?.split_first()?;
    let mut numbers = Numbers(body);
    match *kind {
        KIND_ENTRY => numbers.entry(),
        KIND_MARK => Some(Frame::Mark(numbers.u64()?, numbers.u64()?)),
        _ => None,
    }
}

/// Takes numbers from the front of some bytes.
struct Numbers<'a>(&'a [u8]);

impl<'a> Numbers<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn entry(&mut self) -> Option<Frame<'a>> {
        let (number, partition, offset) = (self.u64()?, self.u32()?, self.u64()?);
        let arrival = Timestamp::from_micros(self.take().map(i64::from_le_bytes)?);
        let name = self.take().map(u16::from_le_bytes)?;
        let (stream, record) = self.0.split_at_checked(usize::from(name))?;
        let stream = std::str::from_utf8(stream).ok()?;
        Some(Frame::Entry(number, Entry { stream, partition, offset, arrival, record }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry<'static> {
        let arrival = Timestamp::from_micros(-5);
        Entry { stream: "payments", partition: 7, offset: u64::MAX, arrival, record: b"{\"a\": 1}" }
    }

    #[test]
    fn what_is_written_can_be_read() {
        let head = Head { sequence: 3, first: 21, previous: 20, salt: 99 };
        assert_eq!(Head::decode(&head.encode()), Ok(head));
        let mut bytes = Vec::new();
        push_entry(&mut bytes, 21, &entry());
        assert_eq!(bytes.len(), size(&entry()));
        assert_eq!(length(&bytes), Some(bytes.len()));
        assert_eq!(frame(&bytes), Some(Frame::Entry(21, entry())));
        let bytes = mark(99, 48);
        assert_eq!((bytes.len(), length(&bytes)), (MARK, Some(MARK)));
        assert_eq!(frame(&bytes), Some(Frame::Mark(99, 48)));
        assert_eq!(bytes[SALT_IN_MARK..][..8], 99_u64.to_le_bytes());
    }

    #[test]
    fn a_changed_bit_anywhere_is_noticed() {
        let head = Head { sequence: 3, first: 21, previous: 20, salt: 99 }.encode();
        for bit in 0..8 * head.len() {
            let mut head = head;
            head[bit / 8] ^= 1 << (bit % 8);
            assert!(Head::decode(&head).is_err(), "bit {bit}");
        }
        let mut bytes = Vec::new();
        push_entry(&mut bytes, 21, &entry());
        for bit in 0..8 * bytes.len() {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(frame(&bytes), None, "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn what_is_no_segment_is_told_from_a_newer_or_a_damaged_one() {
        let mut head = Head { sequence: 1, first: 1, previous: 0, salt: 0 }.encode();
        assert_eq!(Head::decode(&[]), Err(NoHead::Foreign));
        assert_eq!(Head::decode(b"{\"a\": 1, \"b\": 2}"), Err(NoHead::Foreign));
        assert_eq!(Head::decode(&head[..HEAD - 1]), Err(NoHead::Damaged));
        head[8] = 2;
        assert_eq!(Head::decode(&head), Err(NoHead::Version(2)));
        assert_eq!(length(&[0; 100]), None);
        assert_eq!(length(&[255; 100]), None);
        assert_eq!(frame(&[0; 100]), None);
    }
}
