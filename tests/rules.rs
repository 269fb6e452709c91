//! The example rules: every rule in `rules/` runs over the sample events beside it, together with
//! all the others, and must give exactly the alerts written down there.
//!
//! Beside `x.trip` stand `x.events/<stream>.jsonl`, in the order of arrival, and
//! `x.expected.jsonl`, one alert a line. An expected alert is compared as a subset, with captured
//! events by their `id` and captured alerts by rule, kind and time; the number of alerts is exact, and
//! no other rule may report anything. An event marked `"late": true` must be refused as late, and no other.
//!
//! `x.test.trip` holds the tests of `x` in the language itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use tripline::codec::Decoder;
use tripline::codec::json::JsonDecoder;
use tripline::diagnostic::{Style, render_all};
use tripline::engine::{Engine, EngineOptions, Refused};
use tripline::event::{Kept, PartitionId, Position, StreamId, Timestamp};
use tripline::language::case::{ExpectationKind, Step};
use tripline::program::Program;
use tripline::program::cost::Held;
use tripline::testing;

#[path = "common/rules.rs"]
mod rules;

use rules::{root, rule_files, sources};

/// A rule file with samples beside it.
struct Example {
    /// Path without extension, for messages.
    name: String,
    events: PathBuf,
    expected: PathBuf,
}

fn examples() -> Vec<Example> {
    rule_files(&root())
        .into_iter()
        .filter(|path| path.file_stem().is_some_and(|stem| stem != "streams"))
        .filter(|path| !path.to_string_lossy().ends_with(".test.trip"))
        .map(|path| Example {
            name: path.with_extension("").display().to_string(),
            events: path.with_extension("events"),
            expected: path.with_extension("expected.jsonl"),
        })
        .collect()
}

fn lines(path: &Path) -> Vec<Json> {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines()
        .map(|line| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{}: {error}: {line}", path.display()))
        })
        .collect()
}

/// The sample events of an example, by stream.
fn samples(program: &Program, example: &Example) -> Vec<(StreamId, Vec<Json>)> {
    let mut streams = BTreeMap::new();
    for entry in fs::read_dir(&example.events).expect("every rule has sample events") {
        let path = entry.expect("the entry can be read").path();
        let name = path.file_stem().expect("a file name").to_str().expect("UTF-8").to_owned();
        let stream = program.stream(&name).unwrap_or_else(|| panic!("{}: no such stream", path.display()));
        streams.insert(stream, lines(&path));
    }
    streams.into_iter().collect()
}

/// How the events of several streams are mixed when they arrive. Lateness is a matter of each
/// partition alone, so the mixture must not change the alerts.
#[derive(Clone, Copy, Debug)]
enum Arrival {
    /// One stream after the other.
    StreamByStream,
    /// The same, from the last stream to the first.
    Reversed,
    /// One event of each stream in turn.
    RoundRobin,
}

/// Events with their stream and their place in the stream's file, in the order of arrival.
fn arrange(samples: &[(StreamId, Vec<Json>)], arrival: Arrival) -> Vec<(StreamId, u64, &Json)> {
    let mut all: Vec<(usize, StreamId, u64, &Json)> = Vec::new();
    for (rank, (stream, events)) in samples.iter().enumerate() {
        for (offset, event) in events.iter().enumerate() {
            all.push((rank, *stream, offset as u64, event));
        }
    }
    match arrival {
        Arrival::StreamByStream => {}
        Arrival::Reversed => all.sort_by_key(|&(rank, _, offset, _)| (usize::MAX - rank, offset)),
        Arrival::RoundRobin => all.sort_by_key(|&(rank, _, offset, _)| (offset, rank)),
    }
    all.into_iter().map(|(_, stream, offset, event)| (stream, offset, event)).collect()
}

/// Runs the events, of which so many fields are kept, through a fresh engine and gives the alerts as
/// JSON, captured events replaced by their ids.
fn run(
    program: &Arc<Program>,
    example: &Example,
    arrival: Arrival,
    kept: impl Fn(StreamId) -> Kept,
) -> Vec<Json> {
    let samples = samples(program, example);
    let now = Timestamp::from_micros(0);
    let partition = PartitionId(0);
    let mut engine = Engine::new(Arc::clone(program), EngineOptions::RECORDED);
    engine.set_tables(rules::tables(program));
    let mut decoders = BTreeMap::new();
    for (stream, _) in &samples {
        engine.open(*stream, partition, now);
        let decoder = JsonDecoder::keeping(kept(*stream), *stream, program.schema(*stream));
        decoders.insert(*stream, decoder);
    }
    for (stream, offset, event) in arrange(&samples, arrival) {
        let decoder = decoders.get_mut(&stream).expect("one for each stream");
        let decoded = decoder
            .decode(event.to_string().as_bytes(), Position { partition, offset }, now)
            .unwrap_or_else(|error| panic!("{}: {error}: {event}", example.name))
            .expect("every object is an event");
        let refused = match engine.push(decoded, now) {
            Ok(()) => false,
            Err(Refused::Late(_)) => true,
            Err(Refused::Future(_)) => panic!("{}: no bound was set: {event}", example.name),
        };
        assert_eq!(refused, event.get("late").is_some(), "{}: late or not: {event}", example.name);
    }
    engine.finish();
    engine.take_alerts().iter().map(readable).collect()
}

