//! The shard: owns the state of its keys and runs the rules of one stratum over their events.
//!
//! Enters: events in their order and the passing of event time. Leaves: alerts, each with its place
//! in the order of all. A shard does not know how many others there are, reads no clock and waits for
//! nothing but, where memory has a limit, the rows of keys that have left it ([`shelf`]).

mod again;
mod ahead;
mod alerts;
mod emit;
mod event;
mod keys;
pub mod legend;
mod limit;
pub mod look;
pub mod misses;
mod order;
mod shelf;
pub mod stored;
#[cfg(test)]
mod tests;
mod timers;
mod watch;
mod work;

use std::cell::RefCell;
use std::sync::Arc;

use crate::automaton::{Answers, CompiledRule};
use crate::event::{Timestamp, Value};
use crate::expression::Faults;
use crate::history::{Histories, Moment, Reading, RuleHistory};
use crate::matcher::{Matcher, Report, RunSet};
use crate::program::{Program, RuleId};
use crate::stored::Space;
use crate::table::Tables;

use ahead::Ahead;
use keys::{Keys, Slot};
use misses::Misses;
use shelf::Shelved;
use timers::{Due, Timers};

pub use again::Again;
pub use keys::stored::Restore;
pub use order::Order;
pub use shelf::Shelving;
pub use watch::{Seen, Watcher};
pub use work::{Decision, Item, Routes, Sent, Work};

/// Runs the rules of one stratum over the keys that it owns.
#[derive(Debug)]
pub struct Shard {
    program: Arc<Program>,
    /// How far its rules are from events of sources.
    stratum: usize,
    tables: Arc<Tables>,
    keys: Keys,
    timers: Timers,
    answers: Answers,
    histories: RefCell<Histories>,
    /// What the rule in hand could not compute.
    faults: Faults,
    counters: ShardCounters,
    /// Whether the alerts of rules in shadow are given out.
    sends_shadow: bool,
    live: Live,
    misses: Misses,
    /// All times before this have passed.
    passed: Timestamp,
    /// Buffer for the reports of one event or moment.
    reports: Vec<Report>,
    /// The keys of one event or moment whose runs may be over.
    touched: Vec<Slot>,
    /// Who looks on, if anyone does.
    watcher: Option<Box<dyn Watcher>>,
    /// Rows that were stored and belong to nothing any more, by their groups and keys.
    unknown: Vec<(Space, u16, Box<[u8]>)>,
    /// Where keys are found again that have left memory, if that has a limit.
    shelved: Option<Box<Shelved>>,
    /// The number of the changes that were given last, until they are known to be stored.
    under_way: u64,
}

/// What a shard has counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShardCounters {
    /// Events that a rule could not put into a group because a part of the key is null.
    pub keyless: u64,
    /// For each rule: events that fit one of those that it names, for a key without null.
    pub events: Vec<u64>,
    /// For each rule: matches and time-outs reported, also those of rules in shadow and those held
    /// back.
    pub alerts: Vec<u64>,
    /// For each rule: how many of them its `limit` held back.
    pub held_back: Vec<u64>,
    /// For each rule: groups of its `limit … for each` that were forgotten too early because there
    /// were too many for one key, so that an alert too many may have passed.
    pub groups_forgotten: Vec<u64>,
    /// For each rule: runs dropped because a limit was reached, counted once until the key is idle,
    /// and alerts left out of streams because too many waited, counted once until none waits.
    pub limits: Vec<u64>,
    /// For each rule: events that an aggregate over the past has left out because its log was full.
    pub forgotten: Vec<u64>,
    /// For each rule: how often a value could not be computed (integer overflow, division by zero, a
    /// function that has none for its arguments). What several rules ask alike of an event is counted
    /// for each of them.
    pub faults: Vec<u64>,
}

impl ShardCounters {
    /// Nothing counted, for so many rules.
    pub fn new(rules: usize) -> ShardCounters {
        ShardCounters {
            keyless: 0,
            events: vec![0; rules],
            alerts: vec![0; rules],
            held_back: vec![0; rules],
            groups_forgotten: vec![0; rules],
            limits: vec![0; rules],
            forgotten: vec![0; rules],
            faults: vec![0; rules],
        }
    }

    /// What has been counted for rules and old versions of them, each of these counted under its rule: but for
    /// the events, of which the rule of now counts its own.
    pub(crate) fn together(mut self, program: &Program) -> ShardCounters {
        for old in program.olds() {
            let now = program.now(old).0 as usize;
            self.events[old.0 as usize] = 0;
            self.of_rules_mut().into_iter().for_each(|counts| counts[now] += counts[old.0 as usize]);
        }
        let own = program.rules().len();
        self.of_rules_mut().into_iter().for_each(|counts| counts.truncate(own));
        self
    }

