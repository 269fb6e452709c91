//! Reads a sink for standard output.

use std::path::Path;

use crate::sink::lines::Form;
use crate::sink::stdout::Settings;

use super::{Report, SinkKind, Table};

/// Reads it.
pub fn read(table: &Table<'_>, _folder: &Path, report: &mut Report) -> Option<SinkKind> {
    Some(SinkKind::Stdout(Settings { form: form(table, report)? }))
}

/// What a line is.
pub fn form(table: &Table<'_>, report: &mut Report) -> Option<Form> {
    Some(if table.word("format", report)? == "text" { Form::Text } else { Form::Json })
}
