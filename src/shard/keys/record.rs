//! What is held for one key.

mod stored;

use super::records::Slot;
use crate::event::{Key, Timestamp, Value};
use crate::language::checked::Limit;
use crate::matcher::RunSet;
use crate::program::{Program, RuleId};
use crate::shard::limit::{Group, Passed, Verdict};
use crate::shard::timers::{Due, Timer, Timers};

/// The runs of so many rules are made near beforehand. A key may have those of thousands, of which an event
/// or a timer needs few.
const FEW_RUNS: usize = 4;

/// How many bytes of memory the runs of each rule after the first take at least.
const OTHER_BYTES: usize = 80;

/// The state of one key: what is held for it, each with the timer that is set for it.
#[derive(Clone, Debug)]
pub struct Record {
    key: Key,
    held: List,
}

/// What is held, in the order of [`Held::what`]. For most keys that is the runs of one rule, which is held
/// in place; a test in `tests/memory.rs` says what a key takes.
#[derive(Clone, Debug)]
enum List {
    Empty,
    One(Held),
    Several(Vec<Held>),
}

/// Something that is held for a rule.
#[derive(Clone, Debug)]
enum Held {
    Runs(RuleRuns),
    Passed(RulePassed),
}

/// The runs of a rule for a key.
#[derive(Clone, Debug)]
pub(in crate::shard) struct RuleRuns {
    rule: RuleId,
    pub runs: RunSet,
    /// The earliest timer set for them; later ones left among the timers are ignored when they come up.
    timer: Timestamp,
}

/// The alerts of a rule that count for its `limit`.
#[derive(Clone, Debug)]
struct RulePassed {
    rule: RuleId,
    passed: Box<Passed>,
}

impl RuleRuns {
    /// Sets a timer when something is due before the one that is set.
    pub fn schedule(&mut self, slot: Slot, timers: &mut Timers) {
        let due = self.runs.due();
        if due < self.timer {
            self.timer = due;
            timers.push(Timer::new(due, Due::Runs(self.rule), slot));
        }
    }
}

impl RulePassed {
    /// Sets a timer when something can be forgotten before the one that is set.
    fn schedule(&mut self, limit: &Limit, slot: Slot, timers: &mut Timers) {
        let due = self.passed.end(limit);
        if due < self.passed.due {
            self.passed.due = due;
            timers.push(Timer::new(due, Due::Limit(self.rule), slot));
        }
    }
}

impl Held {
    /// What the timer is that is set for it.
    fn what(&self) -> Due {
        match self {
            Held::Runs(held) => Due::Runs(held.rule),
            Held::Passed(held) => Due::Limit(held.rule),
        }
    }

    /// When the timer is due; [`Timestamp::MAX`] when none is set.
    fn timer(&self) -> Timestamp {
        match self {
            Held::Runs(held) => held.timer,
            Held::Passed(held) => held.passed.due,
        }
    }

    fn is_idle(&self) -> bool {
        matches!(self, Held::Runs(held) if held.runs.is_empty())
    }
}

impl List {
    fn as_slice(&self) -> &[Held] {
        match self {
            List::Empty => &[],
            List::One(held) => std::slice::from_ref(held),
            List::Several(list) => list,
        }
    }

    fn as_mut_slice(&mut self) -> &mut [Held] {
        match self {
            List::Empty => &mut [],
            List::One(held) => std::slice::from_mut(held),
            List::Several(list) => list,
        }
    }

    fn insert(&mut self, index: usize, held: Held) {
        *self = match std::mem::replace(self, List::Empty) {
            List::Empty => List::One(held),
            List::One(other) if index == 0 => List::Several(vec![held, other]),
            List::One(other) => List::Several(vec![other, held]),
            List::Several(mut list) => {
                list.insert(index, held);
                List::Several(list)
            }
        };
    }

    fn retain(&mut self, keep: impl Fn(&Held) -> bool) {
        match self {
            List::Empty => {}
            List::One(held) => {
                if !keep(held) {
                    *self = List::Empty;
                }
            }
            List::Several(list) => {
                list.retain(keep);
                if list.len() < 2 {
                    *self = list.pop().map_or(List::Empty, List::One);
                }
            }
        }
    }
}

impl Record {
    /// That of a key for which nothing is held yet.
    pub fn new(key: Key) -> Record {
        Record { key, held: List::Empty }
    }

    /// The key.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The key, when all else is gone.
    pub fn into_key(self) -> Key {
        self.key
    }

    /// The place of something, or the place where it belongs.
    fn find(&self, what: Due) -> Result<usize, usize> {
        self.held.as_slice().binary_search_by_key(&what, Held::what)
    }

    fn get(&self, what: Due) -> Option<&Held> {
        Some(&self.held.as_slice()[self.find(what).ok()?])
    }

    fn get_mut(&mut self, what: Due) -> Option<&mut Held> {
        let index = self.find(what).ok()?;
        Some(&mut self.held.as_mut_slice()[index])
    }

    /// All runs, with their rules, in the order of these.
    pub fn all_runs(&self) -> impl Iterator<Item = (RuleId, &RunSet)> {
        self.held.as_slice().iter().filter_map(|held| match held {
            Held::Runs(held) => Some((held.rule, &held.runs)),
            Held::Passed(_) => None,
        })
    }

