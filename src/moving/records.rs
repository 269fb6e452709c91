//! How the state of a partition stands in the state topic.
//!
//! Three kinds of records, told apart by the first byte of the key, of which the last of each key counts:
//!
//! | Key | Value |
//! |---|---|
//! | `r`, the number of the row's space, the row's key | the row's group (two bytes, the higher first), the row's value; none: the row is gone |
//! | `h` | the head |
//! | `p` | JSON: the format, and the offset in the topic of events up to which all is in the state |
//!
//! Rows and heads are those of [`crate::engine::Changes`].

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::stored::Row;

/// The one format that is written and read.
const FORMAT: u32 = 1;
const ROW: u8 = b'r';
/// The key of the head.
pub const HEAD: &[u8] = b"h";
/// The key of the position.
pub const POSITION: &[u8] = b"p";

/// The state of a partition. Of one of which nothing is stored, it is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The head.
    pub head: Option<Vec<u8>>,
    /// The rows.
    pub rows: StoredRows,
    /// The offset of the event that comes next.
    pub next: Option<u64>,
}

/// Rows: by the number of the space and the key, the group and the value.
pub type StoredRows = HashMap<Box<[u8]>, (u16, Box<[u8]>)>;

/// How far a partition was read.
#[derive(Debug, Serialize, Deserialize)]
struct Position {
    format: u32,
    next: u64,
}

/// A record cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misread {
    /// Its key or its value is not what is written.
    #[error("the state topic has a record that is not of this program: use a topic for it alone")]
    Foreign,
    /// It was written by a newer version.
    #[error(
        "the state topic has the format {0}; this version of Tripline reads the format {FORMAT}: use the version that wrote it, or a newer one"
    )]
    Newer(u32),
}

/// Writes the key of a row.
pub fn row_key(row: &Row<'_>, key: &mut Vec<u8>) {
    key.clear();
    key.extend([ROW, row.space.number()]);
    key.extend(row.key);
}

/// Writes the value of a row. Returns whether there is one: otherwise the row is gone.
pub fn row_value(row: &Row<'_>, value: &mut Vec<u8>) -> bool {
    value.clear();
    value.extend(row.group.to_be_bytes());
    value.extend(row.value.unwrap_or_default());
    row.value.is_some()
}

/// The value of the position.
pub fn position(next: u64) -> Vec<u8> {
    serde_json::to_vec(&Position { format: FORMAT, next }).expect("numbers can be written as JSON")
}

impl State {
    /// Takes the next record.
    ///
    /// # Errors
    /// When it is not one that is written here.
    pub fn take(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), Misread> {
        match key {
            HEAD => self.head = value.map(Into::into),
            POSITION => {
                let read = |value| serde_json::from_slice(value).map_err(|_| Misread::Foreign);
                let position: Option<Position> = value.map(read).transpose()?;
                self.next = match position {
                    Some(Position { format, .. }) if format != FORMAT => return Err(Misread::Newer(format)),
                    position => position.map(|position| position.next),
                };
            }
            [ROW, row @ ..] if !row.is_empty() => match value {
                None => drop(self.rows.remove(row)),
                Some(value) => {
                    let (group, value) = value.split_first_chunk().ok_or(Misread::Foreign)?;
                    self.rows.insert(row.into(), (u16::from_be_bytes(*group), value.into()));
                }
            },
            _ => return Err(Misread::Foreign),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stored::Space;

    fn written(row: Row<'_>) -> (Vec<u8>, Option<Vec<u8>>) {
        let (mut key, mut value) = (b"before".to_vec(), b"before".to_vec());
        row_key(&row, &mut key);
        let is_there = row_value(&row, &mut value);
        (key, is_there.then_some(value))
    }

    #[test]
    fn the_last_record_of_a_key_counts() {
        let mut state = State::default();
        let row = |key, value| Row { space: Space::Past, group: 515, key, value };
        for row in [
            row(b"a", Some(b"1")),
            row(b"b", Some(b"")),
            row(b"a", Some(b"2")),
            row(b"c", Some(b"3")),
            row(b"c", None),
        ] {
            let (key, value) = written(row);
            state.take(&key, value.as_deref()).expect("it is ours");
        }
        for (next, head) in [(1, b"x"), (9, b"y")] {
            state.take(HEAD, Some(head)).expect("it is ours");
            state.take(POSITION, Some(&position(next))).expect("it is ours");
        }
        let of = |key: &[u8]| state.rows.get(key).map(|(group, value)| (*group, value.to_vec()));
        assert_eq!([of(b"\x01a"), of(b"\x01b")], [Some((515, b"2".to_vec())), Some((515, Vec::new()))]);
        assert_eq!((state.rows.len(), state.next, state.head), (2, Some(9), Some(b"y".to_vec())));
    }

    #[test]
    fn what_others_have_written_is_refused() {
        let mut state = State::default();
        for (key, value) in [(&b"x"[..], &b"y"[..]), (b"", b""), (b"r", b"00"), (b"r0k", b"0"), (b"p", b"{}")]
        {
            assert_eq!(state.take(key, Some(value)), Err(Misread::Foreign), "{key:?}");
        }
        assert_eq!(state.take(POSITION, Some(br#"{"format":2,"next":1}"#)), Err(Misread::Newer(2)));
        assert_eq!(state, State::default());
    }
}
