//! The record that an event of a test would be in production: a JSON object with each field where the
//! stream reads it.

use serde_json::{Map, Number, Value as Json};

use crate::codec::json::MAX_DEPTH;
use crate::event::{FieldType, StreamSchema, TimeUnit, Timestamp, Value};
use crate::language::case::Given;

/// The record of an event; why there can be none, if a field lies too deep.
pub(super) fn record(schema: &StreamSchema, given: &Given) -> Result<Json, String> {
    let mut record = Map::new();
    let time = schema.time.map(|time| (time, Value::Timestamp(given.time)));
    for (field, value) in time.iter().chain(&given.fields) {
        let field = &schema.fields[field.0 as usize];
        if field.path.len() > MAX_DEPTH {
            return Err(format!("`{}` lies more than {MAX_DEPTH} levels deep", field.name));
        }
        let Some((last, above)) = field.path.split_last() else { continue };
        let mut place = &mut record;
        for name in above {
            let inner = place.entry(name.as_str()).or_insert_with(|| Json::Object(Map::new()));
            let Json::Object(inner) = inner else {
                return Err(format!("`{}` lies inside of another field", field.name));
            };
            place = inner;
        }
        place.insert(last.to_string(), json(field.ty, value));
    }
    Ok(Json::Object(record))
}

/// A value as the records of a stream hold it.
pub(super) fn json(ty: FieldType, value: &Value) -> Json {
    match (ty, value) {
        (FieldType::Timestamp(Some(unit)), Value::Timestamp(time)) => {
            let number = number(*time, unit).map(|number| Json::Number(Number::from(number)));
            number.unwrap_or_else(|| Json::String(time.to_string()))
        }
        _ => serde_json::to_value(value).unwrap_or(Json::Null),
    }
}

/// The time in a unit, if that is a whole number of 64 bits.
fn number(time: Timestamp, unit: TimeUnit) -> Option<i64> {
    let us = time.as_micros();
    match unit {
        TimeUnit::Seconds => (us % 1_000_000 == 0).then_some(us / 1_000_000),
        TimeUnit::Millis => (us % 1_000 == 0).then_some(us / 1_000),
        TimeUnit::Micros => Some(us),
        TimeUnit::Nanos => us.checked_mul(1_000),
    }
}
