//! One partition on its way to the engine: what all sources share.
//!
//! Enters: bytes. Leaves: batches of events, each with how far the partition has come with it: to the queue
//! of the engine if they can be read again, and through the journal if not, so far as there is one.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tracing::{debug, error, info, warn};

use crate::event::{PartitionId, Timestamp};

use super::gate::ack::Acks;
use super::gate::{Gate, Load, Opening, Refused};
use super::positions::{FileReached, Kind, Origin, Piece, Reached, Stored};
use super::queue::EngineGone;
use super::reader::{Batch, Place, Quarantine as _, Reader, Records, Rejection};
use super::{Inlet, Input};

/// When the service stops, a partition is read until nothing has arrived for this long: what the
/// other side had sent by then has been received.
pub const QUIET: Duration = Duration::from_millis(50);
/// But no longer than this, however much keeps coming.
pub const LAST_READS: Duration = Duration::from_secs(2);

/// A partition that the engine knows of: bytes go in, batches of events go to the engine.
///
/// Dropping it leaves the partition open at the engine, as is right when the service stops: it might
/// have held event time back, and what would then be decided was not certain.
pub struct Feed<'a> {
    pub(super) inlet: &'a Inlet,
    partition: PartitionId,
    origin: Arc<Origin>,
    reader: Reader,
    /// The way through the journal, if that is its way.
    kept: Option<Kept<'a>>,
    /// Where in files it is, if it is read from files.
    file: Option<InFile>,
    /// Ends when the engine knows of the partition and what was said of it since, where that goes through the
    /// journal and nothing else does.
    opening: Option<oneshot::Receiver<Infallible>>,
    /// What the engine was told last of how far it has come.
    told: Reached,
    /// Never goes back, or events of a stream by arrival time would be late when the clock is set.
    arrival: Timestamp,
    /// Events that have not been sent on.
    batch: Batch,
    /// How many bytes it got.
    received: u64,
}

/// What is known of a partition that goes through the journal.
struct Kept<'a> {
    gate: &'a Gate,
    /// Whether something of it is in the journal.
    has_begun: bool,
    /// The number of its last entry; 0: it has none since the start.
    last: u64,
    /// How many records have been dealt with.
    count: u64,
    /// Whom to tell that they have been, if somebody wants to know.
    acks: Option<Acks>,
}

/// Where in files a partition is.
struct InFile {
    /// The file that is read, with the offset in the partition at which it begins, or would begin: files
    /// that are not read from their beginning make that less than nothing.
    current: Option<(Piece, u64)>,
    left: Arc<[Piece]>,
    ended: Option<u64>,
}

impl InFile {
    /// What is to be stored of it when the partition has come to an offset.
    fn reached(&self, offset: u64) -> FileReached {
        let current = self.current.map(|(piece, begin)| Piece { read: offset.wrapping_sub(begin), ..piece });
        FileReached { current, left: Arc::clone(&self.left), ended: self.ended }
    }
}

impl Inlet {
    /// Tells the engine that a partition begins, which had come so far before if it had begun before. What is
    /// returned ends when the engine knows, and has to be waited for before anything else is said of the
    /// partition; `None`: it knows.
    ///
    /// # Errors
    /// When the engine takes nothing any more.
    pub(super) async fn open_partition(
        &self,
        partition: PartitionId,
        origin: &Arc<Origin>,
        reached: &Reached,
    ) -> Result<Option<oneshot::Receiver<Infallible>>, EngineGone> {
        let (name, stream) = (&self.identity.schema.name, self.identity.stream);
        if let Some(gate) = self.around.gate.as_ref().filter(|_| origin.kind.can_be_read_again()) {
            let (reached, now) = (reached.clone(), self.around.clock.now());
            match gate.open(Opening { name, stream, partition, origin, reached, now }).await {
                Ok(opening) => return Ok(Some(opening)),
                Err(Refused::Gone(gone)) => return Err(gone),
                // Only a path that is longer than any record may be.
                Err(why) => {
                    let (source, what) = (&self.identity.name, &origin.kind);
                    warn!(%source, %what, %why, "that the partition begins is not in the journal; it is read all the same");
                }
            }
        }
        self.around.queue.send(Input::Opened { stream, partition, origin: Arc::clone(origin) }).await?;
        Ok(None)
    }
}

