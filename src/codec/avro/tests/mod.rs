//! Records of Avro, written by the library for it.

mod evolution;
mod hostile;
mod property;

use apache_avro::Schema;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use serde_json::Value as Json;

use super::*;
use crate::codec::Format;
use crate::codec::schemas::Registered;
use crate::codec::tests::{ARRIVAL, decode, decode_as as read, stream};
use crate::event::FieldId;

/// Schemas may be written as JSON of any kind.
fn parsed(schema: &str) -> Arc<Parsed> {
    Arc::new(Parsed::new(schema, &[]).expect(schema))
}

fn local(schema: &str) -> Format {
    Format::Avro(Settings::Local(parsed(schema)))
}

/// A record whose fields have these types: `a: "int", b: ["null", "long"]`.
fn record(fields: &str) -> String {
    let fields: Vec<String> = fields
        .split("; ")
        .map(|field| {
            let (name, ty) = field.split_once(": ").expect("a name and a type");
            format!(r#"{{"name": "{name}", "type": {ty}}}"#)
        })
        .collect();
    format!(r#"{{"type": "record", "name": "R", "fields": [{}]}}"#, fields.join(", "))
}

/// A value, as the library writes it.
fn written(schema: &str, value: impl Into<Value>) -> Vec<u8> {
    let schema = Schema::parse_str(schema).expect(schema);
    let writer = GenericDatumWriter::builder(&schema).build().expect("a writer");
    writer.write_value_to_vec(value.into()).expect("a value of the schema")
}

/// A record of JSON, as the library writes it.
fn from_json(schema: &str, json: &str) -> Vec<u8> {
    let json: Json = serde_json::from_str(json).expect(json);
    let value = Value::try_from(json).expect("a value");
    let resolved = value.resolve(&Schema::parse_str(schema).expect(schema)).expect("a value of the schema");
    written(schema, resolved)
}

/// What is read of a record of one field `x` of a type.
fn value(ty: &str, declared: &str, value: Value) -> String {
    let schema = record(&format!("x: {ty}"));
    let bytes = written(&schema, Value::Record(vec![("x".to_owned(), value)]));
    let shown = match read(&local(&schema), &format!("x {declared}"), &bytes) {
        Ok(raw) => raw,
        Err(why) => return why,
    };
    let inner = shown.strip_prefix("{\"x\":").and_then(|shown| shown.strip_suffix('}'));
    inner.expect("one field").to_owned()
}

#[test]
fn values_of_all_types() {
    let long = |long| Value::Long(long);
    for (ty, declared, given, shown) in [
        (r#""boolean""#, "bool", Value::Boolean(true), "true"),
        (r#""int""#, "int", Value::Int(-7), "-7"),
        (r#""int""#, "float", Value::Int(7), "7"),
        (r#""int""#, "timestamp(s)", Value::Int(7), "7"),
        (r#""long""#, "int", long(i64::MIN), "-9223372036854775808"),
        (r#""float""#, "float", Value::Float(0.1), "0.10000000149011612"),
        (r#""double""#, "float", Value::Double(-0.0), "-0.0"),
        (r#""double""#, "int", Value::Double(3.0), "3.0"),
        (r#""double""#, "float?", Value::Double(f64::NAN), "null"),
        (
            r#""double""#,
            "float",
            Value::Double(f64::NEG_INFINITY),
            r#"the field `x` should be a number, but is the text "-Infinity""#,
        ),
        (r#""string""#, "string", Value::String("ä\"\n".into()), r#""ä\"\n""#),
        (r#""string""#, "ip", Value::String("10.0.0.1".into()), r#""10.0.0.1""#),
        (r#""string""#, "duration", Value::String("1h".into()), r#""1h""#),
        (
            r#""string""#,
            "int",
            Value::String("1".into()),
            r#"the field `x` should be an integer of 64 bits, but is the text "1""#,
        ),
        (r#""bytes""#, "string", Value::Bytes(vec![0, 255, 7]), r#""AP8H""#),
        (r#"{"type": "fixed", "name": "F", "size": 2}"#, "string", Value::Fixed(2, vec![1, 2]), r#""AQI=""#),
        (
            r#"{"type": "enum", "name": "E", "symbols": ["A", "B"]}"#,
            "string",
            Value::Enum(1, "B".into()),
            r#""B""#,
        ),
        (r#"["null", "string"]"#, "string?", Value::Union(0, Box::new(Value::Null)), "null"),
        (
            r#"["null", "string"]"#,
            "string",
            Value::Union(0, Box::new(Value::Null)),
            "the required field `x` is missing",
        ),
        (r#"["null", "string", "int"]"#, "int", Value::Union(2, Box::new(Value::Int(3))), "3"),
        (
            r#"{"type": "array", "items": "int"}"#,
            "int",
            Value::Array(vec![]),
            "the field `x` should be an integer of 64 bits, but is a list",
        ),
        (
            r#"{"type": "map", "values": "int"}"#,
            "int?",
            Value::Map([].into()),
            "the field `x` should be an integer of 64 bits, but is an object",
        ),
    ] {
        assert_eq!(value(ty, declared, given), shown, "{ty} as {declared}");
    }
}

#[test]
fn what_numbers_and_bytes_mean() {
    let logical = |ty: &str, logical: &str| format!(r#"{{"type": "{ty}", "logicalType": "{logical}"}}"#);
    let (millis, micros) = (logical("long", "timestamp-millis"), logical("long", "timestamp-micros"));
    let nanos = logical("long", "timestamp-nanos");
    let (date, uuid) = (logical("int", "date"), logical("string", "uuid"));
    let decimal = r#"{"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}"#;
    let fixed = r#"{"type": {"type": "fixed", "name": "D", "size": 12}, "logicalType": "duration"}"#;
    let number = |bytes: &[u8]| Value::Decimal(apache_avro::Decimal::from(bytes));
    let span = |months, days, millis| {
        use apache_avro::{Days, Duration, Millis, Months};
        Value::Duration(Duration::new(Months::new(months), Days::new(days), Millis::new(millis)))
    };
    for (ty, declared, given, shown) in [
        (&*millis, "timestamp", Value::TimestampMillis(1_500), r#""1970-01-01T00:00:01.5Z""#),
        // What the units are is known, whatever the field says.
        (&millis, "timestamp(s)", Value::TimestampMillis(1_500), r#""1970-01-01T00:00:01.5Z""#),
        (&millis, "int", Value::TimestampMillis(1_500), "1500"),
        (&millis, "string", Value::TimestampMillis(-1), r#""1969-12-31T23:59:59.999Z""#),
        (&millis, "int", Value::TimestampMillis(i64::MAX), "9223372036854775807"),
        (
            &millis,
            "timestamp(ms)",
            Value::TimestampMillis(i64::MAX),
            r#"the field `x` should be a time (milliseconds since 1970 or RFC 3339 text), but is the text "9223372036854775807""#,
        ),
        (&micros, "timestamp", Value::TimestampMicros(1), r#""1970-01-01T00:00:00.000001Z""#),
        (&nanos, "timestamp", Value::TimestampNanos(1_999), r#""1970-01-01T00:00:00.000001Z""#),
        (&logical("long", "local-timestamp-millis"), "int", Value::LocalTimestampMillis(5), "5"),
        (&logical("long", "local-timestamp-millis"), "timestamp(ms)", Value::LocalTimestampMillis(5), "5"),
        (&logical("int", "time-millis"), "int", Value::TimeMillis(5), "5"),
        (&date, "string", Value::Date(20_513), r#""2026-03-01""#),
        (&date, "timestamp", Value::Date(20_513), r#""2026-03-01T00:00:00Z""#),
        (&date, "int", Value::Date(-1), "-1"),
        (&date, "string", Value::Date(i32::MAX), r#""2147483647""#),
        (&uuid, "string", Value::Uuid(apache_avro::Uuid::nil()), r#""00000000-0000-0000-0000-000000000000""#),
        (decimal, "float", number(&[0x04, 0xd2]), "12.34"),
        (decimal, "string", number(&[0xff]), r#""-0.01""#),
        (decimal, "float", number(&[0x0a]), "0.10"),
        (decimal, "int", number(&[0x04, 0xb0]), "12"),
        (
            decimal,
            "int",
            number(&[0x04, 0xd2]),
            "the field `x` should be an integer of 64 bits, but is the number 12.34",
        ),
        (fixed, "duration", span(0, 1, 1_500), r#""1d1s500ms""#),
        (fixed, "string", span(14, 3, 1_500), r#""P14M3DT1.500S""#),
    ] {
        assert_eq!(value(ty, declared, given), shown, "{ty} as {declared}");
    }
}

#[test]
fn decimals_are_exact_and_bounded() {
    let schema = record(r#"x: {"type": "bytes", "logicalType": "decimal", "precision": 50, "scale": 3}"#);
    let shown = |bytes: &[u8]| {
        let mut record = vec![bytes.len() as u8 * 2];
        record.extend_from_slice(bytes);
        read(&local(&schema), "y int?", &record)
    };
    let most = "170141183460469231731687303715884105.727";
    let mut bytes = vec![0x7f];
    bytes.extend([0xff; 15]);
    assert_eq!(shown(&bytes).as_deref(), Ok(&*format!("{{\"x\":{most}}}")));
    // The same with more of its sign, and the least.
    bytes.splice(0..0, [0, 0]);
    assert_eq!(shown(&bytes).as_deref(), Ok(&*format!("{{\"x\":{most}}}")));
    let mut least = vec![0xff, 0x80];
    least.extend([0; 15]);
    assert_eq!(shown(&least).as_deref(), Ok("{\"x\":-170141183460469231731687303715884105.728}"));
    assert_eq!(shown(&[]).as_deref(), Ok("{\"x\":0.000}"));
    least[1] = 0x7f;
    assert_eq!(
        shown(&least),
        Err("not a record of Avro: a decimal has more than 128 bits, at byte 18".to_owned())
    );
}

#[test]
fn paths_lead_into_records_and_maps() {
    let inner = r#"{"type": "record", "name": "I", "fields": [{"name": "ip", "type": "string"}]}"#;
    let schema = record(&format!(
        r#"client: ["null", {inner}]; tags: {{"type": "map", "values": "string"}}; list: {{"type": "array", "items": "I"}}"#
    ));
    let bytes = from_json(
        &schema,
        r#"{"client": {"ip": "10.0.0.1"}, "tags": {"env": "prod", "a.b": "x"}, "list": [{"ip": "a"}, {"ip": "b"}]}"#,
    );
    let fields = r#"ip ip from "client.ip", env string? from "tags.env", other string? from "tags.none", no string? from "list.ip""#;
    let schema = (local(&schema), stream(fields));
    let mut decoder = schema.0.decoder(StreamId(7), &schema.1, Kept::ALL);
    let event = decoder.decode(&bytes, Position::default(), ARRIVAL).expect("an event").expect("an event");
    let values: Vec<String> = (0..4).map(|field| format!("{:?}", event.value(FieldId(field)))).collect();
    assert_eq!(values[2..], ["Null", "Null"], "{values:?}");
    assert!(values[0].contains("10.0.0.1") && values[1].contains("prod"), "{values:?}");
    let raw: Json = serde_json::from_slice(event.raw()).expect("JSON");
    assert_eq!(raw["list"][1]["ip"], "b");
    assert_eq!(raw["tags"]["a.b"], "x");
}

#[test]
fn what_is_no_record_is_malformed() {
    let schema = record(r#"x: "int"; y: "string""#);
    let good = from_json(&schema, r#"{"x": 1, "y": "abc"}"#);
    assert_eq!(read(&local(&schema), "x int", &good).as_deref(), Ok(r#"{"x":1,"y":"abc"}"#));
    let why = |bytes: &[u8]| read(&local(&schema), "x int", bytes).expect_err("it is malformed");
    assert_eq!(why(b""), "not a record of Avro: a value of 1 bytes begins where 0 are left, at byte 0");
    assert_eq!(
        why(&good[..4]),
        "not a record of Avro: a value of 3 bytes begins where 2 are left, at byte 2"
    );
    assert_eq!(why(b"\x02\x02\xff"), "not a record of Avro: a text is not UTF-8, at byte 3");
    assert_eq!(why(b"\x02\x01"), "not a record of Avro: a length is -1, at byte 2");
    assert_eq!(
        why(b"\x80\x80\x80\x80\x20\0"),
        "not a record of Avro: the number 4294967296 does not fit 32 bits, at byte 5"
    );
    assert_eq!(why(&[0xff; 12]), "not a record of Avro: a number has more than 64 bits, at byte 10");
    let mut longer = good.clone();
    longer.push(0);
    assert_eq!(why(&longer), "not a record of Avro: the record ends at byte 5, and 1 bytes follow");
    let int = read(&local(r#""int""#), "x int?", b"\x02").expect_err("it is malformed");
    assert_eq!(int, "not a record of Avro: it is no record of Avro with fields");
}

#[test]
fn the_schema_is_asked_for_by_its_id() {
    let text = record(r#"x: "int""#);
    let schema = stream("x int");
    let mut decoder = Format::Avro(Settings::Registry(None)).decoder(StreamId(7), &schema, Kept::ALL);
    let mut record = b"\0\0\0\0\x07".to_vec();
    record.extend(from_json(&text, r#"{"x": 5}"#));
    let id = SchemaId::Number(7);
    assert_eq!(decoder.needs(&record), Some(id));
    decoder.give(id, &Answer::Absent("Schema not found".into()));
    assert_eq!(decoder.needs(&record), None);
    let refused = decode(&mut *decoder, &schema, &record);
    assert_eq!(refused, Err("not a record of Avro: there is no schema 7: Schema not found".to_owned()));
    assert_eq!(decoder.needs(&record), Some(id), "there may be one now");
    let registered = |kind| {
        Answer::Schema(Arc::new(Registered { kind, text: text.clone().into(), references: Vec::new() }))
    };
    decoder.give(id, &registered(Kind::Avro));
    assert_eq!(decoder.needs(&record), None);
    assert_eq!(decode(&mut *decoder, &schema, &record).as_deref(), Ok(r#"{"x":5}"#));
    assert_eq!(decoder.needs(b"no id"), None, "it is malformed anyway");
    decoder.give(SchemaId::Number(8), &registered(Kind::Json));
    record[4] = 8;
    assert_eq!(
        decode(&mut *decoder, &schema, &record),
        Err("not a record of Avro: its schema cannot be used: it is a schema of JSON Schema".to_owned())
    );
}
