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

/// The timers that are set.
///
/// One that is no longer wanted stays where it is and is ignored when it comes up: taking it out
/// would cost a search. When they have doubled since the last time, the unwanted ones are swept out,
/// so that short runs of rules with a long `within` do not pile up timers.
#[derive(Debug)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<Timer>>,
    /// Sweep when there are more than this.
    sweep_above: usize,
}

/// So many timers are never worth a sweep.
pub(super) const FEW: usize = 1_024;

impl Default for Timers {
    fn default() -> Timers {
        Timers { heap: BinaryHeap::new(), sweep_above: FEW }
    }
}

impl Timers {
    /// Sets a timer.
    pub fn push(&mut self, timer: Timer) {
        self.heap.push(Reverse(timer));
    }

    /// The earliest moment for which one is set.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.heap.peek().map(|Reverse(timer)| timer.due)
    }

    /// Takes out a timer of exactly that moment, which is the earliest.
    pub fn pop_due(&mut self, due: Timestamp) -> Option<Timer> {
        if self.next_due() != Some(due) {
            return None;
        }
        self.heap.pop().map(|Reverse(timer)| timer)
    }

    /// Sweeps out the timers that are not `wanted`, if there are many more than after the last
    /// sweep. Costs a constant number of steps for each timer ever set.
    pub fn sweep(&mut self, wanted: impl Fn(&Timer) -> bool) {
        if self.heap.len() > self.sweep_above {
            self.heap.retain(|Reverse(timer)| wanted(timer));
            self.sweep_above = 2 * self.heap.len() + FEW;
        }
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.heap.len()
    }
}
