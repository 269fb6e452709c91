//! What the codecs share whose records have types of their own, as Avro and Protobuf.
//!
//! Enters: the values of a record in its order, each with the place where it stands. Leaves: an event,
//! whose record is an object of JSON with all that the record held; or why there is none.
//!
//! - A value goes to the fields that read its place and into the JSON at the same time, so that nothing is
//!   held twice.
//! - A declared field as the codec for JSON would read it in that object has the same value. So JSON has a
//!   time as RFC 3339 text, unless the field that reads it is declared as a number.
//! - Objects and lists may be nested as deeply as in JSON, and the JSON of a record has at most
//!   [`MAX_SHOWN`] bytes. This bounds what a few bytes can stand for in formats that have lists of nothing.

use std::fmt::{self, Write};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::event::{
    Duration, Event, Field, FieldType, Kept, Position, StreamId, StreamSchema, TimeUnit, Timestamp,
};

use super::Malformed;
use super::convert::Found;
use super::fields::{Fields, is_required};
use super::json::MAX_DEPTH;
use super::paths::{Paths, PlaceId};
use super::write;

/// The longest JSON of a record, in bytes.
pub(super) const MAX_SHOWN: usize = 32 << 20;

/// Most decimals of a number. No currency and no unit has more than a few.
pub(super) const MAX_SCALE: u32 = 1_000;

/// A value that holds no others, as a record has it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scalar<'a> {
    Null,
    Bool(bool),
    /// An integer of 64 bits, with or without a sign.
    Int(i128),
    Float(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    /// A value of an enumeration. `name`: none in the schema that we have. `number`: in formats in which it
    /// means something.
    Symbol {
        name: Option<&'a str>,
        number: Option<i32>,
    },
    /// A time, as a number of units since 1970.
    Time {
        number: i64,
        unit: TimeUnit,
    },
    /// A time that is no number.
    Moment(Timestamp),
    /// A day, as their number since 1970.
    Date(i32),
    /// A span of time.
    Span(Duration),
    /// A number that is exact in decimals: divided by 10 to the power of `scale`.
    Decimal {
        unscaled: i128,
        scale: u32,
    },
}

/// Takes the values of one record after the other.
#[derive(Debug)]
pub(super) struct Typed {
    paths: Paths,
    fields: Fields,
    /// The object that is kept of the record, as far as it is known.
    raw: Vec<u8>,
    /// How many objects and lists have begun and not ended.
    depth: usize,
    /// Text made of a value.
    text: String,
}

impl Typed {
    /// For the records of `stream`, of which events keep these fields.
    ///
    /// # Panics
    /// When the schema's time field is not a timestamp of the schema: a mistake in the caller.
    pub(super) fn new(stream: StreamId, schema: &StreamSchema, kept: Kept) -> Typed {
        Typed {
            paths: Paths::new(&schema.fields),
            fields: Fields::new(stream, schema, kept),
            raw: Vec::new(),
            depth: 0,
            text: String::new(),
        }
    }

    /// The stream that the events belong to.
    pub(super) fn stream(&self) -> StreamId {
        self.fields.stream()
    }

    /// What is known of the fields.
    pub(super) fn fields(&mut self) -> &mut Fields {
        &mut self.fields
    }

    /// The paths of its fields.
    pub(super) fn paths(&self) -> &Paths {
        &self.paths
    }

    /// A new record begins.
    pub(super) fn begin(&mut self) {
        self.fields.clear();
        self.raw.clear();
        self.depth = 0;
    }

    /// An object begins at a place; what follows are names and values, until [`Typed::end_object`].
    ///
    /// # Errors
    /// In words for people, when it is nested too deeply.
    pub(super) fn begin_object(&mut self, place: Option<PlaceId>) -> Result<(), String> {
        self.nest(place, &Found::Object, b'{')
    }

    /// The object has ended.
    pub(super) fn end_object(&mut self) {
        self.depth -= 1;
        self.raw.push(b'}');
    }

    /// A list begins at a place; what follows are values, until [`Typed::end_list`].
    ///
    /// # Errors
    /// In words for people, when it is nested too deeply.
    pub(super) fn begin_list(&mut self, place: Option<PlaceId>) -> Result<(), String> {
        self.nest(place, &Found::List, b'[')
    }

    /// The list has ended.
    pub(super) fn end_list(&mut self) {
        self.depth -= 1;
        self.raw.push(b']');
    }

