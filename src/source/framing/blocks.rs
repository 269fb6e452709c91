//! Blocks of whole lines, which others can cut into lines in any order and at the same time.
//!
//! Enters: the bytes of a partition, in pieces of any size. Leaves: blocks, each up to the last line end
//! that has been read.
//!
//! - The lines of all blocks, one block after another, are those that [`Lines`] finds in the same bytes,
//!   with the same offsets. Only their numbers begin anew in each block: nobody has to look for line
//!   ends twice. The sum of [`Block::count`] of those before tells the number in the partition.
//! - A line that is too long is passed over as it comes. The block in which it ends knows how much of it
//!   came before.
//! - Bytes are copied only from the end of one block, where a line begins that ends in the next.

use super::Frames;
use super::buffer::Buffer;
use super::lines::Lines;
use super::terminated::Terminated;

/// Cuts the bytes of one partition into blocks.
#[derive(Debug)]
pub struct Blocks {
    buffer: Buffer,
    line: Terminated,
}

/// Whole lines, one after another.
#[derive(Debug)]
pub struct Block {
    lines: Lines,
    is_last: bool,
}

impl Blocks {
    /// A cutter for lines of at most `max_line` bytes, into blocks of about `size` bytes.
    pub fn new(max_line: usize, size: usize) -> Blocks {
        Blocks { buffer: Buffer::of_reads(size), line: Terminated::new(max_line) }
    }

    /// Space for the next read; see [`Frames::space`].
    pub fn space(&mut self) -> &mut [u8] {
        self.buffer.space()
    }

    /// Says how much of the space has been filled; see [`Frames::filled`].
    pub fn filled(&mut self, count: usize) {
        self.buffer.filled(count);
    }

    /// What has been read up to the last line end, if there is one. `memory`, which a block took that is
    /// done with or which is empty, is used for what comes next.
    pub fn next(&mut self, memory: impl FnOnce() -> Vec<u8>) -> Option<Block> {
        let Some(feed) = self.line.find_last_feed(&self.buffer) else {
            self.line.pass_over_if_too_long(&mut self.buffer);
            return None;
        };
        let rest = self.buffer.split_off(feed + 1, memory());
        let line = self.line.hand_over(rest.len());
        let buffer = std::mem::replace(&mut self.buffer, rest);
        Some(Block { lines: Lines::held(buffer, line), is_last: false })
    }

    /// The bytes have ended, once [`Blocks::next`] gives none: what is left, which may be nothing.
    pub fn last(self) -> Block {
        Block { lines: Lines::held(self.buffer, self.line), is_last: true }
    }
}

impl Block {
    /// Its lines, numbered from 1.
    pub fn lines(&mut self) -> &mut dyn Frames {
        &mut self.lines
    }

    /// Whether the bytes of the partition end with it, so that it may hold a line without an end.
    pub fn is_last(&self) -> bool {
        self.is_last
    }

    /// How many lines of it have been taken, blank ones too.
    pub fn count(&self) -> u64 {
        self.lines.count()
    }

