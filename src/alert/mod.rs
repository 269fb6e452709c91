//! Alerts: what a rule says when it matches.

mod json;
mod notes;
pub mod notification;
mod stored;

use std::sync::Arc;

pub use json::AsEvent;
pub use notes::{Notes, Passing};

use compact_str::CompactString;

use crate::event::{Event, Timestamp, Value};

/// How much an alert matters, as its rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Look at it some day.
    Low,
    /// Look at it today.
    Medium,
    /// Look at it now.
    High,
    /// Wake someone.
    Critical,
}

impl Severity {
    /// Every severity, from the least.
    pub const ALL: [Severity; 5] =
        [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

    /// The word the language uses.
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }

    /// The severity of that name.
    pub fn of_name(name: &str) -> Option<Severity> {
        Severity::ALL.into_iter().find(|severity| severity.name() == name)
    }
}

/// Why an alert was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertKind {
    /// The pattern matched.
    Match,
    /// A run of a rule with `on timeout` ran out of time.
    Timeout,
    /// A limit of the rule was reached and a run was dropped: a match can now be missed.
    Limit,
}

impl AlertKind {
    /// Every kind.
    pub const ALL: [AlertKind; 3] = [AlertKind::Match, AlertKind::Timeout, AlertKind::Limit];

    /// The kind of that name.
    pub fn of_name(name: &str) -> Option<AlertKind> {
        AlertKind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The word that JSON and streams of alerts use.
    pub const fn name(self) -> &'static str {
        match self {
            AlertKind::Match => "match",
            AlertKind::Timeout => "timeout",
            AlertKind::Limit => "limit",
        }
    }
}

/// An alert. Serialised, it is the JSON object that sinks send.
#[derive(Clone, Debug)]
pub struct Alert {
    /// Hash of the rule's fingerprint, the kind, the key and what was captured (by position, and by
    /// their own ids where alerts were): the same match has the same id after a replay or on another
    /// machine.
    pub id: String,
    /// The rule's name.
    pub rule: Arc<str>,
    /// Hash of the rule's meaning.
    pub fingerprint: Arc<str>,
    /// As the rule says.
    pub severity: Severity,
    /// The title with its expressions filled in.
    pub title: String,
    /// Why it was made.
    pub kind: AlertKind,
    /// What its rule says of itself.
    pub notes: Arc<Notes>,
    /// The key's fields, in the order of `by`, named as in the first stream.
    pub key: Vec<(CompactString, Value)>,
    /// Time of the first captured event.
    pub first_time: Timestamp,
    /// Time of the last captured event.
    pub last_time: Timestamp,
    /// Event time at which it was certain.
    pub decided_time: Timestamp,
    /// Alerts held back by `limit` since the last one that passed.
    pub suppressed: u64,
    /// The rule's alert fields, in the order written.
    pub fields: Vec<(CompactString, Value)>,
    /// What each variable captured, in the order of the pattern; variables that captured nothing
    /// are left out.
    pub events: Vec<(CompactString, Vec<Event>)>,
    /// The lists and tables that the rule reads, by name, each with the version (the hash of its file)
    /// that was in use when the alert was decided.
    pub tables: Vec<(CompactString, Arc<str>)>,
    /// Where the rule wants it to go: names of sinks.
    pub sinks: Arc<[String]>,
}

impl Alert {
    /// How many microseconds before `now` the event arrived that decided it; `None` if time decided it, or
    /// what other rules said.
    pub fn delay(&self, now: Timestamp) -> Option<u64> {
        let events = self.events.iter().flat_map(|(_, events)| events);
        let last =
            events.max_by_key(|event| event.point()).filter(|last| last.time() == self.decided_time)?;
        if last.alert().is_some() || self.kind != AlertKind::Match {
            return None;
        }
        Some(now.since(last.arrival()).map_or(0, |delay| delay.as_micros().unsigned_abs()))
    }
}
