//! Reads the bounds on what those may do who ask.

use std::time::Duration;

use toml::de::DeTable;

use crate::config::document::{Report, Table};
use crate::config::reference::API_LIMITS;
use crate::diagnostic::Span;
use crate::rate::Rate;

/// Bounds on what those may do who ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiLimits {
    /// The largest body of a request, in bytes.
    pub body: usize,
    /// How many requests everybody may send.
    pub rate: Rate,
    /// How many connections there may be at a time.
    pub connections: usize,
    /// How many answers without an end there may be at a time.
    pub streams: usize,
    /// How long an answer may take to be made, and how long whoever asked may take nothing of it.
    pub time: Duration,
}

/// As where the configuration says nothing.
impl Default for ApiLimits {
    fn default() -> ApiLimits {
        ApiLimits {
            body: 1 << 20,
            rate: Rate { count: 2_000, per: Duration::from_secs(10) },
            connections: 2_000,
            streams: 1_500,
            time: Duration::from_secs(30),
        }
    }
}

/// The bounds in `[api.limits]`.
pub fn limits(api: &Table<'_>, report: &mut Report) -> Option<ApiLimits> {
    let empty = DeTable::new();
    let (values, heading) = api.table("limits", report).unwrap_or((&empty, Span::default()));
    let table = Table::new(values, &API_LIMITS, heading, report);
    let body = table.size("body", report);
    let rate = table.rate("rate", report);
    let connections = table.count("connections", report);
    let streams = table.count("streams", report);
    let time = table.wait("time", report);
    let (connections, streams) = (connections?, streams?);
    if streams >= connections {
        let place = table.place("streams", report).or(table.place("connections", report)).unwrap_or(heading);
        let message = format!(
            "with {streams} streams on {connections} connections, there may be none left for anything else"
        );
        report.contradiction(place, message, "let `connections` be larger than `streams`");
        return None;
    }
    Some(ApiLimits { body: usize::try_from(body?).ok()?, rate: rate?, connections, streams, time: time? })
}
