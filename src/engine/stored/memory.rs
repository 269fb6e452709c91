//! The state of an engine kept in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Changes, RestoreError, Restored};
use crate::engine::{Engine, EngineOptions};
use crate::program::Program;
use crate::stored::{Row, Shelf, Space};

impl Shelf for Mutex<StateInMemory> {
    fn row(&self, space: Space, group: u16, key: &[u8]) -> Option<Vec<u8>> {
        let state = self.lock().unwrap_or_else(PoisonError::into_inner);
        state.row(space, group, key).map(<[u8]>::to_vec)
    }
}

/// The state of an engine that is kept in memory: for tests, and for those who stop an engine for a while.
#[derive(Clone, Debug, Default)]
pub struct StateInMemory {
    head: Vec<u8>,
    rows: BTreeMap<(Space, u16, Vec<u8>), Vec<u8>>,
}

impl StateInMemory {
    /// With this head and these rows.
    pub fn new<'r>(head: &[u8], rows: impl IntoIterator<Item = Row<'r>>) -> StateInMemory {
        let mut state = StateInMemory { head: head.to_vec(), rows: BTreeMap::new() };
        rows.into_iter().for_each(|row| state.put(row));
        state
    }

    fn put(&mut self, row: Row<'_>) {
        let name = (row.space, row.group, row.key.to_vec());
        match row.value {
            Some(value) => drop(self.rows.insert(name, value.to_vec())),
            None => drop(self.rows.remove(&name)),
        }
    }

    /// Takes over what has changed.
    pub fn take(&mut self, changes: &Changes) {
        changes.rows().for_each(|row| self.put(row));
        self.head.clone_from(&changes.head);
    }

    /// The value of a row.
    pub fn row(&self, space: Space, group: u16, key: &[u8]) -> Option<&[u8]> {
        self.rows.get(&(space, group, key.to_vec())).map(Vec::as_slice)
    }

    /// The head.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// The rows that there are.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        self.rows.iter().map(|((space, group, key), value)| Row {
            space: *space,
            group: *group,
            key,
            value: Some(value),
        })
    }

    /// An engine that goes on where the one was.
    ///
    /// # Errors
    /// When nothing has been taken, or something has been damaged.
    ///
    /// # Panics
    /// When the number of shards is out of its bounds.
    pub fn restore(&self, program: Arc<Program>, options: EngineOptions) -> Result<Restored, RestoreError> {
        Engine::restore(program, options, &self.head, self.rows())
    }
}
