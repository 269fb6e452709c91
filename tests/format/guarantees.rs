//! Formatting changes neither what a file says nor a file that is formatted.

use std::fs;

use proptest::prelude::*;
use tripline::diagnostic::Sources;
use tripline::program::Program;

use crate::fuzz::{formatted, rule_file, rule_files};
use crate::{project, rules};

/// The fingerprints of the rules in some files, in order; `None` if the files do not compile.
fn fingerprints(sources: &Sources) -> Option<Vec<(String, String)>> {
    compiled(sources).0
}

/// The same, with the codes of what there is to say about the files.
fn compiled(sources: &Sources) -> (Option<Vec<(String, String)>>, Vec<String>) {
    let (program, diagnostics) = Program::compile(sources);
    let mut codes: Vec<String> = diagnostics.iter().map(|found| found.code.to_string()).collect();
    codes.sort();
    let named = |program: Program| {
        let rules = program.rules().iter();
        rules.map(|rule| (rule.name.to_string(), rule.fingerprint.to_string())).collect()
    };
    (program.map(named), codes)
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
        let known = |text: &str| self::compiled(&Sources::new([("rules.trip", text)]));
        let before = known(&text);
        assert_eq!(before, known(&after), "other fingerprints or messages:\n{text}\n--- became\n{after}");
        compiled += usize::from(before.0.is_some_and(|rules| !rules.is_empty()));
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

/// A comment that allows a warning goes on to allow it.
#[test]
fn what_is_allowed_stays_allowed() {
    let stream = "stream s time at idle 5s { k string, o int?, a_rather_long_name int?, at timestamp(ms) }\n";
    for event in [
        "event e = s where o != 1  # allow W0509",
        "event e = s where o != 1 and a_rather_long_name != 1 and a_rather_long_name != 2 and o != 3 # allow W0509",
        "event e = s where not (o == 1) # allow W0509: here\n# and this is about the match",
        "# allow W0509\n event e = s where a_rather_long_name != 1 and a_rather_long_name != 2 and o != 3 and o != 4",
    ] {
        let text = format!("{stream}rule r {{ by k\n{event}\n match e alert low \"x\" }}");
        let after = formatted(&text).expect("it has no syntax errors");
        for text in [&text, &after] {
            let (rules, codes) = compiled(&Sources::new([("rules.trip", text)]));
            assert!(rules.is_some() && codes.is_empty(), "{codes:?}\n{text}");
        }
    }
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
