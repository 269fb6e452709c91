//! Decodes blocks of lines on the threads of the shards.
//!
//! Enters: blocks, from the replay's thread, each with a reader for its partition. Leaves: what each of
//! them holds, when it is asked for. Any thread decodes any block, the one that comes to it first; so a
//! thread whose shards have much to do decodes less. How many blocks are under way is bounded by who
//! hands them out.
//!
//! The threads are those of the shards because half of the events that one of two has decoded are also
//! its own to drop, which costs much less where they were made.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use crate::event::Timestamp;
use crate::source::framing::blocks::Block;
use crate::source::reader::{Batch, BlockReader, Place, Quarantine, Reason, Rejection};

use super::super::workers::{self, Help, Helpers};

/// Who decodes.
pub struct Decoders {
    helpers: Helpers,
    clock: Timestamp,
}

/// A block to decode.
struct Job {
    reader: BlockReader,
    block: Block,
    clock: Timestamp,
    done: Sender<Done>,
}

/// What came of a block, or what the decoder said when it failed.
type Done = Result<Decoded, Box<dyn Any + Send>>;

/// What a block holds.
pub struct Decoded {
    /// Its events.
    pub batch: Batch,
    /// Its records that are no events.
    pub rejected: Rejected,
    /// The block, to count its lines and to use its memory again.
    pub block: Block,
    /// The reader, for another block of the partition.
    pub reader: BlockReader,
}

/// The rejected records of a block. However many there are, it stays small.
#[derive(Default)]
pub struct Rejected {
    /// By kind.
    pub counts: BTreeMap<Reason, u64>,
    /// The first of them, in order, as many as a replay shows. Lines are numbered from the beginning of the
    /// block.
    pub first: Vec<(Place, Rejection)>,
}

/// A block under way.
pub struct UnderWay(Receiver<Done>);

impl Decoders {
    /// Lets these threads decode. `clock`: when all records arrive.
    pub fn new(helpers: Helpers, clock: Timestamp) -> Decoders {
        Decoders { helpers, clock }
    }

    /// Hands a block out to be decoded.
    pub fn submit(&self, reader: BlockReader, block: Block) -> UnderWay {
        let (done, decoded) = channel();
        let job = Mutex::new(Some(Job { reader, block, clock: self.clock, done }));
        let help: Help = Arc::new(move || {
            // The lock is not held while the block is decoded.
            let job = job.lock().unwrap_or_else(PoisonError::into_inner).take();
            job.into_iter().for_each(Job::run);
        });
        self.helpers.ask(&help);
        UnderWay(decoded)
    }
}

impl UnderWay {
    /// Waits until the block has been decoded.
    ///
    /// # Panics
    /// When the decoder has failed, or all threads: without the block the results would be wrong.
    pub fn wait(self) -> Decoded {
        match self.0.recv() {
            Ok(Ok(decoded)) => decoded,
            Ok(Err(why)) => panic!("a decoder has failed: {}", workers::text(&*why)),
            Err(_) => panic!("all shards have failed"),
        }
    }
}

impl Job {
    fn run(self) {
        let Job { mut reader, mut block, clock, done } = self;
        // Nothing of it is looked at again after a failure.
        let decoded = catch_unwind(AssertUnwindSafe(|| {
            let (mut batch, mut rejected) = (Batch::default(), Rejected::default());
            reader.decode(&mut block, clock, &mut batch, &mut rejected);
            Decoded { batch, rejected, block, reader }
        }));
        // The replay may have ended without waiting for it.
        let _ = done.send(decoded);
    }
}

impl Quarantine for Rejected {
    fn reject(&mut self, place: Place, why: &Rejection, _record: &[u8]) {
        *self.counts.entry(why.reason()).or_default() += 1;
        if self.first.len() < super::SHOWN_REJECTIONS {
            self.first.push((place, why.clone()));
        }
    }
}
