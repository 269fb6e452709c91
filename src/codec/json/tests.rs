//! What the decoder takes, refuses and says.

mod property;
mod readers;

use crate::cases::size;
use crate::event::{Duration, Field, FieldId, PartitionId, TimeUnit};

use super::*;

const POSITION: Position = Position { partition: PartitionId(3), offset: 14 };
const ARRIVAL: Timestamp = Timestamp::from_micros(99);

fn field(name: &str, ty: FieldType, path: &str) -> Field {
    let path = path.split('.').map(Into::into).collect();
    Field { name: name.into(), ty, optional: name.ends_with('?'), path }
}

/// A schema without a time field. A name that ends with `?` is that of an optional field, which
/// keeps the mark in its name; paths are the names without it.
fn schema(fields: &[(&str, FieldType)]) -> StreamSchema {
    let fields = fields.iter().map(|(name, ty)| field(name, *ty, name.trim_end_matches('?'))).collect();
    StreamSchema { name: "s".into(), fields, time: None, late: Duration::ZERO, idle: None, alerts_of: None }
}

fn decode_with(schema: &StreamSchema, record: impl AsRef<[u8]>) -> Result<Event, Malformed> {
    let event = JsonDecoder::new(StreamId(7), schema).decode(record.as_ref(), POSITION, ARRIVAL)?;
    Ok(event.expect("every object is an event"))
}

fn values(schema: &StreamSchema, record: impl AsRef<[u8]>) -> Result<Vec<Value>, Malformed> {
    let event = decode_with(schema, record)?;
    Ok((0..schema.fields.len()).map(|index| event.value(FieldId(index as u32)).clone()).collect())
}

/// What a field of that type makes of a JSON value.
fn read(ty: FieldType, json: &str) -> Option<Value> {
    match values(&schema(&[("x", ty)]), format!("{{\"x\":{json}}}")) {
        Ok(values) => values.into_iter().next(),
        Err(Malformed::WrongType { .. }) => None,
        Err(other) => panic!("{json}: {other}"),
    }
}

/// The message for a record that is no event.
fn refusal(schema: &StreamSchema, record: impl AsRef<[u8]>) -> String {
    decode_with(schema, record).expect_err("malformed").to_string()
}

#[test]
fn an_event_carries_its_fields_its_record_and_its_position() {
    let schema = schema(&[("b", FieldType::Int), ("a", FieldType::Str), ("c?", FieldType::Bool)]);
    let record = r#"{"a":"t\u00e9xt \"q\" \\ \ud83d\ude42","more":{"b":[1,{"b":2}]},"b":-5}"#;
    let event = decode_with(&schema, record).unwrap();
    assert_eq!(event.stream(), StreamId(7));
    assert_eq!(event.position(), POSITION);
    assert_eq!(event.time(), ARRIVAL);
    assert_eq!(event.raw(), record.as_bytes());
    assert_eq!(*event.value(FieldId(0)), Value::Int(-5));
    assert_eq!(*event.value(FieldId(1)), Value::text("téxt \"q\" \\ 🙂"));
    assert!(event.value(FieldId(2)).is_null());
}

