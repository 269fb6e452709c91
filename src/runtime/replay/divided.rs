//! An input that is read in blocks, which are decoded on other threads.
//!
//! Enters: bytes. Leaves: turns, each the next events up to some limits, and the rejected records between
//! them: exactly what a [`Reader`](crate::source::reader::Reader) gives with these limits. So nothing that
//! comes after can tell how an input was read.
//!
//! - An input has as many readers as blocks may be under way. Whenever the events of a block have been
//!   given out, its reader gets the next block: reading stays that far ahead, and what is held is bounded.
//! - Blocks are taken in the order in which they were read, and a failure of reading behind those read
//!   before it.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::path::Path;
use std::vec;

use crate::event::Event;
use crate::source::framing::blocks::{Block, Blocks};
use crate::source::reader::{Batch, BatchLimits, BlockReader, Place, Rejection};

use super::Rejections;
use super::decoders::{Decoded, Decoders, UnderWay};
use super::inputs::Turn;

/// What inputs that are read in blocks share.
pub struct Pool {
    /// The threads.
    pub decoders: Decoders,
    /// Memory of blocks that are done with.
    pub memory: Vec<Vec<u8>>,
    /// How much a turn may hold.
    pub turn: BatchLimits,
}

/// Where reading and decoding of an input are.
pub struct Divided {
    /// `None` when the bytes have ended.
    blocks: Option<Blocks>,
    /// Why they cannot be read further.
    failure: Option<io::Error>,
    /// The readers that have nothing to do.
    idle: Vec<BlockReader>,
    under_way: VecDeque<UnderWay>,
    taken: Taken,
}

/// A block that is being given out.
#[derive(Default)]
struct Taken {
    events: vec::IntoIter<Event>,
    /// The rejected records that will be shown.
    rejected: VecDeque<(Place, Rejection)>,
    /// How many lines there were before it.
    lines_before: u64,
    lines: u64,
}

impl Divided {
    /// An input at its beginning. `readers`: as many as blocks may be under way.
    pub fn new(blocks: Blocks, readers: Vec<BlockReader>) -> Divided {
        Divided {
            blocks: Some(blocks),
            failure: None,
            idle: readers,
            under_way: VecDeque::new(),
            taken: Taken::default(),
        }
    }

    /// The next turn. `path` names the input where rejected records are shown.
    pub fn turn(
        &mut self,
        bytes: &mut dyn Read,
        pool: &mut Pool,
        path: &Path,
        rejections: &mut Rejections,
    ) -> Turn {
        let mut batch = Batch::default();
        loop {
            self.taken.give(&mut batch, pool.turn, path, rejections);
            if batch.is_full(pool.turn) {
                return Turn { batch, ended: false, failure: None };
            }
            self.read_ahead(bytes, pool);
            let Some(block) = self.under_way.pop_front() else {
                let failure = self.failure.take();
                return Turn { batch, ended: failure.is_none(), failure };
            };
            self.take(block.wait(), pool, rejections);
        }
    }

    /// Gives each reader that has nothing to do a block, as long as there are bytes.
    fn read_ahead(&mut self, bytes: &mut dyn Read, pool: &mut Pool) {
        while self.failure.is_none()
            && let Some(blocks) = &mut self.blocks
            && let Some(reader) = self.idle.pop()
        {
            match next_block(blocks, bytes, pool) {
                Ok(Some(block)) => self.under_way.push_back(pool.decoders.submit(reader, block)),
                Ok(None) => {
                    let last = self.blocks.take().map(Blocks::last).expect("they have just been there");
                    self.under_way.push_back(pool.decoders.submit(reader, last));
                }
                Err(error) => self.failure = Some(error),
            }
        }
    }

    /// Begins to give out a block, when all before it has been given out.
    fn take(&mut self, decoded: Decoded, pool: &mut Pool, rejections: &mut Rejections) {
        let Decoded { batch, rejected, block, reader } = decoded;
        rejected.counts.iter().for_each(|(reason, count)| rejections.count(*reason, *count));
        self.taken = Taken {
            events: batch.events.into_iter(),
            rejected: rejected.first.into(),
            lines_before: self.taken.lines_before + self.taken.lines,
            lines: block.count(),
        };
        pool.memory.push(block.into_memory());
        self.idle.push(reader);
    }
}

/// The next block; `None` when the bytes have ended.
fn next_block(blocks: &mut Blocks, bytes: &mut dyn Read, pool: &mut Pool) -> io::Result<Option<Block>> {
    loop {
        match bytes.read(blocks.space()) {
            Ok(0) => return Ok(None),
            Ok(count) => blocks.filled(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        if let Some(block) = blocks.next(|| pool.memory.pop().unwrap_or_default()) {
            return Ok(Some(block));
        }
    }
}

impl Taken {
    /// Gives out what comes next until the batch is full: events, and the rejected records that stand
    /// before them.
    fn give(&mut self, batch: &mut Batch, limits: BatchLimits, path: &Path, rejections: &mut Rejections) {
        while !batch.is_full(limits) {
            let event = self.events.next();
            let end = event.as_ref().map_or(u64::MAX, |event| event.position().offset);
            while let Some((place, why)) = self.rejected.pop_front_if(|(place, _)| place.offset < end) {
                rejections.show(path, self.lines_before + place.line, &why);
            }
            match event {
                Some(event) => batch.push(event),
                None => return,
            }
        }
    }
}
