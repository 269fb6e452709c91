//! Reads a message by a plan.

use prost_reflect::{DynamicMessage, MapKey, Value};

use crate::codec::paths::PlaceId;
use crate::codec::typed::{Scalar, Typed, unscaled};
use crate::event::{Duration, Timestamp};

use super::plan::{Item, Known, Plan, Shape, Sort, TypeId, part};

/// Gives `out` the values of a message.
///
/// # Errors
/// In words for people, when a value means nothing, or the message is too large as JSON.
pub(super) fn read(plan: &Plan, message: &DynamicMessage, out: &mut Typed) -> Result<(), String> {
    self::message(plan, Plan::ROOT, message, out)
}

fn message(plan: &Plan, id: TypeId, message: &DynamicMessage, out: &mut Typed) -> Result<(), String> {
    let ty = plan.get(id);
    out.begin_object(ty.place)?;
    for field in &ty.fields {
        if field.may_be_missing && !message.has_field(&field.descriptor) {
            continue;
        }
        out.name(&field.label)?;
        let found = message.get_field(&field.descriptor);
        match (&field.shape, &*found) {
            (Shape::List { place, items }, Value::List(values)) => {
                out.begin_list(*place)?;
                for value in values {
                    out.element()?;
                    item(plan, items, value, out)?;
                }
                out.end_list();
            }
            (Shape::Map { place, known, others }, Value::Map(values)) => {
                let mut entries: Vec<(&MapKey, &Value)> = values.iter().collect();
                entries.sort_unstable_by_key(|(key, _)| *key);
                out.begin_object(*place)?;
                for (key, value) in entries {
                    let name = name(key);
                    out.new_name(&name)?;
                    let found = known.binary_search_by(|(known, _)| (**known).cmp(&*name));
                    item(plan, found.map_or(others, |index| &known[index].1), value, out)?;
                }
                out.end_object();
            }
            (Shape::One(one), value) => item(plan, one, value, out)?,
            _ => return Err(format!("the field `{}` is not what its type says", field.descriptor.name())),
        }
    }
    out.end_object();
    Ok(())
}

fn item(plan: &Plan, item: &Item, value: &Value, out: &mut Typed) -> Result<(), String> {
    match (&item.sort, value) {
        (Sort::Message(id), Value::Message(inner)) => return message(plan, *id, inner, out),
        (Sort::Known(known), Value::Message(inner)) => return self::known(*known, inner, item.place, out),
        (Sort::Enum(names), Value::EnumNumber(number)) => {
            let name = Item::symbol(names, *number);
            out.scalar(item.place, &Scalar::Symbol { name, number: Some(*number) });
        }
        (_, value) => out.scalar(item.place, &scalar(value)),
    }
    Ok(())
}

/// A value that holds no others.
fn scalar(value: &Value) -> Scalar<'_> {
    match value {
        Value::Bool(value) => Scalar::Bool(*value),
        Value::I32(value) => Scalar::Int((*value).into()),
        Value::I64(value) => Scalar::Int((*value).into()),
        Value::U32(value) => Scalar::Int((*value).into()),
        Value::U64(value) => Scalar::Int((*value).into()),
        Value::F32(value) => Scalar::Float((*value).into()),
        Value::F64(value) => Scalar::Float(*value),
        Value::String(value) => Scalar::Text(value),
        Value::Bytes(value) => Scalar::Bytes(value),
        Value::EnumNumber(value) => Scalar::Int((*value).into()),
        Value::Message(_) | Value::List(_) | Value::Map(_) => Scalar::Null,
    }
}

fn name(key: &MapKey) -> std::borrow::Cow<'_, str> {
    match key {
        MapKey::String(text) => text.as_str().into(),
        MapKey::Bool(value) => value.to_string().into(),
        MapKey::I32(value) => value.to_string().into(),
        MapKey::I64(value) => value.to_string().into(),
        MapKey::U32(value) => value.to_string().into(),
        MapKey::U64(value) => value.to_string().into(),
    }
}

/// A message that means more than it holds.
fn known(
    known: Known,
    message: &DynamicMessage,
    place: Option<PlaceId>,
    out: &mut Typed,
) -> Result<(), String> {
    match known {
        Known::Timestamp => {
            let micros = micros(message).ok_or("a Timestamp is beyond all times")?;
            out.scalar(place, &Scalar::Moment(Timestamp::from_micros(micros)));
        }
        Known::Duration => {
            let micros = micros(message).ok_or("a Duration is too long")?;
            out.scalar(place, &Scalar::Span(Duration::from_micros(micros)));
        }
        Known::Wrapper => out.scalar(place, &part(message, 1).as_ref().map_or(Scalar::Null, scalar)),
        Known::Decimal => {
            let (Some(Value::Bytes(bytes)), Some(Value::I32(scale))) = (part(message, 1), part(message, 3))
            else {
                return Err("a Decimal is not as it should be".to_owned());
            };
            out.decimal(place, unscaled(&bytes)?, scale.into())?;
        }
        Known::Value | Known::Struct | Known::ListValue => json(known, message, place, out)?,
    }
    Ok(())
}

/// Seconds and nanoseconds, as both times and spans have them.
fn micros(message: &DynamicMessage) -> Option<i64> {
    let (Some(Value::I64(seconds)), Some(Value::I32(nanos))) = (part(message, 1), part(message, 2)) else {
        return None;
    };
    seconds.checked_mul(1_000_000)?.checked_add(nanos.div_euclid(1_000).into())
}

/// Messages that hold any JSON.
fn json(
    known: Known,
    message: &DynamicMessage,
    place: Option<PlaceId>,
    out: &mut Typed,
) -> Result<(), String> {
    match (known, message.get_field_by_number(1).as_deref()) {
        (Known::Struct, Some(Value::Map(fields))) => {
            let mut fields: Vec<(&MapKey, &Value)> = fields.iter().collect();
            fields.sort_unstable_by_key(|(key, _)| *key);
            out.begin_object(place)?;
            for (key, value) in fields {
                let name = name(key);
                out.new_name(&name)?;
                let next = place.and_then(|place| out.paths().step(place, &name));
                inner(Known::Value, value, next, out)?;
            }
            out.end_object();
        }
        (Known::ListValue, Some(Value::List(values))) => {
            out.begin_list(place)?;
            for value in values {
                out.element()?;
                inner(Known::Value, value, None, out)?;
            }
            out.end_list();
        }
        (Known::Value, _) => match message.fields().next() {
            Some((field, Value::Message(value))) if field.number() == 5 => {
                json(Known::Struct, value, place, out)?;
            }
            Some((_, Value::Message(value))) => json(Known::ListValue, value, place, out)?,
            Some((_, Value::EnumNumber(_))) | None => out.scalar(place, &Scalar::Null),
            Some((_, value)) => out.scalar(place, &scalar(value)),
        },
        _ => return Err("a Struct or ListValue is not as it should be".to_owned()),
    }
    Ok(())
}

fn inner(known: Known, value: &Value, place: Option<PlaceId>, out: &mut Typed) -> Result<(), String> {
    match value {
        Value::Message(message) => json(known, message, place, out),
        other => {
            out.scalar(place, &scalar(other));
            Ok(())
        }
    }
}
