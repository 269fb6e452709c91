//! The way of records through the journal to the engine.
//!
//! Enters: batches of events of sources that cannot be replayed, with their records as they came. Leaves:
//! the same batches to the queue of the engine, once the records are on the disk, in the order of their
//! numbers in the journal; and word for senders that they are. [`entry`] is what stands in the journal,
//! [`ack`] tells clients, [`recover()`] gives the batches again after a restart.
//!
//! - The engine gets nothing that is not durable, and everything that is, in the order of the numbers: one
//!   number says how much of the journal it has taken.
//! - Reading goes on while the disk works: as many bytes of events wait here as the queue of the engine may
//!   hold. Who finds no room here or in the journal waits; nothing is dropped.
//! - What is refused is not in the journal, not even a part of it. After a loss of power the journal may end
//!   in the middle of what nobody was told of: of a body nothing is left then, of a connection the first
//!   records.

pub mod ack;
mod backlog;
pub mod entry;
mod forward;
mod recover;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::event::{PartitionId, StreamId, Timestamp};
use crate::journal::{AppendError, Entry, Journal, Trouble};
use crate::watch;

use super::Input;
use super::positions::{Origin, Reached};
use super::queue::{EngineGone, Sender};
use super::reader::{Batch, Records};

use backlog::{Blocked, Progress, lock};
use forward::{Held, Waiting};

pub use backlog::{Backlog, Listening};
pub use forward::Forwarder;
pub use recover::{Partitions, Wanted, recover};
#[cfg(test)]
pub use recover::{RecoverError, Recovered};

/// What an entry takes in the journal besides its record and the name of its stream, at most.
const ENTRY: usize = 64;
/// The way in. Clones are the same gate.
#[derive(Clone)]
pub struct Gate(Arc<Shared>);

struct Shared {
    journal: Journal,
    progress: watch::Receiver<Progress>,
    line: Mutex<Line>,
    room: Arc<Semaphore>,
    bytes: u32,
    backlog: Arc<Backlog>,
}

/// Where batches wait, in the order of their numbers.
struct Line {
    waiting: mpsc::UnboundedSender<Waiting>,
    /// The number of the last of them.
    last: u64,
}

/// What is taken or refused together.
pub struct Load<'a> {
    /// The name of the stream.
    pub name: &'a str,
    /// The stream.
    pub stream: StreamId,
    /// The partition.
    pub partition: PartitionId,
    /// When it arrived.
    pub arrival: Timestamp,
    /// Where the partition comes from, if nothing of it is in the journal yet.
    pub origin: Option<&'a Arc<Origin>>,
    /// Whether the engine is to be told before that the partition begins.
    pub opens: bool,
    /// The place of the source in the configuration.
    pub source: usize,
    /// Whether it begins a text and is nothing without its end: a loss of power leaves all of it or nothing.
    pub is_whole: bool,
    /// The batches, with how far the partition has come with each.
    pub batches: Vec<(Batch, Reached)>,
}

/// What waits for entries of the journal.
struct Inputs {
    /// Each with the number of entries that it comes with: so far the journal has come with it.
    inputs: Vec<(usize, Input)>,
    /// Whether each waits for all entries, and not only for those that it comes with.
    is_whole: bool,
    held: Option<Held>,
}

/// A partition that can be read again, and begins.
pub struct Opening<'a> {
    /// The name of its stream.
    pub name: &'a str,
    /// The stream.
    pub stream: StreamId,
    /// The partition.
    pub partition: PartitionId,
    /// Where it comes from.
    pub origin: &'a Arc<Origin>,
    /// How far it had come before, if it had begun before.
    pub reached: Reached,
    /// When it begins.
    pub now: Timestamp,
}

/// Why something was not kept. Nothing of it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There was no room for it among what waits for the engine.
    #[error("the engine is behind")]
    Behind,
    /// The journal does not take it.
    #[error(transparent)]
    Journal(AppendError),
    /// The service stops.
    #[error(transparent)]
    Gone(#[from] EngineGone),
}

/// What has become of what was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is on the disk.
    Durable,
    /// The disk is in trouble. It may still be written.
    Uncertain(Arc<Trouble>),
    /// The journal has ended without it.
    Ended,
}

