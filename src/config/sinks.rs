//! Reads the sinks of a configuration.

use std::path::Path;
use std::time::Duration;

use toml::de::DeTable;

use crate::outbox::QueueLimits;
use crate::sink::retry::RetryPolicy;
use crate::sink::webhook;

use super::document::{Report, Table};
use super::read::kind;
use super::reference::{FILE, SINK_TYPES, STDOUT, WEBHOOK};
use super::{Located, Sink, SinkKind};

/// A receiver that asks for a longer wait than this is tried again sooner.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// Reads a sink.
pub fn sink(name: Located<String>, values: &DeTable<'_>, folder: &Path, report: &mut Report) -> Option<Sink> {
    let kind = kind(&name, values, SINK_TYPES, &STDOUT, report)?;
    let section = match kind {
        "stdout" => &STDOUT,
        "file" => &FILE,
        _ => &WEBHOOK,
    };
    let table = Table::new(values, section, name.span, report);
    let alerts = table.count("queue", report);
    let bytes = table.size("queue_bytes", report);
    let tries = table.count("tries", report);
    let backoff = table.wait("backoff", report);
    let max_backoff = table.wait("max_backoff", report);
    let kind = match kind {
        "stdout" => SinkKind::Stdout,
        "file" => SinkKind::File(table.path("path", folder, report)?),
        _ => {
            let url = table.url("url", report);
            let timeout = table.wait("timeout", report);
            SinkKind::Webhook(webhook::Settings { url: url?, timeout: timeout? })
        }
    };
    let queue = QueueLimits { alerts: alerts?, bytes: u32::try_from(bytes?).ok()? };
    let retry = RetryPolicy {
        tries: u32::try_from(tries?).ok()?,
        backoff: backoff?,
        max_backoff: max_backoff?,
        max_retry_after: MAX_RETRY_AFTER,
    };
    Some(Sink { name, queue, retry, kind })
}
