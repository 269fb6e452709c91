//! `limit N per D [for each …]`: which alerts of a rule and key pass, and which are held back.
//!
//! Enters: the alerts of one rule and key in the order decided. Leaves: for each, whether it passes
//! and how many were held back before it. An alert passes when fewer than N of its group passed in
//! (t - D, t], so that what was decided exactly D after another passes again.
//!
//! A group is forgotten when its window is over and nothing was held back, or when nobody has asked
//! for what was held back for [`KEPT`]: a key that falls silent for ever must not be held for ever.

mod stored;

use std::collections::BTreeMap;

use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::event::{Duration, Seeded, Timestamp, Value};
use crate::language::checked::Limit;

/// Most groups of `for each` that are held for one rule and key.
pub(super) const MAX_GROUPS: usize = 10_000;
/// How long after its window the number of alerts held back is kept for the next one that passes.
pub(super) const KEPT: Duration = Duration::from_micros(30 * Duration::DAY.as_micros());

/// What a hash table and a tree of groups take at least.
const EACH_BYTES: usize = 4 * size_of::<(Group, (u64, Recent))>() + 12 * size_of::<(u64, Group)>();

/// The values of `for each`.
pub(super) type Group = SmallVec<[Value; 1]>;

/// What becomes of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is sent.
    Passes {
        /// How many of its group were held back since the last one that passed.
        suppressed: u64,
        /// Whether another group was forgotten to make room for this one.
        forgets: bool,
    },
    /// It is not sent.
    HeldBack {
        /// How many of its group were held back before it since the last one that passed.
        before: u64,
    },
}

/// The alerts of one rule and key that have passed, as far as they still count.
#[derive(Clone, Debug)]
pub(super) struct Passed {
    /// The timer set for forgetting; [`Timestamp::MAX`] when none is.
    pub due: Timestamp,
    groups: Groups,
}

/// Most rules have no `for each`, and then a key needs little room.
#[derive(Clone, Debug)]
enum Groups {
    One(Recent),
    Each(Box<Each>),
}

/// The alerts of a group.
#[derive(Clone, Debug, Default)]
struct Recent {
    /// When those passed that may still count, the oldest first; never empty.
    times: SmallVec<[Timestamp; 2]>,
    /// How many were held back since the last of them.
    held_back: u64,
}

/// The groups of a rule with `for each`.
#[derive(Clone, Debug, Default)]
struct Each {
    /// With the number of the last alert of the group that passed.
    recent: HashMap<Group, (u64, Recent), Seeded>,
    /// The groups by that number, so by the time when one of theirs passed last.
    order: BTreeMap<u64, Group>,
    /// How many alerts have passed.
    count: u64,
    /// What remains in the order before this number is kept only for what was held back.
    over: u64,
}

impl Passed {
    /// Nothing has passed yet.
    pub fn new(limit: &Limit) -> Passed {
        let groups = match limit.for_each.is_empty() {
            true => Groups::One(Recent::default()),
            false => Groups::Each(Box::default()),
        };
        Passed { due: Timestamp::MAX, groups }
    }

    /// Takes note of an alert that was decided at `time`, which is never before that of another.
    pub fn offer(&mut self, limit: &Limit, group: Group, time: Timestamp) -> Verdict {
        match &mut self.groups {
            Groups::One(recent) => match recent.offer(limit, time) {
                Ok(suppressed) => Verdict::Passes { suppressed, forgets: false },
                Err(before) => Verdict::HeldBack { before },
            },
            Groups::Each(each) => each.offer(limit, group, time),
        }
    }

    /// About how many bytes of memory it takes at least.
    pub fn least_bytes(&self) -> usize {
        match &self.groups {
            Groups::One(_) => size_of::<Passed>(),
            // The least that a map and a tree take.
            Groups::Each(_) => size_of::<Passed>() + size_of::<Each>() + EACH_BYTES,
        }
    }

    /// When something of it can be forgotten.
    pub fn end(&self, limit: &Limit) -> Timestamp {
        match &self.groups {
            Groups::One(recent) => recent.end(limit),
            Groups::Each(each) => each.end(limit),
        }
    }

    /// Forgets what is of no more use at `now`; whether nothing is left.
    pub fn forget(&mut self, limit: &Limit, now: Timestamp) -> bool {
        match &mut self.groups {
            Groups::One(recent) => recent.end(limit) <= now,
            Groups::Each(each) => each.forget(limit, now),
        }
    }
}

impl Recent {
    /// How many were held back before this one, if it passes; the same as an error, if it is held back too.
    fn offer(&mut self, limit: &Limit, time: Timestamp) -> Result<u64, u64> {
        let over = self.times.iter().take_while(|passed| passed.saturating_add(limit.per) <= time).count();
        self.times.drain(..over);
        if self.times.len() >= limit.count {
            self.held_back += 1;
            return Err(self.held_back - 1);
        }
        self.times.push(time);
        Ok(std::mem::take(&mut self.held_back))
    }

    /// When the window of the last one that passed is over.
    fn window_end(&self, limit: &Limit) -> Timestamp {
        self.times.last().map_or(Timestamp::MIN, |passed| passed.end_of(limit.per))
    }

    /// When it can be forgotten.
    fn end(&self, limit: &Limit) -> Timestamp {
        let end = self.window_end(limit);
        if self.held_back == 0 { end } else { end.end_of(KEPT) }
    }
}

