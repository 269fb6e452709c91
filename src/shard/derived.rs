//! Events made of alerts, for the rules that read them.
//!
//! Enters: alerts in the order of their reports. Leaves: the events made of them, in the same order,
//! once event time has passed theirs: they follow all source events of equal time. An event that
//! waits has the time of the moment in hand, so what waits is no more than one moment reports.

use std::collections::{BTreeSet, VecDeque};

use crate::alert::{Alert, AlertKind, AsEvent};
use crate::event::{Event, Timestamp, Value};
use crate::language::checked::AlertStream;
use crate::program::RuleId;

/// Most events that wait: so many alerts of one moment can be read by other rules.
pub(super) const MAX_WAITING: usize = 100_000;

/// The events that wait for their turn.
#[derive(Clone, Debug, Default)]
pub(super) struct Derived {
    waiting: VecDeque<Event>,
    /// How many there have been, which gives each its place in the order. It must not begin anew while
    /// runs hold events of the moment in hand.
    count: u64,
    /// The rules whose alerts were left out since nothing was waiting.
    left_out: BTreeSet<RuleId>,
}

/// What became of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Queued {
    /// Its event waits.
    Waits,
    /// Too many wait. `first`: it is the first of its rule that was left out since none was waiting.
    LeftOut { first: bool },
}

impl Derived {
    /// Makes an event of an alert of the rule.
    pub fn push(&mut self, stream: &AlertStream, rule: RuleId, alert: &Alert) -> Queued {
        if self.waiting.len() >= MAX_WAITING {
            return Queued::LeftOut { first: self.left_out.insert(rule) };
        }
        let time = alert.decided_time;
        debug_assert!(self.waiting.back().is_none_or(|last| last.time() <= time), "time does not go back");
        let raw = serde_json::to_vec(&AsEvent(alert)).expect("an alert is JSON");
        let values = values(stream, alert);
        let event = Event::of_alert(stream.stream, time, self.count, alert.id.as_str(), values, raw);
        self.waiting.push_back(event);
        self.count += 1;
        Queued::Waits
    }

    /// The time of the next event.
    pub fn next_time(&self) -> Option<Timestamp> {
        self.waiting.front().map(Event::time)
    }

    /// The next event, if `time` or a later one has passed.
    pub fn pop(&mut self, time: Timestamp) -> Option<Event> {
        if self.next_time()? > time {
            return None;
        }
        let event = self.waiting.pop_front();
        if self.waiting.is_empty() {
            self.left_out.clear();
        }
        event
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }
}

/// The values of the fields: the key, the kind, and those that the alert fills.
fn values(stream: &AlertStream, alert: &Alert) -> Vec<Value> {
    let filled = stream.filled.iter().map(|filled| {
        let place = if alert.kind == AlertKind::Timeout { filled.by_timeout } else { filled.by_match };
        place.map_or(Value::Null, |index| alert.fields[index].1.clone())
    });
    let key = alert.key.iter().map(|(_, value)| value.clone());
    key.chain([Value::text(alert.kind.name())]).chain(filled).collect()
}
