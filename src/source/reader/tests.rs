//! From bytes to events, with a decoder that is easy to follow.

use super::*;
use crate::codec::{Fields, Format, Malformed};
use crate::diagnostic::Sources;
use crate::event::{Duration, StreamId};
use crate::program::Program;
use crate::source::framing::Framing;

/// Accepts what stands in braces.
struct Braces(Fields);

impl Decoder for Braces {
    fn decode(
        &mut self,
        record: &[u8],
        position: Position,
        arrival: Timestamp,
    ) -> Result<Option<Event>, Malformed> {
        if record.starts_with(b"{") && record.ends_with(b"}") {
            Ok(Some(Event::new(StreamId(0), arrival, position, [], record)))
        } else {
            Err(Malformed::Syntax("no braces".into()))
        }
    }

    fn stream(&self) -> StreamId {
        StreamId(0)
    }

    fn fields(&mut self) -> &mut Fields {
        &mut self.0
    }
}

#[derive(Default)]
struct Kept(Vec<(u64, u64, Reason)>);

impl Quarantine for Kept {
    fn reject(&mut self, place: Place, why: &Rejection, _record: &[u8]) {
        self.0.push((place.offset, place.line, why.reason()));
    }
}

fn read(bytes: &[u8], limits: BatchLimits) -> (Vec<Vec<u64>>, Kept) {
    let mut reader = Reader::new(
        Box::new(Braces(Fields::none())),
        Framing::Lines.frames(20),
        PartitionId(3),
        Checks::default(),
    );
    let mut kept = Kept::default();
    let mut batches = Vec::new();
    let at = Timestamp::from_micros(7);
    reader.space()[..bytes.len()].copy_from_slice(bytes);
    reader.filled(bytes.len());
    loop {
        let mut batch = Batch::default();
        let more = reader.decode(at, limits, &mut batch, &mut kept);
        if !more {
            reader.end(at, &mut batch, &mut kept);
        }
        batches.push(batch.events.iter().map(|event| event.position().offset).collect());
        if !more {
            return (batches, kept);
        }
    }
}

#[test]
fn what_is_no_event_is_reported_with_its_place_and_the_rest_goes_on() {
    let text = b"{1}\ngarbage\n\n{2}\n\xff\xfe\n{this one is far too long}\n{3}\n{half";
    let (batches, kept) = read(text, BatchLimits { events: 100, bytes: 1000 });
    assert_eq!(batches, [[0, 13, 47]]);
    assert_eq!(
        kept.0,
        [
            (4, 2, Reason::Syntax),
            (17, 5, Reason::Syntax),
            (20, 6, Reason::Oversized),
            (51, 8, Reason::Incomplete),
        ]
    );
}

#[test]
fn a_complete_last_line_without_a_line_feed_is_an_event() {
    let (batches, kept) = read(b"{1}\n{2}", BatchLimits { events: 100, bytes: 1000 });
    assert_eq!(batches, [[0, 4]]);
    assert_eq!(kept.0, []);
}

#[test]
fn batches_are_bounded_by_count_and_bytes() {
    let (by_count, _) = read(b"{1}\n{2}\n{3}\n", BatchLimits { events: 2, bytes: 1000 });
    assert_eq!(by_count, [vec![0, 4], vec![8]]);
    let one = Event::new(StreamId(0), Timestamp::FIRST, Position::default(), [], *b"{1}").footprint();
    let (by_bytes, _) = read(b"{1}\n{2}\n{3}\n", BatchLimits { events: 100, bytes: one + 1 });
    assert_eq!(by_bytes, [vec![0, 4], vec![8]]);
}

/// Decodes JSON of a stream of the rules.
fn of_rules(rules: &str, max_ahead: Option<Duration>, records: &str) -> (Vec<u64>, Vec<(u64, String)>) {
    let (program, diagnostics) = Program::compile(&Sources::new([("rules.trip", rules)]));
    let program = program.unwrap_or_else(|| panic!("{diagnostics:?}"));
    let stream = program.input("logins").expect("a stream");
    let schema = program.schema(stream);
    let checks = Checks::new(max_ahead, program.groupings(stream), schema);
    let decoder = Format::Json.decoder(stream, schema, program.kept(stream));
    let mut reader = Reader::new(decoder, Framing::Lines.frames(1000), PartitionId(0), checks);
    reader.space()[..records.len()].copy_from_slice(records.as_bytes());
    reader.filled(records.len());
    let (mut batch, mut told) = (Batch::default(), Told::default());
    let now = Timestamp::parse("2026-03-01T00:00:00Z").expect("a time");
    assert!(!reader.decode(now, BatchLimits { events: 100, bytes: 10_000 }, &mut batch, &mut told));
    (batch.events.iter().map(|event| event.position().offset).collect(), told.0)
}

#[derive(Default)]
struct Told(Vec<(u64, String)>);

impl Quarantine for Told {
    fn reject(&mut self, place: Place, why: &Rejection, record: &[u8]) {
        assert!(record.starts_with(b"{"), "the bytes of the record are handed on");
        self.0.push((place.line, format!("{}: {why}", why.reason().name())));
    }
}

const BY_USER_OR_DEVICE: &str = r#"
stream logins time at { user string?, device string?, at timestamp }
rule a { by user match logins as l alert low "a" { } }
rule b { by user, device match logins as l alert low "b" { } }
"#;

#[test]
fn an_event_that_no_rule_can_group_is_not_let_in() {
    let records = "{\"user\":\"u\",\"at\":\"2026-01-01T00:00:00Z\"}\n\
                   {\"device\":\"d\",\"at\":\"2026-01-01T00:00:00Z\"}\n\
                   {\"at\":\"2026-01-01T00:00:00Z\"}\n";
    let (events, told) = of_rules(BY_USER_OR_DEVICE, None, records);
    assert_eq!(events, [0]);
    let why = "keyless: every rule that reads the stream groups it by a field that is null: ";
    assert_eq!(told, [(2, format!("{why}`user`")), (3, format!("{why}`user`, `device`"))]);
}

#[test]
fn a_rule_without_groups_can_use_every_event_and_so_can_none_be_useless_where_no_rule_reads() {
    let record = "{\"at\":\"2026-01-01T00:00:00Z\"}\n";
    let all = format!("{BY_USER_OR_DEVICE} rule c {{ match logins as l alert low \"c\" {{ }} }}");
    assert_eq!(of_rules(&all, None, record).0, [0]);
    let (declaration, _) = BY_USER_OR_DEVICE.split_once("rule a").expect("it has rules");
    assert_eq!(of_rules(declaration, None, record).0, [0]);
}

#[test]
fn an_event_too_far_ahead_of_the_clock_is_not_let_in() {
    let records = "{\"user\":\"u\",\"at\":\"2026-03-02T00:00:00Z\"}\n\
                   {\"user\":\"u\",\"at\":\"2026-03-02T00:00:00.000001Z\"}\n\
                   {\"user\":\"u\",\"at\":\"2026-03-03T00:00:00Z\"}\n";
    let (events, told) = of_rules(BY_USER_OR_DEVICE, Some(Duration::DAY), records);
    assert_eq!(events, [0]);
    let ahead =
        |time, by| format!("future: its time {time} is {by} ahead of the clock, and `max_ahead` allows 1d");
    assert_eq!(
        told,
        [(2, ahead("2026-03-02T00:00:00.000001Z", "1d1s")), (3, ahead("2026-03-03T00:00:00Z", "2d"))]
    );
    assert_eq!(of_rules(BY_USER_OR_DEVICE, None, records).1, []);
}
