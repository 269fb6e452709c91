//! Where events come in.
//!
//! Enters: bytes from outside. Leaves: batches of decoded events with their positions, through a
//! bounded queue that slows the reading down when it is full; and for each record that is no event
//! the place and the reason. One file a kind of source, each a [`Source`]; what they share is
//! [`partition`]. Nothing here knows rules.

pub mod compression;
mod datagram;
pub mod file;
pub mod flow;
pub mod framing;
pub mod gate;
pub mod http;
pub mod kafka;
mod partition;
mod patience;
pub mod positions;
mod pour;
mod quarantine;
pub mod queue;
pub mod reader;
pub mod recording;
pub mod registry;
mod server;
pub mod stdin;
pub mod tcp;
pub mod tcp_client;
#[cfg(test)]
mod tests;
pub mod together;
mod troubles;
pub mod udp;
pub mod unix;

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::AsyncRead;
use tokio::task::JoinSet;
use tracing::info;

use crate::codec::{Decoder, Format};
use crate::event::{Kept, PartitionId, StreamId, StreamSchema, Timestamp};
use crate::moving::{Holding, State};
use crate::quarantine::writer::Writer;
use crate::telemetry::catalogue::SourceMetrics;
use crate::watch;

use self::together::Turn;

#[cfg(test)]
pub(crate) use partition::Feed;
pub use troubles::Troubles;

use compression::Compression;
use flow::Flow;
use framing::Framing;
use gate::Gate;
use patience::Patience;
use positions::{Origin, Positions, Reached, Resume, topic};
use quarantine::Reports;
use reader::{Batch, BatchLimits, Checks, Events, Reader};

/// Tells the wall-clock time. The system's clock in production, a clock of its own in tests.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// What sources say to the engine.
#[derive(Debug)]
pub enum Input {
    /// A partition begins.
    Opened {
        /// Of this stream.
        stream: StreamId,
        /// Its number.
        partition: PartitionId,
        /// Where it comes from.
        origin: Arc<Origin>,
    },
    /// Events of one partition.
    Events {
        /// The source that read them, by its place in the configuration.
        source: usize,
        /// Of this stream.
        stream: StreamId,
        /// The number of the partition.
        partition: PartitionId,
        /// The events.
        batch: Batch,
        /// When they arrived.
        arrival: Timestamp,
        /// How far the partition has come with them.
        reached: Reached,
    },
    /// A partition has come further, and there was no event.
    Reached {
        /// Of this stream.
        stream: StreamId,
        /// Its number.
        partition: PartitionId,
        /// How far.
        reached: Reached,
    },
    /// A partition has lost its connection and will go on when it has another: until then it holds
    /// event time back, however long that takes.
    Disconnected {
        /// Of this stream.
        stream: StreamId,
        /// Its number.
        partition: PartitionId,
    },
    /// A partition that was disconnected goes on.
    Connected {
        /// Of this stream.
        stream: StreamId,
        /// Its number.
        partition: PartitionId,
    },
    /// A partition has ended: nothing more will come.
    Closed {
        /// Of this stream.
        stream: StreamId,
        /// Its number.
        partition: PartitionId,
        /// The number of the entry of the journal that says so; 0: there is none.
        journal: u64,
    },
    /// A partition comes from elsewhere, with what is held for its keys: before it is opened.
    Brought {
        /// Of this stream.
        stream: StreamId,
        /// The partition.
        holding: Box<Holding>,
        /// What is held for its keys.
        state: Box<State>,
    },
    /// What is known of a file that has been read, and of its partition, is of no use any more.
    Forgotten {
        /// Of this stream.
        stream: StreamId,
        /// Its number.
        partition: PartitionId,
    },
}

impl Input {
    /// The stream that it is about.
    pub fn stream(&self) -> StreamId {
        match self {
            Input::Opened { stream, .. }
            | Input::Events { stream, .. }
            | Input::Reached { stream, .. }
            | Input::Disconnected { stream, .. }
            | Input::Connected { stream, .. }
            | Input::Closed { stream, .. }
            | Input::Brought { stream, .. }
            | Input::Forgotten { stream, .. } => *stream,
        }
    }

    /// How many bytes of memory its events take.
    pub fn bytes(&self) -> usize {
        match self {
            Input::Events { batch, .. } => batch.bytes,
            _ => 0,
        }
    }

