//! Gives the engine again what is in the journal and not in its state.
//!
//! Enters: the journal, positions of the time of the state, the sources as they are configured now. Leaves:
//! the same events with the same positions, each partition's in its order, and the ends of partitions that
//! ended with the process. Afterwards the positions are those from which sources go on.

use std::collections::BTreeMap;
use std::sync::Arc;

use tracing::{info, warn};

use crate::event::{PartitionId, StreamId, Timestamp};
use crate::journal::{Entry, Journal, JournalError};
use crate::source::framing::{Content, Frame};
use crate::source::positions::{Kind, Origin, Positions, Reached};
use crate::source::queue::{EngineGone, Sender};
use crate::source::reader::{Batch, Events, Quarantine as _};
use crate::source::{Inlet, Input};
use crate::stored::Damaged;

use super::entry::{self, Said};

/// A source as it is configured now, with one of its streams.
pub struct Wanted {
    /// Its way into the stream.
    pub inlet: Inlet,
    /// What its partitions are.
    pub has: Partitions,
}

/// What the partitions of a source are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partitions {
    /// Connections, each of them.
    Connections,
    /// The source itself.
    Source,
    /// Files, or paths.
    Files,
    /// Partitions of topics.
    Topics,
}

/// What was recovered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// How many records became events again, or were rejected again.
    pub records: u64,
    /// How many are of no use because nobody is configured to read them, by source and stream.
    pub left: BTreeMap<(Box<str>, Box<str>), u64>,
    /// How many records are parts of bodies of which the end is missing: nobody was told that they are kept.
    pub parts: u64,
    /// How many partitions have been ended.
    pub ended: u64,
}

/// Why the journal cannot be worked off.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// It cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// An entry was not written by a source.
    #[error(
        "entry {number} of the journal cannot be read: {why}; use the version of the program that wrote it"
    )]
    Entry {
        /// Its number.
        number: u64,
        /// Why.
        why: Damaged,
    },
    /// Nothing says where records come from.
    #[error(
        "entry {number} of the journal is of partition {partition} of `{stream}`, which neither the journal nor the \
         state says anything of: use a state and a journal that belong together"
    )]
    Unknown {
        /// Its number.
        number: u64,
        /// The stream.
        stream: String,
        /// The partition.
        partition: u32,
    },
    /// The engine takes nothing any more.
    #[error(transparent)]
    Gone(#[from] EngineGone),
}

/// Works off the journal behind `positions`, which follow. `streams` knows the streams of the engine by
/// their names. To be done before any source begins.
///
/// # Errors
/// When the journal cannot be read, or does not belong to the positions.
pub async fn recover(
    journal: &Journal,
    positions: &mut Positions,
    sources: &[Wanted],
    streams: impl Fn(&str) -> Option<StreamId>,
    queue: &Sender,
) -> Result<Recovered, RecoverError> {
    let mut reader = journal.read_from(positions.journal.saturating_add(1))?;
    let mut replay = Replay {
        sources,
        queue,
        positions,
        going: BTreeMap::new(),
        unwanted: BTreeMap::new(),
        parts: Vec::new(),
        pending: None,
        recovered: Recovered::default(),
    };
    while let Some((number, entry)) = reader.read()? {
        replay.take(number, &entry).await?;
    }
    replay.leave_parts();
    replay.flush().await?;
    replay.end_what_is_gone(streams).await?;
    let recovered = replay.recovered;
    for ((source, stream), records) in &recovered.left {
        warn!(%source, %stream, records, "records in the journal are left out: this source is not configured any more");
    }
    if recovered.parts > 0 {
        let records = recovered.parts;
        info!(
            records,
            "what had come of bodies without their end is left out: nobody was told that it is kept"
        );
    }
    let (records, ended) = (recovered.records, recovered.ended);
    info!(records, ended, "the journal has been worked off");
    Ok(recovered)
}

/// A partition of a stream, by the name of that.
type Id = (Box<str>, u32);

struct Replay<'a> {
    sources: &'a [Wanted],
    queue: &'a Sender,
    positions: &'a mut Positions,
    going: BTreeMap<Id, Going<'a>>,
    /// Partitions of sources that are not configured any more.
    unwanted: BTreeMap<Id, Box<str>>,
    /// What is nothing without the entry that follows.
    parts: Vec<Part>,
    /// What has been decoded and not sent.
    pending: Option<Pending<'a>>,
    recovered: Recovered,
}

/// A partition whose records are decoded.
struct Going<'a> {
    inlet: &'a Inlet,
    events: Events,
    header: Option<Arc<[u8]>>,
}

/// An entry that is nothing without the one behind it.
struct Part {
    number: u64,
    stream: Box<str>,
    partition: u32,
    offset: u64,
    arrival: Timestamp,
    record: Box<[u8]>,
}

