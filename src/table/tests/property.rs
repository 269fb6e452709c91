//! Lists against the obvious: a set of values, a scan of all networks.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::cases::cases;

/// Texts of few letters, so that many are equal or nearly so.
fn word() -> impl Strategy<Value = String> {
    "[ab#\" é]{0,4}"
}

/// A line that holds the value.
fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('"', "\"\""))
}

/// Addresses that are often close to each other.
fn address() -> impl Strategy<Value = IpAddr> {
    let near_v4 = (0u32..64).prop_map(|low| IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + low)));
    let v4 = any::<u32>().prop_map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits)));
    let near_v6 = (0u128..64).prop_map(|low| IpAddr::V6(Ipv6Addr::from_bits((0x2001_0db8 << 96) + low)));
    let end =
        prop_oneof![Just(IpAddr::V4(Ipv4Addr::BROADCAST)), Just(IpAddr::V6(Ipv6Addr::from_bits(u128::MAX)))];
    prop_oneof![4 => near_v4, 1 => v4, 2 => near_v6, 1 => end]
}

fn network() -> impl Strategy<Value = IpNet> {
    (address(), 0u8..=10).prop_map(|(address, wider)| {
        let length = if address.is_ipv4() { 32 } else { 128 };
        IpNet::new(address, length - wider).expect("the length fits")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(100, 400)))]

    #[test]
    fn a_list_of_texts_is_a_set(listed in vec(word(), 0..40), asked in vec(word(), 0..40)) {
        let text: String = listed.iter().map(|value| quoted(value) + "\n").collect();
        let (content, _) = list(FieldType::Str).parse(text.as_bytes());
        let content = content.expect("quoted values are never wrong");
        let set: HashSet<&String> = listed.iter().collect();
        prop_assert_eq!(content.entries(), set.len());
        for value in listed.iter().chain(&asked) {
            prop_assert_eq!(content.contains(&Value::text(value)), set.contains(value), "{:?}", value);
        }
    }

    #[test]
    fn a_list_of_numbers_is_a_set(listed in vec(-20i64..20, 0..20), asked in vec(-25.0f64..25.0, 0..40)) {
        let text: String = listed.iter().map(|value| format!("{value}\n")).collect();
        for ty in [FieldType::Int, FieldType::Float] {
            let (content, _) = list(ty).parse(text.as_bytes());
            let content = content.expect("numbers are never wrong");
            let set: HashSet<Value> = listed.iter().copied().map(Value::Int).collect();
            let values = asked.iter().flat_map(|x| [Value::Float(*x), Value::Float(x.round()), Value::Int(*x as i64)]);
            for value in values {
                prop_assert_eq!(content.contains(&value), set.contains(&value), "{:?}", value);
            }
        }
    }

    #[test]
    fn networks_are_found_as_by_a_scan(listed in vec(network(), 0..30), asked in vec(address(), 0..60)) {
        let text: String = listed.iter().map(|network| format!("{network}\n")).collect();
        let (content, _) = list(FieldType::Ip).parse(text.as_bytes());
        let content = content.expect("networks are never wrong");
        let ends = listed.iter().flat_map(|network| [network.network(), network.broadcast()]);
        for address in asked.iter().copied().chain(ends) {
            let scanned = listed.iter().any(|network| network.contains(&address));
            prop_assert_eq!(content.contains(&Value::Ip(address)), scanned, "{}", address);
        }
    }

    #[test]
    fn rows_are_found_as_by_a_scan(rows in vec((word(), 0i64..4, proptest::option::of(word())), 0..30)) {
        let spec = table(&["key a string", "key n int", "x string?"]);
        let trimmed = |text: &str| text.trim().to_owned();
        // Cells lose the space around them, and a key cannot be empty.
        let mut expected: Vec<(String, i64, Option<String>)> = Vec::new();
        for (a, n, x) in &rows {
            let (a, x) = (trimmed(a), x.as_deref().map(trimmed).filter(|x| !x.is_empty()));
            if !a.is_empty() && !expected.iter().any(|row| (&row.0, row.1) == (&a, *n)) {
                expected.push((a, *n, x));
            }
        }
        let mut text = String::from("x,n,a\n");
        for (a, n, x) in &expected {
            text.push_str(&format!("{},{n},{}\n", quoted(x.as_deref().unwrap_or("")), quoted(a)));
        }
        let (content, problems) = spec.parse(text.as_bytes());
        prop_assert!(!problems.has_errors(), "{:?}\n{}", problems, text);
        let content = content.expect("there is no error");
        for (a, n, _) in &rows {
            for (a, n) in [(trimmed(a), *n), (trimmed(a), n + 1), (a.clone(), *n)] {
                let row = expected.iter().find(|row| (&row.0, row.1) == (&a, n));
                let wanted = row.map(|row| row.2.as_ref().map_or(Value::Null, Value::text));
                let found = content.cell(&[Value::text(&a), Value::Int(n)], ColumnId(2));
                prop_assert_eq!(found.map(Cow::into_owned), wanted);
            }
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..200), text in "[a1,\"\r\n#é./:]{0,200}") {
        for spec in [list(FieldType::Str), list(FieldType::Int), list(FieldType::Ip), table(&["key a string", "1 int?"])] {
            for bytes in [bytes.as_slice(), text.as_bytes(), format!("a,1\n{text}").as_bytes()] {
                let (content, problems) = spec.parse(bytes);
                prop_assert_eq!(content.is_none(), problems.has_errors());
            }
        }
    }
}
