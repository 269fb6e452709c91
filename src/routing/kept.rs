//! What routing keeps: tables of rows that know which of them have changed.
//!
//! A row is bytes: its format, which is [`FORMAT`], and JSON. Rows are few and small, and what they hold grows with
//! the program; so they are made for being read by later versions and by people, not for being many.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The format of rows.
pub const FORMAT: u8 = 1;

/// A row that has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its key.
    pub key: Vec<u8>,
    /// Its value; `None` when it is gone.
    pub value: Option<Vec<u8>>,
}

/// Rows cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// A newer version has written them.
    #[error(
        "what is kept of routing has format {found}, and this program knows {FORMAT}: use the version that has written it"
    )]
    Newer {
        /// Their format.
        found: u8,
    },
    /// They are not what was written.
    #[error("what is kept of routing is damaged: a row of the table `{table}` cannot be read: {why}")]
    Damaged {
        /// The table.
        table: char,
        /// What is wrong.
        why: String,
    },
}

/// A table.
#[derive(Clone, Debug)]
pub struct Kept<T> {
    /// The first byte of the keys of its rows.
    name: u8,
    rows: BTreeMap<String, T>,
    changed: BTreeSet<String>,
}

impl<T> Kept<T> {
    /// One without rows.
    pub fn new(name: u8) -> Kept<T> {
        Kept { name, rows: BTreeMap::new(), changed: BTreeSet::new() }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// A row.
    pub fn get(&self, key: &str) -> Option<&T> {
        self.rows.get(key)
    }

    /// A row that is changed.
    pub fn change(&mut self, key: &str) -> Option<&mut T> {
        let row = self.rows.get_mut(key)?;
        self.changed.insert(key.to_owned());
        Some(row)
    }

    /// Puts a row in the place of what is there.
    pub fn put(&mut self, key: String, row: T) {
        self.changed.insert(key.clone());
        self.rows.insert(key, row);
    }

    /// Takes a row out.
    pub fn take(&mut self, key: &str) -> Option<T> {
        let row = self.rows.remove(key)?;
        self.changed.insert(key.to_owned());
        Some(row)
    }

    /// Says that a row is gone, whether it is held or not.
    pub fn remove(&mut self, key: String) {
        self.rows.remove(&key);
        self.changed.insert(key);
    }

    /// Holds a row no longer, which stays stored.
    pub fn forget(&mut self, key: &str) {
        self.rows.remove(key);
    }

    /// All rows, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &T)> {
        self.rows.iter()
    }

    /// The rows whose keys begin so.
    pub fn beginning<'s>(&'s self, start: &'s str) -> impl Iterator<Item = (&'s String, &'s T)> {
        self.rows.range(start.to_owned()..).take_while(move |(key, _)| key.starts_with(start))
    }
}

impl<T: Serialize + DeserializeOwned> Kept<T> {
    /// What has changed since the last time.
    pub fn take_changes(&mut self, changes: &mut Vec<Change>) {
        for key in std::mem::take(&mut self.changed) {
            let value = self.rows.get(&key).map(encode);
            changes.push(Change { key: [&[self.name], key.as_bytes()].concat(), value });
        }
    }

    /// Takes a row that was stored, if it is one of this table.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn load(&mut self, key: &[u8], value: &[u8]) -> Result<bool, Unreadable> {
        let Some(key) = key.strip_prefix(&[self.name]) else { return Ok(false) };
        let damaged = |why: String| Unreadable::Damaged { table: char::from(self.name), why };
        let key = std::str::from_utf8(key).map_err(|error| damaged(error.to_string()))?;
        let row = match value.split_first() {
            Some((&FORMAT, json)) => {
                serde_json::from_slice(json).map_err(|error| damaged(error.to_string()))?
            }
            Some((found, _)) => return Err(Unreadable::Newer { found: *found }),
            None => return Err(damaged("it is empty".into())),
        };
        self.rows.insert(key.to_owned(), row);
        Ok(true)
    }
}

fn encode(row: &impl Serialize) -> Vec<u8> {
    let mut bytes = vec![FORMAT];
    serde_json::to_writer(&mut bytes, row).expect("rows have text for keys and are written to memory");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_changed_is_told_once_and_read_again() {
        let mut table: Kept<u32> = Kept::new(b't');
        table.put("a".into(), 1);
        table.put("ab".into(), 2);
        table.put("b".into(), 3);
        *table.change("b").expect("it is there") += 1;
        table.take("a");
        let mut changes = Vec::new();
        table.take_changes(&mut changes);
        let gone = changes.iter().filter(|change| change.value.is_none()).count();
        assert_eq!((changes.len(), gone), (3, 1));
        let mut again: Kept<u32> = Kept::new(b't');
        for change in changes.iter().filter(|change| change.value.is_some()) {
            assert!(
                again.load(&change.key, change.value.as_deref().unwrap_or_default()).expect("it is right")
            );
        }
        assert_eq!(again.iter().map(|(key, row)| (&**key, *row)).collect::<Vec<_>>(), [("ab", 2), ("b", 4)]);
        assert_eq!(again.beginning("a").count(), 1);
        changes.clear();
        table.take_changes(&mut changes);
        assert!(changes.is_empty());
        assert!(!again.load(b"x1", b"").expect("it is of another table"));
        assert!(matches!(again.load(b"t1", &[9, 1]), Err(Unreadable::Newer { found: 9 })));
        assert!(again.load(b"t1", &[FORMAT, b'?']).is_err() && again.load(b"t1", &[]).is_err());
    }
}
