//! Reads a sink for PagerDuty.

use std::path::Path;

use crate::sink::host;
use crate::sink::pagerduty::{API, Settings};

use super::{Report, SinkKind, Table, http};

/// Reads it.
pub fn read(table: &Table<'_>, folder: &Path, report: &mut Report) -> Option<SinkKind> {
    let routing_key = table.secret("routing_key", folder, report);
    let source = table.text("source", report).map_or_else(host::name, |source| source.value);
    let url = table.url_or("url", API, report);
    let http = http::settings(table, folder, report);
    Some(SinkKind::PagerDuty(Settings { url: url?, routing_key: routing_key?, source, http: http? }))
}
