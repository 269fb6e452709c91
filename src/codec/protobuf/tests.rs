//! Messages, written by the library for them.

use std::sync::Arc;

use proptest::prelude::*;
use prost_reflect::prost::Message as _;
use prost_reflect::{DynamicMessage, MapKey, Value};

use super::*;
use crate::cases::size;
use crate::codec::Format;
use crate::codec::schemas::{Reference, Registered};
use crate::codec::tests::{decode, decode_as as read, stream};

const ORDERS: &str = r#"
syntax = "proto3";
package shop;

import "google/protobuf/timestamp.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/wrappers.proto";
import "google/protobuf/struct.proto";
import "confluent/type/decimal.proto";

message Order {
  string id = 1;
  double amount = 2;
  google.protobuf.Timestamp at = 3;
  Client client = 4;
  Status status = 5;
  repeated int32 parts = 6;
  map<string, string> tags = 7;
  oneof how {
    string card = 8;
    int64 voucher = 9;
  }
  optional uint64 count = 10;
  google.protobuf.Duration took = 11;
  google.protobuf.StringValue note = 12;
  google.protobuf.Struct more = 13;
  bytes token = 14;
  map<int32, Client> clients = 15;
  confluent.type.Decimal price = 16;
  message Client {
    string ip_address = 1;
    Client parent = 2;
  }
}

enum Status {
  UNKNOWN = 0;
  PAID = 1;
}

message Other {
  string x = 1;
  message Inner {
    int32 y = 1;
  }
}
"#;

fn parsed(text: &str) -> Parsed {
    Parsed::registered(text, &[]).expect("it is a file of types")
}

fn local(text: &str, message: &str) -> (Format, Message) {
    let message = parsed(text).message(Some(message)).expect("it is defined");
    (Format::Protobuf(Settings::Local(message.clone())), message)
}

