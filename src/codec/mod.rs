//! Decoding: from the bytes of one record to an event of a stream.

pub mod json;

use crate::event::{Event, Position, StreamId, Timestamp};

/// Why a record is not an event of its stream. It goes to quarantine with this reason.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Malformed {
    /// The bytes are not what the codec reads.
    #[error("not a JSON object: {0}")]
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
    /// the stream has no time field).
    ///
    /// # Errors
    /// When the record is not an event of the stream.
    fn decode(&mut self, record: &[u8], position: Position, arrival: Timestamp) -> Result<Event, Malformed>;

    /// The stream that the events belong to.
    fn stream(&self) -> StreamId;
}