impl<'a> Feed<'a> {
    /// Begins a partition: a new one, unless it is one that goes on after a restart. `None`, which has been
    /// logged, when the stream has no numbers left for partitions or the engine takes nothing any more.
    pub async fn begin(inlet: &'a Inlet, kind: Kind) -> Option<Feed<'a>> {
        let stored = match kind {
            Kind::Source => inlet.around.resume.lasting(&inlet.identity.name, &inlet.identity.schema.name),
            Kind::Connection(_) | Kind::File(_) | Kind::Kafka { .. } => None,
        };
        Feed::begin_or_go_on(inlet, kind, stored).await
    }

    /// The same for one of which is known whether it goes on.
    pub async fn begin_or_go_on(inlet: &'a Inlet, kind: Kind, stored: Option<Stored>) -> Option<Feed<'a>> {
        let stream = inlet.identity.stream;
        let number = match &stored {
            Some(stored) => Some(stored.partition),
            None => inlet.around.numbers.next(stream),
        };
        let Some(partition) = number else {
            error!(source = %inlet.identity.name, "the stream has no partition numbers left");
            return None;
        };
        let mut feed = Feed::new(inlet, partition, kind, stored.as_ref());
        let is_open = stored.is_some_and(|stored| stored.position.is_open);
        if feed.tell_the_engine(is_open).await.is_err() {
            debug!(source = %inlet.identity.name, "the engine has stopped");
            return None;
        }
        Some(feed)
    }

    async fn tell_the_engine(&mut self, is_open: bool) -> Result<(), EngineGone> {
        let (inlet, partition) = (self.inlet, self.partition);
        if is_open {
            // The engine has it in its state. It must not be taken for quiet because nobody was there.
            let stream = inlet.identity.stream;
            return inlet.around.queue.send(Input::Connected { stream, partition }).await;
        }
        self.opening = inlet.open_partition(partition, &self.origin, &self.told).await?;
        Ok(())
    }

    /// Waits until the engine knows of the partition.
    async fn opened(&mut self) {
        if let Some(opening) = self.opening.take() {
            // It never says anything, and ends when it is so.
            let _ = opening.await;
        }
    }

    fn new(inlet: &'a Inlet, partition: PartitionId, kind: Kind, stored: Option<&Stored>) -> Feed<'a> {
        let reached = stored.map(|stored| stored.position.reached.clone()).unwrap_or_default();
        let is_file = matches!(kind, Kind::File(_));
        // What a connection said before it broke means nothing for the next one.
        let header = reached.header.as_deref().filter(|_| is_file);
        let reader = inlet.reader(partition).going_on(reached.offset, reached.number, header);
        let gate = inlet.around.gate.as_ref().filter(|_| !is_file);
        let kept = gate.map(|gate| Kept { gate, has_begun: stored.is_some(), last: 0, count: 0, acks: None });
        let file = reached.file.as_ref().map(|file| InFile {
            current: file.current.map(|piece| (piece, reached.offset.wrapping_sub(piece.read))),
            left: Arc::clone(&file.left),
            ended: None,
        });
        let batch = match &kept {
            Some(_) => Batch::keeping(Records::new(true)),
            None => Batch::default(),
        };
        Feed {
            inlet,
            partition,
            origin: Arc::new(Origin { source: Arc::clone(&inlet.identity.name), kind }),
            reader,
            kept,
            file: file.filter(|_| is_file),
            opening: None,
            received: reached.offset,
            told: reached,
            arrival: Timestamp::MIN,
            batch,
        }
    }

    /// The same, which tells somebody how many records have been accepted, if it goes through the journal.
    pub fn acknowledged(mut self, acks: Option<Acks>) -> Feed<'a> {
        if let Some(kept) = &mut self.kept {
            kept.acks = acks;
        }
        self
    }

    /// What comes next is the part of a file that ends at `piece.read`, or will begin there when `length` is
    /// 0: that many bytes come. Before it, the files `left` have been read.
    pub fn in_file(&mut self, current: Option<Piece>, length: usize, left: Arc<[Piece]>) {
        let end = self.received + length as u64;
        let current = current.map(|piece| (piece, end.wrapping_sub(piece.read)));
        self.file = Some(InFile { current, left, ended: None });
    }

    /// The file, which has that size, has been read to its end, and no more is waited for.
    pub fn file_has_ended(&mut self, size: u64) {
        if let Some(file) = &mut self.file {
            file.ended = Some(size);
        }
    }

    /// The number of the partition.
    pub fn partition(&self) -> PartitionId {
        self.partition
    }

    /// Waits while the engine wants nothing more of this partition, because what it has sent waits
    /// for others.
    pub async fn wait(&mut self) {
        self.inlet.around.flow.wait((self.inlet.identity.stream, self.partition)).await;
    }

    /// Space for the next read; never empty.
    pub fn space(&mut self) -> &mut [u8] {
        self.reader.space()
    }

    /// The first `count` bytes of the last [`Feed::space`] hold data: sends on what is whole.
    ///
    /// # Errors
    /// When the engine takes nothing any more.
    pub async fn filled(&mut self, count: usize) -> Result<(), EngineGone> {
        self.count(count);
        self.reader.filled(count);
        self.decode().await?;
        self.flush().await
    }

    /// The bytes have ended: sends on what is left.
    ///
    /// # Errors
    /// When the engine takes nothing any more.
    pub async fn end(&mut self) -> Result<(), EngineGone> {
        self.decode().await?;
        self.reader.end(self.arrival, &mut self.batch, &mut &*self.inlet.reports);
        self.flush().await
    }

    /// Takes a datagram, which has nothing to do with the one before it. Its events are sent on with
    /// those of others, once the batch is full or [`Feed::flush`] is called. Returns whether a batch
    /// was sent.
    ///
    /// # Errors
    /// When the engine takes nothing any more.
    pub async fn datagram(&mut self, mut bytes: &[u8]) -> Result<bool, EngineGone> {
        self.count(bytes.len());
        let mut sent = false;
        while !bytes.is_empty() {
            let space = self.reader.space();
            let (piece, rest) = bytes.split_at(bytes.len().min(space.len()));
            space[..piece.len()].copy_from_slice(piece);
            self.reader.filled(piece.len());
            bytes = rest;
            sent |= self.decode().await?;
        }
        self.reader.end_datagram(self.arrival, &mut self.batch, &mut &*self.inlet.reports);
        Ok(sent)
    }

    /// A datagram has at least `length` bytes, which is more than allowed.
    pub fn oversized(&mut self, length: usize) {
        let place = Place {
            partition: self.partition,
            offset: self.received,
            line: self.inlet.identity.metrics.datagrams.get(),
        };
        let limit = self.inlet.around.limits.max_line;
        let why = Rejection::Oversized { length: length as u64, limit };
        (&mut &*self.inlet.reports).reject(place, &why, &[]);
    }

    /// Sends on the events of the last datagrams.
    ///
    /// # Errors
    /// When the engine takes nothing any more.
    pub async fn flush(&mut self) -> Result<(), EngineGone> {
        self.inlet.reports.flush().await;
        match self.kept {
            Some(_) => self.flush_to_journal().await,
            None => self.flush_to_engine().await,
        }
    }

    async fn flush_to_engine(&mut self) -> Result<(), EngineGone> {
        let reached = self.reached();
        let (stream, partition) = (self.inlet.identity.stream, self.partition);
        let batch = std::mem::take(&mut self.batch);
        let input = if !batch.events.is_empty() {
            self.inlet.identity.metrics.took(batch.events.len() as u64, self.arrival);
            let source = self.inlet.identity.index;
            let (reached, arrival) = (reached.clone(), self.arrival);
            Input::Events { source, stream, partition, batch, arrival, reached }
        } else if self.file.is_some() && reached != self.told {
            Input::Reached { stream, partition, reached: reached.clone() }
        } else {
            return Ok(());
        };
        self.told = reached;
        match (&input, &self.inlet.around.gate, &self.opening) {
            // Many files may begin together: that they have begun is not waited for one by one. What comes
            // next waits for this as well, or it could be said later how far the partition had come before.
            (Input::Reached { .. }, Some(gate), Some(_)) => {
                self.opening = Some(gate.pass_on(input)?);
                Ok(())
            }
            _ => {
                self.opened().await;
                self.inlet.around.queue.send(input).await
            }
        }
    }

    async fn flush_to_journal(&mut self) -> Result<(), EngineGone> {
        let reached = self.reached();
        let Some(kept) = &mut self.kept else { return Ok(()) };
        let records = self.batch.records.as_mut().map(|records| Box::new(records.take()));
        let next = Batch { records: self.batch.records.take(), ..Batch::default() };
        let batch = Batch { records, ..std::mem::replace(&mut self.batch, next) };
        kept.count += batch.count;
        if batch.records.as_ref().is_some_and(|records| !records.is_empty()) {
            let events = batch.events.len() as u64;
            let identity = &self.inlet.identity;
            let load = Load {
                name: &identity.schema.name,
                stream: identity.stream,
                partition: self.partition,
                arrival: self.arrival,
                origin: Some(&self.origin).filter(|_| !kept.has_begun),
                opens: false,
                source: identity.index,
                is_whole: false,
                batches: vec![(batch, reached)],
            };
            match kept.gate.keep(load, None).await {
                Ok(last) => kept.last = last,
                Err(Refused::Gone(gone)) => return Err(gone),
                Err(why) => {
                    // Batches are made so small that it does not come to this.
                    error!(source = %identity.name, events, %why, "the journal does not take a batch, which is lost");
                    return Ok(());
                }
            }
            kept.has_begun = true;
            identity.metrics.took(events, self.arrival);
        }
        if let Some(acks) = &kept.acks {
            acks.push(kept.last, kept.count);
        }
        Ok(())
    }

    /// How far it has come: all that is whole has been decoded.
    fn reached(&mut self) -> Reached {
        let offset = self.received - self.reader.pending();
        let header = match (self.reader.learnt(), &self.told.header) {
            (None, _) => None,
            (Some(now), Some(told)) if *now == **told => Some(Arc::clone(told)),
            (Some(now), _) => {
                let now: Arc<[u8]> = now.into();
                self.told.header = Some(Arc::clone(&now));
                Some(now)
            }
        };
        let file = self.file.as_ref().map(|file| Arc::new(file.reached(offset)));
        Reached { offset, number: self.reader.number(), header, journal: 0, file }
    }

    /// These bytes come next: sends on what is whole.
    ///
    /// # Errors
    /// When the engine takes nothing any more.
    pub async fn take(&mut self, mut bytes: &[u8]) -> Result<(), EngineGone> {
        while !bytes.is_empty() {
            let space = self.space();
            let (now, rest) = bytes.split_at(bytes.len().min(space.len()));
            space[..now.len()].copy_from_slice(now);
            bytes = rest;
            self.filled(now.len()).await?;
        }
        Ok(())
    }

    /// Other bytes begin, those of another file or connection: what was kept of a record is all there is
    /// of it, and what the decoder has learnt, as the header of a CSV file, is forgotten. Offsets go on.
    ///
    /// # Errors
    /// When the engine takes nothing any more.
    pub async fn begin_anew(&mut self) -> Result<(), EngineGone> {
        self.end().await?;
        self.reader.begin_again(self.inlet.identity.decoder());
        if let Some(records) = &mut self.batch.records {
            records.begin_text();
        }
        Ok(())
    }

    /// How many bytes of a record that is not whole have been read.
    pub fn pending(&self) -> u64 {
        self.reader.pending()
    }

    /// Logs that reading has stopped in the middle of a record, if it has.
    pub fn say_what_is_left(&self) {
        let (source, partition, bytes) = (&self.inlet.identity.name, self.partition.0, self.pending());
        if bytes > 0 {
            info!(%source, partition, bytes, "stopped in the middle of a record");
        }
    }

    /// How many bytes have come in all.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// There is no connection: until [`Feed::connected`], the partition does not become idle.
    ///
    /// # Errors
    /// When the engine takes nothing any more.
    pub async fn disconnected(&mut self) -> Result<(), EngineGone> {
        self.opened().await;
        let (stream, partition) = (self.inlet.identity.stream, self.partition);
        self.inlet.around.queue.send(Input::Disconnected { stream, partition }).await
    }

    /// There is a connection.
    ///
    /// # Errors
    /// When the engine takes nothing any more.
    pub async fn connected(&mut self) -> Result<(), EngineGone> {
        self.opened().await;
        let (stream, partition) = (self.inlet.identity.stream, self.partition);
        self.inlet.around.queue.send(Input::Connected { stream, partition }).await
    }

    /// The partition has ended and holds event time back no longer.
    pub async fn close(mut self) {
        self.opened().await;
        let (stream, partition) = (self.inlet.identity.stream, self.partition);
        match &self.kept {
            Some(kept) => {
                let name = &self.inlet.identity.schema.name;
                kept.gate.close(name, stream, partition, kept.has_begun, self.inlet.around.clock.now());
            }
            // When the engine is gone there is nothing to close.
            None => {
                let _ = self.inlet.around.queue.send(Input::Closed { stream, partition, journal: 0 }).await;
            }
        }
    }

    fn count(&mut self, bytes: usize) {
        self.received += bytes as u64;
        self.inlet.identity.metrics.bytes.add(bytes as u64);
    }

    /// Decodes what has been read, and sends on each batch that is full; returns whether one was.
    async fn decode(&mut self) -> Result<bool, EngineGone> {
        self.arrival = self.arrival.max(self.inlet.around.clock.now());
        let mut reports = &*self.inlet.reports;
        let limits = self.inlet.around.limits.batch;
        let mut sent = false;
        while self.reader.decode(self.arrival, limits, &mut self.batch, &mut reports) {
            self.flush().await?;
            sent = true;
        }
        Ok(sent)
    }
}
