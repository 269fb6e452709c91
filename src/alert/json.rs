//! An alert as JSON.

use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::event::{Event, Value};

use super::Alert;

impl Serialize for Alert {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("rule", &*self.rule)?;
        map.serialize_entry("fingerprint", &*self.fingerprint)?;
        map.serialize_entry("severity", &self.severity)?;
        map.serialize_entry("title", &self.title)?;
        map.serialize_entry("kind", &self.kind)?;
        self.notes.serialize_into(&mut map)?;
        map.serialize_entry("key", &Named(&self.key))?;
        map.serialize_entry("first_time", &Value::Timestamp(self.first_time))?;
        map.serialize_entry("last_time", &Value::Timestamp(self.last_time))?;
        map.serialize_entry("decided_time", &Value::Timestamp(self.decided_time))?;
        map.serialize_entry("suppressed", &self.suppressed)?;
        map.serialize_entry("fields", &Named(&self.fields))?;
        map.serialize_entry("events", &Evidence(self))?;
        map.serialize_entry("tables", &Versions(&self.tables))?;
        map.end()
    }
}

/// An alert as the record of an event of the streams made of it: what the stream's fields hold, by
/// their names, with the alert's id and rule where no field has those names.
pub struct AsEvent<'a>(pub &'a Alert);

impl Serialize for AsEvent<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let AsEvent(alert) = self;
        let fields = || alert.key.iter().chain(&alert.fields);
        let is_free = |wanted: &str| fields().all(|(name, _)| name != wanted);
        let mut map = serializer.serialize_map(None)?;
        if is_free("id") {
            map.serialize_entry("id", &alert.id)?;
        }
        if is_free("rule") {
            map.serialize_entry("rule", &*alert.rule)?;
        }
        map.serialize_entry("kind", &alert.kind)?;
        map.serialize_entry("time", &Value::Timestamp(alert.decided_time))?;
        for (name, value) in fields() {
            map.serialize_entry(name.as_str(), value)?;
        }
        map.end()
    }
}

/// Pairs as an object.
struct Named<'a>(&'a [(compact_str::CompactString, Value)]);

impl Serialize for Named<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name.as_str(), value)))
    }
}

/// Names with their versions as an object.
struct Versions<'a>(&'a [(compact_str::CompactString, Arc<str>)]);

impl Serialize for Versions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, version)| (name.as_str(), &**version)))
    }
}

/// The captured events as they came in.
struct Evidence<'a>(&'a Alert);

impl Serialize for Evidence<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(
            self.0
                .events
                .iter()
                .map(|(name, events)| (name.as_str(), events.iter().map(Raw).collect::<Vec<_>>())),
        )
    }
}

/// The same JSON without line ends, since sinks take an alert for a line. Outside of texts they mean
/// as much as spaces, and texts hold none.
fn on_one_line(raw: &RawValue) -> Box<RawValue> {
    RawValue::from_string(raw.get().replace(['\n', '\r'], " ")).expect("space is space")
}

/// One event's record, copied as is.
struct Raw<'a>(&'a Event);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match serde_json::from_slice::<&RawValue>(self.0.raw()) {
            Ok(raw) if raw.get().contains(['\n', '\r']) => on_one_line(raw).serialize(serializer),
            Ok(raw) => raw.serialize(serializer),
            // Made by hand through the library, not by a decoder: shown as text rather than lost.
            Err(_) => serializer.serialize_str(&String::from_utf8_lossy(self.0.raw())),
        }
    }
}
