//! The traffic of the demo and the benchmarks keeps what it promises: the same seed gives the same
//! lines, no line is late, and the rules find every planted case and no near miss.

use std::collections::{BTreeMap, BTreeSet};

#[path = "../examples/demo/generator.rs"]
mod generator;

use generator::{Generator, HOUR, Line, STREAMS, Settings};

fn settings(seed: u64) -> Settings {
    // 2026-03-02T00:00:00Z, a day with 3,000 cards.
    Settings { seed, events: 30_000, keys: 3_000, start_ms: 1_772_409_600_000, planted: true }
}

#[test]
fn the_same_seed_gives_the_same_lines() {
    let lines = |seed| Generator::new(settings(seed)).map(|line| line.json).collect::<Vec<_>>();
    assert_eq!(lines(1), lines(1));
    assert_ne!(lines(1), lines(2));
}

#[test]
fn no_line_is_late_and_all_streams_go_on_to_the_end() {
    let settings = settings(3);
    let mut newest = BTreeMap::new();
    let mut disordered = BTreeSet::new();
    for Line { stream, time_ms, .. } in Generator::new(settings) {
        let newest = newest.entry(stream).or_insert(time_ms);
        let behind = *newest - time_ms;
        assert!(behind <= STREAMS[stream].late_ms, "{}: {behind} ms behind", STREAMS[stream].name);
        if behind > 0 {
            disordered.insert(stream);
        }
        *newest = time_ms.max(*newest);
    }
    assert!(disordered.len() >= 4, "the busy streams should be out of order at times: {disordered:?}");
    let end = settings.start_ms + settings.span_ms();
    for (stream, newest) in newest {
        assert!(newest > end - HOUR / 2, "{} ends early", STREAMS[stream].name);
    }
}

#[test]
fn there_are_about_as_many_lines_as_asked_of_about_200_bytes() {
    for (events, keys) in [(30_000, 3_000), (30_000, 300), (20_000, 8_000)] {
        let settings = Settings { events, keys, planted: false, ..settings(4) };
        let lines: Vec<Line> = Generator::new(settings).collect();
        let count = lines.len() as f64 / events as f64;
        assert!((0.95..1.05).contains(&count), "{} lines for {events}", lines.len());
        let bytes = lines.iter().map(|line| line.json.len()).sum::<usize>() / lines.len();
        assert!((180..220).contains(&bytes), "{bytes} bytes a line");
    }
}

#[test]
fn cases_of_every_kind_are_planted_under_keys_of_their_own() {
    let generator = Generator::new(settings(5));
    let mut rules: BTreeMap<_, [usize; 2]> = BTreeMap::new();
    let mut keys = BTreeSet::new();
    for case in generator.cases() {
        rules.entry(case.rule).or_default()[usize::from(case.fires)] += 1;
        assert!(keys.insert(case.key.clone()), "{case:?} shares its key");
    }
    assert_eq!(rules.len(), 10, "{rules:?}");
    assert!(rules.values().all(|[near, cases]| *near > 0 && *cases > 0), "{rules:?}");
}
