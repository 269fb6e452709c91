//! What a JSON record holds, read plainly with `serde_json` alone: the judge of the decoder.
//!
//! Enters: a record. Leaves: for each field of a stream what its event must hold, or that the record is no
//! event. Simple and slow: each object is a list of names and texts, each text that a field reads is parsed
//! by itself. What no field reads need only be written like JSON.

use std::fmt;
use std::str::from_utf8;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use tripline::codec::json::{MAX_DEPTH, read};
use tripline::event::{StreamSchema, Value};

/// The values that an event of the record has, in the order of the fields; `None` when the record is no
/// event. For records that are nested too deeply it says nothing: the outer `None`.
pub fn judge(schema: &StreamSchema, record: &[u8]) -> Option<Option<Vec<Value>>> {
    // Brackets in texts count as well, so that some records are not judged that might be.
    if record.iter().filter(|byte| matches!(byte, b'{' | b'[')).count() > MAX_DEPTH {
        return None;
    }
    Some(values(schema, record))
}

fn values(schema: &StreamSchema, record: &[u8]) -> Option<Vec<Value>> {
    let record = record.strip_prefix(b"\xef\xbb\xbf").unwrap_or(record);
    let text = from_utf8(record).ok()?.trim_matches([' ', '\t', '\n', '\r']);
    let paths = schema.fields.iter().map(|field| field.path.iter().map(|name| &**name).collect());
    let mut found: Vec<(Vec<&str>, Option<serde_json::Value>)> = paths.map(|path| (path, None)).collect();
    let Object(entries) = serde_json::from_str(text).ok()?;
    look(&entries, &mut Vec::new(), &mut found)?;
    let all = schema.fields.iter().zip(found).enumerate();
    all.map(|(index, (field, (_, found)))| {
        let value = match &found {
            None => Value::Null,
            Some(json) => read(field.ty, json)?,
        };
        let is_time = schema.time.is_some_and(|time| time.0 as usize == index);
        (!value.is_null() || field.optional && !is_time).then_some(value)
    })
    .collect()
}

/// Puts down what the entries of the object at a path hold for the fields; `None` when something that a
/// field reads or goes through has no value.
fn look<'r>(
    entries: &[(String, &'r RawValue)],
    path: &mut Vec<String>,
    found: &mut [(Vec<&str>, Option<serde_json::Value>)],
) -> Option<()> {
    for (name, value) in entries {
        path.push(name.clone());
        let concerned = found
            .iter_mut()
            .filter(|(of, _)| of.len() >= path.len() && of.iter().zip(&*path).all(|(a, b)| a == b));
        let mut is_read = false;
        for (of, json) in concerned {
            is_read = true;
            // The last of equal names counts, and so does what is not in it.
            *json = None;
            if of.len() == path.len() {
                *json = Some(plain(value)?);
            }
        }
        if is_read {
            plain(value)?;
            if value.get().starts_with('{') {
                let Object(inside) = serde_json::from_str(value.get()).ok()?;
                look(&inside, path, found)?;
            }
        }
        path.pop();
    }
    Some(())
}

/// A value of which only lists and objects are left out: they are nothing that a field can hold.
fn plain(value: &RawValue) -> Option<serde_json::Value> {
    Some(match value.get().as_bytes().first()? {
        b'[' => serde_json::Value::Array(Vec::new()),
        b'{' => serde_json::Value::Object(serde_json::Map::new()),
        _ => serde_json::from_str(value.get()).ok()?,
    })
}

/// An object with all its names, also equal ones.
struct Object<'r>(Vec<(String, &'r RawValue)>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object<'de>, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Object(entries))
            }
        }

        deserializer.deserialize_map(Entries)
    }
}
