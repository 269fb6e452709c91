//! The codecs for plain text, for random schemas, values and bytes.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::cases::cases;
use crate::event::{Duration, Field, FieldType, TimeUnit};

use super::*;

/// Names that every format can write.
const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

const TYPES: [FieldType; 8] = [
    FieldType::Bool,
    FieldType::Int,
    FieldType::Float,
    FieldType::Str,
    FieldType::Timestamp(None),
    FieldType::Timestamp(Some(TimeUnit::Millis)),
    FieldType::Duration,
    FieldType::Ip,
];

/// A value of that type.
fn value(ty: FieldType) -> BoxedStrategy<Value> {
    // Times that RFC 3339 can write.
    let times = (-62_167_219_200_000_000..253_402_300_800_000_000_i64).prop_map(Timestamp::from_micros);
    match ty {
        FieldType::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        FieldType::Int => any::<i64>().prop_map(Value::Int).boxed(),
        FieldType::Float => prop::num::f64::NORMAL.prop_map(Value::Float).boxed(),
        FieldType::Str => text().prop_map(Value::text).boxed(),
        FieldType::Timestamp(_) => times.prop_map(Value::Timestamp).boxed(),
        FieldType::Duration => {
            (0..i64::MAX).prop_map(|us| Value::Duration(Duration::from_micros(us))).boxed()
        }
        FieldType::Ip => prop_oneof![
            any::<std::net::Ipv4Addr>().prop_map(|ip| Value::Ip(ip.into())),
            any::<std::net::Ipv6Addr>().prop_map(|ip| Value::Ip(std::net::IpAddr::from(ip).to_canonical())),
        ]
        .boxed(),
    }
}

/// Text with what any of the formats gives a meaning to. The unit separator stands between what a
/// pattern takes apart.
fn text() -> impl Strategy<Value = String> {
    let pieces = select(
        &["\"", "\\", "]", "[", "=", ",", ";", " ", "\n", "\r", "\t", "\u{feff}", "\0", "x", "é", "🙂"][..],
    );
    prop_oneof![vec(pieces, 0..8).prop_map(|pieces| pieces.concat()), "[^\u{1f}]{0,12}"]
}

/// A schema and an event's values for it.
fn event() -> impl Strategy<Value = (StreamSchema, Vec<Value>)> {
    let field = (select(&TYPES[..]), any::<bool>());
    vec(field, 1..=NAMES.len()).prop_flat_map(|fields| {
        let mut schema = stream("x int");
        schema.fields.clear();
        let mut values = Vec::new();
        for (name, (ty, optional)) in NAMES.iter().zip(fields) {
            schema.fields.push(Field { name: (*name).into(), ty, optional, path: vec![(*name).into()] });
            values.push(match optional {
                true => prop_oneof![1 => Just(Value::Null), 3 => value(ty)].boxed(),
                false => value(ty),
            });
        }
        let time = schema
            .fields
            .iter()
            .position(|field| matches!(field.ty, FieldType::Timestamp(_)) && !field.optional);
        schema.time = time.map(|index| FieldId(index as u32));
        (Just(schema), values)
    })
}

/// The value as text; nothing for null.
fn written(value: &Value) -> String {
    if value.is_null() { String::new() } else { value.to_string() }
}

/// An optional text that is empty is null.
fn expected(schema: &StreamSchema, values: &[Value]) -> Vec<Value> {
    let read = |(field, value): (&Field, &Value)| match value {
        Value::Str(text) if text.is_empty() && field.optional => Value::Null,
        value => value.clone(),
    };
    schema.fields.iter().zip(values).map(read).collect()
}

/// The records that hold the values, the last one the event's, and how they are read.
fn records(schema: &StreamSchema, values: &[Value]) -> Vec<(Format, StreamSchema, Vec<String>)> {
    let names: Vec<&str> = schema.fields.iter().map(|field| field.name.as_str()).collect();
    let texts: Vec<String> = values.iter().map(written).collect();
    let row = |delimiter: &str| {
        let cells: Vec<String> =
            texts.iter().map(|text| format!("\"{}\"", text.replace('"', "\"\""))).collect();
        cells.join(delimiter)
    };
    let header = |delimiter: &str| names.join(delimiter);
    let columns = Some(names.iter().map(|name| (*name).into()).collect());
    let pairs = |prefix: &str, quote: &dyn Fn(&str) -> String| -> Vec<String> {
        let present = names.iter().zip(&texts).zip(values).filter(|(_, value)| !value.is_null());
        present.map(|((name, text), _)| format!("{prefix}{name}={}", quote(text))).collect()
    };
    let logfmt = pairs("", &|text| serde_json::to_string(text).expect("text")).join(" ");
    let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace(']', "\\]");
    let parameters = pairs(" ", &|text| format!("\"{}\"", escaped(text))).concat();
    let mut of_parameters = schema.clone();
    for field in &mut of_parameters.fields {
        field.path = vec!["sd".into(), "x@1".into(), field.name.clone()];
    }
    let groups: Vec<String> = names.iter().map(|name| format!("(?<{name}>[^\u{1f}]*)")).collect();
    let pattern = format!("^{}$", groups.join("\u{1f}"));
    let mut all = vec![
        (Format::Csv(csv::Settings::default()), schema.clone(), vec![header(","), row(",")]),
        (Format::Csv(csv::Settings::new(b';', columns).expect("right")), schema.clone(), vec![row(";")]),
        (
            Format::Regex(regex::Settings::new(&pattern).expect("right")),
            schema.clone(),
            vec![texts.join("\u{1f}")],
        ),
        (Format::Syslog, of_parameters, vec![format!("<34>1 - - - - - [x@1{parameters}] \u{feff}text")]),
    ];
    // A line without a key is empty, which is no event.
    if !logfmt.is_empty() {
        all.push((Format::Logfmt, schema.clone(), vec![logfmt]));
    }
    all
}

