//! Values as text, in lists and in the cells of tables.

use std::net::IpAddr;

use crate::event::{Duration, FieldType, TimeUnit, Timestamp, Value};

/// The value that a text stands for; `None` when it is none of that type.
pub(super) fn parse(ty: FieldType, text: &str) -> Option<Value> {
    Some(match ty {
        FieldType::Bool if text.eq_ignore_ascii_case("true") => Value::Bool(true),
        FieldType::Bool if text.eq_ignore_ascii_case("false") => Value::Bool(false),
        FieldType::Bool => return None,
        FieldType::Int => Value::Int(text.parse().ok()?),
        FieldType::Float => Value::Float(finite(text)?),
        FieldType::Str => Value::text(text),
        FieldType::Timestamp(unit) => {
            let time = Timestamp::parse(text);
            Value::Timestamp(time.or_else(|| unit.and_then(|unit| number_of(unit, text)))?)
        }
        FieldType::Duration => Value::Duration(Duration::parse(text)?),
        FieldType::Ip => Value::Ip(text.parse::<IpAddr>().ok()?.to_canonical()),
    })
}

fn finite(text: &str) -> Option<f64> {
    // Rust reads words such as `inf` and `nan` as well.
    let is_number = text.bytes().any(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|x: &f64| is_number && x.is_finite())
}

/// A time as a number of units.
fn number_of(unit: TimeUnit, text: &str) -> Option<Timestamp> {
    match text.parse::<i128>() {
        Ok(number) => unit.time_of_int(number),
        Err(_) => unit.time_of_float(finite(text)?),
    }
}

/// What a text of that type should be, in words.
pub(super) const fn expected(ty: FieldType) -> &'static str {
    match ty {
        FieldType::Bool => "`true` or `false`",
        FieldType::Int => "an integer of 64 bits",
        FieldType::Float => "a number such as `1.5`",
        FieldType::Str => "text",
        FieldType::Timestamp(None) => "a time such as `2026-03-01T08:00:00Z`",
        FieldType::Timestamp(Some(TimeUnit::Seconds)) => "a time: seconds since 1970 or RFC 3339 text",
        FieldType::Timestamp(Some(TimeUnit::Millis)) => "a time: milliseconds since 1970 or RFC 3339 text",
        FieldType::Timestamp(Some(TimeUnit::Micros)) => "a time: microseconds since 1970 or RFC 3339 text",
        FieldType::Timestamp(Some(TimeUnit::Nanos)) => "a time: nanoseconds since 1970 or RFC 3339 text",
        FieldType::Duration => "a duration such as `1h30m`",
        FieldType::Ip => "an IP address",
    }
}

/// A text in an error: in backquotes, shortened.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 40;
    let on_one_line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut short: String = on_one_line.take(MOST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("`{short}`")
}
