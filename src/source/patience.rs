//! Gives up on a connection that is silent for too long.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// Bytes whose reading fails when none come for a while. Only time in which somebody wants to read
/// counts, not that in which the engine wants no more.
pub struct Patience<S> {
    bytes: S,
    limit: Duration,
    timer: Pin<Box<Sleep>>,
    /// Whether a read waits and the timer runs.
    waiting: bool,
}

impl<S> Patience<S> {
    /// With a limit.
    pub fn new(bytes: S, limit: Duration) -> Patience<S> {
        Patience { bytes, limit, timer: Box::pin(sleep(limit)), waiting: false }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patience<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Poll::Ready(read) = Pin::new(&mut self.bytes).poll_read(context, buffer) {
            self.waiting = false;
            return Poll::Ready(read);
        }
        if !self.waiting {
            self.waiting = true;
            let end = Instant::now() + self.limit;
            self.timer.as_mut().reset(end);
        }
        if self.timer.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        let message = format!("nothing has come for {:?} (`read_timeout`)", self.limit);
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, message)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    #[tokio::test(start_paused = true)]
    async fn only_silence_runs_the_time_down() {
        let (mut far, near) = duplex(64);
        let mut bytes = Patience::new(near, Duration::from_secs(10));
        let mut buffer = [0; 8];
        for _ in 0..3 {
            let read = tokio::spawn(async move {
                tokio::time::sleep(Duration::from_secs(9)).await;
                far.write_all(b"x").await.expect("it is read");
                far
            });
            assert_eq!(bytes.read(&mut buffer).await.expect("it came in time"), 1);
            far = read.await.expect("no panic");
            // Nobody wants to read meanwhile.
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        let error = bytes.read(&mut buffer).await.expect_err("nothing comes");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(error.to_string().contains("10s"), "{error}");
    }
}
