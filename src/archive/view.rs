//! Alerts as they are shown, in lists and as they come.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

use crate::alert::notification::Named;
use crate::alert::{AlertKind, Severity};
use crate::event::Timestamp;
use crate::routing::Entry;

use super::search::{Status, Summary};

/// An alert in a list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AlertView {
    /// Its number; alerts that came later have larger ones.
    pub number: u64,
    /// Its id.
    pub id: String,
    /// The rule.
    pub rule: String,
    /// How much it matters.
    pub severity: Severity,
    /// Why it was made.
    pub kind: AlertKind,
    /// Its title, or the beginning of it.
    pub title: String,
    /// What its rule says of itself.
    pub about: Option<String>,
    /// The key; empty if it is very long.
    #[schema(value_type = Object)]
    pub key: Named<Json>,
    /// Time of the first captured event.
    pub first_time: Timestamp,
    /// Time of the last captured event.
    pub last_time: Timestamp,
    /// When it was certain, in event time.
    pub decided_time: Timestamp,
    /// When it came, by the clock of the service.
    pub time: Timestamp,
    /// How many the rule's limit had held back before it.
    pub suppressed: u64,
    /// How many events it has captured.
    pub events: usize,
    /// The condition that it is in.
    pub status: Status,
    /// Who has brought it there, if somebody has.
    pub status_by: Option<String>,
    /// What was decided of it, in order.
    pub decisions: Vec<DecisionView>,
}

/// Something that was decided of an alert.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DecisionView {
    /// What, for machines.
    #[serde(flatten)]
    pub entry: Entry,
    /// The same in words.
    pub text: String,
}

impl From<Summary> for AlertView {
    fn from(Summary { number, header, status, status_by }: Summary) -> AlertView {
        let record = header.record;
        let decision = |entry: Entry| DecisionView { text: entry.decision.to_string(), entry };
        AlertView {
            number,
            id: record.id,
            rule: record.rule,
            severity: record.severity,
            kind: record.kind,
            title: record.title,
            about: header.about,
            key: record.key,
            first_time: header.first_time,
            last_time: header.last_time,
            decided_time: record.decided_time,
            time: record.time,
            suppressed: header.suppressed,
            events: header.events,
            status,
            status_by,
            decisions: record.decisions.into_iter().map(decision).collect(),
        }
    }
}
