//! The event: decoded fields beside the bytes they came from.

use std::sync::Arc;

use super::position::{Position, SequencePoint};
use super::schema::{FieldId, StreamId};
use super::time::Timestamp;
use super::value::Value;

/// One event. Cloning shares it: however many runs capture an event, it is held once.
#[derive(Clone, Debug)]
pub struct Event(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    point: SequencePoint,
    values: Box<[Value]>,
    raw: Box<[u8]>,
}

impl Event {
    /// An event of `stream` with its decoded fields, in the order of the schema, and the record as
    /// it came in (a JSON object). The ends of the range of times stand for "before" and "after all
    /// events"; an event given such a time gets the nearest one that it can have.
    pub fn new(
        stream: StreamId,
        time: Timestamp,
        position: Position,
        values: impl Into<Box<[Value]>>,
        raw: impl Into<Box<[u8]>>,
    ) -> Event {
        let time = time.clamp(Timestamp::FIRST, Timestamp::LAST);
        let point = SequencePoint { time, stream, position };
        Event(Arc::new(Inner { point, values: values.into(), raw: raw.into() }))
    }

    /// The event, moved to `time` if it is before: how an event of a stream without a time field
    /// arrives when the clock has moved on since it was stamped.
    pub fn not_before(self, time: Timestamp) -> Event {
        if self.time() >= time {
            return self;
        }
        Event::new(self.stream(), time, self.position(), self.0.values.clone(), self.0.raw.clone())
    }

    /// The stream it belongs to.
    pub fn stream(&self) -> StreamId {
        self.0.point.stream
    }

    /// Its event time.
    pub fn time(&self) -> Timestamp {
        self.0.point.time
    }

    /// Where it came from.
    pub fn position(&self) -> Position {
        self.0.point.position
    }

    /// Its place in the order of all events.
    pub fn point(&self) -> SequencePoint {
        self.0.point
    }

    /// The value of a field.
    ///
    /// # Panics
    /// When the field is not one of the event's stream: a mistake in the caller.
    pub fn value(&self, field: FieldId) -> &Value {
        &self.0.values[field.0 as usize]
    }

    /// The record as it came in.
    pub fn raw(&self) -> &[u8] {
        &self.0.raw
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_takes_what_its_cost_says() {
        let counts = 2 * size_of::<usize>();
        assert_eq!(counts + size_of::<Inner>(), crate::automaton::cost::EVENT_BYTES);
    }
}
