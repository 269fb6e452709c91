//! Reads datagrams as one partition: what sources over UDP and over Unix sockets share.
//!
//! Each datagram is cut into records by itself. Those that have arrived since the last look are sent
//! on together, so that a flood makes no batch a datagram.

use std::io;

use tokio::time::{Instant, Interval, interval, timeout};
use tracing::{debug, warn};

use super::Inlet;
use super::partition::{Feed, LAST_READS, QUIET};
use super::queue::EngineGone;

/// How often the system is asked how many datagrams it has dropped.
const ASKING: std::time::Duration = std::time::Duration::from_secs(5);

/// Where datagrams come in.
pub(super) trait Datagrams: Send + 'static {
    /// Waits until one may be there.
    fn readable(&self) -> impl Future<Output = io::Result<()>> + Send;

    /// Takes the next one that is there, and returns its size; `WouldBlock` when there is none. What
    /// does not fit into `buffer` is lost.
    fn try_receive(&self, buffer: &mut [u8]) -> io::Result<usize>;

    /// How many datagrams the system has dropped because they were not taken in time, if it tells.
    fn dropped(&self) -> Option<u64> {
        None
    }
}

/// Reads datagrams of at most `largest` bytes until the service stops.
pub(super) async fn read(socket: impl Datagrams, largest: usize, inlet: Inlet) {
    let Some(feed) = Feed::begin(&inlet).await else { return };
    // One byte more, so that one that is too large does not look as if it just fits.
    let buffer = vec![0; largest + 1];
    let mut reading = Reading { socket, buffer, feed, inlet: &inlet, dropped: 0 };
    if let Err(EngineGone) = reading.run().await {
        debug!(source = %inlet.identity.name, "the engine has stopped");
    }
    reading.count_dropped();
}

struct Reading<'a, S> {
    socket: S,
    buffer: Vec<u8>,
    feed: Feed<'a>,
    inlet: &'a Inlet,
    /// How many drops have been counted.
    dropped: u64,
}

impl<S: Datagrams> Reading<'_, S> {
    async fn run(&mut self) -> Result<(), EngineGone> {
        let mut stop = self.inlet.around.stop.clone();
        let mut asking: Interval = interval(ASKING);
        loop {
            let ready = tokio::select! {
                biased;
                () = stop.wanted() => break,
                _ = asking.tick() => {
                    self.count_dropped();
                    continue;
                }
                ready = async { self.feed.wait().await; self.socket.readable().await } => ready,
            };
            self.take(ready).await?;
        }
        let begun = Instant::now();
        while begun.elapsed() < LAST_READS {
            let Ok(ready) = timeout(QUIET, self.socket.readable()).await else { break };
            self.take(ready).await?;
        }
        Ok(())
    }

    /// Takes the datagrams that are there, or as many as make a batch.
    async fn take(&mut self, ready: io::Result<()>) -> Result<(), EngineGone> {
        let mut failure = ready.err();
        while failure.is_none() {
            match self.socket.try_receive(&mut self.buffer) {
                Ok(size) if size == self.buffer.len() => self.pass_over(),
                Ok(size) => {
                    self.inlet.identity.metrics.datagrams.add(1);
                    if self.feed.datagram(&self.buffer[..size]).await? {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => failure = Some(error),
            }
        }
        match failure {
            Some(error) if error.kind() != io::ErrorKind::WouldBlock => self.report(&error),
            _ => {}
        }
        self.feed.flush().await
    }

    fn pass_over(&self) {
        self.inlet.identity.metrics.datagrams.add(1);
        self.inlet.identity.metrics.rejected.of("oversized").add(1);
        if let Some(held_back) = self.inlet.reports.may_log() {
            let (source, limit) = (&self.inlet.identity.name, self.buffer.len() - 1);
            warn!(%source, limit, not_logged = held_back, "rejected a datagram: it is too large");
        }
    }

    fn report(&self, error: &io::Error) {
        if let Some(held_back) = self.inlet.reports.may_log() {
            let source = &self.inlet.identity.name;
            warn!(%source, %error, not_logged = held_back, "a datagram could not be received");
        }
    }

    fn count_dropped(&mut self) {
        let Some(total) = self.socket.dropped() else { return };
        let new = total.saturating_sub(self.dropped);
        if new == 0 {
            return;
        }
        self.dropped = total;
        self.inlet.identity.metrics.dropped.add(new);
        warn!(
            source = %self.inlet.identity.name,
            datagrams = new,
            total,
            "the system dropped datagrams that came faster than they could be taken; \
             a larger `receive_buffer` bridges bursts"
        );
    }
}