    /// The runs of a rule, if it has any.
    pub fn runs(&self, rule: RuleId) -> Option<&RunSet> {
        match self.get(Due::Runs(rule))? {
            Held::Runs(held) => Some(&held.runs),
            Held::Passed(_) => None,
        }
    }

    /// The runs of a rule, if it has any.
    pub fn runs_mut(&mut self, rule: RuleId) -> Option<&mut RuleRuns> {
        match self.get_mut(Due::Runs(rule))? {
            Held::Runs(held) => Some(held),
            Held::Passed(_) => None,
        }
    }

    /// The key, and the runs of a rule, none yet if it is new.
    pub fn runs_or_none(&mut self, rule: RuleId) -> (&Key, &mut RuleRuns) {
        let index = self.find(Due::Runs(rule)).unwrap_or_else(|index| {
            let none = RuleRuns { rule, runs: RunSet::default(), timer: Timestamp::MAX };
            self.held.insert(index, Held::Runs(none));
            index
        });
        match &mut self.held.as_mut_slice()[index] {
            Held::Runs(held) => (&self.key, held),
            Held::Passed(_) => unreachable!("it was found as runs"),
        }
    }

    /// Asks the rule's `limit` about an alert that was decided at `time`.
    pub fn offer(
        &mut self,
        rule: RuleId,
        limit: &Limit,
        group: Group,
        time: Timestamp,
        slot: Slot,
        timers: &mut Timers,
    ) -> Verdict {
        let index = self.find(Due::Limit(rule)).unwrap_or_else(|index| {
            let none = RulePassed { rule, passed: Box::new(Passed::new(limit)) };
            self.held.insert(index, Held::Passed(none));
            index
        });
        match &mut self.held.as_mut_slice()[index] {
            Held::Passed(held) => {
                let verdict = held.passed.offer(limit, group, time);
                held.schedule(limit, slot, timers);
                verdict
            }
            Held::Runs(_) => unreachable!("it was found as what has passed"),
        }
    }

    /// Forgets what the rule's `limit` needs no more at `now`, the moment of its timer.
    pub fn forget(&mut self, rule: RuleId, limit: &Limit, now: Timestamp, slot: Slot, timers: &mut Timers) {
        let Some(Held::Passed(held)) = self.get_mut(Due::Limit(rule)) else { return };
        if held.passed.due != now {
            return;
        }
        held.passed.due = Timestamp::MAX;
        if held.passed.forget(limit, now) {
            self.held.retain(|held| !matches!(held, Held::Passed(held) if held.rule == rule));
        } else {
            held.schedule(limit, slot, timers);
        }
    }

    /// The runs that a timer for `due` was set for, unless it waits for another moment. Their timer
    /// counts as used.
    pub fn runs_if_scheduled(&mut self, rule: RuleId, due: Timestamp) -> Option<&mut RuleRuns> {
        let held = self.runs_mut(rule).filter(|held| held.timer == due)?;
        held.timer = Timestamp::MAX;
        Some(held)
    }

    /// About how many bytes of memory it takes besides what most records take, whatever is in what it holds.
    pub fn more_bytes(&self) -> usize {
        let list = match &self.held {
            List::Several(list) => list.capacity() * size_of::<Held>() + (list.len() - 1) * OTHER_BYTES,
            List::Empty | List::One(_) => 0,
        };
        let passed = self.held.as_slice().iter().map(|held| match held {
            Held::Passed(held) => held.passed.least_bytes(),
            Held::Runs(_) => 0,
        });
        list + passed.sum::<usize>()
    }

    /// When the passing of time next decides something of what is held; [`Timestamp::MAX`] for never.
    pub fn due(&self, program: &Program) -> Timestamp {
        let due = |held: &Held| match held {
            Held::Runs(held) => held.runs.due(),
            Held::Passed(held) => {
                let limit = program.compiled()[held.rule.0 as usize].rule.limit.as_ref();
                limit.map_or(Timestamp::MAX, |limit| held.passed.end(limit))
            }
        };
        self.held.as_slice().iter().map(due).min().unwrap_or(Timestamp::MAX)
    }

    /// Whether a timer is the one that counts.
    pub fn wants(&self, timer: &Timer) -> bool {
        self.get(timer.what()).is_some_and(|held| held.timer() == timer.due)
    }

    /// Forgets the rules that hold nothing. Whether nothing is left then.
    pub fn drop_idle(&mut self) -> bool {
        self.held.retain(|held| !held.is_idle());
        matches!(self.held, List::Empty)
    }

    /// Reads something of it, so that it is near when it is needed.
    pub fn touch(&self) -> u64 {
        let held = self.held.as_slice().first().map_or(0, |held| held.timer().as_micros());
        held as u64 ^ self.key.values().len() as u64
    }

    /// Reads something of what it points to; what is in the record itself must be near by now.
    pub fn touch_far(&self) -> u64 {
        let text = self.key.values().first().map_or(0, |value| match value {
            Value::Str(text) => text.as_bytes().first().copied().unwrap_or_default(),
            _ => 0,
        });
        let runs = self.all_runs().take(FEW_RUNS);
        u64::from(text) ^ runs.fold(0, |sum, (_, runs)| sum ^ runs.touch())
    }

    /// Reads something of the events that its runs hold; what it points to must be near by now.
    pub fn touch_events(&self) -> u64 {
        let runs = self.all_runs().take(FEW_RUNS);
        runs.fold(0, |sum, (_, runs)| sum ^ runs.touch_event())
    }
}
