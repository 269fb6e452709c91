//! What stands at a place of an alert, and whether it is what was expected.

use crate::alert::{Alert, AlertKind};
use crate::codec::json;
use crate::event::{Duration, Event, Timestamp, Type, Value};
use crate::language::case::{Case, Member, Place, WantedField};
use crate::program::Program;

use super::record;

/// How far two floats may lie apart, relative to the expected one when that is greater than 1.
const TOLERANCE: f64 = 1e-9;

/// What stands at a place of an alert.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Found {
    /// A value.
    Value {
        /// What stands there.
        found: Value,
        /// What was expected there, as a value of the same type where it can be one.
        expected: Value,
    },
    /// No value, and why.
    Nothing(String),
}

impl Found {
    /// Whether it is what was expected.
    pub fn is_expected(&self) -> bool {
        match self {
            Found::Value { found, expected } => is_equal(expected, found),
            Found::Nothing(_) => false,
        }
    }
}

/// What stands in an alert of the right rule at the place of which an expectation speaks.
pub(super) fn found(program: &Program, case: &Case, alert: &Alert, wanted: &WantedField) -> Found {
    let named = |list: &[(compact_str::CompactString, Value)], name: &str| {
        list.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone())
    };
    let found = match &wanted.place {
        Place::Member(member) => Some(of_member(alert, *member)),
        Place::Key(name) => named(&alert.key, name),
        Place::Field(name) => named(&alert.fields, name),
        Place::Table(name) => {
            alert.tables.iter().find(|(own, _)| own == name).map(|(_, version)| Value::text(version))
        }
        Place::Event { variable, index, field } => {
            let captured = alert.events.iter().find(|(own, _)| own == variable);
            let events = captured.map_or(&[][..], |(_, events)| events);
            return match one(events, *index, variable) {
                Ok(event) => {
                    let ty = program.schema(event.stream()).fields[field.0 as usize].ty;
                    // Read as from a record, so that text and numbers become times.
                    let expected = json::read(ty, &record::json(ty, &wanted.value));
                    let expected = expected.unwrap_or_else(|| wanted.value.clone());
                    Found::Value { found: event.value(*field).clone(), expected }
                }
                Err(why) => Found::Nothing(why),
            };
        }
    };
    match found {
        Some(found) => Found::Value { expected: of_type(&wanted.value, found.ty(), case.base), found },
        None => Found::Nothing("nothing of that name".to_owned()),
    }
}

/// The event of which an expectation speaks.
fn one<'e>(events: &'e [Event], index: Option<usize>, variable: &str) -> Result<&'e Event, String> {
    match (index, events) {
        (Some(index), events) => events.get(index).ok_or_else(|| format!("{} captured", events.len())),
        (None, [event]) => Ok(event),
        (None, []) => Err("nothing captured".to_owned()),
        (None, several) => Err(format!("{} captured: say which, `events.{variable}[0]`", several.len())),
    }
}

fn of_member(alert: &Alert, member: Member) -> Value {
    match member {
        Member::Id => Value::text(&alert.id),
        Member::Rule => Value::text(&alert.rule),
        Member::Fingerprint => Value::text(&alert.fingerprint),
        Member::Severity => Value::text(alert.severity.name()),
        Member::Title => Value::text(&alert.title),
        Member::Kind => Value::text(kind(alert.kind)),
        Member::FirstTime => Value::Timestamp(alert.first_time),
        Member::LastTime => Value::Timestamp(alert.last_time),
        Member::DecidedTime => Value::Timestamp(alert.decided_time),
        Member::Suppressed => Value::Int(i64::try_from(alert.suppressed).unwrap_or(i64::MAX)),
    }
}

/// The word for a kind of alert.
pub(super) fn kind(kind: AlertKind) -> &'static str {
    match kind {
        AlertKind::Match => "match",
        AlertKind::Timeout => "timeout",
        AlertKind::Limit => "limit",
    }
}

/// The value that a part of a key must have.
pub(super) fn key_part(constant: &Value, ty: Type, case: &Case) -> Value {
    of_type(constant, ty, case.base)
}

/// A constant as a value of a type: times, durations and addresses may be written as text, and a time
/// as the span from the test's beginning.
fn of_type(constant: &Value, ty: Type, base: Timestamp) -> Value {
    let text = match (constant, ty) {
        (Value::Str(text), _) => text,
        (Value::Duration(offset), Type::Timestamp) => {
            return Value::Timestamp(base.saturating_add(*offset));
        }
        _ => return constant.clone(),
    };
    let read = match ty {
        Type::Timestamp => Timestamp::parse(text).map(Value::Timestamp),
        Type::Duration => Duration::parse(text).map(Value::Duration),
        Type::Ip => text.parse::<std::net::IpAddr>().ok().map(|address| Value::Ip(address.to_canonical())),
        _ => None,
    };
    read.unwrap_or_else(|| constant.clone())
}

/// Whether a value is the expected one: null is null, and floats may differ a little.
fn is_equal(expected: &Value, found: &Value) -> bool {
    let is_float = |value: &Value| matches!(value, Value::Float(_));
    match (expected.as_f64(), found.as_f64()) {
        (Some(wanted), Some(came)) if is_float(expected) || is_float(found) => {
            wanted == came || (wanted - came).abs() <= TOLERANCE * wanted.abs().max(1.0)
        }
        _ => expected == found,
    }
}
