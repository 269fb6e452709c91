//! Decoding blocks of one partition apart from each other.
//!
//! Enters: blocks of lines, in any order. Leaves: of each block the events and the rejected records, as
//! a [`super::Reader`] finds them in the same lines. This is for formats whose records can be read
//! without those before them: [`crate::source::Decoding::can_be_divided`] tells.

use crate::codec::Decoder;
use crate::event::{PartitionId, Timestamp};

use super::super::framing::blocks::Block;
use super::{Batch, Checks, Events, Quarantine, Rejection};

/// Decodes blocks of one partition. There may be many of them, each with a decoder of its own.
pub struct BlockReader(Events);

impl BlockReader {
    /// A reader of blocks of `partition`.
    pub fn new(decoder: Box<dyn Decoder>, partition: PartitionId, checks: Checks) -> BlockReader {
        BlockReader(Events::new(decoder, partition, checks))
    }

    /// Decodes all lines of a block into `batch`. The places of rejected records have their numbers from
    /// the beginning of the block. Whether `quarantine` is full is not asked: a block has an end.
    pub fn decode(
        &mut self,
        block: &mut Block,
        arrival: Timestamp,
        batch: &mut Batch,
        quarantine: &mut dyn Quarantine,
    ) {
        let is_last = block.is_last();
        let lines = block.lines();
        while let Some(frame) = lines.next() {
            self.0.take(&frame, |why| why, arrival, batch, quarantine);
        }
        if is_last && let Some(frame) = lines.last() {
            self.0.take(&frame, Rejection::at_the_end, arrival, batch, quarantine);
        }
    }
}
