//! The moments at which the passing of time decides something, earliest first.
//!
//! One that is no longer wanted is ignored when its moment comes: taking it out would cost a search.
//! Where many are outdated, because runs end long before their time, they are found by going through all
//! of them, a few at each event, so that no event waits for it.
//!
//! Timers wait in the buckets of a [`Wheel`], in no order. Those of the bucket whose time has come are
//! put in order.

mod wheel;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::keys::Slot;
use crate::event::Timestamp;
use crate::program::RuleId;
use wheel::{Place, Wheel};

/// A moment at which something is due for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Timer {
    pub due: Timestamp,
    /// The rule, and [`LIMIT`] where it is not about runs: as one number, since as many timers wait as
    /// there are keys.
    what: u32,
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

/// Added to the number of a rule. There are fewer rules, since each has a state at least.
const LIMIT: u32 = 1 << 31;
const _: () = assert!(crate::program::MAX_STATES < LIMIT as usize);

impl Timer {
    /// For a moment.
    pub fn new(due: Timestamp, what: Due, slot: Slot) -> Timer {
        let what = match what {
            Due::Runs(rule) => rule.0,
            Due::Limit(rule) => rule.0 | LIMIT,
        };
        Timer { due, what, slot }
    }

    /// What is due then.
    pub fn what(&self) -> Due {
        match self.what & LIMIT {
            0 => Due::Runs(RuleId(self.what)),
            _ => Due::Limit(RuleId(self.what & !LIMIT)),
        }
    }
}

/// How many timers are held before any are thrown out.
const FEW: usize = 1_024;
/// How many timers are told beforehand to come soon.
const SOON: usize = 64;

/// The timers that are set.
#[derive(Debug, Default)]
pub(super) struct Timers {
    /// Those whose bucket's time has come, the earliest last.
    near: Vec<Timer>,
    /// How many of them, from the front, have not been told yet to come soon.
    untold: usize,
    /// Those that were set for such a time when it had come.
    late: BinaryHeap<Reverse<Timer>>,
    /// All others.
    far: Wheel,
    /// Going through them for outdated ones.
    sweep: Option<Place>,
    /// How many were left when they were last gone through.
    wanted: usize,
}

impl Timers {
    /// Sets a timer.
    pub fn push(&mut self, timer: Timer) {
        if let Err(timer) = self.far.push(timer) {
            self.late.push(Reverse(timer));
        }
    }

    /// The earliest moment for which one is set, if it is before `now`.
    pub fn next_due(&mut self, now: Timestamp) -> Option<Timestamp> {
        if self.near.is_empty() && self.late.is_empty() {
            // A bucket whose time has not come stays: what is near is not gone through for outdated ones.
            self.far.take_first(now, &mut self.near);
            self.near.sort_unstable_by(|one, other| other.cmp(one));
            self.untold = self.near.len();
        }
        self.first().map(|timer| timer.due).filter(|due| *due < now)
    }

    /// The earliest of those whose time has come.
    fn first(&self) -> Option<&Timer> {
        let late = self.late.peek().map(|Reverse(timer)| timer);
        late.into_iter().chain(self.near.last()).min()
    }

    /// Takes out a timer of that moment, which is the earliest. `soon` is told which timers come next,
    /// beginning with this one, some dozens at a time.
    pub fn pop(&mut self, due: Timestamp, soon: impl FnOnce(&[Timer])) -> Option<Timer> {
        let first = *self.first().filter(|timer| timer.due == due)?;
        if self.near.len() <= self.untold && self.untold > 0 {
            self.untold = self.near.len().saturating_sub(SOON);
            soon(&self.near[self.untold..]);
        }
        if self.near.last() == Some(&first) {
            return self.near.pop();
        }
        self.late.pop().map(|Reverse(timer)| timer)
    }

    /// Throws out some of those that are not wanted, if there seem to be many: to be called for
    /// each event.
    pub fn throw_out(&mut self, is_wanted: impl Fn(&Timer) -> bool) {
        let place = match self.sweep {
            Some(place) => place,
            None if self.far.len() > FEW + 2 * self.wanted => Place::default(),
            None => return,
        };
        self.sweep = self.far.sweep(place, is_wanted);
        if self.sweep.is_none() {
            self.wanted = self.far.len();
        }
    }

    /// How many are set.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.near.len() + self.late.len() + self.far.len()
    }
}

