//! Defaults of fields: from the JSON in a schema to the bytes that a record would have.

use apache_avro::Schema;
use apache_avro::schema::UnionSchema;
use serde_json::Value as Json;

use super::schema::Names;

/// How deeply a default may be nested. Parsers of JSON refuse more.
const MAX_DEPTH: usize = 128;

/// A default of a type, as it would be written.
///
/// # Errors
/// In words for people, when it is none.
pub(super) fn write(schema: &Schema, json: &Json, names: &Names<'_>) -> Result<Box<[u8]>, String> {
    let mut bytes = Vec::new();
    value(schema, json, names, MAX_DEPTH, &mut bytes)?;
    Ok(bytes.into())
}

fn value(
    schema: &Schema,
    json: &Json,
    names: &Names<'_>,
    depth: usize,
    bytes: &mut Vec<u8>,
) -> Result<(), String> {
    use Schema as S;
    let no_fit = || format!("{json} is no value of its type");
    let inner = depth.checked_sub(1).ok_or("it is nested too deeply")?;
    match (names.definition(schema)?, json) {
        (S::Null, Json::Null) => {}
        (S::Boolean, Json::Bool(bool)) => bytes.push(u8::from(*bool)),
        (S::Int | S::Date | S::TimeMillis, Json::Number(number)) => {
            let int = number.as_i64().filter(|int| i32::try_from(*int).is_ok());
            long(int.ok_or_else(no_fit)?, bytes);
        }
        (S::Float, Json::Number(number)) => {
            let float = number.as_f64().ok_or_else(no_fit)? as f32;
            bytes.extend_from_slice(&float.to_le_bytes());
        }
        (S::Double, Json::Number(number)) => {
            bytes.extend_from_slice(&number.as_f64().ok_or_else(no_fit)?.to_le_bytes());
        }
        (S::String | S::Uuid(apache_avro::schema::UuidSchema::String), Json::String(text)) => {
            long(text.len() as i64, bytes);
            bytes.extend_from_slice(text.as_bytes());
        }
        (S::Enum(symbols), Json::String(text)) => {
            let index = symbols.symbols.iter().position(|symbol| symbol == text).ok_or_else(no_fit)?;
            long(index as i64, bytes);
        }
        (S::Array(array), Json::Array(items)) => {
            for item in items {
                long(1, bytes);
                value(&array.items, item, names, inner, bytes)?;
            }
            long(0, bytes);
        }
        (S::Map(map), Json::Object(entries)) => {
            for (name, item) in entries {
                long(1, bytes);
                long(name.len() as i64, bytes);
                bytes.extend_from_slice(name.as_bytes());
                value(&map.types, item, names, inner, bytes)?;
            }
            long(0, bytes);
        }
        (S::Record(record), Json::Object(entries)) => {
            for field in &record.fields {
                let given = entries.get(&field.name).or(field.default.as_ref()).ok_or_else(no_fit)?;
                value(&field.schema, given, names, inner, bytes)?;
            }
        }
        (S::Union(types), json) => union(types, json, names, inner, bytes)?,
        (schema, Json::String(text)) => raw(schema, text, bytes).ok_or_else(no_fit)?,
        (_, Json::Number(number)) => long(number.as_i64().ok_or_else(no_fit)?, bytes),
        _ => return Err(no_fit()),
    }
    Ok(())
}

/// The first type of a union that the default is a value of. Earlier versions of the specification allow the
/// first type only, later ones any.
fn union(
    types: &UnionSchema,
    json: &Json,
    names: &Names<'_>,
    depth: usize,
    bytes: &mut Vec<u8>,
) -> Result<(), String> {
    let start = bytes.len();
    for (index, part) in (0..).zip(types.variants()) {
        long(index, bytes);
        if value(part, json, names, depth, bytes).is_ok() {
            return Ok(());
        }
        bytes.truncate(start);
    }
    Err(format!("{json} is no value of any type of its union"))
}

/// Bytes, each written as the character with its number.
fn raw(schema: &Schema, text: &str, bytes: &mut Vec<u8>) -> Option<()> {
    use super::plan::Wire;
    let raw: Vec<u8> = text.chars().map(|c| u8::try_from(c).ok()).collect::<Option<_>>()?;
    match super::resolve::wire(schema)? {
        Wire::Bytes => long(raw.len() as i64, bytes),
        Wire::Fixed(size) if size == raw.len() => {}
        _ => return None,
    }
    bytes.extend_from_slice(&raw);
    Some(())
}

/// A number, zigzag and in groups of seven bits.
pub(super) fn long(value: i64, bytes: &mut Vec<u8>) {
    let mut left = ((value << 1) ^ (value >> 63)) as u64;
    while left >= 0x80 {
        bytes.push(left as u8 | 0x80);
        left >>= 7;
    }
    bytes.push(left as u8);
}
