//! `tripline check` on wrong rule files, as it is run from a shell.

use std::process::{Command, Output};

use serde_json::Value as Json;

use super::root;

fn check(arguments: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_tripline"))
        .arg("check")
        .args(arguments)
        .current_dir(root())
        .output()
        .expect("the command runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    assert_eq!(text(stderr), "", "what is wrong with the rules is the output, not an error of the command");
    (status.code(), text(stdout))
}

fn snapshot(name: &str, shown: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(root().join("command"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, shown));
}

#[test]
fn errors_as_text() {
    let (code, shown) = check(&["names/misspelt_field.trip", "streams.trip"]);
    assert_eq!(code, Some(1));
    snapshot("errors", &shown);
}

#[test]
fn errors_as_json() {
    let (code, shown) = check(&["--format", "json", "names/declared_twice.trip", "streams.trip"]);
    assert_eq!(code, Some(1));
    snapshot("errors_json", &shown);
    let report: Json = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(report["errors"], report["diagnostics"].as_array().expect("a list").len());
}

#[test]
fn warnings_are_no_failure() {
    let (code, shown) = check(&["warnings/held_back.trip", "streams.trip"]);
    assert_eq!(code, Some(0));
    snapshot("warnings", &shown);
    let (code, shown) = check(&["--format", "json", "warnings/held_back.trip", "streams.trip"]);
    assert_eq!(code, Some(0));
    snapshot("warnings_json", &shown);
}

#[test]
fn no_mistake_is_said_so() {
    let (code, shown) = check(&["streams.trip"]);
    assert_eq!((code, shown.as_str()), (Some(0), "0 rules and 3 streams in 1 file: no mistakes found\n"));
    let (code, shown) = check(&["--format", "json", "streams.trip"]);
    let report: Json = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(code, Some(0));
    assert_eq!(report, serde_json::json!({"errors": 0, "warnings": 0, "diagnostics": []}));
}

#[test]
fn a_folder_is_one_rule_set() {
    let (code, shown) = check(&["several/two_teams"]);
    assert_eq!(code, Some(1));
    snapshot("folder", &shown);
}

#[test]
fn costs_as_text() {
    let (code, shown) = check(&["--cost", "command/costs.trip", "streams.trip"]);
    assert_eq!(code, Some(0));
    snapshot("costs", &shown);
    let (code, shown) = check(&["--cost", "--rule", "spree", "command/costs.trip", "streams.trip"]);
    assert_eq!(code, Some(0));
    snapshot("costs_of_one", &shown);
}

#[test]
fn costs_as_json() {
    let (code, shown) =
        check(&["--cost", "--rule", "spree", "--format", "json", "command/costs.trip", "streams.trip"]);
    assert_eq!(code, Some(0));
    snapshot("costs_json", &shown);
}

#[test]
fn rules_with_errors_have_no_costs() {
    let (code, shown) = check(&["--cost", "names/misspelt_field.trip", "streams.trip"]);
    assert_eq!(code, Some(1));
    assert!(!shown.contains("partial matches"), "{shown}");
}

#[test]
fn files_of_lists_and_tables_are_checked_with_the_rules() {
    let (code, shown) = check(&["data/wrong.trip"]);
    assert_eq!(code, Some(1));
    snapshot("tables", &shown);
    let (code, shown) = check(&["--format", "json", "data/wrong.trip"]);
    assert_eq!(code, Some(1));
    snapshot("tables_json", &shown);
    let (code, shown) = check(&["data/right.trip"]);
    assert_eq!((code, shown.as_str()), (Some(0), "0 rules and 0 streams in 1 file: no mistakes found\n"));
}
