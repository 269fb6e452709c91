//! Files that are followed: one task looks at them, and one for each path reads.
//!
//! The looks never wait for the engine: a file that is replaced while its reader waits is opened all
//! the same, and read when its turn comes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};
use tracing::{debug, error, info, warn};

use crate::event::PartitionId;
use crate::source::partition::{Feed, LAST_READS};
use crate::source::positions::Kind;
use crate::source::queue::EngineGone;
use crate::source::together::Turn;
use crate::source::{Inlet, Input, Running, Source, announce, only};
use crate::watch;

use super::Start;
use super::follower::{News, Step, Why};
use super::order::{begin_together, join};
use super::pattern::Paths;
use super::pieces::{Pieces, away};
use super::watch::{Findings, Followed, Watch};

/// Files that are to be followed.
#[derive(Debug)]
pub struct Following {
    paths: Paths,
    start: Start,
    poll: Duration,
    max_files: usize,
}

impl Following {
    /// Follows `paths`, at most `max_files` of them, and looks at them every `poll`.
    pub fn new(paths: Paths, start: Start, poll: Duration, max_files: usize) -> Following {
        Following { paths, start, poll, max_files }
    }
}

impl Source for Following {
    fn announce(&self, inlets: &[Inlet]) {
        announce(inlets, "following", &self.paths);
    }

    fn run(self: Box<Self>, inlets: Vec<Inlet>, mut turn: Turn) -> Running {
        let inlet = Arc::new(only(inlets));
        let (new, mut found) = mpsc::unbounded_channel();
        let (last, is_last) = watch::channel(false);
        Box::pin(async move {
            turn.come().await;
            let mut begins = Some(turn);
            let identity = &inlet.identity;
            let stored = inlet.around.resume.files(&identity.name, &identity.schema.name);
            let watch = Watch::new(self.paths, self.start, self.max_files).resuming(stored);
            let looking = tokio::spawn(look(watch, self.poll, Arc::clone(&inlet), new, last));
            let (pieces, mut tasks) = (Pieces::new(), JoinSet::new());
            while let Some(Changes { together, closed, forgotten }) = found.recv().await {
                if end(&inlet, closed, forgotten).await.is_err() {
                    break;
                }
                begin_together(together, begins.take(), &mut tasks, |followed, mut turn| {
                    let (inlet, pieces, is_last) = (Arc::clone(&inlet), pieces.clone(), is_last.clone());
                    async move {
                        turn.come().await;
                        let kind = Kind::File(followed.path.as_path().into());
                        let stored = followed.stored.clone();
                        let is_new = stored.is_none();
                        let Some(mut feed) = Feed::begin_or_go_on(&inlet, kind, stored).await else { return };
                        // It begins once.
                        let _ = followed.partition.set(feed.partition());
                        let (source, file) = (&inlet.identity.name, followed.path.display());
                        debug!(%source, %file, partition = feed.partition().0, "a file that is followed begins");
                        if is_new {
                            let (current, left) = followed.follower().reached();
                            feed.in_file(current, 0, left);
                            if feed.flush().await.is_err() {
                                return;
                            }
                        }
                        turn.wait().await;
                        let reading =
                            Reading { followed, inlet: &inlet, pieces, last: is_last, unreadable: false };
                        if let Err(EngineGone) = reading.run(feed).await {
                            debug!(source = %inlet.identity.name, "the engine has stopped");
                        }
                    }
                })
                .await;
                while tasks.try_join_next().is_some() {}
            }
            join(tasks).await;
            if let Err(failure) = looking.await
                && failure.is_panic()
            {
                std::panic::resume_unwind(failure.into_panic());
            }
        })
    }
}

/// What has changed about partitions.
struct Changes {
    /// Paths that begin, or go on after a restart.
    together: Vec<Arc<Followed>>,
    /// Partitions of before the restart whose paths are not followed any more.
    closed: Vec<PartitionId>,
    /// Partitions that have ended and of which nothing needs to be known any more.
    forgotten: Vec<PartitionId>,
}

/// Tells the engine which partitions have ended.
async fn end(inlet: &Inlet, closed: Vec<PartitionId>, forgotten: Vec<PartitionId>) -> Result<(), EngineGone> {
    let (stream, queue) = (inlet.identity.stream, &inlet.around.queue);
    for partition in closed {
        queue.send(Input::Closed { stream, partition, journal: 0 }).await?;
    }
    for partition in forgotten {
        queue.send(Input::Forgotten { stream, partition }).await?;
    }
    Ok(())
}

/// Looks at the paths until the service stops, then once more.
async fn look(
    mut watch: Watch,
    poll: Duration,
    inlet: Arc<Inlet>,
    new: mpsc::UnboundedSender<Changes>,
    last: watch::Sender<bool>,
) {
    let mut ticks = tokio::time::interval(poll);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stop = inlet.around.stop.clone();
    let mut is_first = true;
    loop {
        let stopping = tokio::select! {
            biased;
            () = stop.wanted() => true,
            _ = ticks.tick() => false,
        };
        let findings;
        (watch, findings) = away(move || {
            let findings = watch.look();
            (watch, findings)
        })
        .await;
        report(&findings, &inlet);
        let closed: Vec<_> = findings.dropped.iter().map(|stored| stored.partition).collect();
        let changes = Changes { together: findings.new, closed, forgotten: findings.forgotten };
        let is_none =
            changes.together.is_empty() && changes.closed.is_empty() && changes.forgotten.is_empty();
        // What the first look has found begins with all other sources, be it nothing.
        if (!is_none || std::mem::take(&mut is_first)) && new.send(changes).is_err() {
            return;
        }
        if stopping {
            watch.read_the_last();
            last.send_replace(true);
            return;
        }
    }
}

