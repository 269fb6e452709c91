//! `docs/coming-from.md`: its rules compile without warnings, and report what the `compare` blocks say.
//!
//! A block holds lines of events, and below each, indented, which rules report what: names with commas
//! between, two blanks, reports. Here the lines of Tripline count; `tests/comparison` checks the others.
//! `Tripline` is the rule above the block that has no name, `Tripline all` the one with `name=all`.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use tripline::codec::Decoder;
use tripline::codec::json::JsonDecoder;
use tripline::engine::{Engine, EngineOptions};
use tripline::event::{PartitionId, Position, Timestamp};
use tripline::program::Program;

use super::page::{Block, Section, check, run_tests, sections, streams};

const PAGE: &str = "coming-from.md";

/// The systems whose snippets `scripts/check-comparison` reads, by the word that marks them.
const OTHERS: [&str; 8] = ["flink", "esper", "siddhi", "eql", "flink-sql", "sigma", "helpers", "rules"];

#[test]
fn every_block_is_checked() {
    for block in sections(PAGE).into_iter().flat_map(|section| section.blocks) {
        let language = block.language.as_str();
        let is_other = OTHERS.iter().any(|other| language == *other || block.has(other));
        assert!(
            is_other || ["trip", "compare", "sql", "sh"].contains(&language),
            "line {}: nothing checks a block of {language}",
            block.line
        );
    }
}

#[test]
fn the_rules_compile_without_warnings() {
    let sections = sections(PAGE);
    let streams = streams(&sections);
    let blocks = sections.iter().flat_map(|section| &section.blocks);
    for block in blocks.filter(|block| block.language == "trip" && !block.has("streams")) {
        let (program, diagnostics, shown) = compile(&block.text, &streams);
        assert!(program.is_some() && diagnostics == 0, "line {}:\n{shown}", block.line);
    }
}

#[test]
fn rules_report_what_the_page_says() {
    let sections = sections(PAGE);
    let streams = streams(&sections);
    let (mut wrong, mut count) = (String::new(), 0);
    for section in &sections {
        for block in section.blocks.iter().filter(|block| block.language == "compare") {
            let mut events = "";
            for line in block.text.lines() {
                let Some(line) = line.strip_prefix("  ") else {
                    events = line;
                    continue;
                };
                let (labels, expected) = line.trim().split_once("  ").expect("names, two blanks, reports");
                for label in labels.split(", ").filter(|label| label.starts_with("Tripline")) {
                    let found = reports(section, label, &streams, events, block);
                    count += 1;
                    if found != sorted(expected.trim()) {
                        wrong += &format!("{label}: {events}\n  page:  {expected}\n  found: {found}\n");
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(count >= 25, "the examples are found: {count}");
}

#[test]
fn the_tests_pass() {
    let sections = sections(PAGE);
    let streams = streams(&sections);
    let mut count = 0;
    for block in sections.iter().flat_map(|section| &section.blocks).filter(|block| block.language == "trip")
    {
        count += run_tests(&[("example.trip", &block.text), ("streams.trip", &streams)]);
    }
    assert!(count >= 1, "the tests are found");
}

/// A page's rule with its streams: the program, the number of diagnostics, and how they are shown.
fn compile(rule: &str, streams: &str) -> (Option<Program>, usize, String) {
    let (program, diagnostics, shown) = check(&[("example.trip", rule), ("streams.trip", streams)]);
    (program, diagnostics.iter().count(), shown)
}

/// Reports in the order of their text, as systems differ in the order of reports at one moment.
fn sorted(reports: &str) -> String {
    let mut reports: Vec<&str> = reports.split(" · ").collect();
    reports.sort_unstable();
    reports.join(" · ")
}

/// What the rule with this label reports for the events of a block.
fn reports(section: &Section, label: &str, streams: &str, events: &str, block: &Block) -> String {
    let name = label.strip_prefix("Tripline").map(str::trim).filter(|name| !name.is_empty());
    let rule = section.blocks.iter().find(|rule| rule.language == "trip" && rule.value("name") == name);
    let rule = rule.unwrap_or_else(|| panic!("line {}: there is no rule for {label}", block.line));
    let (program, _, shown) = compile(&rule.text, streams);
    let program = Arc::new(program.expect(&shown));
    let stream = program.stream("events").expect("the stream is declared");
    let mut decoder = JsonDecoder::keeping(program.kept(stream), stream, program.schema(stream));
    let mut engine = Engine::new(Arc::clone(&program), EngineOptions::RECORDED);
    let (partition, now) = (PartitionId(0), Timestamp::from_micros(0));
    engine.open(stream, partition, now);
    let mut at = -1_000;
    for (index, word) in events.split_whitespace().enumerate() {
        let json = event(word, block, &mut at);
        let position = Position { partition, offset: index as u64 };
        let event = decoder
            .decode(json.to_string().as_bytes(), position, now)
            .expect("well-formed")
            .expect("an event");
        engine.push(event, now).expect("in order");
    }
    engine.finish();
    let shown: Vec<String> = engine
        .take_alerts()
        .iter()
        .map(|alert| captured(&serde_json::to_value(alert).expect("JSON")))
        .collect();
    if shown.is_empty() { "nothing".to_owned() } else { sorted(&shown.join(" · ")) }
}

/// An event as the page writes it: `b2(7)@5m`. What it says beyond its kind is an amount, an address or `field=value`.
fn event(word: &str, block: &Block, at: &mut i64) -> Json {
    let (word, time) = word.split_once('@').unwrap_or((word, ""));
    let (label, values) = word.split_once('(').unwrap_or((word, ""));
    *at = if time.is_empty() { *at + 1_000 } else { milliseconds(time) };
    let kind = block.value(&label[..1]).unwrap_or_else(|| panic!("line {}: what is {label}?", block.line));
    let mut event = json!({"id": label, "account": "k", "order_id": "o1", "kind": kind, "at": at});
    for value in values.trim_end_matches(')').split(',').filter(|value| !value.is_empty()) {
        if let Ok(amount) = value.parse::<f64>() {
            event["amount"] = json!(amount);
        } else {
            let (field, value) = value.split_once('=').unwrap_or(("ip", value));
            event[field] = json!(value);
        }
    }
    event
}

fn milliseconds(time: &str) -> i64 {
    let digits = time.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &time[digits.len()..] {
        "ms" => 1.0,
        "s" => 1_000.0,
        "m" => 60_000.0,
        "h" => 3_600_000.0,
        unit => panic!("no unit: {unit}"),
    };
    (digits.parse::<f64>().expect("a number") * unit) as i64
}

/// The ids of the events that an alert shows, in the order in which they came.
fn captured(alert: &Json) -> String {
    let events = alert["events"].as_object().expect("an object").values();
    let ids = events.flat_map(|events| events.as_array().expect("a list")).map(|event| &event["id"]);
    let mut ids: Vec<&str> = ids.map(|id| id.as_str().expect("text")).collect();
    ids.sort_by_key(|id| id[1..].parse::<u32>().expect("a number"));
    let prefix = if alert["kind"] == "match" { "" } else { "timeout " };
    format!("{prefix}{}", ids.join(" "))
}