    /// Adds what another has counted for the same rules.
    pub fn add(&mut self, other: &ShardCounters) {
        self.combine(other, |mine, theirs| *mine += theirs);
    }

    /// What was counted since these were as `earlier` says.
    pub fn since(mut self, earlier: &ShardCounters) -> ShardCounters {
        self.combine(earlier, |mine, theirs| *mine -= theirs);
        self
    }

    fn combine(&mut self, other: &ShardCounters, how: fn(&mut u64, u64)) {
        how(&mut self.keyless, other.keyless);
        for (mine, theirs) in [
            (&mut self.events, &other.events),
            (&mut self.alerts, &other.alerts),
            (&mut self.held_back, &other.held_back),
            (&mut self.groups_forgotten, &other.groups_forgotten),
            (&mut self.limits, &other.limits),
            (&mut self.forgotten, &other.forgotten),
            (&mut self.faults, &other.faults),
        ] {
            mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| how(mine, *theirs));
        }
    }
}

/// How many runs are alive.
#[derive(Clone, Debug)]
struct Live {
    runs: usize,
    /// Those of them that see every event of their key, whether it fits anything or not.
    seeing_all: usize,
    /// How many rules there are without old versions.
    own: usize,
    /// Those of each rule, old versions included.
    by_rule: Vec<usize>,
}

impl Live {
    fn new(program: &Program) -> Live {
        let by_rule = vec![0; program.compiled().len()];
        Live { runs: 0, seeing_all: 0, own: program.rules().len(), by_rule }
    }

    /// A rule now has so many for a key.
    fn change(&mut self, id: RuleId, rule: &CompiledRule, before: usize, now: usize) {
        self.runs = self.runs + now - before;
        if rule.automaton.sees_every_event {
            self.seeing_all = self.seeing_all + now - before;
        }
        let of_rule = &mut self.by_rule[id.0 as usize];
        *of_rule = *of_rule + now - before;
    }

    /// A run has begun of a rule that need not see every event.
    fn begin(&mut self, id: RuleId) {
        self.runs += 1;
        self.by_rule[id.0 as usize] += 1;
    }

    /// A run is over of a rule that need not see every event.
    fn end(&mut self, id: RuleId) {
        self.runs -= 1;
        self.by_rule[id.0 as usize] -= 1;
    }
}

/// A report with its place.
struct Decided {
    order: Order,
    rule: RuleId,
    slot: Slot,
    report: Report,
}

impl Shard {
    /// A shard without any state, for the rules of a stratum.
    pub fn new(program: Arc<Program>, stratum: usize) -> Shard {
        Shard {
            stratum,
            answers: Answers::new(program.predicates()),
            tables: Arc::new(Tables::unread(program.tables())),
            keys: Keys::default(),
            timers: Timers::default(),
            histories: RefCell::default(),
            faults: Faults::default(),
            counters: ShardCounters::new(program.compiled().len()),
            sends_shadow: false,
            live: Live::new(&program),
            misses: Misses::new(program.compiled().len()),
            passed: Timestamp::MIN,
            reports: Vec::new(),
            touched: Vec::new(),
            watcher: None,
            unknown: Vec::new(),
            shelved: None,
            under_way: 0,
            program,
        }
    }

    /// Puts contents of lists and tables in the place of those in use, from the next event on.
    pub fn set_tables(&mut self, tables: Arc<Tables>) {
        self.tables = tables;
    }

    /// Gives out the alerts of rules in shadow as if they were live, or not.
    pub fn send_shadow(&mut self, wanted: bool) {
        self.sends_shadow = wanted;
    }

    /// What has been counted.
    pub fn counters(&self) -> &ShardCounters {
        &self.counters
    }

    /// How many runs are alive.
    pub fn live_runs(&self) -> usize {
        self.live.runs
    }

    /// How many runs are alive of each old version of a rule.
    pub fn live_runs_of_old(&self) -> &[usize] {
        &self.live.by_rule[self.live.own..]
    }

    /// How many runs are alive of each rule, old versions included.
    pub fn live_by_rule(&self) -> &[usize] {
        &self.live.by_rule
    }

    /// How many events are kept for aggregates over the past.
    pub fn past_events(&self) -> usize {
        self.histories.borrow().events()
    }

    /// How many keys there are for which something is held: runs, or what a `limit` counts.
    pub fn live_keys(&self) -> usize {
        self.keys.len()
    }

