//! The inputs of a replay, each a partition of a stream.
//!
//! Enters: recordings. Leaves: turns, each the next events of one input. What a turn holds depends on the
//! input's bytes alone. An input is read by the replay's own thread; decoding is left to other threads
//! ([`Divided`]) where there are some and the input allows it.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::event::{PartitionId, StreamId, Timestamp};
use crate::program::Program;
use crate::source::SourceLimits;
use crate::source::framing::blocks::Blocks;
use crate::source::reader::{Batch, BatchLimits, BlockReader, Checks, Place, Quarantine, Reader, Rejection};
use crate::source::recording::Recording;

use super::super::workers::Helpers;
use super::decoders::Decoders;
use super::divided::{Divided, Pool};
use super::{Input, Rejections, Settings, TURN};

/// How much of all inputs together may be read ahead, in bytes as they were read; each may have its
/// [`FEWEST`] blocks of [`SMALLEST`] size, however many they are.
const READ_AHEAD: usize = 32 << 20;
/// The largest block, which is what is read at once: so small that what one core has read, decoded or put
/// in order is still near when the next core comes to it.
const LARGEST: usize = 64 << 10;
/// The smallest block.
const SMALLEST: usize = 16 << 10;
/// Fewest blocks of an input that may be under way: while one is waited for, another is decoded.
const FEWEST: usize = 2;

/// Which input.
pub type Id = (StreamId, PartitionId);

/// The inputs that have not ended.
pub struct Inputs {
    program: Arc<Program>,
    settings: Settings,
    pace: Pace,
    open: BTreeMap<Id, Opened>,
    /// `None`: everything is decoded here.
    pool: Option<Pool>,
    stored_size: Option<u64>,
    read_of_ended: u64,
}

/// The next events of an input.
pub struct Turn {
    /// The events, up to the limits of a turn.
    pub batch: Batch,
    /// Whether nothing more will come.
    pub ended: bool,
    /// Why the input cannot be read further.
    pub failure: Option<io::Error>,
}

struct Opened {
    path: PathBuf,
    bytes: Box<dyn Read + Send>,
    stored_read: Arc<AtomicU64>,
    way: Way,
}

/// How an input becomes events.
enum Way {
    /// Here.
    Here(Reader),
    /// On other threads.
    Divided(Divided),
}

/// How inputs are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pace {
    /// How much a turn may hold.
    turn: BatchLimits,
    /// How many blocks of each input may be under way.
    blocks: usize,
    /// How large a block is, in bytes.
    size: usize,
}

impl Pace {
    /// For so many inputs and threads. Few inputs keep all threads busy by themselves, so that none waits
    /// for the replay's thread; of many, each has little.
    fn of(inputs: usize, threads: usize) -> Pace {
        let inputs = inputs.max(1);
        let blocks = (2 * threads + 2).div_ceil(inputs).max(FEWEST);
        let size = READ_AHEAD / (inputs * blocks);
        Pace { turn: TURN, blocks, size: size.clamp(SMALLEST, LARGEST) }
    }
}

impl Inputs {
    /// No inputs yet; `many` will be added. Those that can be divided are decoded by `helpers`, if there
    /// are some.
    pub fn new(program: Arc<Program>, settings: Settings, many: usize, helpers: Option<Helpers>) -> Inputs {
        let pace = Pace::of(many, helpers.as_ref().map_or(0, Helpers::count));
        Inputs::at_pace(program, settings, pace, helpers)
    }

    fn at_pace(program: Arc<Program>, settings: Settings, pace: Pace, helpers: Option<Helpers>) -> Inputs {
        let pool = helpers.map(|helpers| Pool {
            decoders: Decoders::new(helpers, settings.clock),
            memory: Vec::new(),
            turn: pace.turn,
        });
        let open = BTreeMap::new();
        Inputs { program, settings, pace, open, pool, stored_size: Some(0), read_of_ended: 0 }
    }

