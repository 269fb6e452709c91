//! The ids of alerts that were put into the outbox, so that none is put there twice.
//!
//! A commit keeps those that are new with it as one value, as hashes: ids are forgotten by commits.

use std::collections::{BTreeMap, BTreeSet, HashMap};
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
    /// With the commit that brought each.
    known: HashMap<Hash, u64>,
    /// The time of the newest alert of each commit.
    commits: BTreeMap<u64, Timestamp>,
}

/// What a commit changes.
#[derive(Debug, Default)]
pub struct IdsChange {
    new: Vec<Hash>,
    newest: Option<Timestamp>,
    forgotten: BTreeSet<u64>,
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
        self.known.extend(hashes.iter().map(|hash| (*hash, commit)));
        self.commits.insert(commit, newest);
        Some(())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether an id is one of them.
    pub fn knows(&self, id: &str) -> bool {
        self.known.contains_key(&hash(id))
    }

    /// What becomes of them when these ids are new, and those from commits whose alerts are all older
    /// than `forget` are not needed any more.
    pub fn change<'a>(
        &self,
        new: impl Iterator<Item = (&'a str, Timestamp)>,
        forget: Option<Timestamp>,
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
        if let Some(before) = forget {
            let old = self.commits.iter().filter(|(_, newest)| **newest < before);
            change.forgotten = old.map(|(commit, _)| *commit).collect();
        }
        change
    }

    /// Does what was stored.
    pub fn apply(&mut self, commit: u64, change: IdsChange) {
        let IdsChange { new, newest, forgotten } = change;
        if !forgotten.is_empty() {
            self.known.retain(|_, commit| !forgotten.contains(commit));
            self.commits.retain(|commit, _| !forgotten.contains(commit));
        }
        if let Some(newest) = newest {
            self.known.extend(new.into_iter().map(|hash| (hash, commit)));
            self.commits.insert(commit, newest);
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
        ids.apply(1, ids.change([("a", at(5)), ("b", at(9)), ("a", at(5))].into_iter(), None));
        ids.apply(2, ids.change([("c", at(7))].into_iter(), None));
        assert!(ids.knows("a") && ids.knows("b") && ids.knows("c") && !ids.knows("d"));
        assert_eq!(ids.len(), 3);
        ids.apply(3, ids.change([].into_iter(), Some(at(8))));
        assert!(ids.knows("a") && ids.knows("b") && !ids.knows("c"));
        ids.apply(4, ids.change([("c", at(20))].into_iter(), Some(at(10))));
        assert_eq!((ids.len(), ids.knows("c")), (1, true));
    }
}
