//! `check`, `graph`, and how commands fail.

use serde_json::Value;

use crate::harness::{Folder, RULES, text};

#[test]
fn version_and_help_are_given() {
    let folder = Folder::new();
    let version = folder.run(&["--version"]);
    assert!(version.status.success());
    assert_eq!(text(&version.stdout), format!("tripline {}\n", env!("CARGO_PKG_VERSION")));
    for command in ["run", "check", "replay", "test", "graph"] {
        let help = folder.run(&["help", command]);
        assert!(help.status.success());
        assert!(text(&help.stdout).contains("Usage: tripline"), "{command}");
    }
}

#[test]
fn check_accepts_right_rules() {
    let folder = Folder::new();
    folder.write("rules/deep/a.trip", RULES);
    let checked = folder.run(&["check", "rules"]);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stdout));
    assert!(text(&checked.stdout).contains("1 rule and 1 stream in 1 file"), "{}", text(&checked.stdout));
}

#[test]
fn check_shows_mistakes_with_their_places() {
    let folder = Folder::new();
    folder.write("rules/a.trip", RULES.replace("amount > 100", "amonut > 100"));
    let checked = folder.run(&["check", "rules"]);
    assert_eq!(checked.status.code(), Some(1));
    let shown = text(&checked.stdout);
    assert!(shown.contains("rules/a.trip:10:26"), "{shown}");
    assert!(shown.contains("amount"), "{shown}");

    let checked = folder.run(&["check", "rules", "--format", "json"]);
    assert_eq!(checked.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&checked.stdout).expect("JSON");
    assert_eq!(report["errors"], 1);
    assert_eq!(report["diagnostics"][0]["file"], "rules/a.trip");
    assert_eq!(report["diagnostics"][0]["start"]["line"], 10);
}

#[test]
fn check_reports_files_that_cannot_be_read() {
    let folder = Folder::new();
    folder.write("rules/a.trip", b"# caf\xe9\n");
    std::os::unix::fs::symlink(folder.path().join("rules"), folder.path().join("rules/loop"))
        .expect("a link");
    let checked = folder.run(&["check", "rules"]);
    assert_eq!(checked.status.code(), Some(1));
    let shown = text(&checked.stdout);
    assert!(shown.contains("error[E0014]: this file is not UTF-8"), "{shown}");
    assert!(shown.contains("`rules/loop` cannot be read: the link leads back"), "{shown}");
    assert!(shown.ends_with("2 errors\n"), "{shown}");
}

#[test]
fn check_holds_a_configuration_against_its_rules() {
    let folder = Folder::new();
    folder.write("rules/a.trip", RULES);
    let config = "rules = \"rules\"\n[sources.a]\ntype = \"stdin\"\nstream = \"auht\"\n[sinks.desc]\ntype = \"stdout\"\n";
    folder.write("tripline.toml", config);
    let checked = folder.run(&["check", "tripline.toml"]);
    assert_eq!(checked.status.code(), Some(1));
    let shown = text(&checked.stdout);
    assert!(shown.contains("the rules have no stream `auht`"), "{shown}");
    assert!(shown.contains("did you mean `auth`?"), "{shown}");
    assert!(shown.contains("the alerts of `big` go to `desk`, and there is no such sink"), "{shown}");
    assert!(shown.contains("did you mean `desc`?"), "{shown}");

    let run = folder.run(&["run"]);
    assert_eq!(run.status.code(), Some(2));
    assert!(text(&run.stderr).contains("error: the configuration and the rules do not fit: 2 errors"));
}

#[test]
fn the_annotated_example_is_right() {
    let root = env!("CARGO_MANIFEST_DIR");
    if !std::path::Path::new(root).join("rules").exists() {
        return;
    }
    let folder = Folder::new();
    let checked = folder.run(&["check", &format!("{root}/tripline.toml")]);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stdout));
    assert!(text(&checked.stdout).ends_with(": no mistakes found\n"), "{}", text(&checked.stdout));
}

const TESTS: &str = r#"
test "above 100" {
  at 0s auth { id: "1", card: "c1", amount: 100.01 }
  at 1s auth { id: "2", card: "c1", amount: 100 }
  expect big { card: "c1", id: "1" }
  expect nothing else
}
"#;

#[test]
fn tests_are_run_from_every_file() {
    let folder = Folder::new();
    folder.write("rules/a.trip", RULES);
    folder.write("rules/deep/a.test.trip", TESTS);
    let tested = folder.run(&["test", "rules"]);
    assert_eq!(tested.status.code(), Some(0), "{}", text(&tested.stdout));
    let expected = "rules/deep/a.test.trip\n  ok      above 100\n\n1 test: all passed\n";
    assert_eq!(text(&tested.stdout), expected);

    folder.write("rules/deep/a.test.trip", TESTS.replace("100.01", "99.99"));
    let tested = folder.run(&["test", "rules"]);
    assert_eq!(tested.status.code(), Some(1));
    let shown = text(&tested.stdout);
    assert!(shown.contains("not `big`: `amount > 100` is false: amount = 99.99"), "{shown}");
}

#[test]
fn tests_that_cannot_be_run_are_no_failures() {
    let folder = Folder::new();
    folder.write("rules/a.trip", RULES);
    folder.write("rules/a.test.trip", TESTS.replace("expect big", "expect bug"));
    let tested = folder.run(&["test", "rules", "--format", "junit"]);
    assert_eq!((tested.status.code(), text(&tested.stdout)), (Some(2), ""));
    let shown = text(&tested.stderr);
    assert!(shown.contains("error[E0443]: there is no rule `bug`"), "{shown}");
    assert!(shown.ends_with("error: the rules have 1 error\n"), "{shown}");

    folder.write("rules/a.test.trip", TESTS);
    let tested = folder.run(&["test", "rules", "--filter", "below"]);
    assert_eq!(tested.status.code(), Some(2));
    assert_eq!(text(&tested.stderr), "error: no test has \"below\" in its name\n");
}

#[test]
fn graph_knows_the_rules_it_is_asked_for() {
    let folder = Folder::new();
    folder.write("rules/a.trip", RULES);
    let graph = folder.run(&["graph", "rules", "--rule", "bug"]);
    assert_eq!(graph.status.code(), Some(2));
    assert_eq!(text(&graph.stderr), "error: there is no rule `bug`; did you mean `big`?\n");
    let graph = folder.run(&["graph", "rules", "--rule", "big", "--output", "graph.mmd"]);
    assert_eq!(graph.status.code(), Some(0), "{}", text(&graph.stderr));
    assert!(!folder.read("graph.mmd").is_empty());
}

#[test]
fn a_missing_configuration_is_named() {
    let folder = Folder::new();
    let run = folder.run(&["run"]);
    assert_eq!(run.status.code(), Some(2));
    let expected = "error: cannot read the configuration `tripline.toml`: No such file or directory\n";
    assert_eq!(text(&run.stderr), expected);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    let folder = Folder::new();
    folder.write("rules/a.trip", RULES);
    let source = format!("[sources.auth]\ntype = \"tcp\"\nstream = \"auth\"\nlisten = \"{address}\"\n");
    folder.write("tripline.toml", format!("rules = \"rules\"\n{source}[sinks.desk]\ntype = \"stdout\"\n"));
    let run = folder.run(&["run"]);
    assert_eq!(run.status.code(), Some(1));
    let shown = text(&run.stderr);
    let expected = format!(
        "error: the source `auth`: cannot listen at {address}: Address already in use (os error 98); \
         another program, or another tripline, listens there already\n"
    );
    assert!(shown.ends_with(&expected), "{shown}");
}
