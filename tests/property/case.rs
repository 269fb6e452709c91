//! What the reference matcher and the engine are both given, and what both must say.
//!
//! An event of stream `s` with its fields, and a report: the part of an alert that the meaning of a
//! pattern settles.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// An event of stream `s`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Names the event in reports.
    pub id: i64,
    /// The key.
    pub k: String,
    /// A letter that most conditions look at.
    pub t: String,
    /// A number; null where the stream declares it optional.
    pub v: Option<i64>,
    /// Event time in milliseconds.
    pub at: i64,
}

/// Why an alert was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The pattern matched.
    Match,
    /// A run ran out of time.
    Timeout,
}

/// What is compared of an alert.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Report {
    /// Match or time-out.
    pub kind: Kind,
    /// Event time in milliseconds at which it was certain.
    pub decided: i64,
    /// Ids of the captured events by variable; a variable that captured nothing is left out.
    pub events: BTreeMap<String, Vec<i64>>,
}

/// A line of `patterns.jsonl`.
#[derive(Clone, Debug, Deserialize)]
pub struct Case {
    /// Its name.
    pub id: String,
    /// A whole rule file.
    pub rule: String,
    /// What arrives.
    pub events: Vec<Event>,
    /// What must be reported.
    pub expect: Vec<Report>,
}

/// The recorded cases.
pub fn recorded() -> Vec<Case> {
    include_str!("../conformance/patterns.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).expect("a case is a JSON object"))
        .collect()
}

/// Events as text, one a line, for messages about failures.
pub fn show_events(events: &[Event]) -> String {
    events.iter().map(|event| serde_json::to_string(event).expect("an event serialises") + "\n").collect()
}

/// Reports as text, one a line, for messages about failures.
pub fn show_reports(reports: &[Report]) -> String {
    reports.iter().map(|report| serde_json::to_string(report).expect("a report serialises") + "\n").collect()
}
