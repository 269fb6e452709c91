//! Cuts a stream of bytes into lines.
//!
//! Enters: bytes, in pieces of any size. Leaves: lines with the offset of their first byte and their
//! number. Held in memory: at most one line of the largest size and one read. A longer line is passed
//! over to its end without being held, and reported with its length. Empty lines are passed over;
//! a carriage return before the line feed belongs to the line's end.

use std::io::BufRead;

/// The first read of a partition; a silent connection holds no more than this.
const SMALLEST_READ: usize = 8 << 10;
/// Reads grow up to this while each fills its space.
const LARGEST_READ: usize = 256 << 10;

/// A line and where it stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Offset of its first byte.
    pub offset: u64,
    /// Its number, from 1; empty lines count.
    pub number: u64,
    /// What it holds.
    pub content: Content<'a>,
}

/// What a line holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// Its bytes, without the line's end.
    Record(&'a [u8]),
    /// It was longer than allowed and has been passed over.
    Oversized {
        /// Its length in bytes, the line's end left out.
        length: u64,
    },
}

/// Cuts the bytes of one partition into lines.
#[derive(Debug)]
pub struct Lines {
    buffer: Vec<u8>,
    /// The bytes not yet given out are `buffer[start..end]`.
    start: usize,
    end: usize,
    /// No line feed stands before this place of the buffer.
    scanned: usize,
    /// Offset in the partition of `buffer[start]`.
    offset: u64,
    /// Number of the line that begins at `start`.
    number: u64,
    max_line: usize,
    read: usize,
    /// How many bytes of an oversized line have been passed over; its offset is `offset` less this.
    passed: Option<u64>,
}

impl Lines {
    /// A cutter for lines of at most `max_line` bytes.
    pub fn new(max_line: usize) -> Lines {
        Lines {
            buffer: Vec::new(),
            start: 0,
            end: 0,
            scanned: 0,
            offset: 0,
            number: 1,
            max_line,
            read: SMALLEST_READ,
            passed: None,
        }
    }

    /// Space for the next read; never empty. Call [`Lines::filled`] with how much was read. All lines
    /// of the last read should have been taken, or the buffer grows.
    pub fn space(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.scanned -= self.start;
            self.start = 0;
        }
        let wanted = self.end + self.read;
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        } else if self.buffer.len() > wanted + 4 * LARGEST_READ {
            // A long line has gone: one such line must not cost its memory for ever.
            self.buffer.truncate(wanted);
            self.buffer.shrink_to_fit();
        }
        &mut self.buffer[self.end..]
    }

    /// The first `count` bytes of the last [`Lines::space`] now hold data.
    ///
    /// # Panics
    /// When the space was smaller.
    pub fn filled(&mut self, count: usize) {
        assert!(count <= self.buffer.len() - self.end, "more bytes read than there was space for");
        if count == self.buffer.len() - self.end {
            self.read = (self.read * 2).min(LARGEST_READ);
        }
        self.end += count;
    }

    /// The next whole line, if one has arrived.
    pub fn next_line(&mut self) -> Option<Line<'_>> {
        loop {
            let Some(feed) = self.find_feed() else {
                self.pass_over_if_too_long();
                return None;
            };
            let start = self.start;
            let (offset, number) = (self.offset, self.number);
            self.advance(feed + 1);
            self.number += 1;
            if let Some(passed) = self.passed.take() {
                let length = passed + (feed - start) as u64;
                return Some(Line {
                    offset: offset - passed,
                    number,
                    content: Content::Oversized { length },
                });
            }
            if let Some(content) = content(start..feed, &self.buffer, self.max_line) {
                // The range again, because the borrow checker does not let a loop return a borrow
                // it may go on without.
                let content = match content {
                    Cut::Record(range) => Content::Record(&self.buffer[range]),
                    Cut::Oversized(length) => Content::Oversized { length },
                };
                return Some(Line { offset, number, content });
            }
        }
    }

    /// The last line, when the bytes have ended without a line feed.
    pub fn last_line(&mut self) -> Option<Line<'_>> {
        let (offset, number, start, end) = (self.offset, self.number, self.start, self.end);
        self.advance(end);
        if let Some(passed) = self.passed.take() {
            let length = passed + (end - start) as u64;
            return Some(Line { offset: offset - passed, number, content: Content::Oversized { length } });
        }
        let content = match content(start..end, &self.buffer, self.max_line)? {
            Cut::Record(range) => Content::Record(&self.buffer[range]),
            Cut::Oversized(length) => Content::Oversized { length },
        };
        Some(Line { offset, number, content })
    }

    /// How many bytes of a line that has not ended yet have arrived.
    pub fn pending(&self) -> u64 {
        (self.end - self.start) as u64 + self.passed.unwrap_or(0)
    }

    fn find_feed(&mut self) -> Option<usize> {
        let mut rest = &self.buffer[self.scanned..self.end];
        // `skip_until` of a slice is a vectorised search that cannot fail.
        let count = rest.skip_until(b'\n').unwrap_or(0);
        self.scanned += count;
        (count > 0 && self.buffer[self.scanned - 1] == b'\n').then(|| self.scanned - 1)
    }

    fn pass_over_if_too_long(&mut self) {
        let held = self.end - self.start;
        // One more than the limit, because the last byte may be a carriage return.
        if self.passed.is_some() || held > self.max_line + 1 {
            self.passed = Some(self.passed.unwrap_or(0) + held as u64);
            self.advance(self.end);
        }
    }

    fn advance(&mut self, to: usize) {
        self.offset += (to - self.start) as u64;
        self.start = to;
        self.scanned = to;
    }
}