    /// The memory that it takes, for another block to use.
    pub fn into_memory(self) -> Vec<u8> {
        self.lines.into_memory()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::buffer::LARGEST_READ;
    use super::super::tests::{Seen, cut, oversized, record, seen};
    use super::super::{Content, Frame};
    use super::*;

    /// The lines of all blocks of `bytes` that come in pieces of the given sizes, and then one by one,
    /// numbered in the partition.
    fn cut_in_blocks(mut blocks: Blocks, bytes: &[u8], sizes: impl IntoIterator<Item = usize>) -> Vec<Seen> {
        let mut sizes = sizes.into_iter();
        let (mut out, mut before, mut memory) = (Vec::new(), 0, Vec::new());
        let mut take = |mut block: Block| {
            let numbered = |frame: Frame<'_>| seen(Frame { number: before + frame.number, ..frame });
            while let Some(frame) = block.lines().next() {
                out.push(numbered(frame));
            }
            if block.is_last() {
                out.extend(block.lines().last().map(numbered));
            }
            assert_eq!(block.lines().pending(), 0, "a block holds whole lines");
            before += block.count();
            block.into_memory()
        };
        let mut rest = bytes;
        while !rest.is_empty() {
            let space = blocks.space();
            let count = sizes.next().unwrap_or(1).clamp(1, rest.len().min(space.len()));
            space[..count].copy_from_slice(&rest[..count]);
            blocks.filled(count);
            rest = &rest[count..];
            if let Some(block) = blocks.next(|| std::mem::take(&mut memory)) {
                memory = take(block);
            }
        }
        take(blocks.last());
        out
    }

    #[test]
    fn a_block_ends_behind_the_last_line_end() {
        let mut blocks = Blocks::new(100, 8);
        blocks.space()[..7].copy_from_slice(b"a\nbb\r\nc");
        blocks.filled(7);
        let mut block = blocks.next(|| vec![b'x'; 3]).expect("there is a line end");
        let first = block.lines().next().map(seen);
        assert_eq!(first, Some(record(0, 1, "a")));
        assert_eq!(block.lines().next().map(seen), Some(record(2, 2, "bb")));
        assert_eq!(block.lines().next(), None);
        assert_eq!((block.count(), block.is_last()), (2, false));
        assert!(blocks.next(Vec::new).is_none());
        let mut last = blocks.last();
        assert_eq!(last.lines().next(), None);
        assert_eq!(last.lines().last().map(seen), Some(record(6, 1, "c")));
        assert!(last.is_last());
    }

    #[test]
    fn a_line_that_is_too_long_is_not_held_and_reported_by_the_block_in_which_it_ends() {
        let mut blocks = Blocks::new(1000, 4096);
        blocks.space()[..3].copy_from_slice(b"a\nb");
        blocks.filled(3);
        assert_eq!(
            blocks.next(Vec::new).map(|mut block| block.lines().next().map(seen)),
            Some(Some(record(0, 1, "a")))
        );
        let mut length = 1;
        for _ in 0..1000 {
            let space = blocks.space();
            space.fill(b'x');
            let count = space.len();
            blocks.filled(count);
            length += count as u64;
            assert!(blocks.next(Vec::new).is_none());
            assert!(blocks.buffer.capacity() <= 4096 * 3, "{}", blocks.buffer.capacity());
        }
        blocks.space()[..4].copy_from_slice(b"\r\nc\n");
        blocks.filled(4);
        let mut block = blocks.next(Vec::new).expect("the end of the long line");
        assert_eq!(block.lines().next().map(seen), Some(oversized(2, 1, length, 1000)));
        let next = block.lines().next().expect("a line");
        assert_eq!((next.offset, next.number, next.content), (2 + length + 2, 2, Content::Record(b"c")));
    }

    #[test]
    fn memory_of_a_long_line_is_given_back() {
        let mut blocks = Blocks::new(8 << 20, 1 << 10);
        let mut long = vec![b'x'; 4 << 20];
        long.push(b'\n');
        for piece in long.chunks(1 << 10) {
            blocks.space()[..piece.len()].copy_from_slice(piece);
            blocks.filled(piece.len());
        }
        let memory = blocks.next(Vec::new).expect("a line").into_memory();
        assert!(memory.capacity() >= long.len());
        blocks.space()[0] = b'\n';
        blocks.filled(1);
        assert!(blocks.next(|| memory).is_some());
        blocks.space();
        assert!(blocks.buffer.capacity() <= LARGEST_READ * 2, "the memory has been cut down");
    }

    proptest! {
        /// However the bytes are cut into reads, and so into blocks, the lines are those that are cut
        /// one after another.
        #[test]
        fn blocks_hold_the_same_lines(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'a'), Just(b' ')], 0..200),
            sizes in proptest::collection::vec(1usize..40, 0..200),
            size in 1usize..60,
            max_line in 1usize..30,
        ) {
            let expected = cut(&mut Lines::new(max_line), &bytes, [bytes.len()]);
            prop_assert_eq!(cut_in_blocks(Blocks::new(max_line, size), &bytes, sizes), expected);
        }
    }
}
