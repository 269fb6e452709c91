use std::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::event::Field;

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (any::<i64>(), 0..64_u32).prop_map(|(int, shift)| Value::Int(int >> shift)),
        any::<f64>().prop_map(Value::float),
        prop_oneof![".{0,8}", ".{120,132}", ".{300}"].prop_map(Value::text),
        any::<i64>().prop_map(|us| Value::Timestamp(Timestamp::from_micros(us))),
        any::<i64>().prop_map(|us| Value::Duration(Duration::from_micros(us))),
        any::<u32>().prop_map(|bits| Value::Ip(IpAddr::V4(bits.into()))),
        any::<u128>().prop_map(|bits| Value::Ip(IpAddr::V6(bits.into()))),
    ]
}

proptest! {
    #[test]
    fn values_and_keys_are_read_as_they_were(values in prop::collection::vec(value(), 0..12)) {
        let mut w = Writer::default();
        values.iter().for_each(|value| value.write(&mut w));
        let mut r = Reader::new(w.as_slice());
        for value in &values {
            // Shown, so that zeros and types differ.
            prop_assert_eq!(format!("{:?}", Value::read(&mut r)), format!("{:?}", Ok::<_, Damaged>(value)));
        }
        prop_assert_eq!(r.end(), Ok(()));
        if let Some(key) = Key::new(&values) {
            let mut w = Writer::default();
            key.write(&mut w);
            prop_assert_eq!(Key::read(&mut Reader::new(w.as_slice())), Ok(key));
        }
    }

    #[test]
    fn any_bytes_are_a_value_or_not(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let mut r = Reader::new(&bytes);
        if let Ok(value) = Value::read(&mut r) {
            // What is read is written as it was: there is one way for each value.
            let mut w = Writer::default();
            value.write(&mut w);
            prop_assert_eq!(w.as_slice(), &bytes[..bytes.len() - r.rest().len()]);
        }
    }
}

/// A stream with fields of these names, all integers, and those of the first 64 that events keep.
fn stream(name: &str, fields: &[&str], kept: &[u32]) -> (StreamSchema, Kept) {
    let field = |name: &&str| Field {
        name: (*name).into(),
        ty: FieldType::Int,
        optional: true,
        path: vec![(*name).into()],
    };
    let fields = fields.iter().map(field).collect();
    let (name, late) = (name.into(), Duration::ZERO);
    let schema = StreamSchema { name, fields, time: None, late, idle: None, alerts_of: None };
    (schema, kept.iter().copied().map(FieldId).collect())
}

fn event(kept: Kept, offset: u64, values: &[i64]) -> Event {
    let position = Position { partition: PartitionId(3), offset };
    let time = Timestamp::from_micros(1_700_000_000_000_000 - offset as i64);
    let point = SequencePoint { time, stream: StreamId(0), position };
    let values: Vec<Value> = values.iter().copied().map(Value::Int).collect();
    Event::keeping(kept, point, values.into_iter(), *b"{}").arrived(Timestamp::from_micros(5))
}

/// The events that are read where these were written, of the first stream; what their records say of a
/// field is its number and a thousand.
fn read(then: (&StreamSchema, Kept), now: &(StreamSchema, Kept), events: &[Event]) -> Vec<(bool, Event)> {
    let (mut w, mut out) = (EventWriter::default(), Writer::default());
    events.iter().for_each(|event| w.event(event, &[(9, then.1)]));
    w.finish(&mut out);
    let mut streams = Streams::default();
    let stored = StoredStream::of(then.0, then.1);
    if stored.is(&now.0) {
        streams.insert(9, stored, StreamId(4), &now.0, now.1);
    }
    let again = |stream: StreamId, raw: &[u8]| {
        assert_eq!((stream, raw), (StreamId(4), &b"{}"[..]));
        let values = (0..now.0.fields.len() as i64).map(|field| Value::Int(field + 1_000));
        Some(Event::new(stream, Timestamp::default(), Position::default(), values.collect::<Vec<_>>(), []))
    };
    let mut r = Reader::new(out.as_slice());
    let found = Events::read(&mut r, &streams, &again).expect("it was just written");
    let read = events.iter().map(|_| {
        let (is_there, event) = found.next_of_any(&mut r).expect("it was just written");
        (is_there, event.clone())
    });
    read.collect()
}