/// Opens a way through a journal that tells `listening` of what it does. At most `bytes` of events wait
/// on it. What is durable leaves through the [`Forwarder`].
pub fn gate(journal: Journal, listening: &Listening, queue: Sender, bytes: usize) -> (Gate, Forwarder) {
    let status = journal.status();
    // Its thread may have told something by now.
    listening.progress.send_modify(|progress| progress.durable = progress.durable.max(status.durable));
    let (waiting, line) = mpsc::unbounded_channel();
    let bytes = u32::try_from(bytes.max(1)).unwrap_or(u32::MAX);
    let backlog = Arc::clone(&listening.backlog);
    let progress = listening.progress.subscribe();
    let forwarder = Forwarder::new(line, progress.clone(), queue, Arc::clone(&backlog));
    let last = status.next - 1;
    let shared = Shared {
        journal,
        progress,
        line: Mutex::new(Line { waiting, last }),
        room: Arc::new(Semaphore::new(bytes as usize)),
        bytes,
        backlog,
    };
    (Gate(Arc::new(shared)), forwarder)
}

impl Gate {
    /// The longest record that can be kept.
    pub fn longest_record(&self) -> usize {
        self.0.journal.limits().entry.saturating_sub(2 * ENTRY)
    }

    /// How large a batch may be that takes one record more.
    pub fn largest_batch(&self) -> usize {
        let limits = self.0.journal.limits();
        limits.waiting.saturating_sub(limits.entry) / 2
    }

    /// Takes a load, waiting for room until `deadline`, or for as long as it takes; with a deadline it is
    /// not waited for a disk in trouble. Gives the number of the last entry. To be called for the loads
    /// of a partition one after the other.
    ///
    /// # Errors
    /// When nothing of it was taken.
    pub async fn keep(&self, load: Load<'_>, deadline: Option<Instant>) -> Result<u64, Refused> {
        let Load { name, stream, partition, arrival, origin, opens, source, is_whole, batches } = load;
        let bytes: u64 = batches.iter().map(|(batch, _)| batch.bytes as u64).sum();
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).min(self.0.bytes);
        let room = Arc::clone(&self.0.room).acquire_many_owned(bytes);
        let room = match deadline {
            Some(deadline) => timeout_at(deadline, room).await.map_err(|_| Refused::Behind)?,
            None => room.await,
        };
        let room = room.map_err(|_| EngineGone)?;

