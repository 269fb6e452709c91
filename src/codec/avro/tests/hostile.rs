//! Bytes and schemas that mean ill.

use proptest::prelude::*;

use super::*;

#[test]
fn lists_of_nothing_end() {
    let nulls = record(r#"x: {"type": "array", "items": "null"}"#);
    // 2^62 of them.
    let bytes = b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01";
    let why = read(&local(&nulls), "y int?", bytes).expect_err("there is an end");
    assert!(why.contains("too many values without bytes"), "{why}");
    // The same where nobody reads them, and with a count that has no opposite.
    let empty = record(r#"z: "int""#);
    let settings = Settings::Registry(Some(parsed(&empty)));
    let schema = stream("y int?");
    let mut decoder = AvroDecoder::new(StreamId(7), &schema, Kept::ALL, &settings);
    let both = record(r#"x: {"type": "array", "items": "null"}; z: "int""#);
    let registered = Registered { kind: Kind::Avro, text: both.into(), references: Vec::new() };
    decoder.give(SchemaId::Number(1), &Answer::Schema(Arc::new(registered)));
    let mut record = b"\0\0\0\0\x01".to_vec();
    record.extend([0xff; 9]);
    record.extend([0x01, 0x00]);
    assert!(decode(&mut decoder, &schema, &record).is_err());
}

#[test]
fn few_bytes_do_not_become_much_json() {
    let name = "n".repeat(2_000);
    let many = format!(
        r#"{{"type": "array", "items": {{"type": "record", "name": "I", "fields": [{{"name": "{name}", "type": "int"}}]}}}}"#
    );
    let schema = record(&format!("x: {many}"));
    let mut bytes = Vec::new();
    default::long(100_000, &mut bytes);
    bytes.extend(std::iter::repeat_n(2, 100_000));
    bytes.push(0);
    let why = read(&local(&schema), "y int?", &bytes).expect_err("it is too long");
    assert!(why.contains("as JSON, the record has more than 32 MiB"), "{why}");
}

#[test]
fn nesting_has_an_end() {
    let list = r#"{"type": "record", "name": "L", "fields": [{"name": "next", "type": ["null", "L"]}]}"#;
    let nested = |levels: usize| {
        let mut bytes = vec![2; levels];
        bytes.push(0);
        read(&local(list), "y int?", &bytes)
    };
    assert!(nested(119).is_ok());
    assert!(nested(120).is_err_and(|why| why.contains("more than 120 levels of nesting")));
    assert!(nested(1_000_000).is_err());
}

#[test]
fn a_schema_of_types_within_types_is_small() {
    // Each record holds the one before it twice: 2^40 values.
    let mut types = vec![r#"{"type": "record", "name": "T0", "fields": []}"#.to_owned()];
    for level in 1..40 {
        let below = level - 1;
        types.push(format!(
            r#"{{"type": "record", "name": "T{level}", "fields": [{{"name": "a", "type": "T{below}"}}, {{"name": "b", "type": "T{below}"}}]}}"#
        ));
    }
    let schema = format!("[{}]", types.join(", "));
    let why = read(&local(&schema), "y int?", b"\x4e").expect_err("there is an end");
    assert!(why.contains("too many values") || why.contains("MiB"), "{why}");
}

/// What reads all that there is in Avro.
const ALL: &str = r#"{"type": "record", "name": "A", "fields": [
    {"name": "t", "type": {"type": "long", "logicalType": "timestamp-micros"}},
    {"name": "u", "type": ["null", "int", "A", "string"]},
    {"name": "m", "type": {"type": "map", "values": ["bytes", "double", {"type": "array", "items": "A"}]}},
    {"name": "d", "type": {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 4}},
    {"name": "b", "type": {"type": "bytes", "logicalType": "big-decimal"}},
    {"name": "e", "type": {"type": "enum", "name": "E", "symbols": ["X", "Y"]}},
    {"name": "p", "type": {"type": "fixed", "name": "F", "size": 12}},
    {"name": "y", "type": "boolean"}, {"name": "f", "type": "float"}]}"#;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::cases::size(500, 20_000)))]

    #[test]
    fn any_bytes_are_an_event_or_malformed(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        // What becomes of them does not matter here; what is an event is held against its JSON.
        let _ = read(&local(ALL), r#"t timestamp?, u int?, x float? from "m.x""#, &bytes);
        let settings = Format::Avro(Settings::Registry(None));
        prop_assert!(read(&settings, "t int?", &bytes).is_err());
    }

    #[test]
    fn a_good_record_with_other_bytes_in_it(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = b"\0\x04\x04abc".to_vec();
        bytes.splice(1.., *b"\x02\x0a\x02\x02x\x02\0\0\0\0\0\0\xf0?\0\x04\x04\xd2\x06\x02\x01\x04\x02abcdefghijkl\x01\0\0\0?");
        let index = at.index(bytes.len());
        bytes[index] = byte;
        let _ = read(&local(ALL), r#"t timestamp?, u int?, x float? from "m.x""#, &bytes);
        bytes.truncate(cut.index(bytes.len()));
        let _ = read(&local(ALL), r#"t timestamp?, u int?, x float? from "m.x""#, &bytes);
    }
}