fn report(findings: &Findings, inlet: &Inlet) {
    let (source, metrics) = (&inlet.identity.name, &inlet.identity.metrics);
    metrics.files.set(findings.open as u64);
    metrics.unread.set(findings.unread);
    for trouble in &findings.troubles {
        warn!(%source, reason = %trouble, "cannot follow all files");
    }
    for dropped in &findings.dropped {
        let file = &dropped.position.origin.kind;
        info!(%source, %file, "a file that was followed before the restart is not to be followed any more");
    }
    for (path, news) in &findings.news {
        let file = path.display();
        match news {
            News::Waiting => info!(%source, %file, "there is no such file yet; waiting for it"),
            News::Opened(offset) => info!(%source, %file, offset, "following a file"),
            News::Resumed(offset) => {
                info!(%source, %file, offset, "following a file again from where it was left")
            }
            News::Replaced => info!(%source, %file, "another file has taken the place of this one"),
            News::Vanished => info!(%source, %file, "the file has gone; waiting for another"),
            News::Trouble(reason) => {
                warn!(%source, %file, %reason, "cannot read the file; trying again");
            }
        }
    }
}

/// One path that is read.
struct Reading<'a> {
    followed: Arc<Followed>,
    inlet: &'a Inlet,
    pieces: Pieces,
    /// Whether the last look has been.
    last: watch::Receiver<bool>,
    /// Whether the last read has failed.
    unreadable: bool,
}

impl Reading<'_> {
    async fn run(mut self, mut feed: Feed<'_>) -> Result<(), EngineGone> {
        let mut last = self.last.clone();
        loop {
            tokio::select! {
                biased;
                _ = last.wait_for(|last| *last) => break,
                () = feed.wait() => {}
            }
            match self.step(&mut feed).await? {
                Next::More => {}
                Next::Rest => tokio::select! {
                    biased;
                    _ = last.wait_for(|last| *last) => break,
                    () = self.followed.awake.notified() => {}
                },
                Next::Never => {
                    feed.close().await;
                    return Ok(());
                }
            }
        }
        let begun = Instant::now();
        let mut more = true;
        while more && begun.elapsed() < LAST_READS {
            more = matches!(self.step(&mut feed).await?, Next::More);
        }
        self.say_what_is_left(&feed, more);
        Ok(())
    }

    /// Reads one piece and sends it on.
    async fn step(&mut self, feed: &mut Feed<'_>) -> Result<Next, EngineGone> {
        let followed = Arc::clone(&self.followed);
        let read = move |space: &mut [u8]| {
            let mut follower = followed.follower();
            (follower.read(space), follower.reached())
        };
        let (piece, (step, (current, left))) = self.pieces.fill(read).await;
        let (source, file) = (&self.inlet.identity.name, self.followed.path.display());
        match step {
            Step::Bytes(count) => {
                if std::mem::take(&mut self.unreadable) {
                    info!(%source, %file, "the file can be read again");
                    feed.connected().await?;
                }
                feed.in_file(current, count, left);
                feed.take(&piece.bytes[..count]).await?;
                return Ok(Next::More);
            }
            Step::Anew(why) => {
                match why {
                    Why::Next => info!(%source, %file, "a file has been read to its end and left"),
                    Why::Truncated { read, size } => warn!(
                        %source,
                        %file,
                        read,
                        size,
                        "the file has been cut off: reading it from its beginning; what was written to it before, \
                         after the last read, is lost"
                    ),
                    Why::Missed { read } => warn!(
                        %source,
                        %file,
                        read,
                        "the file that was read before the restart has gone, under all its names; if something was \
                         written to it behind what was read, that is lost"
                    ),
                    Why::Lost => {
                        error!(%source, %file, "the file that was replaced is left, as it cannot be read")
                    }
                }
                feed.begin_anew().await?;
                feed.in_file(current, 0, left);
                feed.flush().await?;
                return Ok(Next::More);
            }
            Step::Failed(error) => {
                warn!(%source, %file, %error, "cannot read the file; trying again");
                self.unreadable = true;
                feed.disconnected().await?;
            }
            Step::Rest => {}
            Step::Gone => return Ok(Next::Never),
        }
        Ok(Next::Rest)
    }

    fn say_what_is_left(&self, feed: &Feed<'_>, more: bool) {
        let (source, file) = (&self.inlet.identity.name, self.followed.path.display());
        let bytes = feed.pending();
        if more {
            info!(%source, %file, "stopped before the end of the file");
        } else if bytes > 0 {
            info!(%source, %file, bytes, "stopped in the middle of a record");
        }
    }
}

/// What to do after a step.
enum Next {
    /// The next one.
    More,
    /// Wait until something may have changed.
    Rest,
    /// Nothing: the path has been given up.
    Never,
}
