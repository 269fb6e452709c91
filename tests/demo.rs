//! The traffic of the demo and the benchmarks keeps what it promises: the same seed gives the same
//! lines, no line is late, and the rules find every planted case and no near miss.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tripline::alert::Alert;
use tripline::codec::Decoder;
use tripline::codec::json::JsonDecoder;
use tripline::engine::{Engine, EngineOptions};
use tripline::event::{PartitionId, Position, Timestamp};

#[path = "../examples/demo/generator.rs"]
mod generator;
#[path = "common/rules.rs"]
mod rules;

use generator::{Case, Generator, HOUR, Line, STREAMS, Settings};

fn settings(seed: u64) -> Settings {
    // 2026-03-02T00:00:00Z, a day with 3,000 cards.
    Settings { seed, events: 30_000, keys: 3_000, start_ms: 1_772_409_600_000, planted: 1 }
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
        assert!(newest > end - HOUR / 4, "{} ends early", STREAMS[stream].name);
    }
}

#[test]
fn there_are_about_as_many_lines_as_asked_of_about_200_bytes() {
    for (events, keys) in [(30_000, 3_000), (30_000, 300), (20_000, 8_000)] {
        let settings = Settings { events, keys, planted: 0, ..settings(4) };
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

#[test]
fn cases_can_be_planted_more_often() {
    let count = |planted| {
        let generator = Generator::new(Settings { planted, ..settings(5) });
        let keys: BTreeSet<_> = generator.cases().iter().map(|case| (case.rule, case.key.clone())).collect();
        assert_eq!(keys.len(), generator.cases().len(), "a key is shared");
        let fire = generator.cases().iter().filter(|case| case.fires).count();
        [fire, generator.cases().len() - fire]
    };
    assert_eq!(count(0), [0, 0]);
    assert_eq!(count(3), count(1).map(|number| 3 * number));
}

/// What an alert is known by: rule, kind and key.
type Identity = (String, String, BTreeMap<String, String>);

fn identity(alert: &Alert) -> Identity {
    let json = serde_json::to_value(alert).expect("alerts are JSON");
    let key = json["key"].as_object().expect("an object").iter();
    let key = key.map(|(name, value)| (name.clone(), value.as_str().expect("text keys").to_owned()));
    (alert.rule.to_string(), json["kind"].as_str().expect("text").to_owned(), key.collect())
}

/// The alerts that the example rules give for the traffic.
fn alerts(settings: Settings) -> (Vec<Case>, Vec<Identity>) {
    let program = Arc::new(rules::program());
    let mut engine = Engine::new(Arc::clone(&program), EngineOptions::RECORDED);
    let (now, partition) = (Timestamp::from_micros(0), PartitionId(0));
    let mut decoders: Vec<JsonDecoder> = Vec::new();
    for stream in STREAMS {
        let id = program.stream(stream.name).expect("a stream of the rules");
        let schema = &program.streams()[id.0 as usize];
        assert_eq!(schema.late.as_micros(), stream.late_ms * 1_000, "{}: another `late`", stream.name);
        engine.open(id, partition, now);
        decoders.push(JsonDecoder::new(id, schema));
    }
    let generator = Generator::new(settings);
    let cases = generator.cases().to_vec();
    let mut found = Vec::new();
    for (offset, line) in generator.enumerate() {
        let position = Position { partition, offset: offset as u64 };
        let event = decoders[line.stream]
            .decode(line.json.as_bytes(), position, now)
            .expect("well-formed")
            .expect("an event");
        engine.push(event, now).expect("not late");
        found.extend(engine.take_alerts().iter().map(identity));
    }
    (cases, found)
}

#[test]
fn the_rules_find_what_was_planted_and_little_else() {
    for (seed, size) in [(1, 30_000), (2, 30_000), (3, 5_000), (4, 5_000)] {
        let (cases, found) = alerts(Settings { events: size, keys: size / 10, ..settings(seed) });
        let mut others = found.clone();
        for case in cases {
            let key = case.key.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            let wanted = (case.rule.to_owned(), case.kind.to_owned(), key);
            let times = found.iter().filter(|alert| **alert == wanted).count();
            assert_eq!(times, usize::from(case.fires), "seed {seed}: {case:?}");
            others.retain(|alert| *alert != wanted);
        }
        assert!(others.len() <= 12, "seed {seed}: too many alerts that were not planted: {others:#?}");
    }
}
