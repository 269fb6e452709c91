//! A record a line.
//!
//! A line ends with a line feed; a carriage return before it belongs to the end. Lines of nothing but
//! white space are passed over. The last line needs no end.

use super::buffer::Buffer;
use super::terminated::{Taken, Terminated};
use super::{Cut, Frame, Frames};

/// Cuts bytes into lines.
#[derive(Debug)]
pub struct Lines {
    buffer: Buffer,
    line: Terminated,
    /// Number of the line that begins where the buffer begins.
    number: u64,
}

impl Lines {
    /// A cutter for lines of at most `max_line` bytes.
    pub fn new(max_line: usize) -> Lines {
        Lines { buffer: Buffer::new(), line: Terminated::new(max_line), number: 1 }
    }

    /// A cutter for the lines held in `buffer`, of which `line` knows how the first begins.
    pub(super) fn held(buffer: Buffer, line: Terminated) -> Lines {
        Lines { buffer, line, number: 1 }
    }

    /// How many lines there have been.
    pub(super) fn count(&self) -> u64 {
        self.number - 1
    }

    /// The memory that it takes, for another to use.
    pub(super) fn into_memory(self) -> Vec<u8> {
        self.buffer.into_memory()
    }

    fn cut(&mut self) -> Option<Cut> {
        while let Some(feed) = self.line.find_feed(&self.buffer) {
            let taken = self.line.take(&mut self.buffer, feed, 1);
            let cut = self.numbered(taken);
            if cut.is_some() {
                return cut;
            }
        }
        self.line.pass_over_if_too_long(&mut self.buffer);
        None
    }

    fn numbered(&mut self, taken: Taken) -> Option<Cut> {
        let number = self.number;
        self.number += 1;
        Some(Cut { offset: taken.offset, number, content: taken.content? })
    }
}

impl Frames for Lines {
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
        let taken = self.line.take_last(&mut self.buffer)?;
        let cut = self.numbered(taken)?;
        Some(cut.frame(&self.buffer))
    }

    fn pending(&self) -> u64 {
        self.line.pending(&self.buffer)
    }

    fn number(&self) -> u64 {
        self.number
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::buffer::LARGEST_READ;
    use super::super::tests::{Seen, cut, oversized, record};
    use super::super::{Content, Frames as _};
    use super::*;

    #[test]
    fn lines_end_with_or_without_a_carriage_return_and_the_last_needs_no_end() {
        let seen = cut(&mut Lines::new(10), b"a\r\n\n  \nbb\nc", [100]);
        assert_eq!(seen, [record(0, 1, "a"), record(7, 4, "bb"), record(10, 5, "c")]);
    }

    #[test]
    fn a_line_of_exactly_the_largest_size_is_a_record() {
        for sizes in [vec![1; 30], vec![30], vec![7, 1, 5, 1, 1]] {
            let seen = cut(&mut Lines::new(5), b"12345\n12345\r\n123456\r\n", sizes);
            assert_eq!(seen, [record(0, 1, "12345"), record(6, 2, "12345"), oversized(13, 3, 6, 5)]);
        }
    }

    #[test]
    fn a_huge_line_is_not_held_in_memory() {
        let mut lines = Lines::new(1000);
        for _ in 0..1000 {
            let space = lines.space();
            space.fill(b'x');
            let count = space.len();
            lines.filled(count);
            assert!(lines.next().is_none());
            assert!(lines.buffer.capacity() <= 1001 + LARGEST_READ * 2, "{}", lines.buffer.capacity());
        }
        assert!(lines.pending() > 50_000_000);
        lines.space()[..3].copy_from_slice(b"\na\n");
        lines.filled(3);
        let line = lines.next().expect("the end of the long line");
        assert!(matches!(line.content, Content::Oversized { length, limit: 1000 } if length > 50_000_000));
        assert_eq!(line.offset, 0);
        assert_eq!(lines.next().map(|line| line.content), Some(Content::Record(b"a")));
    }

    #[test]
    fn memory_of_a_long_line_is_given_back() {
        let mut lines = Lines::new(8 << 20);
        let mut left: usize = 8 << 20;
        while left > 0 {
            let space = lines.space();
            let count = space.len().min(left);
            space[..count].fill(b'x');
            lines.filled(count);
            left -= count;
        }
        lines.space()[0] = b'\n';
        lines.filled(1);
        assert!(lines.next().is_some());
        lines.space();
        assert!(lines.buffer.capacity() <= LARGEST_READ * 2);
    }

    proptest! {
        /// However the bytes are cut into reads, the lines are those of a plain split.
        #[test]
        fn reads_of_any_size_give_the_same_lines(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'a'), Just(b' ')], 0..200),
            sizes in proptest::collection::vec(1usize..40, 0..200),
        ) {
            let max_line = 5;
            let mut expected = Vec::new();
            let mut offset = 0;
            for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
                let text = line.strip_suffix(b"\r").unwrap_or(line);
                let (at, number) = (offset, index as u64 + 1);
                offset += line.len() as u64 + 1;
                if text.len() > max_line {
                    expected.push(oversized(at, number, text.len() as u64, max_line));
                } else if !text.trim_ascii().is_empty() {
                    expected.push(Seen::Record(at, number, text.to_vec()));
                }
            }
            prop_assert_eq!(cut(&mut Lines::new(max_line), &bytes, sizes), expected);
        }
    }
}
