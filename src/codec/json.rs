//! JSON objects, one a record.
//!
//! Enters: the bytes of a record. Leaves: an event with the fields of its stream, or why it is none.
//!
//! - No tree: the record is made a flat list of what it holds (`tape`), and the paths of the fields are
//!   compiled into a trie of names (`super::paths`) that is walked along with it (`walk`). What no field reads is
//!   skipped. Text is borrowed until it becomes a value that is kept.
//! - What the first parser refuses is read again by another (`reread`), which says what is wrong.
//! - Types are strict: numbers are never read from text or text from numbers. See `convert`.
//! - If a name stands twice in an object, its last value counts, as in most JSON readers.
//! - A path that meets something else than an object finds nothing: its field is missing.
//! - The record is kept for alerts byte for byte, but without white space (and a byte order mark)
//!   around the object, and with blanks for line ends inside of it. That changes no value, because
//!   JSON text cannot hold a line end, and it keeps an alert on one line.
//! - Memory is bounded by the size of the record and nesting by [`MAX_DEPTH`].

mod reread;
mod tape;
#[cfg(test)]
mod tests;
mod walk;

use crate::event::{Event, FieldType, Kept, Position, StreamId, StreamSchema, Timestamp, Value};

use self::tape::Parser;

use super::convert::{Found, convert};
use super::fields::Fields;
use super::paths::Paths;
use super::{Decoder, Malformed};

/// How many objects and lists may stand inside of each other. Common readers refuse 128, and the
/// event has to leave room for the levels that an alert puts around it.
pub const MAX_DEPTH: usize = 120;

/// The value of a field of type `ty` for which a record holds `json`; `None` when it does not fit.
pub fn read(ty: FieldType, json: &serde_json::Value) -> Option<Value> {
    use serde_json::Value as Json;
    let found = match json {
        Json::Null => return Some(Value::Null),
        Json::Bool(value) => Found::Bool(*value),
        Json::Number(number) => match number.as_i64() {
            Some(int) => Found::Int(int.into()),
            None => number.as_u64().map_or_else(
                || Found::Float(number.as_f64().unwrap_or(f64::NAN)),
                |int| Found::Int(int.into()),
            ),
        },
        Json::String(text) => Found::Text(text),
        Json::Array(_) => Found::List,
        Json::Object(_) => Found::Object,
    };
    convert(ty, &found)
}

/// Decodes JSON objects.
#[derive(Debug)]
pub struct JsonDecoder {
    parser: Parser,
    paths: Paths,
    fields: Fields,
}

impl JsonDecoder {
    /// A decoder for records of `stream` whose events keep all fields.
    ///
    /// # Panics
    /// When the schema's time field is not a timestamp of the schema: a mistake in the caller.
    pub fn new(stream: StreamId, schema: &StreamSchema) -> JsonDecoder {
        JsonDecoder::keeping(Kept::ALL, stream, schema)
    }

    /// A decoder whose events keep these fields. The others are checked all the same.
    ///
    /// # Panics
    /// As [`JsonDecoder::new`].
    pub fn keeping(kept: Kept, stream: StreamId, schema: &StreamSchema) -> JsonDecoder {
        let paths = Paths::new(&schema.fields);
        JsonDecoder { parser: Parser::new(), paths, fields: Fields::new(stream, schema, kept) }
    }

    /// Gives the fields what the record holds for them, unless the first parser refuses it.
    fn read(&mut self, object: &[u8]) -> bool {
        let (paths, fields) = (&mut self.paths, &mut self.fields);
        fields.clear();
        self.parser.parse(object, |nodes| walk::read(paths, nodes, fields)) == Some(true)
    }

    /// The same by the second parser, which says why it refuses the record.
    #[cold]
    fn read_again(&mut self, record: &[u8], object: &[u8]) -> Result<(), Malformed> {
        let text = check(record, object)?;
        self.fields.clear();
        reread::read(text, &self.paths, &mut self.fields).map_err(|error| syntax(record, object, &error))
    }
}