impl Part {
    fn of(number: u64, entry: &Entry<'_>) -> Part {
        let Entry { stream, partition, offset, arrival, record } = *entry;
        Part { number, stream: stream.into(), partition, offset, arrival, record: record.into() }
    }

    fn entry(&self) -> Entry<'_> {
        let Part { stream, partition, offset, arrival, record, .. } = self;
        Entry { stream, partition: *partition, offset: *offset, arrival: *arrival, record }
    }

    /// Whether an entry is what had to follow.
    fn is_followed_by(&self, next: &Entry<'_>) -> bool {
        let is_same = *self.stream == *next.stream && self.partition == next.partition;
        let is_record = matches!(Said::read(next.record), Ok(Said::Record { .. }));
        let has_begun = !matches!(Said::read(&self.record), Ok(Said::Opened(_)));
        // Another text begins with a record that says so.
        is_same && is_record && (!has_begun || entry::goes_on(next.record))
    }
}

/// A batch of one partition that is being made.
struct Pending<'a> {
    id: Id,
    inlet: &'a Inlet,
    batch: Batch,
    arrival: Timestamp,
    reached: Reached,
}

impl<'a> Replay<'a> {
    /// Takes an entry over as soon as what it is a part of is whole.
    async fn take(&mut self, number: u64, entry: &Entry<'_>) -> Result<(), RecoverError> {
        if !self.parts.last().is_some_and(|part| part.is_followed_by(entry)) {
            self.leave_parts();
        }
        if entry::is_part(entry.record) {
            self.parts.push(Part::of(number, entry));
            return Ok(());
        }
        for part in std::mem::take(&mut self.parts) {
            self.take_over(part.number, &part.entry()).await?;
        }
        self.take_over(number, entry).await
    }

    /// The end of what these are parts of was never written.
    fn leave_parts(&mut self) {
        for part in self.parts.drain(..) {
            // A partition that was to begin has not, but its number is not given again.
            self.positions.give(&part.stream, PartitionId(part.partition));
            let is_record = matches!(Said::read(&part.record), Ok(Said::Record { .. }));
            self.recovered.parts += u64::from(is_record);
        }
    }

    async fn take_over(&mut self, number: u64, entry: &Entry<'_>) -> Result<(), RecoverError> {
        let id: Id = (entry.stream.into(), entry.partition);
        let said = Said::read(entry.record).map_err(|why| RecoverError::Entry { number, why })?;
        match said {
            Said::Opened(origin) => self.open(id, origin).await?,
            Said::Record { is_first, number: line, record } => {
                if !self.find(&id, number)? {
                    let source = self.unwanted.get(&id).cloned().unwrap_or_default();
                    *self.recovered.left.entry((source, id.0)).or_default() += 1;
                    return Ok(());
                }
                let frame = Frame { offset: entry.offset, number: line, content: Content::Record(record) };
                self.record(id, number, entry.arrival, is_first, &frame, record.len()).await?;
            }
            Said::Closed => {
                self.flush().await?;
                self.going.remove(&id);
                self.close(&id, number).await?;
            }
        }
        Ok(())
    }

    /// The partition has come so far in the state, or has not been heard of.
    fn is_known(&self, id: &Id) -> Option<&Arc<Origin>> {
        let stream = self.positions.streams.get(&*id.0)?;
        stream.partitions.get(&PartitionId(id.1)).map(|position| &position.origin)
    }

