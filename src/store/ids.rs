//! The ids of alerts that were put into the outbox, so that none is put there twice.
//!
//! A commit keeps those that are new with it as one value, as hashes: ids are forgotten by commits.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Bound;

use sha2::{Digest, Sha256};

use crate::event::Timestamp;

use super::error::StoreError;
use super::format::{Reader, Writer};
use super::tables::{Edit, Name, STRANGE, View};

/// The first half of the SHA-256 of an id.
type Hash = [u8; 16];

fn hash(id: &str) -> Hash {
    let digest = Sha256::digest(id.as_bytes());
    std::array::from_fn(|index| digest[index])
}

/// The ids that are remembered.
#[derive(Debug, Default)]
pub struct Ids {
    known: HashSet<Hash>,
    /// Those that each commit has brought, the oldest commit first.
    commits: BTreeMap<u64, Brought>,
}

/// The ids that a commit has brought.
#[derive(Debug)]
struct Brought {
    /// The time of its newest alert.
    newest: Timestamp,
    hashes: Vec<Hash>,
}

/// What a commit changes.
#[derive(Debug, Default)]
pub struct IdsChange {
    new: Vec<Hash>,
    newest: Option<Timestamp>,
    forgotten: BTreeSet<u64>,
    /// How many are forgotten because there are too many.
    pub crowded_out: u64,
}

impl Ids {
    /// Reads them.
    pub fn load(view: &View) -> Result<Ids, StoreError> {
        let mut ids = Ids::default();
        view.scan(Name::IDS, Bound::Unbounded, |key, value| {
            let mut reader = Name::IDS.unseal(view.file(), key, value)?;
            let damaged = || Name::IDS.damaged(view.file(), key, STRANGE);
            let commit = key.try_into().map(u64::from_be_bytes).map_err(|_| damaged())?;
            ids.take(commit, &mut reader).ok_or_else(damaged)?;
            Ok(true)
        })?;
        Ok(ids)
    }

    fn take(&mut self, commit: u64, reader: &mut Reader<'_>) -> Option<()> {
        let newest = Timestamp::from_micros(reader.i64()?);
        let (hashes, rest) = reader.rest().as_chunks::<16>();
        if !rest.is_empty() {
            return None;
        }
        self.bring(commit, newest, hashes.to_vec());
        Some(())
    }

    fn bring(&mut self, commit: u64, newest: Timestamp, hashes: Vec<Hash>) {
        self.known.extend(&hashes);
        self.commits.insert(commit, Brought { newest, hashes });
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether an id is one of them.
    pub fn knows(&self, id: &str) -> bool {
        self.known.contains(&hash(id))
    }

    /// What becomes of them when these ids are new, and those from commits whose alerts are all older
    /// than `forget` are not needed any more. Beyond so many, those of the oldest commits are forgotten;
    /// those that are new never are.
    pub fn change<'a>(
        &self,
        new: impl Iterator<Item = (&'a str, Timestamp)>,
        forget: Option<Timestamp>,
        most: usize,
    ) -> IdsChange {
        let mut change = IdsChange::default();
        let mut seen = BTreeSet::new();
        for (id, time) in new {
            let hash = hash(id);
            if seen.insert(hash) {
                change.new.push(hash);
            }
            change.newest = change.newest.max(Some(time));
        }
        let is_old = |brought: &Brought| forget.is_some_and(|before| brought.newest < before);
        let mut left = self.known.len() + change.new.len();
        for (commit, brought) in self.commits.iter().filter(|(_, brought)| is_old(brought)) {
            left = left.saturating_sub(brought.hashes.len());
            change.forgotten.insert(*commit);
        }
        for (commit, brought) in &self.commits {
            if left <= most {
                break;
            }
            if change.forgotten.insert(*commit) {
                left = left.saturating_sub(brought.hashes.len());
                change.crowded_out += brought.hashes.len() as u64;
            }
        }
        change
    }

    /// Does what was stored.
    pub fn apply(&mut self, commit: u64, change: IdsChange) {
        let IdsChange { new, newest, forgotten, .. } = change;
        for commit in forgotten {
            for hash in self.commits.remove(&commit).into_iter().flat_map(|brought| brought.hashes) {
                self.known.remove(&hash);
            }
        }
        if let Some(newest) = newest {
            self.bring(commit, newest, new);
        }
    }
}

impl IdsChange {
    /// Stores it.
    pub fn write(&self, edit: &Edit, commit: u64) -> Result<(), StoreError> {
        if self.newest.is_none() && self.forgotten.is_empty() {
            return Ok(());
        }
        let mut table = edit.table(Name::IDS)?;
        for commit in &self.forgotten {
            table.remove(&commit.to_be_bytes())?;
        }
        if let Some(newest) = self.newest {
            let value = Writer::default().i64(newest.as_micros()).rest(self.new.as_flattened());
            table.seal(&commit.to_be_bytes(), value)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: i64) -> Timestamp {
        Timestamp::from_micros(time)
    }

    #[test]
    fn ids_are_known_until_their_commit_is_forgotten() {
        let mut ids = Ids::default();
        ids.apply(1, ids.change([("a", at(5)), ("b", at(9)), ("a", at(5))].into_iter(), None, 9));
        ids.apply(2, ids.change([("c", at(7))].into_iter(), None, 9));
        assert!(ids.knows("a") && ids.knows("b") && ids.knows("c") && !ids.knows("d"));
        assert_eq!(ids.len(), 3);
        ids.apply(3, ids.change([].into_iter(), Some(at(8)), 9));
        assert!(ids.knows("a") && ids.knows("b") && !ids.knows("c"));
        ids.apply(4, ids.change([("c", at(20))].into_iter(), Some(at(10)), 9));
        assert_eq!((ids.len(), ids.knows("c")), (1, true));
    }

    #[test]
    fn when_there_are_too_many_those_of_the_oldest_commits_are_forgotten() {
        let mut ids = Ids::default();
        ids.apply(1, ids.change([("a", at(9)), ("b", at(9))].into_iter(), None, 4));
        ids.apply(2, ids.change([("c", at(1))].into_iter(), None, 4));
        ids.apply(3, ids.change([("d", at(9))].into_iter(), None, 4));
        let change = ids.change([("e", at(9))].into_iter(), None, 4);
        assert_eq!(change.crowded_out, 2);
        ids.apply(4, change);
        assert!(!ids.knows("a") && !ids.knows("b") && ids.knows("c"));
        let change = ids.change([("f", at(9)), ("g", at(9))].into_iter(), Some(at(5)), 4);
        assert_eq!(change.crowded_out, 0, "age makes room first");
        ids.apply(5, change);
        let change = ids.change(["h", "i", "j", "k", "l"].map(|id| (id, at(9))).into_iter(), None, 4);
        assert_eq!(change.crowded_out, 4);
        ids.apply(6, change);
        assert_eq!((ids.len(), ids.knows("h")), (5, true), "those that are new are kept in any case");
    }
}
