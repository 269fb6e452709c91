//! What a round has to tell of alerts to those who keep it for people to look at.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::alert::Alert;
use crate::event::Timestamp;
use crate::outbox::Outgoing;

use super::log::{Entry, Record};

/// What is new in a round.
#[derive(Debug, Default)]
pub struct Noted {
    /// The alerts that have come, in order.
    pub came: Vec<Came>,
    /// What was decided of these and others, in order, with the ids.
    pub entries: Vec<(String, Entry)>,
}

/// An alert that has come.
#[derive(Debug)]
pub struct Came {
    /// What the log has of it, before anything was decided.
    pub record: Record,
    /// What its rule says of itself.
    pub about: Option<String>,
    /// Time of the first captured event.
    pub first_time: Timestamp,
    /// Time of the last captured event.
    pub last_time: Timestamp,
    /// How many the rule's limit had held back before it.
    pub suppressed: u64,
    /// What was captured, in the order of the evidence.
    pub captured: Vec<Captured>,
    /// The alert as sinks get it.
    pub outgoing: Arc<Outgoing>,
}

/// An event that an alert has captured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Captured {
    /// The variable of the pattern.
    pub variable: String,
    /// When the event was.
    pub time: Timestamp,
}

impl Came {
    /// Of an alert.
    pub fn new(alert: &Alert, record: Record, outgoing: Arc<Outgoing>) -> Came {
        let captured = alert.events.iter().flat_map(|(variable, events)| {
            events.iter().map(|event| Captured { variable: variable.to_string(), time: event.time() })
        });
        Came {
            record,
            about: alert.notes.about.as_deref().map(str::to_owned),
            first_time: alert.first_time,
            last_time: alert.last_time,
            suppressed: alert.suppressed,
            captured: captured.collect(),
            outgoing,
        }
    }
}