    /// Adds an input.
    pub fn add(&mut self, id: Id, Input { path, decoding, .. }: Input, recording: Recording) {
        let Recording { bytes, stored_size, stored_read } = recording;
        self.stored_size = self.stored_size.zip(stored_size).map(|(sum, size)| sum + size);
        let (schema, kept) = (self.program.schema(id.0), self.program.kept(id.0));
        let max_line = self.settings.max_line;
        // Recorded events may be of any time, and the engine counts those without a key.
        let checks = Checks::default;
        let way = if self.pool.is_some() && decoding.can_be_divided() {
            let reader = |_| BlockReader::new(decoding.format.decoder(id.0, schema, kept), id.1, checks());
            let readers = (0..self.pace.blocks).map(reader).collect();
            Way::Divided(Divided::new(Blocks::new(max_line, self.pace.size), readers))
        } else {
            let limits = SourceLimits { max_line, batch: self.pace.turn };
            Way::Here(decoding.reader(id.0, (schema, kept), limits, id.1, checks()))
        };
        self.open.insert(id, Opened { path, bytes, stored_read, way });
    }

    /// Whether an input has not ended.
    pub fn is_open(&self, id: &Id) -> bool {
        self.open.contains_key(id)
    }

    /// The first input that has not ended.
    pub fn first(&self) -> Option<Id> {
        self.open.keys().next().copied()
    }

    /// The file of an input that has not ended.
    pub fn path(&self, id: &Id) -> &Path {
        &self.open[id].path
    }

    /// The size of all inputs as they are stored, when that is known.
    pub fn stored_size(&self) -> Option<u64> {
        self.stored_size
    }

    /// How many of the stored bytes have been read.
    pub fn stored_read(&self) -> u64 {
        let reading = self.open.values().map(|one| one.stored_read.load(Ordering::Relaxed));
        self.read_of_ended + reading.sum::<u64>()
    }

    /// The next turn of an input. Rejected records are told to `rejections`.
    ///
    /// # Panics
    /// When the input has ended, or when a decoder has failed.
    pub fn turn(&mut self, id: &Id, rejections: &mut Rejections) -> Turn {
        let input = self.open.get_mut(id).expect("an input that has not ended is asked for");
        let Opened { path, bytes, way, .. } = input;
        let turn = match (way, &mut self.pool) {
            (Way::Here(reader), _) => {
                let (clock, limits) = (self.settings.clock, self.pace.turn);
                turn_here(reader, bytes, clock, limits, &mut Named { path, rejections })
            }
            (Way::Divided(input), Some(pool)) => input.turn(bytes, pool, path, rejections),
            (Way::Divided(_), None) => unreachable!("inputs are divided where there are threads"),
        };
        if turn.ended
            && let Some(ended) = self.open.remove(id)
        {
            self.read_of_ended += ended.stored_read.load(Ordering::Relaxed);
        }
        turn
    }
}

/// The next turn of an input that is decoded here.
fn turn_here(
    reader: &mut Reader,
    bytes: &mut Box<dyn Read + Send>,
    clock: Timestamp,
    limits: BatchLimits,
    quarantine: &mut dyn Quarantine,
) -> Turn {
    let mut batch = Batch::default();
    while !reader.decode(clock, limits, &mut batch, quarantine) {
        match bytes.read(reader.space()) {
            Ok(0) => {
                reader.end(clock, &mut batch, quarantine);
                // As after any other event that fills a batch, the next turn tells. A terminal may give
                // more after its end, which is not to be asked for.
                *bytes = Box::new(io::empty());
                let ended = !batch.is_full(limits);
                return Turn { batch, ended, failure: None };
            }
            Ok(count) => reader.filled(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Turn { batch, ended: false, failure: Some(error) },
        }
    }
    Turn { batch, ended: false, failure: None }
}

/// Takes the rejected records of one file.
struct Named<'a> {
    path: &'a Path,
    rejections: &'a mut Rejections,
}

impl Quarantine for Named<'_> {
    fn reject(&mut self, place: Place, why: &Rejection, _record: &[u8]) {
        self.rejections.count(why.reason(), 1);
        self.rejections.show(self.path, place.line, why);
    }
}

#[cfg(test)]
mod tests;