    /// The next value of an object has this name, written as [`write::label`] does. What came before is complete.
    ///
    /// # Errors
    /// In words for people, when the JSON of the record becomes too long.
    pub(super) fn name(&mut self, label: &[u8]) -> Result<(), String> {
        self.element()?;
        self.raw.extend_from_slice(label);
        Ok(())
    }

    /// The same for a name that is not known beforehand.
    ///
    /// # Errors
    /// As [`Typed::name`].
    pub(super) fn new_name(&mut self, name: &str) -> Result<(), String> {
        self.element()?;
        write::name(&mut self.raw, name);
        Ok(())
    }

    /// A value of a list follows. What came before is complete.
    ///
    /// # Errors
    /// As [`Typed::name`].
    pub(super) fn element(&mut self) -> Result<(), String> {
        if self.raw.len() > MAX_SHOWN {
            return Err(format!("as JSON, the record has more than {} MiB", MAX_SHOWN >> 20));
        }
        if !matches!(self.raw.last(), Some(b'{' | b'[')) {
            self.raw.push(b',');
        }
        Ok(())
    }

    /// A value stands at a place.
    pub(super) fn scalar(&mut self, place: Option<PlaceId>, value: &Scalar<'_>) {
        let Typed { paths, fields, raw, text, .. } = self;
        let readers = place.map_or(&[][..], |place| paths.here(place));
        for (index, field) in readers.iter().enumerate() {
            let declared = fields.declared(*field);
            let found = value.found(Some(declared.ty), declared.optional, text);
            fields.put(*field, &found);
            if index == 0 {
                value.write(&found, raw);
            }
        }
        if readers.is_empty() {
            let found = value.found(None, false, text);
            value.write(&found, raw);
        }
        for field in place.map_or(&[][..], |place| paths.below(place)) {
            fields.forget(*field);
        }
    }

    /// An exact number stands at a place, divided by 10 to the power of `scale`.
    ///
    /// # Errors
    /// In words for people, when it has too many decimals.
    pub(super) fn decimal(
        &mut self,
        place: Option<PlaceId>,
        unscaled: i128,
        scale: i64,
    ) -> Result<(), String> {
        let allowed = u32::try_from(scale).ok().filter(|scale| *scale <= MAX_SCALE);
        let scale = allowed.ok_or_else(|| {
            format!("a decimal has {scale} decimals, and from 0 to {MAX_SCALE} are allowed")
        })?;
        self.scalar(place, &Scalar::Decimal { unscaled, scale });
        Ok(())
    }

    /// The event of the record that was begun.
    ///
    /// # Errors
    /// When a required field is missing or a value is not what its field declares.
    pub(super) fn finish(&mut self, position: Position, arrival: Timestamp) -> Result<Event, Malformed> {
        self.fields.event(position, arrival, || self.raw.as_slice().into())
    }

    /// Whether the record is an object.
    pub(super) fn is_object(&self) -> bool {
        self.raw.first() == Some(&b'{')
    }

    fn nest(&mut self, place: Option<PlaceId>, found: &Found<'_>, bracket: u8) -> Result<(), String> {
        if self.depth == MAX_DEPTH {
            return Err(format!("more than {MAX_DEPTH} levels of nesting"));
        }
        self.depth += 1;
        if let Some(place) = place {
            self.paths.found(place, found, &mut self.fields);
        }
        self.raw.push(bracket);
        Ok(())
    }
}

