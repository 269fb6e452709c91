//! The moments at which the passing of time decides something, earliest first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use super::keys::Slot;
use crate::event::Timestamp;
use crate::program::RuleId;

/// A moment at which something is due for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Timer {
    pub due: Timestamp,
    pub what: Due,
    pub slot: Slot,
}

/// What is due. Of one moment, the first variant comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// The passing of time decides something about runs of the rule.
    Runs(RuleId),
    /// Something of what the rule's `limit` counts can be forgotten.
    Limit(RuleId),
}

/// How many timers are held before any are thrown out.
const FEW: usize = 1_024;

/// The timers that are set. One that is no longer wanted is ignored when its moment comes: taking
/// it out would cost a search. Where many are outdated, because runs end long before their time,
/// all of them are thrown out at once.
#[derive(Debug, Default)]
pub(super) struct Timers {
    queue: BinaryHeap<Reverse<Timer>>,
    /// How many were left when they were last thrown out.
    wanted: usize,
}

impl Timers {
    /// Sets a timer.
    pub fn push(&mut self, timer: Timer) {
        self.queue.push(Reverse(timer));
    }

    /// The earliest moment for which one is set.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.queue.peek().map(|Reverse(timer)| timer.due)
    }

    /// Takes out a timer of that moment, which is the earliest.
    pub fn pop(&mut self, due: Timestamp) -> Option<Timer> {
        let first = self.queue.peek_mut().filter(|first| first.0.due == due)?;
        let Reverse(timer) = PeekMut::pop(first);
        Some(timer)
    }

    /// Whether so many have been added that a good part of them may be outdated.
    pub fn are_crowded(&self) -> bool {
        self.queue.len() > FEW + 2 * self.wanted
    }

    /// Throws out all timers but `wanted`.
    pub fn replace(&mut self, wanted: impl Iterator<Item = Timer>) {
        self.queue = wanted.map(Reverse).collect();
        self.wanted = self.queue.len();
    }

    /// How many are set.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.queue.len()
    }
}
