//! Records that are read with another schema than they were written with.

use super::*;

/// A record that was written with one schema and is read with another, for a stream with these fields.
fn resolved(writer: &str, reader: &str, fields: &str, json: &str) -> Result<String, String> {
    let schema = stream(fields);
    let mut decoder =
        Format::Avro(Settings::Registry(Some(parsed(reader)))).decoder(StreamId(7), &schema, Kept::ALL);
    let registered = Registered { kind: Kind::Avro, text: writer.into(), references: Vec::new() };
    decoder.give(SchemaId::Number(1), &Answer::Schema(Arc::new(registered)));
    let mut record = b"\0\0\0\0\x01".to_vec();
    record.extend(from_json(writer, json));
    decode(&mut *decoder, &schema, &record)
}

/// The same for one field `x` of two types.
fn field(writer: &str, reader: &str, json: &str) -> Result<String, String> {
    let record = |ty| record(&format!("x: {ty}"));
    resolved(&record(writer), &record(reader), "y int?", &format!("{{\"x\": {json}}}"))
}

const V1: &str = r#"{"type": "record", "name": "User", "fields": [
    {"name": "id", "type": "int"}, {"name": "name", "type": "string"}, {"name": "old", "type": "string"}]}"#;
const V2: &str = r#"{"type": "record", "name": "User", "fields": [
    {"name": "login", "type": "string", "aliases": ["name"]},
    {"name": "id", "type": "long"},
    {"name": "country", "type": ["null", "string"], "default": null},
    {"name": "limits", "type": {"type": "map", "values": "int"}, "default": {"day": 5}}]}"#;

