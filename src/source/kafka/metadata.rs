//! What a message has besides its value, as fields of its event.
//!
//! A stream reads it by paths that begin with `_kafka`: `key`, `timestamp`, `topic`, `partition`, `offset`,
//! `tombstone` and `headers.NAME`. What it asks for is given to the decoder beside the value ([`Beside`]),
//! whatever the value is written in, and the evidence of alerts shows it as a member of that name.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use rdkafka::message::{Headers as _, Message};

use crate::codec::beside::{Beside, Found};
use crate::event::{Field, FieldId, FieldType, StreamSchema, Timestamp};

/// The name of the member.
pub const MEMBER: &str = "_kafka";
/// What it can hold besides headers.
const PARTS: [&str; 6] = ["key", "timestamp", "topic", "partition", "offset", "tombstone"];

/// What a stream asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Which parts, by their names.
    parts: BTreeMap<&'static str, Readers>,
    /// Which headers.
    headers: BTreeMap<String, Readers>,
}

/// The fields that read something, with their types.
type Readers = Vec<(FieldId, FieldType)>;

/// A stream asks for something that there is not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the field `{field}` reads `{path}`, which a message of Kafka does not have: there are `_kafka.key`, `_kafka.timestamp`, \
     `_kafka.topic`, `_kafka.partition`, `_kafka.offset`, `_kafka.tombstone` and `_kafka.headers.NAME`"
)]
pub struct Unknown {
    field: String,
    path: String,
}

/// Whether a field reads what a message has besides its value.
pub fn is_beside(field: &Field) -> bool {
    field.path.first().is_some_and(|name| name == MEMBER)
}

impl Wanted {
    /// What a stream asks for; `None`: nothing.
    ///
    /// # Errors
    /// When it asks for something that there is not.
    pub fn of(schema: &StreamSchema) -> Result<Option<Wanted>, Unknown> {
        let mut wanted = Wanted::default();
        for (index, field) in schema.fields.iter().enumerate().filter(|(_, field)| is_beside(field)) {
            let rest: Vec<&str> = field.path[1..].iter().map(|name| name.as_str()).collect();
            let part = |name: &str| PARTS.iter().find(|part| **part == name).copied();
            let readers = match &rest[..] {
                ["headers", header] => wanted.headers.entry((*header).to_owned()).or_default(),
                [name] if let Some(part) = part(name) => wanted.parts.entry(part).or_default(),
                _ => {
                    let (field, path) = (field.name.to_string(), field.path.join("."));
                    return Err(Unknown { field, path });
                }
            };
            readers.push((FieldId(index as u32), field.ty));
        }
        Ok(Some(wanted).filter(|wanted| *wanted != Wanted::default()))
    }

    /// Says what is asked for of a message. What is missing, a key for example, is nothing.
    pub fn say(&self, message: &impl Message, beside: &mut Beside) {
        beside.begin(MEMBER);
        for (part, readers) in &self.parts {
            say_part(part, message, readers, beside);
        }
        if !self.headers.is_empty() {
            beside.open("headers");
            let headers = message.headers();
            for (wanted, readers) in &self.headers {
                // Of several of one name the last counts, as for most programs that read them.
                let of_name =
                    headers.iter().flat_map(|headers| headers.iter()).filter(|one| one.key == wanted);
                let value = of_name.last().and_then(|header| header.value).map(text);
                say(wanted, value.as_deref().map(Found::Text), readers, beside);
            }
            beside.close();
        }
        beside.close();
    }
}

fn say_part(part: &str, message: &impl Message, readers: &Readers, beside: &mut Beside) {
    let found = match part {
        "key" => return say_key(message.key(), readers, beside),
        "timestamp" => {
            let millis = message.timestamp().to_millis().filter(|millis| *millis >= 0);
            return say_time(millis.and_then(|millis| millis.checked_mul(1_000)), readers, beside);
        }
        "topic" => Found::Text(message.topic()),
        "partition" => Found::Int(message.partition().into()),
        "offset" => Found::Int(message.offset().into()),
        _ => Found::Bool(message.payload().is_none()),
    };
    say(part, Some(found), readers, beside);
}

