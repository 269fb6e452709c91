//! Decoding: from the bytes of one record to an event of a stream.

#[cfg(feature = "codecs")]
pub mod avro;
pub mod beside;
mod convert;
pub mod csv;
mod fields;
pub mod json;
#[cfg(feature = "codecs")]
pub mod json_schema;
pub mod logfmt;
mod paths;
#[cfg(feature = "codecs")]
pub mod protobuf;
pub mod regex;
pub mod schemas;
pub mod syslog;
#[cfg(test)]
mod tests;
mod text;
#[cfg(feature = "codecs")]
mod typed;
mod write;

use crate::event::{Event, Kept, Position, StreamId, StreamSchema, Timestamp};

use self::schemas::{Answer, SchemaId};

pub use self::fields::Fields;

/// Why a record is not an event of its stream. It goes to quarantine with this reason.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Malformed {
    /// The bytes are not what the codec reads: what they should be, and where they are not.
    #[error("{0}")]
    Syntax(String),
    /// A field that may not be missing is missing or null.
    #[error("the required field `{field}` is missing")]
    Missing {
        /// The field.
        field: String,
    },
    /// A field holds something else than declared.
    #[error("the field `{field}` should be {expected}, but is {found}")]
    WrongType {
        /// The field.
        field: String,
        /// The declared type, in words.
        expected: String,
        /// What was found, shortened.
        found: String,
    },
}

/// Reads records of one stream. Implementations may keep buffers between calls, which is why
/// decoding takes `&mut self`.
pub trait Decoder: Send {
    /// The event in `record`, which stood at `position` and arrived at `arrival` (its event time if
    /// the stream has no time field). `None` when the record is as it should be but carries no event,
    /// as the header of a CSV file.
    ///
    /// # Errors
    /// When the record is not an event of the stream.
    fn decode(
        &mut self,
        record: &[u8],
        position: Position,
        arrival: Timestamp,
    ) -> Result<Option<Event>, Malformed>;

    /// The stream that the events belong to.
    fn stream(&self) -> StreamId;

    /// What it knows of the fields of the stream, for what a record has [besides its bytes](Fields::beside).
    fn fields(&mut self) -> &mut Fields;

    /// The record that stood before the last one and without which that cannot be read, such as the
    /// header of a CSV file; `None` if it can be read by itself.
    fn header(&self) -> Option<&[u8]> {
        None
    }

    /// The record from which it has learnt what the others mean; `None` if there was none. A new decoder
    /// that is given it first goes on as this one would.
    fn learnt(&self) -> Option<&[u8]> {
        None
    }

    /// The schema that the decoder has to be [given](Decoder::give) before it can decode `record`; `None`
    /// when it knows all that it needs. Records of one schema follow each other mostly, so that this is
    /// cheap enough to be asked of each.
    fn needs(&self, record: &[u8]) -> Option<SchemaId> {
        let _ = record;
        None
    }

    /// Says what is known of a schema. A schema is remembered. That there is none counts for the next
    /// record only, as there may be one later.
    fn give(&mut self, id: SchemaId, answer: &Answer) {
        let _ = (id, answer);
    }
}

/// How the records of a source are written, with all that is set about it.
#[derive(Clone, Debug)]
pub enum Format {
    /// JSON objects.
    Json,
    /// Comma-separated values.
    Csv(csv::Settings),
    /// Keys and values on a line.
    Logfmt,
    /// Messages of the syslog protocols.
    Syslog,
    /// Text that matches a regular expression.
    Regex(regex::Settings),
    /// Avro.
    #[cfg(feature = "codecs")]
    Avro(avro::Settings),
    /// Protocol Buffers.
    #[cfg(feature = "codecs")]
    Protobuf(protobuf::Settings),
    /// JSON that has a schema.
    #[cfg(feature = "codecs")]
    JsonSchema(json_schema::Settings),
}

impl Format {
    /// A decoder for the records of one partition of `stream`, from its beginning, whose events keep
    /// these fields: [`crate::program::Program::kept`]. The others are checked all the same.
    ///
    /// # Panics
    /// When the schema's time field is not a timestamp of the schema: a mistake in the caller.
    pub fn decoder(&self, stream: StreamId, schema: &StreamSchema, kept: Kept) -> Box<dyn Decoder> {
        match self {
            Format::Json => Box::new(json::JsonDecoder::keeping(kept, stream, schema)),
            Format::Csv(settings) => Box::new(csv::CsvDecoder::new(stream, schema, kept, settings)),
            Format::Logfmt => Box::new(logfmt::LogfmtDecoder::new(stream, schema, kept)),
            Format::Syslog => Box::new(syslog::SyslogDecoder::new(stream, schema, kept)),
            Format::Regex(settings) => Box::new(regex::RegexDecoder::new(stream, schema, kept, settings)),
            #[cfg(feature = "codecs")]
            Format::Avro(settings) => Box::new(avro::AvroDecoder::new(stream, schema, kept, settings)),
            #[cfg(feature = "codecs")]
            Format::Protobuf(settings) => {
                Box::new(protobuf::ProtobufDecoder::new(stream, schema, kept, settings))
            }
            #[cfg(feature = "codecs")]
            Format::JsonSchema(settings) => {
                Box::new(json_schema::JsonSchemaDecoder::new(stream, schema, kept, settings))
            }
        }
    }

    /// Whether the first record of a partition says what the others mean.
    pub fn has_header(&self) -> bool {
        matches!(self, Format::Csv(settings) if settings.columns().is_none())
    }

    /// Whether records are objects of JSON and nothing else.
    pub fn is_json(&self) -> bool {
        match self {
            Format::Json => true,
            #[cfg(feature = "codecs")]
            Format::JsonSchema(settings) => matches!(settings, json_schema::Settings::Local(_)),
            _ => false,
        }
    }

    /// What of the stream the format can never fill, in words for people; `None` when every field
    /// can be.
    pub fn misfit(&self, schema: &StreamSchema) -> Option<String> {
        match self {
            Format::Json | Format::Logfmt => None,
            Format::Csv(settings) => settings.misfit(schema),
            Format::Syslog => syslog::misfit(schema),
            Format::Regex(settings) => settings.misfit(schema),
            #[cfg(feature = "codecs")]
            Format::Avro(settings) => settings.misfit(schema),
            #[cfg(feature = "codecs")]
            Format::Protobuf(settings) => settings.misfit(schema),
            #[cfg(feature = "codecs")]
            Format::JsonSchema(_) => None,
        }
    }
}
