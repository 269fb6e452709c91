//! What is asked of an event before the engine gets it.

use crate::event::{Duration, Event, FieldId, StreamSchema, Timestamp};

use super::Rejection;

/// What an event has to meet. The default lets everything pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checks {
    /// How far the time of an event may be ahead of the time at which it arrived.
    pub max_ahead: Option<Duration>,
    /// The ways in which rules group the events, each with the fields that make its key. An event of
    /// which every key has a null part is of use to no rule.
    pub keys: Vec<Vec<FieldId>>,
    /// The names of the stream's fields, for messages; [`FieldId`] counts them from 0.
    pub names: Vec<Box<str>>,
}

impl Checks {
    /// Checks for the events of a stream with the keys that rules group it by, as
    /// [`crate::program::Program::groupings`] tells.
    pub fn new(max_ahead: Option<Duration>, keys: Vec<Vec<FieldId>>, schema: &StreamSchema) -> Checks {
        let names = schema.fields.iter().map(|field| field.name.as_str().into()).collect();
        Checks { max_ahead, keys, names }
    }

    /// Why an event that arrived at `arrival` may not pass.
    pub(super) fn refusal(&self, event: &Event, arrival: Timestamp) -> Option<Rejection> {
        self.future(event, arrival).or_else(|| self.keyless(event))
    }

    fn future(&self, event: &Event, arrival: Timestamp) -> Option<Rejection> {
        let limit = self.max_ahead?;
        let time = event.time();
        if time <= arrival.saturating_add(limit) {
            return None;
        }
        let by = time.since(arrival).unwrap_or(Duration::from_micros(i64::MAX));
        Some(Rejection::Future { time, by, limit })
    }

    fn keyless(&self, event: &Event) -> Option<Rejection> {
        let is_null = |field: &&FieldId| event.value(**field).is_null();
        // Mostly the first key is whole.
        if self.keys.is_empty() || self.keys.iter().any(|key| !key.iter().any(|field| is_null(&field))) {
            return None;
        }
        let mut nulls: Vec<FieldId> = Vec::new();
        for field in self.keys.iter().flatten().filter(is_null) {
            if !nulls.contains(field) {
                nulls.push(*field);
            }
        }
        let names = nulls.iter().map(|FieldId(index)| match self.names.get(*index as usize) {
            Some(name) => format!("`{name}`"),
            None => format!("field {}", index + 1),
        });
        Some(Rejection::Keyless { fields: names.collect::<Vec<_>>().join(", ") })
    }
}
