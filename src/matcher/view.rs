//! Runs as people look at them.

use std::sync::Arc;

use compact_str::CompactString;

use super::Run;
use crate::automaton::{CompiledRule, Element, Transition, Trigger};
use crate::event::{Event, SequencePoint, Timestamp, Value};
use crate::language::checked::{LinkKind, VariableId};

/// A partial match.
#[derive(Clone, Debug)]
pub struct RunView {
    /// The rule.
    pub rule: Arc<str>,
    /// Hash of what the rule means, or meant if it is that of an old version.
    pub fingerprint: Arc<str>,
    /// Its key, named as in alerts.
    pub key: Vec<(CompactString, Value)>,
    /// What it has captured, in the order taken, by name.
    pub captured: Vec<(CompactString, Event)>,
    /// What it waits for, in the order of preference.
    pub waits: Vec<Wait>,
    /// How many events, or absences, it lacks at least.
    pub missing: u32,
    /// Whether it has been reported: then it waits for more of the same.
    pub reported: bool,
    /// Where in the pattern it stands.
    pub step: Step,
    /// The last moment at which something can still come of it; none if nothing limits it.
    pub until: Option<Timestamp>,
    /// What becomes of it when nothing comes until then.
    pub end: End,
}

/// Where in a pattern a run stands: the part that brings it nearest to a match, or the one that it has taken
/// last if it has matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which part of the pattern, from 1 on.
    pub number: usize,
    /// How many parts the pattern has.
    pub of: usize,
    /// The part, about as it is written in the rule.
    pub text: String,
    /// How many events it has taken of that part.
    pub taken: usize,
}

/// What becomes of a run when nothing comes that it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It is dropped.
    Nothing,
    /// The rule reports that it timed out.
    Timeout,
    /// It is a match: what must not come has not come.
    Match,
    /// It goes on behind what must not have come.
    GoesOn,
}

/// What the runs of a rule are looked at by.
#[derive(Debug)]
pub struct Looking<'a> {
    rule: &'a CompiledRule,
    elements: Vec<Element>,
}

impl<'a> Looking<'a> {
    /// For a rule.
    pub fn new(rule: &'a CompiledRule) -> Looking<'a> {
        Looking { elements: Element::of(&rule.rule), rule }
    }
}

/// Something that a run waits for.
#[derive(Clone, Debug, PartialEq)]
pub struct Wait {
    /// The event definition, or the stream.
    pub event: CompactString,
    /// What the wait is for.
    pub kind: WaitKind,
    /// The last moment at which it can come or, of an absence, at which its end lies; none if nothing
    /// limits it.
    pub until: Option<Timestamp>,
    /// How many events, or absences, would still be lacking after it at least.
    pub missing: u32,
}

/// What a wait is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitKind {
    /// For such an event.
    Event,
    /// For such an event, and it must be the very next one.
    NextEvent,
    /// For no such event to come.
    Absence,
}

/// What tells a run from the others of its key: what it has captured, in order.
pub type Captured = Vec<(VariableId, SequencePoint)>;

impl Run {
    /// What it has captured.
    pub fn captured(&self) -> Captured {
        let mut captured: Captured =
            self.captures.newest_first().map(|(variable, event)| (variable, event.point())).collect();
        captured.reverse();
        captured
    }

    /// The first event that it has captured.
    pub fn first(&self) -> SequencePoint {
        self.first_point()
    }

    /// How many events it has captured.
    pub fn len(&self) -> usize {
        self.captures.len()
    }

    /// Whether it has been reported.
    pub fn is_reported(&self) -> bool {
        self.reported
    }

    /// How many events, or absences, it lacks at least.
    pub fn missing(&self, rule: &CompiledRule) -> u32 {
        let state = rule.automaton.state(self.state);
        if state.accepting {
            return 0;
        }
        let next = self.open(state).map(|(_, transition)| rule.automaton.distance(transition.target));
        next.min().map_or(u32::MAX, |next| next.saturating_add(1))
    }

