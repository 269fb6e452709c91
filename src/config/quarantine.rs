//! Reads where records are kept that were set aside.

use std::path::Path;

use toml::de::DeTable;

use crate::diagnostic::codes::E0610;
use crate::diagnostic::{Diagnostic, Span};
use crate::quarantine::Settings;

use super::Located;
use super::document::{Report, Table};
use super::reference::{LATE, QUARANTINE, Section};

/// Where to keep records that are no events, and where to keep events that came too late; `None`: they
/// are only counted and logged.
pub fn kept(
    root: &Table<'_>,
    folder: &Path,
    report: &mut Report,
) -> Option<(Option<Settings>, Option<Settings>)> {
    let empty = DeTable::new();
    let (values, heading) = root.table("quarantine", report).unwrap_or((&empty, Span::default()));
    let records = one(values, heading, &QUARANTINE, folder, report);
    let late = match root.table("late", report) {
        Some((values, heading)) => one(values, heading, &LATE, folder, report),
        None => Some(None),
    };
    let (records, late) = (records?, late?);
    if let (Some(records), Some(late)) = (&records, &late)
        && records.value.file == late.value.file
    {
        let message = format!("`{}` is the file of the quarantine as well", late.value.file.display());
        let mut diagnostic = Diagnostic::new(E0610, late.span, message).help("give one of them another file");
        if records.span != Span::default() {
            diagnostic = diagnostic.also(records.span, "it is named here");
        }
        report.push(diagnostic);
    }
    Some((records.map(|records| records.value), late.map(|late| late.value)))
}

/// Which file is wanted, if any.
fn one(
    values: &DeTable<'_>,
    heading: Span,
    section: &'static Section,
    folder: &Path,
    report: &mut Report,
) -> Option<Option<Located<Settings>>> {
    let table = Table::new(values, section, heading, report);
    let enabled = table.flag("enabled", report);
    let file = table.located_path("file", folder, report);
    let max_size = table.size("max_size", report);
    let Located { value: file, span } = file?;
    let settings = Located { value: Settings { file, max_size: max_size? }, span };
    Some(enabled?.then_some(settings))
}
