//! Partial matches that are held together give what they give when they are held one by one: the same
//! alerts in the same order, the same counts, and nothing is held for longer.

use tripline::alert::AlertKind;
use tripline::program::cost::Held;

use super::case::{Event, show_events};
use super::generate::{Shape, events, rule};
use super::pattern::Rule;
use super::random::Random;
use super::{are_enough, engine, seeds};

/// How far seeds are gone through.
#[derive(Clone, Copy, Debug, Default)]
struct Tried {
    /// Rules whose partial matches are held together.
    together: u32,
    /// Those of them that reported a match.
    matched: u32,
    /// Those of them that reached a limit.
    limited: u32,
}

/// A random rule that has more often than others what lets partial matches be held together.
fn likely(random: &mut Random) -> Rule {
    let shape = Shape { depth: random.pick(&[0, 0, 1, 2]), keys: 3 };
    let mut rule = rule(random, shape, 2);
    rule.within = Some(random.number(0, 16) * 500);
    rule.on_timeout = None;
    rule
}

/// Compares both for one rule and stream; `None` when they are held one by one anyway.
fn compare(text: &str, events: &[Event], restarts: impl Fn(usize) -> bool) -> Option<(bool, bool)> {
    let program = engine::compile_text(text).ok()?;
    if program.costs()[0].held != Held::Together {
        return None;
    }
    let (alerts, counts, keys) = engine::everything(&program, events, restarts);
    let one_by_one = engine::compile_one_by_one(text);
    let (listed, listed_counts, listed_keys) = engine::everything(&one_by_one, events, |_| false);
    let (shown, expected) = (engine::as_json(&alerts), engine::as_json(&listed));
    assert_eq!(shown, expected, "{text}\n{}", show_events(events));
    assert_eq!(counts, listed_counts, "{text}\n{}", show_events(events));
    assert_eq!(keys, listed_keys, "{text}\n{}", show_events(events));
    let has = |kind| alerts.iter().any(|alert| alert.kind == kind);
    Some((has(AlertKind::Match), has(AlertKind::Limit)))
}

/// Compares random rules with these clauses more.
fn agree(seeds: std::ops::Range<u64>, clauses: impl Fn(&mut Random) -> String) -> Tried {
    let mut tried = Tried::default();
    for seed in seeds {
        let mut random = Random::new(seed);
        let rule = likely(&mut random);
        let clauses = clauses(&mut random);
        let text = rule.file().replacen("overlap ", &format!("{clauses}\n  overlap "), 1);
        let keys = random.number(1, 3);
        let events = events(&mut random, &[&rule], keys, 2);
        let every = random.number(1, 5) as usize;
        let Some((matched, limited)) = compare(&text, &events, |offset| offset % every == 0) else {
            continue;
        };
        tried.together += 1;
        tried.matched += u32::from(matched);
        tried.limited += u32::from(limited);
    }
    println!("{tried:?}");
    tried
}

#[test]
fn both_ways_of_holding_partial_matches_agree() {
    let Tried { together, matched, .. } = agree(seeds(3_000), |_| String::new());
    let enough = are_enough(&seeds(3_000), 3_000);
    assert!(!enough || together > 300 && matched > 150, "{together}, {matched}");
}

#[test]
fn both_ways_of_holding_partial_matches_agree_at_limits() {
    let clauses = |random: &mut Random| {
        let (runs, events) = (random.number(1, 8), random.number(1, 20));
        format!("max runs {runs}\n  max events {events}")
    };
    let Tried { together, limited, .. } = agree(seeds(3_000), clauses);
    let enough = are_enough(&seeds(3_000), 3_000);
    assert!(!enough || together > 300 && limited > 100, "{together}, {limited}");
}