/// A key is a number, `true` or `false` where a field asks for one and it reads like one.
fn say_key(key: Option<&[u8]>, readers: &Readers, beside: &mut Beside) {
    let Some(key) = key else { return say("key", None, readers, beside) };
    let plain = text(key);
    let plain = Found::Text(&plain);
    let of_type = |ty| if is_bare(ty) { bare(key).unwrap_or(plain) } else { plain };
    let is_shown_bare = readers.iter().find(|(_, ty)| is_bare(*ty));
    beside.show("key", &is_shown_bare.map_or(plain, |(_, ty)| of_type(*ty)));
    for (field, ty) in readers {
        beside.give(*field, Some(of_type(*ty)));
    }
}

fn say_time(micros: Option<i64>, readers: &Readers, beside: &mut Beside) {
    let Some(time) = micros.map(Timestamp::from_micros) else {
        return say("timestamp", None, readers, beside);
    };
    beside.show("timestamp", &Found::Time(time));
    for (field, ty) in readers {
        match ty {
            FieldType::Str => beside.give(*field, Some(Found::Text(&time.to_string()))),
            _ => beside.give(*field, Some(Found::Time(time))),
        }
    }
}

fn say(name: &str, found: Option<Found<'_>>, readers: &Readers, beside: &mut Beside) {
    if let Some(found) = &found {
        beside.show(name, found);
    }
    for (field, _) in readers {
        beside.give(*field, found);
    }
}

/// Bytes that are no UTF-8 are hexadecimal digits, so that different ones stay different.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => {
            let mut digits = String::with_capacity(2 * bytes.len());
            for byte in bytes {
                // Writing to memory does not fail.
                let _ = write!(digits, "{byte:02x}");
            }
            digits.into()
        }
    }
}

/// Whether a field of that type reads numbers, `true` or `false`.
fn is_bare(ty: FieldType) -> bool {
    matches!(ty, FieldType::Bool | FieldType::Int | FieldType::Float | FieldType::Timestamp(Some(_)))
}