/// The alert as sinks get it, with ids in place of whole events; alerts that it captured are shown
/// by rule, kind and time.
fn readable(alert: &tripline::alert::Alert) -> Json {
    let mut alert = serde_json::to_value(alert).expect("alerts are JSON");
    let events = alert["events"].as_object_mut().expect("events by variable");
    for captured in events.values_mut() {
        for event in captured.as_array_mut().expect("a list for each variable") {
            *event = match event["rule"].as_str() {
                None => event["id"].take(),
                // An alert that another rule has read: its id is a hash of positions.
                Some(rule) => {
                    let text = |name: &str| event[name].as_str().expect("it says so").to_owned();
                    json!(format!("{rule} {} {}", text("kind"), text("time")))
                }
            };
        }
    }
    alert
}

/// Whether `expected` is part of `actual`: objects may hold more, lists may not, numbers are equal
/// by value.
fn fits(expected: &Json, actual: &Json) -> bool {
    match (expected, actual) {
        (Json::Object(expected), Json::Object(actual)) => {
            expected.iter().all(|(name, value)| actual.get(name).is_some_and(|actual| fits(value, actual)))
        }
        (Json::Array(expected), Json::Array(actual)) => {
            expected.len() == actual.len() && expected.iter().zip(actual).all(|(e, a)| fits(e, a))
        }
        (Json::Number(expected), Json::Number(actual)) => {
            let (expected, actual) = (expected.as_f64(), actual.as_f64());
            expected.zip(actual).is_some_and(|(e, a)| (e - a).abs() <= 1e-9 * e.abs().max(1.0))
        }
        _ => expected == actual,
    }
}

/// Whether an alert is the expected one; captured events must agree in full.
fn is_expected(expected: &Json, actual: &Json) -> bool {
    fits(expected, actual) && expected["events"] == actual["events"]
}

/// The parts of an alert that an expectation speaks of, for messages.
fn shortened(alert: &Json) -> Json {
    let parts = ["rule", "kind", "severity", "title", "key", "decided_time", "fields", "events"];
    Json::Object(parts.iter().map(|part| ((*part).to_owned(), alert[*part].clone())).collect::<Map<_, _>>())
}

fn check(program: &Arc<Program>, example: &Example, arrival: Arrival) -> Vec<String> {
    let mut missing = lines(&example.expected);
    let mut problems = Vec::new();
    for alert in run(program, example, arrival, |stream| program.kept(stream)) {
        match missing.iter().position(|expected| is_expected(expected, &alert)) {
            Some(at) => drop(missing.remove(at)),
            None => problems.push(format!("{arrival:?}: not expected: {}", shortened(&alert))),
        }
    }
    problems.extend(missing.iter().map(|expected| format!("{arrival:?}: missing: {expected}")));
    problems
}

#[test]
fn every_rule_gives_the_alerts_written_down_beside_it() {
    let program = Arc::new(rules::program());
    let mut problems = Vec::new();
    for example in examples() {
        for arrival in [Arrival::StreamByStream, Arrival::Reversed, Arrival::RoundRobin] {
            let found = check(&program, &example, arrival);
            problems.extend(found.into_iter().map(|problem| format!("{}: {problem}", example.name)));
        }
    }
    assert!(problems.is_empty(), "{} differences:\n{}", problems.len(), problems.join("\n"));
}

/// A field that a rule reads and that its events do not keep would be null to it.
#[test]
fn alerts_are_the_same_when_events_keep_all_their_fields() {
    let program = Arc::new(rules::program());
    for example in examples() {
        let kept = run(&program, &example, Arrival::RoundRobin, |stream| program.kept(stream));
        let all = run(&program, &example, Arrival::RoundRobin, |_| Kept::ALL);
        assert_eq!(kept, all, "{}", example.name);
    }
    let spared = |stream: &StreamId| {
        let fields = program.schema(*stream).fields.len();
        program.kept(*stream).count(fields) < fields
    };
    let streams = program.inputs().map(|name| program.input(name).expect("a stream of sources"));
    assert!(streams.filter(spared).count() > 5, "the rules leave something out");
}

