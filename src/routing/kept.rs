//! What routing keeps: tables of rows that know which of them have changed, and find them by time and by name without
//! a look at the others: at every alert and at every tick something is asked of tables that may be full.
//!
//! A row is bytes: its format, which is [`FORMAT`], and JSON. Rows are few and small, and what they hold grows with
//! the program; so they are made for being read by later versions and by people, not for being many.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::event::Timestamp;

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

/// What a table holds.
pub trait Row: Serialize + DeserializeOwned {
    /// The table: the first byte of the keys of its rows.
    const TABLE: u8;

    /// When something is to be done about it, if time alone is a reason to.
    fn due(&self) -> Option<Timestamp> {
        None
    }

    /// What it is looked for by, other than its key.
    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A table.
#[derive(Clone, Debug)]
pub struct Kept<T> {
    rows: BTreeMap<String, T>,
    changed: BTreeSet<String>,
    /// The keys of rows of which something is due, by when it is.
    due: BTreeSet<(Timestamp, String)>,
    /// The keys of rows that have names, by these.
    named: BTreeSet<(String, String)>,
}

impl<T> Default for Kept<T> {
    fn default() -> Kept<T> {
        let (rows, changed, due, named) = Default::default();
        Kept { rows, changed, due, named }
    }
}

impl<T> Kept<T> {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// A row.
    pub fn get(&self, key: &str) -> Option<&T> {
        self.rows.get(key)
    }

    /// All rows, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &T)> {
        self.rows.iter()
    }

    /// The rows whose keys begin so.
    pub fn beginning<'s>(&'s self, start: &'s str) -> impl Iterator<Item = (&'s String, &'s T)> {
        self.rows.range(start.to_owned()..).take_while(move |(key, _)| key.starts_with(start))
    }

    /// The first time at which something is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(due, _)| *due)
    }

    /// The keys of rows of which something is due by now, in the order of time.
    pub fn due(&self, now: Timestamp) -> impl Iterator<Item = (Timestamp, &String)> {
        self.due.iter().map(|(due, key)| (*due, key)).take_while(move |(due, _)| *due <= now)
    }

    /// The rows of which something will be due, but is not yet; the one that has most time before the others.
    pub fn not_due(&self, now: Timestamp) -> impl Iterator<Item = &T> {
        let later = self.due.iter().rev().take_while(move |(due, _)| *due > now);
        later.filter_map(|(_, key)| self.rows.get(key))
    }

    /// The rows of that name.
    pub fn named<'s>(&'s self, name: &'s str) -> impl Iterator<Item = (&'s String, &'s T)> {
        let first = (name.to_owned(), String::new());
        let keys = self.named.range(first..).take_while(move |(of, _)| of == name);
        keys.filter_map(|(_, key)| Some((key, self.rows.get(key)?)))
    }
}

impl<T: Row> Kept<T> {
    /// Changes a row, if it is there; gives what `change` gives.
    pub fn change<R>(&mut self, key: &str, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        let mut row = self.take(key)?;
        let given = change(&mut row);
        self.put(key.to_owned(), row);
        Some(given)
    }

    /// Puts a row in the place of what is there.
    pub fn put(&mut self, key: String, row: T) {
        self.changed.insert(key.clone());
        self.hold(key, row);
    }

    /// Takes a row out.
    pub fn take(&mut self, key: &str) -> Option<T> {
        let row = self.forget(key)?;
        self.changed.insert(key.to_owned());
        Some(row)
    }

    /// Takes out all of which something is due by now.
    pub fn take_due(&mut self, now: Timestamp) {
        let due: Vec<String> = self.due(now).map(|(_, key)| key.clone()).collect();
        due.iter().for_each(|key| drop(self.take(key)));
    }

    /// Takes out all of that name; gives them by key.
    pub fn take_named(&mut self, name: &str) -> Vec<(String, T)> {
        let named: Vec<String> = self.named(name).map(|(key, _)| key.clone()).collect();
        named.into_iter().filter_map(|key| Some((key.clone(), self.take(&key)?))).collect()
    }

    /// Says that a row is gone, whether it is held or not.
    pub fn remove(&mut self, key: String) {
        self.forget(&key);
        self.changed.insert(key);
    }

