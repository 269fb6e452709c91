//! Tripline as a library, without the service: compile a rule, push events, take matches.
//!
//! `cargo run --no-default-features --example embedded`

use std::error::Error;
use std::sync::Arc;

use tripline::codec::Decoder;
use tripline::codec::json::JsonDecoder;
use tripline::diagnostic::{Sources, Style, render_all};
use tripline::engine::{Engine, EngineOptions};
use tripline::event::{PartitionId, Position, Timestamp};
use tripline::program::Program;

const RULES: &str = r#"
stream door time at {
  badge string
  ok    bool
  at    timestamp(s)
}

rule forced_entry {
  by badge
  event refused = door where not ok
  event opened  = door where ok
  match 3+ refused then opened within 1m
  alert high "Badge {badge}: opened after {count(refused)} refusals"
}
"#;

const EVENTS: [&str; 4] = [
    r#"{"badge": "b7", "ok": false, "at": 0}"#,
    r#"{"badge": "b7", "ok": false, "at": 10}"#,
    r#"{"badge": "b7", "ok": false, "at": 20}"#,
    r#"{"badge": "b7", "ok": true,  "at": 30}"#,
];

fn main() -> Result<(), Box<dyn Error>> {
    // Compile. Mistakes come with their place in the text; warnings may come with a program.
    let sources = Sources::new([("doors.trip", RULES)]);
    let (program, diagnostics) = Program::compile(&sources);
    eprint!("{}", render_all(&diagnostics, &sources, Style::Plain));
    let program = Arc::new(program.ok_or("the rules have mistakes")?);

    // One engine, one stream, one partition. Time is an argument: nothing here reads a clock.
    let mut engine = Engine::new(Arc::clone(&program), EngineOptions::RECORDED);
    let stream = program.stream("door").ok_or("no stream `door`")?;
    let mut decoder = JsonDecoder::keeping(program.kept(stream), stream, program.schema(stream));
    let (partition, now) = (PartitionId(0), Timestamp::from_micros(0));
    engine.open(stream, partition, now);

    for (offset, record) in (0..).zip(EVENTS) {
        // A record may hold no event, as the header of a CSV file.
        let Some(event) = decoder.decode(record.as_bytes(), Position { partition, offset }, now)? else {
            continue;
        };
        if let Err(refused) = engine.push(event, now) {
            eprintln!("event {offset} was not taken: {refused:?}");
        }
    }

    // No more events will come: what waits for time is decided now.
    engine.finish();
    for alert in engine.take_alerts() {
        println!("{}", serde_json::to_string_pretty(&alert)?);
    }
    Ok(())
}
