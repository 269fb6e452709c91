//! `tripline check` on wrong rule files and `tripline test` on failing tests, as they are run from a shell.

use std::process::{Command, Output};

use serde_json::Value as Json;

use super::root;

fn check(arguments: &[&str]) -> (Option<i32>, String) {
    run("check", arguments)
}

fn run(command: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_tripline"))
        .arg(command)
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

/// Some tests that fail and some that pass.
const TESTED: [&str; 2] = ["command/tested", "streams.trip"];

#[test]
fn tests_as_text() {
    let (code, shown) = run("test", &TESTED);
    assert_eq!(code, Some(1));
    snapshot("tested", &shown);
    let (code, shown) = run("test", &["command/tested", "streams.trip", "--filter", "small"]);
    assert_eq!(code, Some(0));
    snapshot("tested_filter", &shown);
}

#[test]
fn tests_as_json() {
    let (code, shown) = run("test", &["command/tested", "streams.trip", "--format", "json"]);
    assert_eq!(code, Some(1));
    let report: Json = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(report["tests"], report["cases"].as_array().expect("a list").len());
    snapshot("tested_json", &shown);
}

/// What Jenkins and GitLab read: suites with their counts, cases with names and classes, a failure with
/// a message and its text.
#[test]
fn tests_as_junit() {
    let (code, shown) = run("test", &["command/tested", "streams.trip", "--format", "junit"]);
    assert_eq!(code, Some(1));
    let report = quick_junit::Report::deserialize_from_str(&shown).expect("JUnit XML");
    let suites: Vec<_> = report.test_suites.iter().map(|suite| (suite.tests, suite.failures)).collect();
    assert_eq!((report.tests, report.failures, report.errors, suites), (4, 2, 0, vec![(3, 2), (1, 0)]));
    for case in report.test_suites.iter().flat_map(|suite| &suite.test_cases) {
        let class = case.classname.as_ref().expect("a class");
        assert!(
            class.as_str().starts_with("command.tested.") && case.time.is_some(),
            "{}",
            case.name.as_str()
        );
        if let quick_junit::TestCaseStatus::NonSuccess { kind, message, description, .. } = &case.status {
            assert_eq!(*kind, quick_junit::NonSuccessKind::Failure);
            let (message, text) =
                (message.as_ref().expect("a message"), description.as_ref().expect("a text"));
            assert!(text.as_str().contains(message.as_str()), "{text:?}");
        }
    }
    let times = regex::Regex::new(" time=\"[0-9.]+\"").expect("a regular expression");
    snapshot("tested_junit", &times.replace_all(&shown, " time=\"…\""));
}

#[test]
fn rules_without_tests() {
    let (code, shown) = run("test", &["streams.trip"]);
    assert_eq!((code, shown.as_str()), (Some(0), "the rules have no tests\n"));
    let (code, shown) = run("test", &["streams.trip", "--format", "junit"]);
    let report = quick_junit::Report::deserialize_from_str(&shown).expect("JUnit XML");
    assert_eq!((code, report.tests), (Some(0), 0));
}