        let mut opening = origin.map(|origin| entry::opened(origin));
        let mut inputs = Vec::new();
        if let Some(origin) = origin.filter(|_| opens) {
            inputs.push((0, Input::Opened { stream, partition, origin: Arc::clone(origin) }));
        }
        let mut count = usize::from(opening.is_some());
        let mut records = Vec::new();
        for (mut batch, reached) in batches {
            let own = batch.records.take().map(|records| *records);
            count += own.as_ref().map_or(0, Records::len);
            records.extend(own);
            inputs.push((count, Input::Events { source, stream, partition, batch, arrival, reached }));
        }
        if is_whole && let Some((last, before)) = records.split_last_mut() {
            opening.iter_mut().for_each(|opening| entry::make_part(opening));
            before.iter_mut().for_each(|records| records.make_parts(true));
            last.make_parts(false);
        }
        let PartitionId(number) = partition;
        let entry = |offset, record| Entry { stream: name, partition: number, offset, arrival, record };
        let opening = opening.iter().map(|record| entry(0, record));
        let rest = records.iter().flat_map(Records::iter).map(|(offset, record)| entry(offset, record));
        let entries: Vec<Entry<'_>> = opening.chain(rest).collect();
        let inputs = Inputs { inputs, is_whole, held: Some(Held::Room(room)) };
        self.append(&entries, inputs, deadline).await
    }

    /// Begins a partition that can be read again, behind everything that waits. Its records can be read
    /// again, but that it holds event time back stands in the journal: what comes through it afterwards
    /// must not find event time further on after a restart than it was. What is returned ends when the
    /// engine has been told.
    ///
    /// # Errors
    /// When the service stops before the journal has taken it.
    pub async fn open(&self, opening: Opening<'_>) -> Result<oneshot::Receiver<Infallible>, Refused> {
        let Opening { name, stream, partition, origin, reached, now } = opening;
        let record = entry::opened(origin);
        let PartitionId(number) = partition;
        let entry = Entry { stream: name, partition: number, offset: 0, arrival: now, record: &record };
        let opened = Input::Opened { stream, partition, origin: Arc::clone(origin) };
        let inputs = vec![(1, opened), (1, Input::Reached { stream, partition, reached })];
        let (passing, passed) = oneshot::channel();
        let inputs = Inputs { inputs, is_whole: false, held: Some(Held::Passing(passing)) };
        self.append(&[entry], inputs, None).await?;
        Ok(passed)
    }

    /// Passes something on behind everything that waits. What is returned ends when the engine has it.
    ///
    /// # Errors
    /// When the service stops.
    pub fn pass_on(&self, mut input: Input) -> Result<oneshot::Receiver<Infallible>, EngineGone> {
        let line = self.line();
        let number = line.last;
        note_number(&mut input, number);
        let (passing, passed) = oneshot::channel();
        let waiting = Waiting { number, input, _held: Some(Held::Passing(passing)) };
        line.waiting.send(waiting).map_err(|_| EngineGone)?;
        Ok(passed)
    }

    /// Appends entries as soon as the journal takes them, and lets the inputs wait for them.
    async fn append(
        &self,
        entries: &[Entry<'_>],
        mut inputs: Inputs,
        deadline: Option<Instant>,
    ) -> Result<u64, Refused> {
        let mut blocked = None;
        let mut progress = self.0.progress.clone();
        loop {
            progress.mark_unchanged();
            let why = match self.try_append(entries, &mut inputs)? {
                Ok(last) => return Ok(last),
                Err(why) => why,
            };
            let is_hopeless = deadline.is_some() && matches!(why, AppendError::Trouble(_));
            if is_hopeless || !why.is_temporary() {
                return Err(if why == AppendError::Ended {
                    EngineGone.into()
                } else {
                    Refused::Journal(why)
                });
            }
            blocked.get_or_insert_with(|| Blocked::begin(&self.0.backlog)).because(&why);
            let changed = match deadline {
                Some(deadline) => match timeout_at(deadline, progress.changed()).await {
                    Ok(changed) => changed,
                    Err(_) => return Err(Refused::Journal(why)),
                },
                None => progress.changed().await,
            };
            changed.map_err(|_| EngineGone)?;
        }
    }

    fn try_append(
        &self,
        entries: &[Entry<'_>],
        Inputs { inputs, is_whole, held }: &mut Inputs,
    ) -> Result<Result<u64, AppendError>, EngineGone> {
        // Under one lock, so that those who wait stand in the order of the numbers.
        let mut line = self.line();
        let before = line.last;
        if !entries.is_empty() {
            match self.0.journal.append(entries) {
                Ok(ticket) => line.last = *ticket.numbers().end(),
                Err(why) => return Ok(Err(why)),
            }
        }
        let first = line.last + 1 - entries.len() as u64;
        let many = inputs.len();
        for (index, (count, mut input)) in inputs.drain(..).enumerate() {
            let number = if count == 0 { before } else { first + count as u64 - 1 };
            note_number(&mut input, number);
            let number = if *is_whole { line.last } else { number };
            let held = if index + 1 == many { held.take() } else { None };
            line.waiting.send(Waiting { number, input, _held: held }).map_err(|_| EngineGone)?;
        }
        Ok(Ok(line.last))
    }

    /// A partition ends, behind everything of it that waits. `is_kept`: something of it is in the journal.
    /// When the journal does not take this, the partition is ended after the restart.
    pub fn close(&self, name: &str, stream: StreamId, partition: PartitionId, is_kept: bool, now: Timestamp) {
        let mut line = self.line();
        let PartitionId(number) = partition;
        let record = entry::closed();
        let entry = Entry { stream: name, partition: number, offset: u64::MAX, arrival: now, record };
        let mut journal = 0;
        if is_kept && let Ok(ticket) = self.0.journal.append(&[entry]) {
            line.last = *ticket.numbers().end();
            journal = line.last;
        }
        let input = Input::Closed { stream, partition, journal };
        // When the engine is gone there is nothing to close.
        let _ = line.waiting.send(Waiting { number: line.last, input, _held: None });
    }

    /// Waits until an entry and all before it are durable, or there is trouble.
    pub async fn outcome(&self, number: u64) -> Outcome {
        let mut progress = self.0.progress.clone();
        let settled = progress.wait_for(|progress| {
            progress.durable >= number || progress.trouble.is_some() || progress.has_ended
        });
        match settled.await {
            Ok(progress) if progress.durable >= number => Outcome::Durable,
            Ok(progress) => match &progress.trouble {
                Some(trouble) if !progress.has_ended => Outcome::Uncertain(Arc::clone(trouble)),
                _ => Outcome::Ended,
            },
            Err(_) => Outcome::Ended,
        }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        // What is sent or not leaves nothing half changed.
        lock(&self.0.line)
    }
}

/// Notes with what a partition has come so far that it waits for an entry of the journal.
fn note_number(input: &mut Input, number: u64) {
    if let Input::Events { reached, .. } | Input::Reached { reached, .. } = input {
        reached.journal = number;
    }
}