    /// Looks at events in their order, and decides all that is due before what has passed then. Adds
    /// the alerts to `decisions`, in order.
    pub fn run(&mut self, work: &Work, decisions: &mut Vec<Decision>) {
        // Once, not for each event: the count of those who share it is shared by all shards.
        let program = Arc::clone(&self.program);
        let mut ahead = Ahead::default();
        for items in work.items.chunks(ahead::TOGETHER) {
            self.make_room();
            self.look_ahead(&program, items, &mut ahead);
            for (place, item) in items.iter().enumerate() {
                self.advance(item.event.time(), decisions);
                self.event(&program, item, ahead.of(place), decisions);
            }
        }
        self.advance(work.passed, decisions);
        self.passed = work.passed;
        self.make_room();
    }

    /// Event time has come to `now`: decides everything that was due before it.
    fn advance(&mut self, now: Timestamp, decisions: &mut Vec<Decision>) {
        while let Some(moment) = self.timers.next_due(now) {
            self.decide(moment, decisions);
        }
        self.histories.get_mut().expire(now, self.program.logs());
    }

    /// Decides what is due at one moment.
    fn decide(&mut self, due: Timestamp, decisions: &mut Vec<Decision>) {
        let program = Arc::clone(&self.program);
        let mut decided: Vec<Decided> = Vec::new();
        while let Some(timer) = self.timers.pop(due, |soon| self.keys.come_near(soon)) {
            if timer.slot.cold().is_some() {
                // It sets its own timers, perhaps for this moment.
                if self.keys.wants(&timer) {
                    self.bring_back(timer.slot, due);
                }
                continue;
            }
            match timer.what() {
                Due::Runs(rule) => self.pass_time(&program, rule, timer.slot, due, &mut decided),
                Due::Limit(rule) => self.forget(&program, rule, timer.slot, due),
            }
        }
        self.emit(&program, decided, Moment { now: due, current: None }, decisions);
        self.drop_idle_keys();
    }

    /// Decides what is due for the runs of a rule for a key.
    fn pass_time(
        &mut self,
        program: &Program,
        rule: RuleId,
        slot: Slot,
        due: Timestamp,
        decided: &mut Vec<Decided>,
    ) {
        let is_watched = self.is_watched(rule);
        let Some(state) = self.keys.runs_if_scheduled(slot, rule, due) else { return };
        if state.runs.is_lone_and_over(due) && !is_watched {
            state.runs = RunSet::default();
            self.live.end(rule);
            self.touched.push(slot);
            return;
        }
        let key = is_watched.then(|| self.keys.key(slot).clone());
        let moment = Moment { now: due, current: None };
        if let Some(key) = &key {
            self.show(program, rule, key, moment, |watcher, seen| watcher.time(seen, due));
        }
        let (key_of_runs, state) = self.keys.runs_mut(slot, rule);
        let compiled = &program.compiled()[rule.0 as usize];
        let matcher = Matcher { rule: compiled, tables: &self.tables, history: None, faults: &self.faults };
        let before = state.runs.len();
        if self.misses.wants(rule, &state.runs, due) {
            self.misses.look(program, rule, key_of_runs, &state.runs, due);
        }
        matcher.time(&mut state.runs, due, &mut self.reports);
        self.live.change(rule, compiled, before, state.runs.len());
        state.schedule(slot, &mut self.timers);
        self.count_faults(rule);
        if let Some(key) = &key {
            let reports = self.reports.clone();
            self.show(program, rule, key, moment, |watcher, seen| watcher.after(seen, &reports));
        }
        self.touched.push(slot);
        let stratum = compiled.rule.stratum;
        decided.extend((0..).zip(self.reports.drain(..)).map(|(number, report)| Decided {
            order: Order::of_time(due, stratum, report.kind, report.first, rule, number),
            rule,
            slot,
            report,
        }));
    }

    /// Forgets what the `limit` of a rule needs no more of a key.
    fn forget(&mut self, program: &Program, rule: RuleId, slot: Slot, due: Timestamp) {
        let limit = program.compiled()[rule.0 as usize].rule.limit.as_ref();
        if let Some(limit) = limit {
            self.keys.forget(slot, rule, limit, due, &mut self.timers);
            self.touched.push(slot);
        }
    }

    /// Forgets the keys whose runs are over, once nothing refers to them any more.
    fn drop_idle_keys(&mut self) {
        for slot in self.touched.drain(..) {
            self.keys.remove_idle(slot);
        }
    }
}

/// The past as a rule sees it, if it looks at any.
fn past<'a>(
    program: &'a Program,
    readings: &'a [Reading],
    key: &'a [Value],
    moment: Moment,
    histories: &'a RefCell<Histories>,
) -> Option<RuleHistory<'a>> {
    (!readings.is_empty()).then(|| RuleHistory::new(program.logs(), readings, key, moment, histories))
}
