//! Tests of a rule set after analysis: names resolved, values settled. What `testing` runs.

use std::sync::Arc;

use compact_str::CompactString;

use crate::alert::AlertKind;
use crate::diagnostic::Span;
use crate::event::{FieldId, StreamId, Timestamp, Value};

/// A test that can be run.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name; no other test of the rule set has it.
    pub name: String,
    /// Where its name stands.
    pub name_span: Span,
    /// The time that its offsets count from.
    pub base: Timestamp,
    /// What happens, in order.
    pub steps: Vec<Step>,
    /// Whether event time stands still after the last step instead of running to infinity.
    pub stops: bool,
    /// What must come of it.
    pub expectations: Vec<Expectation>,
}

/// Something that happens.
#[derive(Clone, Debug)]
pub enum Step {
    /// An event arrives.
    Event(Given),
    /// The engine is stopped, and another one goes on.
    Restart,
}

/// An event of a test.
#[derive(Clone, Debug)]
pub struct Given {
    /// Where its time and stream stand.
    pub span: Span,
    /// Its stream.
    pub stream: StreamId,
    /// Its event time.
    pub time: Timestamp,
    /// Its fields, without the one that holds the time, with values that a record can hold.
    pub fields: Vec<(FieldId, Value)>,
    /// Its record as it came in; none where it is made of the fields.
    pub record: Option<Box<str>>,
}

/// Something that must come of a test.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// Where it stands.
    pub span: Span,
    /// The part of it that says of what it is.
    pub head: Span,
    /// What it is.
    pub kind: ExpectationKind,
}

/// What is expected.
#[derive(Clone, Debug)]
pub enum ExpectationKind {
    /// Alerts.
    Alert(Wanted),
    /// No alert at all.
    Nothing,
    /// No alert that no other expectation speaks of.
    NothingElse,
    /// So many events that come too late.
    Late(u64),
}

/// The alerts that an expectation speaks of.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The rule.
    pub rule: Arc<str>,
    /// Of what kind they are.
    pub kind: AlertKind,
    /// How many; 0: there must be none.
    pub times: u64,
    /// What they hold.
    pub fields: Vec<WantedField>,
}

/// A value at a place of an alert.
#[derive(Clone, Debug)]
pub struct WantedField {
    /// Where it stands.
    pub span: Span,
    /// The path as written.
    pub path: String,
    /// The place.
    pub place: Place,
    /// What must stand there. For a field of an event it is a value that a record can hold.
    pub value: Value,
}

/// A place in an alert.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// What every alert has.
    Member(Member),
    /// A part of the key.
    Key(CompactString),
    /// A field of the alert.
    Field(CompactString),
    /// The version of a list or table.
    Table(CompactString),
    /// A field of a captured event.
    Event {
        /// What the event was captured as.
        variable: CompactString,
        /// Which of the events; `None`: there is only one.
        index: Option<usize>,
        /// The field.
        field: FieldId,
    },
}

/// What every alert has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    /// `id`
    Id,
    /// `rule`
    Rule,
    /// `fingerprint`
    Fingerprint,
    /// `severity`
    Severity,
    /// `title`
    Title,
    /// `kind`
    Kind,
    /// `first_time`
    FirstTime,
    /// `last_time`
    LastTime,
    /// `decided_time`
    DecidedTime,
    /// `suppressed`
    Suppressed,
}

impl Member {
    /// Every one, with its name in the alert.
    pub const ALL: [(&'static str, Member); 10] = [
        ("id", Member::Id),
        ("rule", Member::Rule),
        ("fingerprint", Member::Fingerprint),
        ("severity", Member::Severity),
        ("title", Member::Title),
        ("kind", Member::Kind),
        ("first_time", Member::FirstTime),
        ("last_time", Member::LastTime),
        ("decided_time", Member::DecidedTime),
        ("suppressed", Member::Suppressed),
    ];
}
