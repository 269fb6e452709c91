//! Files that were read once, as they are found again after a restart.
//!
//! Enters: the paths that are to be read, and what had been read before. Leaves: which files go on from
//! where, which need not be read, and what people should know.

use std::collections::HashSet;
use std::path::PathBuf;

use tracing::{info, warn};

use crate::source::compression::Compression;
use crate::source::positions::{FileId, FileReached, Kind, Stored};
use crate::source::queue::EngineGone;
use crate::source::{Inlet, Input};

use super::shown::{Seen, Shown, Where};

/// How many notes are logged.
const SAID: usize = 20;

/// What was read before.
#[derive(Debug, Default)]
pub struct Before {
    /// The files that go on, with their paths.
    pub going: Vec<(PathBuf, Stored)>,
    /// The files that need not be opened anew: these, and those that were read to their end.
    pub known: HashSet<FileId>,
    /// How many were.
    pub finished: u64,
    /// Partitions that do not go on, and whether nothing needs to be known of them any more.
    pub ended: Vec<(Stored, bool)>,
    /// What people should know.
    pub notes: Vec<Note>,
}

/// What people should know of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// It goes on from there.
    GoesOn(PathBuf, u64),
    /// It has been written anew, and is read from its beginning.
    Anew(PathBuf),
    /// It was read up to there and has gone.
    Gone(Kind, u64),
}

impl Before {
    /// Looks for the files in `paths` and in their folders.
    pub fn of(paths: &[PathBuf], mut stored: Vec<Stored>) -> Before {
        let mut before = Before::default();
        if stored.is_empty() {
            return before;
        }
        let others = stored.iter().filter_map(|stored| match &stored.position.origin.kind {
            Kind::File(path) => Some(&**path),
            _ => None,
        });
        let shown = Shown::of(paths.iter().cloned(), others);
        // What is open comes first, should a file be there twice.
        stored.sort_by_key(|stored| (!stored.position.is_open, stored.partition));
        for stored in stored {
            before.take(stored, paths, &shown);
        }
        before
    }

    fn take(&mut self, stored: Stored, paths: &[PathBuf], shown: &Shown) {
        let file = stored.position.reached.file.clone().unwrap_or_default();
        for piece in file.left.iter() {
            if let Where::Same(seen) = shown.find(piece, piece.read) {
                self.known.insert(seen.id);
            }
        }
        let origin = stored.position.origin.clone();
        let (Some(piece), Kind::File(path)) = (file.current, &origin.kind) else {
            if let (Kind::File(path), None) = (&origin.kind, &stored.position.reached.file)
                && let Ok(data) = path.metadata()
                && paths.iter().any(|one| **one == **path)
                && self.known.insert(FileId::of(&data))
            {
                // The engine knows of it, and has taken nothing.
                self.going.push((path.to_path_buf(), stored));
                return;
            }
            let is_of_use = !file.left.is_empty();
            self.ended.push((stored, !is_of_use));
            return;
        };
        // Of what is compressed, the size says nothing about what is in it.
        let is_plain = Compression::of_path(path) == Compression::None;
        match shown.find(&piece, if is_plain { piece.read } else { 0 }) {
            Where::Same(seen) => self.found(stored, &file, seen, piece.read),
            Where::Changed(seen) => {
                self.notes.push(Note::Anew(seen.path));
                self.ended.push((stored, true));
            }
            Where::Nowhere => {
                if file.ended.is_none() {
                    self.notes.push(Note::Gone(origin.kind.clone(), piece.read));
                }
                self.ended.push((stored, true));
            }
        }
    }

    fn found(&mut self, stored: Stored, file: &FileReached, seen: Seen, read: u64) {
        if !self.known.insert(seen.id) {
            self.ended.push((stored, true));
            return;
        }
        match file.ended {
            Some(size) if size == seen.size => {
                self.finished += 1;
                if stored.position.is_open {
                    self.ended.push((stored, false));
                }
            }
            Some(size) if seen.size < size => {
                self.known.remove(&seen.id);
                self.notes.push(Note::Anew(seen.path));
                self.ended.push((stored, true));
            }
            _ => {
                self.notes.push(Note::GoesOn(seen.path.clone(), read));
                self.going.push((seen.path, stored));
            }
        }
    }
}

/// Logs what has become of the files of before the restart.
pub fn say(notes: &[Note], finished: u64, inlet: &Inlet) {
    let source = &inlet.identity.name;
    for note in notes.iter().take(SAID) {
        match note {
            Note::GoesOn(file, offset) => {
                info!(%source, file = %file.display(), offset, "going on with a file from where it was left");
            }
            Note::Anew(file) => warn!(
                %source,
                file = %file.display(),
                "the file is not the one that was read before the restart: reading it from its beginning"
            ),
            Note::Gone(file, read) => warn!(
                %source,
                %file,
                read,
                "the file that was being read before the restart has gone; what follows in it is missing"
            ),
        }
    }
    if notes.len() > SAID {
        info!(%source, files = notes.len() - SAID, "the same of more files");
    }
    if finished > 0 {
        info!(%source, files = finished, "read to their end before the restart, and not read again");
    }
}

/// Ends the partitions that do not go on.
pub async fn end(ended: Vec<(Stored, bool)>, inlet: &Inlet) -> Result<(), EngineGone> {
    let (stream, queue) = (inlet.identity.stream, &inlet.around.queue);
    for (Stored { partition, position }, is_forgotten) in ended {
        if position.is_open {
            queue.send(Input::Closed { stream, partition, journal: 0 }).await?;
        }
        if is_forgotten {
            queue.send(Input::Forgotten { stream, partition }).await?;
        }
    }
    Ok(())
}
