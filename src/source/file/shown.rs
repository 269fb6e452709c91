//! Finds files again after a restart, whatever their names are by then.
//!
//! Enters: the files that can be seen, and pieces of files as they were known. Leaves: where a file is now,
//! open, if it still begins as it did and holds what was read of it.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::source::positions::{FileId, Head, Piece};

use super::pattern::is_compressed;

/// Most files of a folder that are looked at.
const MAX_FILES: usize = 100_000;

/// The files that can be seen.
#[derive(Debug, Default)]
pub struct Shown(HashMap<Mark, Vec<(PathBuf, FileId)>>);

/// What of an identity stays when devices get other numbers, as they may when the machine starts.
type Mark = (u64, Option<i64>);

fn mark(id: FileId) -> Mark {
    (id.inode, id.born)
}

/// Where a file is.
#[derive(Debug)]
pub enum Where {
    /// It is there, and holds what was read of it.
    Same(Seen),
    /// It is there, but is smaller or begins with something else: it has been written anew.
    Changed(Seen),
    /// No name shows it.
    Nowhere,
}

/// A file that was found.
#[derive(Debug)]
pub struct Seen {
    /// Where.
    pub path: PathBuf,
    /// Which it is now.
    pub id: FileId,
    /// The file.
    pub file: File,
    /// How large it is.
    pub size: u64,
}

impl Shown {
    /// Looks at paths, and at all files in the folders of others.
    pub fn of<'a>(
        paths: impl IntoIterator<Item = PathBuf>,
        others: impl IntoIterator<Item = &'a Path>,
    ) -> Shown {
        let mut all: BTreeSet<PathBuf> = paths.into_iter().collect();
        let folders: BTreeSet<&Path> = others.into_iter().filter_map(Path::parent).collect();
        for folder in folders {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            // A folder that cannot be read shows nothing; following says so.
            let files = fs::read_dir(folder).into_iter().flatten().flatten();
            all.extend(files.take(MAX_FILES).map(|file| file.path()));
        }
        let mut shown = Shown::default();
        for path in all {
            if let Ok(data) = fs::metadata(&path)
                && data.is_file()
            {
                let id = FileId::of(&data);
                shown.0.entry(mark(id)).or_default().push((path, id));
            }
        }
        shown
    }

    /// Where the file is now of which that was read. It should have `least` bytes.
    pub fn find(&self, piece: &Piece, least: u64) -> Where {
        let found = self.0.get(&mark(piece.file)).map_or(&[][..], Vec::as_slice);
        let (same, moved): (Vec<_>, Vec<_>) = found.iter().partition(|(_, id)| *id == piece.file);
        for (path, id) in same {
            if let Some(seen) = open(path, *id) {
                let is_same = seen.size >= least && begins_with(&seen.file, piece.head);
                return if is_same { Where::Same(seen) } else { Where::Changed(seen) };
            }
        }
        // On another device, only its content can tell that it is the same file.
        for (path, id) in moved {
            if let Some(seen) = open(path, *id)
                && piece.head.length > 0
                && seen.size >= least
                && begins_with(&seen.file, piece.head)
            {
                return Where::Same(seen);
            }
        }
        Where::Nowhere
    }

    /// The files that stood at a path one after the other between two files, oldest first: those that have
    /// its name and something behind it, and were made between these.
    pub fn between(&self, path: &Path, before: FileId, after: FileId) -> Vec<Seen> {
        let (Some(name), Some(before), Some(after)) = (path.file_name(), before.born, after.born) else {
            return Vec::new();
        };
        let name = name.as_encoded_bytes();
        let is_older = |other: &Path| {
            let renamed = other.file_name().is_some_and(|other| {
                other.as_encoded_bytes().strip_prefix(name).is_some_and(|rest| !rest.is_empty())
            });
            renamed && other.parent() == path.parent() && !is_compressed(other)
        };
        let all = self.0.values().flatten().filter(|(other, id)| {
            id.born.is_some_and(|born| before < born && born < after) && is_older(other)
        });
        let mut found: Vec<Seen> = all.filter_map(|(path, id)| open(path, *id)).collect();
        found.sort_by_key(|seen| seen.id.born);
        found
    }
}

/// Opens a file, if it is still that one.
fn open(path: &Path, id: FileId) -> Option<Seen> {
    let file = File::open(path).ok()?;
    let data = file.metadata().ok()?;
    let is_it = data.is_file() && FileId::of(&data) == id;
    is_it.then(|| Seen { path: path.to_path_buf(), id, file, size: data.len() })
}

/// Whether a file begins so.
pub fn begins_with(file: &File, head: Head) -> bool {
    head_of(file, u64::from(head.length)).is_ok_and(|now| now == head)
}

/// How a file begins, of which that much has been read, or less.
///
/// # Errors
/// When it cannot be read.
pub fn head_of(file: &File, read: u64) -> io::Result<Head> {
    let mut bytes = [0; Head::MOST];
    let most = read.min(Head::MOST as u64) as usize;
    let mut length = 0;
    while length < most {
        match file.read_at(&mut bytes[length..most], length as u64) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Head::of(&bytes[..length]))
}
