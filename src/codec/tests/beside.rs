//! What records have besides their bytes, with every codec.

use super::*;
use crate::codec::beside::{Beside, Found};

/// Each format with a record that has `id` 7, and that as an object.
fn formats() -> Vec<(Format, Vec<u8>, &'static str)> {
    let columns = Some(vec!["id".into()]);
    let csv = Format::Csv(csv::Settings::new(b',', columns).expect("columns"));
    let regex = Format::Regex(regex::Settings::new("id is (?<id>.*)").expect("an expression"));
    let text = r#"{"id":7"#;
    #[cfg_attr(not(feature = "codecs"), expect(unused_mut, reason = "there are no more"))]
    let mut formats = vec![
        (Format::Json, br#"{"id": 7 }"#.to_vec(), r#"{"id": 7 "#),
        (csv, b"7".to_vec(), text),
        (Format::Logfmt, b"id=7".to_vec(), text),
        (regex, b"id is 7".to_vec(), text),
    ];
    #[cfg(feature = "codecs")]
    {
        let schema = r#"{"type": "record", "name": "R", "fields": [{"name": "id", "type": "int"}]}"#;
        let avro = avro::Parsed::new(schema, &[]).expect("a schema");
        formats.push((Format::Avro(avro::Settings::Local(avro.into())), vec![14], text));
        let types = "syntax = \"proto3\"; message M { int32 id = 1; }";
        let message =
            protobuf::Parsed::registered(types, &[]).expect("types").message(None).expect("one type");
        formats.push((Format::Protobuf(protobuf::Settings::Local(message)), vec![8, 7], text));
        let schema = r#"{"properties": {"id": {}}, "additionalProperties": false}"#;
        let json = json_schema::Parsed::new(schema, &[]).expect("a schema");
        let json = Format::JsonSchema(json_schema::Settings::Local(json.into()));
        formats.push((json, br#"{"id":7}"#.to_vec(), text));
    }
    formats
}

fn fields() -> StreamSchema {
    stream(
        r#"id int, who string from "beside.who", n int? from "beside.more.n", at timestamp from "beside.at""#,
    )
}

/// The same for each record; without `who`, and with something else than a number for `n`, if that is wanted.
fn say(beside: &mut Beside, who: Option<&str>, n: Found<'_>) {
    beside.begin("beside");
    if let Some(who) = who {
        beside.show("who", &Found::Text(who));
    }
    beside.give(FieldId(1), who.map(Found::Text));
    beside.open("more");
    beside.show("n", &n);
    beside.give(FieldId(2), Some(n));
    beside.close();
    beside.show("at", &Found::Time(ARRIVAL));
    beside.give(FieldId(3), Some(Found::Time(ARRIVAL)));
    beside.close();
}

#[test]
fn what_stands_beside_a_record_is_as_if_it_stood_in_it() {
    let schema = fields();
    for (format, record, shown) in formats() {
        let mut decoder = format.decoder(StreamId(7), &schema, Kept::ALL);
        say(decoder.fields().beside(), Some("a\"b"), Found::Int(3));
        let event = decoder.decode(&record, Position::default(), ARRIVAL);
        let event = event.unwrap_or_else(|why| panic!("{format:?}: {why}")).expect("an event");
        assert_eq!(event.time(), ARRIVAL);
        let raw = String::from_utf8(event.raw().to_vec()).expect("text");
        let beside = r#","beside":{"who":"a\"b","more":{"n":3},"at":"2026-03-01T08:00:00Z"}}"#;
        assert_eq!(raw, format!("{shown}{beside}"));
        let again = Format::Json.decoder(StreamId(7), &schema, Kept::ALL).decode(
            raw.as_bytes(),
            Position::default(),
            Timestamp::MIN,
        );
        let again = again.expect("it is well-formed").expect("it is an event");
        for field in (0..4).map(FieldId) {
            assert_eq!(format!("{:?}", event.value(field)), format!("{:?}", again.value(field)), "{raw}");
        }
    }
}

#[test]
fn what_is_missing_or_wrong_beside_a_record_makes_it_malformed() {
    let schema = fields();
    for (format, record, _) in formats() {
        let mut decoder = format.decoder(StreamId(7), &schema, Kept::ALL);
        let mut refusal = |who, n| {
            say(decoder.fields().beside(), who, n);
            decoder.decode(&record, Position::default(), ARRIVAL).expect_err("it is malformed").to_string()
        };
        assert_eq!(refusal(None, Found::Int(3)), "the required field `who` is missing");
        let wrong = "the field `n` should be an integer of 64 bits, but is the text \"x\"";
        assert_eq!(refusal(Some("w"), Found::Text("x")), wrong);
    }
}

#[test]
fn there_may_be_nothing_but_what_stands_beside() {
    let mut schema = fields();
    for (format, _, _) in formats() {
        schema.fields[0].optional = true;
        let mut decoder = format.decoder(StreamId(7), &schema, Kept::ALL);
        say(decoder.fields().beside(), Some("w"), Found::Null);
        let event = decoder.fields().alone(Position::default(), ARRIVAL).expect("an event");
        assert!(event.value(FieldId(0)).is_null() && *event.value(FieldId(1)) == Value::text("w"));
        let shown = br#"{"beside":{"who":"w","more":{"n":null},"at":"2026-03-01T08:00:00Z"}}"#;
        assert_eq!(event.raw(), shown);
        schema.fields[0].optional = false;
        let mut strict = format.decoder(StreamId(7), &schema, Kept::ALL);
        say(strict.fields().beside(), Some("w"), Found::Null);
        let refused = strict.fields().alone(Position::default(), ARRIVAL).expect_err("`id` is missing");
        assert_eq!(refused.to_string(), "the required field `id` is missing");
    }
}
