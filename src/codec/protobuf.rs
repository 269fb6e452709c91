//! Protocol Buffers, one message a record.
//!
//! Enters: the bytes of a message, and its type: the one of the configuration, or that of the schema whose id
//! stands before it ([`super::schemas`]), with the indexes that say which of its types it is. Leaves: an event
//! with the fields of its stream, or why it is none.
//!
//! - Fields are read by the names that the schema gives them, or those that they have in JSON.
//! - What the schema does not know, a field or a value of an enumeration, was written with a later one: the field
//!   is passed over, the value is its number.
//! - A field without presence that is not there has its default; any other is missing.
//! - Times, spans, wrappers and `Struct` are what they mean.

mod plan;
mod schema;
#[cfg(test)]
mod tests;
mod walk;

use prost_reflect::DynamicMessage;
use smallvec::{SmallVec, smallvec};

use crate::event::{Event, Kept, Position, StreamId, StreamSchema, Timestamp};

use self::plan::Plan;

use super::paths::Paths;
use super::schemas::{self, Answer, Kind, Known, SchemaId};
use super::typed::{Typed, misfit};
use super::{Decoder, Fields, Malformed};

pub use schema::{Imports, Message, Parsed};

/// Most indexes of a type of messages: how deeply types are defined within each other.
const MAX_INDEXES: usize = 100;

/// Of which type messages are.
#[derive(Clone, Debug)]
pub enum Settings {
    /// All of this one.
    Local(Message),
    /// Each of one of the schema whose id stands before it.
    Registry,
}

impl Settings {
    /// What of the stream messages can never fill; unknown where the registry has their types.
    pub(super) fn misfit(&self, schema: &StreamSchema) -> Option<String> {
        let Settings::Local(message) = self else { return None };
        let paths = Paths::new(&schema.fields);
        match Plan::new(message, &paths) {
            Ok(plan) => misfit(schema, &paths, &plan.sorts()),
            Err(why) => Some(schemas::unusable(&why)),
        }
    }
}

/// Decodes messages.
#[derive(Debug)]
pub struct ProtobufDecoder {
    plans: Plans,
    typed: Typed,
}

#[derive(Debug)]
enum Plans {
    /// One for all records, or why there is none.
    One(Result<Plan, String>),
    /// By the ids of schemas.
    ById(Known<Types>),
}

/// What has been made of a schema.
#[derive(Debug)]
struct Types {
    parsed: Parsed,
    /// By the indexes of the type.
    plans: Vec<(Indexes, Result<Plan, String>)>,
}

/// Which of the types of a schema it is.
type Indexes = SmallVec<[usize; 4]>;

impl Types {
    /// The plan of the type that is reached by these indexes.
    fn plan(&mut self, indexes: Indexes, paths: &Paths) -> Result<&Plan, String> {
        if let Some(at) = self.plans.iter().position(|(known, _)| *known == indexes) {
            return self.plans[at].1.as_ref().map_err(|why| schemas::unusable(why));
        }
        let message = self.parsed.by_indexes(&indexes);
        let message =
            message.ok_or_else(|| format!("its schema has no message with the indexes {indexes:?}"))?;
        let plan = Plan::new(&message, paths);
        let (_, plan) = self.plans.push_mut((indexes, plan));
        plan.as_ref().map_err(|why| schemas::unusable(why))
    }
}

impl ProtobufDecoder {
    /// A decoder for records of `stream`.
    ///
    /// # Panics
    /// When the schema's time field is not a timestamp of the schema: a mistake in the caller.
    pub fn new(stream: StreamId, schema: &StreamSchema, kept: Kept, settings: &Settings) -> ProtobufDecoder {
        let typed = Typed::new(stream, schema, kept);
        let plans = match settings {
            Settings::Local(message) => Plans::One(Plan::new(message, typed.paths())),
            Settings::Registry => Plans::ById(Known::default()),
        };
        ProtobufDecoder { plans, typed }
    }

    fn read(&mut self, record: &[u8]) -> Result<(), String> {
        let (plan, payload) = match &mut self.plans {
            Plans::One(plan) => (plan.as_ref().map_err(|why| schemas::unusable(why))?, record),
            Plans::ById(known) => {
                let (types, rest) = known.of(record)?;
                let (indexes, payload) = indexes(rest)?;
                (types.plan(indexes, self.typed.paths())?, payload)
            }
        };
        let message = DynamicMessage::decode(plan.message.clone(), payload)
            .map_err(|why| format!("it is no `{}`: {why}", plan.message.full_name()))?;
        self.typed.begin();
        walk::read(plan, &message, &mut self.typed)
    }
}

/// The indexes that say of which type a message is, and the message. A single zero byte stands for the first
/// type; otherwise there is their count, and then each of them, zigzag and in groups of seven bits.
fn indexes(bytes: &[u8]) -> Result<(Indexes, &[u8]), String> {
    let cut = || "the record ends within the indexes of its type".to_owned();
    let (count, mut rest) = varint(bytes).ok_or_else(cut)?;
    if count == 0 {
        return Ok((smallvec![0], rest));
    }
    let count = usize::try_from(count).ok().filter(|count| *count <= MAX_INDEXES);
    let count = count.ok_or("the indexes of its type have no sensible count")?;
    let mut indexes = Indexes::new();
    for _ in 0..count {
        let (index, next) = varint(rest).ok_or_else(cut)?;
        indexes.push(usize::try_from(index).map_err(|_| format!("an index of its type is {index}"))?);
        rest = next;
    }
    Ok((indexes, rest))
}

/// A number of at most 32 bits, zigzag and in groups of seven bits.
fn varint(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let mut bits = 0_u64;
    for (index, byte) in bytes.iter().take(5).enumerate() {
        bits |= u64::from(byte & 0x7f) << (7 * index);
        if *byte < 0x80 {
            return Some(((bits >> 1) as i64 ^ -((bits & 1) as i64), &bytes[index + 1..]));
        }
    }
    None
}

impl Decoder for ProtobufDecoder {
    fn decode(
        &mut self,
        record: &[u8],
        position: Position,
        arrival: Timestamp,
    ) -> Result<Option<Event>, Malformed> {
        self.read(record).map_err(|why| Malformed::Syntax(format!("not a message of Protobuf: {why}")))?;
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
            Plans::ById(known) => known.needs(record),
        }
    }

    fn give(&mut self, id: SchemaId, answer: &Answer) {
        let Plans::ById(known) = &mut self.plans else { return };
        known.give(id, answer, Kind::Protobuf, |schema| {
            let parsed = Parsed::registered(&schema.text, &schema.references)?;
            Ok(Types { parsed, plans: Vec::new() })
        });
    }
}
