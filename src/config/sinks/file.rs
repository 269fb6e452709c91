//! Reads a sink for a file.

use std::path::Path;

use crate::sink::file::Settings;
use crate::sink::file::rotation::Rotation;

use super::stdout::form;
use super::{Report, SinkKind, Table};

/// Reads it.
pub fn read(table: &Table<'_>, folder: &Path, report: &mut Report) -> Option<SinkKind> {
    let path = table.path("path", folder, report);
    let form = form(table, report);
    let rotation = rotation(table, report);
    Some(SinkKind::File(Settings { path: path?, form: form?, rotation }))
}

fn rotation(table: &Table<'_>, report: &mut Report) -> Option<Rotation> {
    let max_size = table.size("rotate_size", report);
    let every = table.wait("rotate_every", report);
    let keep = table.count("keep", report);
    let compress = table.flag("compress", report);
    let asked = ["rotate_size", "rotate_every"].iter().any(|key| table.place(key, report).is_some());
    if asked {
        return Some(Rotation { max_size, every, keep: keep?, compress: compress? });
    }
    for key in ["keep", "compress"] {
        if let Some(place) = table.place(key, report) {
            let message = format!("`{key}` is of use only when the file is put aside");
            report.contradiction(place, message, "add `rotate_size` or `rotate_every`, or take this key out");
        }
    }
    None
}
