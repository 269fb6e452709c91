//! What is said of the recorded rules agrees with the recorded answers, as far as words can be held
//! against them: when a match is reported, how far its events lie apart, which events alerts share.

use std::collections::{BTreeMap, BTreeSet};

use tripline::language::explain::{Explanation, RuleSet};
use tripline::language::tree::{ClauseKind, File, Item, Match, Part};

use crate::case::{self, Case, Kind, Report};
use crate::tree;

/// The pattern of the only rule of a file.
fn pattern(file: &File) -> &Match {
    let rule = file.items.iter().find_map(|item| match item {
        Item::Rule(rule) => Some(rule),
        _ => None,
    });
    let clauses = &rule.expect("there is a rule").clauses;
    let found = clauses.iter().find_map(|clause| match &clause.kind {
        ClauseKind::Match(pattern) => Some(pattern),
        _ => None,
    });
    found.expect("there is a pattern")
}

/// The points of a section as one text.
fn said(explanation: &Explanation, title: &str) -> String {
    let section = explanation.sections.iter().find(|section| section.title == title).expect("the section");
    section.points.iter().map(|point| format!("{}\n", point.text)).collect()
}

/// The times of the events of a report, in order, in milliseconds.
fn times(report: &Report, case: &Case) -> Vec<i64> {
    let at: BTreeMap<i64, i64> = case.events.iter().map(|event| (event.id, event.at)).collect();
    let mut times: Vec<i64> = report.events.values().flatten().map(|id| at[id]).collect();
    times.sort_unstable();
    times
}

/// How many cases show that each of the statements is tested.
#[derive(Debug, Default)]
struct Seen {
    at_once: usize,
    after_last: usize,
    after_first: usize,
    within: usize,
    no_shared: usize,
    one_start: usize,
}

fn check_case(case: &Case, seen: &mut Seen) {
    let file = tree(&case.rule);
    let set = RuleSet::new([&file]);
    let explanation = set.explain(set.rule("r").expect("the rule"));
    let clause = pattern(&file);
    let reported = said(&explanation, "When it is reported");
    let steps = said(&explanation, "Pattern");
    let within = clause.within.as_ref().map(|within| within.node.as_micros() / 1_000);
    let span = match clause.pattern.rest.last() {
        Some(Part::Absence(absence)) => absence.duration.as_ref().map(|span| span.node.as_micros() / 1_000),
        _ => None,
    };
    for report in &case.expect {
        let times = times(report, case);
        let (first, last) = (times[0], times[times.len() - 1]);
        let what = || format!("{}\n{report:?}\n{reported}{steps}", case.rule);
        if steps.contains("All events taken lie within") {
            seen.within += 1;
            assert!(last - first <= within.expect("a limit"), "{}", what());
        }
        if report.kind == Kind::Timeout {
            assert!(
                reported.contains("A partial match that runs out of time") && reported.contains("raises"),
                "{}",
                what()
            );
            continue;
        }
        let first_sentence = reported.split(['.', ':']).next().unwrap_or_default();
        if first_sentence.contains("at once") || first_sentence.contains("as soon as") {
            seen.at_once += 1;
            assert_eq!(report.decided, last, "{}", what());
        } else if first_sentence.contains("after the first event") {
            seen.after_first += 1;
            let limit = first + within.expect("a limit");
            let with_next = first_sentence.contains("with the next event") && report.decided <= limit;
            assert!(report.decided == limit || with_next, "{}", what());
        } else if !first_sentence.contains("after the end of the absence")
            && first_sentence.contains(" after the ")
        {
            seen.after_last += 1;
            assert_eq!(report.decided, last + span.expect("a span"), "{}", what());
        }
    }
    check_overlap(case, &reported, seen);
}

/// Which events the reports of a case may share.
fn check_overlap(case: &Case, reported: &str, seen: &mut Seen) {
    let mut taken = BTreeSet::new();
    let mut starts = BTreeSet::new();
    for report in &case.expect {
        let ids: BTreeSet<i64> = report.events.values().flatten().copied().collect();
        let first = *ids.first().expect("a report has events");
        if reported.contains("No event is in two alerts") {
            seen.no_shared += 1;
            assert!(taken.is_disjoint(&ids), "{}\n{:?}", case.rule, case.expect);
        }
        if reported.contains("One alert for each first event") {
            seen.one_start += 1;
            assert!(starts.insert(first), "{}\n{:?}", case.rule, case.expect);
        }
        taken.extend(ids);
    }
}

#[test]
fn words_agree_with_the_recorded_answers() {
    let mut seen = Seen::default();
    for case in case::recorded() {
        check_case(&case, &mut seen);
    }
    let Seen { at_once, after_last, after_first, within, no_shared, one_start } = seen;
    let least = [at_once, after_last, after_first, within, no_shared, one_start].into_iter().min();
    assert!(least > Some(10), "hardly tested: {seen:?}");
}
