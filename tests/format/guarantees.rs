//! Formatting changes neither what a file says nor a file that is formatted.

use std::fs;

use proptest::prelude::*;
use tripline::diagnostic::Sources;
use tripline::program::Program;

use crate::fuzz::{formatted, rule_file, rule_files};
use crate::{project, rules};

/// The fingerprints of the rules in some files, in order; `None` if the files do not compile.
fn fingerprints(sources: &Sources) -> Option<Vec<(String, String)>> {
    let program = Program::compile(sources).0?;
    let rules = program.rules().iter();
    Some(rules.map(|rule| (rule.name.to_string(), rule.fingerprint.to_string())).collect())
}

#[test]
fn the_rules_of_the_project_are_formatted() {
    for path in rules::rule_files(&rules::root()) {
        let text = fs::read_to_string(&path).expect("rule files are UTF-8");
        let name = path.display();
        assert_eq!(formatted(&text).as_ref(), Some(&text), "format it: tripline fmt {name}");
    }
}

#[test]
fn every_rule_file_of_the_project_keeps_what_it_says() {
    let (mut compiled, mut right) = (0, 0);
    for text in rule_files(project()) {
        let Some(after) = formatted(&text) else { continue };
        right += 1;
        let fingerprints = |text: &str| fingerprints(&Sources::new([("rules.trip", text)]));
        let before = fingerprints(&text);
        assert_eq!(before, fingerprints(&after), "other fingerprints:\n{text}\n--- became\n{after}");
        compiled += usize::from(before.is_some_and(|rules| !rules.is_empty()));
    }
    assert!(right >= 500 && compiled >= 400, "only {right} files and {compiled} that compile");
}

#[test]
fn the_example_rules_keep_their_fingerprints_in_the_ugliest_form() {
    let before = rules::sources();
    let ugly =
        |text: &str| text.lines().map(|line| format!("{}  \r\n\r\n\r\n", line.trim())).collect::<String>();
    let after = before.iter().map(|(_, file)| {
        let text = format!("\u{feff}{}", ugly(&file.text));
        (file.name.clone(), formatted(&text).expect("it has no mistakes"))
    });
    let after = Sources::new(after);
    let known = fingerprints(&before).expect("the rules compile");
    assert!(known.len() >= 5, "only {known:?}");
    assert_eq!(Some(known), fingerprints(&after));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn generated_files_keep_what_they_say(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let text = rule_file(&bytes);
        if formatted(&text).is_none() {
            return Err(TestCaseError::reject("it has mistakes"));
        }
    }
}
