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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Decoder, Fields, Malformed};
    use crate::diagnostic::Sources;
    use crate::engine::{Engine, EngineOptions};
    use crate::event::{Event, PartitionId, Position, StreamId};
    use crate::program::Program;
    use crate::source::framing::blocks::Blocks;
    use crate::source::reader::Checks;

    /// Fails when it comes to a certain record.
    struct Failing(Fields);

    impl Decoder for Failing {
        fn decode(&mut self, record: &[u8], _: Position, _: Timestamp) -> Result<Option<Event>, Malformed> {
            assert_ne!(record, b"worst", "that is too much");
            Err(Malformed::Syntax("bad".into()))
        }

        fn stream(&self) -> StreamId {
            StreamId(0)
        }

        fn fields(&mut self) -> &mut Fields {
            &mut self.0
        }
    }

    fn decoders() -> (Engine, Decoders) {
        let (program, diagnostics) = Program::compile(&Sources::new([("rules.trip", "stream s { n int }")]));
        let program = Arc::new(program.unwrap_or_else(|| panic!("{diagnostics:?}")));
        let options = EngineOptions { shards: 2, ..EngineOptions::RECORDED };
        let (engine, helpers) =
            workers::engine_and_helpers(program, options, &Arc::default()).expect("threads");
        (engine, Decoders::new(helpers.expect("several shards"), Timestamp::FIRST))
    }

    fn submit(decoders: &Decoders, lines: &[u8]) -> UnderWay {
        let mut blocks = Blocks::new(100, 100);
        blocks.space()[..lines.len()].copy_from_slice(lines);
        blocks.filled(lines.len());
        let block = blocks.next(Vec::new).expect("they are whole");
        decoders.submit(
            BlockReader::new(Box::new(Failing(Fields::none())), PartitionId(0), Checks::default()),
            block,
        )
    }

    #[test]
    fn of_many_rejected_records_the_first_are_kept() {
        let (_engine, decoders) = decoders();
        let decoded = submit(&decoders, &b"bad\n".repeat(20)).wait();
        assert_eq!(decoded.rejected.counts, BTreeMap::from([(Reason::Syntax, 20)]));
        let lines: Vec<u64> = decoded.rejected.first.iter().map(|(place, _)| place.line).collect();
        assert_eq!(lines, [1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_decoder_that_fails_is_told_and_the_others_go_on() {
        let (_engine, decoders) = decoders();
        let failing: Vec<UnderWay> = (0..5).map(|_| submit(&decoders, b"bad\nworst\nbad\n")).collect();
        let good = submit(&decoders, b"bad\n");
        for block in failing {
            let told = catch_unwind(AssertUnwindSafe(|| block.wait())).err().expect("it has failed");
            let told = workers::text(&*told);
            assert!(
                told.starts_with("a decoder has failed: ") && told.contains("that is too much"),
                "{told}"
            );
        }
        assert_eq!(good.wait().rejected.counts, BTreeMap::from([(Reason::Syntax, 1)]));
    }

    #[test]
    fn blocks_that_nobody_takes_do_not_keep_the_threads() {
        let (engine, decoders) = decoders();
        let left: Vec<UnderWay> = (0..5).map(|_| submit(&decoders, b"bad\n")).collect();
        drop((engine, decoders));
        // The threads have done what they were asked for before they ended.
        assert!(left.into_iter().all(|block| block.wait().batch.events.is_empty()));
    }
}