#[test]
fn booleans_and_text_are_only_themselves() {
    assert_eq!(read(FieldType::Bool, "true"), Some(Value::Bool(true)));
    assert_eq!(read(FieldType::Str, "\"\""), Some(Value::text("")));
    assert_eq!(read(FieldType::Str, r#""nul \u0000""#), Some(Value::text("nul \0")));
    for json in ["1", "0", "\"true\"", "[]", "{}"] {
        assert_eq!(read(FieldType::Bool, json), None, "{json}");
    }
    for json in ["1", "true", "[\"a\"]", "{\"a\":\"b\"}"] {
        assert_eq!(read(FieldType::Str, json), None, "{json}");
    }
}

#[test]
fn integers_are_exact_and_may_be_written_as_floats() {
    let int = |json| match read(FieldType::Int, json) {
        Some(Value::Int(int)) => Some(int),
        Some(other) => panic!("{json}: {other:?}"),
        None => None,
    };
    assert_eq!(int("9223372036854775807"), Some(i64::MAX));
    assert_eq!(int("-9223372036854775808"), Some(i64::MIN));
    assert_eq!(int("9007199254740993"), Some(9_007_199_254_740_993), "no float in between");
    assert_eq!(int("3.0"), Some(3));
    assert_eq!(int("1e3"), Some(1000));
    assert_eq!(int("-0"), Some(0));
    for json in [
        "3.5",
        "9223372036854775808",
        "9223372036854775807.0",
        "18446744073709551616",
        "1e19",
        "-9223372036854775809",
        "\"3\"",
        "true",
    ] {
        assert_eq!(int(json), None, "{json}");
    }
}

#[test]
fn floats_take_any_number() {
    let float = |json| match read(FieldType::Float, json) {
        Some(Value::Float(float)) => Some(float),
        Some(other) => panic!("{json}: {other:?}"),
        None => None,
    };
    assert_eq!(float("3"), Some(3.0));
    assert_eq!(float("-2.5e-3"), Some(-0.0025));
    assert_eq!(float("0.30000000000000004"), Some(0.1 + 0.2));
    assert_eq!(float("18446744073709551615"), Some(18_446_744_073_709_551_615.0));
    assert_eq!(float("1e-400"), Some(0.0));
    assert_eq!(float("\"1.5\""), None);
    let schema = schema(&[("x", FieldType::Float)]);
    assert_eq!(refusal(&schema, r#"{"x":1e999}"#), "not a JSON object: number out of range at column 10");
    assert!(refusal(&schema, r#"{"x":NaN}"#).starts_with("not a JSON object"));
}

#[test]
fn times_are_rfc_3339_text() {
    let plain = FieldType::Timestamp(None);
    let expected = Timestamp::parse("2026-03-01T08:00:00.123456Z").map(Value::Timestamp);
    assert_eq!(read(plain, "\"2026-03-01T09:00:00.1234569+01:00\""), expected);
    assert_eq!(
        read(FieldType::Timestamp(Some(TimeUnit::Nanos)), "\"2026-03-01T08:00:00.123456Z\""),
        expected
    );
    let never = Value::Timestamp(Timestamp::from_micros(253_402_300_799_000_000));
    assert_eq!(read(plain, "\"9999-12-31T23:59:59Z\""), Some(never));
    for json in ["\"2026-03-01T08:00:00\"", "\"2026-03-01\"", "\"\"", "1700000000", "true"] {
        assert_eq!(read(plain, json), None, "{json}");
    }
}

#[test]
fn times_are_numbers_where_a_unit_is_declared() {
    let time = |unit, json| match read(FieldType::Timestamp(Some(unit)), json) {
        Some(Value::Timestamp(time)) => Some(time.as_micros()),
        Some(other) => panic!("{json}: {other:?}"),
        None => None,
    };
    use TimeUnit::{Micros, Millis, Nanos, Seconds};
    assert_eq!(time(Seconds, "1700000000"), Some(1_700_000_000_000_000));
    assert_eq!(time(Seconds, "1700000000.123457"), Some(1_700_000_000_123_457));
    assert_eq!(time(Seconds, "-0.0000001"), Some(-1), "cut towards the past");
    assert_eq!(time(Millis, "1700000000123.4567"), Some(1_700_000_000_123_456));
    assert_eq!(time(Micros, "1.9999"), Some(1));
    assert_eq!(time(Micros, "-1.5"), Some(-2));
    assert_eq!(time(Nanos, "1999"), Some(1));
    assert_eq!(time(Nanos, "-1"), Some(-1));
    assert_eq!(time(Nanos, "18446744073709551615"), Some(18_446_744_073_709_551));
    assert_eq!(time(Micros, "9223372036854775806"), Some(i64::MAX - 1));
    for (unit, json) in [
        (Micros, "9223372036854775807"),
        (Micros, "-9223372036854775808"),
        (Micros, "9223372036854775808"),
        (Millis, "9223372036854775807"),
        (Seconds, "-9223372036854775808"),
        (Seconds, "1e300"),
        (Nanos, "-1e300"),
        (Seconds, "\"1700000000\""),
    ] {
        assert_eq!(time(unit, json), None, "{json}");
    }
}

#[test]
fn every_microsecond_written_in_decimals_is_kept() {
    for us in (0..1_000_000).step_by(size(61, 7)) {
        let json = format!("17000000{:02}.{us:06}", us % 60);
        let expected = Timestamp::from_micros((1_700_000_000 + us % 60) * 1_000_000 + us);
        let read = read(FieldType::Timestamp(Some(TimeUnit::Seconds)), &json);
        assert_eq!(read, Some(Value::Timestamp(expected)), "{json}");
    }
}

#[test]
fn durations_and_addresses_are_text() {
    let duration = Value::Duration(Duration::from_micros(5_400_000_000));
    assert_eq!(read(FieldType::Duration, "\"1h30m\""), Some(duration));
    for json in ["\"1h 30m\"", "\"-1h\"", "90", "\"\""] {
        assert_eq!(read(FieldType::Duration, json), None, "{json}");
    }
    let ip = |text: &str| Some(Value::Ip(text.parse().unwrap()));
    assert_eq!(read(FieldType::Ip, "\"192.0.2.1\""), ip("192.0.2.1"));
    assert_eq!(read(FieldType::Ip, "\"2001:DB8::1\""), ip("2001:db8::1"));
    assert_eq!(read(FieldType::Ip, "\"::ffff:192.0.2.1\""), ip("192.0.2.1"));
    for json in ["\"192.0.2.01\"", "\"192.0.2.0/24\"", "\"fe80::1%eth0\"", "3221225985", "\"\""] {
        assert_eq!(read(FieldType::Ip, json), None, "{json}");
    }
}

#[test]
fn paths_may_be_shared_and_lead_through_each_other() {
    let mut schema = schema(&[]);
    schema.fields = vec![
        field("id", FieldType::Int, "a.b.id"),
        field("same?", FieldType::Float, "a.b.id"),
        field("name?", FieldType::Str, "a.b.name"),
        field("whole?", FieldType::Str, "a.b"),
    ];
    let found = values(&schema, r#"{"x":{"a":{}},"a":{"b":{"name":"n","id":4,"b":{"id":5}}}}"#);
    let wrong = Malformed::WrongType {
        field: "whole?".to_owned(),
        expected: "text".to_owned(),
        found: "an object".to_owned(),
    };
    assert_eq!(found, Err(wrong));
    schema.fields.pop();
    let found = values(&schema, r#"{"x":{"a":{}},"a":{"b":{"name":"n","id":4,"b":{"id":5}}}}"#);
    assert_eq!(found, Ok(vec![Value::Int(4), Value::Float(4.0), Value::text("n")]));
    schema.fields.remove(0);
    for record in [
        "{}",
        r#"{"a":null}"#,
        r#"{"a":7}"#,
        r#"{"a":[{"b":{"id":1}}]}"#,
        r#"{"a":{"b":"text"}}"#,
        r#"{"a.b.id":1,"id":1,"b":{"id":1}}"#,
    ] {
        assert_eq!(values(&schema, record), Ok(vec![Value::Null, Value::Null]), "{record}");
    }
}

#[test]
fn the_last_of_equal_names_counts() {
    let schema = {
        let mut schema = schema(&[("x", FieldType::Int)]);
        schema.fields.push(field("inner?", FieldType::Int, "a.b"));
        schema
    };
    let good = |x, inner: Option<i64>| Ok(vec![Value::Int(x), inner.map_or(Value::Null, Value::Int)]);
    assert_eq!(values(&schema, r#"{"x":1,"x":2}"#), good(2, None));
    assert_eq!(values(&schema, r#"{"x":"bad","\u0078":2}"#), good(2, None), "an escaped name is the name");
    assert!(matches!(values(&schema, r#"{"x":2,"x":"bad"}"#), Err(Malformed::WrongType { .. })));
    assert!(matches!(values(&schema, r#"{"x":2,"x":null}"#), Err(Malformed::Missing { .. })));
    assert_eq!(values(&schema, r#"{"x":1,"a":{"b":1},"a":{"c":1}}"#), good(1, None));
    assert_eq!(values(&schema, r#"{"x":1,"a":{"b":[]},"a":0}"#), good(1, None));
    assert_eq!(values(&schema, r#"{"x":1,"a":{"b":1},"a":{"b":2}}"#), good(1, Some(2)));
}

#[test]
fn the_event_time_is_a_field_or_the_arrival() {
    let mut schema = schema(&[("n", FieldType::Int), ("at?", FieldType::Timestamp(Some(TimeUnit::Millis)))]);
    schema.time = Some(FieldId(1));
    let event = decode_with(&schema, r#"{"n":1,"at":1500}"#).unwrap();
    assert_eq!(event.time(), Timestamp::from_micros(1_500_000));
    assert_eq!(*event.value(FieldId(1)), Value::Timestamp(event.time()));
    for record in [r#"{"n":1}"#, r#"{"n":1,"at":null}"#] {
        assert_eq!(refusal(&schema, record), "the required field `at?` is missing", "optional, but the time");
    }
}

#[test]
fn missing_and_wrong_fields_are_named_in_the_order_declared() {
    let schema = schema(&[("a", FieldType::Int), ("b?", FieldType::Ip), ("c", FieldType::Str)]);
    assert_eq!(refusal(&schema, r#"{"c":1,"b":true}"#), "the required field `a` is missing");
    assert_eq!(
        refusal(&schema, r#"{"c":1,"b":true,"a":1}"#),
        "the field `b?` should be an IP address as text, but is true"
    );
    assert_eq!(
        refusal(&schema, r#"{"c":1,"a":0.5}"#),
        "the field `a` should be an integer of 64 bits, but is the number 0.5"
    );
    assert_eq!(refusal(&schema, r#"{"c":[1],"a":0}"#), "the field `c` should be text, but is a list");
    assert_eq!(refusal(&schema, r#"{"a":1,"c":null}"#), "the required field `c` is missing");
}

#[test]
fn what_was_found_is_shortened() {
    let schema = schema(&[("a", FieldType::Int)]);
    let found = |json: &str| match decode_with(&schema, format!("{{\"a\":{json}}}")) {
        Err(Malformed::WrongType { found, .. }) => found,
        other => panic!("{json}: {other:?}"),
    };
    assert_eq!(found("\"short\""), "the text \"short\"");
    assert_eq!(found(r#""a\"\n\u001b[31m""#), r#"the text "a\"\n\u{1b}[31m""#, "no control characters");
    for json in [
        format!("\"{}\"", "ä".repeat(1_000)),
        format!("\"{}\"", "\\n".repeat(1_000)),
        "1e300".to_owned(),
        "-1.7976931348623157e308".to_owned(),
        format!("[{}1]", "1,".repeat(1_000)),
    ] {
        assert!(found(&json).chars().count() <= 60, "{}", found(&json));
    }
    assert!(found(&format!("\"{}\"", "ä".repeat(1_000))).ends_with("ä…\""));
}

#[test]
fn what_is_not_one_object_is_refused_with_its_place() {
    let schema = schema(&[("a?", FieldType::Int)]);
    for (record, reason) in [
        ("", "the record is empty"),
        (" \n", "the record is empty"),
        ("\u{feff}", "the record is empty"),
        ("hello", "expected `{`, found 'h' at column 1"),
        (" [1]", "expected `{`, found '[' at column 2"),
        ("null", "expected `{`, found 'n' at column 1"),
        ("{", "EOF while parsing an object at column 1"),
        ("{} {}", "trailing characters at column 4"),
        ("{\"a\":1}x", "trailing characters at column 8"),
        ("{\"a\":1,}", "trailing comma at column 8"),
        ("{\"a\" 1}", "expected `:` at column 6"),
        ("{'a':1}", "key must be a string at column 2"),
        ("{\"ä\":1,\"a\":x}", "expected value at column 12"),
        ("{\n  \"a\": 1,\n  b\n}", "key must be a string at column 15"),
        (
            "{\"b\":\"line\nend\"}",
            "control character (\\u0000-\\u001F) found while parsing a string at column 10",
        ),
        ("{\"a\":01}", "invalid number at column 7"),
        ("{\"b\":tru}", "expected ident at column 9"),
    ] {
        assert_eq!(refusal(&schema, record), format!("not a JSON object: {reason}"), "{record:?}");
    }
}

#[test]
fn text_that_is_not_unicode_is_refused_even_where_nothing_reads_it() {
    let schema = schema(&[("a?", FieldType::Str)]);
    for record in [&b"{\"b\":\"\xc3\"}"[..], b"{\"b\":\"\xff\"}", b"{\"b\":\"\xed\xa0\x80\"}"] {
        assert_eq!(refusal(&schema, record), "not a JSON object: invalid UTF-8 at column 7");
    }
    assert!(refusal(&schema, r#"{"a":"\ud800"}"#).starts_with("not a JSON object"));
}

#[test]
fn the_record_is_kept_on_one_line() {
    let schema = schema(&[("a", FieldType::Int)]);
    let raw = |record: &str| String::from_utf8(decode_with(&schema, record).unwrap().raw().to_vec()).unwrap();
    assert_eq!(raw("{\r\n\t\"a\": 1,\n \"b\": \"x\\ny\"\r}\r\n"), "{  \t\"a\": 1,  \"b\": \"x\\ny\" }");
    assert_eq!(raw("\u{feff} {\"a\":1} "), "{\"a\":1}", "a byte order mark is no part of the object");
}

#[test]
fn depth_is_bounded_for_what_is_read_and_for_what_is_skipped() {
    let schema = schema(&[("a?", FieldType::Str)]);
    let nested =
        |name: &str, levels: usize| format!("{{\"{name}\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    for name in ["a", "b"] {
        let deepest = decode_with(&schema, nested(name, MAX_DEPTH - 1));
        assert!(!matches!(deepest, Err(Malformed::Syntax(_))), "{deepest:?}");
        assert_eq!(
            refusal(&schema, nested(name, MAX_DEPTH)),
            "not a JSON object: more than 120 levels of nesting at column 125"
        );
    }
    let wide = format!("{{\"b\":[{}[]],\"c\":\"{}\\\"[\"}}", "[],{},".repeat(500), "[{".repeat(500));
    assert!(decode_with(&schema, wide).is_ok(), "many brackets, few levels");
    for start in ["[", "{\"a\":[", "{\"b\":[", "{\"b\":"] {
        assert!(matches!(decode_with(&schema, start.repeat(1 << 20)), Err(Malformed::Syntax(_))), "{start}");
    }
}

#[test]
fn a_refused_record_leaves_nothing_behind() {
    let schema = schema(&[("a?", FieldType::Int), ("b?", FieldType::Int)]);
    let mut decoder = JsonDecoder::new(StreamId(0), &schema);
    let mut decode = |record: &str| decoder.decode(record.as_bytes(), POSITION, ARRIVAL);
    assert!(decode(r#"{"a":1,"b":"x"}"#).is_err());
    assert!(decode(r#"{"a":1,"b":"#).is_err());
    let event = decode("{}").unwrap().unwrap();
    assert!(event.value(FieldId(0)).is_null() && event.value(FieldId(1)).is_null());
    assert!(decode(r#"{"a":2}"#).unwrap().unwrap().value(FieldId(1)).is_null());
}

#[test]
fn what_is_kept_of_many_fields_is_found_again() {
    let names: Vec<String> = (0..130).map(|number| format!("f{number}")).collect();
    let of_ints: Vec<(&str, FieldType)> = names.iter().map(|name| (name.as_str(), FieldType::Int)).collect();
    let schema = schema(&of_ints);
    let kept: Kept = [1, 40, 63].map(FieldId).into_iter().collect();
    let entries: Vec<String> = (0..130).map(|number| format!("\"f{number}\":{number}")).collect();
    let record = format!("{{{}}}", entries.join(","));
    let mut decoder = JsonDecoder::keeping(kept, StreamId(0), &schema);
    let event = decoder.decode(record.as_bytes(), POSITION, ARRIVAL).unwrap().unwrap();
    for field in [1, 40, 63].into_iter().chain(64..130) {
        assert_eq!(*event.value(FieldId(field)), Value::Int(field.into()));
    }
    let wrong = record.replace("\"f2\":2", "\"f2\":true");
    let why = decoder.decode(wrong.as_bytes(), POSITION, ARRIVAL).expect_err("what is not kept is looked at");
    assert_eq!(why.to_string(), "the field `f2` should be an integer of 64 bits, but is true");
    let lacking = record.replace("\"f100\":100,", "");
    let why = decoder.decode(lacking.as_bytes(), POSITION, ARRIVAL).expect_err("also among the last");
    assert_eq!(why.to_string(), "the required field `f100` is missing");
}

#[test]
#[should_panic(expected = "the time field is a timestamp")]
fn a_schema_whose_time_is_no_time_is_a_mistake() {
    let mut schema = schema(&[("a", FieldType::Int)]);
    schema.time = Some(FieldId(0));
    JsonDecoder::new(StreamId(0), &schema);
}
