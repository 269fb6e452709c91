//! What the codecs for plain text share: from the names and texts of a record to an event.
//!
//! Enters: names, each with a text. Leaves: an event, or why there is none.
//!
//! - A field is looked up under its path with dots between the names: `user string from "client.user"`
//!   reads the column, key or group `client.user`.
//! - A text becomes a number or a boolean only where the field is declared as one; from there on the
//!   types are as strict as those of JSON, and converted by the same code (`convert`).
//! - An empty text is null where the field is optional or no string, and the empty text otherwise.
//! - Blanks around a text belong to a string, and to nothing else.
//! - The event's record, which alerts show, is an object with all that the record held, in its order: a
//!   declared field as the codec for JSON would read it to the same value (numbers as they were
//!   written, if JSON writes them so), all else as text.

use compact_str::CompactString;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::event::{Event, Field, FieldType, Kept, Position, StreamId, StreamSchema, Timestamp};

use super::Malformed;
use super::convert::Found;
use super::fields::{Fields, is_required};
use super::write;

/// Most names that an error lists.
const MAX_LISTED: usize = 3;

/// The fields that read one name.
type Readers = SmallVec<[usize; 2]>;

/// Takes the texts of one record after the other.
#[derive(Debug)]
pub(super) struct Texts {
    fields: Fields,
    /// Names come from the schema, so that no sender can choose them to collide.
    names: HashMap<CompactString, Readers, FixedState>,
    /// The object that is kept of the record, as far as it is known.
    raw: Vec<u8>,
}

/// A name that many records have, looked up once.
#[derive(Clone, Debug)]
pub(super) struct Column {
    readers: Readers,
    /// `"name":` as in an object.
    label: Box<[u8]>,
}

impl Texts {
    /// For the records of `stream`, of which events keep these fields.
    ///
    /// # Panics
    /// When the schema's time field is not a timestamp of the schema: a mistake in the caller.
    pub(super) fn new(stream: StreamId, schema: &StreamSchema, kept: Kept) -> Texts {
        let mut names: HashMap<CompactString, Readers, FixedState> = HashMap::default();
        for (index, field) in schema.fields.iter().enumerate() {
            names.entry(name(field)).or_default().push(index);
        }
        Texts { fields: Fields::new(stream, schema, kept), names, raw: Vec::new() }
    }

    /// The stream that the events belong to.
    pub(super) fn stream(&self) -> StreamId {
        self.fields.stream()
    }

    /// What is known of the fields.
    pub(super) fn fields(&mut self) -> &mut Fields {
        &mut self.fields
    }

    /// What is known about a name.
    pub(super) fn column(&self, name: &str) -> Column {
        Column { readers: self.names.get(name).cloned().unwrap_or_default(), label: write::label(name) }
    }

    /// Whether a field reads that column.
    pub(super) fn is_read(column: &Column) -> bool {
        !column.readers.is_empty()
    }

    /// A new record begins.
    pub(super) fn begin(&mut self) {
        self.fields.clear();
        self.raw.clear();
        self.raw.push(b'{');
    }

    /// The record has a text under a name; the last one counts.
    pub(super) fn put(&mut self, name: &str, text: &str) {
        self.put_as(name, text, &Found::Text(text));
    }

    /// The same; `undeclared` is how the record shows it where no field reads it.
    pub(super) fn put_as(&mut self, name: &str, text: &str, undeclared: &Found<'_>) {
        self.separate();
        write::name(&mut self.raw, name);
        let readers = self.names.get(name).map_or(&[][..], |readers| readers);
        give(&mut self.fields, &mut self.raw, readers, text, undeclared);
    }

    /// The record has a text in a column.
    pub(super) fn put_column(&mut self, column: &Column, text: &str) {
        self.put_column_as(column, text, &Found::Text(text));
    }

    /// The same; `undeclared` is how the record shows it where no field reads it.
    pub(super) fn put_column_as(&mut self, column: &Column, text: &str, undeclared: &Found<'_>) {
        self.separate();
        self.raw.extend_from_slice(&column.label);
        give(&mut self.fields, &mut self.raw, &column.readers, text, undeclared);
    }

    /// The event of the record that was begun.
    ///
    /// # Errors
    /// When a required field is missing or a text is not what its field declares.
    pub(super) fn finish(&mut self, position: Position, arrival: Timestamp) -> Result<Event, Malformed> {
        self.raw.push(b'}');
        self.fields.event(position, arrival, || self.raw.as_slice().into())
    }

