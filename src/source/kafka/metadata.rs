//! What a message has besides its value, as fields of its event.
//!
//! A stream reads it by paths that begin with `_kafka`: `key`, `timestamp`, `topic`, `partition`, `offset`,
//! `tombstone` and `headers.NAME`. What it asks for is put into the record, as a member of that name at its end, so
//! that decoding finds it like everything else and the evidence of an alert shows it.

use std::collections::BTreeSet;
use std::io::Write as _;

use rdkafka::message::{Headers as _, Message};
use serde_json::value::RawValue;

use crate::event::{FieldType, StreamSchema, Timestamp};

/// The name of the member.
pub const MEMBER: &str = "_kafka";
/// What it can hold besides headers.
const PARTS: [&str; 6] = ["key", "timestamp", "topic", "partition", "offset", "tombstone"];

/// What a stream asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Which parts, by their names.
    parts: BTreeSet<&'static str>,
    /// Which headers.
    headers: BTreeSet<String>,
    /// Whether the key is to be a number, `true` or `false` where it reads like one.
    is_key_bare: bool,
}

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

impl Wanted {
    /// What a stream asks for; `None`: nothing.
    ///
    /// # Errors
    /// When it asks for something that there is not.
    pub fn of(schema: &StreamSchema) -> Result<Option<Wanted>, Unknown> {
        let mut wanted = Wanted::default();
        for field in
            schema.fields.iter().filter(|field| field.path.first().is_some_and(|name| name == MEMBER))
        {
            let rest: Vec<&str> = field.path[1..].iter().map(|name| name.as_str()).collect();
            let part = |name: &str| PARTS.iter().find(|part| **part == name).copied();
            match &rest[..] {
                ["headers", header] => {
                    wanted.headers.insert((*header).to_owned());
                }
                [name] if part(name).is_some() => wanted.parts.extend(part(name)),
                _ => {
                    let (field, path) = (field.name.to_string(), field.path.join("."));
                    return Err(Unknown { field, path });
                }
            }
            let is_bare = matches!(field.ty, FieldType::Bool | FieldType::Int | FieldType::Float);
            wanted.is_key_bare |= rest == ["key"] && is_bare;
        }
        Ok(Some(wanted).filter(|wanted| *wanted != Wanted::default()))
    }

    /// Writes the record of a message: its value, which is a JSON object, with what is asked for. A value that is
    /// none is left as it is, so that it is found to be none. What is missing, a key for example, is left out.
    pub fn record(&self, message: &impl Message, value: &[u8], record: &mut Vec<u8>) {
        record.clear();
        let end = value.trim_ascii_end();
        let Some(open) = end.strip_suffix(b"}").filter(|open| open.trim_ascii_start().starts_with(b"{"))
        else {
            record.extend_from_slice(value);
            return;
        };
        record.extend_from_slice(open);
        if open.trim_ascii() != b"{" {
            record.push(b',');
        }
        let mut member = Member { record, is_first: true };
        member.begin(MEMBER);
        for part in &self.parts {
            self.part(part, message, &mut member);
        }
        self.headers(message, &mut member);
        record.extend_from_slice(b"}}");
    }

    fn part(&self, part: &str, message: &impl Message, member: &mut Member<'_>) {
        match part {
            "key" => match message.key() {
                Some(key) if self.is_key_bare && is_bare(key) => member.plain(part, key),
                Some(key) => member.text(part, key),
                None => {}
            },
            "timestamp" => {
                let millis = message.timestamp().to_millis().filter(|millis| *millis >= 0);
                if let Some(micros) = millis.and_then(|millis| millis.checked_mul(1_000)) {
                    member.text(part, Timestamp::from_micros(micros).to_string().as_bytes());
                }
            }
            "topic" => member.text(part, message.topic().as_bytes()),
            "partition" => member.plain(part, message.partition().to_string().as_bytes()),
            "offset" => member.plain(part, message.offset().to_string().as_bytes()),
            _ => member.plain(part, if message.payload().is_none() { b"true" } else { b"false" }),
        }
    }

    fn headers(&self, message: &impl Message, member: &mut Member<'_>) {
        let Some(headers) = message.headers().filter(|_| !self.headers.is_empty()) else { return };
        member.begin("headers");
        for wanted in &self.headers {
            // Of several of one name the last counts, as for most programs that read them.
            let last = headers.iter().filter(|header| header.key == wanted).last();
            if let Some(value) = last.and_then(|header| header.value) {
                member.text(wanted, value);
            }
        }
        member.record.push(b'}');
        member.is_first = false;
    }
}

