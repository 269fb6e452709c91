//! Very many entries: found, and packed.

use super::*;
use crate::cases::size;

/// A million, or a tenth of it.
fn very_many() -> usize {
    size(100_000, 1_000_000)
}

#[test]
fn very_many_texts() {
    let many = very_many();
    let device = |n: usize| format!("device-{n:08x}");
    let text: String = (0..many).map(|n| device(n) + "\n").collect();
    let content = read(&list(FieldType::Str), &text);
    assert_eq!(content.entries(), many);
    for n in (0..2 * many).step_by(997) {
        assert_eq!(content.contains(&Value::text(device(n))), n < many, "{n}");
    }
    // 15 letters, 4 bytes for their end, and a place in a hash table that is less than half empty.
    assert!(content.size() < 32 * many, "{} bytes each", content.size() / many);
}

#[test]
fn very_many_networks() {
    let many = very_many();
    // Every second /24 below 0.0.0.0 + 2,000,000 * 256.
    let text: String =
        (0..many as u32).map(|n| format!("{}/24\n", std::net::Ipv4Addr::from_bits(n * 512))).collect();
    let content = read(&list(FieldType::Ip), &text);
    assert_eq!(content.entries(), many);
    for n in (0..2 * many as u32).step_by(991) {
        let inside = std::net::Ipv4Addr::from_bits(n * 256 + n % 256);
        assert_eq!(content.contains(&Value::Ip(inside.into())), n % 2 == 0, "{inside}");
    }
    assert_eq!(content.size(), 8 * many);
}

#[test]
fn very_many_rows() {
    let many = very_many();
    let spec = table(&["key id int", "risk float?", "country string?"]);
    let country = |n: usize| ["DE", "FR", ""][n % 3];
    let risk = |n: usize| n as f64 / 8.0;
    let mut text = String::from("id,country,risk\n");
    for n in 0..many {
        text.push_str(&format!("{n},{},{}\n", country(n), risk(n)));
    }
    let content = read(&spec, &text);
    assert_eq!(content.entries(), many);
    for n in (0..2 * many).step_by(983) {
        let key = [Value::Int(n as i64)];
        let expected = match country(n) {
            _ if n >= many => "no row",
            "" => "null",
            country => country,
        };
        assert_eq!(cell(&spec, &content, &key, "country"), expected, "{n}");
        if n < many {
            let (column, _) = spec.column("risk").expect("a column");
            assert_eq!(content.cell(&key, column).as_deref(), Some(&Value::Float(risk(n))));
        }
    }
    // Key 8, hash table 11, risk 8, country 4.
    assert!(content.size() < 32 * many, "{} bytes each", content.size() / many);
}
