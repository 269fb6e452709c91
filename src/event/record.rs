//! The event: decoded fields beside the bytes they came from.
//!
//! An event is made once and shared by all that look at it or capture it. It takes two allocations:
//! one for its values and what else is known of it, one for the record. It keeps the values of the
//! fields that some rule reads (see [`Kept`]); asking it for another is a mistake in the caller.

use triomphe::{Arc, ThinArc};

use super::kept::Kept;
use super::position::{Position, SequencePoint};
use super::schema::{FieldId, StreamId};
use super::time::Timestamp;
use super::value::Value;

/// One event. Cloning shares it: however many runs capture an event, it is held once.
#[derive(Clone, Debug)]
pub struct Event(ThinArc<Header, Value>);

/// What stands before the values.
#[derive(Debug)]
struct Header {
    point: SequencePoint,
    arrival: Timestamp,
    kept: Kept,
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

/// What an event answers when it is asked for a field that it does not keep.
static NOT_KEPT: Value = Value::Null;

impl Event {
    /// An event of `stream` with all its decoded fields, in the order of the schema, and the record as
    /// it came in (a JSON object). The ends of the range of times stand for "before" and "after all
    /// events"; an event given such a time gets the nearest one that it can have.
    pub fn new(
        stream: StreamId,
        time: Timestamp,
        position: Position,
        values: impl Into<Box<[Value]>>,
        raw: impl Into<Box<[u8]>>,
    ) -> Event {
        let point = SequencePoint { time, stream, position };
        Event::keeping(Kept::ALL, point, values.into().into_iter(), raw)
    }

    /// The event at a point of the order of all, with the values of the fields `kept`, in the order of
    /// the schema; for the rest as [`Event::new`].
    pub fn keeping(
        kept: Kept,
        point: SequencePoint,
        values: impl ExactSizeIterator<Item = Value>,
        raw: impl Into<Box<[u8]>>,
    ) -> Event {
        let time = point.time.clamp(Timestamp::FIRST, Timestamp::LAST);
        let point = SequencePoint { time, ..point };
        let header = Header { point, arrival: time, kept, raw: raw.into(), derived: None };
        Event(ThinArc::from_header_and_iter(header, values))
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
        let header = Header { point, arrival: time, kept: Kept::ALL, raw: raw.into(), derived };
        Event(ThinArc::from_header_and_iter(header, values.into().into_iter()))
    }

    /// The event, moved to `time` if it is before: how an event of a stream without a time field
    /// arrives when the clock has moved on since it was stamped.
    pub fn not_before(mut self, time: Timestamp) -> Event {
        if self.time() >= time {
            return self;
        }
        if self.change(|header| header.point.time = time.min(Timestamp::LAST)) {
            return self;
        }
        let point = SequencePoint { time, stream: self.stream(), position: self.position() };
        Event::keeping(self.header().kept, point, self.0.slice.iter().cloned(), self.raw())
            .arrived(self.arrival())
    }

    fn header(&self) -> &Header {
        &self.0.header.header
    }

    /// Changes what is known of the event if nobody shares it; says whether it did.
    fn change(&mut self, change: impl FnOnce(&mut Header)) -> bool {
        self.0.with_arc_mut(|event| match Arc::get_mut(event) {
            Some(event) => {
                change(event.header_mut());
                true
            }
            None => false,
        })
    }

    /// The stream it belongs to.
    pub fn stream(&self) -> StreamId {
        match &self.header().derived {
            None => self.header().point.stream,
            Some(derived) => derived.stream,
        }
    }

    /// The id of the alert that it was made of; `None` for an event that came from a source. It says
    /// which event this is, where the number in its position says only in which order it came: after
    /// a restart the numbers begin anew.
    pub fn alert(&self) -> Option<&str> {
        self.header().derived.as_ref().map(|derived| &*derived.alert)
    }

    /// Its event time.
    pub fn time(&self) -> Timestamp {
        self.header().point.time
    }

    /// Where it came from: [`Event::alert`] says it of an event that was made of an alert.
    pub fn position(&self) -> Position {
        self.header().point.position
    }

    /// Its place in the order of all events.
    pub fn point(&self) -> SequencePoint {
        self.header().point
    }

