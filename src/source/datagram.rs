//! Reads datagrams as one partition: what sources over UDP and over Unix sockets share.
//!
//! Each datagram is cut into records by itself. Those that have arrived since the last look are sent
//! on together, so that a flood makes no batch a datagram.

use std::io;
use std::time::Duration;

use tokio::time::{Instant, interval, timeout};
use tracing::{debug, warn};

use super::Inlet;
use super::partition::{Feed, LAST_READS, QUIET};
use super::positions::Kind;
use super::queue::EngineGone;
use super::together::Turn;

/// How often the system is asked how many datagrams it has dropped.
const ASKING: Duration = Duration::from_secs(5);

/// Most datagrams that are taken before others get their turn, as stopping does.
const AT_ONCE: usize = 1024;

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

/// Reads datagrams of at most `largest` bytes until the service stops, once all have begun.
pub(super) async fn read(socket: impl Datagrams, largest: usize, inlet: Inlet, mut turn: Turn) {
    turn.come().await;
    let Some(feed) = Feed::begin(&inlet, Kind::Source).await else { return };
    turn.wait().await;
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
        let mut asking = interval(ASKING);
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
        self.feed.flush().await
    }

    /// Takes the datagrams that are there, and sends on their events. When they are more than a batch
    /// holds, the rest of them comes with the next look.
    async fn take(&mut self, ready: io::Result<()>) -> Result<(), EngineGone> {
        if let Err(error) = ready {
            self.report(&error);
        }
        for _ in 0..AT_ONCE {
            match self.socket.try_receive(&mut self.buffer) {
                Ok(size) if size == self.buffer.len() => self.pass_over(),
                Ok(size) => {
                    self.inlet.identity.metrics.datagrams.add(1);
                    if self.feed.datagram(&self.buffer[..size]).await? {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    if error.kind() != io::ErrorKind::WouldBlock {
                        self.report(&error);
                    }
                    break;
                }
            }
        }
        self.feed.flush().await
    }

    /// A datagram did not fit: the system has cut it off, and does not say how long it was.
    fn pass_over(&mut self) {
        self.inlet.identity.metrics.datagrams.add(1);
        self.feed.oversized(self.buffer.len());
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

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use super::super::Input;
    use super::super::tests::Bench;
    use super::*;

    /// Datagrams that are all there at once; then none for ever.
    struct There(Mutex<VecDeque<Vec<u8>>>);

    impl There {
        fn new(datagrams: impl IntoIterator<Item = String>) -> There {
            There(Mutex::new(datagrams.into_iter().map(String::into_bytes).collect()))
        }
    }

    impl Datagrams for There {
        async fn readable(&self) -> io::Result<()> {
            if self.0.lock().expect("no panic").is_empty() {
                std::future::pending::<()>().await;
            }
            Ok(())
        }

        fn try_receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
            let next = self.0.lock().expect("no panic").pop_front();
            let bytes = next.ok_or(io::ErrorKind::WouldBlock)?;
            let size = bytes.len().min(buffer.len());
            buffer[..size].copy_from_slice(&bytes[..size]);
            Ok(size)
        }

        fn dropped(&self) -> Option<u64> {
            Some(7)
        }
    }

    /// The sizes of the batches that come of datagrams.
    async fn batches(datagrams: There, bench: &mut Bench) -> Vec<usize> {
        let inlet = bench.inlet();
        bench.stop();
        read(datagrams, 100, inlet, Turn::alone()).await;
        let mut sizes = Vec::new();
        while let Ok(queued) = bench.queue.try_recv() {
            if let Input::Events { batch, .. } = queued.input {
                sizes.push(batch.events.len());
            }
        }
        sizes
    }

    #[tokio::test(start_paused = true)]
    async fn datagrams_that_wait_are_sent_on_together() {
        let mut bench = Bench::new(4);
        let datagrams = (0..6).map(|id| format!("{{\"id\":{id}}}\n{{\"id\":{id}}}"));
        let sizes = batches(There::new(datagrams), &mut bench).await;
        assert_eq!(sizes, [4, 4, 4]);
        assert_eq!((bench.metrics.datagrams.get(), bench.metrics.dropped.get()), (6, 7));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_wrong_with_one_is_no_matter_of_the_next() {
        let mut bench = Bench::new(100);
        let datagrams = ["{\"id\":1", "}", "", "{\"id\":2}", &"x".repeat(101), "{\"id\":3}"];
        let sizes = batches(There::new(datagrams.map(str::to_string)), &mut bench).await;
        assert_eq!(sizes, [2]);
        let rejected = &bench.metrics.rejected;
        let counts = ["syntax", "incomplete", "oversized"].map(|reason| rejected.of(reason).get());
        assert_eq!(counts, [2, 0, 1], "a datagram is whole, so that nothing is incomplete");
        assert_eq!(bench.metrics.datagrams.get(), 6);
    }
}