    /// What it waits for, in the order of preference, each thing once.
    pub fn waits(&self, rule: &CompiledRule) -> Vec<Wait> {
        let mut waits: Vec<Wait> = Vec::new();
        for (_, transition) in self.open(rule.automaton.state(self.state)) {
            let (test, kind, until) = match transition.trigger {
                Trigger::Take { test, link, .. } => {
                    let is_next = link == LinkKind::Next;
                    let kind = if is_next { WaitKind::NextEvent } else { WaitKind::Event };
                    (test, kind, self.deadline(rule, transition))
                }
                Trigger::Absence { test, end } => (test, WaitKind::Absence, self.absence_end(rule, end)),
            };
            let event = rule.rule.tests[test.0 as usize].name.clone();
            let until = Some(until).filter(|until| *until < Timestamp::LAST);
            let wait = Wait { event, kind, until, missing: rule.automaton.distance(transition.target) };
            if !waits.contains(&wait) {
                waits.push(wait);
            }
        }
        waits
    }

    /// All of it.
    pub fn view(&self, looking: &Looking<'_>, key: &[Value]) -> RunView {
        let rule = looking.rule;
        let name = |variable: VariableId| rule.rule.variables[variable.0 as usize].name.clone();
        let captured = self.captures.in_order().into_iter();
        let waits = self.waits(rule);
        // Of an absence the end is known, whatever else may come.
        let is_limited = waits.iter().all(|wait| wait.until.is_some());
        let until = waits.iter().filter_map(|wait| wait.until).max().filter(|_| is_limited);
        RunView {
            rule: Arc::clone(&rule.rule.name),
            fingerprint: Arc::clone(&rule.rule.fingerprint),
            key: rule.rule.key.names.iter().cloned().zip(key.iter().cloned()).collect(),
            captured: captured.map(|(variable, event)| (name(variable), event)).collect(),
            end: self.end(rule, &waits),
            waits,
            missing: self.missing(rule),
            reported: self.reported,
            step: self.step(looking),
            until,
        }
    }

    /// Where it stands.
    fn step(&self, looking: &Looking<'_>) -> Step {
        let Looking { rule, elements } = looking;
        let last = self.captures.newest_first().next().map(|(variable, _)| variable);
        let nearest = || self.nearest(rule);
        let place = match nearest().filter(|_| !self.reported) {
            Some(next) => elements.iter().position(|element| element.has(&next.trigger)),
            None => None,
        };
        let of_last = || elements.iter().position(|element| last.is_some_and(|last| element.captures(last)));
        let place = place.or_else(of_last).unwrap_or_default();
        let element = &elements[place];
        let taken = self.captures.newest_first().filter(|(variable, _)| element.captures(*variable)).count();
        Step { number: place + 1, of: elements.len(), text: element.text.clone(), taken }
    }

    /// What brings it nearest to a match; of several the first in the order of preference.
    fn nearest<'r>(&self, rule: &'r CompiledRule) -> Option<&'r Transition> {
        let open = self.open(rule.automaton.state(self.state)).map(|(_, transition)| transition);
        open.min_by_key(|transition| rule.automaton.distance(transition.target))
    }

    /// What becomes of it when nothing comes.
    fn end(&self, rule: &CompiledRule, waits: &[Wait]) -> End {
        let absence =
            waits.iter().filter(|wait| wait.kind == WaitKind::Absence).max_by_key(|wait| wait.until);
        if let Some(absence) = absence {
            return if absence.missing == 0 { End::Match } else { End::GoesOn };
        }
        let is_told = rule.rule.timeout.as_ref().is_some_and(|timeout| {
            let mut captured = self.captures.newest_first().map(|(variable, _)| variable);
            timeout.after.is_none_or(|after| captured.any(|variable| variable == after))
        });
        if is_told && !self.reported { End::Timeout } else { End::Nothing }
    }
}
