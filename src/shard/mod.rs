//! The shard: owns the state of its keys and runs every rule over their events.
//!
//! Enters: events in their order and the passing of event time. Leaves: alerts in the order
//! decided. A shard does not know how many others there are, reads no clock and waits for nothing.

mod alerts;
mod keys;
mod state;
#[cfg(test)]
mod tests;
mod timers;

use std::cell::RefCell;
use std::sync::Arc;

use crate::alert::Alert;
use crate::automaton::Answers;
use crate::event::{Event, Key, SequencePoint, Timestamp, Value};
use crate::expression::{Faults, History};
use crate::history::{Histories, Moment, Reading, RuleHistory};
use crate::language::checked::Mode;
use crate::matcher::{Matcher, Report, ReportKind};
use crate::program::{Program, Route, RuleId};

use keys::{Keys, Slot};
use timers::{Timer, Timers};

pub use state::{Counters, EngineState, MemoryStore, ShardState, StateStore};

/// Runs every rule over the keys that it owns.
#[derive(Debug)]
pub struct Shard {
    program: Arc<Program>,
    keys: Keys,
    timers: Timers,
    answers: Answers,
    histories: RefCell<Histories>,
    /// What the rule in hand could not compute.
    faults: Faults,
    counters: ShardCounters,
    /// Whether the alerts of rules in shadow are given out.
    sends_shadow: bool,
    live_runs: usize,
    /// Buffer for the reports of one event or moment.
    reports: Vec<Report>,
    /// The keys of one event or moment whose runs may be over.
    touched: Vec<Slot>,
}

/// What a shard has counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShardCounters {
    /// Events that a rule could not put into a group because a part of the key is null.
    pub keyless: u64,
    /// For each rule: matches and time-outs reported, also those of rules in shadow.
    pub alerts: Vec<u64>,
    /// For each rule: runs dropped because a limit was reached, counted once until the key is idle.
    pub limits: Vec<u64>,
    /// For each rule: events that an aggregate over the past has left out because its log was full.
    pub forgotten: Vec<u64>,
    /// For each rule: how often a value could not be computed (integer overflow, division by zero, a
    /// function that has none for its arguments). What several rules ask alike of an event is counted
    /// for each of them.
    pub faults: Vec<u64>,
}

/// A report with what orders it among those of the same moment.
struct Decided {
    rule: RuleId,
    slot: Slot,
    report: Report,
}

impl Decided {
    /// Within one moment: what time decided about matches first, then time-outs, each by first
    /// event, then by rule.
    fn order(&self) -> (ReportKind, SequencePoint, RuleId) {
        (self.report.kind, self.report.first, self.rule)
    }
}

impl Shard {
    /// A shard without any state.
    pub fn new(program: Arc<Program>) -> Shard {
        let rules = program.rules().len();
        Shard {
            answers: Answers::new(program.predicates()),
            keys: Keys::default(),
            timers: Timers::default(),
            histories: RefCell::default(),
            faults: Faults::default(),
            counters: ShardCounters {
                keyless: 0,
                alerts: vec![0; rules],
                limits: vec![0; rules],
                forgotten: vec![0; rules],
                faults: vec![0; rules],
            },
            sends_shadow: false,
            live_runs: 0,
            reports: Vec::new(),
            touched: Vec::new(),
            program,
        }
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
        self.live_runs
    }

    /// How many events are kept for aggregates over the past.
    pub fn past_events(&self) -> usize {
        self.histories.borrow().events()
    }

    /// How many keys have live runs.
    pub fn live_keys(&self) -> usize {
        self.keys.len()
    }

    /// Looks at the next event in the order; event time has passed all that was due before it.
    pub fn event(&mut self, event: &Event, alerts: &mut Vec<Alert>) {
        self.answers.next_event();
        let program = Arc::clone(&self.program);
        let mut decided = Vec::new();
        for route in program.routes(event.stream()) {
            self.route(&program, route, event, &mut decided);
        }
        for (predicate, count) in self.answers.faults() {
            for rule in program.askers(*predicate) {
                self.counters.faults[rule.0 as usize] += count;
            }
        }
        self.throw_out_timers();
        // Rules by name; the reports of one rule stay in the order the matcher gave them.
        decided.sort_by_key(|decided: &Decided| decided.rule);
        let moment = Moment { now: event.time(), current: Some(event.point()) };
        self.emit(&program, &decided, moment, alerts);
        self.drop_idle_keys();
    }

