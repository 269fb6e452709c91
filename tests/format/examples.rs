//! What the form looks like: every `ugly/NAME.trip` becomes `ugly/NAME.snap`.

use std::fs;

use crate::fuzz::formatted;
use crate::project;

#[test]
fn ugly_files_become_readable() {
    let folder = project().join("tests/format/ugly");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(&folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).expect("the folder can be read") {
        let path = entry.expect("the entry can be read").path();
        if path.extension().is_some_and(|ending| ending == "trip") {
            names.push(path.file_stem().expect("a name").to_string_lossy().into_owned());
        }
    }
    names.sort();
    assert!(names.len() >= 5, "only {names:?}");
    for name in names {
        let text = fs::read_to_string(folder.join(format!("{name}.trip"))).expect("it is UTF-8");
        let shown = formatted(&text).unwrap_or_else(|| panic!("{name} has mistakes"));
        settings.bind(|| insta::assert_snapshot!(name, shown));
    }
}
