//! The reference of the language: what it shows compiles, and what it says of events happens.

use super::page::{Block, check, run_tests, sections, streams, whole};
use super::run;

const PAGE: &str = "language.md";

/// The blocks of the page in a language.
fn blocks(language: &str) -> Vec<Block> {
    let sections = sections(PAGE);
    sections
        .into_iter()
        .flat_map(|section| section.blocks)
        .filter(|block| block.language == language)
        .collect()
}

#[test]
fn every_block_is_checked() {
    let known = ["trip", "trip-error", "run", "values", "json", "text", "ebnf"];
    for section in sections(PAGE) {
        for block in section.blocks {
            assert!(known.contains(&block.language.as_str()), "line {}: {}", block.line, block.language);
        }
    }
}

#[test]
fn the_rules_compile() {
    let streams = streams(&sections(PAGE));
    for block in blocks("trip") {
        let text = whole(&block.text);
        let files = [("example.trip", text.as_str()), ("streams.trip", streams.as_str())];
        // What declares its own streams stands alone.
        let is_alone = block.has("streams") || block.has("alone");
        let (program, diagnostics, shown) = check(&files[..if is_alone { 1 } else { 2 }]);
        let expected: Vec<&str> = block.value("warns").map_or(Vec::new(), |codes| codes.split(',').collect());
        let found: Vec<&str> = diagnostics.iter().map(|one| one.code.as_str()).collect();
        assert!(program.is_some() && found == expected, "line {}:\n{text}\n{shown}", block.line);
    }
}

#[test]
fn the_tests_pass() {
    let streams = streams(&sections(PAGE));
    let mut count = 0;
    for block in blocks("trip") {
        count += run_tests(&[("example.trip", &whole(&block.text)), ("streams.trip", &streams)]);
    }
    assert!(count >= 3, "the tests are found");
}

#[test]
fn what_is_rejected_is_rejected_as_it_says() {
    let streams = streams(&sections(PAGE));
    for block in blocks("trip-error") {
        let [code] = block.words.as_slice() else { panic!("line {}: which code?", block.line) };
        for example in block.text.split("\n\n") {
            let text = whole(&format!("{}\n", example.trim_end()));
            let (_, diagnostics, shown) = check(&[("example.trip", &text), ("streams.trip", &streams)]);
            let found: Vec<&str> = diagnostics.iter().map(|one| one.code.as_str()).collect();
            assert_eq!(found, [code.as_str()], "line {}:\n{text}\n{shown}", block.line);
        }
    }
}

#[test]
fn patterns_match_what_it_says() {
    assert!(blocks("run").len() > 40, "the examples are found");
    let wrong: String = blocks("run").iter().map(|block| run::complaints(&block.text)).collect();
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn expressions_have_the_values_it_says() {
    let streams = streams(&sections(PAGE));
    let event = blocks("json").into_iter().find(|block| block.has("event")).expect("the event of the page");
    let mut wrong = String::new();
    for block in blocks("values") {
        for line in block.text.lines().filter(|line| !line.is_empty()) {
            let (expression, expected) = line.split_once('→').expect("expression → value");
            let found = run::value(expression.trim(), &streams, &event.text);
            if found != expected.trim() {
                wrong.push_str(&format!("{} → {}\n  found {found}\n", expression.trim(), expected.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