#[cfg(test)]
mod tests {
    use super::wheel::LOOKS;
    use super::*;
    use crate::cases::cases;
    use proptest::prelude::*;

    /// Microseconds of a tick of the wheel.
    const TICK: i64 = 1 << 16;

    fn timer(due: i64, slot: u32) -> Timer {
        Timer::new(Timestamp::from_micros(due), Due::Runs(RuleId(0)), Slot(slot))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(cases(32, 256)))]

        /// Whatever is set and thrown out meanwhile, what is wanted comes in the order of moments.
        #[test]
        fn timers_come_in_order_and_none_is_lost(
            steps in prop::collection::vec((0..40_i64 * TICK, any::<bool>(), 0..20_i64 * TICK), 1_500..4_000),
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
                        came.extend(timers.pop(due, |_| ()));
                    }
                }
            }
            while let Some(due) = timers.next_due(Timestamp::MAX) {
                came.extend(timers.pop(due, |_| ()));
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

    /// A span of up to so many bits.
    fn span() -> impl Strategy<Value = i64> {
        (0..60_u32, any::<u64>()).prop_map(|(bits, span)| (span & ((1 << bits) - 1)) as i64)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(cases(64, 256)))]

        /// However far away they are, and however far time goes at once: what is due comes at each step, and
        /// nothing else.
        #[test]
        fn timers_of_all_distances_come_when_they_are_due(
            steps in prop::collection::vec((span(), prop::option::of(span())), 1..500),
            start in prop_oneof![Just(Timestamp::MIN.as_micros()), Just(-1), -(1_i64 << 60)..1 << 60],
        ) {
            let mut timers = Timers::default();
            let mut set = std::collections::BTreeSet::new();
            let mut now = start;
            for (slot, (ahead, passes)) in (0..).zip(steps) {
                let new = timer(now.saturating_add(ahead), slot);
                set.insert(new);
                timers.push(new);
                now = now.saturating_add(passes.unwrap_or(0));
                let due = |timer: &Timer| timer.due.as_micros() < now;
                while let Some(due) = timers.next_due(Timestamp::from_micros(now)) {
                    prop_assert_eq!(timers.pop(due, |_| ()), set.pop_first());
                }
                prop_assert!(!set.iter().any(due), "{:?} of {now}", set.first());
                prop_assert_eq!(timers.len(), set.len());
            }
        }
    }

    #[test]
    fn timers_are_told_beforehand_to_come_soon() {
        let mut timers = Timers::default();
        for number in 0..1_000_u32 {
            timers.push(timer(1_000 * TICK + i64::from(number % 100), number));
        }
        let mut told = Vec::new();
        let now = Timestamp::from_micros(2_000 * TICK);
        let mut left = 1_000;
        while let Some(due) = timers.next_due(now) {
            while let Some(timer) = timers.pop(due, |soon| told.extend(soon.iter().map(|timer| timer.slot))) {
                assert!(told.contains(&timer.slot));
                left -= 1;
                assert!(told.len() + left <= 1_000 + SOON, "not long beforehand");
            }
        }
        assert_eq!(told.len(), 1_000, "each once");
    }

    #[test]
    fn a_timer_is_small() {
        assert_eq!(size_of::<Timer>(), 16);
    }

    #[test]
    fn outdated_timers_go_also_where_one_lies_beyond_them() {
        let mut timers = Timers::default();
        timers.push(timer(1_000_000 * TICK, 0));
        for number in 1..100_000_u32 {
            let now = Timestamp::from_micros(i64::from(number));
            assert_eq!(timers.next_due(now), None, "nothing is due for long");
            timers.push(timer(500_000 * TICK + i64::from(number), number));
            timers.throw_out(|timer| timer.slot.0 < 100);
            assert!(timers.len() < 4_000, "{} after {number}", timers.len());
        }
    }

    #[test]
    fn outdated_timers_go_a_few_at_a_time() {
        let mut timers = Timers::default();
        for number in 0..100_000_u32 {
            timers.push(timer(i64::from(number % 1_000) * TICK, number));
            let before = timers.len();
            timers.throw_out(|timer| timer.slot.0 < 100);
            assert!(before - timers.len() <= LOOKS);
            assert!(timers.len() < 4_000, "{} after {number}", timers.len());
        }
    }
}
