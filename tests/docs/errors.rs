//! The page of codes: one section for each, whose wrong example has that mistake and no other, and
//! whose right example has none.

use std::collections::BTreeSet;

use tripline::diagnostic::codes;

use super::page::{Block, Section, check, sections, streams, whole};

const PAGE: &str = "errors.md";

/// The sections of codes, with their codes.
fn of_codes(sections: &[Section]) -> Vec<(String, &Section)> {
    let code = |section: &Section| {
        let (code, _) = section.title.split_once(": ")?;
        let is_code = code.len() == 5 && code[1..].bytes().all(|byte| byte.is_ascii_digit());
        is_code.then(|| code.to_owned())
    };
    sections.iter().filter_map(|section| Some((code(section)?, section))).collect()
}

#[test]
fn every_code_has_a_section_and_no_section_is_left_over() {
    let sections = sections(PAGE);
    let titles: Vec<&str> = of_codes(&sections).iter().map(|(_, section)| section.title.as_str()).collect();
    let catalogue: Vec<String> =
        codes::ALL.iter().map(|(code, summary)| format!("{code}: {summary}")).collect();
    assert_eq!(titles, catalogue, "in the order of the catalogue, with its words");
}

#[test]
fn every_section_has_a_wrong_and_a_right_example() {
    let sections = sections(PAGE);
    for (code, section) in of_codes(&sections) {
        let languages: Vec<&str> = section.blocks.iter().map(|block| block.language.as_str()).collect();
        assert!(
            matches!(
                languages.as_slice(),
                ["trip-error", "trip"] | ["toml-error", "toml"] | ["txt-error", "txt"] | ["csv-error", "csv"]
            ),
            "{code}: {languages:?}"
        );
    }
}

/// The codes that are expected of a block in the section of `code`.
fn expected(code: &str, block: &Block) -> BTreeSet<String> {
    if !block.language.ends_with("-error") {
        return BTreeSet::new();
    }
    [code].into_iter().chain(block.value("with")).map(str::to_owned).collect()
}

#[test]
fn the_examples_are_wrong_and_right_as_they_say() {
    let sections = sections(PAGE);
    let mut wrong = String::new();
    let streams = streams(&sections);
    for (code, section) in of_codes(&sections) {
        let is_rules = |block: &&Block| {
            block.language.starts_with("trip") && !block.has("latin1") && !block.has("files")
        };
        for block in section.blocks.iter().filter(is_rules) {
            let times = block.value("repeat").map_or(1, |times| times.parse().expect("a number"));
            let text = whole(&block.text.repeat(times));
            let (_, diagnostics, shown) = check(&[("example.trip", &text), ("streams.trip", &streams)]);
            let found: BTreeSet<String> = diagnostics.iter().map(|one| one.code.to_string()).collect();
            let shown: String = shown.chars().take(3_000).collect();
            if found != expected(&code, block) {
                wrong.push_str(&format!("{code}, line {}: {found:?}\n{text:.1000}\n{shown}\n", block.line));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// What stands before the sections of codes is right.
#[test]
fn the_examples_of_the_introduction_are_right() {
    let sections = sections(PAGE);
    let streams = streams(&sections);
    let introduction = sections.iter().take_while(|section| section.title != "Text and syntax");
    let is_example = |block: &&Block| block.language == "trip" && !block.has("streams");
    let blocks: Vec<&Block> = introduction.flat_map(|section| &section.blocks).filter(is_example).collect();
    assert!(!blocks.is_empty(), "the examples are found");
    for block in blocks {
        let (program, diagnostics, shown) =
            check(&[("example.trip", &block.text), ("streams.trip", &streams)]);
        assert!(program.is_some() && diagnostics.is_empty(), "line {}: {shown}", block.line);
    }
}

/// The files of lists and tables, and rules that read files, are checked by the command.
#[cfg(feature = "service")]
#[test]
fn the_lists_and_tables_are_wrong_and_right_as_they_say() {
    use std::fs;

    let sections = sections(PAGE);
    let mut blocks = sections.iter().flat_map(|section| &section.blocks);
    let tables = blocks.find(|block| block.has("tables")).expect("the page declares a list and a table");
    for (code, section) in of_codes(&sections) {
        let is_file = |block: &&Block| {
            let language = block.language.trim_end_matches("-error");
            matches!(language, "txt" | "csv") || block.has("files")
        };
        for block in section.blocks.iter().filter(is_file) {
            let folder = tempfile::tempdir().expect("a folder");
            let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("written");
            write("blocked.txt", "192.0.2.1\n");
            write("merchants.csv", "id,risk,country\nm1,0.5,DE\n");
            write("rules.trip", &tables.text);
            let long = block.value("long").map_or(0, |length| length.parse().expect("a number"));
            let text = block.text.replace('…', &"x".repeat(long));
            match block.language.trim_end_matches("-error") {
                "trip" => write("rules.trip", &text),
                "txt" => write("blocked.txt", &text),
                _ => write("merchants.csv", &text),
            }
            let (found, _) = checked(folder.path(), "rules.trip");
            assert_eq!(found, expected(&code, block), "{code}, line {}", block.line);
        }
    }
}

/// The codes that the command finds in rules or a configuration, and its exit code.
#[cfg(feature = "service")]
fn checked(folder: &std::path::Path, what: &str) -> (BTreeSet<String>, Option<i32>) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_tripline"))
        .args(["check", "--format", "json", what])
        .current_dir(folder)
        .output()
        .expect("the command runs");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a report");
    let diagnostics = report["diagnostics"].as_array().expect("a list").iter();
    let codes = diagnostics.map(|one| one["code"].as_str().expect("a code").to_owned()).collect();
    (codes, output.status.code())
}

/// Configurations and what is no text are checked by the command, in a folder of their own.
#[cfg(feature = "service")]
#[test]
fn the_configurations_are_wrong_and_right_as_they_say() {
    use std::fs;

    const RULE: &str = "rule large {\n  by card\n  event large = auth where amount > 500\n  match large\n  alert low \"Card {card}\"\n  to desk\n}\nstream large_charges from large\n";
    let sections = sections(PAGE);
    let streams = streams(&sections);
    for (code, section) in of_codes(&sections) {
        let is_file = |block: &&Block| block.language.starts_with("toml") || block.has("latin1");
        for block in section.blocks.iter().filter(is_file) {
            let folder = tempfile::tempdir().expect("a folder");
            let rules = folder.path().join("rules");
            fs::create_dir(&rules).expect("a folder");
            fs::write(rules.join("streams.trip"), &streams).expect("written");
            let rule = if block.has("no-to") { RULE.replace("  to desk\n", "") } else { RULE.to_owned() };
            fs::write(rules.join("large.trip"), rule).expect("written");
            let what = if block.has("latin1") {
                let bytes: Vec<u8> = block.text.chars().map(|c| u8::try_from(c).expect("Latin-1")).collect();
                fs::write(rules.join("latin1.trip"), bytes).expect("written");
                "rules"
            } else {
                fs::write(folder.path().join("tripline.toml"), &block.text).expect("written");
                "tripline.toml"
            };
            let (found, exit) = checked(folder.path(), what);
            assert_eq!(found, expected(&code, block), "{code}, line {}", block.line);
            let is_error = found.iter().any(|code| code.starts_with('E'));
            assert_eq!(exit, Some(i32::from(is_error)), "{code}, line {}", block.line);
        }
    }
}