#[test]
fn fields_are_added_removed_renamed_and_made_wider() {
    let v1 = r#"{"id": 7, "name": "ada", "old": "x"}"#;
    let fields = r#"id int, login string, country string?, day int from "limits.day""#;
    assert_eq!(
        resolved(V1, V2, fields, v1).as_deref(),
        Ok(r#"{"id":7,"login":"ada","country":null,"limits":{"day":5}}"#)
    );
    let v2 = r#"{"login": "ada", "id": 7, "country": "de", "limits": {}}"#;
    // Nobody who reads with the first version can know what `old` was.
    assert!(resolved(V2, V1, "id int", v2).is_err_and(|why| why.contains("`name` has no default")));
}

#[test]
fn a_stream_may_name_a_field_by_its_alias() {
    let v2 = r#"{"login": "ada", "id": 7, "country": "de", "limits": {"day": 1}}"#;
    assert_eq!(
        resolved(V2, V2, "name string", v2).as_deref(),
        Ok(r#"{"name":"ada","id":7,"country":"de","limits":{"day":1}}"#)
    );
    assert!(resolved(V2, V2, "login string", v2).is_ok_and(|raw| raw.contains(r#""login":"ada""#)));
}

#[test]
fn types_become_wider_as_specified() {
    for (writer, reader, json, shown) in [
        (r#""int""#, r#""long""#, "3", "3"),
        (r#""int""#, r#""float""#, "3", "3.0"),
        (r#""long""#, r#""double""#, "3", "3.0"),
        (r#""float""#, r#""double""#, "0.5", "0.5"),
        (r#""string""#, r#""bytes""#, r#""a""#, r#""YQ==""#),
        (r#"["null", "int"]"#, r#"["long", "null"]"#, "3", "3"),
        (r#""int""#, r#"["null", "double"]"#, "3", "3.0"),
        (r#"["null", "int"]"#, r#""int""#, "3", "3"),
        (r#"{"type": "array", "items": "int"}"#, r#"{"type": "array", "items": "double"}"#, "[1]", "[1.0]"),
        (
            r#"{"type": "map", "values": "int"}"#,
            r#"{"type": "map", "values": "long"}"#,
            r#"{"a": 1}"#,
            r#"{"a":1}"#,
        ),
        (
            r#""long""#,
            r#"{"type": "long", "logicalType": "timestamp-millis"}"#,
            "5",
            r#""1970-01-01T00:00:00.005Z""#,
        ),
        (
            r#"{"type": "enum", "name": "E", "symbols": ["A", "B"]}"#,
            r#"{"type": "enum", "name": "E", "symbols": ["C", "B"], "default": "C"}"#,
            r#""A""#,
            r#""C""#,
        ),
    ] {
        let shown = format!("{{\"x\":{shown}}}");
        assert_eq!(field(writer, reader, json), Ok(shown), "{writer} read as {reader}");
    }
}

#[test]
fn what_does_not_resolve_is_malformed_where_it_stands() {
    let why = |writer, reader, json| field(writer, reader, json).expect_err("it is malformed");
    assert!(why(r#""long""#, r#""int""#, "3").contains("the writer has `long` where the reader has `int`"));
    assert!(why(r#"["null", "int"]"#, r#""int""#, "null").contains("the writer has `null`"));
    assert!(why(r#""boolean""#, r#"["null", "int"]"#, "true").contains("no type for `boolean`"));
    let (a, b) = (
        r#"{"type": "enum", "name": "E", "symbols": ["A", "B"]}"#,
        r#"{"type": "enum", "name": "E", "symbols": ["B"]}"#,
    );
    assert!(why(a, b, r#""A""#).contains("does not have the symbol 0"));
    assert_eq!(field(a, b, r#""B""#).as_deref(), Ok(r#"{"x":"B"}"#));
    let fixed = |size| format!(r#"{{"type": "fixed", "name": "F", "size": {size}}}"#);
    let record = |size: usize| record(&format!("x: {}", fixed(size)));
    let settings = Settings::Registry(Some(parsed(&record(2))));
    let schema = stream("y int?");
    let mut decoder = AvroDecoder::new(StreamId(7), &schema, Kept::ALL, &settings);
    let registered = Registered { kind: Kind::Avro, text: record(1).into(), references: Vec::new() };
    decoder.give(SchemaId::Number(1), &Answer::Schema(Arc::new(registered)));
    assert!(decode(&mut decoder, &schema, b"\0\0\0\0\x01a").is_err());
}

#[test]
fn defaults_of_all_types() {
    let writer = record(r#"x: "int""#);
    for (ty, default, shown) in [
        (r#""null""#, "null", "null"),
        (r#""boolean""#, "true", "true"),
        (r#""int""#, "-5", "-5"),
        (r#""long""#, "5000000000", "5000000000"),
        (r#""float""#, "0.5", "0.5"),
        (r#""double""#, "1", "1.0"),
        (r#""string""#, r#""ä""#, r#""ä""#),
        (r#""bytes""#, r#""\u00ff\u0000""#, r#""/wA=""#),
        (r#"{"type": "array", "items": "int"}"#, "[1, 2]", "[1,2]"),
        (r#"["null", "int"]"#, "null", "null"),
        (r#"["int", "null"]"#, "3", "3"),
        (r#"{"type": "enum", "name": "E", "symbols": ["A", "B"]}"#, r#""B""#, r#""B""#),
        (r#"{"type": "long", "logicalType": "timestamp-micros"}"#, "0", r#""1970-01-01T00:00:00Z""#),
        (
            r#"{"type": "record", "name": "I", "fields": [{"name": "a", "type": "int", "default": 4}, {"name": "b", "type": "int"}]}"#,
            r#"{"b": 2}"#,
            r#"{"a":4,"b":2}"#,
        ),
    ] {
        let reader = format!(
            r#"{{"type": "record", "name": "R", "fields": [
                {{"name": "x", "type": "int"}}, {{"name": "new", "type": {ty}, "default": {default}}}]}}"#
        );
        let shown = format!("{{\"x\":1,\"new\":{shown}}}");
        assert_eq!(resolved(&writer, &reader, "x int", r#"{"x": 1}"#), Ok(shown), "{ty}");
    }
}

#[test]
fn types_may_be_defined_elsewhere_and_hold_themselves() {
    let reference = crate::codec::schemas::Reference {
        name: "shop.Item".into(),
        text: r#"{"type": "record", "name": "Item", "namespace": "shop", "fields": [{"name": "n", "type": "int"}]}"#.into(),
    };
    let text = r#"{"type": "record", "name": "Order", "namespace": "shop", "fields": [
        {"name": "first", "type": "Item"}, {"name": "second", "type": "shop.Item"}]}"#;
    let parsed = Parsed::new(text, &[reference]).expect("it is defined");
    let format = Format::Avro(Settings::Local(Arc::new(parsed)));
    let shown = read(&format, r#"n int from "second.n""#, b"\x02\x04");
    assert_eq!(shown.as_deref(), Ok(r#"{"first":{"n":1},"second":{"n":2}}"#));
    assert!(Parsed::new(text, &[]).is_err());
    let list = r#"{"type": "record", "name": "L", "fields": [
        {"name": "v", "type": "int"}, {"name": "next", "type": ["null", "L"]}]}"#;
    let shown = read(&local(list), r#"v int, w int? from "next.next.v""#, b"\x02\x02\x04\x02\x06\0");
    assert_eq!(shown.as_deref(), Ok(r#"{"v":1,"next":{"v":2,"next":{"v":3,"next":null}}}"#));
}
