//! Reading the records of events again, for fields that were not kept of them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::codec::Decoder;
use crate::codec::json::JsonDecoder;
use crate::event::{Event, Position, StreamId, Timestamp};
use crate::program::Program;

/// Reads the records of events again.
pub struct Again {
    program: Arc<Program>,
    decoders: RefCell<BTreeMap<StreamId, Option<JsonDecoder>>>,
}

impl Again {
    /// For events of a program.
    pub fn new(program: Arc<Program>) -> Again {
        Again { program, decoders: RefCell::default() }
    }

    /// The event of a record, which every decoder keeps as an object; fields that it does not have are
    /// null, as they may have been declared since. None if it cannot be read.
    pub fn read(&self, stream: StreamId, raw: &[u8]) -> Option<Event> {
        let mut decoders = self.decoders.borrow_mut();
        let decoder = decoders.entry(stream).or_insert_with(|| {
            let mut schema = self.program.schema(stream).clone();
            schema.fields.iter_mut().for_each(|field| field.optional = true);
            let is_of_source = schema.alerts_of.is_none();
            is_of_source.then(|| JsonDecoder::keeping(self.program.kept(stream), stream, &schema))
        });
        decoder.as_mut()?.decode(raw, Position::default(), Timestamp::default()).ok()?
    }
}