    /// The value of a field that the event keeps; null for any other, which nobody should ask for.
    pub fn value(&self, field: FieldId) -> &Value {
        let slot = self.header().kept.slot(field);
        let value = slot.and_then(|slot| self.0.slice.get(slot));
        debug_assert!(value.is_some(), "an event is asked for {field:?}, which it does not keep");
        value.unwrap_or(&NOT_KEPT)
    }

    /// The fields that it keeps.
    pub fn kept(&self) -> Kept {
        self.header().kept
    }

    /// The values of the fields that it keeps, in the order of the schema.
    pub(crate) fn values(&self) -> &[Value] {
        &self.0.slice
    }

    /// Where in memory it is: the same for all that share it, and of no other as long as it is there.
    pub(crate) fn address(&self) -> usize {
        self.0.heap_ptr().addr()
    }

    /// When it came in, by the wall clock; for an event that did not come from outside, its time.
    pub fn arrival(&self) -> Timestamp {
        self.header().arrival
    }

    /// The event with the time at which it came in; to be said before it is shared.
    pub fn arrived(mut self, arrival: Timestamp) -> Event {
        self.change(|header| header.arrival = arrival);
        self
    }

    /// About how many bytes of memory it takes.
    pub fn footprint(&self) -> usize {
        HEAD_BYTES + size_of_val(&self.0.slice) + self.raw().len()
    }

    /// Reads something of each part of it, in a way that keeps the processor from waiting for one after the
    /// other: all are needed when the event is given up.
    pub fn touch(&self) -> u64 {
        let values = self.0.slice.iter().fold(0, |sum, value| sum ^ u64::from(value.is_null()));
        let raw = self.raw().first().copied().unwrap_or_default();
        values ^ u64::from(raw) ^ self.time().as_micros() as u64
    }

    /// Reads something of every piece of the record that comes into the processor's caches by itself.
    pub(crate) fn touch_record(&self) -> u64 {
        const LINE: usize = 64;
        self.raw().iter().step_by(LINE).fold(0, |sum, byte| sum ^ u64::from(*byte))
    }

    /// The record as it came in.
    pub fn raw(&self) -> &[u8] {
        &self.header().raw
    }
}

/// What an event takes without its values and its record: the header, how many share it, and how many
/// values follow.
const HEAD_BYTES: usize = size_of::<Header>() + 2 * size_of::<usize>();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_takes_what_its_cost_says() {
        assert_eq!(HEAD_BYTES, crate::automaton::cost::EVENT_BYTES);
    }

    fn event(kept: Kept, values: Vec<Value>) -> Event {
        let position = Position { offset: 7, ..Position::default() };
        let point = SequencePoint { time: Timestamp::from_micros(5), stream: StreamId(3), position };
        Event::keeping(kept, point, values.into_iter(), *b"{}")
    }

    #[test]
    fn values_are_found_under_their_fields() {
        let kept: Kept = [FieldId(1), FieldId(4)].into_iter().collect();
        let event = event(kept, vec![Value::Int(1), Value::text("four")]);
        assert_eq!(*event.value(FieldId(1)), Value::Int(1));
        assert_eq!(*event.value(FieldId(4)), Value::text("four"));
        assert_eq!(event.footprint(), HEAD_BYTES + 2 * size_of::<Value>() + 2);
    }

    #[test]
    #[should_panic(expected = "does not keep")]
    #[cfg(debug_assertions)]
    fn asking_for_a_field_that_is_not_kept_is_a_mistake() {
        let kept: Kept = [FieldId(1)].into_iter().collect();
        event(kept, vec![Value::Int(1)]).value(FieldId(0));
    }

    #[test]
    fn an_event_that_is_moved_stays_the_same_for_who_shares_it() {
        let kept: Kept = [FieldId(2)].into_iter().collect();
        let late = Timestamp::from_micros(9);
        let alone = event(kept, vec![Value::Int(1)]).arrived(late).not_before(Timestamp::MAX);
        let shared = event(kept, vec![Value::Int(1)]).arrived(late);
        let moved = shared.clone().not_before(Timestamp::MAX);
        for moved in [&alone, &moved] {
            assert_eq!(moved.time(), Timestamp::LAST);
            assert_eq!((moved.stream(), moved.position()), (shared.stream(), shared.position()));
            assert_eq!((moved.arrival(), moved.raw()), (late, &b"{}"[..]));
            assert_eq!(*moved.value(FieldId(2)), Value::Int(1));
        }
        assert_eq!(shared.time(), Timestamp::from_micros(5));
    }
}
