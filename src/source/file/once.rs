//! Files that are read once, each to its end.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::task::JoinSet;
use tracing::{debug, error, info};

use crate::source::partition::Feed;
use crate::source::queue::EngineGone;
use crate::source::recording::{self, Recording};
use crate::source::{Inlet, Running, Source, announce, only};

use super::follower::kind_of;
use super::order::{begin_together, join};
use super::pattern::Paths;
use super::pieces::{Pieces, away};

/// Files that are open and not read yet.
pub struct Once {
    paths: Paths,
    files: Vec<(PathBuf, Recording)>,
}

/// The files cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No file matches the pattern.
    #[error("no file matches `{0}`; a source with `follow = true` would wait for one")]
    Nothing(Paths),
    /// Too many match it.
    #[error("more files match `{paths}` than `max_files` = {limit} allows")]
    TooMany {
        /// The pattern.
        paths: Paths,
        /// The limit.
        limit: usize,
    },
    /// Something is no file.
    #[error("`{}` is {what}, and only regular files can be read", path.display())]
    NoFile {
        /// Its path.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// One cannot be opened.
    #[error(transparent)]
    Recording(#[from] recording::OpenError),
    /// A folder cannot be searched.
    #[error("cannot look for files: {0}")]
    Folder(String),
}

impl Once {
    /// Opens the files.
    ///
    /// # Errors
    /// When there is none, there are too many, or one cannot be opened.
    pub async fn open(paths: Paths, max_files: usize) -> Result<Once, OpenError> {
        away(move || Once::open_here(paths, max_files)).await
    }

    fn open_here(paths: Paths, max_files: usize) -> Result<Once, OpenError> {
        let mut found = paths.find(usize::MAX);
        if let Some(trouble) = found.troubles.pop() {
            return Err(OpenError::Folder(trouble));
        }
        if paths.is_pattern() {
            found.paths.retain(|path| !path.is_dir());
        }
        if found.paths.is_empty() {
            return Err(OpenError::Nothing(paths));
        }
        if found.paths.len() > max_files {
            return Err(OpenError::TooMany { paths, limit: max_files });
        }
        let files = found.paths.into_iter().map(|path| {
            // Opening a pipe would wait for someone to write.
            if let Ok(data) = path.metadata()
                && !data.is_file()
            {
                return Err(OpenError::NoFile { what: kind_of(&data), path });
            }
            let recording = recording::open(&path, None)?;
            Ok((path, recording))
        });
        let files = files.collect::<Result<Vec<_>, OpenError>>()?;
        Ok(Once { paths, files })
    }
}

impl Source for Once {
    fn announce(&self, inlets: &[Inlet]) {
        announce(inlets, "reading", &self.paths);
    }

    fn run(self: Box<Self>, inlets: Vec<Inlet>) -> Running {
        let inlet = Arc::new(only(inlets));
        Box::pin(async move {
            let (pieces, mut tasks, files) = (Pieces::new(), JoinSet::new(), self.files.len());
            begin_together(self.files, &mut tasks, |(path, recording), turn| {
                let (inlet, pieces) = (Arc::clone(&inlet), pieces.clone());
                async move {
                    let Some(mut feed) = Feed::begin(&inlet).await else { return };
                    turn.wait().await;
                    match read(&path, recording, &mut feed, &inlet, &pieces).await {
                        Ok(true) => feed.close().await,
                        Ok(false) => {}
                        Err(EngineGone) => debug!(source = %inlet.identity.name, "the engine has stopped"),
                    }
                }
            })
            .await;
            join(tasks).await;
            info!(source = %inlet.identity.name, files, "no file is left to read");
        })
    }
}

/// Reads a file to its end. Returns whether it came there before the service stopped.
async fn read(
    path: &Path,
    recording: Recording,
    feed: &mut Feed<'_>,
    inlet: &Inlet,
    pieces: &Pieces,
) -> Result<bool, EngineGone> {
    let (source, partition) = (&inlet.identity.name, feed.partition().0);
    debug!(%source, file = %path.display(), partition, "a file begins");
    let mut stop = inlet.around.stop.clone();
    let Recording { mut bytes, stored_size, stored_read } = recording;
    loop {
        tokio::select! {
            biased;
            () = stop.wanted() => {
                let read = stored_read.load(Ordering::Relaxed);
                info!(%source, file = %path.display(), read, size = stored_size, "stopped in the middle of a file");
                return Ok(false);
            }
            () = feed.wait() => {}
        }
        let (piece, (back, count, end)) = pieces
            .fill(move |space| {
                let (count, end) = fill(&mut bytes, space);
                (bytes, count, end)
            })
            .await;
        bytes = back;
        feed.take(&piece.bytes[..count]).await?;
        drop(piece);
        match end {
            None => continue,
            Some(Ok(())) => debug!(%source, file = %path.display(), partition, "a file has ended"),
            Some(Err(error)) => {
                let read = stored_read.load(Ordering::Relaxed);
                error!(%source, file = %path.display(), read, %error, "reading failed; what follows in the file is missing");
            }
        }
        feed.end().await?;
        return Ok(true);
    }
}

/// Fills the space, or less at the end of the bytes. Returns how much of it, and how the bytes ended if
/// they did.
fn fill(bytes: &mut dyn Read, space: &mut [u8]) -> (usize, Option<io::Result<()>>) {
    let mut count = 0;
    while count < space.len() {
        match bytes.read(&mut space[count..]) {
            Ok(0) => return (count, Some(Ok(()))),
            Ok(more) => count += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (count, Some(Err(error))),
        }
    }
    (count, None)
}
