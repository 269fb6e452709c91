//! A record a line.
//!
//! A line ends with a line feed; a carriage return before it belongs to the end. Lines of nothing but
//! white space are passed over. The last line needs no end.

use std::io::BufRead;
use std::ops::Range;

use super::buffer::Buffer;
use super::{Cut, Frame, Frames, Part};

/// Cuts bytes into lines.
#[derive(Debug)]
pub struct Lines {
    buffer: Buffer,
    /// No line feed stands in so many of the first bytes held.
    scanned: usize,
    /// Number of the line that begins where the buffer begins.
    number: u64,
    max_line: usize,
    /// How many bytes of an oversized line have been passed over.
    passed: Option<u64>,
}

impl Lines {
    /// A cutter for lines of at most `max_line` bytes.
    pub fn new(max_line: usize) -> Lines {
        Lines { buffer: Buffer::new(), scanned: 0, number: 1, max_line, passed: None }
    }

    fn cut(&mut self) -> Option<Cut> {
        while let Some(feed) = self.find_feed() {
            let cut = self.take_line(feed, 1);
            if cut.is_some() {
                return cut;
            }
        }
        self.pass_over_if_too_long();
        None
    }

    /// Takes the line that is `length` bytes long, and its end; `None` when it is empty.
    fn take_line(&mut self, length: usize, end: usize) -> Option<Cut> {
        let passed = self.passed.take();
        let (offset, number) = (self.buffer.offset() - passed.unwrap_or(0), self.number);
        let taken = self.buffer.take(length + end);
        self.scanned = 0;
        self.number += 1;
        let line = without_return(&self.buffer, taken.start..taken.end - end);
        let length = passed.unwrap_or(0) + line.len() as u64;
        let content = match passed {
            Some(_) => Part::Oversized { length, limit: self.max_line },
            None => content(&self.buffer, line, self.max_line)?,
        };
        Some(Cut { offset, number, content })
    }

    fn find_feed(&mut self) -> Option<usize> {
        let held = self.buffer.held();
        let mut rest = &held[self.scanned..];
        // `skip_until` of a slice is a vectorised search that cannot fail.
        let count = rest.skip_until(b'\n').unwrap_or(0);
        self.scanned += count;
        (count > 0 && held[self.scanned - 1] == b'\n').then(|| self.scanned - 1)
    }

    fn pass_over_if_too_long(&mut self) {
        // A carriage return may belong to the end of the line.
        let line = without_return(&self.buffer, self.buffer.place());
        if self.passed.is_some() || line.len() > self.max_line {
            self.passed = Some(self.passed.unwrap_or(0) + line.len() as u64);
            self.buffer.take(line.len());
            self.scanned = 0;
        }
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
        if self.pending() == 0 {
            return None;
        }
        let cut = self.take_line(self.buffer.len(), 0)?;
        Some(cut.frame(&self.buffer))
    }

    fn pending(&self) -> u64 {
        self.buffer.len() as u64 + self.passed.unwrap_or(0)
    }
}

/// The place of a line without the carriage return that it may end in.
pub(super) fn without_return(buffer: &Buffer, mut line: Range<usize>) -> Range<usize> {
    if buffer.at(line.clone()).last() == Some(&b'\r') {
        line.end -= 1;
    }
    line
}

/// What the line at a place is; `None` when it is nothing but space.
pub(super) fn content(buffer: &Buffer, line: Range<usize>, max_line: usize) -> Option<Part> {
    if line.len() > max_line {
        return Some(Part::Oversized { length: line.len() as u64, limit: max_line });
    }
    let text = buffer.at(line.clone());
    // Looked at from its first byte, which mostly decides.
    let blank = text.first()?.is_ascii_whitespace() && text.trim_ascii().is_empty();
    (!blank).then_some(Part::Record(line))
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
