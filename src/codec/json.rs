//! JSON objects, one a record.

use std::sync::Arc;

use crate::event::{Event, Position, StreamId, StreamSchema, Timestamp};

use super::{Decoder, Malformed};

/// Decodes JSON objects.
#[derive(Debug)]
pub struct JsonDecoder {
    stream: StreamId,
    #[allow(dead_code)]
    schema: Arc<StreamSchema>,
}

impl JsonDecoder {
    /// A decoder for records of `stream`.
    pub fn new(stream: StreamId, schema: &StreamSchema) -> JsonDecoder {
        JsonDecoder { stream, schema: Arc::new(schema.clone()) }
    }
}

impl Decoder for JsonDecoder {
    fn decode(&mut self, record: &[u8], position: Position, arrival: Timestamp) -> Result<Event, Malformed> {
        Ok(Event::new(self.stream, arrival, position, [], record))
    }

    fn stream(&self) -> StreamId {
        self.stream
    }
}
