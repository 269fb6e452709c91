//! Reads a name with its password, which are given both or neither.

use std::path::Path;

use crate::secret::Secret;

use super::{Report, Table};

/// Reads them. The inner `None`: there is no name.
#[expect(clippy::option_option, reason = "none is a mistake, which has been reported")]
pub fn read(table: &Table<'_>, folder: &Path, report: &mut Report) -> Option<Option<(String, Secret)>> {
    let name = table.text("username", report);
    let password = table.secret("password", folder, report);
    match (table.place("username", report), table.secret_place("password", report)) {
        (None, None) => Some(None),
        (Some(_), Some(_)) => Some(Some((name?.value, password?))),
        (Some(place), None) => {
            let help = "add `password_env` or `password_file`, or take `username` out";
            report.contradiction(place, "`username` is there, and its `password` is missing", help);
            None
        }
        (None, Some(place)) => {
            let help = "add `username`, or take the password out";
            report.contradiction(place, "a password is there, and `username` is missing", help);
            None
        }
    }
}
