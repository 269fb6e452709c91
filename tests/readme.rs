//! What the README shows is what the program does.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value as Json;
use tripline::codec::Decoder;
use tripline::codec::json::JsonDecoder;
use tripline::engine::{Engine, EngineOptions};
use tripline::event::{PartitionId, Position, Timestamp};

#[path = "common/rules.rs"]
mod rules;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("the file can be read")
}

/// The one block of the README in that language.
fn block(language: &str) -> String {
    let readme = read("README.md");
    let opening = format!("```{language}\n");
    let mut blocks = readme.split(opening.as_str()).skip(1);
    let block = blocks.next().expect("there is such a block");
    assert!(blocks.next().is_none(), "several blocks in {language}");
    block.split("\n```").next().expect("blocks end").to_owned()
}

#[test]
fn the_rule_is_the_example() {
    assert!(read("rules/fraud/card_testing.trip").contains(&block("tripline")));
}

#[test]
fn the_alert_is_the_first_of_the_example() {
    let program = Arc::new(rules::program());
    let stream = program.stream("card_auths").expect("a stream of the rules");
    let (now, partition) = (Timestamp::from_micros(0), PartitionId(0));
    let mut engine = Engine::new(Arc::clone(&program), EngineOptions::RECORDED);
    engine.open(stream, partition, now);
    let mut decoder = JsonDecoder::keeping(program.kept(stream), stream, program.schema(stream));
    let mut offset = 0;
    for line in read("rules/fraud/card_testing.events/card_auths.jsonl").split_inclusive('\n') {
        // A file's positions are its byte offsets, which the alert's id depends on.
        let event = decoder.decode(line.trim_end().as_bytes(), Position { partition, offset }, now);
        // One of the sample events is late on purpose.
        let _ = engine.push(event.expect("well-formed").expect("an event"), now);
        offset += line.len() as u64;
    }
    engine.finish();
    let alert = engine.take_alerts().into_iter().next().expect("the first alert");
    let mut alert = serde_json::to_value(alert).expect("alerts are JSON");
    alert.as_object_mut().expect("an object").remove("events");
    let shown: Json = serde_json::from_str(&block("json")).expect("JSON");
    assert_eq!(shown, alert, "the README should show:\n{alert:#}");
}
