//! The values of a record's fields while it is read.

use crate::event::{Field, FieldId, FieldType, StreamSchema, Timestamp, Value};

use super::Malformed;
use super::convert::{Found, convert, describe, expected};

/// The declared fields and what the current record holds for them.
#[derive(Debug)]
pub(super) struct Fields {
    declared: Vec<Field>,
    /// The field that gives the event its time.
    time: Option<FieldId>,
    /// One for each declared field; null as long as nothing was found.
    values: Vec<Value>,
    /// Fields whose last value is of a wrong type, with that value in words. Such a field is null
    /// in `values`; it is listed at most once.
    wrong: Vec<(usize, String)>,
}

impl Fields {
    /// Those of a stream.
    ///
    /// # Panics
    /// When the schema's time field is not a timestamp of the schema: a mistake in the caller.
    pub(super) fn new(schema: &StreamSchema) -> Fields {
        if let Some(FieldId(time)) = schema.time {
            let ty = schema.fields.get(time as usize).map(|field| field.ty);
            assert!(matches!(ty, Some(FieldType::Timestamp(_))), "the time field is a timestamp");
        }
        Fields { declared: schema.fields.clone(), time: schema.time, values: Vec::new(), wrong: Vec::new() }
    }

    /// The field with that number.
    pub(super) fn declared(&self, field: usize) -> &Field {
        &self.declared[field]
    }

    /// A new record begins.
    pub(super) fn clear(&mut self) {
        self.values.clear();
        // Exactly: the event keeps this very allocation.
        self.values.reserve_exact(self.declared.len());
        self.values.resize(self.declared.len(), Value::Null);
        self.wrong.clear();
    }

    /// What was found is the value of `field` until something else is found for it.
    pub(super) fn put(&mut self, field: usize, found: &Found<'_>) {
        self.forget(field);
        if matches!(found, Found::Null) {
            return;
        }
        match convert(self.declared[field].ty, found) {
            Some(value) => self.values[field] = value,
            None => self.wrong.push((field, describe(found))),
        }
    }

    pub(super) fn forget(&mut self, field: usize) {
        self.values[field] = Value::Null;
        if !self.wrong.is_empty() {
            self.wrong.retain(|(wrong, _)| *wrong != field);
        }
    }

    /// The time of the event and its values, or what is wrong with the first field, in the order
    /// declared, that is not as declared. The field that gives the event its time may not be missing,
    /// even if optional; without one, the time is that of arrival.
    pub(super) fn take(&mut self, arrival: Timestamp) -> Result<(Timestamp, Vec<Value>), Malformed> {
        for (index, field) in self.declared.iter().enumerate() {
            if !self.values[index].is_null() {
                continue;
            }
            if let Some((_, found)) = self.wrong.iter().find(|(wrong, _)| *wrong == index) {
                return Err(Malformed::WrongType {
                    field: field.name.to_string(),
                    expected: expected(field.ty).to_owned(),
                    found: found.clone(),
                });
            }
            if is_required(field, index, self.time) {
                return Err(Malformed::Missing { field: field.name.to_string() });
            }
        }
        let time = match self.time.map(|FieldId(time)| &self.values[time as usize]) {
            Some(Value::Timestamp(time)) => *time,
            _ => arrival,
        };
        Ok((time, std::mem::take(&mut self.values)))
    }
}

/// Whether every event of the stream has a value in a field: it is not optional, or the event's time.
pub(super) fn is_required(field: &Field, index: usize, time: Option<FieldId>) -> bool {
    !field.optional || time == Some(FieldId(index as u32))
}
