//! Reads a sink for Microsoft Teams.

use std::path::Path;

use crate::sink::http::Target;
use crate::sink::teams::Settings;

use super::{Report, SinkKind, Table, http};

/// Reads it.
pub fn read(table: &Table<'_>, folder: &Path, report: &mut Report) -> Option<SinkKind> {
    let url = table.secret_url("url", folder, report);
    let http = http::settings(table, folder, report);
    Some(SinkKind::Teams(Settings { url: Target(url?), http: http? }))
}
