//! Positions in streams.

use std::ops::Bound;

use super::error::StoreError;
use super::format::Writer;
use super::tables::{Edit, Name, STRANGE, View};

/// How far a partition of a stream has been taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The stream.
    pub stream: String,
    /// The partition.
    pub partition: String,
    /// The position, as its source understands it.
    pub value: Vec<u8>,
}

/// A position that has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionChange<'a> {
    /// The stream.
    pub stream: &'a str,
    /// The partition.
    pub partition: &'a str,
    /// The position; `None` when there is no such partition any more.
    pub value: Option<&'a [u8]>,
}

impl Position {
    /// The same as something that has changed.
    pub fn as_change(&self) -> PositionChange<'_> {
        let Position { stream, partition, value } = self;
        PositionChange { stream, partition, value: Some(value) }
    }
}

fn key(stream: &str, partition: &str) -> Vec<u8> {
    Writer::default().bytes(stream.as_bytes()).rest(partition.as_bytes()).done()
}

impl View {
    /// All positions.
    pub fn positions(&self) -> Result<Vec<Position>, StoreError> {
        let mut positions = Vec::new();
        self.scan(Name::POSITIONS, Bound::Unbounded, |key, value| {
            let value = Name::POSITIONS.unseal(self.file(), key, value)?.rest().to_vec();
            let position = take(key, value).ok_or_else(|| Name::POSITIONS.damaged(self.file(), key, STRANGE));
            positions.push(position?);
            Ok(true)
        })?;
        Ok(positions)
    }
}

fn take(key: &[u8], value: Vec<u8>) -> Option<Position> {
    let mut reader = super::format::Reader::new(key);
    let stream = reader.text()?.to_owned();
    let partition = std::str::from_utf8(reader.rest()).ok()?.to_owned();
    Some(Position { stream, partition, value })
}

/// Stores positions that have changed.
pub fn write(edit: &Edit, changes: &[PositionChange<'_>]) -> Result<(), StoreError> {
    let mut table = edit.table(Name::POSITIONS)?;
    for change in changes {
        let key = key(change.stream, change.partition);
        match change.value {
            Some(value) => table.seal(&key, Writer::default().rest(value))?,
            None => {
                table.remove(&key)?;
            }
        }
    }
    Ok(())
}

/// Forgets all positions.
pub fn clear(edit: &Edit) -> Result<(), StoreError> {
    edit.table(Name::POSITIONS)?.clear()
}