    /// Holds a row, which is stored as it is.
    fn hold(&mut self, key: String, row: T) {
        self.forget(&key);
        self.due.extend(row.due().map(|due| (due, key.clone())));
        self.named.extend(row.names().into_iter().map(|name| (name, key.clone())));
        self.rows.insert(key, row);
    }

    /// Holds a row no longer, which stays stored.
    pub fn forget(&mut self, key: &str) -> Option<T> {
        let row = self.rows.remove(key)?;
        if let Some(due) = row.due() {
            self.due.remove(&(due, key.to_owned()));
        }
        for name in row.names() {
            self.named.remove(&(name, key.to_owned()));
        }
        Some(row)
    }

    /// What has changed since the last time.
    pub fn take_changes(&mut self, changes: &mut Vec<Change>) {
        for key in std::mem::take(&mut self.changed) {
            let value = self.rows.get(&key).map(encode);
            changes.push(Change { key: [&[T::TABLE], key.as_bytes()].concat(), value });
        }
    }

    /// Takes a row that was stored, if it is one of this table.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn load(&mut self, key: &[u8], value: &[u8]) -> Result<bool, Unreadable> {
        let Some(key) = key.strip_prefix(&[T::TABLE]) else { return Ok(false) };
        let damaged = |why: String| Unreadable::Damaged { table: char::from(T::TABLE), why };
        let key = std::str::from_utf8(key).map_err(|error| damaged(error.to_string()))?;
        let row = match value.split_first() {
            Some((&FORMAT, json)) => {
                serde_json::from_slice(json).map_err(|error| damaged(error.to_string()))?
            }
            Some((found, _)) => return Err(Unreadable::Newer { found: *found }),
            None => return Err(damaged("it is empty".into())),
        };
        self.hold(key.to_owned(), row);
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

    /// Its number is a second at which it is due, if it is odd, and its name is whether it is small.
    impl Row for u32 {
        const TABLE: u8 = b't';

        fn due(&self) -> Option<Timestamp> {
            (self % 2 == 1).then(|| at(*self))
        }

        fn names(&self) -> Vec<String> {
            vec![if *self < 5 { "small".to_owned() } else { "large".to_owned() }]
        }
    }

    fn at(second: u32) -> Timestamp {
        Timestamp::from_micros(i64::from(second) * 1_000_000)
    }

    #[test]
    fn rows_are_found_by_time_and_by_name_as_they_are_now() {
        let mut table: Kept<u32> = Kept::default();
        ["a", "b", "c", "d"].into_iter().zip([9, 2, 3, 7]).for_each(|(key, row)| table.put(key.into(), row));
        table.change("a", |row| *row = 1);
        table.put("b".into(), 5);
        table.change("c", |row| *row = 6);
        assert_eq!(table.change("e", |row| *row = 1), None);
        assert_eq!(table.next_due(), Some(at(1)));
        let due: Vec<_> = table.due(at(5)).map(|(due, key)| (due, key.as_str())).collect();
        assert_eq!(due, [(at(1), "a"), (at(5), "b")]);
        assert_eq!(table.not_due(at(1)).collect::<Vec<_>>(), [&7, &5]);
        assert_eq!(table.named("small").map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["a"]);
        table.take_due(at(5));
        assert_eq!((table.len(), table.next_due()), (2, Some(at(7))));
        assert_eq!(table.take_named("large"), [("c".to_owned(), 6), ("d".to_owned(), 7)]);
        assert!(table.due.is_empty() && table.named.is_empty());
    }

    #[test]
    fn what_has_changed_is_told_once_and_read_again() {
        let mut table: Kept<u32> = Kept::default();
        table.put("a".into(), 1);
        table.put("ab".into(), 2);
        table.put("b".into(), 3);
        table.change("b", |row| *row += 1).expect("it is there");
        table.take("a");
        let mut changes = Vec::new();
        table.take_changes(&mut changes);
        let gone = changes.iter().filter(|change| change.value.is_none()).count();
        assert_eq!((changes.len(), gone), (3, 1));
        let mut again: Kept<u32> = Kept::default();
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
