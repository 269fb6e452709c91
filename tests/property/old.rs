//! Rules that are edited while events come: what each version reports is what the language says of the runs
//! that began in its time, with all events that came after their beginnings.

use std::collections::{BTreeMap, BTreeSet};

use tripline::alert::Alert;

use super::case::{self, Event, Report, show_events};
use super::generate::{Shape, events, rule};
use super::random::Random;
use super::{engine, naive, seeds, tree};

type ByKey = BTreeMap<String, Vec<Report>>;

/// What each version of a rule must report, by fingerprint. None where there are too many runs, or where two
/// versions mean the same.
fn expected(texts: &[(usize, String)], events: &[Event]) -> Option<BTreeMap<String, ByKey>> {
    let mut versions = BTreeMap::new();
    for (place, (from, text)) in texts.iter().enumerate() {
        let until = texts.get(place + 1).map_or(events.len(), |(until, _)| *until);
        let own: BTreeSet<i64> = events[*from..until].iter().map(|event| event.id).collect();
        let begins = |event: &Event| own.contains(&event.id);
        let reports = naive::reports_of_runs(&tree(text), &events[*from..], &begins)?;
        let fingerprint = engine::compile_text(text).ok()?.rules()[0].fingerprint.to_string();
        if versions.insert(fingerprint, reports).is_some() {
            return None;
        }
    }
    versions.retain(|_, reports| !reports.is_empty());
    Some(versions)
}

fn reported(alerts: &[Alert]) -> BTreeMap<String, ByKey> {
    let mut versions: BTreeMap<String, Vec<Alert>> = BTreeMap::new();
    for alert in alerts {
        assert_eq!(&*alert.rule, "r");
        versions.entry(alert.fingerprint.to_string()).or_default().push(alert.clone());
    }
    versions.into_iter().map(|(version, alerts)| (version, engine::reports_by_key(&alerts))).collect()
}

/// Whether a version that is not the last reports something.
fn check(texts: &[(usize, String)], events: &[Event], what: &str) -> Option<bool> {
    let expected = expected(texts, events)?;
    let alerts = engine::alerts_with_edits(texts, events);
    assert_eq!(reported(&alerts), expected, "{what}\n{texts:#?}\n{}", show_events(events));
    Some(expected.len() > 1)
}

#[test]
fn each_version_of_a_random_rule_completes_what_it_has_begun() {
    let (mut tried, mut both) = (0, 0);
    for seed in seeds(150) {
        let mut random = Random::new(seed);
        let rules: Vec<_> = (0..random.number(2, 4))
            .map(|_| rule(&mut random, Shape { depth: 2, keys: 2 }, 3))
            .map(|rule| super::pattern::Rule { optional_v: false, ..rule })
            .filter(|rule| engine::compile_text(&rule.file()).is_ok())
            .collect();
        if rules.is_empty() {
            continue;
        }
        let events = events(&mut random, &rules.iter().collect::<Vec<_>>(), 2, 3);
        let mut at: BTreeSet<usize> =
            rules.iter().skip(1).map(|_| random.number(1, events.len() as u32 - 1) as usize).collect();
        at.insert(0);
        let texts: Vec<(usize, String)> = at.into_iter().zip(rules.iter().map(|rule| rule.file())).collect();
        let outcome = check(&texts, &events, &format!("seed {seed}"));
        tried += i32::from(outcome.is_some());
        both += i32::from(outcome == Some(true));
    }
    println!("{tried} tried, in {both} several versions report");
    assert!(both * 5 > tried, "in {both} of {tried} several versions report");
}

/// The recorded rules, edited at every event into another.
#[test]
fn the_recorded_rules_complete_what_they_have_begun() {
    for case in case::recorded().iter().step_by(4) {
        let (declarations, _) = case.rule.split_once("rule ").expect("a case has a rule");
        let after =
            format!("{declarations}rule r {{ by k match 3 s as three within 500ms alert low \"x\" }}");
        for split in (1..case.events.len()).step_by(4) {
            let texts = [(0, case.rule.clone()), (split, after.clone())];
            check(&texts, &case.events, &case.id);
        }
    }
}
