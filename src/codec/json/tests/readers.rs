//! The first reader against the second, which decides what is JSON and what it says.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::property::{object, random_schema};
use super::*;
use crate::cases::{cases, size};

/// What the first reader makes of a record, if it takes it, and what the second makes of it.
fn both(decoder: &mut JsonDecoder, record: &[u8]) -> (Option<String>, Result<String, String>) {
    let object = trim(record);
    let event = |decoder: &mut JsonDecoder| {
        let event = decoder.fields.event(POSITION, ARRIVAL, || one_line(object));
        // Shown, so that 0 and -0 differ.
        format!("{event:?}")
    };
    let first = decoder.read(object).then(|| event(decoder));
    let second = decoder.read_again(record, object).map_err(|why| why.to_string());
    (first, second.map(|()| event(decoder)))
}

/// Whether the first reader took a record.
fn agree(decoder: &mut JsonDecoder, record: &[u8]) -> bool {
    let (first, second) = both(decoder, record);
    if let Some(first) = &first {
        assert_eq!(Ok(first), second.as_ref(), "{}", String::from_utf8_lossy(record));
    }
    first.is_some()
}

/// A stream that reads something of every kind, nested and not.
fn of_all_kinds() -> JsonDecoder {
    let mut schema = schema(&[
        ("n?", FieldType::Int),
        ("f?", FieldType::Float),
        ("t?", FieldType::Str),
        ("b?", FieldType::Bool),
        ("o?", FieldType::Str),
        ("at?", FieldType::Timestamp(Some(TimeUnit::Millis))),
    ]);
    schema.fields.push(field("deep?", FieldType::Float, "o.x.y"));
    JsonDecoder::new(StreamId(7), &schema)
}

const DOCUMENTS: [&str; 5] = [
    r#"{"n":-12,"f":[1,2.5,-3e4,{"d":null}],"b":false,"t":"é\n\u00e9\ud83d\ude42\\\"/","o":{},"l":[]}"#,
    r#"{ "f" : 2.5e-3 , "o" : { "x" : { "y" : -0 } , "z" : [ ] } , "t" : "more than the 32 or 64 bytes of a vector \\" , "at" : 1700000000123 }"#,
    r#"{"n":0}"#,
    r#"{"f":18446744073709551615}"#,
    r#"{"o":{"x":{"y":1.25}},"n":true}"#,
];

#[test]
fn every_single_damage_is_judged_alike() {
    let mut decoder = of_all_kinds();
    let (mut taken, step) = (0, size(3, 1));
    for document in DOCUMENTS.map(str::as_bytes) {
        assert!(agree(&mut decoder, document), "{}", String::from_utf8_lossy(document));
        for place in 0..document.len() {
            let (before, after) = document.split_at(place);
            agree(&mut decoder, before);
            agree(&mut decoder, &[before, &after[1..]].concat());
            for byte in (0..=u8::MAX).skip(place % step).step_by(step) {
                taken += usize::from(agree(&mut decoder, &[before, &[byte], after].concat()));
                taken += usize::from(agree(&mut decoder, &[before, &[byte], &after[1..]].concat()));
            }
        }
    }
    assert!(taken > size(3_000, 10_000), "only {taken}");
}