    fn separate(&mut self) {
        if self.raw.len() > 1 {
            self.raw.push(b',');
        }
    }
}

/// Gives the text to the fields that read it, and writes it as the first of them reads it.
fn give(fields: &mut Fields, raw: &mut Vec<u8>, readers: &[usize], text: &str, undeclared: &Found<'_>) {
    for (index, field) in readers.iter().enumerate() {
        let found = read(fields.declared(*field), text);
        fields.put(*field, &found);
        if index == 0 {
            write_found(raw, &found, text.trim_matches(BLANKS));
        }
    }
    if readers.is_empty() {
        write_found(raw, undeclared, text);
    }
}

const BLANKS: [char; 2] = [' ', '\t'];

/// What a text is for a field: of a type that JSON tells apart, so that the rules for JSON decide the
/// rest.
fn read<'a>(field: &Field, text: &'a str) -> Found<'a> {
    if field.ty == FieldType::Str {
        return if text.is_empty() && field.optional { Found::Null } else { Found::Text(text) };
    }
    let text = text.trim_matches(BLANKS);
    match (field.ty, text) {
        (_, "") => Found::Null,
        (FieldType::Bool, "true") => Found::Bool(true),
        (FieldType::Bool, "false") => Found::Bool(false),
        (FieldType::Int | FieldType::Float | FieldType::Timestamp(Some(_)), _) => {
            number(text).unwrap_or(Found::Text(text))
        }
        _ => Found::Text(text),
    }
}

/// The number that a text writes in decimals: exact where 64 bits hold it, else the nearest float.
/// More is read than JSON allows: a plus sign, zeros in front, a point at either end.
fn number(text: &str) -> Option<Found<'static>> {
    const INTEGERS: std::ops::RangeInclusive<i128> = i64::MIN as i128..=u64::MAX as i128;
    // No integer is -0, which stays what it is in a float.
    let is_integer = |int: &i128| INTEGERS.contains(int) && (*int != 0 || !text.starts_with('-'));
    if let Some(int) = text.parse().ok().filter(is_integer) {
        return Some(Found::Int(int));
    }
    // Rust reads words such as `inf` and `nan` as well.
    let is_decimal = text.bytes().any(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|float: &f64| is_decimal && float.is_finite()).map(Found::Float)
}

/// Writes what was found as JSON; `text` is how a number was written.
fn write_found(raw: &mut Vec<u8>, found: &Found<'_>, text: &str) {
    let is_json = || serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    match found {
        Found::Int(_) | Found::Float(_) if is_json() => raw.extend_from_slice(text.as_bytes()),
        found => write::found(raw, found),
    }
}

/// The record as text.
///
/// # Errors
/// When it is not UTF-8, with the place.
pub(super) fn utf8(record: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(record)
        .map_err(|error| format!("invalid UTF-8 at byte offset {}", error.valid_up_to()))
}

/// What the record should be but is not, and why.
pub(super) fn malformed(what: &str, why: &str) -> Malformed {
    Malformed::Syntax(format!("{what}: {why}"))
}

/// The column of the record, counted from 1, at which its last part begins.
pub(super) fn place(record: &str, last: &str) -> String {
    let before = &record[..record.len() - last.len()];
    format!("column {}", before.chars().count() + 1)
}

/// The name under which a field is looked up.
pub(super) fn name(field: &Field) -> CompactString {
    match field.path.as_slice() {
        [name] => name.clone(),
        path => path.join(".").into(),
    }
}

/// Says which names required fields read that `has` does not know: `whole` has no `part` of that name.
pub(super) fn lacking(
    schema: &StreamSchema,
    (whole, part): (&str, &str),
    has: impl Fn(&str) -> bool,
) -> Option<String> {
    let is_lacking =
        |(index, field): &(usize, &Field)| is_required(field, *index, schema.time) && !has(&name(field));
    let lacking: Vec<&Field> =
        schema.fields.iter().enumerate().filter(is_lacking).map(|(_, field)| field).collect();
    let (first, others) = lacking.split_first()?;
    if others.is_empty() {
        let required = &first.name;
        return Some(format!(
            "{whole} has no {part} `{}`, which the required field `{required}` reads",
            name(first)
        ));
    }
    let listed: Vec<String> =
        lacking.iter().take(MAX_LISTED).map(|field| format!("`{}`", name(field))).collect();
    let more = if lacking.len() > MAX_LISTED { ", …" } else { "" };
    Some(format!("{whole} has no {part}s {}{more}, which required fields read", listed.join(", ")))
}