/// Whether a key reads as a number, `true` or `false`.
fn is_bare(key: &[u8]) -> bool {
    let first = key.first().copied().unwrap_or_default();
    let may_be = first == b'-' || first.is_ascii_digit() || matches!(key, b"true" | b"false");
    may_be && serde_json::from_slice::<&RawValue>(key).is_ok()
}

/// The member while it is written.
struct Member<'a> {
    record: &'a mut Vec<u8>,
    is_first: bool,
}

impl Member<'_> {
    fn name(&mut self, name: &str) {
        if !std::mem::take(&mut self.is_first) {
            self.record.push(b',');
        }
        self.json(name);
        self.record.push(b':');
    }

    fn begin(&mut self, name: &str) {
        self.name(name);
        self.record.push(b'{');
        self.is_first = true;
    }

    fn plain(&mut self, name: &str, value: &[u8]) {
        self.name(name);
        self.record.extend_from_slice(value);
    }

    /// Bytes that are no UTF-8 are written in hexadecimal digits, so that different ones stay different.
    fn text(&mut self, name: &str, value: &[u8]) {
        self.name(name);
        match std::str::from_utf8(value) {
            Ok(text) => self.json(text),
            Err(_) => {
                self.record.push(b'"');
                for byte in value {
                    // Writing to memory cannot fail.
                    let _ = write!(self.record, "{byte:02x}");
                }
                self.record.push(b'"');
            }
        }
    }

    fn json(&mut self, text: &str) {
        let written = serde_json::to_writer(&mut *self.record, text);
        written.expect("text is written to memory, so that nothing can fail");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::Timestamp as KafkaTime;
    use rdkafka::message::{Header, OwnedHeaders, OwnedMessage};

    use crate::diagnostic::Sources;
    use crate::program::Program;

    fn schema(fields: &str) -> StreamSchema {
        let text = format!("stream s {{ id int?, {fields} }}");
        let (program, problems) = Program::compile(&Sources::new([("a.trip", text)]));
        let program = program.unwrap_or_else(|| panic!("{problems:?}"));
        program.schema(program.input("s").expect("it is declared")).clone()
    }

    fn message(key: Option<&[u8]>) -> OwnedMessage {
        let headers = OwnedHeaders::new()
            .insert(Header { key: "trace", value: Some("a\"b") })
            .insert(Header { key: "bytes", value: Some(&[0xff, 0x00][..]) })
            .insert(Header { key: "none", value: None::<&str> });
        let time = KafkaTime::CreateTime(1_700_000_000_123);
        OwnedMessage::new(
            Some(b"{}".to_vec()),
            key.map(<[u8]>::to_vec),
            "t".into(),
            time,
            3,
            7,
            Some(headers),
        )
    }

    fn record(fields: &str, key: Option<&[u8]>, value: &str) -> String {
        let wanted = Wanted::of(&schema(fields)).expect("it is there").expect("something is asked for");
        let mut record = Vec::new();
        wanted.record(&message(key), value.as_bytes(), &mut record);
        String::from_utf8(record).expect("it is text")
    }

    #[test]
    fn what_a_stream_asks_for_is_in_the_record() {
        assert_eq!(Wanted::of(&schema("x int?")), Ok(None));
        assert_eq!(
            record(
                r#"card string from "_kafka.key", at timestamp from "_kafka.timestamp""#,
                Some(b"c1"),
                r#"{"id":1}"#
            ),
            r#"{"id":1,"_kafka":{"key":"c1","timestamp":"2023-11-14T22:13:20.123Z"}}"#
        );
        assert_eq!(
            record(
                r#"t string from "_kafka.headers.trace", b string? from "_kafka.headers.bytes",
                   n string? from "_kafka.headers.none", o int from "_kafka.offset""#,
                None,
                " { } \n"
            ),
            " { \"_kafka\":{\"offset\":7,\"headers\":{\"bytes\":\"ff00\",\"trace\":\"a\\\"b\"}}}"
        );
    }

    #[test]
    fn a_key_is_a_number_where_a_number_is_asked_for() {
        let number = r#"k int? from "_kafka.key""#;
        assert_eq!(record(number, Some(b"17"), "{}"), r#"{"_kafka":{"key":17}}"#);
        assert_eq!(record(number, Some(b"1,2"), "{}"), r#"{"_kafka":{"key":"1,2"}}"#);
        assert_eq!(record(number, None, "{}"), r#"{"_kafka":{}}"#);
        let text = r#"k string from "_kafka.key""#;
        assert_eq!(record(text, Some(b"17"), "{}"), r#"{"_kafka":{"key":"17"}}"#);
    }

    #[test]
    fn a_value_that_is_no_object_stays_as_it_is() {
        for value in ["", "[1]", "}", "null", "{\"a\":1"] {
            assert_eq!(record(r#"k string? from "_kafka.key""#, Some(b"x"), value), value);
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
