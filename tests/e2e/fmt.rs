//! `fmt`.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::harness::{Folder, text};

const UGLY: &str = "let  a=1\n\n\nlet b = 2";
const TIDY: &str = "let a = 1\n\nlet b = 2\n";
const WRONG: &str = "let a = \n";

#[test]
fn files_are_changed_in_place_and_only_where_they_differ() {
    let folder = Folder::new();
    let ugly = folder.write("rules/deep/ugly.trip", UGLY);
    let tidy = folder.write("rules/tidy.trip", TIDY);
    folder.write("rules/notes.txt", UGLY);
    fs::set_permissions(&ugly, fs::Permissions::from_mode(0o640)).expect("permissions");
    let untouched = fs::metadata(&tidy).expect("it is there").modified().expect("a time");

    let done = folder.run(&["fmt", "rules"]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    assert_eq!(text(&done.stdout), "formatted rules/deep/ugly.trip\n1 of 2 files changed\n");
    assert_eq!(folder.read("rules/deep/ugly.trip"), TIDY);
    assert_eq!(folder.read("rules/notes.txt"), UGLY);
    assert_eq!(fs::metadata(&ugly).expect("it is there").permissions().mode() & 0o777, 0o640);
    assert_eq!(fs::metadata(&tidy).expect("it is there").modified().expect("a time"), untouched);
    let beside = fs::read_dir(folder.path().join("rules/deep")).expect("a folder").count();
    assert_eq!(beside, 1, "nothing is left beside it");

    let again = folder.run(&["fmt", "rules"]);
    assert_eq!(text(&again.stdout), "0 of 2 files changed\n");
}

#[test]
fn check_shows_what_would_change() {
    let folder = Folder::new();
    folder.write("rules/ugly.trip", UGLY);
    let checked = folder.run(&["fmt", "--check", "rules"]);
    assert_eq!(checked.status.code(), Some(1));
    let expected = "\
--- rules/ugly.trip
+++ rules/ugly.trip (formatted)
@@ -1,4 +1,3 @@
-let  a=1
-
+let a = 1
 
-let b = 2
\\ No newline at end of file
+let b = 2
1 of 1 file would change
";
    assert_eq!(text(&checked.stdout), expected);
    assert_eq!(folder.read("rules/ugly.trip"), UGLY);

    folder.write("rules/ugly.trip", TIDY);
    let checked = folder.run(&["fmt", "--check", "rules"]);
    assert_eq!(checked.status.code(), Some(0));
    assert_eq!(text(&checked.stdout), "0 of 1 file would change\n");
}

#[test]
fn standard_input_goes_to_standard_output() {
    let folder = Folder::new();
    let done = folder.run_with(&["fmt", "-"], UGLY.as_bytes());
    assert_eq!((done.status.code(), text(&done.stdout)), (Some(0), TIDY));
    let done = folder.run_with(&["fmt", "-"], TIDY.as_bytes());
    assert_eq!((done.status.code(), text(&done.stdout)), (Some(0), TIDY));
    let checked = folder.run_with(&["fmt", "-", "--check"], UGLY.as_bytes());
    assert_eq!(checked.status.code(), Some(1));
    assert!(text(&checked.stdout).starts_with("--- <standard input>\n"), "{}", text(&checked.stdout));
    let wrong = folder.run_with(&["fmt", "-"], WRONG.as_bytes());
    assert_eq!((wrong.status.code(), text(&wrong.stdout)), (Some(2), ""));
    assert!(text(&wrong.stderr).contains("<standard input>:1:8"), "{}", text(&wrong.stderr));
    let foreign = folder.run_with(&["fmt", "-"], b"# caf\xe9");
    assert_eq!(foreign.status.code(), Some(2));
    assert_eq!(text(&foreign.stderr), "error: standard input is not UTF-8\n");
}

#[test]
fn files_with_errors_stay_as_they_are() {
    let folder = Folder::new();
    folder.write("rules/ugly.trip", UGLY);
    folder.write("rules/wrong.trip", WRONG);
    let done = folder.run(&["fmt", "rules"]);
    assert_eq!(done.status.code(), Some(2));
    assert_eq!(text(&done.stdout), "formatted rules/ugly.trip\n1 of 2 files changed\n");
    let shown = text(&done.stderr);
    assert!(shown.contains("rules/wrong.trip:1:8"), "{shown}");
    assert!(
        shown.ends_with("error: the rules have 1 error: files with errors stay as they are\n"),
        "{shown}"
    );
    assert_eq!(folder.read("rules/wrong.trip"), WRONG);
    assert_eq!(folder.read("rules/ugly.trip"), TIDY);
}

#[test]
fn what_cannot_be_read_or_written_is_named() {
    let folder = Folder::new();
    let missing = folder.run(&["fmt", "rules"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(text(&missing.stderr).contains("`rules` cannot be read"), "{}", text(&missing.stderr));
    let both = folder.run(&["fmt", "-", "rules"]);
    assert_eq!(both.status.code(), Some(2));
    assert_eq!(text(&both.stderr), "error: `-` stands for standard input and is formatted by itself\n");
    let pipe = folder.run_with(&["fmt", "/dev/stdin"], UGLY.as_bytes());
    assert_eq!(pipe.status.code(), Some(1), "{}", text(&pipe.stderr));
    assert!(text(&pipe.stderr).contains("error: cannot write `/dev/stdin`: "), "{}", text(&pipe.stderr));
}

#[test]
fn links_stay_links() {
    let folder = Folder::new();
    let ugly = folder.write("elsewhere/ugly.trip", UGLY);
    fs::create_dir(folder.path().join("rules")).expect("a folder");
    let link = folder.path().join("rules/link.trip");
    symlink(&ugly, &link).expect("a link");
    let done = folder.run(&["fmt", "rules"]);
    assert_eq!(text(&done.stdout), "formatted rules/link.trip\n1 of 1 file changed\n");
    assert!(fs::symlink_metadata(&link).expect("it is there").is_symlink());
    assert_eq!(folder.read("elsewhere/ugly.trip"), TIDY);
}
