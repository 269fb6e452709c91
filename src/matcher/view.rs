//! Runs as people look at them.

use compact_str::CompactString;

use super::Run;
use crate::automaton::{CompiledRule, Trigger};
use crate::event::{Event, SequencePoint, Timestamp, Value};
use crate::language::checked::{LinkKind, VariableId};

/// A partial match.
#[derive(Clone, Debug)]
pub struct RunView {
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
    pub fn missing(&self, rule: &CompiledRule, distances: &[u32]) -> u32 {
        let state = rule.automaton.state(self.state);
        if state.accepting {
            return 0;
        }
        let next = self.open(state).map(|(_, transition)| distances[transition.target.0 as usize]);
        next.min().map_or(u32::MAX, |next| next.saturating_add(1))
    }

    /// What it waits for, in the order of preference, each thing once.
    pub fn waits(&self, rule: &CompiledRule, distances: &[u32]) -> Vec<Wait> {
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
            let wait = Wait { event, kind, until, missing: distances[transition.target.0 as usize] };
            if !waits.contains(&wait) {
                waits.push(wait);
            }
        }
        waits
    }

    /// All of it.
    pub fn view(&self, rule: &CompiledRule, key: &[Value], distances: &[u32]) -> RunView {
        let name = |variable: VariableId| rule.rule.variables[variable.0 as usize].name.clone();
        let captured = self.captures.in_order().into_iter();
        RunView {
            key: rule.rule.key.names.iter().cloned().zip(key.iter().cloned()).collect(),
            captured: captured.map(|(variable, event)| (name(variable), event)).collect(),
            waits: self.waits(rule, distances),
            missing: self.missing(rule, distances),
            reported: self.reported,
        }
    }
}
