//! Reads a sink for a webhook.

use std::path::Path;

use crate::sink::webhook::Settings;

use super::{Report, SinkKind, Table, http};

/// Reads it.
pub fn read(table: &Table<'_>, folder: &Path, report: &mut Report) -> Option<SinkKind> {
    let url = table.secret_url("url", folder, report);
    let http = http::settings(table, folder, report);
    Some(SinkKind::Webhook(Settings { url: url?, http: http? }))
}
