//! Reads the keys of a source of files.

use std::path::Path;

use crate::codec::Format;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::codes::E0615;
use crate::source::Decoding;
use crate::source::file::{Mistake, Mode, Paths, Settings, Start};
use crate::source::framing::Framing;

use super::document::{Report, Table};

/// Reads what a source of files is to do. Relative paths begin at `folder`.
pub fn settings(
    table: &Table<'_>,
    folder: &Path,
    decoding: Option<&Decoding>,
    report: &mut Report,
) -> Option<Settings> {
    let paths = paths(table, folder, report);
    let follow = table.flag("follow", report);
    let start = table.word("start", report);
    let poll = table.wait("poll", report);
    let max_files = table.count("max_files", report);
    let (paths, follow) = (paths?, follow?);
    check_together(table, &paths, follow, report);
    let mode = if follow {
        let start = if start? == "end" { Start::End } else { Start::Beginning };
        if let (Start::End, Some(decoding)) = (start, decoding) {
            check_start(table, decoding, report);
        }
        Mode::Follow { start, poll: poll? }
    } else {
        Mode::Once
    };
    Some(Settings { paths, max_files: max_files?, mode })
}

fn paths(table: &Table<'_>, folder: &Path, report: &mut Report) -> Option<Paths> {
    let given = table.text("path", report)?;
    let paths = Paths::new(&given.value, folder).and_then(|paths| match paths.only_folders() {
        Some(found) => Err(Mistake::Folder(found.display().to_string())),
        None => Ok(paths),
    });
    paths
        .map_err(|mistake| {
            let diagnostic = Diagnostic::new(E0615, given.span, mistake.to_string());
            report.push(diagnostic.help(mistake.help()));
        })
        .ok()
}

/// Reports keys that say nothing beside others, or the opposite of them.
fn check_together(table: &Table<'_>, paths: &Paths, follow: bool, report: &mut Report) {
    if follow {
        if let (Paths::One(path), Some(place)) = (paths, table.place("path", report))
            && paths.is_compressed()
        {
            let message = format!("`{}` is compressed, and such a file cannot be followed", path.display());
            report.contradiction(place, message, "read it once: `follow = false`");
        }
        return;
    }
    for key in ["start", "poll"] {
        if let Some(place) = table.place(key, report) {
            let message = format!("`{key}` says how files are followed, and these are read once");
            report.contradiction(place, message, format!("set `follow = true`, or leave out `{key}`"));
        }
    }
}

/// Reports records of which none can be understood when those before it are left out.
fn check_start(table: &Table<'_>, decoding: &Decoding, report: &mut Report) {
    let Some(place) = table.place("start", report) else { return };
    if let Format::Csv(csv) = &decoding.format
        && csv.columns().is_none()
    {
        let message = "`start = \"end\"` leaves out the first record of a file, which names the columns";
        report.contradiction(place, message, "name them here: `columns = [\"id\", \"amount\"]`");
    }
    if matches!(decoding.framing, Framing::OctetCounting | Framing::LengthPrefixed) {
        let message = "`start = \"end\"` looks for the end of a line, and these records have lengths instead";
        report.contradiction(place, message, "leave out `start`, or use `framing = \"lines\"`");
    }
}
