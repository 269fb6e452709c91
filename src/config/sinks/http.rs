//! Reads what all kinds of sinks have that speak HTTP as clients.

use std::path::Path;

use crate::sink::http::Settings;

use super::{Report, Table};

/// Reads it.
pub fn settings(table: &Table<'_>, folder: &Path, report: &mut Report) -> Option<Settings> {
    let timeout = table.wait("timeout", report);
    let ca = table.path("tls_ca", folder, report);
    Some(Settings { timeout: timeout?, ca })
}