    /// Whether its events are in the journal.
    pub fn is_kept(&self) -> bool {
        matches!(self, Input::Events { reached, .. } if reached.journal > 0)
    }
}

/// Numbers the partitions of the streams, from 0 for each stream. Sources of one stream share it.
#[derive(Debug, Default)]
pub struct PartitionNumbers(Vec<AtomicU64>);

impl PartitionNumbers {
    /// For a program with so many streams.
    #[cfg(test)]
    pub fn new(streams: usize) -> PartitionNumbers {
        PartitionNumbers((0..streams).map(|_| AtomicU64::new(0)).collect())
    }

    /// For a program whose streams have these names: numbers that were given before are not given again.
    pub fn after<'a>(positions: &Positions, streams: impl IntoIterator<Item = &'a str>) -> PartitionNumbers {
        let next = |name| positions.streams.get(name).map_or(0, |stream| stream.next);
        PartitionNumbers(streams.into_iter().map(|name| AtomicU64::new(next(name))).collect())
    }

    /// The next number of a stream; `None` when there are no more.
    pub fn next(&self, stream: StreamId) -> Option<PartitionId> {
        let number = self.0[stream.0 as usize].fetch_add(1, Ordering::Relaxed);
        u32::try_from(number).ok().map(PartitionId).filter(|number| !topic::has_own_number(*number))
    }
}

/// How much a source may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceLimits {
    /// Longest record, in bytes.
    pub max_line: usize,
    /// Largest batch.
    pub batch: BatchLimits,
}

/// Says when reading is to stop.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Reading stops when the sender turns to true, or is dropped.
    pub fn new(receiver: watch::Receiver<bool>) -> Stop {
        Stop(receiver)
    }

    /// Waits until reading is to stop.
    pub async fn wanted(&mut self) {
        // An error means that the sender is gone, and with it the service.
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}

/// A source that has taken what it needs (an address, a file) and does not read yet.
pub trait Source: Send {
    /// Says in the log what it will do, for example which address it has.
    fn announce(&self, inlets: &[Inlet]);

    /// Reads until there is nothing more to come or the service stops. `inlets` has one for each
    /// stream that the source feeds, in the order of the configuration. The partitions that are there from
    /// the start begin when its turn comes, and nothing is read before those of all sources have.
    fn run(self: Box<Self>, inlets: Vec<Inlet>, turn: Turn) -> Running;
}

/// Logs what a source will do with the streams it feeds.
fn announce(inlets: &[Inlet], what: &str, address: &dyn std::fmt::Display) {
    for Inlet { identity, .. } in inlets {
        info!(source = %identity.name, stream = %identity.schema.name, %address, "{what}");
    }
}

/// A source at work.
pub type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The only inlet of a source that feeds one stream.
fn only(inlets: Vec<Inlet>) -> Inlet {
    let [inlet] = <[Inlet; 1]>::try_from(inlets).unwrap_or_else(|inlets| {
        panic!("a source of one stream has one inlet, not {}", inlets.len());
    });
    inlet
}

/// Bytes on their way in.
type Bytes<'a> = Box<dyn AsyncRead + Send + Unpin + 'a>;

/// How the bytes of a source are made into events.
#[derive(Clone, Debug)]
pub struct Decoding {
    /// How a record is written.
    pub format: Format,
    /// How records are told from each other.
    pub framing: Framing,
    /// How the bytes are compressed.
    pub compression: Compression,
}

impl Decoding {
    /// The bytes by which a record is sent to the source.
    pub fn wire(&self, record: &[u8]) -> Vec<u8> {
        if !(self.format.is_json() && self.framing == Framing::Lines) {
            return self.framing.wire(record);
        }
        // What came as a whole may stand on several lines. A line end means no more than a blank there.
        let mut wire = self.framing.wire(record);
        let (end, line) = wire.split_last_mut().expect("a line has an end");
        debug_assert_eq!(*end, b'\n');
        line.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
        wire
    }

    /// Whether the bytes of a partition can be cut into blocks that are decoded apart from each other:
    /// records are found without decoding them, and each can be read by itself.
    pub fn can_be_divided(&self) -> bool {
        self.framing == Framing::Lines && !self.format.has_header()
    }

    /// What makes events of the bytes of a partition, from its beginning: of a stream with that schema,
    /// the fields that are kept.
    pub fn reader(
        &self,
        stream: StreamId,
        (schema, kept): (&StreamSchema, Kept),
        limits: SourceLimits,
        partition: PartitionId,
        checks: Checks,
    ) -> Reader {
        let framing = self.framing.frames(limits.max_line);
        Reader::new(self.format.decoder(stream, schema, kept), framing, partition, checks)
    }
}

