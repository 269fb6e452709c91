//! When runs are due whose steps have times of their own.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::order::{Order, Slot};
use crate::automaton::CompiledRule;
use crate::event::Timestamp;

/// Moments at which runs are due, or have been when they were noted: those that are out of date are
/// passed over when they come up, and thrown out when there are more of them than of others.
#[derive(Clone, Debug, Default)]
pub(super) struct Dues(BinaryHeap<Reverse<(Timestamp, Slot)>>);

/// So many that are out of date are not worth looking for.
const FEW: usize = 64;

impl Dues {
    /// Notes when a run is due.
    pub fn note(&mut self, rule: &CompiledRule, order: &Order, slot: Slot) {
        let due = |slot: Slot| order[slot as usize].due(rule);
        if self.0.len() > 2 * order.len() + FEW {
            self.0 = order.slots().map(|slot| Reverse((due(slot), slot))).collect();
        } else if due(slot) < Timestamp::MAX {
            self.0.push(Reverse((due(slot), slot)));
        }
    }

    /// The next moment at which a run is due.
    pub fn next(&mut self, rule: &CompiledRule, order: &Order) -> Timestamp {
        while let Some(Reverse(noted)) = self.0.peek() {
            if is_true(rule, order, *noted) {
                return noted.0;
            }
            self.0.pop();
        }
        Timestamp::MAX
    }

    /// Takes out the runs that are due at `now`, each once.
    pub fn take(&mut self, rule: &CompiledRule, order: &Order, now: Timestamp) -> Vec<Slot> {
        let mut due = Vec::new();
        while self.next(rule, order) <= now
            && let Some(Reverse((_, slot))) = self.0.pop()
        {
            due.push(slot);
        }
        due.sort_unstable();
        due.dedup();
        due
    }
}

fn is_true(rule: &CompiledRule, order: &Order, (due, slot): (Timestamp, Slot)) -> bool {
    order.get(slot).is_some_and(|run| run.due(rule) == due)
}