enum Cut {
    Record(std::ops::Range<usize>),
    Oversized(u64),
}

/// What the bytes of a line, without its line feed, are; `None` when they are nothing but space.
fn content(mut range: std::ops::Range<usize>, buffer: &[u8], max_line: usize) -> Option<Cut> {
    if buffer[range.clone()].last() == Some(&b'\r') {
        range.end -= 1;
    }
    if range.len() > max_line {
        return Some(Cut::Oversized(range.len() as u64));
    }
    let first = buffer.get(range.start..range.end)?.first()?;
    if first.is_ascii_whitespace() && buffer[range.clone()].trim_ascii().is_empty() {
        return None;
    }
    Some(Cut::Record(range))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, PartialEq)]
    enum Seen {
        Record(u64, u64, Vec<u8>),
        Oversized(u64, u64, u64),
    }

    fn seen(line: Line<'_>) -> Seen {
        match line.content {
            Content::Record(bytes) => Seen::Record(line.offset, line.number, bytes.to_vec()),
            Content::Oversized { length } => Seen::Oversized(line.offset, line.number, length),
        }
    }

    /// Everything a cutter says about `bytes` that come in pieces of the given sizes.
    fn cut(bytes: &[u8], mut sizes: impl Iterator<Item = usize>, max_line: usize) -> Vec<Seen> {
        let mut lines = Lines::new(max_line);
        let mut out = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let space = lines.space();
            let count = sizes.next().unwrap_or(1).clamp(1, rest.len().min(space.len()));
            space[..count].copy_from_slice(&rest[..count]);
            lines.filled(count);
            rest = &rest[count..];
            while let Some(line) = lines.next_line() {
                out.push(seen(line));
            }
            assert!(lines.buffer.len() <= max_line + 1 + 2 * LARGEST_READ);
        }
        if let Some(line) = lines.last_line() {
            out.push(seen(line));
        }
        assert_eq!(lines.pending(), 0);
        out
    }

    #[test]
    fn lines_end_with_or_without_a_carriage_return_and_the_last_needs_no_end() {
        let seen = cut(b"a\r\n\n  \nbb\nc", std::iter::repeat(100), 10);
        assert_eq!(
            seen,
            [
                Seen::Record(0, 1, b"a".to_vec()),
                Seen::Record(7, 4, b"bb".to_vec()),
                Seen::Record(10, 5, b"c".to_vec()),
            ]
        );
    }

    #[test]
    fn a_line_of_exactly_the_largest_size_is_a_record() {
        let seen = cut(b"12345\n12345\r\n123456\n", std::iter::repeat(1), 5);
        assert_eq!(
            seen,
            [
                Seen::Record(0, 1, b"12345".to_vec()),
                Seen::Record(6, 2, b"12345".to_vec()),
                Seen::Oversized(13, 3, 6),
            ]
        );
    }

    #[test]
    fn a_huge_line_is_not_held_in_memory() {
        let mut lines = Lines::new(1000);
        for _ in 0..1000 {
            let space = lines.space();
            space.fill(b'x');
            let count = space.len();
            lines.filled(count);
            assert!(lines.next_line().is_none());
            assert!(lines.buffer.len() <= 1001 + LARGEST_READ * 2, "{}", lines.buffer.len());
        }
        assert!(lines.pending() > 50_000_000);
        lines.space()[..3].copy_from_slice(b"\na\n");
        lines.filled(3);
        let line = lines.next_line().expect("the end of the long line");
        assert!(matches!(line.content, Content::Oversized { length } if length > 50_000_000));
        assert_eq!(line.offset, 0);
        assert_eq!(lines.next_line().map(|line| line.content), Some(Content::Record(b"a")));
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
        assert!(lines.next_line().is_some());
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
                    expected.push((at, number, None));
                } else if !text.trim_ascii().is_empty() {
                    expected.push((at, number, Some(text.to_vec())));
                }
            }
            let got: Vec<_> = cut(&bytes, sizes.into_iter(), max_line)
                .into_iter()
                .map(|seen| match seen {
                    Seen::Record(at, number, bytes) => (at, number, Some(bytes)),
                    Seen::Oversized(at, number, _) => (at, number, None),
                })
                .collect();
            prop_assert_eq!(got, expected);
        }
    }
}