/// Reads records one after the other, holding every event against its object; the last event.
fn last_of(
    format: &Format,
    schema: &StreamSchema,
    records: &[impl AsRef<[u8]>],
) -> Result<Option<Event>, Malformed> {
    let mut decoder = format.decoder(StreamId(7), schema, Kept::ALL);
    let mut last = Ok(None);
    for record in records {
        last = decoder.decode(record.as_ref(), Position::default(), ARRIVAL);
        match &last {
            Ok(Some(event)) => assert_is_as_json(schema, event),
            Ok(None) => {}
            Err(why) => assert!(why.to_string().len() < 1_000, "{why}"),
        }
    }
    last
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(100, 1_000)))]

    #[test]
    fn what_is_written_is_read((schema, values) in event()) {
        for (format, schema, records) in records(&schema, &values) {
            let event = last_of(&format, &schema, &records);
            let event = event.unwrap_or_else(|why| panic!("{records:?}: {why}")).expect("an event");
            let expected = expected(&schema, &values);
            prop_assert_eq!(super::values(&schema, &event), expected.clone(), "{:?}", records);
            let time = schema.time.map(|FieldId(time)| &expected[time as usize]);
            if let Some(Value::Timestamp(time)) = time {
                prop_assert_eq!(event.time(), *time);
            }
        }
    }

    #[test]
    fn what_is_kept_decides_nothing_else(
        (schema, values) in event(),
        keep in any::<u64>(),
        damage in any::<prop::sample::Index>(),
    ) {
        for (format, schema, mut records) in records(&schema, &values) {
            // Three of four are left as they are.
            let record = records.last_mut().expect("there is one");
            if let Some((place, _)) = record.char_indices().nth(damage.index(4 * record.len() + 1)) {
                record.remove(place);
            }
            let fields: Vec<FieldId> = (0..schema.fields.len() as u32).map(FieldId).collect();
            let kept: Kept = fields.iter().copied().filter(|id| keep >> id.0 & 1 == 1).collect();
            let mut decoder = format.decoder(StreamId(7), &schema, kept);
            let decoded = records.iter().map(|record| decoder.decode(record.as_bytes(), Position::default(), ARRIVAL));
            match (decoded.last().expect("there is one"), last_of(&format, &schema, &records)) {
                (Ok(Some(event)), Ok(Some(whole))) => {
                    prop_assert_eq!((event.point(), event.raw()), (whole.point(), whole.raw()));
                    for id in fields.into_iter().filter(|id| kept.contains(*id)) {
                        prop_assert_eq!(event.value(id), whole.value(id));
                    }
                }
                (event, whole) => prop_assert_eq!(event.map(|_| ()), whole.map(|_| ())),
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(
        (schema, _) in event(),
        records in vec(vec(any::<u8>(), 0..100), 1..4),
    ) {
        for format in formats(&NAMES) {
            let _ = last_of(&format, &schema, &records);
        }
    }

    #[test]
    fn a_damaged_record_is_read_or_refused(
        (schema, values) in event(),
        damage in vec((any::<prop::sample::Index>(), select(&b"\"\\[]=,; \n\r<>19-:\0\x1f\xff"[..])), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        for (format, schema, records) in records(&schema, &values) {
            let mut records: Vec<Vec<u8>> = records.into_iter().map(String::into_bytes).collect();
            let mut record = records.pop().expect("there is one");
            for (index, byte) in &damage {
                // A record of one optional value may be empty.
                if !record.is_empty() {
                    let index = index.index(record.len());
                    record[index] = *byte;
                }
            }
            let part = record[..cut.index(record.len() + 1)].to_vec();
            for last in [record, part] {
                records.push(last);
                let _ = last_of(&format, &schema, &records);
                records.pop();
            }
        }
    }
}
