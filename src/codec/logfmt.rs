//! Pairs of keys and values on a line (logfmt): `level=info msg="card read" declined`.
//!
//! Enters: the bytes of a line. Leaves: an event, or why there is none.
//!
//! - Pairs are separated by blanks (and control characters). A key is anything without blanks, `=` and
//!   quotation marks; a key alone stands for `true`.
//! - A value is anything without blanks and quotation marks, or a text in quotation marks that is written
//!   as in JSON: `\"`, `\\`, `\n`, `\u00e9`.
//! - If a key stands twice, its last value counts, as in JSON.
//!
//! There is no standard; this is what the library of the format's inventors and its successors read, which
//! pass over what they cannot read or refuse it. Here it is refused.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::event::{Event, Kept, Position, StreamId, StreamSchema, Timestamp};

use super::convert::Found;
use super::text::{Texts, malformed, place, utf8};
use super::{Decoder, Fields, Malformed};

/// Decodes lines of keys and values.
#[derive(Debug)]
pub struct LogfmtDecoder {
    texts: Texts,
}

impl LogfmtDecoder {
    /// A decoder for records of `stream`.
    ///
    /// # Panics
    /// When the schema's time field is not a timestamp of the schema: a mistake in the caller.
    pub fn new(stream: StreamId, schema: &StreamSchema, kept: Kept) -> LogfmtDecoder {
        LogfmtDecoder { texts: Texts::new(stream, schema, kept) }
    }

    fn read(&mut self, record: &[u8]) -> Result<(), String> {
        let record = utf8(record)?;
        // A byte order mark, which some programs write at the start of a file, is no part of a key.
        let mut rest = skip_blanks(record.strip_prefix('\u{feff}').unwrap_or(record));
        if rest.is_empty() {
            return Err("the record is empty".to_owned());
        }
        while !rest.is_empty() {
            let (key, behind) = rest.split_at(rest.find(ends_key).unwrap_or(rest.len()));
            if key.is_empty() {
                return Err(format!("expected a key at {}", place(record, rest)));
            }
            rest = match behind.strip_prefix('=') {
                None => {
                    self.texts.put_as(key, "true", &Found::Bool(true));
                    behind
                }
                Some(value) => {
                    let (value, behind) =
                        read_value(value).map_err(|(why, at)| format!("{why} at {}", place(record, at)))?;
                    self.texts.put(key, &value);
                    behind
                }
            };
            let next = skip_blanks(rest);
            if next.len() == rest.len()
                && let Some(unexpected) = rest.chars().next()
            {
                return Err(format!("unexpected {unexpected:?} at {}", place(record, rest)));
            }
            rest = next;
        }
        Ok(())
    }
}

impl Decoder for LogfmtDecoder {
    fn decode(
        &mut self,
        record: &[u8],
        position: Position,
        arrival: Timestamp,
    ) -> Result<Option<Event>, Malformed> {
        self.texts.begin();
        self.read(record).map_err(|why| malformed("not logfmt", &why))?;
        self.texts.finish(position, arrival).map(Some)
    }

    fn stream(&self) -> StreamId {
        self.texts.stream()
    }

    fn fields(&mut self) -> &mut Fields {
        self.texts.fields()
    }
}

/// The value at the beginning of a text, and what follows it; or what is wrong, and where.
fn read_value(text: &str) -> Result<(Cow<'_, str>, &str), (String, &str)> {
    let Some(inside) = text.strip_prefix('"') else {
        let (value, behind) = text.split_at(text.find(ends_value).unwrap_or(text.len()));
        return Ok((Cow::Borrowed(value), behind));
    };
    let mut escaped = false;
    let is_end = |byte: &u8| {
        let is_end = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        is_end
    };
    let Some(length) = inside.as_bytes().iter().position(is_end) else {
        return Err(("the quotation mark is not closed".to_owned(), text));
    };
    let (value, behind) = (&inside[..length], &inside[length + 1..]);
    if !value.bytes().any(|byte| byte == b'\\' || byte < b' ') {
        return Ok((Cow::Borrowed(value), behind));
    }
    match serde_json::from_str(&text[..length + 2]) {
        Ok(value) => Ok((Cow::Owned(value), behind)),
        Err(error) => {
            let reason = error.to_string();
            let reason = reason.rsplit_once(" at line ").map_or(reason.as_str(), |(reason, _)| reason);
            Err((format!("{reason} in the text"), text))
        }
    }
}

fn skip_blanks(text: &str) -> &str {
    text.trim_start_matches(is_blank)
}

/// Blanks and control characters.
fn is_blank(c: char) -> bool {
    c <= ' '
}

fn ends_key(c: char) -> bool {
    is_blank(c) || c == '=' || c == '"'
}

fn ends_value(c: char) -> bool {
    is_blank(c) || c == '"'
}
