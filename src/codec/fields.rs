//! The values of a record's fields while it is read, and the event that they make.
//!
//! Enters: for fields of the stream, what a record holds. Leaves: an event with the values that are
//! kept, or what is wrong with the first field that is not as declared. Every declared field is looked
//! at, kept or not, so that what is malformed does not depend on the rules. What a record has besides its
//! bytes ([`Beside`]) comes last, whichever codec reads it.

use std::collections::BTreeMap;

use crate::event::{
    Event, Field, FieldId, FieldType, Kept, Position, SequencePoint, StreamId, StreamSchema, Timestamp, Value,
};

use super::Malformed;
use super::beside::Beside;
use super::convert::{Found, convert_to, describe, expected, fits};

/// The declared fields of a stream and what the current record holds for them.
#[derive(Debug)]
pub struct Fields {
    stream: StreamId,
    declared: Vec<Field>,
    reading: Vec<Reading>,
    kept: Kept,
    /// The field that gives the event its time.
    time: Option<usize>,
    /// What that field holds, if something was found for it.
    at: Timestamp,
    /// One for each field that is kept; null as long as nothing was found.
    values: Vec<Value>,
    /// The fields for which the record holds what is declared.
    found: FieldSet,
    /// Those that every record must hold.
    required: FieldSet,
    /// Fields whose last value is of a wrong type, with that value in words; none that is in `found`.
    wrong: BTreeMap<usize, String>,
    /// What the record has besides its bytes.
    beside: Beside,
}

/// What becomes of a field's value.
#[derive(Clone, Copy, Debug)]
struct Reading {
    ty: FieldType,
    /// Its place among the values that are kept.
    slot: Option<u32>,
    is_time: bool,
}

impl Fields {
    /// Those of a stream of which these are kept.
    ///
    /// # Panics
    /// When the schema's time field is not a timestamp of the schema: a mistake in the caller.
    pub(super) fn new(stream: StreamId, schema: &StreamSchema, kept: Kept) -> Fields {
        if let Some(FieldId(time)) = schema.time {
            let ty = schema.fields.get(time as usize).map(|field| field.ty);
            assert!(matches!(ty, Some(FieldType::Timestamp(_))), "the time field is a timestamp");
        }
        let mut required = FieldSet::new(schema.fields.len());
        let mut reading = Vec::new();
        for (index, field) in schema.fields.iter().enumerate() {
            let id = FieldId(index as u32);
            let slot = kept.slot(id).map(|slot| slot as u32);
            reading.push(Reading { ty: field.ty, slot, is_time: schema.time == Some(id) });
            if is_required(field, index, schema.time) {
                required.insert(index);
            }
        }
        Fields {
            stream,
            declared: schema.fields.clone(),
            reading,
            kept,
            time: schema.time.map(|FieldId(time)| time as usize),
            at: Timestamp::default(),
            values: Vec::new(),
            found: FieldSet::new(schema.fields.len()),
            required,
            wrong: BTreeMap::new(),
            beside: Beside::default(),
        }
    }

    /// Those of a stream that has none, for decoders that tests make.
    #[cfg(all(test, feature = "service"))]
    pub(crate) fn none() -> Fields {
        let schema = StreamSchema {
            name: "none".into(),
            fields: Vec::new(),
            time: None,
            late: Default::default(),
            idle: None,
            alerts_of: None,
        };
        Fields::new(StreamId(0), &schema, Kept::ALL)
    }

    /// The stream that the events belong to.
    pub(super) fn stream(&self) -> StreamId {
        self.stream
    }

    /// What records have besides their bytes: holds for each that is decoded, until something else is said.
    pub fn beside(&mut self) -> &mut Beside {
        &mut self.beside
    }

    /// The event of a record that has no bytes, only what is beside it.
    ///
    /// # Errors
    /// When a required field is missing or a value is not what its field declares.
    pub fn alone(&mut self, position: Position, arrival: Timestamp) -> Result<Event, Malformed> {
        self.clear();
        self.event(position, arrival, || b"{}".as_slice().into())
    }

    /// The field with that number.
    pub(super) fn declared(&self, field: usize) -> &Field {
        &self.declared[field]
    }

    /// A new record begins.
    pub(super) fn clear(&mut self) {
        self.values.clear();
        self.values.resize_with(self.kept.count(self.declared.len()), Value::default);
        self.found.clear();
        self.wrong.clear();
    }