#[test]
fn what_stands_across_the_ends_of_vectors_is_read_alike() {
    let mut decoder = of_all_kinds();
    for length in 0..200 {
        let pad = "p".repeat(length);
        for record in [
            format!(r#"{{"{pad}":"\\\"","n":1,"t":"{pad}\\"}}"#),
            format!(r#"{{"t":"{pad}\u00e9","f":0.1}}"#),
            format!(r#"{{"t":"{pad}é","f":1{:0<length$}}}"#, ".5"),
            format!("{{{:length$}\"n\":1}}", ""),
            format!("{{\"n\":1,\"{pad}\":\"\u{1f642}\"}}"),
        ] {
            assert!(agree(&mut decoder, record.as_bytes()), "{record}");
        }
    }
}

#[test]
fn what_only_the_second_reader_takes_is_an_event() {
    let mut decoder = of_all_kinds();
    let nested = format!("{{\"n\":1,\"x\":{}1{}}}", "[".repeat(MAX_DEPTH - 1), "]".repeat(MAX_DEPTH - 1));
    assert!(agree(&mut decoder, nested.as_bytes()), "the deepest there may be");
    for record in [
        r#"{"n":1,"x":1e999}"#.to_owned(),
        r#"{"n":1,"x":"\ud800"}"#.to_owned(),
        format!(r#"{{"n":1,"x":"{}"}}"#, "long ".repeat(60_000)),
    ] {
        let (first, second) = both(&mut decoder, record.as_bytes());
        assert_eq!(first, None);
        assert!(second.is_ok(), "{second:?}");
        let event = decoder.decode(record.as_bytes(), POSITION, ARRIVAL).unwrap().unwrap();
        assert_eq!((event.value(FieldId(0)), event.raw()), (&Value::Int(1), record.as_bytes()));
    }
}

/// What a number is as a field of a type that takes all of them.
fn number(decoder: &mut JsonDecoder, number: &str) -> Option<f64> {
    let record = format!("{{\"f\":{number}}}");
    let is_first = agree(decoder, record.as_bytes());
    match decoder.decode(record.as_bytes(), POSITION, ARRIVAL) {
        Ok(event) => match event.unwrap().value(FieldId(1)) {
            Value::Float(float) => {
                assert!(is_first, "{number}");
                Some(*float)
            }
            other => panic!("{number}: {other:?}"),
        },
        Err(_) => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(300, 5_000)))]

    #[test]
    fn floats_are_those_nearest_to_what_is_written(
        bits in any::<u64>(),
        subnormal in 0..1_u64 << 53,
        decimal in "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?",
        exponent in -400..400_i32,
    ) {
        let mut decoder = of_all_kinds();
        let mut texts = vec![decimal, format!("{bits}e{exponent}"), format!("{}.{bits:020}", bits % 1_000)];
        for float in [f64::from_bits(bits), f64::from_bits(subnormal)].into_iter().filter(|float| float.is_finite()) {
            texts.extend([format!("{float:?}"), format!("{float}"), format!("{float:.16e}"), format!("{float:.17e}")]);
            // Half way to the next float, where rounding is decided by the last digit.
            let next = f64::from_bits(float.to_bits() + 1);
            if next.is_finite() && float.abs() > 1e-200 && float.abs() < 1e15 {
                texts.push(format!("{:.40e}", float + (next - float) / 2.0));
            }
        }
        for text in texts {
            let nearest: f64 = text.parse().unwrap();
            let read = number(&mut decoder, &text);
            prop_assert_eq!(read.map(f64::to_bits), nearest.is_finite().then_some(nearest.to_bits()), "{}", text);
        }
    }

    #[test]
    fn both_readers_agree_on_random_records(
        schema in random_schema(),
        object in object(),
        blank in select(&["", " ", "\r\n\t"][..]),
        damage in vec((any::<Index>(), prop_oneof![any::<u8>(), select(&b"{}[]:,\"\\ 01-.eEtfnu\0\x1f"[..])]), 0..4),
        cut in any::<Index>(),
    ) {
        let mut decoder = JsonDecoder::new(StreamId(7), &schema);
        let mut record = String::new();
        object.write(blank, &mut record);
        let mut record = record.into_bytes();
        prop_assert!(agree(&mut decoder, &record), "{}", String::from_utf8_lossy(&record));
        for (index, byte) in damage {
            let index = index.index(record.len());
            record[index] = byte;
            agree(&mut decoder, &record);
        }
        agree(&mut decoder, &record[..cut.index(record.len())]);
    }

    #[test]
    fn what_stood_in_earlier_records_changes_nothing(
        schema in random_schema(),
        objects in vec(object(), 1..6),
    ) {
        let mut decoder = JsonDecoder::new(StreamId(7), &schema);
        for object in objects {
            let mut record = String::new();
            object.write("", &mut record);
            let event = decoder.decode(record.as_bytes(), POSITION, ARRIVAL);
            let fresh = decode_with(&schema, &record).map(Some);
            prop_assert_eq!(format!("{event:?}"), format!("{fresh:?}"), "{}", record);
        }
    }

    #[test]
    fn what_is_kept_decides_nothing_else(
        schema in random_schema(),
        object in object(),
        keep in vec(any::<bool>(), 5),
    ) {
        let mut record = String::new();
        object.write("", &mut record);
        let ids = || (0..schema.fields.len() as u32).map(FieldId);
        let kept: Kept = ids().filter(|id| keep[id.0 as usize]).collect();
        let event = JsonDecoder::keeping(kept, StreamId(7), &schema).decode(record.as_bytes(), POSITION, ARRIVAL);
        let whole = decode_with(&schema, &record);
        match (event.map(Option::unwrap), whole) {
            (Ok(event), Ok(whole)) => {
                prop_assert_eq!((event.point(), event.raw()), (whole.point(), whole.raw()));
                for id in ids().filter(|id| kept.contains(*id)) {
                    prop_assert_eq!(event.value(id), whole.value(id));
                }
                prop_assert!(event.footprint() <= whole.footprint());
            }
            (event, whole) => prop_assert_eq!(event.map(drop), whole.map(drop)),
        }
    }
}
