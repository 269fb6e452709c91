//! One partition on its way to the engine: what all sources share.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::{Instant, timeout};
use tracing::{debug, error, info, warn};

use crate::event::{PartitionId, Timestamp};

use super::queue::EngineGone;
use super::reader::{Batch, Place, Quarantine as _, Reader, Rejection};
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
    inlet: &'a Inlet,
    partition: PartitionId,
    reader: Reader,
    /// Never goes back, or events of a stream by arrival time would be late when the clock is set.
    arrival: Timestamp,
    /// Events that have not been sent on.
    batch: Batch,
    /// How many bytes it got.
    received: u64,
}

impl<'a> Feed<'a> {
    /// Begins a new partition. `None`, which has been logged, when the stream has no numbers left for
    /// partitions or the engine takes nothing any more.
    pub async fn begin(inlet: &'a Inlet) -> Option<Feed<'a>> {
        let stream = inlet.identity.stream;
        let Some(partition) = inlet.around.numbers.next(stream) else {
            error!(source = %inlet.identity.name, "the stream has no partition numbers left");
            return None;
        };
        if inlet.around.queue.send(Input::Opened { stream, partition }).await.is_err() {
            debug!(source = %inlet.identity.name, "the engine has stopped");
            return None;
        }
        let reader = inlet.reader(partition);
        Some(Feed { inlet, partition, reader, arrival: Timestamp::MIN, batch: Batch::default(), received: 0 })
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
        if self.batch.events.is_empty() {
            return Ok(());
        }
        let batch = std::mem::take(&mut self.batch);
        self.inlet.identity.metrics.events.add(batch.events.len() as u64);
        let source = self.inlet.identity.index;
        self.inlet.around.queue.send(Input::Events { source, batch, arrival: self.arrival }).await
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
        let (stream, partition) = (self.inlet.identity.stream, self.partition);
        self.inlet.around.queue.send(Input::Disconnected { stream, partition }).await
    }

    /// There is a connection.
    ///
    /// # Errors
    /// When the engine takes nothing any more.
    pub async fn connected(&mut self) -> Result<(), EngineGone> {
        let (stream, partition) = (self.inlet.identity.stream, self.partition);
        self.inlet.around.queue.send(Input::Connected { stream, partition }).await
    }

    /// The partition has ended and holds event time back no longer.
    pub async fn close(self) {
        let (stream, partition) = (self.inlet.identity.stream, self.partition);
        // When the engine is gone there is nothing to close.
        let _ = self.inlet.around.queue.send(Input::Closed { stream, partition }).await;
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

/// How reading came to its end.
pub enum End {
    /// The other side has sent everything.
    Finished,
    /// Reading failed.
    Failed(io::Error),
    /// The service stops.
    Stopped,
}

/// Reads a partition until its bytes end or the service stops. One that ended is closed at the engine.
pub async fn read(bytes: impl AsyncRead + Unpin, mut feed: Feed<'_>) {
    let (name, partition) = (&feed.inlet.identity.name, feed.partition.0);
    match pour(bytes, &mut feed).await {
        Ok(End::Finished) => feed.close().await,
        Ok(End::Failed(error)) => {
            if let Some(held_back) = feed.inlet.reports.may_log() {
                let source = name;
                warn!(%source, partition, %error, not_logged = held_back, "reading failed; the partition ends here");
            }
            feed.close().await;
        }
        Ok(End::Stopped) => feed.say_what_is_left(),
        Err(EngineGone) => debug!(source = %name, "the engine has stopped"),
    }
}

/// Reads into a partition until the bytes end or the service stops.
///
/// # Errors
/// When the engine takes nothing any more.
pub async fn pour(mut bytes: impl AsyncRead + Unpin, feed: &mut Feed<'_>) -> Result<End, EngineGone> {
    let mut stop = feed.inlet.around.stop.clone();
    loop {
        let read = tokio::select! {
            biased;
            () = stop.wanted() => return last_reads(bytes, feed).await,
            read = async { feed.wait().await; bytes.read(feed.space()).await } => read,
        };
        if let Some(end) = take(read, feed).await? {
            return Ok(end);
        }
    }
}

/// Reads what has been received by now.
async fn last_reads(mut bytes: impl AsyncRead + Unpin, feed: &mut Feed<'_>) -> Result<End, EngineGone> {
    let begun = Instant::now();
    while begun.elapsed() < LAST_READS {
        let Ok(read) = timeout(QUIET, bytes.read(feed.space())).await else { break };
        if let Some(end) = take(read, feed).await? {
            return Ok(end);
        }
    }
    Ok(End::Stopped)
}

/// Takes the result of a read. Returns how the bytes have ended, if they have.
async fn take(read: io::Result<usize>, feed: &mut Feed<'_>) -> Result<Option<End>, EngineGone> {
    let end = match read {
        Ok(0) => End::Finished,
        Ok(count) => {
            feed.filled(count).await?;
            return Ok(None);
        }
        Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(None),
        Err(error) => End::Failed(error),
    };
    feed.end().await?;
    Ok(Some(end))
}
