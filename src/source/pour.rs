//! Reads bytes into a partition, until they end or the service stops.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::{Instant, timeout};
use tracing::{debug, warn};

use super::partition::{Feed, LAST_READS, QUIET};
use super::queue::EngineGone;

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
    let (name, partition) = (&feed.inlet.identity.name, feed.partition().0);
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
