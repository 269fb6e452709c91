//! Reads the keys of a source of files.

use std::path::Path;

use crate::diagnostic::Diagnostic;
use crate::diagnostic::codes::{E0614, E0615};
use crate::source::file::{Mistake, Mode, Paths, Settings, Start};

use super::document::{Report, Table};

/// Reads what a source of files is to do. Relative paths begin at `folder`.
pub fn settings(table: &Table<'_>, folder: &Path, report: &mut Report) -> Option<Settings> {
    let paths = paths(table, folder, report);
    let follow = table.flag("follow", report);
    let start = table.word("start", report);
    let poll = table.wait("poll", report);
    let max_files = table.count("max_files", report);
    let (paths, follow) = (paths?, follow?);
    check_together(table, &paths, follow, report);
    let mode = if follow {
        let start = if start? == "end" { Start::End } else { Start::Beginning };
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
            let help = "read it once: `follow = false`";
            report.push(Diagnostic::new(E0614, place, message).help(help));
        }
        return;
    }
    for key in ["start", "poll"] {
        if let Some(place) = table.place(key, report) {
            let message = format!("`{key}` says how files are followed, and these are read once");
            let help = format!("set `follow = true`, or leave out `{key}`");
            report.push(Diagnostic::new(E0614, place, message).help(help));
        }
    }
}
