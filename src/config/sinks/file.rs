//! Reads a sink for a file.

use std::path::Path;

use super::{Report, SinkKind, Table};

/// Reads it.
pub fn read(table: &Table<'_>, folder: &Path, report: &mut Report) -> Option<SinkKind> {
    table.path("path", folder, report).map(SinkKind::File)
}
