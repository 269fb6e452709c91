//! An event that came too late to be put in order, as a line of the file of late events.
//!
//! A line is one JSON object with these keys, in this order:
//!
//! | key | type | meaning |
//! |---|---|---|
//! | `time` | text | when it was refused, by the wall clock, in RFC 3339 |
//! | `source`, `stream` | text | where it came in, and what for |
//! | `partition`, `offset` | numbers | where it stood |
//! | `event_time` | text | its time, in RFC 3339 |
//! | `late_by` | number | by how many seconds it came too late: how far event time had passed it |
//! | `event` | object | the event, as it came in |

use serde::Serialize;
use serde_json::value::RawValue;

use crate::event::{Duration, Event, Timestamp};

/// A late event.
pub struct Late<'a> {
    /// When it was refused.
    pub time: Timestamp,
    /// The source it came through.
    pub source: &'a str,
    /// Its stream.
    pub stream: &'a str,
    /// The event.
    pub event: &'a Event,
    /// By how much event time had passed it.
    pub by: Duration,
}

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    source: &'a str,
    stream: &'a str,
    partition: u32,
    offset: u64,
    event_time: String,
    late_by: f64,
    event: Shown<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Shown<'a> {
    Object(Box<RawValue>),
    /// What no decoder has made: shown as text rather than lost.
    Text(std::borrow::Cow<'a, str>),
}

impl Late<'_> {
    /// The line for it, without a line end.
    pub fn to_line(&self) -> Vec<u8> {
        let position = self.event.position();
        let line = Line {
            time: self.time.to_string(),
            source: self.source,
            stream: self.stream,
            partition: position.partition.0,
            offset: position.offset,
            event_time: self.event.time().to_string(),
            late_by: self.by.as_secs_f64(),
            event: shown(self.event.raw()),
        };
        serde_json::to_vec(&line).expect("it has text for keys and is written to memory")
    }
}

fn shown(raw: &[u8]) -> Shown<'_> {
    let text = String::from_utf8_lossy(raw);
    // Outside of texts, which hold no line ends, these mean as much as spaces.
    match RawValue::from_string(text.replace(['\n', '\r'], " ")) {
        Ok(object) => Shown::Object(object),
        Err(_) => Shown::Text(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{PartitionId, Position, StreamId};

    fn line(raw: &str) -> String {
        let position = Position { partition: PartitionId(2), offset: 70 };
        let time = Timestamp::parse("2026-03-01T08:00:00Z").expect("a time");
        let event = Event::new(StreamId(0), time, position, [], raw.as_bytes());
        let now = Timestamp::parse("2026-03-01T08:05:00.25Z").expect("a time");
        let by = Duration::from_micros(1_500_000);
        let late = Late { time: now, source: "s", stream: "cards", event: &event, by };
        String::from_utf8(late.to_line()).expect("JSON is text")
    }

    #[test]
    fn the_page_shows_such_a_line() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/quarantine.md");
        let page = std::fs::read_to_string(path).expect("the page");
        let shown = page.split("```json\n").nth(2).and_then(|rest| rest.lines().next()).expect("a line");
        let keys = |text: &str| {
            let object: serde_json::Value = serde_json::from_str(text).expect("JSON");
            object.as_object().expect("an object").keys().cloned().collect::<Vec<_>>()
        };
        assert_eq!(keys(shown), keys(&line("{}")));
    }

    #[test]
    fn the_event_stands_in_the_line_as_it_came_in() {
        const HEAD: &str = r#"{"time":"2026-03-01T08:05:00.25Z","source":"s","stream":"cards","partition":2,"offset":70,"event_time":"2026-03-01T08:00:00Z","late_by":1.5,"event":"#;
        assert_eq!(line("{\"a\": 1.00}"), format!("{HEAD}{{\"a\": 1.00}}}}"));
        assert_eq!(line("{\"a\":\n1}"), format!("{HEAD}{{\"a\": 1}}}}"));
        assert_eq!(line("a\nb"), format!("{HEAD}\"a\\nb\"}}"));
    }
}
