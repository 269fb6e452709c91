//! One partition on its way to the engine: what all sources share.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::{Instant, timeout};
use tracing::{debug, error, info, warn};

use crate::event::{PartitionId, Timestamp};

use super::queue::EngineGone;
use super::reader::{Batch, Reader};
use super::{Inlet, Input};

/// When the service stops, a partition is read until nothing has arrived for this long: what the
/// other side had sent by then has been received.
const QUIET: Duration = Duration::from_millis(50);
/// But no longer than this, however much keeps coming.
const LAST_READS: Duration = Duration::from_secs(2);

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
        Some(Feed { inlet, partition, reader, arrival: Timestamp::MIN })
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
        self.inlet.identity.metrics.bytes.add(count as u64);
        self.reader.filled(count);
        self.send(false).await
    }

    /// The bytes, or those of a datagram, have ended: sends on what is left.
    ///
    /// # Errors
    /// When the engine takes nothing any more.
    pub async fn end(&mut self) -> Result<(), EngineGone> {
        self.send(true).await
    }

    /// How many bytes of a record that is not whole have been read.
    pub fn pending(&self) -> u64 {
        self.reader.pending()
    }

    /// The connection is lost: until [`Feed::connected`], the partition does not become idle. A record
    /// that was not whole is given up.
    ///
    /// # Errors
    /// When the engine takes nothing any more.
    pub async fn disconnected(&mut self) -> Result<(), EngineGone> {
        self.end().await?;
        let (stream, partition) = (self.inlet.identity.stream, self.partition);
        self.inlet.around.queue.send(Input::Disconnected { stream, partition }).await
    }

    /// The connection is there again.
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

    async fn send(&mut self, ended: bool) -> Result<(), EngineGone> {
        self.arrival = self.arrival.max(self.inlet.around.clock.now());
        let mut reports = &*self.inlet.reports;
        loop {
            let mut batch = Batch::default();
            let limits = self.inlet.around.limits.batch;
            let more = self.reader.decode(self.arrival, limits, &mut batch, &mut reports);
            if ended && !more {
                self.reader.end(self.arrival, &mut batch, &mut reports);
            }
            reports.flush().await;
            if !batch.events.is_empty() {
                self.inlet.identity.metrics.events.add(batch.events.len() as u64);
                let source = self.inlet.identity.index;
                self.inlet.around.queue.send(Input::Events { source, batch, arrival: self.arrival }).await?;
            }
            if !more {
                return Ok(());
            }
        }
    }
}

/// How reading came to its end.
enum End {
    /// The other side has sent everything.
    Finished,
    /// The service stops.
    Stopped,
}

/// Reads a partition until its bytes end or the service stops. One that ended is closed at the engine.
pub async fn read(bytes: impl AsyncRead + Unpin, mut feed: Feed<'_>) {
    let name = &feed.inlet.identity.name;
    match read_all(bytes, &mut feed).await {
        Ok(End::Finished) => feed.close().await,
        Ok(End::Stopped) => {
            let (partition, bytes) = (feed.partition.0, feed.pending());
            if bytes > 0 {
                info!(source = %name, partition, bytes, "stopped in the middle of a record");
            }
        }
        Err(EngineGone) => debug!(source = %name, "the engine has stopped"),
    }
}

async fn read_all(mut bytes: impl AsyncRead + Unpin, feed: &mut Feed<'_>) -> Result<End, EngineGone> {
    let mut stop = feed.inlet.around.stop.clone();
    loop {
        let read = tokio::select! {
            biased;
            () = stop.wanted() => return last_reads(bytes, feed).await,
            read = async { feed.wait().await; bytes.read(feed.space()).await } => read,
        };
        if take(read, feed).await? {
            return Ok(End::Finished);
        }
    }
}

/// Reads what has been received by now.
async fn last_reads(mut bytes: impl AsyncRead + Unpin, feed: &mut Feed<'_>) -> Result<End, EngineGone> {
    let begun = Instant::now();
    while begun.elapsed() < LAST_READS {
        let Ok(read) = timeout(QUIET, bytes.read(feed.space())).await else { break };
        if take(read, feed).await? {
            return Ok(End::Finished);
        }
    }
    Ok(End::Stopped)
}

/// Takes the result of a read. Returns whether the bytes have ended.
async fn take(read: io::Result<usize>, feed: &mut Feed<'_>) -> Result<bool, EngineGone> {
    match read {
        Ok(0) => {}
        Ok(count) => {
            feed.filled(count).await?;
            return Ok(false);
        }
        Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(false),
        Err(error) => {
            let (source, partition) = (&feed.inlet.identity.name, feed.partition.0);
            warn!(%source, partition, %error, "reading failed; the partition ends here");
        }
    }
    feed.end().await?;
    Ok(true)
}