    /// What was found is the value of `field` until something else is found for it.
    pub(super) fn put(&mut self, field: usize, found: &Found<'_>) {
        if self.found.contains(field) || !self.wrong.is_empty() {
            self.forget(field);
        }
        if matches!(found, Found::Null) {
            return;
        }
        if self.take(field, found) {
            self.found.insert(field);
        } else {
            self.wrong.insert(field, describe(found));
        }
    }

    /// Whether what was found is as declared; keeps what is to be kept of it.
    fn take(&mut self, field: usize, found: &Found<'_>) -> bool {
        let Reading { ty, slot, is_time } = self.reading[field];
        if slot.is_none() && !is_time {
            return fits(ty, found);
        }
        let mut elsewhere = Value::Null;
        let value = match slot {
            Some(slot) => &mut self.values[slot as usize],
            None => &mut elsewhere,
        };
        let fits = convert_to(ty, found, value).is_some();
        if let (true, Value::Timestamp(at)) = (is_time, value) {
            self.at = *at;
        }
        fits
    }

    /// What was found for `field` counts for nothing.
    pub(super) fn forget(&mut self, field: usize) {
        if self.found.remove(field)
            && let Some(slot) = self.reading[field].slot
        {
            self.values[slot as usize] = Value::Null;
        }
        self.wrong.remove(&field);
    }

    /// The event of the record, which stood at `position`, or what is wrong with the first field, in the
    /// order declared, that is not as declared. The field that gives the event its time may not be
    /// missing, even if optional; without one, the time is that of arrival.
    pub(super) fn event(
        &mut self,
        position: Position,
        arrival: Timestamp,
        raw: impl FnOnce() -> Box<[u8]>,
    ) -> Result<Event, Malformed> {
        if !self.beside.is_empty() {
            self.take_beside();
        }
        if !self.wrong.is_empty() || !self.found.covers(&self.required) {
            return Err(self.malformed());
        }
        let time = if self.time.is_some() { self.at } else { arrival };
        let point = SequencePoint { time, stream: self.stream, position };
        let raw = if self.beside.is_empty() { raw() } else { self.beside.shown_in(raw()) };
        Ok(Event::keeping(self.kept, point, self.values.drain(..), raw))
    }

    fn take_beside(&mut self) {
        let beside = std::mem::take(&mut self.beside);
        for (FieldId(field), found) in beside.values() {
            self.put(field as usize, &found);
        }
        self.beside = beside;
    }

    #[cold]
    fn malformed(&self) -> Malformed {
        for (index, field) in self.declared.iter().enumerate() {
            if let Some(found) = self.wrong.get(&index) {
                return Malformed::WrongType {
                    field: field.name.to_string(),
                    expected: expected(field.ty).to_owned(),
                    found: found.clone(),
                };
            }
            if self.required.contains(index) && !self.found.contains(index) {
                return Malformed::Missing { field: field.name.to_string() };
            }
        }
        unreachable!("called when a field is wrong or missing")
    }
}

/// Whether every event of the stream has a value in a field: it is not optional, or the event's time.
pub(super) fn is_required(field: &Field, index: usize, time: Option<FieldId>) -> bool {
    !field.optional || time == Some(FieldId(index as u32))
}

/// A set of a stream's fields, one bit each.
#[derive(Debug)]
struct FieldSet(Box<[u64]>);

impl FieldSet {
    /// An empty one with room for so many fields.
    fn new(fields: usize) -> FieldSet {
        FieldSet(vec![0; fields.div_ceil(64)].into())
    }

    fn clear(&mut self) {
        self.0.fill(0);
    }

    fn contains(&self, field: usize) -> bool {
        self.0[field / 64] >> (field % 64) & 1 == 1
    }

    fn insert(&mut self, field: usize) {
        self.0[field / 64] |= 1 << (field % 64);
    }

    /// Takes a field out; says whether it was in it.
    fn remove(&mut self, field: usize) -> bool {
        let was_in = self.contains(field);
        self.0[field / 64] &= !(1 << (field % 64));
        was_in
    }

    /// Whether all fields of the other set are in this one.
    fn covers(&self, other: &FieldSet) -> bool {
        self.0.iter().zip(&*other.0).all(|(own, other)| other & !own == 0)
    }
}
