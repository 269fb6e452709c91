//! From what a record holds to what the field declares, and the words for both when they differ.

use std::net::IpAddr;

use crate::event::{Duration, FieldType, TimeUnit, Timestamp, Value, whole_number};

/// The longest description of a value in an error, in characters.
const MAX_DESCRIPTION: usize = 60;

/// A value as it stands in a record.
#[derive(Clone, Copy, Debug)]
pub enum Found<'a> {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// An integer that fits 64 bits, with or without a sign.
    Int(i128),
    /// Any other number; finite.
    Float(f64),
    /// Text.
    Text(&'a str),
    /// A time that the record has as such; in JSON it is RFC 3339 text.
    Time(Timestamp),
    /// A span that the record has as such, and which the language can write; in JSON it is text.
    Span(Duration),
    /// A list, of whatever.
    List,
    /// An object, with whatever.
    Object,
}

/// The value of a field of type `ty`; `None` when what was found does not fit. Null fits nothing
/// here: the caller decides whether the field may be missing.
pub(super) fn convert(ty: FieldType, found: &Found<'_>) -> Option<Value> {
    let mut value = Value::Null;
    convert_to(ty, found, &mut value).map(|()| value)
}

/// Puts the value where it is to stay; `None`, and nothing is changed, when what was found does not fit.
/// To write a value where it stays is much faster than to write and move it.
///
/// - A float without a fraction is an integer too (some programs write every number as a float).
/// - An IPv4 address that is written as an IPv6 one (`::ffff:192.0.2.1`) becomes the IPv4 address,
///   so that it is found in networks such as `192.0.2.0/24`.
pub(super) fn convert_to(ty: FieldType, found: &Found<'_>, value: &mut Value) -> Option<()> {
    *value = match (ty, *found) {
        (FieldType::Bool, Found::Bool(bool)) => Value::Bool(bool),
        (FieldType::Int, Found::Int(int)) => Value::Int(i64::try_from(int).ok()?),
        (FieldType::Int, Found::Float(float)) => Value::Int(whole_number(float)?),
        (FieldType::Float, Found::Int(int)) => Value::Float(int as f64),
        (FieldType::Float, Found::Float(float)) => Value::float(float),
        (FieldType::Str, Found::Text(text)) => Value::text(text),
        (FieldType::Timestamp(_), Found::Text(text)) => Value::Timestamp(Timestamp::parse(text)?),
        (FieldType::Timestamp(_), Found::Time(time)) => Value::Timestamp(time),
        (FieldType::Timestamp(Some(unit)), Found::Int(int)) => Value::Timestamp(unit.time_of_int(int)?),
        (FieldType::Timestamp(Some(unit)), Found::Float(float)) => {
            Value::Timestamp(unit.time_of_float(float)?)
        }
        (FieldType::Duration, Found::Text(text)) => Value::Duration(Duration::parse(text)?),
        (FieldType::Duration, Found::Span(span)) => Value::Duration(span),
        (FieldType::Ip, Found::Text(text)) => Value::Ip(text.parse::<IpAddr>().ok()?.to_canonical()),
        _ => return None,
    };
    Some(())
}

/// Whether [`convert`] has a value, found without making one where that is dearer.
pub(super) fn fits(ty: FieldType, found: &Found<'_>) -> bool {
    matches!((ty, found), (FieldType::Str, Found::Text(_))) || convert(ty, found).is_some()
}

/// What a field of that type should hold, in words.
pub(super) const fn expected(ty: FieldType) -> &'static str {
    match ty {
        FieldType::Bool => "true or false",
        FieldType::Int => "an integer of 64 bits",
        FieldType::Float => "a number",
        FieldType::Str => "text",
        FieldType::Timestamp(None) => "a time (RFC 3339 text with an offset)",
        FieldType::Timestamp(Some(TimeUnit::Seconds)) => "a time (seconds since 1970 or RFC 3339 text)",
        FieldType::Timestamp(Some(TimeUnit::Millis)) => "a time (milliseconds since 1970 or RFC 3339 text)",
        FieldType::Timestamp(Some(TimeUnit::Micros)) => "a time (microseconds since 1970 or RFC 3339 text)",
        FieldType::Timestamp(Some(TimeUnit::Nanos)) => "a time (nanoseconds since 1970 or RFC 3339 text)",
        FieldType::Duration => "a duration (text such as \"1h30m\")",
        FieldType::Ip => "an IP address as text",
    }
}

/// What was found, in words, shortened.
pub(super) fn describe(found: &Found<'_>) -> String {
    match found {
        Found::Null => "null".to_owned(),
        Found::Bool(value) => value.to_string(),
        Found::Int(value) => format!("the number {value}"),
        // Not `{}`, which would write 1e300 in 301 digits.
        Found::Float(value) => format!("the number {value:?}"),
        Found::Text(text) => describe_text(text),
        Found::Time(time) => format!("the time {time}"),
        Found::Span(span) => format!("the duration {span}"),
        Found::List => "a list".to_owned(),
        Found::Object => "an object".to_owned(),
    }
}

fn describe_text(text: &str) -> String {
    const INTRODUCTION: &str = "the text ";
    format!("{INTRODUCTION}{}", quoted(text, MAX_DESCRIPTION - INTRODUCTION.len()))
}

/// A text that came from a sender, in quotation marks, on one line and in at most so many characters.
pub(super) fn quoted(text: &str, most: usize) -> String {
    let mut words = "\"".to_owned();
    let mut length = 1;
    for c in text.chars() {
        let escaped = c.escape_debug();
        // Room for an ellipsis and the closing quote is left.
        if length + escaped.len() > most - 2 {
            words.push('…');
            break;
        }
        length += escaped.len();
        words.extend(escaped);
    }
    words.push('"');
    words
}