impl Scalar<'_> {
    /// What it is for a field of a type, or for none; `text` is where text is made.
    fn found<'t>(&'t self, ty: Option<FieldType>, optional: bool, text: &'t mut String) -> Found<'t> {
        let is_number = matches!(ty, Some(FieldType::Int | FieldType::Float));
        match *self {
            Scalar::Null => Found::Null,
            Scalar::Bool(value) => Found::Bool(value),
            Scalar::Int(value) => Found::Int(value),
            Scalar::Float(value) if value.is_finite() => Found::Float(value),
            // Neither JSON nor the language has these. Many programs write them for nothing.
            Scalar::Float(_) if optional => Found::Null,
            Scalar::Float(value) if value.is_nan() => Found::Text("NaN"),
            Scalar::Float(value) => Found::Text(if value > 0.0 { "Infinity" } else { "-Infinity" }),
            Scalar::Text(value) => Found::Text(value),
            Scalar::Bytes(bytes) => {
                text.clear();
                BASE64_STANDARD.encode_string(bytes, text);
                Found::Text(text)
            }
            Scalar::Symbol { number: Some(number), .. } if is_number => Found::Int(number.into()),
            Scalar::Symbol { name: Some(name), .. } => Found::Text(name),
            Scalar::Symbol { name: None, number } => match (ty, number.unwrap_or_default()) {
                (Some(FieldType::Str), number) => shown(number, text),
                (_, number) => Found::Int(number.into()),
            },
            Scalar::Time { number, .. } if is_number => Found::Int(number.into()),
            Scalar::Time { number, unit } => match time(number, unit) {
                Some(time) if ty == Some(FieldType::Str) => shown(time, text),
                Some(time) => Found::Time(time),
                None if ty.is_none() => Found::Int(number.into()),
                // A number would be read in the units that the field declares.
                None => shown(number, text),
            },
            // As a number it could be counted in anything, so that it is none.
            Scalar::Moment(time) if ty != Some(FieldType::Str) => Found::Time(time),
            Scalar::Moment(time) => shown(time, text),
            Scalar::Date(days) if is_number => Found::Int(days.into()),
            Scalar::Date(days) => match (midnight(days), ty) {
                (None, None) => Found::Int(days.into()),
                (None, _) => shown(days, text),
                (Some(time), Some(FieldType::Timestamp(_))) => Found::Time(time),
                (Some(time), _) => {
                    shown(time, text);
                    text.truncate("0000-00-00".len());
                    Found::Text(text)
                }
            },
            Scalar::Span(span) if span >= Duration::ZERO && ty != Some(FieldType::Str) => Found::Span(span),
            // The language writes no sign.
            Scalar::Span(span) => shown(span, text),
            Scalar::Decimal { unscaled, scale } => decimal(unscaled, scale, ty, text),
        }
    }

    /// Writes what was found as JSON.
    fn write(&self, found: &Found<'_>, raw: &mut Vec<u8>) {
        match (found, *self) {
            // With all its digits. It is read as the same float, which was made of these.
            (Found::Float(_), Scalar::Decimal { unscaled, scale }) => {
                write::plain(raw, &Decimal { unscaled, scale });
            }
            _ => write::found(raw, found),
        }
    }
}

/// What the values at a place can be, as far as a schema says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// Never anything.
    Null,
    Bool,
    Number,
    Text,
    Bytes,
    /// A word, which has no number.
    Symbol,
    /// A word, or its number.
    Enum,
    /// A time or a day, or its number.
    Time,
    /// A time that is no number.
    Moment,
    Span,
    Decimal,
    List,
    Object,
    /// Known from the value only.
    Any,
}

impl Sort {
    /// Whether a field of a type can read it.
    fn fits(self, ty: FieldType) -> bool {
        use FieldType as T;
        match self {
            Sort::Null | Sort::Any => true,
            Sort::Bool => ty == T::Bool,
            Sort::Number => matches!(ty, T::Int | T::Float | T::Timestamp(Some(_))),
            Sort::Text => matches!(ty, T::Str | T::Timestamp(_) | T::Duration | T::Ip),
            Sort::Bytes | Sort::Symbol => ty == T::Str,
            Sort::Enum => matches!(ty, T::Str | T::Int | T::Float),
            Sort::Time => matches!(ty, T::Timestamp(_) | T::Str | T::Int | T::Float),
            Sort::Moment => matches!(ty, T::Timestamp(_) | T::Str),
            Sort::Span => matches!(ty, T::Duration | T::Str),
            Sort::Decimal => matches!(ty, T::Str | T::Int | T::Float),
            Sort::List | Sort::Object => false,
        }
    }

    /// In words.
    const fn words(self) -> &'static str {
        match self {
            Sort::Null => "null",
            Sort::Bool => "true or false",
            Sort::Number => "a number",
            Sort::Text => "text",
            Sort::Bytes => "bytes, which become text",
            Sort::Symbol | Sort::Enum => "a word of an enumeration",
            Sort::Time | Sort::Moment => "a time",
            Sort::Span => "a duration",
            Sort::Decimal => "a decimal",
            Sort::List => "a list",
            Sort::Object => "an object",
            Sort::Any => "anything",
        }
    }
}