#[test]
fn alerts_are_the_same_when_partial_matches_are_held_one_by_one() {
    let (program, one_by_one) = (rules::program(), rules::program().hold_one_by_one());
    let together = program.costs().iter().filter(|cost| cost.held == Held::Together).count();
    assert!(together > 0, "there are rules whose partial matches are held together");
    let (program, one_by_one) = (Arc::new(program), Arc::new(one_by_one));
    for example in examples() {
        let usual = run(&program, &example, Arrival::RoundRobin, |stream| program.kept(stream));
        let listed = run(&one_by_one, &example, Arrival::RoundRobin, |stream| program.kept(stream));
        assert_eq!(usual, listed, "{}", example.name);
    }
}

#[test]
fn the_tests_of_the_rules_pass_and_every_rule_has_some() {
    let sources = sources();
    let program = Arc::new(Program::compile_for_tests(&sources).0.expect("the rules compile"));
    let tables = rules::tables(&program);
    let mut expected = BTreeSet::new();
    for case in program.cases() {
        let outcome = testing::run(&program, &tables, &sources, case);
        let shown: Vec<String> =
            outcome.failures.iter().map(|failure| failure.render(&sources, Style::Plain)).collect();
        assert!(outcome.passed(), "{}:\n{}", case.name, shown.join("\n\n"));
        expected.extend(case.expectations.iter().filter_map(|expectation| match &expectation.kind {
            ExpectationKind::Alert(wanted) if wanted.times > 0 => Some(wanted.rule.to_string()),
            _ => None,
        }));
    }
    let rules: BTreeSet<String> = program.rules().iter().map(|rule| rule.name.to_string()).collect();
    assert_eq!(expected, rules);
}

/// Stopping and restoring the engine after every event must not change what any test expects.
#[test]
fn the_tests_of_the_rules_pass_with_a_restart_after_every_event() {
    let sources = sources();
    let program = Arc::new(Program::compile_for_tests(&sources).0.expect("the rules compile"));
    let tables = rules::tables(&program);
    for case in program.cases() {
        let mut case = case.clone();
        let steps = std::mem::take(&mut case.steps);
        case.steps = steps.into_iter().flat_map(|step| [step, Step::Restart]).collect();
        let outcome = testing::run(&program, &tables, &sources, &case);
        assert!(outcome.passed(), "{}: {:?}", case.name, outcome.failures);
    }
}

#[test]
fn the_rules_compile_without_warnings() {
    let sources = sources();
    let (_, diagnostics) = Program::compile(&sources);
    assert!(diagnostics.is_empty(), "{}", render_all(&diagnostics, &sources, Style::Plain));
}

#[test]
fn every_rule_is_named_like_its_file_and_has_samples_that_fire_it() {
    let program = Arc::new(rules::program());
    let mut files = Vec::new();
    for example in examples() {
        let name = Path::new(&example.name).file_name().expect("a name").to_string_lossy().into_owned();
        let fires = lines(&example.expected).iter().any(|alert| alert["rule"] == json!(name));
        assert!(fires, "{}: no expected alert of the rule itself", example.name);
        files.push(name);
    }
    files.sort();
    let rules: Vec<String> = program.rules().iter().map(|rule| rule.name.to_string()).collect();
    assert_eq!(rules, files);
}

#[test]
fn alerts_go_to_the_desks_that_the_demo_configures() {
    for rule in rules::program().rules() {
        assert!(!rule.sinks.is_empty(), "{} goes nowhere", rule.name);
        for sink in rule.sinks.iter() {
            let known = ["fraud_desk", "security_desk", "operations", "audit"].contains(&sink.as_str());
            assert!(known, "{}: no such desk: {sink}", rule.name);
        }
    }
}

#[test]
fn expectations_are_compared_by_value_and_in_full() {
    let actual = json!({"rule": "r", "fields": {"n": 3, "x": 0.5}, "events": {"a": ["1", "2"]}});
    let same = json!({"rule": "r", "fields": {"n": 3.0}, "events": {"a": ["1", "2"]}});
    assert!(is_expected(&same, &actual));
    for other in [
        json!({"rule": "r", "fields": {"n": 4}, "events": {"a": ["1", "2"]}}),
        json!({"rule": "r", "fields": {"m": 3}, "events": {"a": ["1", "2"]}}),
        json!({"rule": "r", "events": {"a": ["1"]}}),
        json!({"rule": "r", "events": {}}),
    ] {
        assert!(!is_expected(&other, &actual), "{other}");
    }
}
