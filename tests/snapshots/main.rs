//! What authors see for mistakes that only show once names, types and patterns are looked at.
//!
//! Every `FOLDER/NAME.trip` is a wrong rule file; it is checked together with `streams.trip`, and
//! what `tripline check` shows of it stands in `NAME.snap` beside it. A folder `several/NAME` is a
//! rule set of its own. What the parser alone finds is in `syntax`, which its unit tests write.

#[cfg(feature = "service")]
mod command;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tripline::diagnostic::{Diagnostics, Sources, Style, render_all};
use tripline::program::Program;
use tripline::table::Tables;
use tripline::testing;

/// The folder that this file stands in.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots")
}

/// The entries of a folder with that ending (folders: none), sorted.
fn entries(folder: &Path, ending: Option<&str>) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("the entry can be read").path()).collect();
    paths.retain(|path| path.extension().and_then(|ending| ending.to_str()) == ending);
    paths.sort();
    paths
}

/// The files as sources, named as seen from this folder.
fn sources(files: &[PathBuf]) -> Sources {
    Sources::new(files.iter().map(|path| {
        let name = path.strip_prefix(root()).expect("below the root").display().to_string();
        (name, fs::read_to_string(path).expect("rule files are UTF-8"))
    }))
}

/// Snapshots in a folder, by name alone.
fn settings(folder: &str) -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(root().join(folder));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

/// Compares what is shown of a rule set with the snapshot of that name in a folder.
fn check(folder: &str, name: &str, files: &[PathBuf]) -> Diagnostics {
    let sources = sources(files);
    let (_, diagnostics) = Program::compile(&sources);
    let shown = render_all(&diagnostics, &sources, Style::Plain);
    settings(folder).bind(|| insta::assert_snapshot!(name, shown));
    diagnostics
}

/// Checks every rule file of a folder.
fn check_folder(folder: &str) -> Vec<(String, Diagnostics)> {
    let files = entries(&root().join(folder), Some("trip"));
    assert!(!files.is_empty(), "{folder}: no rule file");
    let checked = files.into_iter().map(|file| {
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let diagnostics = check(folder, &name, &[file, root().join("streams.trip")]);
        assert!(!diagnostics.is_empty(), "{folder}/{name}: nothing is wrong with it");
        (name, diagnostics)
    });
    checked.collect()
}

#[test]
fn the_streams_have_no_mistakes() {
    let (program, diagnostics) = Program::compile(&sources(&[root().join("streams.trip")]));
    assert!(program.is_some() && diagnostics.is_empty());
}

#[test]
fn names() {
    check_folder("names");
}

#[test]
fn types() {
    check_folder("types");
}

#[test]
fn patterns() {
    check_folder("patterns");
}

#[test]
fn the_past() {
    check_folder("past");
}

#[test]
fn tests() {
    check_folder("cases");
}

#[test]
fn rules() {
    check_folder("rules");
}

#[test]
fn tables() {
    check_folder("tables");
}

#[test]
fn warnings() {
    for (name, diagnostics) in check_folder("warnings") {
        assert_ne!(diagnostics.counts().1, 0, "{name}: no warning");
    }
}

/// Comments that allow warnings, those that are wrong among them.
#[test]
fn allow() {
    check_folder("allow");
}

/// What is shown of tests that fail.
#[test]
fn failures() {
    for file in entries(&root().join("failures"), Some("trip")) {
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let sources = sources(&[file, root().join("streams.trip")]);
        let (program, diagnostics) = Program::compile_for_tests(&sources);
        let shown = render_all(&diagnostics, &sources, Style::Plain);
        let program = Arc::new(program.unwrap_or_else(|| panic!("{name}: {shown}")));
        let tables = Arc::new(Tables::unread(program.tables()));
        let mut text = String::new();
        for case in program.cases() {
            let outcome = testing::run(&program, &tables, &sources, case);
            assert!(!outcome.passed(), "{name}: {} passes", case.name);
            text.push_str(&format!("── {} ──\n\n", case.name));
            for failure in &outcome.failures {
                text.push_str(&format!("{}\n\n", failure.render(&sources, Style::Plain)));
            }
        }
        settings("failures").bind(|| insta::assert_snapshot!(name, text));
    }
}

/// What could not be read leads to no other message.
#[test]
fn what_could_not_be_read() {
    check_folder("unread");
}

#[test]
fn mistakes_in_several_files_are_all_reported() {
    for folder in entries(&root().join("several"), None) {
        let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
        check("several", &name, &entries(&folder, Some("trip")));
    }
}

/// An event's condition is checked wherever the pattern tests for it, but a mistake is told once.
#[test]
fn nothing_is_told_twice() {
    let folders =
        ["names", "types", "patterns", "past", "cases", "rules", "tables", "warnings", "allow", "unread"];
    for file in folders.iter().flat_map(|folder| entries(&root().join(folder), Some("trip"))) {
        let (_, diagnostics) = Program::compile(&sources(&[file.clone(), root().join("streams.trip")]));
        let mut seen = BTreeSet::new();
        for diagnostic in &diagnostics {
            let what = (diagnostic.primary.span, diagnostic.message.as_str());
            assert!(seen.insert(what), "{}: twice: {}", file.display(), diagnostic.message);
        }
    }
}

/// Every message says what to do: in a hint, or by naming what should stand there or why not.
#[test]
fn every_message_says_what_to_do() {
    const SAID_IN_THE_MESSAGE: [&str; 3] = ["E0006", "E0011", "E0209"];
    const SAID_AT_THE_PLACE: [&str; 2] = ["E0007", "E0205"];
    let folders = ["names", "types", "patterns", "past", "rules", "warnings", "allow", "unread"];
    for file in folders.iter().flat_map(|folder| entries(&root().join(folder), Some("trip"))) {
        let (_, diagnostics) = Program::compile(&sources(&[file.clone(), root().join("streams.trip")]));
        for diagnostic in &diagnostics {
            let code = diagnostic.code.as_str();
            let says = !diagnostic.help.is_empty()
                || SAID_IN_THE_MESSAGE.contains(&code)
                || SAID_AT_THE_PLACE.contains(&code) && !diagnostic.primary.text.is_empty();
            assert!(says, "{}: {code}: {}", file.display(), diagnostic.message);
        }
    }
}

/// The order in which files are given is without effect.
#[test]
fn the_order_of_files_does_not_matter() {
    for folder in entries(&root().join("several"), None) {
        let mut files = entries(&folder, Some("trip"));
        let shown = |files: &[PathBuf]| {
            let sources = sources(files);
            render_all(&Program::compile(&sources).1, &sources, Style::Plain)
        };
        let before = shown(&files);
        files.reverse();
        assert_eq!(before, shown(&files), "{}", folder.display());
    }
}

/// Every snapshot belongs to a rule file that is still there.
#[test]
fn no_snapshot_is_left_over() {
    for folder in [
        "names", "types", "patterns", "past", "cases", "failures", "rules", "tables", "warnings", "allow",
        "unread", "several",
    ] {
        for snapshot in entries(&root().join(folder), Some("snap")) {
            let source = if folder == "several" {
                snapshot.with_extension("")
            } else {
                snapshot.with_extension("trip")
            };
            assert!(source.exists(), "{}: of nothing", snapshot.display());
        }
    }
}
