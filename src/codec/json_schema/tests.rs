//! JSON that fits its schema, and what does not.

use super::*;
use crate::codec::Format;
use crate::codec::schemas::Registered;
use crate::codec::tests::{read_one, stream};

const SCHEMA: &str = r#"{"type": "object", "required": ["id"], "properties": {
    "id": {"type": "string", "pattern": "^p[0-9]+$"}, "amount": {"type": "number", "minimum": 0}}}"#;

fn decoder(settings: &Settings) -> JsonSchemaDecoder {
    JsonSchemaDecoder::new(StreamId(7), &stream("id string"), Kept::ALL, settings)
}

fn decode(decoder: &mut JsonSchemaDecoder, record: &[u8]) -> Result<String, String> {
    let event = decoder.decode(record, Position::default(), crate::codec::tests::ARRIVAL);
    let event = event.map_err(|why| why.to_string())?.expect("every record is an event");
    Ok(String::from_utf8(event.raw().to_vec()).expect("text"))
}

#[test]
fn what_the_schema_does_not_allow_is_malformed() {
    let format = Format::JsonSchema(Settings::Local(Arc::new(Parsed::new(SCHEMA, &[]).expect("a schema"))));
    let read = |record: &str| read_one(&format, &stream("id string"), record);
    assert_eq!(read(r#"{"id": "p1", "amount": 3}"#), r#"{"id": "p1", "amount": 3}"#);
    assert_eq!(
        read(r#"{"id": "x"}"#),
        r#"it does not fit its JSON Schema: "x" does not match "^p[0-9]+$", at /id"#
    );
    assert_eq!(
        read(r#"{"id": "p1", "amount": -1}"#),
        "it does not fit its JSON Schema: -1 is less than the minimum of 0, at /amount"
    );
    let long = read(&format!(r#"{{"id": "{}"}}"#, "x".repeat(10_000)));
    assert!(long.chars().count() < 300, "{long}");
    // What is no event of the stream is said in the words of the stream.
    assert_eq!(read(r#"{"id": 1}"#), "the field `id` should be text, but is the number 1");
    assert!(read("{").starts_with("not a JSON object"));
}

#[test]
fn the_schema_is_asked_for_by_its_id_if_it_is_used() {
    let id = SchemaId::Number(3);
    let record = b"\0\0\0\0\x03{\"id\": \"x\"}";
    let mut plain = decoder(&Settings::Registry { validate: false });
    assert_eq!(plain.needs(record), None);
    assert_eq!(decode(&mut plain, record).as_deref(), Ok(r#"{"id": "x"}"#));
    assert!(decode(&mut plain, b"{}").is_err_and(|why| why.contains("0x7b")));
    let mut strict = decoder(&Settings::Registry { validate: true });
    assert_eq!(strict.needs(record), Some(id));
    let registered = Registered { kind: Kind::Json, text: SCHEMA.into(), references: Vec::new() };
    strict.give(id, &Answer::Schema(Arc::new(registered)));
    assert_eq!(strict.needs(record), None);
    assert!(decode(&mut strict, record).is_err_and(|why| why.contains("does not match")));
}

#[test]
fn references_are_those_that_are_given_and_no_others() {
    let reference = |name: &str| Reference { name: name.into(), text: SCHEMA.into() };
    for uri in ["payment.json", "https://example.com/schemas/payment.json"] {
        let text = format!(r#"{{"$schema": "http://json-schema.org/draft-07/schema#", "$ref": "{uri}"}}"#);
        let parsed = Parsed::new(&text, &[reference("payment.json")]).expect("the reference is there");
        assert!(parsed.check(br#"{"id": "p1"}"#).is_ok() && parsed.check(b"{}").is_err(), "{uri}");
        let why = Parsed::new(&text, &[]).expect_err("it is not there");
        assert!(why.contains("payment.json"), "{why}");
    }
    assert!(Parsed::new("{", &[]).is_err());
    assert!(Parsed::new(r#"{"type": 7}"#, &[]).is_err());
}
