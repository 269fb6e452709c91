//! Records behind their length: four bytes, the most significant first, then so many bytes.
//!
//! Empty records are passed over; some senders use them as a sign of life. A length larger than
//! allowed is believed: the record is reported at once and passed over. If it is text (a sender of
//! lines makes `{"id` a length of 2 GB) it is reported as what it most likely is: another framing.

use super::buffer::Buffer;
use super::{Cut, Frame, Frames, Part};

/// How many bytes a length takes.
const PREFIX: usize = 4;

/// Cuts bytes into records behind their length.
#[derive(Debug)]
pub struct LengthPrefixed {
    buffer: Buffer,
    /// Number of the record that begins where the buffer begins.
    number: u64,
    max_record: usize,
    passing: Option<Passing>,
}

/// What is being passed over.
#[derive(Debug)]
pub(super) struct Passing {
    /// How many bytes have been.
    pub(super) passed: u64,
    /// How many are still to come.
    pub(super) left: u64,
}

impl Passing {
    /// Passes over what is held of it. Returns whether that was all.
    pub(super) fn pass(&mut self, buffer: &mut Buffer) -> bool {
        let count = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        buffer.take(count);
        self.passed += count as u64;
        self.left -= count as u64;
        self.left == 0
    }
}

impl LengthPrefixed {
    /// A cutter for records of at most `max_record` bytes.
    pub fn new(max_record: usize) -> LengthPrefixed {
        LengthPrefixed { buffer: Buffer::new(), number: 1, max_record, passing: None }
    }

    fn cut(&mut self) -> Option<Cut> {
        loop {
            if let Some(passing) = &mut self.passing {
                if !passing.pass(&mut self.buffer) {
                    return None;
                }
                self.passing = None;
            }
            let prefix = *self.buffer.held().first_chunk::<PREFIX>()?;
            let length = u32::from_be_bytes(prefix);
            let fits = usize::try_from(length).ok().filter(|length| *length <= self.max_record);
            let Some(length) = fits else { return Some(self.pass_over(prefix)) };
            if self.buffer.len() - PREFIX < length {
                return None;
            }
            let offset = self.buffer.offset();
            let mut record = self.buffer.take(PREFIX + length);
            record.start += PREFIX;
            if !record.is_empty() {
                return Some(self.numbered(offset, Part::Record(record)));
            }
        }
    }

    /// The next record is longer than allowed.
    fn pass_over(&mut self, prefix: [u8; PREFIX]) -> Cut {
        let offset = self.buffer.offset();
        let bytes = self.buffer.take(PREFIX);
        let length = u64::from(u32::from_be_bytes(prefix));
        self.passing = Some(Passing { passed: PREFIX as u64, left: length });
        if prefix.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) {
            let why = format!(
                "a length of {length} bytes, which is the text `{}`; does the sender put a length before each \
                 record, as `framing = \"length_prefixed\"` says?",
                prefix.escape_ascii()
            );
            return self.numbered(offset, Part::Broken { bytes, why });
        }
        self.numbered(offset, Part::Oversized { length, limit: self.max_record })
    }

    fn cut_last(&mut self) -> Option<Cut> {
        if self.passing.take().is_some() || self.buffer.len() == 0 {
            return None;
        }
        let length = self.buffer.held().first_chunk().copied().map(u32::from_be_bytes);
        let offset = self.buffer.offset();
        let mut bytes = self.buffer.take(self.buffer.len());
        let why = match length {
            None => format!("{} of the {PREFIX} bytes of its length came", bytes.len()),
            Some(length) => {
                bytes.start += PREFIX;
                format!("it should have {length} bytes, and {} came", bytes.len())
            }
        };
        Some(self.numbered(offset, Part::Incomplete { bytes, why }))
    }

    fn numbered(&mut self, offset: u64, content: Part) -> Cut {
        let number = self.number;
        self.number += 1;
        Cut { offset, number, content }
    }
}

impl Frames for LengthPrefixed {
    fn space(&mut self) -> &mut [u8] {
        self.buffer.space()
    }

    fn filled(&mut self, count: usize) {
        self.buffer.filled(count);
    }