/// Which source feeds which stream.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The source's name in the configuration.
    pub name: Arc<str>,
    /// Its place in the configuration.
    pub index: usize,
    /// The stream it feeds.
    pub stream: StreamId,
    /// The stream's declaration.
    pub schema: Arc<StreamSchema>,
    /// The fields that its events keep.
    pub kept: Kept,
    /// How the records are written.
    pub decoding: Decoding,
    /// What is asked of an event besides.
    pub checks: Checks,
    /// What is counted of the source.
    pub metrics: Arc<SourceMetrics>,
}

impl Identity {
    /// What makes events of the bytes of a partition, from its beginning.
    pub fn reader(&self, limits: SourceLimits, partition: PartitionId) -> Reader {
        self.decoding.reader(self.stream, (&self.schema, self.kept), limits, partition, self.checks.clone())
    }

    /// What makes events of records, from the beginning of a connection or file.
    fn decoder(&self) -> Box<dyn Decoder> {
        self.decoding.format.decoder(self.stream, &self.schema, self.kept)
    }

    /// What makes events of the records of a partition, from the beginning of a body.
    fn events(&self, partition: PartitionId) -> Events {
        Events::new(self.decoder(), partition, self.checks.clone())
    }
}

/// What sources have to do after everything that they read has been settled: to say so to those they read from,
/// and to leave. The service waits for it before it ends.
#[derive(Clone, Debug, Default)]
pub struct LastThings(Arc<Mutex<JoinSet<()>>>);

impl LastThings {
    /// This is to be waited for.
    pub fn add(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).spawn(task);
    }

    /// What is to be waited for, once all sources have ended.
    pub fn take(&self) -> JoinSet<()> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What all sources share.
#[derive(Clone)]
pub struct Surroundings {
    /// Limits.
    pub limits: SourceLimits,
    /// Numbers for new partitions.
    pub numbers: Arc<PartitionNumbers>,
    /// The way to the engine.
    pub queue: queue::Sender,
    /// The way through the journal, for what cannot be read again; `None`: nothing is kept, and all goes
    /// the other way.
    pub gate: Option<Gate>,
    /// Where sources go on after a restart.
    pub resume: Resume,
    /// Where records are kept that are no events; `None`: they are not.
    pub quarantine: Option<Writer>,
    /// Says which partitions are paused.
    pub flow: Arc<Flow>,
    /// How far everything has come that will not be asked for again: what the last checkpoint has or, where no
    /// state is kept, what the engine has taken. It ends when nothing more comes.
    pub settled: watch::Receiver<Arc<Positions>>,
    /// What is to be done when nothing more will be settled.
    pub last: LastThings,
    /// Told when a source cannot go on, or is not connected.
    pub troubles: Troubles,
    /// Says when reading is to stop.
    pub stop: Stop,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

/// The way of a source's records into a stream.
#[derive(Clone)]
pub struct Inlet {
    identity: Identity,
    around: Surroundings,
    reports: Arc<Reports>,
}

impl Inlet {
    /// An inlet of one source to one stream.
    pub fn new(identity: Identity, mut around: Surroundings) -> Inlet {
        if let Some(gate) = &around.gate {
            // Configurations in which this is less are refused.
            around.limits.max_line = around.limits.max_line.min(gate.longest_record());
            around.limits.batch.bytes = around.limits.batch.bytes.min(gate.largest_batch());
        }
        let reports = Reports::new(&identity, Arc::clone(&around.clock), around.quarantine.clone());
        Inlet { identity, around, reports: Arc::new(reports) }
    }

    /// What makes events of the bytes of a partition.
    fn reader(&self, partition: PartitionId) -> Reader {
        self.identity.reader(self.around.limits, partition)
    }

    /// The bytes that a connection carries: reading them fails after a silence of `read_timeout`, and
    /// they are decompressed.
    fn open<'a>(
        &self,
        bytes: impl AsyncRead + Send + Unpin + 'a,
        read_timeout: Option<Duration>,
    ) -> Bytes<'a> {
        let compression = self.identity.decoding.compression;
        match read_timeout {
            None => compression.decompress(bytes),
            Some(limit) => compression.decompress(Patience::new(bytes, limit)),
        }
    }
}
