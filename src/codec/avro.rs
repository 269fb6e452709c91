//! Avro, in its binary encoding, one value a record.
//!
//! Enters: the bytes of a record, and the schema that it was written with: the one of the configuration, or
//! the one whose id stands before it ([`super::schemas`]). Leaves: an event with the fields of its stream, or
//! why it is none.
//!
//! - No tree: the schema is compiled into a plan (`resolve`), in which each value knows where it goes, and
//!   the bytes are read once along it (`read`).
//! - Records may be read with another schema than they were written with; what that means is said in the
//!   specification of Avro and in `resolve`.
//! - The bytes behind a record are a mistake.
//! - Of a union there is the value, whichever type it has. A path leads into records and maps.
//!
//! The library reads schemas. That records are read here is for speed, as it makes a tree of each, and
//! because types that hold themselves overflow its stack.

mod default;
mod plan;
mod read;
mod resolve;
mod schema;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::event::{Event, Kept, Position, StreamId, StreamSchema, Timestamp};

use self::plan::Plan;

use super::paths::Paths;
use super::schemas::{self, Answer, Kind, Known, SchemaId};
use super::typed::{Typed, misfit};
use super::{Decoder, Fields, Malformed};

pub use schema::Parsed;

/// With which schemas records are written and read.
#[derive(Clone, Debug)]
pub enum Settings {
    /// All with this one.
    Local(Arc<Parsed>),
    /// Each with the one whose id stands before it; read with the other, if there is one.
    Registry(Option<Arc<Parsed>>),
}

impl Settings {
    /// What of the stream records can never fill; unknown where the registry has their schemas.
    pub(super) fn misfit(&self, schema: &StreamSchema) -> Option<String> {
        let reader = match self {
            Settings::Local(reader) | Settings::Registry(Some(reader)) => reader,
            Settings::Registry(None) => return None,
        };
        let paths = Paths::new(&schema.fields);
        match resolve::plan(reader, reader, &paths) {
            Ok(plan) => misfit(schema, &paths, &plan.sorts()),
            Err(why) => Some(schemas::unusable(&why)),
        }
    }
}

/// Decodes records.
#[derive(Debug)]
pub struct AvroDecoder {
    plans: Plans,
    typed: Typed,
}

#[derive(Debug)]
enum Plans {
    /// One for all records, or why there is none.
    One(Result<Plan, String>),
    /// By the ids of schemas.
    ById { reader: Option<Arc<Parsed>>, known: Known<Plan> },
}

impl AvroDecoder {
    /// A decoder for records of `stream`.
    ///
    /// # Panics
    /// When the schema's time field is not a timestamp of the schema: a mistake in the caller.
    pub fn new(stream: StreamId, schema: &StreamSchema, kept: Kept, settings: &Settings) -> AvroDecoder {
        let typed = Typed::new(stream, schema, kept);
        let plans = match settings {
            Settings::Local(local) => Plans::One(resolve::plan(local, local, typed.paths())),
            Settings::Registry(reader) => Plans::ById { reader: reader.clone(), known: Known::default() },
        };
        AvroDecoder { plans, typed }
    }

    fn read(&mut self, record: &[u8]) -> Result<(), String> {
        let (plan, payload) = match &mut self.plans {
            Plans::One(plan) => (plan.as_ref().map_err(|why| schemas::unusable(why))?, record),
            Plans::ById { known, .. } => {
                let (plan, payload) = known.of(record)?;
                (&*plan, payload)
            }
        };
        self.typed.begin();
        read::read(plan, payload, &mut self.typed)?;
        if !self.typed.is_object() {
            return Err("it is no record of Avro with fields".to_owned());
        }
        Ok(())
    }
}

impl Decoder for AvroDecoder {
    fn decode(
        &mut self,
        record: &[u8],
        position: Position,
        arrival: Timestamp,
    ) -> Result<Option<Event>, Malformed> {
        self.read(record).map_err(|why| Malformed::Syntax(format!("not a record of Avro: {why}")))?;
        self.typed.finish(position, arrival).map(Some)
    }

    fn stream(&self) -> StreamId {
        self.typed.stream()
    }

    fn fields(&mut self) -> &mut Fields {
        self.typed.fields()
    }

    fn needs(&self, record: &[u8]) -> Option<SchemaId> {
        match &self.plans {
            Plans::One(_) => None,
            Plans::ById { known, .. } => known.needs(record),
        }
    }

    fn give(&mut self, id: SchemaId, answer: &Answer) {
        let Plans::ById { reader, known } = &mut self.plans else { return };
        known.give(id, answer, Kind::Avro, |schema| {
            let writer = Parsed::new(&schema.text, &schema.references)?;
            resolve::plan(&writer, reader.as_deref().unwrap_or(&writer), self.typed.paths())
        });
    }
}
