//! The moments at which the passing of time decides something, earliest first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

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
    Runs {
        /// How far the rule is from events, as [`crate::language::checked::Rule`] has it.
        stratum: u32,
        rule: RuleId,
    },
    /// Something of what the rule's `limit` counts can be forgotten.
    Limit(RuleId),
}

/// What is decided together of one moment: rules of one stratum at a time, so that what their alerts
/// lead to comes before what is due for the rules that read them; then all that decides nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// The runs of rules of this stratum.
    Stratum(u32),
    /// Everything else.
    Rest,
}

impl Due {
    fn turn(self) -> Turn {
        match self {
            Due::Runs { stratum, .. } => Turn::Stratum(stratum),
            Due::Limit(_) => Turn::Rest,
        }
    }
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

    /// The turn of the first timer of exactly that moment, which is the earliest.
    pub fn turn(&self, due: Timestamp) -> Option<Turn> {
        let Reverse(first) = self.queue.peek()?;
        (first.due == due).then(|| first.what.turn())
    }

    /// Takes out a timer of that moment and turn, which are the earliest.
    pub fn pop(&mut self, due: Timestamp, turn: Turn) -> Option<Timer> {
        if self.turn(due) != Some(turn) {
            return None;
        }
        self.queue.pop().map(|Reverse(timer)| timer)
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
