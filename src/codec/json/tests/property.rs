//! The decoder against a plain one that builds a tree, for random schemas and records.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value as Tree;

use crate::cases::cases;
use crate::event::TimeUnit;

use super::*;

/// JSON as text can hold it: names may repeat.
#[derive(Clone, Debug)]
pub(super) enum Json {
    Scalar(&'static str),
    List(Vec<Json>),
    Object(Vec<(&'static str, Json)>),
}

impl Json {
    /// `blank` stands wherever JSON allows white space.
    pub(super) fn write(&self, blank: &str, out: &mut String) {
        let (open, close, length) = match self {
            Json::Scalar(text) => return out.push_str(text),
            Json::List(items) => ('[', ']', items.len()),
            Json::Object(entries) => ('{', '}', entries.len()),
        };
        out.push(open);
        for index in 0..length {
            out.push_str(if index > 0 { "," } else { "" });
            out.push_str(blank);
            match self {
                Json::List(items) => items[index].write(blank, out),
                Json::Object(entries) => {
                    out.push_str(&format!("\"{}\"{blank}:{blank}", entries[index].0));
                    entries[index].1.write(blank, out);
                }
                Json::Scalar(_) => {}
            }
            out.push_str(blank);
        }
        out.push(close);
    }
}

const NAMES: [&str; 3] = ["a", "b", "ü"];

const SCALARS: [&str; 24] = [
    "null",
    "true",
    "false",
    "0",
    "-7",
    "1700000000",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "1.0",
    "2.5",
    "-0.25",
    "1e3",
    "1e30",
    "\"\"",
    "\"text\"",
    "\"é\\n\\u00e9\"",
    "\"12\"",
    "\"2026-03-01T08:00:00.5Z\"",
    "\"1969-12-31T23:59:59.999999+00:00\"",
    "\"2026-03-01\"",
    "\"1h30m\"",
    "\"10.1.2.3\"",
    "\"2001:db8::1\"",
];

fn json() -> impl Strategy<Value = Json> {
    let scalar = select(&SCALARS[..]).prop_map(Json::Scalar);
    scalar.prop_recursive(
        4,
        40,
        5,
        |inner| prop_oneof![1 => vec(inner.clone(), 0..3).prop_map(Json::List), 4 => object_of(inner)],
    )
}

/// A record.
pub(super) fn object() -> impl Strategy<Value = Json> {
    object_of(json())
}

fn object_of(inner: impl Strategy<Value = Json>) -> impl Strategy<Value = Json> {
    vec((select(&NAMES[..]), inner), 0..5).prop_map(Json::Object)
}

pub(super) fn random_schema() -> impl Strategy<Value = StreamSchema> {
    let types = [
        FieldType::Bool,
        FieldType::Int,
        FieldType::Float,
        FieldType::Str,
        FieldType::Timestamp(None),
        FieldType::Timestamp(Some(TimeUnit::Seconds)),
        FieldType::Timestamp(Some(TimeUnit::Millis)),
        FieldType::Timestamp(Some(TimeUnit::Micros)),
        FieldType::Timestamp(Some(TimeUnit::Nanos)),
        FieldType::Duration,
        FieldType::Ip,
    ];
    // Mostly optional, so that not every record is refused.
    let field = (vec(select(&NAMES[..]), 1..4), select(types.to_vec()), prop::bool::weighted(0.9));
    (vec(field, 1..5), any::<prop::sample::Index>()).prop_map(|(fields, index)| {
        let mut schema = schema(&[]);
        for (number, (path, ty, optional)) in fields.into_iter().enumerate() {
            let path = path.into_iter().map(Into::into).collect();
            schema.fields.push(Field { name: format!("f{number}").into(), ty, optional, path });
        }
        let time = index.index(schema.fields.len());
        if matches!(schema.fields[time].ty, FieldType::Timestamp(_)) {
            schema.time = Some(FieldId(time as u32));
        }
        schema
    })
}

/// What one field should be, by the plainest means.
fn plain(field: &Field, is_time: bool, tree: &Tree) -> Result<Value, &'static str> {
    let found = field.path.iter().try_fold(tree, |tree, name| tree.as_object()?.get(name.as_str()));
    let found = match found {
        None | Some(Tree::Null) if field.optional && !is_time => return Ok(Value::Null),
        None | Some(Tree::Null) => return Err("missing"),
        Some(found) => found,
    };
    plain_value(field.ty, found).ok_or("wrong type")
}

fn plain_value(ty: FieldType, found: &Tree) -> Option<Value> {
    let time = |us: i64| Value::Timestamp(Timestamp::from_micros(us));
    Some(match ty {
        FieldType::Bool => Value::Bool(found.as_bool()?),
        FieldType::Int => match (found.as_i64(), found.as_f64()) {
            (Some(int), _) => Value::Int(int),
            (None, Some(float)) if found.is_f64() && float.fract() == 0.0 && float.abs() < 9e18 => {
                Value::Int(float as i64)
            }
            _ => return None,
        },
        FieldType::Float => Value::Float(found.as_f64()?),
        FieldType::Str => Value::text(found.as_str()?),
        FieldType::Timestamp(_) if found.is_string() => {
            time(found.as_str()?.parse::<jiff::Timestamp>().ok()?.as_microsecond())
        }
        FieldType::Timestamp(unit) => {
            let per_second = match unit? {
                TimeUnit::Seconds => 1,
                TimeUnit::Millis => 1_000,
                TimeUnit::Micros => 1_000_000,
                TimeUnit::Nanos => 1_000_000_000,
            };
            // In nanoseconds of 128 bits nothing here is rounded.
            let ns = match found.as_f64() {
                Some(float) if found.is_f64() => (float * (1e9 / f64::from(per_second))).floor() as i128,
                _ => i128::from(found.as_i64().or(found.as_u64().map(|_| i64::MAX))?)
                    .checked_mul(1_000_000_000 / i128::from(per_second))?,
            };
            let us = i64::try_from(ns.div_euclid(1_000)).ok()?;
            if us == i64::MIN || us == i64::MAX {
                return None;
            }
            time(us)
        }
        FieldType::Duration => match found.as_str()? {
            "1h30m" => Value::Duration(Duration::from_micros(5_400_000_000)),
            _ => return None,
        },
        FieldType::Ip => Value::Ip(found.as_str()?.parse().ok()?),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(300, 2_000)))]

    #[test]
    fn decoding_agrees_with_looking_into_a_tree(
        schema in random_schema(),
        object in object(),
        blank in select(&["", " ", "\r\n\t"][..]),
    ) {
        let mut record = String::new();
        object.write(blank, &mut record);
        let tree: Tree = serde_json::from_str(&record).unwrap();
        let mut expected = Ok(Vec::new());
        for (index, field) in schema.fields.iter().enumerate() {
            let is_time = schema.time == Some(FieldId(index as u32));
            match plain(field, is_time, &tree) {
                Ok(value) => expected.iter_mut().for_each(|values| values.push(value.clone())),
                Err(kind) => {
                    expected = Err((field.name.to_string(), kind));
                    break;
                }
            }
        }
        let found = match values(&schema, &record) {
            Err(Malformed::Missing { field }) => Err((field, "missing")),
            Err(Malformed::WrongType { field, .. }) => Err((field, "wrong type")),
            Err(other) => panic!("{record}: {other}"),
            Ok(values) => Ok(values),
        };
        prop_assert_eq!(&found, &expected, "{}", record);
        if found.is_ok() {
            let event = decode_with(&schema, &record).unwrap();
            prop_assert_eq!(serde_json::from_slice::<Tree>(event.raw()).unwrap(), tree);
            prop_assert!(!event.raw().contains(&b'\n'));
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(schema in random_schema(), bytes in vec(any::<u8>(), 0..200)) {
        let _ = decode_with(&schema, &bytes);
    }

    #[test]
    fn a_damaged_record_is_read_or_refused(
        schema in random_schema(),
        object in object(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut record = String::new();
        object.write(" ", &mut record);
        let mut record = record.into_bytes();
        for (index, byte) in damage {
            let index = index.index(record.len());
            record[index] = byte;
        }
        let whole = decode_with(&schema, &record);
        let _ = decode_with(&schema, &record[..cut.index(record.len())]);
        if let Ok(event) = whole {
            prop_assert!(serde_json::from_slice::<&serde_json::value::RawValue>(event.raw()).is_ok());
        }
    }
}
