//! What must hold of the words for any rule: the recorded cases, random rules, and damaged ones.

use tripline::language::explain::{Explanation, Piece, Point, RuleSet, pieces};
use tripline::language::tree::{Atom, ClauseKind, Element, File, Item, Part, Rule, Sequence};

use crate::generate::{self, Shape};
use crate::random::Random;
use crate::{case, explain, tree};

/// The rules of a file.
fn rules(file: &File) -> impl Iterator<Item = &Rule> {
    file.items.iter().filter_map(|item| match item {
        Item::Rule(rule) => Some(rule),
        _ => None,
    })
}

/// Every name in a pattern: events, streams and what they are captured as.
fn names<'t>(sequence: &'t Sequence, found: &mut Vec<&'t str>) {
    element_names(&sequence.first, found);
    for part in &sequence.rest {
        match part {
            Part::Step { element, .. } => element_names(element, found),
            Part::Absence(absence) => found.push(&absence.name.node),
        }
    }
}

fn element_names<'t>(element: &'t Element, found: &mut Vec<&'t str>) {
    found.extend(element.until.iter().map(|until| until.node.as_str()));
    match &element.atom {
        Atom::Name { name, alias } => {
            found.push(&name.node);
            found.extend(alias.iter().map(|alias| alias.node.as_str()));
        }
        Atom::Group(group) => group.branches.iter().for_each(|branch| names(branch, found)),
        Atom::Element(inner) => element_names(inner, found),
    }
}

/// All texts of an explanation.
fn texts(explanation: &Explanation) -> Vec<&str> {
    fn of<'e>(points: &'e [Point], all: &mut Vec<&'e str>) {
        for point in points {
            all.push(&point.text);
            of(&point.children, all);
        }
    }
    let mut all = vec![explanation.summary.as_str()];
    explanation.sections.iter().for_each(|section| of(&section.points, &mut all));
    all
}

/// Asserts that a text is made of whole sentences.
fn check_text(text: &str, rule: &str) {
    let mut words = String::new();
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => words.push_str(text),
            Piece::Code(_) => words.push('C'),
        }
    }
    let wrong = ["  ", " .", " ,", "..", ",,", ";.", ",.", "( ", "()", ": .", "`", "\n"];
    let found: Vec<_> = wrong.iter().filter(|wrong| words.contains(**wrong)).collect();
    assert!(found.is_empty(), "{found:?} in {text:?}\n{rule}");
    assert!(words.ends_with(['.', ':']), "no end: {text:?}\n{rule}");
    assert_eq!(words.matches('(').count(), words.matches(')').count(), "parentheses: {text:?}\n{rule}");
    for sentence in words.split(". ") {
        let first = sentence.chars().next().unwrap_or(' ');
        let is_begun = !first.is_alphabetic() || first.is_uppercase();
        assert!(is_begun, "a sentence begins small: {sentence:?} in {text:?}\n{rule}");
    }
}

/// Asserts what must hold of the explanation of a rule.
fn check_rule(set: &RuleSet<'_>, rule: &Rule, explanation: &Explanation, source: &str) {
    for text in texts(explanation) {
        check_text(text, source);
    }
    let section = |title| explanation.sections.iter().find(|section| section.title == title);
    let pattern = section("Pattern").expect("a section on the pattern");
    let said = format!("{pattern:?}");
    let mut found = Vec::new();
    for clause in &rule.clauses {
        if let ClauseKind::Match(clause) = &clause.kind {
            names(&clause.pattern, &mut found);
        }
    }
    assert!(!found.is_empty());
    for name in found {
        assert!(said.contains(&format!("`{name}`")), "`{name}` is not mentioned: {said}\n{source}");
    }
    assert!(section("When it is reported").is_some() && section("Bounds").is_some());
    assert!(set.rule(&rule.name.node).is_some());
}

/// Checks what is said of the rules of a file, and at every so many bytes of it.
fn check_file(source: &str, step: usize) {
    let file = tree(source);
    let set = RuleSet::new([&file]);
    for rule in rules(&file) {
        check_rule(&set, rule, &set.explain(rule), source);
    }
    for byte in (0..=source.len()).step_by(step) {
        let Some(hover) = set.at(&file, byte as u32) else { continue };
        hover
            .text
            .split("\n\n")
            .filter(|text| !text.starts_with("- ") && !text.starts_with("1. "))
            .for_each(|text| check_text(text, source));
    }
}

#[test]
fn every_recorded_rule_is_explained() {
    for case in case::recorded() {
        check_file(&case.rule, 5);
    }
}

#[test]
fn random_rules_are_explained() {
    for seed in 0..400 {
        let mut random = Random::new(seed);
        let shape = Shape { depth: 4, keys: 2 };
        check_file(&generate::rule(&mut random, shape, 3).file(), 11);
    }
}

/// A text cut off anywhere, or with a part missing, is explained as far as it can be read.
#[test]
fn damaged_rules_are_explained() {
    let sources = crate::rules::sources();
    let whole: String =
        sources.iter().map(|(_, file)| file.text.as_str()).filter(|text| text.len() < 3_000).collect();
    let cases = case::recorded();
    let mut texts: Vec<&str> = cases.iter().take(20).map(|case| case.rule.as_str()).collect();
    texts.push(&whole);
    for text in texts {
        let mut random = Random::new(text.len() as u64);
        for _ in 0..200 {
            let at = random.number(0, text.len() as u32) as usize;
            let length = random.number(1, 12) as usize;
            let (Some(before), Some(after)) = (text.get(..at), text.get((at + length).min(text.len())..))
            else {
                continue;
            };
            for damaged in
                [before.to_owned(), format!("{before}{after}"), format!("{before} ) then 2 ( {after}")]
            {
                let (explanation, _) = explain(&damaged);
                explanation.iter().flat_map(texts_of).for_each(|text| check_text(&text, &damaged));
            }
        }
    }
}

fn texts_of(explanation: &Explanation) -> Vec<String> {
    texts(explanation).into_iter().map(str::to_owned).collect()
}

/// Explaining takes as long as the rule is, and no deep nesting overflows the stack.
#[test]
fn large_rules_are_explained() {
    let stream = "stream s { k string, v int }\n";
    let long: String = (0..3_000).map(|index| format!(" then s as e{index}")).collect();
    let deep = format!("{}s{}", "2 (s as x then ".repeat(30), ")".repeat(30));
    let wide: Vec<String> = (0..2_000).map(|index| format!("s as e{index}")).collect();
    let conditions: Vec<String> = (0..5_000).map(|index| format!("v == {index}")).collect();
    for pattern in
        [format!("s{long}"), deep, format!("({})", wide.join(" or ")), format!("2+ ({})", wide.join(" and "))]
    {
        let (explanation, diagnostics) =
            explain(&format!("{stream}rule r {{ match {pattern} alert low \"m\" }}"));
        assert!(!diagnostics.has_errors(), "{diagnostics:?}");
        let explanation = explanation.expect("there is a rule");
        let length = explanation.to_markdown().len();
        assert!(length < 100 * pattern.len() + 10_000, "{length} for {}", pattern.len());
        assert!(explanation.summary.len() < 2_000, "{}", explanation.summary);
    }
    let (explanation, _) = explain(&format!(
        "{stream}rule r {{ event e = s where {} match e alert low \"m\" }}",
        conditions.join(" or ")
    ));
    let length = explanation.expect("there is a rule").to_markdown().len();
    assert!(length < 500_000, "{length}");
}
