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
    arrival: Timestamp,
    values: Box<[Value]>,
    raw: Box<[u8]>,
    /// What an event that was made of an alert has besides; few are, so it takes little room.
    derived: Option<Box<Derived>>,
}

#[derive(Debug)]
struct Derived {
    /// The stream; the point has the one that all such events share.
    stream: StreamId,
    alert: Box<str>,
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
        Event(Arc::new(Inner { point, arrival: time, values: values.into(), raw: raw.into(), derived: None }))
    }

    /// An event of a stream that carries a rule's alerts. `number` grows from each such event to the
    /// next, of whatever stream; `alert` is the id of the alert, by which the event is known.
    pub fn of_alert(
        stream: StreamId,
        time: Timestamp,
        number: u64,
        alert: impl Into<Box<str>>,
        values: impl Into<Box<[Value]>>,
        raw: impl Into<Box<[u8]>>,
    ) -> Event {
        let position = Position { offset: number, ..Position::default() };
        let point = SequencePoint { time, stream: SequencePoint::DERIVED, position };
        let derived = Some(Box::new(Derived { stream, alert: alert.into() }));
        Event(Arc::new(Inner { point, arrival: time, values: values.into(), raw: raw.into(), derived }))
    }

    /// The event, moved to `time` if it is before: how an event of a stream without a time field
    /// arrives when the clock has moved on since it was stamped.
    pub fn not_before(self, time: Timestamp) -> Event {
        if self.time() >= time {
            return self;
        }
        let arrival = self.arrival();
        Event::new(self.stream(), time, self.position(), self.0.values.clone(), self.0.raw.clone())
            .arrived(arrival)
    }

    /// The stream it belongs to.
    pub fn stream(&self) -> StreamId {
        match &self.0.derived {
            None => self.0.point.stream,
            Some(derived) => derived.stream,
        }
    }

    /// The id of the alert that it was made of; `None` for an event that came from a source. It says
    /// which event this is, where the number in its position says only in which order it came: after
    /// a restart the numbers begin anew.
    pub fn alert(&self) -> Option<&str> {
        self.0.derived.as_ref().map(|derived| &*derived.alert)
    }

    /// Its event time.
    pub fn time(&self) -> Timestamp {
        self.0.point.time
    }

    /// Where it came from: [`Event::alert`] says it of an event that was made of an alert.
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

    /// When it came in, by the wall clock; for an event that did not come from outside, its time.
    pub fn arrival(&self) -> Timestamp {
        self.0.arrival
    }

    /// The event with the time at which it came in; to be said before it is shared.
    pub fn arrived(mut self, arrival: Timestamp) -> Event {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.arrival = arrival;
        }
        self
    }

    /// About how many bytes of memory it takes.
    pub fn footprint(&self) -> usize {
        let counts = 2 * size_of::<usize>();
        counts + size_of::<Inner>() + size_of_val(&*self.0.values) + self.0.raw.len()
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