    fn route(&mut self, program: &Program, route: &Route, event: &Event, decided: &mut Vec<Decided>) {
        if route.key.iter().any(|field| event.value(*field).is_null()) {
            self.counters.keyless += 1;
            return;
        }
        self.remember(program, route, event);
        let moment = Moment { now: event.time(), current: Some(event.point()) };
        let mut slot: Option<Slot> = None;
        let mut known: Option<Key> = None;
        for &rule in &route.rules {
            let compiled = &program.compiled()[rule.0 as usize];
            let matcher = Matcher {
                rule: compiled,
                predicates: program.predicates(),
                history: None,
                faults: &self.faults,
            };
            let concerned = matcher.concerns(event, &mut self.answers);
            if !concerned && !compiled.automaton.sees_every_event {
                continue;
            }
            let key = known.get_or_insert_with(|| {
                Key::new(route.key.iter().map(|field| event.value(*field)))
                    .expect("no part of the key is null")
            });
            if slot.is_none() {
                slot = self.keys.find(key);
            }
            let active = slot.is_some_and(|slot| self.keys.has_runs(slot, rule));
            let begins = concerned && matcher.can_start(event, &mut self.answers);
            if !active && !begins {
                continue;
            }
            let at = *slot.get_or_insert_with(|| self.keys.insert(key));
            let state = self.keys.state(at, rule);
            let before = state.runs.len();
            let readings = &program.readings(rule).pattern;
            let history = past(program, readings, key.values(), moment, &self.histories);
            let matcher =
                Matcher { history: history.as_ref().map(|history| history as &dyn History), ..matcher };
            matcher.event(&mut state.runs, event, &mut self.answers, &mut self.reports);
            self.live_runs = self.live_runs + state.runs.len() - before;
            self.counters.faults[rule.0 as usize] += self.faults.take();
            state.schedule(at, &mut self.timers);
            decided.extend(self.reports.drain(..).map(|report| Decided { rule, slot: at, report }));
        }
        self.touched.extend(slot);
    }

    /// Adds the event to the logs that keep something of it: before it is matched, since an
    /// aggregate over the past counts the current event unless it says `previous`.
    fn remember(&mut self, program: &Program, route: &Route, event: &Event) {
        for &log in &route.logs {
            let spec = program.logs().get(log);
            let enters =
                spec.filter.is_none_or(|filter| self.answers.holds(program.predicates(), filter, event));
            if !enters {
                continue;
            }
            let forgot = self.histories.get_mut().push(log, spec, event, &self.faults);
            let faults = self.faults.take();
            for rule in program.readers(log) {
                self.counters.forgotten[rule.0 as usize] += u64::from(forgot);
                self.counters.faults[rule.0 as usize] += faults;
            }
        }
    }

    /// Event time has come to `now`: decides everything that was due before it.
    pub fn advance(&mut self, now: Timestamp, alerts: &mut Vec<Alert>) {
        while let Some(due) = self.timers.next_due().filter(|due| *due < now) {
            self.decide(due, alerts);
        }
        self.histories.get_mut().expire(now, self.program.logs());
    }

    /// Decides all that is due at one moment.
    fn decide(&mut self, due: Timestamp, alerts: &mut Vec<Alert>) {
        let program = Arc::clone(&self.program);
        let mut decided: Vec<Decided> = Vec::new();
        while let Some(Timer { slot, rule, .. }) = self.timers.pop_due(due) {
            let Some(state) = self.keys.state_if_scheduled(slot, rule, due) else { continue };
            let compiled = &program.compiled()[rule.0 as usize];
            let matcher = Matcher {
                rule: compiled,
                predicates: program.predicates(),
                history: None,
                faults: &self.faults,
            };
            let before = state.runs.len();
            matcher.time(&mut state.runs, due, &mut self.reports);
            self.live_runs = self.live_runs + state.runs.len() - before;
            self.counters.faults[rule.0 as usize] += self.faults.take();
            state.schedule(slot, &mut self.timers);
            self.touched.push(slot);
            decided.extend(self.reports.drain(..).map(|report| Decided { rule, slot, report }));
        }
        decided.sort_by_key(Decided::order);
        self.emit(&program, &decided, Moment { now: due, current: None }, alerts);
        self.drop_idle_keys();
    }

    fn emit(&mut self, program: &Program, decided: &[Decided], moment: Moment, alerts: &mut Vec<Alert>) {
        for Decided { rule, slot, report } in decided {
            let compiled = &program.compiled()[rule.0 as usize].rule;
            match report.kind {
                ReportKind::Match | ReportKind::Timeout => self.counters.alerts[rule.0 as usize] += 1,
                ReportKind::TooManyRuns | ReportKind::TooManyEvents => {
                    self.counters.limits[rule.0 as usize] += 1
                }
            }
            if compiled.mode == Mode::Live || self.sends_shadow {
                let key = self.keys.key(*slot);
                let readings = match report.kind {
                    ReportKind::Timeout => &program.readings(*rule).timeout,
                    _ => &program.readings(*rule).alert,
                };
                let history = past(program, readings, key.values(), moment, &self.histories);
                let history = history.as_ref().map(|history| history as &dyn History);
                alerts.push(alerts::build(compiled, program.streams(), key, report, history, &self.faults));
                self.counters.faults[rule.0 as usize] += self.faults.take();
            }
        }
    }

    fn throw_out_timers(&mut self) {
        if self.timers.are_crowded() {
            self.timers.replace(self.keys.timers());
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
