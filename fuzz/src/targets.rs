//! The targets: each takes any bytes and panics when something is wrong.

use std::str::from_utf8;
use std::sync::{Arc, LazyLock};

use tripline::codec::json::JsonDecoder;
use tripline::codec::schemas::{Answer, Kind, Registered};
use tripline::codec::{Decoder, Format, Malformed, avro, csv, protobuf, regex};
use tripline::diagnostic::{FileId, Sources, Style, render_all};
use tripline::engine::{Engine, EngineOptions};
use tripline::event::{FieldId, Kept, PartitionId, Position, Timestamp, Value};
use tripline::language;
use tripline::program::Program;

use super::generate::rule_file;
use super::guarantees::formatted;
use super::judge::judge;
use super::state::{self, Stored};

/// A target with its name.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 9] = [
    ("parse", parse),
    ("format", format),
    ("format_generated", format_generated),
    ("check", check),
    ("expression", expression),
    ("decode_json", decode_json),
    ("decode_text", decode_text),
    ("decode_binary", decode_binary),
    ("restore", restore),
];

/// The parser survives any text, and the places that it reports lie in it.
pub fn parse(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (_, diagnostics) = language::parse(FileId(0), &text);
    for diagnostic in &diagnostics {
        let span = diagnostic.primary.span;
        let place = span.start as usize..span.end as usize;
        assert!(text.get(place).is_some(), "a place outside of the text: {diagnostic:?}");
    }
}

/// The formatter keeps its guarantees for any text.
pub fn format(bytes: &[u8]) {
    formatted(&String::from_utf8_lossy(bytes));
}

/// The formatter keeps its guarantees for rule files made from the bytes.
pub fn format_generated(bytes: &[u8]) {
    formatted(&rule_file(bytes));
}

/// Any rule set compiles or is refused, and what is wrong with it can be shown.
pub fn check(bytes: &[u8]) {
    compile(&String::from_utf8_lossy(bytes));
}

/// What each of the targets below reads.
const STREAM: &str = r#"
stream s time at late 1s {
  k     string
  flag  bool?
  n     int?
  x     float?
  t     string?     from "deep.t"
  d     duration?
  ip    ip?
  at    timestamp(ms)
  other timestamp?
}
"#;

/// Events of that stream; some lack what others have.
const EVENTS: [&str; 4] = [
    r#"{"k": "a", "flag": true, "n": 3, "x": 0.5, "deep": {"t": "text"}, "d": "1h", "ip": "10.1.2.3", "at": 0}"#,
    r#"{"k": "a", "flag": false, "n": -9223372036854775808, "x": -1e308, "deep": {"t": ""}, "ip": "::1", "at": 1}"#,
    r#"{"k": "a", "n": 9223372036854775807, "x": 1e308, "d": "-1s", "at": 2000, "other": "9999-12-31T00:00:00Z"}"#,
    r#"{"k": "a", "at": 3000}"#,
];

/// Any text as the condition of an event and in an alert: it compiles or is refused, and what compiles
/// can be evaluated.
pub fn expression(bytes: &[u8]) {
    let Ok(text) = from_utf8(bytes) else { return };
    let rule = format!(
        "{STREAM}rule r {{\n  by k\n  event a = s where {text}\n  match s as b then 1+ a within 1h\n  overlap all\n  \
         alert low \"x\" {{ value = {text}\n }}\n}}\n"
    );
    let Some(program) = compile(&rule) else { return };
    let program = Arc::new(program);
    let Some(stream) = program.stream("s") else { return };
    let mut engine = Engine::new(Arc::clone(&program), EngineOptions::RECORDED);
    let mut decoder = JsonDecoder::keeping(program.kept(stream), stream, program.schema(stream));
    let (partition, now) = (PartitionId(0), Timestamp::from_micros(0));
    engine.open(stream, partition, now);
    for (offset, record) in (0..).zip(EVENTS) {
        // The text may have closed the rule and declared whatever it liked.
        if let Ok(Some(event)) = decoder.decode(record.as_bytes(), Position { partition, offset }, now) {
            let _ = engine.push(event, now);
        }
    }
    engine.finish();
    for alert in engine.take_alerts() {
        serde_json::to_string(&alert).expect("an alert is JSON");
    }
}

static DECODED: LazyLock<Program> = LazyLock::new(|| compile(STREAM).expect("the stream is right"));

