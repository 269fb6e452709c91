//! Events and what they are made of.
//!
//! Enters: nothing. Leaves: the vocabulary that every other layer speaks — values, times, stream
//! schemas, source positions, keys and the event itself. Nothing here parses, decides or waits.

mod calendar;
mod digest;
mod hash;
mod kept;
mod key;
mod position;
mod record;
mod schema;
pub(crate) mod stored;
mod text;
mod time;
mod unit;
mod value;

pub(crate) use calendar::Date;
pub(crate) use digest::{digest, version};
pub use hash::{Seeded, seed_hashes};
pub use kept::Kept;
pub use key::{Key, KeyGroup, KeyRef};
pub use position::{PartitionId, Position, SequencePoint};
pub use record::Event;
pub use schema::{Field, FieldId, FieldType, StreamId, StreamSchema, TimeUnit};
pub use time::{Duration, Timestamp};
pub(crate) use unit::whole_number;
pub use value::{Type, Value};
