//! JSON objects that have a JSON Schema, one a record.
//!
//! Enters: the bytes of a record, and its schema: the one of the configuration, or the one whose id stands
//! before it ([`super::schemas`]). Leaves: an event, read as the codec for JSON reads it, or why it is none;
//! what the schema does not allow is none either, unless that is not to be asked.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use jsonschema::{PatternOptions, Retrieve, Uri, Validator};
use serde_json::Value as Json;

use crate::event::{Event, Kept, Position, StreamId, StreamSchema, Timestamp};

use super::json::{self, JsonDecoder};
use super::schemas::{self, Answer, Kind, Known, Reference, SchemaId};
use super::{Decoder, Fields, Malformed};

/// How often a regular expression may go back before a text counts as one that does not match.
const MAX_BACKTRACKS: usize = 100_000;
/// The longest reason that a record does not fit its schema, in characters.
const MAX_REASON: usize = 200;

/// With which schema records are written, and what it is for.
#[derive(Clone, Debug)]
pub enum Settings {
    /// All have to fit this one. They are JSON and nothing else.
    Local(Arc<Parsed>),
    /// Each begins with the id of one.
    Registry {
        /// Whether they have to fit it.
        validate: bool,
    },
}

/// A schema against which records can be held.
pub struct Parsed(Validator);

impl fmt::Debug for Parsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parsed").finish_non_exhaustive()
    }
}

impl Parsed {
    /// The schema that a text writes, which may name the references. Nothing else is fetched.
    ///
    /// # Errors
    /// In words for people, when it is none.
    pub fn new(text: &str, references: &[Reference]) -> Result<Parsed, String> {
        let json = |text: &str| serde_json::from_str(text).map_err(|error| error.to_string());
        let schema: Json = json(text)?;
        let mut others = HashMap::new();
        for reference in references {
            let schema = json(&reference.text).map_err(|why| format!("`{}`: {why}", reference.name))?;
            others.insert(reference.name.to_string(), schema);
        }
        let patterns = PatternOptions::fancy_regex().backtrack_limit(MAX_BACKTRACKS);
        let options = jsonschema::options().with_retriever(Others(others)).with_pattern_options(patterns);
        options.build(&schema).map(Parsed).map_err(|why| why.to_string())
    }

    /// Whether a record fits the schema.
    ///
    /// # Errors
    /// In words for people, when it does not.
    fn check(&self, record: &[u8]) -> Result<(), String> {
        let record: Json = serde_json::from_slice(record).map_err(|error| error.to_string())?;
        self.0.validate(&record).map_err(|why| {
            let (place, mut reason) = (why.instance_path().to_string(), why.to_string());
            if let Some((end, _)) = reason.char_indices().nth(MAX_REASON) {
                reason.truncate(end);
                reason.push('…');
            }
            if place.is_empty() { reason } else { format!("{reason}, at {place}") }
        })
    }
}

/// Schemas that others name.
struct Others(HashMap<String, Json>);

impl Retrieve for Others {
    /// By the URI itself, or by what the schema has written for it: a registry's references have no base.
    fn retrieve(&self, uri: &Uri<String>) -> Result<Json, Box<dyn std::error::Error + Send + Sync>> {
        let uri = uri.as_str();
        let is_end = |name: &str| uri.strip_suffix(name).is_some_and(|base| base.ends_with('/'));
        let found =
            self.0.get(uri).or_else(|| self.0.iter().find(|(name, _)| is_end(name)).map(|(_, one)| one));
        found.cloned().ok_or_else(|| format!("there is no reference `{uri}`").into())
    }
}

/// Decodes records.
#[derive(Debug)]
pub struct JsonSchemaDecoder {
    validators: Validators,
    json: JsonDecoder,
}

#[derive(Debug)]
enum Validators {
    /// One for all records.
    One(Arc<Parsed>),
    /// None, though records begin with an id.
    None,
    /// By the ids of schemas.
    ById(Known<Parsed>),
}

impl JsonSchemaDecoder {
    /// A decoder for records of `stream`.
    ///
    /// # Panics
    /// When the schema's time field is not a timestamp of the schema: a mistake in the caller.
    pub fn new(
        stream: StreamId,
        schema: &StreamSchema,
        kept: Kept,
        settings: &Settings,
    ) -> JsonSchemaDecoder {
        let validators = match settings {
            Settings::Local(one) => Validators::One(Arc::clone(one)),
            Settings::Registry { validate: false } => Validators::None,
            Settings::Registry { validate: true } => Validators::ById(Known::default()),
        };
        JsonSchemaDecoder { validators, json: JsonDecoder::keeping(kept, stream, schema) }
    }
}

impl Decoder for JsonSchemaDecoder {
    fn decode(
        &mut self,
        record: &[u8],
        position: Position,
        arrival: Timestamp,
    ) -> Result<Option<Event>, Malformed> {
        let no_record = |why| Malformed::Syntax(format!("not JSON with a schema: {why}"));
        let (validator, payload) = match &mut self.validators {
            Validators::One(validator) => (Some(&**validator), record),
            Validators::None => (None, schemas::split(record).map_err(no_record)?.1),
            Validators::ById(known) => {
                let (validator, payload) = known.of(record).map_err(no_record)?;
                (Some(&*validator), payload)
            }
        };
        let event = self.json.decode(payload, position, arrival)?;
        match validator.map(|validator| validator.check(json::trim(payload))) {
            Some(Err(why)) => Err(Malformed::Syntax(format!("it does not fit its JSON Schema: {why}"))),
            Some(Ok(())) | None => Ok(event),
        }
    }

    fn stream(&self) -> StreamId {
        self.json.stream()
    }

    fn fields(&mut self) -> &mut Fields {
        self.json.fields()
    }

    fn needs(&self, record: &[u8]) -> Option<SchemaId> {
        match &self.validators {
            Validators::One(_) | Validators::None => None,
            Validators::ById(known) => known.needs(record),
        }
    }

    fn give(&mut self, id: SchemaId, answer: &Answer) {
        let Validators::ById(known) = &mut self.validators else { return };
        known.give(id, answer, Kind::Json, |schema| Parsed::new(&schema.text, &schema.references));
    }
}

#[cfg(test)]
mod tests;
