//! Examples of patterns: clauses, an empty line, then lines `events → reports`.
//!
//! An event is a letter, which says what it is, and its number, counted from 1: `a1 b2`. It comes a
//! second after the one before, unless its time follows in seconds: `b2@5`. `b2(7)` has the value 7
//! in the field `v`. Every name of one or two letters in the pattern stands for an event with one of
//! these letters, unless the clauses define it. A report names what was captured, in order, with the
//! variable where it is not the letter: `a1 ab=b2`; ` at 5` follows when it was decided at another
//! time than its last event's. It begins with `timeout` or `limit` when it is no match.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use tripline::codec::Decoder;
use tripline::codec::json::JsonDecoder;
use tripline::engine::{Engine, EngineOptions};
use tripline::event::{PartitionId, Position, Timestamp};
use tripline::program::Program;

use super::page::check;

const STREAM: &str = "stream s time at idle 30s { id int, k string, t string, v int?, at timestamp(ms) }\n";

/// The rule of an example.
fn rule(clauses: &str) -> String {
    let words = clauses
        .lines()
        .filter(|line| !line.trim_start().starts_with("event "))
        .flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
    let is_letters =
        |word: &&str| (1..=2).contains(&word.len()) && word.chars().all(|c| "abcdxyz".contains(c));
    let aliases: BTreeSet<&str> = clauses
        .split(" as ")
        .skip(1)
        .filter_map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next())
        .collect();
    let names: BTreeSet<&str> = words.filter(is_letters).filter(|word| !aliases.contains(word)).collect();
    let mut rule = format!("{STREAM}rule example {{\n  by k\n");
    for name in names {
        if !clauses.contains(&format!("event {name} ")) {
            let letters: Vec<String> = name.chars().map(|letter| format!("\"{letter}\"")).collect();
            rule.push_str(&format!("  event {name} = s where t in ({})\n", letters.join(", ")));
        }
    }
    for line in clauses.lines() {
        let line = line.strip_suffix(" alert").unwrap_or(line);
        rule.push_str(&format!("  {line}"));
        rule.push_str(if line.starts_with("on timeout") { " alert low \"late\"\n" } else { "\n" });
    }
    rule + "  alert low \"match\"\n}\n"
}

/// An event as written: its letter, number, value and time in milliseconds.
fn event(word: &str, index: usize, before: Option<i64>) -> (String, Json, i64) {
    let (word, time) = word.split_once('@').unwrap_or((word, ""));
    let (label, value) = word.split_once('(').unwrap_or((word, ""));
    let value: Option<i64> = value.strip_suffix(')').map(|value| value.parse().expect("a number"));
    let at = match time {
        "" => before.map_or(0, |before| before + 1_000),
        time => (time.parse::<f64>().expect("seconds") * 1_000.0) as i64,
    };
    let (letter, number) = label.split_at(1);
    assert_eq!(number.parse(), Ok(index + 1), "events are counted from 1: {label}");
    (label.to_owned(), json!({"id": index, "k": "key", "t": letter, "v": value, "at": at}), at)
}

/// What the engine reports for events.
fn reports(program: &Arc<Program>, events: &str) -> String {
    let stream = program.stream("s").expect("the stream is declared");
    let mut decoder = JsonDecoder::keeping(program.kept(stream), stream, program.schema(stream));
    let mut engine = Engine::new(Arc::clone(program), EngineOptions::RECORDED);
    let (partition, now) = (PartitionId(0), Timestamp::from_micros(0));
    engine.open(stream, partition, now);
    let (mut labels, mut times) = (Vec::new(), Vec::new());
    for (index, word) in events.split_whitespace().enumerate() {
        let (label, json, at) = event(word, index, times.last().copied());
        labels.push(label);
        times.push(at);
        let position = Position { partition, offset: index as u64 };
        let event = decoder
            .decode(json.to_string().as_bytes(), position, now)
            .expect("well-formed")
            .expect("an event");
        engine.push(event, now).expect("in order");
    }
    engine.finish();
    let alerts = engine.take_alerts();
    let shown: Vec<String> = alerts
        .iter()
        .map(|alert| show(&serde_json::to_value(alert).expect("JSON"), alert.decided_time, &labels, &times))
        .collect();
    if shown.is_empty() { "nothing".to_owned() } else { shown.join(" · ") }
}

fn show(alert: &Json, decided: Timestamp, labels: &[String], times: &[i64]) -> String {
    let mut captured: Vec<(usize, String)> = Vec::new();
    for (variable, events) in alert["events"].as_object().expect("an object") {
        for event in events.as_array().expect("a list") {
            let index = event["id"].as_u64().expect("a number") as usize;
            let label = &labels[index];
            let is_letter = label.starts_with(variable.as_str());
            captured.push((index, if is_letter { label.clone() } else { format!("{variable}={label}") }));
        }
    }
    captured.sort();
    let last = captured.iter().map(|(index, _)| times[*index]).max().unwrap_or(0);
    let decided = decided.as_micros() / 1_000;
    let mut text = match alert["kind"].as_str() {
        Some("match") => String::new(),
        kind => format!("{} ", kind.unwrap_or_default()),
    };
    text.push_str(&captured.into_iter().map(|(_, label)| label).collect::<Vec<_>>().join(" "));
    if decided != last {
        text.push_str(&format!(" at {}", decided as f64 / 1_000.0));
    }
    text
}

/// What is wrong with an example.
pub fn complaints(example: &str) -> String {
    let (clauses, lines) = example.split_once("\n\n").expect("an empty line behind the clauses");
    let rule = rule(clauses);
    let (program, _, shown) = check(&[("example.trip", &rule)]);
    let Some(program) = program.map(Arc::new) else { return format!("{rule}{shown}") };
    let mut wrong = String::new();
    for line in lines.lines() {
        let (events, expected) = line.split_once('→').expect("events → reports");
        let found = reports(&program, events);
        if found != expected.trim() {
            wrong.push_str(&format!("{clauses}\n{events}→ {}\n  found: {found}\n{shown}", expected.trim()));
        }
    }
    wrong
}

/// The value of an expression as JSON; the event captured as `e` is that of the page.
pub fn value(expression: &str, streams: &str, event: &str) -> String {
    let rule = format!(
        "rule example {{\n  by card\n  match auth as e\n  alert low \"x\" {{\n    value = {expression}\n  }}\n}}\n"
    );
    let (program, _, shown) = check(&[("example.trip", &rule), ("streams.trip", streams)]);
    let Some(program) = program.map(Arc::new) else { return shown };
    let stream = program.stream("auth").expect("the stream is declared");
    let mut decoder = JsonDecoder::keeping(program.kept(stream), stream, program.schema(stream));
    let mut engine = Engine::new(Arc::clone(&program), EngineOptions::RECORDED);
    let now = Timestamp::from_micros(0);
    engine.open(stream, PartitionId(0), now);
    let event =
        decoder.decode(event.as_bytes(), Position::default(), now).expect("well-formed").expect("an event");
    engine.push(event, now).expect("not late");
    engine.finish();
    let alert = engine.take_alerts().pop().expect("an alert");
    serde_json::to_value(&alert).expect("JSON")["fields"]["value"].to_string()
}
