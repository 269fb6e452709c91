//! The moments at which the passing of time decides something, earliest first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::keys::Slot;
use crate::event::Timestamp;
use crate::program::RuleId;

/// A moment at which a rule has something to decide for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Timer {
    pub due: Timestamp,
    pub rule: RuleId,
    pub slot: Slot,
}

/// The timers that are set. One that is no longer wanted stays until its moment and is ignored
/// then: taking it out would cost a search.
#[derive(Debug, Default)]
pub(super) struct Timers(BinaryHeap<Reverse<Timer>>);

impl Timers {
    /// Sets a timer.
    pub fn push(&mut self, timer: Timer) {
        self.0.push(Reverse(timer));
    }

    /// The earliest moment for which one is set.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.0.peek().map(|Reverse(timer)| timer.due)
    }

    /// Takes out a timer of exactly that moment, which is the earliest.
    pub fn pop_due(&mut self, due: Timestamp) -> Option<Timer> {
        if self.next_due() != Some(due) {
            return None;
        }
        self.0.pop().map(|Reverse(timer)| timer)
    }
}