    fn inlet(&self, source: &str, stream: &str) -> Option<&'a Wanted> {
        self.sources.iter().find(|wanted| {
            let identity = &wanted.inlet.identity;
            *identity.name == *source && identity.schema.name == stream
        })
    }

    async fn open(&mut self, id: Id, origin: Origin) -> Result<(), RecoverError> {
        self.positions.give(&id.0, PartitionId(id.1));
        let stream = self.positions.streams.get(&*id.0);
        let known = stream.and_then(|stream| stream.partitions.get(&PartitionId(id.1)));
        // A file that had been read to its end may have begun again.
        if known.is_some_and(|position| position.is_open) {
            return Ok(());
        }
        let Some(wanted) = self.inlet(&origin.source, &id.0) else {
            self.unwanted.insert(id, (*origin.source).into());
            return Ok(());
        };
        self.flush().await?;
        let (stream, partition) = (wanted.inlet.identity.stream, PartitionId(id.1));
        self.send(&id.0, Input::Opened { stream, partition, origin: Arc::new(origin) }).await
    }

    /// Whether the partition of an entry is wanted; then there is a decoder for it.
    fn find(&mut self, id: &Id, number: u64) -> Result<bool, RecoverError> {
        if self.going.contains_key(id) {
            return Ok(true);
        }
        if self.unwanted.contains_key(id) {
            return Ok(false);
        }
        let Some(origin) = self.is_known(id).cloned() else {
            return Err(RecoverError::Unknown { number, stream: id.0.to_string(), partition: id.1 });
        };
        let Some(wanted) = self.inlet(&origin.source, &id.0) else {
            self.unwanted.insert(id.clone(), (*origin.source).into());
            return Ok(false);
        };
        let inlet = &wanted.inlet;
        let mut events = inlet.identity.events(PartitionId(id.1));
        let header = self.positions.streams[&*id.0].partitions[&PartitionId(id.1)].reached.header.clone();
        if let Some(header) = &header {
            events.learn(header);
        }
        self.going.insert(id.clone(), Going { inlet, events, header });
        Ok(true)
    }

    async fn record(
        &mut self,
        id: Id,
        number: u64,
        arrival: Timestamp,
        is_first: bool,
        frame: &Frame<'_>,
        length: usize,
    ) -> Result<(), RecoverError> {
        self.recovered.records += 1;
        let goes_on = |pending: &Pending<'_>| {
            let limits = pending.inlet.around.limits.batch;
            pending.id == id && pending.arrival == arrival && !pending.batch.is_full(limits)
        };
        let is_full = self.pending.as_ref().is_some_and(|pending| (&*pending.inlet.reports).is_full());
        if is_full || !self.pending.as_ref().is_some_and(goes_on) {
            self.flush().await?;
        }
        let going = self.going.get_mut(&id).expect("it has been found");
        if is_first {
            going.events = going.inlet.identity.events(PartitionId(id.1));
        }
        let pending = self.pending.get_or_insert_with(|| Pending {
            id,
            inlet: going.inlet,
            batch: Batch::default(),
            arrival,
            reached: Reached::default(),
        });
        going.events.take(frame, |why| why, arrival, &mut pending.batch, &mut &*going.inlet.reports);
        if going.events.learnt() != going.header.as_deref() {
            going.header = going.events.learnt().map(Arc::from);
        }
        pending.reached = Reached {
            // At least where the next one begins.
            offset: frame.offset + length as u64 + 1,
            number: frame.number + 1,
            header: going.header.clone(),
            journal: number,
            file: None,
        };
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), RecoverError> {
        let Some(Pending { id: (name, partition), inlet, batch, arrival, reached }) = self.pending.take()
        else {
            return Ok(());
        };
        inlet.reports.flush().await;
        let (stream, partition) = (inlet.identity.stream, PartitionId(partition));
        let input = if batch.events.is_empty() {
            Input::Reached { stream, partition, reached }
        } else {
            inlet.identity.metrics.took(batch.events.len() as u64, arrival);
            let source = inlet.identity.index;
            Input::Events { source, stream, partition, batch, arrival, reached }
        };
        self.send(&name, input).await
    }

    async fn close(&mut self, id: &Id, journal: u64) -> Result<(), RecoverError> {
        let Some(origin) = self.is_known(id).cloned() else { return Ok(()) };
        let Some(wanted) = self.inlet(&origin.source, &id.0) else { return Ok(()) };
        let (stream, partition) = (wanted.inlet.identity.stream, PartitionId(id.1));
        self.send(&id.0, Input::Closed { stream, partition, journal }).await
    }

    /// Ends the partitions that nobody goes on with.
    async fn end_what_is_gone(
        &mut self,
        streams: impl Fn(&str) -> Option<StreamId>,
    ) -> Result<(), RecoverError> {
        let is_gone = |name: &str, origin: &Origin| {
            let has = self.inlet(&origin.source, name).map(|wanted| wanted.has);
            match origin.kind {
                Kind::Connection(_) => true,
                Kind::Source => has != Some(Partitions::Source),
                Kind::File(_) => has != Some(Partitions::Files),
                Kind::Kafka { .. } => has != Some(Partitions::Topics),
            }
        };
        let open = self.positions.open().filter(|(name, _, position)| is_gone(name, &position.origin));
        let gone: Vec<(Box<str>, PartitionId)> = open.map(|(name, id, _)| (name.into(), id)).collect();
        for (name, partition) in gone {
            // Of a stream that the rules do not have any more the engine knows nothing.
            let Some(stream) = streams(&name) else { continue };
            self.recovered.ended += 1;
            self.send(&name, Input::Closed { stream, partition, journal: 0 }).await?;
        }
        Ok(())
    }

    async fn send(&mut self, stream: &str, input: Input) -> Result<(), RecoverError> {
        self.positions.follow(stream, &input);
        Ok(self.queue.send(input).await?)
    }
}