/// The number, `true` or `false` that a key reads as, if it is one as JSON writes it.
fn bare(key: &[u8]) -> Option<Found<'static>> {
    match serde_json::from_slice(key).ok()? {
        serde_json::Value::Bool(value) => Some(Found::Bool(value)),
        serde_json::Value::Number(number) => match number.as_i128() {
            Some(int) => Some(Found::Int(int)),
            None => number.as_f64().map(Found::Float),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::Timestamp as KafkaTime;
    use rdkafka::message::{Header, OwnedHeaders, OwnedMessage};

    use crate::codec::Format;
    use crate::diagnostic::Sources;
    use crate::event::{Kept, Position};
    use crate::program::Program;

    fn schema(fields: &str) -> StreamSchema {
        let text = format!("stream s {{ id int?, {fields} }}");
        let (program, problems) = Program::compile(&Sources::new([("a.trip", text)]));
        let program = program.unwrap_or_else(|| panic!("{problems:?}"));
        program.schema(program.input("s").expect("it is declared")).clone()
    }

    fn message(key: Option<&[u8]>) -> OwnedMessage {
        let headers = OwnedHeaders::new()
            .insert(Header { key: "trace", value: Some("first") })
            .insert(Header { key: "trace", value: Some("a\"b") })
            .insert(Header { key: "bytes", value: Some(&[0xff, 0x00][..]) })
            .insert(Header { key: "none", value: None::<&str> });
        let time = KafkaTime::CreateTime(1_700_000_000_123);
        let key = key.map(<[u8]>::to_vec);
        OwnedMessage::new(Some(b"{}".to_vec()), key, "t".into(), time, 3, 7, Some(headers))
    }

    /// The event of a message with this key and value: what alerts show, and the values of the fields but `id`.
    fn read(fields: &str, key: Option<&[u8]>, value: &str) -> (String, Vec<String>) {
        let schema = schema(fields);
        let wanted = Wanted::of(&schema).expect("it is there").expect("something is asked for");
        let stream = crate::event::StreamId(0);
        let mut decoder = Format::Json.decoder(stream, &schema, Kept::ALL);
        wanted.say(&message(key), decoder.fields().beside());
        let event = decoder.decode(value.as_bytes(), Position::default(), Timestamp::MIN);
        let event = event.expect("all is as declared").expect("it is an event");
        let values =
            (1..schema.fields.len()).map(|field| format!("{:?}", event.value(FieldId(field as u32))));
        (String::from_utf8(event.raw().to_vec()).expect("text"), values.collect())
    }

    #[test]
    fn what_a_stream_asks_for_is_given_and_shown() {
        assert_eq!(Wanted::of(&schema("x int?")), Ok(None));
        let fields = r#"card string from "_kafka.key", at timestamp from "_kafka.timestamp""#;
        let (shown, values) = read(fields, Some(b"c1"), r#"{"id":1}"#);
        assert_eq!(shown, r#"{"id":1,"_kafka":{"key":"c1","timestamp":"2023-11-14T22:13:20.123Z"}}"#);
        assert_eq!(values[0], r#"Str("c1")"#);
        let fields = r#"t string from "_kafka.headers.trace", b string? from "_kafka.headers.bytes",
            n string? from "_kafka.headers.none", o int from "_kafka.offset", p int from "_kafka.partition",
            topic string from "_kafka.topic", gone bool from "_kafka.tombstone", at string from "_kafka.timestamp""#;
        let (shown, values) = read(fields, None, " { } \n");
        assert_eq!(
            shown,
            r#"{ "_kafka":{"offset":7,"partition":3,"timestamp":"2023-11-14T22:13:20.123Z","tombstone":false,"topic":"t","headers":{"bytes":"ff00","trace":"a\"b"}}}"#
        );
        let expected =
            ["Str(\"a\\\"b\")", "Str(\"ff00\")", "Null", "Int(7)", "Int(3)", "Str(\"t\")", "Bool(false)"];
        assert_eq!(values[..7], expected);
        assert_eq!(values[7], r#"Str("2023-11-14T22:13:20.123Z")"#);
    }

    #[test]
    fn a_key_is_a_number_where_a_number_is_asked_for() {
        let number = r#"k int? from "_kafka.key""#;
        assert_eq!(
            read(number, Some(b"17"), "{}"),
            (r#"{"_kafka":{"key":17}}"#.into(), vec!["Int(17)".into()])
        );
        assert_eq!(read(number, None, "{}"), (r#"{"_kafka":{}}"#.into(), vec!["Null".into()]));
        let both = r#"k string from "_kafka.key", b bool from "_kafka.key""#;
        let (_, values) = read(both, Some(b"true"), "{}");
        assert_eq!(values, [r#"Str("true")"#, "Bool(true)"]);
        let text = r#"k string from "_kafka.key""#;
        assert_eq!(read(text, Some(b"17"), "{}").0, r#"{"_kafka":{"key":"17"}}"#);
    }

    #[test]
    fn nobody_can_say_in_a_value_what_the_message_has() {
        let fields = r#"k string? from "_kafka.key""#;
        for value in [r#"{"_kafka":{"key":"forged"}}"#, r#"{"_kafka":{"key":1}}"#, r#"{"_kafka":7}"#] {
            assert_eq!(read(fields, Some(b"c1"), value).1, [r#"Str("c1")"#], "{value}");
            assert_eq!(read(fields, None, value).1, ["Null"], "{value}");
        }
    }

    #[test]
    fn what_a_message_does_not_have_is_a_mistake() {
        for path in ["_kafka", "_kafka.keys", "_kafka.headers", "_kafka.headers.a.b"] {
            let error =
                Wanted::of(&schema(&format!("k string? from \"{path}\""))).expect_err("there is none");
            assert!(error.to_string().contains(&format!("`k` reads `{path}`")), "{error}");
        }
    }
}
