//! Reads a sink for standard output, which has no keys of its own.

use std::path::Path;

use super::{Report, SinkKind, Table};

/// Reads it.
pub fn read(_table: &Table<'_>, _folder: &Path, _report: &mut Report) -> Option<SinkKind> {
    Some(SinkKind::Stdout)
}
