//! What all codecs share, and what the tests of each use.

mod beside;
mod property;

use crate::cases::size;
use crate::diagnostic::Sources;
use crate::event::{FieldId, PartitionId, Value};
use crate::program::Program;

use super::*;

/// 2026-03-01T08:00:00Z
pub(super) const ARRIVAL: Timestamp = Timestamp::from_micros(1_772_352_000_000_000);

/// A stream with these fields, written as in the language; the time field is `at`, if there is one.
pub(super) fn stream(fields: &str) -> StreamSchema {
    let time =
        if fields.split(['{', ',']).any(|field| field.trim().starts_with("at ")) { "time at " } else { "" };
    let text = format!("stream s {time}{{ {fields} }}\n");
    let sources = Sources::new([("s.trip", text.as_str())]);
    let (program, diagnostics) = Program::compile(&sources);
    program.unwrap_or_else(|| panic!("{text}: {diagnostics:?}")).streams()[0].clone()
}

/// Reads the records of a partition: the object that is kept of each, `no event`, or why it is
/// malformed.
pub(super) fn read(format: &Format, schema: &StreamSchema, records: &[impl AsRef<[u8]>]) -> Vec<String> {
    let mut decoder = format.decoder(StreamId(7), schema, Kept::ALL);
    let mut offset = 0;
    let mut shown = Vec::new();
    for record in records {
        let position = Position { partition: PartitionId(3), offset };
        offset += record.as_ref().len() as u64;
        shown.push(match decoder.decode(record.as_ref(), position, ARRIVAL) {
            Ok(Some(event)) => {
                assert_eq!((event.stream(), event.position()), (StreamId(7), position));
                assert_is_as_json(schema, &event);
                String::from_utf8(event.raw().to_vec()).expect("the kept object is text")
            }
            Ok(None) => "no event".to_owned(),
            Err(why) => why.to_string(),
        });
    }
    shown
}

/// The only record of a partition.
pub(super) fn read_one(format: &Format, schema: &StreamSchema, record: impl AsRef<[u8]>) -> String {
    read(format, schema, &[record]).remove(0)
}

/// The object that is kept says the same as the event, for the codec that reads objects, and stands on
/// one line.
pub(super) fn assert_is_as_json(schema: &StreamSchema, event: &Event) {
    // Where names of plain text have dots, objects would be looked for.
    let mut flat = schema.clone();
    for field in &mut flat.fields {
        field.path = vec![field.path.join(".").into()];
    }
    assert_reads_the_same(&flat, event);
}

fn assert_reads_the_same(schema: &StreamSchema, event: &Event) {
    let raw = String::from_utf8(event.raw().to_vec()).expect("the kept object is text");
    assert!(raw.chars().all(|c| c >= ' '), "{raw:?}");
    let mut decoder = Format::Json.decoder(StreamId(7), schema, Kept::ALL);
    let twin = decoder.decode(raw.as_bytes(), event.position(), ARRIVAL);
    let twin = twin.unwrap_or_else(|why| panic!("{raw}: {why}")).expect("every object is an event");
    assert_eq!(twin.time(), event.time(), "{raw}");
    assert_eq!(values(schema, &twin), values(schema, event), "{raw}");
}

/// Decodes a record of objects: the object that is kept, or why it is malformed.
pub(super) fn decode(
    decoder: &mut dyn Decoder,
    schema: &StreamSchema,
    record: &[u8],
) -> Result<String, String> {
    let event = decoder.decode(record, Position::default(), ARRIVAL).map_err(|why| why.to_string())?;
    let event = event.expect("every record is an event");
    assert_reads_the_same(schema, &event);
    Ok(String::from_utf8(event.raw().to_vec()).expect("the kept object is text"))
}

/// The same in this format, of a stream with these fields.
pub(super) fn decode_as(format: &Format, fields: &str, record: &[u8]) -> Result<String, String> {
    let schema = stream(fields);
    let mut decoder = format.decoder(StreamId(7), &schema, Kept::ALL);
    decode(&mut *decoder, &schema, record)
}

/// All values of an event.
pub(super) fn values(schema: &StreamSchema, event: &Event) -> Vec<Value> {
    (0..schema.fields.len()).map(|index| event.value(FieldId(index as u32)).clone()).collect()
}

/// One of each format for a stream whose fields are read by these names.
pub(super) fn formats(names: &[&str]) -> Vec<Format> {
    let columns = names.iter().map(|name| (*name).into()).collect();
    let groups: Vec<String> = names.iter().map(|name| format!("(?<{name}>[^;]*)")).collect();
    vec![
        Format::Json,
        Format::Csv(csv::Settings::default()),
        Format::Csv(csv::Settings::new(b';', Some(columns)).expect("the columns are right")),
        Format::Logfmt,
        Format::Syslog,
        Format::Regex(regex::Settings::new(&groups.join(";")).expect("the pattern is right")),
    ]
}

