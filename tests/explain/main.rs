//! What rules are said to do, in plain English.
//!
//! Snapshots show the words for every form of the language and for the example rules: read them as
//! someone who did not write the rules. What must hold of any rule is asserted in `everything.rs`.

#[path = "../property/case.rs"]
#[expect(dead_code, reason = "the conformance tests use the rest")]
mod case;
mod clauses;
mod conditions;
mod everything;
#[path = "../property/generate.rs"]
#[expect(dead_code, reason = "the property tests use the rest")]
mod generate;
mod hover;
mod meaning;
#[path = "../property/pattern.rs"]
mod pattern;
mod patterns;
#[path = "../property/random.rs"]
mod random;
#[path = "../common/rules.rs"]
mod rules;

use std::path::{Path, PathBuf};

use tripline::diagnostic::{Diagnostics, FileId};
use tripline::language::explain::{Explanation, RuleSet};
use tripline::language::parse;
use tripline::language::tree::File;

/// The tree of a text without mistakes of syntax.
fn tree(text: &str) -> File {
    let (file, diagnostics) = parse(FileId(0), text);
    assert!(!diagnostics.has_errors(), "{text}\n{diagnostics:?}");
    file
}

/// What is said of the first rule in a text, by its name, which may have mistakes.
fn explain(text: &str) -> (Option<Explanation>, Diagnostics) {
    let (file, diagnostics) = parse(FileId(0), text);
    let set = RuleSet::new([&file]);
    let rule = set.rules().next();
    (rule.map(|rule| set.explain(rule)), diagnostics)
}

/// The lines of one section of an explanation in Markdown.
fn section<'m>(markdown: &'m str, title: &str) -> &'m str {
    let head = format!("## {title}\n\n");
    let start = markdown.find(&head).map(|start| start + head.len());
    let body = start.map_or("", |start| &markdown[start..]);
    body.split("\n## ").next().unwrap_or_default().trim_end()
}

/// Compares a text with the snapshot of that name beside this file.
fn check(name: &str, shown: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(snapshots());
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, shown));
}

fn snapshots() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/explain/snapshots")
}

/// The example rules.
#[test]
fn example_rules() {
    let sources = rules::sources();
    let files: Vec<File> = sources.iter().map(|(id, file)| parse(id, &file.text).0).collect();
    let set = RuleSet::new(&files);
    assert!(set.rules().count() >= 10);
    for rule in set.rules() {
        check(&format!("rule_{}", rule.name.node), &set.explain(rule).to_markdown());
    }
}
