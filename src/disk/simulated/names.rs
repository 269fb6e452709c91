//! Which file has which name, for programs and on the disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::random::Random;

/// The names of files.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// As programs see them.
    seen: BTreeMap<PathBuf, usize>,
    /// As a loss of power leaves them at least.
    kept: BTreeMap<PathBuf, usize>,
    /// What is not on the disk yet, in the order in which it was done.
    changes: Vec<Change>,
}

/// A change of names. The numbers are those of the files.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Link(PathBuf, usize),
    Unlink(PathBuf),
    Rename(PathBuf, PathBuf, usize),
}

impl Change {
    /// The name that there is, or is no longer, after the change.
    pub fn path(&self) -> &Path {
        match self {
            Change::Link(path, _) | Change::Unlink(path) | Change::Rename(_, path, _) => path,
        }
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            Change::Link(path, node) => {
                names.insert(path.clone(), *node);
            }
            Change::Unlink(path) => {
                names.remove(path);
            }
            Change::Rename(from, to, node) => {
                names.remove(from);
                names.insert(to.clone(), *node);
            }
        }
    }
}

impl Names {
    pub fn find(&self, path: &Path) -> Option<usize> {
        self.seen.get(path).copied()
    }

    pub fn nodes(&self) -> impl Iterator<Item = usize> {
        self.seen.values().copied()
    }

    pub fn in_folder(&self, folder: &Path) -> Vec<PathBuf> {
        self.seen.keys().filter(|path| path.parent() == Some(folder)).cloned().collect()
    }

    pub fn change(&mut self, change: Change) {
        change.apply(&mut self.seen);
        self.changes.push(change);
    }

    /// A name that is on the disk at once.
    pub fn put(&mut self, path: &Path, node: usize) {
        for names in [&mut self.seen, &mut self.kept] {
            names.insert(path.to_path_buf(), node);
        }
    }

    pub fn sync(&mut self, folder: &Path) {
        let kept = &mut self.kept;
        self.changes.retain(|change| {
            let is_here = change.path().parent() == Some(folder);
            if is_here {
                change.apply(kept);
            }
            !is_here
        });
    }

    /// Any of the changes may have come to the disk.
    pub fn crash(&mut self, random: &mut Random) {
        let chance = [0, 50, 100][random.size(3)];
        for change in std::mem::take(&mut self.changes) {
            if random.percent(chance) {
                change.apply(&mut self.kept);
            }
        }
        self.seen = self.kept.clone();
    }
}