/// The values of the fields that an event keeps.
fn values(event: &Event) -> Vec<i64> {
    let int = |value: &Value| match value {
        Value::Int(int) => *int,
        other => panic!("{other:?}"),
    };
    event.values().iter().map(int).collect()
}

#[test]
fn an_event_is_written_once_and_read_as_it_was() {
    let (schema, kept) = stream("s", &["a", "b", "c"], &[0, 2]);
    let [one, other] = [event(kept, 1, &[10, 30]), event(Kept::ALL, 2, &[1, 2, 3])];
    let events = [one.clone(), other.clone(), one.clone(), one];
    let found = read((&schema, kept), &(schema.clone(), kept), &events);
    for ((is_there, found), event) in found.iter().zip(&events) {
        assert!(is_there);
        assert_eq!(
            (found.time(), found.position(), found.arrival()),
            (event.time(), event.position(), event.arrival())
        );
        assert_eq!((found.raw(), found.kept(), found.stream()), (event.raw(), event.kept(), StreamId(4)));
        assert_eq!(values(found), values(event));
    }
    assert_eq!(found[0].1.address(), found[3].1.address());
    assert_ne!(found[0].1.address(), found[1].1.address());
}

#[test]
fn values_go_where_their_fields_are_now() {
    let (then, kept_then) = stream("s", &["a", "b", "c", "d"], &[0, 1, 3]);
    let events = [event(kept_then, 1, &[10, 11, 13]), event(Kept::ALL, 2, &[20, 21, 22, 23])];
    // In another order, with one between and one gone.
    let now = stream("s", &["d", "new", "c", "a"], &[0, 1, 2]);
    let found = read((&then, kept_then), &now, &events);
    assert_eq!(values(&found[0].1), [13, 1_001, 1_002], "what was not kept is read again");
    assert_eq!(values(&found[1].1), [23, 1_001, 22]);
    assert!(found.iter().all(|(is_there, event)| *is_there && event.kept() == now.1));
}

#[test]
fn an_event_of_a_stream_that_is_gone_can_only_be_shown() {
    let (then, kept) = stream("s", &["a"], &[0]);
    let found = read((&then, kept), &stream("other", &["a"], &[0]), &[event(kept, 1, &[1])]);
    let (is_there, shown) = &found[0];
    assert!(!is_there && shown.values().is_empty());
    assert_eq!(shown.raw(), b"{}");
    // It can be written again.
    let found = read((&then, kept), &stream("other", &["a"], &[0]), std::slice::from_ref(shown));
    assert_eq!((found[0].0, found[0].1.raw()), (false, &b"{}"[..]));
}

#[test]
fn more_than_64_fields_have_places_too() {
    let names: Vec<String> = (0..70).map(|number| format!("f{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (schema, kept) = stream("s", &names, &[1]);
    let stored: Vec<i64> = std::iter::once(1).chain(64..70).collect();
    let mut now = names.clone();
    now.rotate_left(1);
    let (now, kept_now) = stream("s", &now, &[0]);
    let found = read((&schema, kept), &(now, kept_now), &[event(kept, 1, &stored)]);
    // The last is now the one that was first, which was not kept.
    let expected: Vec<i64> = std::iter::once(1).chain(65..70).chain([1_069]).collect();
    assert_eq!(values(&found[0].1), expected);
}

#[test]
fn what_is_written_in_another_way_is_refused() {
    let read = |bytes: &[u8]| Value::read(&mut Reader::new(bytes)).is_ok();
    assert!(read(&[SHORT_TEXT | 1, b'a']) && !read(&[TEXT, 1, b'a']));
    let mut w = Writer::default();
    Value::Float(-0.0).write(&mut w);
    assert!(read(w.as_slice()) && Key::read(&mut Reader::new(w.as_slice())).is_err());
    w.clear();
    w.byte(FLOAT);
    w.float(f64::NAN);
    assert!(!read(w.as_slice()) && !read(&[NULL + 100]));
}
