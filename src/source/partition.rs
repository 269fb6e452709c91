//! Reads one partition to its end: what all sources of lines share.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::{Instant, timeout};
use tracing::{debug, info, warn};

use crate::codec::json::JsonDecoder;
use crate::event::{PartitionId, Timestamp};

use super::reader::{Batch, Reader};
use super::{Context, Input};

/// When the service stops, a partition is read until nothing has arrived for this long: what the
/// other side had sent by then has been received.
const QUIET: Duration = Duration::from_millis(50);
/// But no longer than this, however much keeps coming.
const LAST_READS: Duration = Duration::from_secs(2);

/// The engine takes nothing any more.
struct EngineGone;

/// How reading came to its end.
enum End {
    /// The other side has sent everything.
    Finished,
    /// The service stops.
    Stopped,
}

/// Reads a partition until its bytes end or the service stops. A partition that ended is closed at
/// the engine; one that was left because the service stops is not, for it might have held event time
/// back, and what would then be decided was not certain.
pub async fn read(bytes: impl AsyncRead + Unpin, partition: PartitionId, context: &Context) {
    let stream = context.identity.stream;
    if context.around.queue.send(Input::Opened { stream, partition }).await.is_err() {
        return;
    }
    let decoder = JsonDecoder::new(stream, &context.identity.schema);
    let reader = Reader::new(Box::new(decoder), partition, context.around.limits.max_line);
    let mut reading = Reading { bytes, reader, context, arrival: Timestamp::MIN };
    match reading.run().await {
        Ok(End::Finished) => {
            // When the engine is gone there is nothing to close.
            let _ = context.around.queue.send(Input::Closed { stream, partition }).await;
        }
        Ok(End::Stopped) => {
            let pending = reading.reader.pending();
            if pending > 0 {
                info!(
                    source = %context.identity.name,
                    partition = partition.0,
                    bytes = pending,
                    "stopped in the middle of a line"
                );
            }
        }
        Err(EngineGone) => debug!(source = %context.identity.name, "the engine has stopped"),
    }
}

struct Reading<'a, R> {
    bytes: R,
    reader: Reader,
    context: &'a Context,
    /// Never goes back, or events of a stream by arrival time would be late when the clock is set.
    arrival: Timestamp,
}

impl<R: AsyncRead + Unpin> Reading<'_, R> {
    async fn run(&mut self) -> Result<End, EngineGone> {
        let mut stop = self.context.around.stop.clone();
        loop {
            let read = tokio::select! {
                biased;
                () = stop.wanted() => return self.last_reads().await,
                read = self.bytes.read(self.reader.space()) => read,
            };
            if self.take(read).await? {
                return Ok(End::Finished);
            }
        }
    }

    /// Reads what has been received by now.
    async fn last_reads(&mut self) -> Result<End, EngineGone> {
        let begun = Instant::now();
        while begun.elapsed() < LAST_READS {
            let Ok(read) = timeout(QUIET, self.bytes.read(self.reader.space())).await else { break };
            if self.take(read).await? {
                return Ok(End::Finished);
            }
        }
        Ok(End::Stopped)
    }

    /// Takes the result of a read. Returns whether the bytes have ended.
    async fn take(&mut self, read: std::io::Result<usize>) -> Result<bool, EngineGone> {
        let count = match read {
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return Ok(false),
            Err(error) => {
                let (source, partition) = (&self.context.identity.name, self.reader.partition().0);
                warn!(%source, partition, %error, "reading failed; the partition ends here");
                0
            }
        };
        self.arrival = self.arrival.max(self.context.around.clock.now());
        self.context.identity.metrics.bytes.add(count as u64);
        self.reader.filled(count);
        let mut reports = &*self.context.reports;
        loop {
            let mut batch = Batch::default();
            let limits = self.context.around.limits.batch;
            let more = self.reader.decode(self.arrival, limits, &mut batch, &mut reports);
            if !more && count == 0 {
                self.reader.end(self.arrival, &mut batch, &mut reports);
            }
            send(self.context, self.arrival, batch).await?;
            if !more {
                return Ok(count == 0);
            }
        }
    }
}

async fn send(context: &Context, arrival: Timestamp, batch: Batch) -> Result<(), EngineGone> {
    if batch.events.is_empty() {
        return Ok(());
    }
    context.identity.metrics.events.add(batch.events.len() as u64);
    let input = Input::Events { source: context.identity.index, batch, arrival };
    context.around.queue.send(input).await.map_err(|_| EngineGone)
}
