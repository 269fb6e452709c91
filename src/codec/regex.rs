//! Text taken apart by a regular expression with named groups.
//!
//! Enters: the bytes of a record. Leaves: an event whose fields are what the groups matched, or that the
//! record does not match.
//!
//! - The expression may match anywhere in the record; `^` and `$` bind it to the ends.
//! - A group that took no part in the match is missing; one that matched nothing is an empty text.
//! - Matching takes time in proportion to the length of the record, whatever the expression. Its size is
//!   bounded.
//! - Only what the groups matched is kept for alerts.

#[cfg(test)]
mod tests;

use regex::{CaptureLocations, Regex, RegexBuilder};

use crate::event::{Event, Kept, Position, StreamId, StreamSchema, Timestamp};

use super::text::{Column, Texts, lacking, malformed, utf8};
use super::{Decoder, Fields, Malformed};

/// Largest compiled expression, in bytes.
const MAX_SIZE: usize = 1 << 20;
/// Most memory for its lazy automaton, in bytes.
const MAX_CACHE: usize = 2 << 20;

/// How the records are taken apart.
#[derive(Clone, Debug)]
pub struct Settings {
    pattern: Regex,
}

impl Settings {
    /// Records that match a regular expression; its groups are named after what fields read.
    ///
    /// # Errors
    /// In words for people, when it is no expression, has no named group or is too large.
    pub fn new(pattern: &str) -> Result<Settings, String> {
        let pattern = RegexBuilder::new(pattern)
            .size_limit(MAX_SIZE)
            .dfa_size_limit(MAX_CACHE)
            .build()
            .map_err(|error| reason(&error))?;
        if pattern.capture_names().flatten().next().is_none() {
            return Err(
                "it has no named group such as `(?<card>[0-9]+)`, so that no field could be read".to_owned()
            );
        }
        Ok(Settings { pattern })
    }

    /// The expression.
    pub fn pattern(&self) -> &str {
        self.pattern.as_str()
    }

    /// Which groups the stream needs that the expression does not have.
    pub(super) fn misfit(&self, schema: &StreamSchema) -> Option<String> {
        lacking(schema, ("the pattern", "group"), |name| {
            self.pattern.capture_names().flatten().any(|group| group == name)
        })
    }
}

/// Why an expression is refused, in a few words.
fn reason(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(limit) => {
            format!("it needs more than {limit} bytes; repeat less, `[a-z0-9_]` is far smaller than `\\w`")
        }
        // The library's message draws the pattern over several lines; its last line says what is wrong.
        error => {
            let message = error.to_string();
            message.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
        }
    }
}

/// Decodes records that match an expression.
#[derive(Debug)]
pub struct RegexDecoder {
    pattern: Regex,
    /// Where the groups of the last record stood.
    places: CaptureLocations,
    /// The named groups with their numbers.
    groups: Vec<(usize, Column)>,
    texts: Texts,
}

impl RegexDecoder {
    /// A decoder for records of `stream`.
    ///
    /// # Panics
    /// When the schema's time field is not a timestamp of the schema: a mistake in the caller.
    pub fn new(stream: StreamId, schema: &StreamSchema, kept: Kept, settings: &Settings) -> RegexDecoder {
        let texts = Texts::new(stream, schema, kept);
        let names = settings.pattern.capture_names().enumerate();
        let groups = names.filter_map(|(number, name)| Some((number, texts.column(name?)))).collect();
        let places = settings.pattern.capture_locations();
        RegexDecoder { pattern: settings.pattern.clone(), places, groups, texts }
    }
}

impl Decoder for RegexDecoder {
    fn decode(
        &mut self,
        record: &[u8],
        position: Position,
        arrival: Timestamp,
    ) -> Result<Option<Event>, Malformed> {
        let text = utf8(record).map_err(|why| malformed("not text", &why))?;
        if self.pattern.captures_read(&mut self.places, text).is_none() {
            return Err(Malformed::Syntax("the record does not match the pattern".to_owned()));
        }
        self.texts.begin();
        for (number, column) in &self.groups {
            if let Some((start, end)) = self.places.get(*number) {
                self.texts.put_column(column, &text[start..end]);
            }
        }
        self.texts.finish(position, arrival).map(Some)
    }

    fn stream(&self) -> StreamId {
        self.texts.stream()
    }

    fn fields(&mut self) -> &mut Fields {
        self.texts.fields()
    }
}