/// What of the stream a schema can never fill: required fields that it does not have, and fields of another
/// type. `sorts` is what can stand at the places to which the fields lead.
pub(super) fn misfit(schema: &StreamSchema, paths: &Paths, sorts: &[(PlaceId, Sort)]) -> Option<String> {
    let at = |field: &Field| {
        let place = field.path.iter().try_fold(Paths::ROOT, |place, name| paths.step(place, name));
        sorts.iter().filter(move |(at, _)| Some(*at) == place).map(|(_, sort)| *sort)
    };
    // Inside of values that may be anything, there may be anything.
    let is_open = |field: &Field| {
        let mut place = Paths::ROOT;
        field.path.iter().any(|name| {
            place = paths.step(place, name).unwrap_or(place);
            sorts.contains(&(place, Sort::Any))
        })
    };
    for (index, field) in schema.fields.iter().enumerate() {
        let mut found = at(field).filter(|sort| *sort != Sort::Null).peekable();
        let name = field.path.join(".");
        let Some(first) = found.peek().copied() else {
            if is_required(field, index, schema.time) && !is_open(field) {
                let required = &field.name;
                return Some(format!(
                    "its schema has no `{name}`, which the required field `{required}` reads"
                ));
            }
            continue;
        };
        if !found.any(|sort| sort.fits(field.ty)) {
            let ty = field.ty.value_type();
            return Some(format!(
                "`{name}` is {} in its schema, and the field `{}` is declared as `{ty}`",
                first.words(),
                field.name
            ));
        }
    }
    None
}

/// The time that so many units since 1970 are, if RFC 3339 can write it.
fn time(number: i64, unit: TimeUnit) -> Option<Timestamp> {
    /// The years 0000 to 9999, in microseconds.
    const YEARS: std::ops::Range<i64> = -62_167_219_200_000_000..253_402_300_800_000_000;
    unit.time_of_int(number.into()).filter(|time| YEARS.contains(&time.as_micros()))
}

/// The first moment of a day in UTC, if RFC 3339 can write it.
fn midnight(days: i32) -> Option<Timestamp> {
    time(i64::from(days) * 86_400, TimeUnit::Seconds)
}

/// What an exact number is for a field of a type.
fn decimal(unscaled: i128, scale: u32, ty: Option<FieldType>, text: &mut String) -> Found<'_> {
    const INTEGERS: std::ops::RangeInclusive<i128> = i64::MIN as i128..=u64::MAX as i128;
    let divisor = 10_i128.checked_pow(scale);
    let whole = divisor.filter(|divisor| unscaled % divisor == 0).map(|divisor| unscaled / divisor);
    if let (Some(FieldType::Int), Some(whole)) = (ty, whole.filter(|whole| INTEGERS.contains(whole))) {
        return Found::Int(whole);
    }
    shown(Decimal { unscaled, scale }, text);
    match ty {
        Some(FieldType::Str) => Found::Text(text),
        // At most 39 digits and what stands before them, which a float holds nearly.
        _ => Found::Float(text.parse().unwrap_or_default()),
    }
}

/// The integer, in two's complement and the most significant byte first.
///
/// # Errors
/// In words for people, when it has more than 128 bits.
pub(super) fn unscaled(bytes: &[u8]) -> Result<i128, String> {
    const SIZE: usize = size_of::<i128>();
    let sign = if bytes.first().is_some_and(|first| first & 0x80 != 0) { 0xff } else { 0 };
    let (more, last) = bytes.split_at(bytes.len().saturating_sub(SIZE));
    let is_padding = more.iter().all(|byte| *byte == sign);
    // The sign of what is left must be the same.
    if !is_padding || (!more.is_empty() && (last[0] ^ sign) & 0x80 != 0) {
        return Err("a decimal has more than 128 bits".to_owned());
    }
    let mut whole = [sign; SIZE];
    whole[SIZE - last.len()..].copy_from_slice(last);
    Ok(i128::from_be_bytes(whole))
}

/// A number in decimals, as JSON writes it: with all digits of its fraction.
struct Decimal {
    unscaled: i128,
    scale: u32,
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.unscaled < 0 { "-" } else { "" };
        let (digits, scale) = (self.unscaled.unsigned_abs().to_string(), self.scale as usize);
        if scale == 0 {
            return write!(f, "{sign}{digits}");
        }
        match digits.len().checked_sub(scale) {
            None | Some(0) => write!(f, "{sign}0.{digits:0>scale$}"),
            Some(point) => write!(f, "{sign}{}.{}", &digits[..point], &digits[point..]),
        }
    }
}

/// Something as text.
fn shown(value: impl fmt::Display, text: &mut String) -> Found<'_> {
    text.clear();
    // Writing to memory does not fail.
    let _ = write!(text, "{value}");
    Found::Text(text)
}