/// Any bytes are an event or malformed, and what `serde_json` finds in them.
pub fn decode_json(bytes: &[u8]) {
    let stream = DECODED.stream("s").expect("it is declared");
    let mut decoder = JsonDecoder::new(stream, DECODED.schema(stream));
    let position = Position { partition: PartitionId(0), offset: 0 };
    let now = Timestamp::from_micros(0);
    let first = decoder.decode(bytes, position, now);
    if let Err(malformed) = &first {
        assert!(!malformed.to_string().is_empty(), "a reason is given");
    }
    let again = decoder.decode(bytes, position, now);
    assert_eq!(format!("{first:?}"), format!("{again:?}"), "a decoder remembers nothing");
    let Some(expected) = judge(DECODED.schema(stream), bytes) else { return };
    let fields = 0..DECODED.schema(stream).fields.len() as u32;
    let found = first
        .ok()
        .flatten()
        .map(|event| -> Vec<Value> { fields.map(|field| event.value(FieldId(field)).clone()).collect() });
    // Shown, so that 0 and -0 differ.
    assert_eq!(format!("{found:?}"), format!("{expected:?}"), "what a plain reader finds");
}

/// What the target below reads: what syslog has, beside fields of all types.
const TEXTS: &str = r#"
stream s {
  flag    bool?
  n       int?
  x       float?
  t       string?
  d       duration?
  ip      ip?
  at      timestamp(ms)?
  sent    timestamp?     from "timestamp"
  host    string?
  level   int?           from "severity"
  tz      bool?          from "sd.timeQuality.tzKnown"
  message string?
}
"#;

static TEXT_STREAM: LazyLock<Program> = LazyLock::new(|| compile(TEXTS).expect("the stream is right"));

/// The formats of plain text.
static FORMATS: LazyLock<[Format; 5]> = LazyLock::new(|| {
    let columns = ["n", "t", "x", "at"].map(Into::into).to_vec();
    let pattern = r#"^(?<ip>\S+) (?<t>\S+)(?: "(?<message>[^"]*)")?(?: (?<n>\d+))?"#;
    [
        Format::Csv(csv::Settings::default()),
        Format::Csv(csv::Settings::new(b';', Some(columns)).expect("the columns are right")),
        Format::Logfmt,
        Format::Syslog,
        Format::Regex(regex::Settings::new(pattern).expect("the pattern is right")),
    ]
});

/// The first byte chooses a format; zero bytes part the records behind it. Each is an event or malformed,
/// and the object that is kept of an event is that event in JSON.
pub fn decode_text(bytes: &[u8]) {
    let Some((choice, records)) = bytes.split_first() else { return };
    let format = &FORMATS[usize::from(*choice) % FORMATS.len()];
    let stream = TEXT_STREAM.stream("s").expect("it is declared");
    let schema = TEXT_STREAM.schema(stream);
    let mut decoder = format.decoder(stream, schema, Kept::ALL);
    let mut flat = schema.clone();
    for field in &mut flat.fields {
        field.path = vec![field.path.join(".").into()];
    }
    let mut twin = JsonDecoder::new(stream, &flat);
    for (offset, record) in (0..).zip(records.split(|byte| *byte == 0)) {
        let position = Position { partition: PartitionId(0), offset };
        match decoder.decode(record, position, Timestamp::from_micros(0)) {
            Err(malformed) => assert!(!malformed.to_string().is_empty(), "a reason is given"),
            Ok(None) => assert_eq!(offset, 0, "only the header is no event"),
            Ok(Some(event)) => {
                let again = twin.decode(event.raw(), position, Timestamp::from_micros(0));
                assert_eq!(format!("{:?}", again), format!("{:?}", Ok::<_, Malformed>(Some(event))));
            }
        }
    }
}

/// What the target below reads.
const BINARY: &str = r#"
stream s {
  flag  bool?
  n     int?
  x     float?
  t     string?    from "deep.t"
  d     duration?
  at    timestamp?
}
"#;

static BINARY_STREAM: LazyLock<Program> = LazyLock::new(|| compile(BINARY).expect("the stream is right"));