impl Decoder for JsonDecoder {
    fn decode(
        &mut self,
        record: &[u8],
        position: Position,
        arrival: Timestamp,
    ) -> Result<Option<Event>, Malformed> {
        let object = trim(record);
        if !self.read(object) {
            self.read_again(record, object)?;
        }
        self.fields.event(position, arrival, || one_line(object)).map(Some)
    }

    fn stream(&self) -> StreamId {
        self.fields.stream()
    }

    fn fields(&mut self) -> &mut Fields {
        &mut self.fields
    }
}

/// The record without white space around it and without a byte order mark, which some programs
/// write at the start of a file.
pub(super) fn trim(record: &[u8]) -> &[u8] {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let record = record.strip_prefix(b"\xef\xbb\xbf").unwrap_or(record);
    let start = record.iter().position(|byte| !blank(byte)).unwrap_or(record.len());
    let end = record.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last + 1);
    &record[start..end]
}

/// The bytes to keep.
fn one_line(object: &[u8]) -> Box<[u8]> {
    let mut raw: Box<[u8]> = object.into();
    if let Some(first) = memchr::memchr2(b'\n', b'\r', object) {
        let is_end = |byte: &&mut u8| matches!(byte, b'\n' | b'\r');
        raw[first..].iter_mut().filter(is_end).for_each(|byte| *byte = b' ');
    }
    raw
}

/// What can be said of the record before it is parsed: it is UTF-8, begins like an object and is
/// not nested too deeply.
fn check<'a>(record: &[u8], object: &'a [u8]) -> Result<&'a str, Malformed> {
    let fail = |offset, reason: &str| {
        let column = column(record, object, offset);
        Err(malformed(&format!("{reason} at column {column}")))
    };
    // Skipped values are not looked at closely by the parser, hence all of the record here.
    let text = match std::str::from_utf8(object) {
        Ok(text) => text,
        Err(error) => return fail(error.valid_up_to(), "invalid UTF-8"),
    };
    match text.chars().next() {
        None => return Err(malformed("the record is empty")),
        Some('{') => {}
        Some(other) => return fail(0, &format!("expected `{{`, found {other:?}")),
    }
    match too_deep(object) {
        Some(offset) => fail(offset, &format!("more than {MAX_DEPTH} levels of nesting")),
        None => Ok(text),
    }
}

/// The place of the first bracket that opens one level too many. The second parser limits the depth
/// of what it reads, but not of what it skips.
fn too_deep(object: &[u8]) -> Option<usize> {
    // `[` and `{` differ in one bit. Few records have as many brackets as levels are allowed.
    let opened = object.iter().filter(|byte| **byte | 0x20 == b'{').count();
    if opened <= MAX_DEPTH {
        return None;
    }
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for (offset, byte) in object.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'[' | b'{' if depth == MAX_DEPTH => return Some(offset),
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

fn malformed(reason: &str) -> Malformed {
    Malformed::Syntax(format!("not a JSON object: {reason}"))
}

/// The parser's error without the lines that it counts: a record has columns only.
fn syntax(record: &[u8], object: &[u8], error: &serde_json::Error) -> Malformed {
    let message = error.to_string();
    let reason = message.rsplit_once(" at line ").map_or(message.as_str(), |(reason, _)| reason);
    let line = match error.line() {
        0 | 1 => 0,
        line => {
            let ends = object.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
            ends.map(|(offset, _)| offset + 1).nth(line - 2).unwrap_or(0)
        }
    };
    let column = column(record, object, (line + error.column()).saturating_sub(1));
    malformed(&format!("{reason} at column {column}"))
}

/// The number, counted from 1, of the character of the record that stands at `offset` in the
/// object.
fn column(record: &[u8], object: &[u8], offset: usize) -> usize {
    let before = object.as_ptr().addr() - record.as_ptr().addr();
    let until = &record[..(before + offset).min(record.len())];
    // The bytes that continue a character are 0b10……
    1 + until.iter().filter(|byte| *byte & 0xc0 != 0x80).count()
}