impl Each {
    fn offer(&mut self, limit: &Limit, group: Group, time: Timestamp) -> Verdict {
        let (last, recent) = self.recent.entry(group.clone()).or_default();
        let is_new = recent.times.is_empty();
        let suppressed = match recent.offer(limit, time) {
            Ok(suppressed) => suppressed,
            Err(before) => return Verdict::HeldBack { before },
        };
        if !is_new {
            self.order.remove(last);
        }
        *last = self.count;
        self.order.insert(self.count, group);
        self.count += 1;
        let forgets = self.recent.len() > MAX_GROUPS;
        if forgets && let Some((_, group)) = self.order.pop_first() {
            self.recent.remove(&group);
        }
        Verdict::Passes { suppressed, forgets }
    }

    /// The first group in the order that has one from `number` on.
    fn first_from(&self, number: u64) -> Option<(u64, &Group, &Recent)> {
        let (number, group) = self.order.range(number..).next()?;
        Some((*number, group, &self.recent[group].1))
    }

    fn end(&self, limit: &Limit) -> Timestamp {
        let first_open = self.first_from(self.over).map(|(_, _, recent)| recent.window_end(limit));
        let first = self.first_from(0).map(|(_, _, recent)| recent.end(limit));
        first_open.into_iter().chain(first).min().unwrap_or(Timestamp::MAX)
    }

    fn forget(&mut self, limit: &Limit, now: Timestamp) -> bool {
        // Those whose windows have ended since; the order of passing is that of the ends.
        while let Some((number, _, recent)) = self.first_from(self.over)
            && recent.window_end(limit) <= now
        {
            let nothing_held_back = recent.held_back == 0;
            self.over = number + 1;
            if nothing_held_back {
                self.remove(number);
            }
        }
        while let Some((number, _, recent)) = self.first_from(0)
            && number < self.over
            && recent.end(limit) <= now
        {
            self.remove(number);
        }
        self.recent.is_empty()
    }

    fn remove(&mut self, number: u64) {
        if let Some(group) = self.order.remove(&number) {
            self.recent.remove(&group);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::Expr;

    fn second(second: i64) -> Timestamp {
        Timestamp::from_micros(second * 1_000_000)
    }

    fn limit(count: usize, seconds: i64, each: bool) -> Limit {
        let for_each = if each { vec![Expr::Time] } else { Vec::new() };
        let per = Duration::from_micros(seconds * 1_000_000);
        Limit { count, per, for_each, meaning: "".into(), registers: Vec::new(), histories: Vec::new() }
    }

    fn group(value: i64) -> Group {
        SmallVec::from_elem(Value::Int(value), 1)
    }

    const HELD_BACK: Verdict = Verdict::HeldBack { before: 0 };
    const PASSES: Verdict = Verdict::Passes { suppressed: 0, forgets: false };

    #[test]
    fn a_group_is_forgotten_when_its_window_is_over() {
        for each in [false, true] {
            let limit = limit(2, 10, each);
            let mut passed = Passed::new(&limit);
            assert_eq!(passed.offer(&limit, group(1), second(0)), PASSES);
            assert_eq!(passed.offer(&limit, group(1), second(4)), PASSES);
            assert!(!passed.forget(&limit, second(13)));
            assert_eq!(passed.end(&limit), second(14));
            assert!(passed.forget(&limit, second(14)));
        }
    }

    #[test]
    fn what_was_held_back_is_kept_for_a_while() {
        for each in [false, true] {
            let limit = limit(1, 10, each);
            let mut passed = Passed::new(&limit);
            assert_eq!(passed.offer(&limit, group(1), second(0)), PASSES);
            assert_eq!(passed.offer(&limit, group(1), second(9)), HELD_BACK);
            assert!(!passed.forget(&limit, second(10)));
            let end = second(10).saturating_add(KEPT);
            assert_eq!(passed.end(&limit), end);
            assert!(!passed.forget(&limit, Timestamp::from_micros(end.as_micros() - 1)));
            assert!(passed.forget(&limit, end));
        }
    }

    #[test]
    fn groups_with_something_held_back_keep_no_other_from_being_forgotten() {
        let limit = limit(1, 10, true);
        let mut passed = Passed::new(&limit);
        for at in 0..100 {
            assert_eq!(passed.offer(&limit, group(at), second(at)), PASSES);
            if at % 10 == 0 {
                assert_eq!(passed.offer(&limit, group(at), second(at)), HELD_BACK);
            }
        }
        assert!(!passed.forget(&limit, second(105)));
        let Groups::Each(each) = &passed.groups else { panic!("groups") };
        // Ten wait for what was held back; of 96 to 99 the window is open.
        assert_eq!((each.recent.len(), each.order.len()), (14, 14));
        assert_eq!(passed.end(&limit), second(106));
        let verdict = passed.offer(&limit, group(10), second(105));
        assert_eq!(verdict, Verdict::Passes { suppressed: 1, forgets: false });
        assert!(!passed.forget(&limit, second(1_000)));
        assert_eq!(passed.end(&limit), second(10).saturating_add(KEPT));
    }

    #[test]
    fn the_group_that_passed_longest_ago_makes_room() {
        let limit = limit(1, 1_000_000, true);
        let mut passed = Passed::new(&limit);
        for at in 0..MAX_GROUPS as i64 {
            assert_eq!(passed.offer(&limit, group(at), second(at)), PASSES);
        }
        let now = second(MAX_GROUPS as i64);
        assert_eq!(passed.offer(&limit, group(-1), now), Verdict::Passes { suppressed: 0, forgets: true });
        assert_eq!(passed.offer(&limit, group(1), now), HELD_BACK);
        assert_eq!(passed.offer(&limit, group(0), now), Verdict::Passes { suppressed: 0, forgets: true });
        assert_eq!(passed.offer(&limit, group(1), now), Verdict::Passes { suppressed: 0, forgets: true });
    }
}
