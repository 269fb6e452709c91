//! The moments at which the passing of time decides something, earliest first.

use std::cmp::Reverse;
use std::collections::binary_heap::PeekMut;
use std::collections::{BTreeMap, BinaryHeap};

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
/// How long a bucket is, in microseconds: short enough for its timers to be put in order at once
/// without anyone noticing.
const BUCKET: i64 = 1 << 16;
/// How many timers are looked at for each event while outdated ones are thrown out.
const LOOKS: usize = 8;

/// The timers that are set. One that is no longer wanted is ignored when its moment comes: taking
/// it out would cost a search. Where many are outdated, because runs end long before their time,
/// they are found by going through all of them, a few at each event, so that no event waits for it.
///
/// Timers wait in buckets by their moment, in no order; the first bucket is put in order when time
/// comes to it.
#[derive(Debug)]
pub(super) struct Timers {
    /// Those before `horizon`.
    near: BinaryHeap<Reverse<Timer>>,
    /// All others, by the number of the bucket.
    far: BTreeMap<i64, Vec<Timer>>,
    horizon: i64,
    /// How many there are in all.
    len: usize,
    sweep: Option<Sweep>,
    /// How many were left when they were last gone through.
    wanted: usize,
}

/// Going through the timers for outdated ones.
#[derive(Clone, Copy, Debug, Default)]
struct Sweep {
    /// The bucket, or the one after the last.
    bucket: i64,
    /// How many of it have been looked at and kept.
    index: usize,
}

impl Default for Timers {
    fn default() -> Timers {
        Timers {
            near: BinaryHeap::new(),
            far: BTreeMap::new(),
            horizon: i64::MIN,
            len: 0,
            sweep: None,
            wanted: 0,
        }
    }
}

impl Timers {
    /// Sets a timer.
    pub fn push(&mut self, timer: Timer) {
        self.len += 1;
        let bucket = bucket(timer.due);
        if bucket < self.horizon {
            self.near.push(Reverse(timer));
        } else {
            self.far.entry(bucket).or_default().push(timer);
        }
    }

    /// The earliest moment for which one is set, if it is before `now`.
    pub fn next_due(&mut self, now: Timestamp) -> Option<Timestamp> {
        if self.near.is_empty() {
            let first = self.far.first_entry()?;
            // A bucket whose time has not come stays: what is near is not gone through for outdated ones.
            if *first.key() > bucket(now) {
                return None;
            }
            let (bucket, timers) = first.remove_entry();
            self.horizon = bucket + 1;
            self.near = timers.into_iter().map(Reverse).collect();
        }
        self.near.peek().map(|Reverse(timer)| timer.due).filter(|due| *due < now)
    }

    /// Takes out a timer of that moment, which is the earliest.
    pub fn pop(&mut self, due: Timestamp) -> Option<Timer> {
        let first = self.near.peek_mut().filter(|first| first.0.due == due)?;
        let Reverse(timer) = PeekMut::pop(first);
        self.len -= 1;
        Some(timer)
    }

    /// Looks for outdated timers if a good part of them may be, and throws them out. To be called for
    /// each event.
    pub fn throw_out(&mut self, mut is_wanted: impl FnMut(&Timer) -> bool) {
        let mut sweep = match self.sweep {
            Some(sweep) => sweep,
            None if self.len > FEW + 2 * self.wanted => Sweep { bucket: i64::MIN, index: 0 },
            None => return,
        };
        for _ in 0..LOOKS {
            // The bucket may have come to its time since the last look.
            let Some((&bucket, timers)) = self.far.range_mut(sweep.bucket..).next() else {
                self.sweep = None;
                self.wanted = self.len;
                return;
            };
            if bucket != sweep.bucket {
                sweep = Sweep { bucket, index: 0 };
            }
            match timers.get(sweep.index) {
                Some(timer) if is_wanted(timer) => sweep.index += 1,
                Some(_) => {
                    timers.swap_remove(sweep.index);
                    self.len -= 1;
                }
                None => {
                    if timers.is_empty() {
                        self.far.remove(&bucket);
                    }
                    sweep = Sweep { bucket: bucket + 1, index: 0 };
                }
            }
        }
        self.sweep = Some(sweep);
    }

    /// How many are set.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.len
    }
}

/// The number of the bucket of a moment.
fn bucket(due: Timestamp) -> i64 {
    due.as_micros().div_euclid(BUCKET)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn timer(due: i64, slot: u32) -> Timer {
        Timer { due: Timestamp::from_micros(due), what: Due::Runs(RuleId(0)), slot: Slot(slot) }
    }

    proptest! {
        /// Whatever is set and thrown out meanwhile, what is wanted comes in the order of moments.
        #[test]
        fn timers_come_in_order_and_none_is_lost(
            steps in prop::collection::vec((0..40_i64 * BUCKET, any::<bool>(), 0..20_i64 * BUCKET), 1_500..4_000),
        ) {
            let mut timers = Timers::default();
            let (mut set, mut came, mut now) = (Vec::new(), Vec::new(), 0);
            let is_wanted = |timer: &Timer| timer.slot.0.is_multiple_of(4);
            for (slot, (ahead, passes, by)) in (0..).zip(steps) {
                let new = timer(now + ahead, slot);
                set.push(new);
                timers.push(new);
                timers.throw_out(is_wanted);
                if passes && slot % 1_000 == 999 {
                    now += by;
                    while let Some(due) = timers.next_due(Timestamp::from_micros(now)) {
                        came.extend(timers.pop(due));
                    }
                }
            }
            while let Some(due) = timers.next_due(Timestamp::MAX) {
                came.extend(timers.pop(due));
            }
            prop_assert_eq!(timers.len(), 0);
            prop_assert!(came.is_sorted_by_key(|timer| timer.due));
            came.retain(is_wanted);
            set.retain(is_wanted);
            came.sort();
            set.sort();
            prop_assert_eq!(came, set);
        }
    }

    #[test]
    fn outdated_timers_go_also_where_one_lies_beyond_them() {
        let mut timers = Timers::default();
        timers.push(timer(1_000_000 * BUCKET, 0));
        for number in 1..100_000_u32 {
            let now = Timestamp::from_micros(i64::from(number));
            assert_eq!(timers.next_due(now), None, "nothing is due for long");
            timers.push(timer(500_000 * BUCKET + i64::from(number), number));
            timers.throw_out(|timer| timer.slot.0 < 100);
            assert!(timers.len() < 4_000, "{} after {number}", timers.len());
        }
    }

    #[test]
    fn outdated_timers_go_a_few_at_a_time() {
        let mut timers = Timers::default();
        for number in 0..100_000_u32 {
            timers.push(timer(i64::from(number % 1_000) * BUCKET, number));
            let before = timers.len();
            timers.throw_out(|timer| timer.slot.0 < 100);
            assert!(before - timers.len() <= LOOKS);
            assert!(timers.len() < 4_000, "{} after {number}", timers.len());
        }
    }
}