/// A message with these fields.
fn message(ty: &Message, fields: impl IntoIterator<Item = (&'static str, Value)>) -> DynamicMessage {
    let mut message = DynamicMessage::new(ty.0.clone());
    fields.into_iter().for_each(|(name, value)| message.set_field_by_name(name, value));
    message
}

/// The type of a field, with these fields in it.
fn inner(
    ty: &Message,
    field: &str,
    fields: impl IntoIterator<Item = (&'static str, Value)>,
) -> DynamicMessage {
    let field = ty.0.get_field_by_name(field).expect("a field");
    let kind = field.kind();
    message(&Message(kind.as_message().expect("a message").clone()), fields)
}

#[test]
fn a_message_with_everything() {
    let (format, order) = local(ORDERS, "shop.Order");
    let text = |text: &str| Value::String(text.to_owned());
    let client = |ip: &str| inner(&order, "client", [("ip_address", text(ip))]);
    let pool = order.0.parent_pool();
    let any = |name: &'static str, value: Value| {
        let ty = pool.get_message_by_name("google.protobuf.Value").expect("it is imported");
        Value::Message(message(&Message(ty), [(name, value)]))
    };
    let pairs = [
        ("b", any("number_value", Value::F64(1.5))),
        ("a", any("null_value", Value::EnumNumber(0))),
        ("c", any("string_value", text("x"))),
    ];
    let pairs = pairs.map(|(key, value)| (MapKey::String(key.into()), value));
    let more = inner(&order, "more", [("fields", Value::Map(pairs.into()))]);
    let record = message(
        &order,
        [
            ("id", text("o1")),
            (
                "at",
                Value::Message(inner(
                    &order,
                    "at",
                    [("seconds", Value::I64(1)), ("nanos", Value::I32(500_000_999))],
                )),
            ),
            ("client", Value::Message(client("10.0.0.1"))),
            ("status", Value::EnumNumber(1)),
            ("parts", Value::List(vec![Value::I32(1), Value::I32(-2)])),
            (
                "tags",
                Value::Map(
                    [(MapKey::String("z".into()), text("1")), (MapKey::String("env".into()), text("prod"))]
                        .into(),
                ),
            ),
            ("voucher", Value::I64(7)),
            ("took", Value::Message(inner(&order, "took", [("seconds", Value::I64(90))]))),
            ("note", Value::Message(inner(&order, "note", [("value", text("hi"))]))),
            ("more", Value::Message(more)),
            ("token", Value::Bytes(vec![1, 2, 255].into())),
            ("clients", Value::Map([(MapKey::I32(-3), Value::Message(client("::1")))].into())),
            (
                "price",
                Value::Message(inner(
                    &order,
                    "price",
                    [("value", Value::Bytes(vec![0x04, 0xd2].into())), ("scale", Value::I32(2))],
                )),
            ),
        ],
    );
    let fields = r#"id string, amount float, at timestamp, ip ip from "client.ip_address", status string,
        env string from "tags.env", card string?, voucher int, count int?, took duration, note string,
        other ip from "clients.-3.ip_address", price float, c string from "more.c""#;
    assert_eq!(
        read(&format, fields, &record.encode_to_vec()).as_deref(),
        Ok(concat!(
            r#"{"id":"o1","amount":0.0,"at":"1970-01-01T00:00:01.5Z","client":{"ip_address":"10.0.0.1"},"status":"PAID","#,
            r#""parts":[1,-2],"tags":{"env":"prod","z":"1"},"voucher":7,"took":"1m30s","note":"hi","more":{"a":null,"b":1.5,"c":"x"},"#,
            r#""token":"AQL/","clients":{"-3":{"ip_address":"::1"}},"price":12.34}"#
        ))
    );
    // The names that fields have in JSON, and enumerations as numbers.
    let fields = r#"ip ip from "client.ipAddress", status int"#;
    let raw = read(&format, fields, &record.encode_to_vec()).expect("an event");
    assert!(raw.contains(r#""client":{"ipAddress":"10.0.0.1"}"#) && raw.contains(r#""status":1"#), "{raw}");
}

#[test]
fn an_empty_message_has_the_defaults_of_fields_without_presence() {
    let (format, _) = local(ORDERS, "shop.Order");
    let shown = read(&format, "id string, amount float, status string, count int?, card string?", b"");
    assert_eq!(shown.as_deref(), Ok(r#"{"id":"","amount":0.0,"status":"UNKNOWN","token":""}"#));
    let why = read(&format, "at timestamp", b"");
    assert_eq!(why, Err("the required field `at` is missing".to_owned()));
    let old = r#"syntax = "proto2"; message M { optional int32 a = 1 [default = 5]; optional int32 b = 2; required string c = 3; }"#;
    let (format, _) = local(old, "M");
    assert_eq!(read(&format, "a int, b int?", b"\x1a\x01x").as_deref(), Ok(r#"{"a":5,"c":"x"}"#));
}

#[test]
fn what_a_later_schema_wrote_is_read_with_an_earlier_one_and_the_reverse() {
    let (v1, _) = local(r#"syntax = "proto3"; message M { string a = 1; E e = 2; } enum E { X = 0; }"#, "M");
    let (v2, later) = local(
        r#"syntax = "proto3"; message M { string a = 1; E e = 2; string new = 3; optional int64 more = 4; } enum E { X = 0; Y = 7; }"#,
        "M",
    );
    let written = message(
        &later,
        [("a", Value::String("x".into())), ("e", Value::EnumNumber(7)), ("new", Value::String("n".into()))],
    )
    .encode_to_vec();
    assert_eq!(
        read(&v2, "a string, e string, new string", &written).as_deref(),
        Ok(r#"{"a":"x","e":"Y","new":"n"}"#)
    );
    assert_eq!(read(&v1, "a string, e int", &written).as_deref(), Ok(r#"{"a":"x","e":7}"#));
    assert_eq!(read(&v1, "a string, e string", &written).as_deref(), Ok(r#"{"a":"x","e":"7"}"#));
    assert_eq!(
        read(&v2, "a string, new string, more int?", b"\x0a\x01x").as_deref(),
        Ok(r#"{"a":"x","e":"X","new":""}"#)
    );
}

fn given(decoder: &mut dyn Decoder, id: u32, text: &str, references: Vec<Reference>) {
    let registered = Registered { kind: Kind::Protobuf, text: text.into(), references };
    decoder.give(SchemaId::Number(id), &Answer::Schema(Arc::new(registered)));
}

#[test]
fn indexes_say_which_message_it_is() {
    let schema = stream("x string?, y int?");
    let mut decoder = Format::Protobuf(Settings::Registry).decoder(StreamId(7), &schema, Kept::ALL);
    let record = |rest: &[u8]| [b"\0\0\0\0\x05", rest].concat();
    assert_eq!(decoder.needs(&record(b"")), Some(SchemaId::Number(5)));
    given(&mut *decoder, 5, ORDERS, Vec::new());
    assert_eq!(decoder.needs(&record(b"")), None);
    let mut read = |rest: &[u8]| decode(&mut *decoder, &schema, &record(rest));
    // One index, 1: the second message.
    assert_eq!(read(b"\x02\x02\x0a\x01a").as_deref(), Ok(r#"{"x":"a"}"#));
    // Two: the first that is defined in the second.
    assert_eq!(read(b"\x04\x02\0\x08\x03").as_deref(), Ok(r#"{"y":3}"#));
    assert!(read(b"\0\x0a\x01a").is_ok_and(|raw| raw.starts_with(r#"{"id":"a""#)), "the first");
    for (rest, why) in [
        (&b"\x02\x0a"[..], "its schema has no message with the indexes [5]"),
        (b"\x02", "the record ends within the indexes of its type"),
        (b"", "the record ends within the indexes of its type"),
        (b"\x01", "the indexes of its type have no sensible count"),
        (b"\xff\xff\xff\xff\xff", "the record ends within the indexes of its type"),
        (b"\x02\x01", "an index of its type is -1"),
    ] {
        assert_eq!(read(rest), Err(format!("not a message of Protobuf: {why}")), "{rest:?}");
    }
}

#[test]
fn references_are_imported() {
    let schema = stream(r#"z int from "b.z""#);
    let mut decoder = Format::Protobuf(Settings::Registry).decoder(StreamId(7), &schema, Kept::ALL);
    let text = r#"syntax = "proto3"; import "dir/b.proto"; message A { p.B b = 1; }"#;
    let reference = |name: &str, text: &str| Reference { name: name.into(), text: text.into() };
    let references = vec![
        reference("c.proto", r#"syntax = "proto3"; package p; message C {}"#),
        reference(
            "dir/b.proto",
            r#"syntax = "proto3"; package p; import "c.proto"; message B { int32 z = 1; C c = 2; }"#,
        ),
    ];
    given(&mut *decoder, 1, text, references);
    given(&mut *decoder, 2, text, Vec::new());
    let mut read = |id: u8| decode(&mut *decoder, &schema, &[0, 0, 0, 0, id, 0, 0x0a, 2, 8, 4]);
    assert_eq!(read(1).as_deref(), Ok(r#"{"b":{"z":4}}"#));
    assert!(read(2).is_err_and(|why| why.contains("dir/b.proto")));
}

#[test]
fn types_are_found_by_name() {
    let all = parsed(ORDERS);
    assert_eq!(
        all.message(Some("shop.Other.Inner")).map(|one| one.0.full_name().to_owned()).as_deref(),
        Ok("shop.Other.Inner")
    );
    let why = all.message(Some("Order")).expect_err("there is none");
    assert_eq!(why, "it does not define the message `Order`, but `shop.Order`, `shop.Other`");
    assert!(all.message(None).is_err_and(|why| why.contains("`message` says which")));
    let wrong = Parsed::new("a.proto", "message {", Box::new(|_| None)).expect_err("it is wrong");
    assert!(wrong.contains("a.proto:1:9"), "{wrong}");
}

#[test]
fn nesting_has_an_end() {
    let text = r#"syntax = "proto3"; message L { L next = 1; }"#;
    let (format, _) = local(text, "L");
    let nested = |levels: usize| {
        let mut bytes: Vec<u8> = Vec::new();
        for _ in 0..levels {
            let mut outer = vec![0x0a];
            prost_reflect::prost::encoding::encode_varint(bytes.len() as u64, &mut outer);
            outer.extend(&bytes);
            bytes = outer;
        }
        read(&format, "x int?", &bytes)
    };
    assert!(nested(90).is_ok());
    assert!(nested(2_000).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(size(500, 20_000)))]

    #[test]
    fn any_bytes_are_an_event_or_malformed(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let (format, _) = local(ORDERS, "shop.Order");
        let _ = read(&format, r#"id string?, moment timestamp? from "at", ip ip? from "client.ip_address""#, &bytes);
        let _ = read(&Format::Protobuf(Settings::Registry), "x int?", &bytes);
    }

    #[test]
    fn what_was_written_is_read(
        (i, u, d, s) in (any::<i64>(), any::<u64>(), any::<f64>(), any::<String>()),
        list in proptest::collection::vec(any::<i32>(), 0..5),
        map in proptest::collection::btree_map(any::<u32>(), any::<bool>(), 0..5),
        bytes in proptest::collection::vec(any::<u8>(), 0..9),
        choice in proptest::option::of(any::<bool>()),
    ) {
        let text = r#"syntax = "proto3"; message M { sint64 i = 1; fixed64 u = 2; double d = 3; string s = 4;
            repeated sint32 list = 5; map<uint32, bool> map = 6; bytes bytes = 7; oneof o { bool a = 8; string b = 9; } }"#;
        let (format, ty) = local(text, "M");
        let mut fields = vec![
            ("i", Value::I64(i)), ("u", Value::U64(u)), ("d", Value::F64(d)), ("s", Value::String(s.clone())),
            ("list", Value::List(list.iter().copied().map(Value::I32).collect())),
            ("map", Value::Map(map.iter().map(|(key, value)| (MapKey::U32(*key), Value::Bool(*value))).collect())),
            ("bytes", Value::Bytes(bytes.clone().into())),
        ];
        fields.extend(choice.map(|choice| if choice { ("a", Value::Bool(true)) } else { ("b", Value::String("b".into())) }));
        let shown = read(&format, "i int, d float?, s string, a bool?, b string?", &message(&ty, fields).encode_to_vec());
        let shown: serde_json::Value = serde_json::from_str(&shown.expect("an event")).expect("JSON");
        let none = serde_json::json!(null);
        let or_none = |name: &str| shown.get(name).cloned().unwrap_or(none.clone());
        prop_assert_eq!(&shown["i"], &serde_json::json!(i));
        prop_assert_eq!(&shown["u"], &serde_json::json!(u));
        prop_assert_eq!(&shown["s"], &serde_json::json!(s));
        prop_assert_eq!(or_none("list"), if list.is_empty() { none.clone() } else { serde_json::json!(list) });
        prop_assert_eq!(or_none("map"), if map.is_empty() { none.clone() } else { serde_json::json!(map) });
        prop_assert_eq!(&shown["bytes"], &serde_json::json!(base64::Engine::encode(&base64::prelude::BASE64_STANDARD, &bytes)));
        if d.is_finite() {
            prop_assert_eq!(shown["d"].as_f64(), Some(d));
        }
        prop_assert_eq!(shown.get("a").is_some(), choice == Some(true));
        prop_assert_eq!(shown.get("b").is_some(), choice == Some(false));
    }
}
