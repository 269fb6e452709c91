//! Finds out what became of the partial match that came nearest to a report, by running the test
//! again and looking on: first for which it is, then for what happened to it.

mod nearest;
mod starts;
mod story;

use crate::event::{Key, Value};
use crate::matcher::view::Captured;

pub(super) use nearest::Nearest;
pub(super) use starts::Starts;
pub(super) use story::{Happened, Story};

/// The parts of a key that an expectation names, by their places.
pub(super) type WantedKey = Vec<(usize, Value)>;

/// Whether a key has the parts that are wanted.
fn has(key: &Key, wanted: &WantedKey) -> bool {
    wanted.iter().all(|(part, value)| key.values().get(*part) == Some(value))
}

/// A partial match: what tells it from all others.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub key: Key,
    pub captured: Captured,
}

impl Found {
    /// Whether it has the key that is wanted.
    pub fn has(&self, wanted: &WantedKey) -> bool {
        has(&self.key, wanted)
    }
}
