//! The past of keys as bytes.
//!
//! A log may have millions of events, of which each change adds a few and drops a few. So it is stored in
//! *chunks*, rows of so many events each ([`CHUNK`]): an event that comes is written with the others of its
//! chunk, and chunks whose events have all gone are removed. The newest chunk says how far the log has been
//! emptied: events before that in older chunks count for nothing.
//!
//! Windows are not stored: what they keep follows exactly from the events, whatever was added and taken
//! away before. So a rule may also ask for another aggregate of the same log; what was not kept of past
//! events is null.

use super::LogSpec;
use crate::automaton::Predicates;
use crate::event::{FieldId, StreamSchema, Type, digest};
use crate::expression::{FieldSource, HistoryId, Leaves, RegisterId};
use crate::stored::{Damaged, Reader, Writer};

pub use super::table::shelf::PastShelf;
pub use super::table::stored::StoredLogs;

/// How many events a row has at most. Larger rows would be written more often for what is new, smaller ones
/// take more room for their keys.
pub(super) const CHUNK: u64 = if cfg!(test) { 4 } else { 64 };

/// What a log keeps of its events: for each column what it is called, and whether it is one of floats.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Columns(pub(super) Vec<(String, bool)>);

impl Columns {
    /// Those of a log of a stream.
    pub fn of(log: &LogSpec, schema: &StreamSchema) -> Columns {
        let names = Names(schema);
        let columns = log.columns.iter();
        Columns(columns.map(|(source, ty)| (names.past(*source), *ty == Type::Float)).collect())
    }

    /// Writes them.
    pub fn write(&self, w: &mut Writer) {
        w.list(&self.0, |w, (name, floats)| {
            w.text(name);
            w.flag(*floats);
        });
    }

    /// Reads some.
    pub fn read(r: &mut Reader<'_>) -> Result<Columns, Damaged> {
        r.list(|r| Ok((r.text()?.to_owned(), r.flag()?))).map(Columns)
    }
}

/// What tells a log from others whatever else the rules say: a hash of its stream, key, and conditions.
pub fn describe(log: &LogSpec, streams: &[StreamSchema], predicates: &Predicates) -> String {
    let schema = &streams[log.stream.0 as usize];
    let names = Names(schema);
    let key: Vec<String> = log.key.iter().map(|field| names.field(*field)).collect();
    let filter = log.filter.map(|filter| predicates.get(filter).describe(&names));
    let same: Vec<String> = log.same.iter().map(|same| same.describe(&names)).collect();
    let derived = schema.alerts_of.is_some();
    digest(&format!("{} {derived} {key:?} {filter:?} {same:?}", schema.name))
}

/// Fields as their stream declares them.
struct Names<'a>(&'a StreamSchema);

impl Leaves for Names<'_> {
    fn field(&self, field: FieldId) -> String {
        let declared = &self.0.fields[field.0 as usize];
        format!("{}:{:?}", declared.path.join("."), declared.ty)
    }

    fn register(&self, _: RegisterId) -> String {
        unreachable!("a log looks at the event alone")
    }

    fn history(&self, _: HistoryId) -> String {
        unreachable!("a log looks at the event alone")
    }

    fn past(&self, source: FieldSource) -> String {
        match source {
            FieldSource::Field(field) => self.field(field),
            other => format!("{other:?}"),
        }
    }
}
