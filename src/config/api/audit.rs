//! Reads where it is recorded what somebody changes.

use std::path::{Path, PathBuf};

use crate::config::document::{Report, Table};
use crate::config::reference::API_AUDIT;

/// Where it is recorded what somebody changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditSettings {
    /// The file.
    pub file: PathBuf,
    /// It is put aside before it has more bytes than this.
    pub rotate_size: u64,
    /// How many of those put aside are kept.
    pub keep: usize,
}

/// What `[api.audit]` says. `Some(None)`: there is none.
pub fn audit(api: &Table<'_>, folder: &Path, report: &mut Report) -> Option<Option<AuditSettings>> {
    let Some((values, heading)) = api.table("audit", report) else { return Some(None) };
    let table = Table::new(values, &API_AUDIT, heading, report);
    let file = table.path("file", folder, report);
    let rotate_size = table.size("rotate_size", report);
    let keep = table.count("keep", report);
    Some(Some(AuditSettings { file: file?, rotate_size: rotate_size?, keep: keep? }))
}
