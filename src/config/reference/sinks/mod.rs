//! The keys of sinks: one file a kind, and what kinds share.

mod alertmanager;
mod delivery;
mod email;
mod file;
mod http;
mod kafka;
mod pagerduty;
mod slack;
mod stdout;
mod syslog;
mod teams;
mod webhook;

use super::{Key, Missing, Section, Takes, key, secret};

pub use alertmanager::ALERTMANAGER;
pub use delivery::DELIVERY;
pub use email::EMAIL;
pub use file::FILE;
pub use http::HTTP_CLIENT;
pub use kafka::KAFKA_SINK;
pub use pagerduty::PAGERDUTY;
pub use slack::SLACK;
pub use stdout::STDOUT;
pub use syslog::SYSLOG;
pub use teams::TEAMS;
pub use webhook::WEBHOOK;

/// The kinds of sinks.
pub const SINK_TYPES: &[&str] =
    &["stdout", "file", "webhook", "slack", "teams", "pagerduty", "alertmanager", "email", "syslog", "kafka"];

/// What tells the kinds from each other.
const SINK_TYPE: Key = key("type", Takes::Word(SINK_TYPES), Missing::Mistake, "The kind of sink.");

/// What a line of an output is.
const FORMAT: Key = key(
    "format",
    Takes::Word(&["json", "text"]),
    Missing::Is("json"),
    "What a line is: the alert as JSON, or text for people.",
);
