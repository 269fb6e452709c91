//! What the engine has got since the beginning, as far as it was not lost.

use std::collections::BTreeMap;

use crate::event::Timestamp;
use crate::store::Snapshot;

use super::book::Entry;
use super::rules::Rules;
use super::say;

/// What the engine has got, and how much of that each checkpoint has.
#[derive(Default)]
pub struct Log {
    pub entries: Vec<Entry>,
    /// With which rules, and from which of them on: first those that the engine had at the beginning.
    pub rules: Vec<(usize, Rules)>,
    /// How many inputs and rules a checkpoint has, by the time at which it was made.
    pub made: BTreeMap<Timestamp, (usize, usize)>,
    /// The last checkpoint that was reported as stored.
    pub reported: Option<Timestamp>,
}

impl Log {
    /// How many inputs and rules the checkpoint of that time has.
    pub fn of(&self, time: Timestamp) -> (usize, usize) {
        *self.made.get(&time).expect("it was made")
    }

    /// The service goes on from a checkpoint.
    pub fn go_on(&mut self, snapshot: &Snapshot) {
        let found = (snapshot.number() > 0).then(|| snapshot.time());
        assert!(found >= self.reported, "{:?} was stored, and {found:?} is found", self.reported);
        let made = found.map_or((0, 0), |found| self.of(found));
        say(|| format!("begins from {found:?}, which has {} inputs", made.0));
        self.entries.truncate(made.0);
        self.rules.truncate(made.1);
        self.reported = found;
        self.made.retain(|time, _| Some(*time) <= found);
    }

    /// From now on it does so with these rules. Returns whether they are others than before.
    pub fn go_on_with(&mut self, rules: Rules) -> bool {
        let before = self.rules.last().map(|(_, before)| *before);
        // An old version that has ended is not there any more after a start, and what only it read is not either.
        if before != Some(rules) || self.rules.len() > 1 {
            say(|| format!("  with {rules:?}"));
            self.rules.push((self.entries.len(), rules));
        }
        before.is_some_and(|before| before != rules)
    }
}