#[test]
fn texts_become_what_the_field_declares() {
    let schema =
        stream("b bool?, i int?, f float?, t string?, r timestamp?, ms timestamp(ms)?, d duration?, ip ip?");
    let logfmt = |record: &str| read_one(&Format::Logfmt, &schema, record);
    for (record, kept) in [
        ("b=true", r#"{"b":true}"#),
        ("b", r#"{"b":true}"#),
        ("b=false", r#"{"b":false}"#),
        ("i=-12", r#"{"i":-12}"#),
        ("i=+12", r#"{"i":12}"#),
        ("i=0012", r#"{"i":12}"#),
        ("i=12.0", r#"{"i":12.0}"#),
        ("i=1e3", r#"{"i":1e3}"#),
        ("i=9223372036854775807", r#"{"i":9223372036854775807}"#),
        ("f=1.10", r#"{"f":1.10}"#),
        ("f=.5", r#"{"f":0.5}"#),
        ("f=5.", r#"{"f":5.0}"#),
        ("f=7", r#"{"f":7}"#),
        ("f=-0 i=-0", r#"{"f":-0,"i":-0}"#),
        ("f=1e300", r#"{"f":1e300}"#),
        (
            "f=100000000000000000000000000000000000000000",
            r#"{"f":100000000000000000000000000000000000000000}"#,
        ),
        ("t=12", r#"{"t":"12"}"#),
        ("t=true", r#"{"t":"true"}"#),
        ("t", r#"{"t":"true"}"#),
        ("t=\" x \"", r#"{"t":" x "}"#),
        (
            "i=\" 5\t\"",
            "not logfmt: control character (\\u0000-\\u001F) found while parsing a string in the text at column 3",
        ),
        ("i=\" 5 \"", r#"{"i":5}"#),
        ("r=2026-03-01T09:00:00+01:00", r#"{"r":"2026-03-01T09:00:00+01:00"}"#),
        ("ms=1500", r#"{"ms":1500}"#),
        ("ms=1500.5", r#"{"ms":1500.5}"#),
        ("ms=2026-03-01T08:00:00Z", r#"{"ms":"2026-03-01T08:00:00Z"}"#),
        ("d=1h30m", r#"{"d":"1h30m"}"#),
        ("ip=::ffff:10.0.0.1", r#"{"ip":"::ffff:10.0.0.1"}"#),
        ("other=12", r#"{"other":"12"}"#),
        ("other", r#"{"other":true}"#),
        (
            "b= i= f= t= r= ms= d= ip= other=",
            r#"{"b":null,"i":null,"f":null,"t":null,"r":null,"ms":null,"d":null,"ip":null,"other":""}"#,
        ),
    ] {
        assert_eq!(logfmt(record), kept, "{record}");
    }
    for (record, field, found) in [
        ("b=True", "b", "true or false, but is the text \"True\""),
        ("b=1", "b", "true or false, but is the text \"1\""),
        ("i=12.5", "i", "an integer of 64 bits, but is the number 12.5"),
        ("i=9223372036854775808", "i", "an integer of 64 bits, but is the number 9223372036854775808"),
        ("i=1_000", "i", "an integer of 64 bits, but is the text \"1_000\""),
        ("i=0x10", "i", "an integer of 64 bits, but is the text \"0x10\""),
        ("f=inf", "f", "a number, but is the text \"inf\""),
        ("f=nan", "f", "a number, but is the text \"nan\""),
        ("f=1e999", "f", "a number, but is the text \"1e999\""),
        ("f=1,5", "f", "a number, but is the text \"1,5\""),
        ("r=1500", "r", "a time (RFC 3339 text with an offset), but is the text \"1500\""),
        ("ms=soon", "ms", "a time (milliseconds since 1970 or RFC 3339 text), but is the text \"soon\""),
        ("d=90", "d", "a duration (text such as \"1h30m\"), but is the text \"90\""),
        ("ip=localhost", "ip", "an IP address as text, but is the text \"localhost\""),
    ] {
        assert_eq!(logfmt(record), format!("the field `{field}` should be {found}"), "{record}");
    }
}

#[test]
fn an_empty_text_is_missing_unless_a_string_is_required() {
    let required = stream("n int, t string");
    assert_eq!(read_one(&Format::Logfmt, &required, "n=1 t="), r#"{"n":1,"t":""}"#);
    assert_eq!(read_one(&Format::Logfmt, &required, "n= t=x"), "the required field `n` is missing");
    assert_eq!(read_one(&Format::Logfmt, &required, "n=\"  \" t=x"), "the required field `n` is missing");
    assert_eq!(read_one(&Format::Logfmt, &required, "n=1"), "the required field `t` is missing");
}

#[test]
fn a_path_is_one_name_with_dots() {
    let schema = stream("user string from \"client.user.name\", n int");
    let record = r#"n=1 client.user.name=ada user=eve"#;
    let kept = r#"{"n":1,"client.user.name":"ada","user":"eve"}"#;
    assert_eq!(read_one(&Format::Logfmt, &schema, record), kept);
    let csv = Format::Csv(csv::Settings::default());
    let rows = read(&csv, &schema, &["n,client.user.name", "1,ada"]);
    assert_eq!(rows, ["no event", r#"{"n":1,"client.user.name":"ada"}"#]);
    let regex = Format::Regex(regex::Settings::new(r"(?<n>\d+) (?<client.user.name>\w+)").unwrap());
    assert_eq!(read_one(&regex, &schema, "1 ada"), r#"{"n":1,"client.user.name":"ada"}"#);
}

#[test]
fn fields_may_share_a_name() {
    let schema = stream("n int from \"x\", t string from \"x\"");
    let mut decoder = Format::Logfmt.decoder(StreamId(0), &schema, Kept::ALL);
    let event = decoder.decode(b"x=007", Position::default(), ARRIVAL).unwrap().unwrap();
    assert_eq!(values(&schema, &event), [Value::Int(7), Value::text("007")]);
    assert_eq!(event.raw(), br#"{"x":7}"#, "shown as the first of them reads it");
}

#[test]
fn the_event_time_is_a_field_or_the_arrival() {
    let mut decoder = Format::Logfmt.decoder(StreamId(0), &stream("n int"), Kept::ALL);
    let event = decoder.decode(b"n=1", Position::default(), ARRIVAL).unwrap().unwrap();
    assert_eq!(event.time(), ARRIVAL);
    let mut decoder = Format::Logfmt.decoder(StreamId(0), &stream("n int, at timestamp(s)"), Kept::ALL);
    let event = decoder.decode(b"n=1 at=5", Position::default(), ARRIVAL).unwrap().unwrap();
    assert_eq!(event.time(), Timestamp::from_micros(5_000_000));
}

#[test]
fn a_refused_record_leaves_nothing_behind() {
    for format in formats(&["a", "b"]).into_iter().filter(|format| !matches!(format, Format::Syslog)) {
        let schema = stream("a int?, b int?");
        let (bad, good, empty) = match &format {
            Format::Json => (r#"{"a":1,"b":"x"}"#, r#"{"b":2}"#, r#"{"a":null,"b":2}"#),
            Format::Csv(settings) if settings.columns().is_none() => ("1,x", ",2", r#"{"a":null,"b":2}"#),
            Format::Logfmt => ("a=1 b=x", "b=2", r#"{"b":2}"#),
            _ => ("1;x", ";2", r#"{"a":null,"b":2}"#),
        };
        let shown = read(&format, &schema, &["a,b", bad, good]);
        let expected = if matches!(format, Format::Json) { good } else { empty };
        assert_eq!(shown[2], expected, "{format:?}");
    }
}

/// Were the time a matter of the square of the length, this test would not end.
#[test]
fn long_records_are_read_in_one_go() {
    let length = size(1 << 16, 1 << 20);
    let schema = stream("a int?, b string?");
    let fill =
        |start: &str, piece: &str, end: &str| format!("{start}{}{end}", piece.repeat(length / piece.len()));
    let records = [
        fill("", "a ", ""),
        fill("", "a=x ", ""),
        fill("a=\"", "\\\"", "\""),
        fill("a=\"", "\\u0001", "\""),
        fill("", "\"a\"=", ""),
        fill("", "a,", ""),
        fill("", "\"\",", "\""),
        fill("a,b\n\"", "\"\"", "\""),
        fill("", ";", ""),
        fill("<13>1 - - - - - [x", " a=\"\"", "] y"),
        fill("<13>1 - - - - - [x a=\"", "\\\\", "\"]"),
        fill("<13>1 - - - - - ", "[x]", ""),
        fill("<13>1 - - - - - ", "[x ", ""),
        fill("<13>Feb  1 12:17:09", " ", ""),
        fill("<13>Feb  1 12:17:09 ", "a[", ": x"),
        fill("<13>", "<", ">"),
    ];
    for format in formats(&["a", "b"]) {
        for record in &records {
            read(&format, &schema, &["a,b", record.as_str()]);
        }
    }
}

#[test]
fn misfits_are_found() {
    let schema = stream("a int, b string?, c string from \"x.y\", d float");
    assert_eq!(Format::Json.misfit(&schema), None);
    assert_eq!(Format::Logfmt.misfit(&schema), None);
    assert_eq!(Format::Csv(csv::Settings::default()).misfit(&schema), None, "the header is not known yet");
    let csv = |columns: &[&str]| {
        let columns = columns.iter().map(|name| (*name).into()).collect();
        Format::Csv(csv::Settings::new(b',', Some(columns)).unwrap()).misfit(&schema)
    };
    assert_eq!(csv(&["a", "x.y", "d"]), None);
    let one = "`columns` has no column `x.y`, which the required field `c` reads";
    assert_eq!(csv(&["a", "c", "d"]).as_deref(), Some(one));
    let regex = |pattern: &str| Format::Regex(regex::Settings::new(pattern).unwrap()).misfit(&schema);
    assert_eq!(regex("(?<a>.)(?<x.y>.)?(?<d>.)"), None);
    let several = "the pattern has no groups `a`, `x.y`, `d`, which required fields read";
    assert_eq!(regex("(?<b>.)").as_deref(), Some(several));
}