/// A schema of Avro with most of what there is.
const AVRO: &str = r#"{"type": "record", "name": "A", "fields": [
    {"name": "flag", "type": ["null", "boolean"]},
    {"name": "n", "type": ["long", "null", {"type": "enum", "name": "E", "symbols": ["X", "Y"]}]},
    {"name": "x", "type": {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 4}},
    {"name": "deep", "type": {"type": "map", "values": ["string", "A", {"type": "array", "items": "null"}]}},
    {"name": "d", "type": {"type": "fixed", "name": "D", "size": 12}},
    {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}}]}"#;

/// A type of messages with most of what there is.
const MESSAGES: &str = r#"syntax = "proto3";
    import "google/protobuf/timestamp.proto"; import "google/protobuf/duration.proto"; import "google/protobuf/struct.proto";
    message A {
      optional bool flag = 1; sint64 n = 2; double x = 3; Deep deep = 4; google.protobuf.Duration d = 5;
      google.protobuf.Timestamp at = 6; repeated fixed32 list = 7; map<string, A> map = 8; google.protobuf.Struct more = 9;
      oneof how { string card = 10; bytes token = 11; }
    }
    message Deep { string t = 1; Deep next = 2; }"#;

/// The formats whose records are bytes.
static BINARY_FORMATS: LazyLock<[Format; 4]> = LazyLock::new(|| {
    let avro = Arc::new(avro::Parsed::new(AVRO, &[]).expect("the schema is right"));
    let types = protobuf::Parsed::registered(MESSAGES, &[]).expect("the types are right");
    let message = types.message(Some("A")).expect("it is defined");
    [
        Format::Avro(avro::Settings::Local(Arc::clone(&avro))),
        Format::Avro(avro::Settings::Registry(Some(avro))),
        Format::Protobuf(protobuf::Settings::Local(message)),
        Format::Protobuf(protobuf::Settings::Registry),
    ]
});

/// The first byte chooses a format; the rest is a record. It is an event or malformed, and the object that
/// is kept of an event is that event in JSON.
pub fn decode_binary(bytes: &[u8]) {
    let Some((choice, record)) = bytes.split_first() else { return };
    let stream = BINARY_STREAM.stream("s").expect("it is declared");
    let schema = BINARY_STREAM.schema(stream);
    let mut decoder =
        BINARY_FORMATS[usize::from(*choice) % BINARY_FORMATS.len()].decoder(stream, schema, Kept::ALL);
    if let Some(id) = decoder.needs(record) {
        let (kind, text) = if choice % 4 == 1 { (Kind::Avro, AVRO) } else { (Kind::Protobuf, MESSAGES) };
        let registered = Registered { kind, text: text.into(), references: Vec::new() };
        decoder.give(id, &Answer::Schema(Arc::new(registered)));
    }
    let position = Position { partition: PartitionId(0), offset: 0 };
    match decoder.decode(record, position, Timestamp::from_micros(0)) {
        Err(malformed) => assert!(!malformed.to_string().is_empty(), "a reason is given"),
        Ok(event) => {
            let event = event.expect("every record is an event");
            let again =
                JsonDecoder::new(stream, schema).decode(event.raw(), position, Timestamp::from_micros(0));
            assert_eq!(format!("{:?}", again), format!("{:?}", Ok::<_, Malformed>(Some(event))));
        }
    }
}

static STORED: LazyLock<Stored> = LazyLock::new(state::sample);

/// The first byte chooses a part of a stored state, the second whether the key or the value if it is a row;
/// what follows takes its place. The whole is a state or refused.
pub fn restore(bytes: &[u8]) {
    let [part, of_row, replaced @ ..] = bytes else { return };
    let Stored { head, rows, .. } = &*STORED;
    let mut rows = rows.clone();
    match usize::from(*part).checked_sub(1) {
        None => drop(STORED.go_on(replaced, &rows)),
        Some(place) => {
            let place = place % rows.len();
            let (_, _, key, value) = &mut rows[place];
            *(if of_row % 2 == 0 { value } else { key }) = replaced.to_vec();
            STORED.go_on(head, &rows);
        }
    }
}

fn compile(text: &str) -> Option<Program> {
    let sources = Sources::new([("fuzz.trip", text)]);
    let (program, diagnostics) = Program::compile(&sources);
    assert_eq!(program.is_none(), diagnostics.has_errors(), "there is a program or an error");
    render_all(&diagnostics, &sources, Style::Plain);
    program
}
