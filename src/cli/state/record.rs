//! A record in short.

use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::cli::output::shortened;
use crate::cli::quarantine::visible;
use crate::event::Timestamp;

/// A value longer than this is cut.
const LONGEST: usize = 40;

/// The fields of a record in their order, where these are plain values.
#[derive(Debug, Default)]
pub struct Fields(Vec<(String, Value)>);

impl<'d> Deserialize<'d> for Fields {
    fn deserialize<D: Deserializer<'d>>(deserializer: D) -> Result<Fields, D::Error> {
        struct Reader;

        impl<'d> Visitor<'d> for Reader {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'d>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(name) = map.next_key()? {
                    fields.push((name, map.next_value()?));
                }
                Ok(Fields(fields))
            }

            fn visit_unit<E>(self) -> Result<Fields, E> {
                Ok(Fields::default())
            }

            fn visit_seq<A: serde::de::SeqAccess<'d>>(self, mut seq: A) -> Result<Fields, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Fields::default())
            }
        }

        deserializer.deserialize_any(Reader)
    }
}

/// The fields of a record in one line of so many letters at most, without those that say what is said anyway: the
/// key, and the time.
pub fn in_short(record: &str, key: &serde_json::Map<String, Value>, time: Timestamp, width: usize) -> String {
    let Ok(Fields(fields)) = serde_json::from_str(record) else { return String::new() };
    let is_said = |name: &str, value: &Value| {
        let is_time = || value.as_str().and_then(Timestamp::parse).is_some_and(|said| said == time);
        key.get(name).is_some_and(|part| part == value) || is_time()
    };
    let (mut text, mut used) = (String::new(), 0);
    for (name, value) in fields.iter().filter(|(name, value)| !is_said(name, value)) {
        let field = format!("{}={}", visible(name), shown(value));
        let length = field.chars().count();
        // Room for the sign that there is more.
        if used > 0 && used + length + 3 > width {
            text.push_str(" …");
            break;
        }
        if used > 0 {
            text.push(' ');
        }
        text.push_str(&field);
        used += length + 1;
    }
    text
}

/// A value as it is shown.
pub fn shown(value: &Value) -> String {
    let text = match value {
        // What has blanks in it would run into the next.
        Value::String(text) if text.is_empty() || text.contains([' ', '=', '"']) => value.to_string(),
        Value::String(text) => text.clone(),
        Value::Object(_) => "{…}".into(),
        Value::Array(list) if list.is_empty() => "[]".into(),
        Value::Array(_) => "[…]".into(),
        plain => plain.to_string(),
    };
    shortened(&visible(&text), LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_in_short_has_what_is_not_said_elsewhere() {
        let key = serde_json::from_str(r#"{"card": "c1"}"#).expect("an object");
        let time = Timestamp::parse("2026-03-01T08:00:00Z").expect("a time");
        let show = |record: &str, width| in_short(record, &key, time, width);
        let record = r#"{"card":"c1","amount":1.5,"at":"2026-03-01T09:00:00+01:00","shop":"Two Oaks","tags":["a"],"x":null}"#;
        assert_eq!(show(record, 80), r#"amount=1.5 shop="Two Oaks" tags=[…] x=null"#);
        assert_eq!(show(record, 30), r#"amount=1.5 shop="Two Oaks" …"#);
        assert_eq!(show(record, 5), "amount=1.5 …");
        assert_eq!(show("{\"a\":\"\\u001b[2J\"}", 80), "a=\\u{1b}[2J");
        assert_eq!((show("no json", 80), show("[1]", 80)), (String::new(), String::new()));
    }
}