    fn next(&mut self) -> Option<Frame<'_>> {
        let cut = self.cut()?;
        Some(cut.frame(&self.buffer))
    }

    fn last(&mut self) -> Option<Frame<'_>> {
        let cut = self.cut_last()?;
        Some(cut.frame(&self.buffer))
    }

    fn pending(&self) -> u64 {
        self.buffer.len() as u64 + self.passing.as_ref().map_or(0, |passing| passing.passed)
    }

    fn number(&self) -> u64 {
        // One that is passed over has been reported, and has its number.
        self.number - u64::from(self.passing.is_some())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::buffer::LARGEST_READ;
    use super::super::tests::{Seen, cut, oversized, record};
    use super::*;

    fn framed(records: &[&[u8]]) -> Vec<u8> {
        let length = |record: &[u8]| u32::try_from(record.len()).expect("it is short").to_be_bytes();
        records.iter().flat_map(|record| [&length(record)[..], record].concat()).collect()
    }

    #[test]
    fn records_hold_any_bytes_and_empty_ones_are_passed_over() {
        let bytes = framed(&[b"a\nb", b"", b"\0\0\0\x01", b" "]);
        let seen = cut(&mut LengthPrefixed::new(10), &bytes, [100]);
        assert_eq!(seen, [record(0, 1, "a\nb"), record(11, 2, "\0\0\0\x01"), record(19, 3, " ")]);
    }

    #[test]
    fn a_record_longer_than_allowed_is_passed_over_and_the_next_is_read() {
        let bytes = framed(&[b"12345", b"123456", b"1"]);
        for sizes in [vec![1; 30], vec![30], vec![9, 4, 3, 20]] {
            let seen = cut(&mut LengthPrefixed::new(5), &bytes, sizes);
            assert_eq!(seen, [record(0, 1, "12345"), oversized(9, 2, 6, 5), record(19, 3, "1")]);
        }
    }

    #[test]
    fn what_is_cut_off_is_reported_with_what_there_was() {
        let whole = framed(&[b"one", b"two"]);
        let last = |count: usize| cut(&mut LengthPrefixed::new(5), &whole[..count], [100]).pop();
        let incomplete = |bytes: &[u8], why: &str| Some(Seen::Incomplete(7, 2, bytes.into(), why.into()));
        assert_eq!(last(7), Some(record(0, 1, "one")));
        assert_eq!(last(9), incomplete(b"\0\0", "2 of the 4 bytes of its length came"));
        assert_eq!(last(11), incomplete(b"", "it should have 3 bytes, and 0 came"));
        assert_eq!(last(13), incomplete(b"tw", "it should have 3 bytes, and 2 came"));
    }

    #[test]
    fn lines_instead_of_lengths_are_told_at_once_and_are_not_held() {
        let mut frames = LengthPrefixed::new(1 << 20);
        frames.space()[..8].copy_from_slice(b"{\"id\":1}");
        frames.filled(8);
        let Some(Frame { offset: 0, number: 1, content: super::super::Content::Broken { bytes, why } }) =
            frames.next()
        else {
            panic!("a length of 2 GB is none");
        };
        assert_eq!(bytes, b"{\"id");
        assert!(why.starts_with("a length of 2065852772 bytes, which is the text `{\\\"id`; does"), "{why}");
        for _ in 0..1000 {
            let count = frames.space().len();
            frames.filled(count);
            assert!(frames.next().is_none());
            assert!(frames.buffer.capacity() <= LARGEST_READ * 2);
        }
        assert!(frames.pending() > 50_000_000);
        assert!(frames.last().is_none(), "it has been reported");
        assert_eq!(frames.pending(), 0);
    }

    proptest! {
        /// However the bytes are cut into reads, what was framed comes out.
        #[test]
        fn reads_of_any_size_give_the_same_records(
            records in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..9), 0..30),
            sizes in proptest::collection::vec(1usize..40, 0..200),
        ) {
            let (mut bytes, mut expected) = (Vec::new(), Vec::new());
            for one in &records {
                let (offset, number) = (bytes.len() as u64, expected.len() as u64 + 1);
                match one.len() {
                    0 => {}
                    1..=5 => expected.push(Seen::Record(offset, number, one.clone())),
                    length => expected.push(oversized(offset, number, length as u64, 5)),
                }
                bytes.extend(framed(&[one]));
            }
            prop_assert_eq!(cut(&mut LengthPrefixed::new(5), &bytes, sizes), expected);
        }

        /// Whatever the bytes are, the same ones give the same frames.
        #[test]
        fn any_bytes_give_the_same_frames_however_they_are_read(
            bytes in proptest::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(7), Just(b'a')], 0..100),
            sizes in proptest::collection::vec(1usize..40, 0..100),
        ) {
            let whole = cut(&mut LengthPrefixed::new(5), &bytes, [bytes.len()]);
            prop_assert_eq!(cut(&mut LengthPrefixed::new(5), &bytes, sizes), whole);
        }
    }
}
