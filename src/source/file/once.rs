//! Files that are read once, each to its end.

use std::fs;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::task::JoinSet;
use tracing::{debug, error, info};

use crate::source::compression::Compression;
use crate::source::partition::Feed;
use crate::source::positions::{FileId, Head, Kind, Piece, Stored};
use crate::source::queue::EngineGone;
use crate::source::recording::{self, Recording};
use crate::source::together::Turn;
use crate::source::{Inlet, Running, Source, announce, only};

use super::before::{Before, Note, end, say};
use super::open::kind_of;
use super::order::{begin_together, join};
use super::pattern::Paths;
use super::pieces::{Pieces, away};
use super::shown::head_of;

/// Files that are open and not read yet.
pub struct Once {
    paths: Paths,
    files: Vec<File>,
    /// How many have been read to their end before a restart.
    finished: u64,
    /// Partitions of before a restart that do not go on, and whether nothing needs to be known of them any
    /// more.
    ended: Vec<(Stored, bool)>,
    notes: Vec<Note>,
}

/// A file that is open.
struct File {
    path: PathBuf,
    recording: Recording,
    /// Which it is, and up to where it has been read.
    piece: Piece,
    /// How many bytes are to be passed over first.
    skip: u64,
    /// How far it had come before a restart.
    stored: Option<Stored>,
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
    /// Opens the files. After a restart, `stored` is what had been read by then: files that were read to
    /// their end are not read again, unless they have been written anew, and others are gone on with.
    ///
    /// # Errors
    /// When there is none, there are too many, or one cannot be opened.
    pub async fn open(paths: Paths, max_files: usize, stored: Vec<Stored>) -> Result<Once, OpenError> {
        away(move || Once::open_here(paths, max_files, stored)).await
    }

    fn open_here(paths: Paths, max_files: usize, stored: Vec<Stored>) -> Result<Once, OpenError> {
        let mut found = paths.find(usize::MAX);
        if let Some(trouble) = found.troubles.pop() {
            return Err(OpenError::Folder(trouble));
        }
        if paths.is_pattern() {
            found.paths.retain(|path| !path.is_dir());
        } else if !stored.is_empty() {
            // What was read of it may have been all.
            found.paths.retain(|path| path.symlink_metadata().is_ok());
        }
        if found.paths.is_empty() && stored.is_empty() {
            return Err(OpenError::Nothing(paths));
        }
        let before = Before::of(&found.paths, stored);
        let mut files = Vec::new();
        for (path, stored) in before.going {
            files.push(open(path, Some(stored))?);
        }
        for path in found.paths {
            // Opening a pipe would wait for someone to write.
            if let Ok(data) = path.metadata()
                && !data.is_file()
            {
                return Err(OpenError::NoFile { what: kind_of(&data), path });
            }
            if !path.metadata().is_ok_and(|data| before.known.contains(&FileId::of(&data))) {
                files.push(open(path, None)?);
            }
        }
        if files.len() > max_files {
            return Err(OpenError::TooMany { paths, limit: max_files });
        }
        files.sort_by(|one, other| one.path.cmp(&other.path));
        let (finished, ended, notes) = (before.finished, before.ended, before.notes);
        Ok(Once { paths, files, finished, ended, notes })
    }
}

/// Opens a file, at its beginning or where it was left.
fn open(path: PathBuf, stored: Option<Stored>) -> Result<File, OpenError> {
    let file = stored.as_ref().and_then(|stored| stored.position.reached.file.as_ref());
    let read = file.and_then(|file| file.current).map_or(0, |piece| piece.read);
    let (recording, skip) = recording::open_at(&path, None, read)?;
    // One that is gone by now can be read all the same, and is not found again.
    let (file, head) = match fs::File::open(&path).and_then(|file| Ok((file.metadata()?, file))) {
        Ok((data, file)) => (FileId::of(&data), head_of(&file, data.len()).unwrap_or_default()),
        Err(_) => (FileId { device: 0, inode: 0, born: None }, Head::default()),
    };
    Ok(File { path, recording, piece: Piece { file, read: read - skip, head }, skip, stored })
}

impl Source for Once {
    fn announce(&self, inlets: &[Inlet]) {
        announce(inlets, "reading", &self.paths);
    }

    fn run(self: Box<Self>, inlets: Vec<Inlet>, mut turn: Turn) -> Running {
        let inlet = Arc::new(only(inlets));
        Box::pin(async move {
            let (pieces, mut tasks, files) = (Pieces::new(), JoinSet::new(), self.files.len());
            turn.come().await;
            say(&self.notes, self.finished, &inlet);
            if end(self.ended, &inlet).await.is_err() {
                return;
            }
            begin_together(self.files, Some(turn), &mut tasks, |file, mut turn| {
                let (inlet, pieces) = (Arc::clone(&inlet), pieces.clone());
                async move {
                    turn.come().await;
                    let kind = Kind::File(file.path.as_path().into());
                    let Some(mut feed) = Feed::begin_or_go_on(&inlet, kind, file.stored.clone()).await else {
                        return;
                    };
                    if file.stored.is_none() {
                        feed.in_file(Some(file.piece), 0, Arc::default());
                        if feed.flush().await.is_err() {
                            return;
                        }
                    }
                    turn.wait().await;
                    match read(file, &mut feed, &inlet, &pieces).await {
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
async fn read(file: File, feed: &mut Feed<'_>, inlet: &Inlet, pieces: &Pieces) -> Result<bool, EngineGone> {
    let File { path, recording, mut piece, mut skip, stored: _ } = file;
    let (source, partition) = (&inlet.identity.name, feed.partition().0);
    let begun = piece.read;
    debug!(%source, file = %path.display(), partition, "a file begins");
    let is_plain = Compression::of_path(&path) == Compression::None;
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
        let (filled, (back, count, end)) = pieces
            .fill(move |space| {
                let (count, end) = fill(&mut bytes, space);
                (bytes, count, end)
            })
            .await;
        bytes = back;
        let passed = usize::try_from(skip).unwrap_or(usize::MAX).min(count);
        skip -= passed as u64;
        piece.read += count as u64;
        feed.in_file(Some(piece), count - passed, Arc::default());
        feed.take(&filled.bytes[passed..count]).await?;
        drop(filled);
        match end {
            None => continue,
            Some(Ok(())) if skip > 0 => {
                error!(%source, file = %path.display(), missing = skip, "the file ends before the place up to which it has been read; is it another one?");
            }
            Some(Ok(())) => debug!(%source, file = %path.display(), partition, "a file has ended"),
            Some(Err(error)) => {
                let read = stored_read.load(Ordering::Relaxed);
                error!(%source, file = %path.display(), read, %error, "reading failed; what follows in the file is missing");
            }
        }
        feed.end().await?;
        // If it grows after this, that is read after the next restart.
        let read = stored_read.load(Ordering::Relaxed) + if is_plain { begun } else { 0 };
        feed.file_has_ended(read.max(stored_size.unwrap_or(0)));
        feed.flush().await?;
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
