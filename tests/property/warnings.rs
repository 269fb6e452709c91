//! What a warning says never happens does not happen, and what it says changes nothing changes nothing:
//! random rules and streams are tried, and the rule again without what changes nothing.

use std::collections::BTreeMap;

use tripline::alert::AlertKind;
use tripline::diagnostic::{Diagnostic, Diagnostics, Sources};
use tripline::program::Program;

use super::case::{Event, Kind, Report};
use super::generate::{Shape, rule_and_events};
use super::{are_enough, engine, seeds};

type Reports = BTreeMap<String, Vec<Report>>;

/// What a rule reports; nothing when it is none, or when runs are dropped because they are too many.
fn reports(text: &str, events: &[Event]) -> Option<Reports> {
    let program = engine::compile_text(text).ok()?;
    let alerts = engine::alerts(&program, events);
    let is_bounded = alerts.iter().all(|alert| alert.kind != AlertKind::Limit);
    is_bounded.then(|| engine::reports_by_key(&alerts))
}

fn compile(text: &str) -> Diagnostics {
    Program::compile(&Sources::new([("rule.trip", text)])).1
}

/// What stands where the warning points.
fn at<'t>(text: &'t str, warning: &Diagnostic) -> &'t str {
    let span = warning.primary.span;
    &text[span.start as usize..span.end as usize]
}

/// The names that a message quotes.
fn quoted(warning: &Diagnostic) -> Vec<&str> {
    warning.message.split('`').skip(1).step_by(2).collect()
}

/// The same rule without what the warning says changes nothing, if it can be told from the text.
fn without(text: &str, warning: &Diagnostic) -> Option<String> {
    match warning.code.as_str() {
        "W0510" => {
            let span = warning.primary.span;
            let (before, after) = (&text[..span.start as usize], &text[span.end as usize..]);
            Some(format!("{} {after}", before.strip_suffix("within ")?.trim_end()))
        }
        "W0517" => {
            let absence = format!("then {} ", quoted(warning)[0]);
            let definition = format!("  event {} ", quoted(warning)[0].strip_prefix("not ")?);
            let is_used_once = text.matches(&absence).count() == 1;
            let shorter: String =
                text.split_inclusive('\n').filter(|line| !line.starts_with(&definition)).collect();
            is_used_once.then(|| shorter.replace(&absence, ""))
        }
        _ => None,
    }
}

#[test]
fn warnings_are_true() {
    let mut tried: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in seeds(1_500) {
        let shape = Shape { depth: 2, keys: 2 };
        let (rule, events) = rule_and_events(seed, shape);
        let text = rule.file();
        let Some(found) = reports(&text, &events) else { continue };
        let all: Vec<&Report> = found.values().flatten().collect();
        for warning in &compile(&text) {
            let code = warning.code.as_str();
            let says =
                |true_of: bool| assert!(true_of, "seed {seed}: {}\n{text}\n{found:?}", warning.message);
            if warning.message.contains("never matches") {
                says(all.iter().all(|report| report.kind == Kind::Timeout));
                *tried.entry("never matches").or_default() += 1;
            }
            if code == "W0501" {
                says(all.iter().all(|report| !report.events.contains_key(at(&text, warning))));
            }
            if code == "W0508" && warning.message.contains("has not captured") {
                says(all.iter().all(|report| report.kind == Kind::Match));
            }
            if let Some(shorter) = without(&text, warning).and_then(|text| reports(&text, &events)) {
                says(shorter == found);
                *tried.entry("without").or_default() += 1;
            }
            *tried.entry(code).or_default() += 1;
        }
    }
    println!("{tried:?}");
    if are_enough(&seeds(1_500), 1_500) {
        for code in ["never matches", "W0501", "W0510", "W0517", "without"] {
            assert!(tried.get(code).is_some_and(|times| *times > 10), "{code}: {tried:?}");
        }
    }
}
