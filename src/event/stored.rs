//! Values, keys and events as bytes.
//!
//! What is written together (a row, or the head of a state) names events by their numbers; the events
//! themselves stand before it, each once however many runs hold it ([`EventWriter`]).
//!
//! An event names its stream by a number, which the head explains: which fields the stream had, and which
//! of them events kept ([`StoredStream`]). Rules may have been edited since. So each event is fitted to the
//! stream as it is now ([`Streams`]): values go where their fields are now, and one that was not kept is
//! read from the record, which every event has. An event of a stream that is not there any more can still
//! be shown, and that is all ([`Events`]).

#[cfg(test)]
mod tests;

use compact_str::CompactString;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use smallvec::SmallVec;

use super::kept::Kept;
use super::key::Key;
use super::position::{PartitionId, Position, SequencePoint};
use super::record::Event;
use super::schema::{FieldId, FieldType, StreamId, StreamSchema, TimeUnit};
use super::time::{Duration, Timestamp};
use super::value::Value;
use crate::stored::{Damaged, Reader, Shared, Writer};

/// What a value begins with. A text of fewer than 128 bytes begins with its length and this bit.
const SHORT_TEXT: u8 = 0x80;
const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INT: u8 = 3;
const FLOAT: u8 = 4;
const TEXT: u8 = 5;
const TIMESTAMP: u8 = 6;
const DURATION: u8 = 7;
const IPV4: u8 = 8;
const IPV6: u8 = 9;

const OTHER_WAY: Damaged = Damaged::new("a value is written in another way than it would be");

impl Value {
    /// Writes it.
    pub(crate) fn write(&self, w: &mut Writer) {
        match self {
            Value::Null => w.byte(NULL),
            Value::Bool(false) => w.byte(FALSE),
            Value::Bool(true) => w.byte(TRUE),
            Value::Int(int) => {
                w.byte(INT);
                w.signed(*int);
            }
            Value::Float(float) => {
                w.byte(FLOAT);
                w.float(*float);
            }
            Value::Str(text) if text.len() < usize::from(SHORT_TEXT) => {
                w.byte(text.len() as u8 | SHORT_TEXT);
                w.plain(text.as_bytes());
            }
            Value::Str(text) => {
                w.byte(TEXT);
                w.text(text);
            }
            Value::Timestamp(time) => {
                w.byte(TIMESTAMP);
                time.write(w);
            }
            Value::Duration(span) => {
                w.byte(DURATION);
                w.signed(span.as_micros());
            }
            Value::Ip(std::net::IpAddr::V4(address)) => {
                w.byte(IPV4);
                w.plain(&address.octets());
            }
            Value::Ip(std::net::IpAddr::V6(address)) => {
                w.byte(IPV6);
                w.plain(&address.octets());
            }
        }
    }

    /// Reads one.
    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Value, Damaged> {
        Ok(match r.byte()? {
            NULL => Value::Null,
            FALSE => Value::Bool(false),
            TRUE => Value::Bool(true),
            INT => Value::Int(r.signed()?),
            FLOAT => match Value::float(r.float()?) {
                Value::Null => return Err(Damaged::new("a float is not a number")),
                value => value,
            },
            TEXT => match r.text()? {
                short if short.len() < usize::from(SHORT_TEXT) => return Err(OTHER_WAY),
                text => Value::text(text),
            },
            TIMESTAMP => Value::Timestamp(Timestamp::read(r)?),
            DURATION => Value::Duration(Duration::from_micros(r.signed()?)),
            IPV4 => Value::Ip(<[u8; 4]>::try_from(r.plain(4)?).unwrap_or_default().into()),
            IPV6 => Value::Ip(<[u8; 16]>::try_from(r.plain(16)?).unwrap_or_default().into()),
            short if short >= SHORT_TEXT => {
                let text = r.plain(usize::from(short & !SHORT_TEXT))?;
                let text = std::str::from_utf8(text);
                Value::text(text.map_err(|_| Damaged::new("a text is not UTF-8"))?)
            }
            _ => return Err(Damaged::new("there is no such kind of value")),
        })
    }
}

impl Timestamp {
    /// Writes it.
    pub(crate) fn write(self, w: &mut Writer) {
        w.signed(self.as_micros());
    }

    /// Reads one.
    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Timestamp, Damaged> {
        r.signed().map(Timestamp::from_micros)
    }

    /// Writes how long it is after another time.
    pub(crate) fn write_after(self, before: Timestamp, w: &mut Writer) {
        w.signed(self.as_micros().wrapping_sub(before.as_micros()));
    }

    /// Reads one that was written so.
    pub(crate) fn read_after(before: Timestamp, r: &mut Reader<'_>) -> Result<Timestamp, Damaged> {
        Ok(Timestamp::from_micros(before.as_micros().wrapping_add(r.signed()?)))
    }
}

/// Writes values that make a key, so that equal keys have equal bytes.
pub(crate) fn write_key(values: &[Value], w: &mut Writer) {
    for value in values {
        match value {
            // There is one zero: a key is the same whichever came first.
            Value::Float(x) if *x == 0.0 => Value::Float(0.0).write(w),
            other => other.write(w),
        }
    }
}

/// Reads a value that is part of a key.
pub(crate) fn read_key_part(r: &mut Reader<'_>) -> Result<Value, Damaged> {
    match Value::read(r)? {
        Value::Null => Err(Damaged::new("a part of a key is null")),
        Value::Float(x) if x == 0.0 && x.is_sign_negative() => Err(OTHER_WAY),
        value => Ok(value),
    }
}

impl Key {
    /// Writes its values.
    pub(crate) fn write(&self, w: &mut Writer) {
        write_key(self.values(), w);
    }

    /// Reads the values up to the end.
    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Key, Damaged> {
        let mut values: SmallVec<[Value; 3]> = SmallVec::new();
        while !r.is_empty() {
            values.push(read_key_part(r)?);
        }
        Key::new(&values).ok_or(Damaged::new("a part of a key is null"))
    }
}

/// What must be known of a stream to read events that were stored.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StoredStream {
    name: CompactString,
    /// Whether it carries the alerts of a rule.
    is_derived: bool,
    /// Where in the record each field stands, and its type.
    fields: Vec<(Vec<CompactString>, FieldType)>,
    /// The fields that events keep.
    kept: Kept,
}

impl StoredStream {
    /// Of a stream as it is now, whose events keep these fields.
    pub fn of(schema: &StreamSchema, kept: Kept) -> StoredStream {
        let fields = schema.fields.iter().map(|field| (field.path.clone(), field.ty));
        StoredStream {
            name: schema.name.clone(),
            is_derived: schema.alerts_of.is_some(),
            fields: fields.collect(),
            kept,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a stream of now is the same, be it with other fields.
    pub fn is(&self, schema: &StreamSchema) -> bool {
        self.name == schema.name && self.is_derived == schema.alerts_of.is_some()
    }

    /// Writes it.
    pub fn write(&self, w: &mut Writer) {
        w.text(&self.name);
        w.flag(self.is_derived);
        w.list(&self.fields, |w, (path, ty)| {
            w.list(path, |w, name| w.text(name));
            w.byte(number_of_type(*ty));
        });
        w.bits(self.kept.bits());
    }

    /// Reads one.
    pub fn read(r: &mut Reader<'_>) -> Result<StoredStream, Damaged> {
        Ok(StoredStream {
            name: r.text()?.into(),
            is_derived: r.flag()?,
            fields: r.list(|r| Ok((r.list(|r| r.text().map(Into::into))?, type_of_number(r.byte()?)?)))?,
            kept: Kept::from_bits(r.bits()?),
        })
    }
}

/// The types of fields, by their numbers.
const TYPES: [FieldType; 11] = [
    FieldType::Bool,
    FieldType::Int,
    FieldType::Float,
    FieldType::Str,
    FieldType::Timestamp(None),
    FieldType::Duration,
    FieldType::Ip,
    FieldType::Timestamp(Some(TimeUnit::Seconds)),
    FieldType::Timestamp(Some(TimeUnit::Millis)),
    FieldType::Timestamp(Some(TimeUnit::Micros)),
    FieldType::Timestamp(Some(TimeUnit::Nanos)),
];

fn number_of_type(ty: FieldType) -> u8 {
    let found = TYPES.iter().position(|known| *known == ty);
    found.expect("every type is in the list") as u8
}

fn type_of_number(number: u8) -> Result<FieldType, Damaged> {
    TYPES.get(usize::from(number)).copied().ok_or(Damaged::new("there is no such type of field"))
}

/// By which number events name each stream, and which fields they keep unless they say so themselves.
pub(crate) type StreamNumbers = [(u32, Kept)];

/// The stream of events whose own is not there any more, and the number that it has where it is stored.
const FOREIGN: StreamId = StreamId(u32::MAX - 1);

/// Writes what refers to events, and each of these once.
#[derive(Debug, Default)]
pub(crate) struct EventWriter {
    /// What refers to events goes here.
    pub body: Writer,
    events: Writer,
    known: Shared,
    /// The time of the event written last, which is near that of the next.
    time: Timestamp,
    /// About how many bytes of memory the events take.
    footprint: usize,
}

const OWN_KEPT: u8 = 1;
const DERIVED: u8 = 2;

impl EventWriter {
    /// Writes which event it is, and the event itself if it is new.
    pub fn event(&mut self, event: &Event, streams: &StreamNumbers) {
        let address = event.address();
        let number = self.known.find(address).unwrap_or_else(|| {
            self.write(event, streams);
            self.known.add(address)
        });
        self.body.number(number.into());
    }

    /// The same of an event that was made to be written and will be gone before the others are.
    pub fn passing_event(&mut self, event: &Event, streams: &StreamNumbers) {
        self.write(event, streams);
        let number = self.known.skip();
        self.body.number(number.into());
    }

    fn write(&mut self, event: &Event, streams: &StreamNumbers) {
        let w = &mut self.events;
        let stream = streams.get(event.stream().0 as usize).copied();
        let (stream, kept) = stream.unwrap_or((FOREIGN.0, Kept::default()));
        let own_kept = Some(event.kept()).filter(|own| *own != kept);
        w.byte(
            if own_kept.is_some() { OWN_KEPT } else { 0 } | if event.alert().is_some() { DERIVED } else { 0 },
        );
        w.number(stream.into());
        event.time().write_after(self.time, w);
        self.time = event.time();
        event.arrival().write_after(event.time(), w);
        w.number(event.position().partition.0.into());
        w.number(event.position().offset);
        if let Some(kept) = own_kept {
            w.bits(kept.bits());
        }
        if let Some(alert) = event.alert() {
            w.text(alert);
        }
        w.list(event.values(), |w, value| value.write(w));
        w.bytes(event.raw());
        self.footprint += event.footprint();
    }

    /// About how many bytes of memory the events take that have been written.
    pub fn footprint(&self) -> usize {
        self.footprint
    }

    /// How many bytes have been written.
    pub fn len(&self) -> usize {
        self.events.len() + self.body.len()
    }

    /// Gives out the events and what refers to them, and begins anew.
    pub fn finish(&mut self, out: &mut Writer) {
        out.number(self.known.len().into());
        out.plain(self.events.as_slice());
        out.plain(self.body.as_slice());
        self.body.clear();
        self.events.clear();
        self.known.clear();
        self.time = Timestamp::default();
        self.footprint = 0;
    }
}

/// Reads the record of an event of a stream again, for the fields that were not kept; none if it cannot be
/// read any more.
pub(crate) type ReadAgain<'a> = dyn Fn(StreamId, &[u8]) -> Option<Event> + 'a;

/// What has become of the streams whose events were stored, by their numbers.
#[derive(Debug, Default)]
pub(crate) struct Streams(HashMap<u32, Stream, FixedState>);

type Values = SmallVec<[Value; 8]>;

/// A stream that is still there.
#[derive(Debug)]
struct Stream {
    now: StreamId,
    then: StoredStream,
    kept: Kept,
    /// Whether its fields are the same.
    is_same: bool,
    /// For each field that is kept now, in the order of the schema: which it was then, if it was there.
    fields: Vec<(FieldId, Option<FieldId>)>,
}

impl Streams {
    /// A stream of now stands for one whose events were stored with that number.
    pub fn insert(
        &mut self,
        number: u32,
        then: StoredStream,
        now: StreamId,
        schema: &StreamSchema,
        kept: Kept,
    ) {
        let is_same = then.fields == StoredStream::of(schema, kept).fields;
        let fields = (0..).map(FieldId).zip(&schema.fields).filter(|(field, _)| kept.contains(*field));
        let fields = fields.map(|(field, declared)| {
            let is_it =
                |(path, ty): &(Vec<CompactString>, FieldType)| *path == declared.path && *ty == declared.ty;
            (field, then.fields.iter().position(is_it).map(|index| FieldId(index as u32)))
        });
        let fields = fields.collect();
        self.0.insert(number, Stream { now, then, kept, is_same, fields });
    }

    /// The stream of now that a number stands for.
    pub fn get(&self, number: u32) -> Option<StreamId> {
        self.0.get(&number).map(|stream| stream.now)
    }
}

impl Stream {
    /// The values of an event as it would be now, if that is something else than the values that were
    /// stored of these fields.
    fn fit(
        &self,
        kept: Kept,
        values: &[Value],
        raw: &[u8],
        again: &ReadAgain<'_>,
    ) -> Result<Option<Values>, Damaged> {
        if values.len() != kept.count(self.then.fields.len()) {
            return Err(Damaged::new("an event has another number of values than its stream has fields"));
        }
        if self.is_same && kept.covers(self.kept) {
            return Ok(None);
        }
        // Looked at once, and only if something is missing.
        let mut record: Option<Option<Event>> = None;
        let mut read = |field: FieldId| {
            let record = record.get_or_insert_with(|| again(self.now, raw));
            record.as_ref().map_or(Value::Null, |event| event.value(field).clone())
        };
        let value = |(field, then): &(FieldId, Option<FieldId>)| {
            let slot = then.and_then(|then| kept.slot(then));
            slot.and_then(|slot| values.get(slot).cloned()).unwrap_or_else(|| read(*field))
        };
        Ok(Some(self.fields.iter().map(value).collect()))
    }
}

/// The events that stand before what refers to them.
#[derive(Debug, Default)]
pub(crate) struct Events(Vec<Found>);

#[derive(Debug)]
struct Found {
    event: Event,
    /// Whether its stream is not there any more.
    is_foreign: bool,
    /// Whether it was stored as it would be now.
    is_current: bool,
}

impl Events {
    /// Reads what [`EventWriter::finish`] has written, up to what refers to the events.
    pub fn read(r: &mut Reader<'_>, streams: &Streams, again: &ReadAgain<'_>) -> Result<Events, Damaged> {
        let mut time = Timestamp::default();
        r.list(|r| Found::read(r, &mut time, streams, again)).map(Events)
    }

    /// The event that is referred to next, which must be of a stream that is there.
    pub fn next(&self, r: &mut Reader<'_>) -> Result<&Event, Damaged> {
        let found = &self.0[r.place(self.0.len())?];
        if found.is_foreign {
            return Err(Damaged::new("it needs an event of a stream that is not there"));
        }
        Ok(&found.event)
    }

    /// The same, of whatever stream: whether it is there, and an event that can be shown and nothing else
    /// if not.
    pub fn next_of_any(&self, r: &mut Reader<'_>) -> Result<(bool, &Event), Damaged> {
        let found = &self.0[r.place(self.0.len())?];
        Ok((!found.is_foreign, &found.event))
    }

    /// Looks whether none is later than `latest`.
    pub fn are_until(&self, latest: Timestamp) -> Result<(), Damaged> {
        match self.0.iter().all(|found| found.event.time() <= latest) {
            true => Ok(()),
            false => Err(Damaged::new("an event is later than event time had come")),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// About how many bytes of memory they take.
    pub fn footprint(&self) -> usize {
        self.0.iter().map(|found| found.event.footprint()).sum()
    }

    /// Whether all events were stored as they would be now.
    pub fn are_current(&self) -> bool {
        self.0.iter().all(|found| found.is_current)
    }
}

impl Found {
    fn read(
        r: &mut Reader<'_>,
        last: &mut Timestamp,
        streams: &Streams,
        again: &ReadAgain<'_>,
    ) -> Result<Found, Damaged> {
        let flags = r.byte()?;
        if flags & !(OWN_KEPT | DERIVED) != 0 {
            return Err(Damaged::new("there is no such kind of event"));
        }
        let number = r.small()?;
        let time = Timestamp::read_after(*last, r)?;
        *last = time;
        let arrival = Timestamp::read_after(time, r)?;
        let position = Position { partition: PartitionId(r.small()?), offset: r.number()? };
        let own_kept = if flags & OWN_KEPT == 0 { None } else { Some(Kept::from_bits(r.bits()?)) };
        let alert = if flags & DERIVED == 0 { None } else { Some(r.text()?) };
        let mut values = Values::new();
        for _ in 0..r.len()? {
            values.push(Value::read(r)?);
        }
        let raw = r.bytes()?;
        let Some(stream) = streams.0.get(&number) else {
            let point = SequencePoint { time, stream: FOREIGN, position };
            let event = Event::keeping(Kept::default(), point, std::iter::empty(), raw).arrived(arrival);
            return Ok(Found { event, is_foreign: true, is_current: false });
        };
        let mut kept = own_kept.unwrap_or(stream.then.kept);
        if let Some(fitted) = stream.fit(kept, &values, raw, again)? {
            (kept, values) = (stream.kept, fitted);
        }
        let event = match (alert, stream.then.is_derived) {
            (Some(alert), true) => {
                Event::of_alert(stream.now, time, position.offset, alert, values.into_vec(), raw)
            }
            (None, false) => {
                let point = SequencePoint { time, stream: stream.now, position };
                Event::keeping(kept, point, values.into_iter(), raw).arrived(arrival)
            }
            _ => return Err(Damaged::new("an event is of another kind than its stream")),
        };
        let is_current = stream.is_same && stream.then.kept == stream.kept;
        Ok(Found { event, is_foreign: false, is_current })
    }
}

impl SequencePoint {
    /// Writes it.
    pub(crate) fn write(self, w: &mut Writer, streams: &StreamNumbers) {
        self.time.write(w);
        self.stream.write(w, streams);
        w.number(self.position.partition.0.into());
        w.number(self.position.offset);
    }

    /// Reads one; none if its stream is not there any more, or stands for nothing.
    pub(crate) fn read(r: &mut Reader<'_>, streams: &Streams) -> Result<Option<SequencePoint>, Damaged> {
        let time = Timestamp::read(r)?;
        let stream = StreamId::read(r, streams)?;
        let position = Position { partition: PartitionId(r.small()?), offset: r.number()? };
        Ok(stream.map(|stream| SequencePoint { time, stream, position }))
    }
}

impl StreamId {
    /// Writes it; also the one that stands for all events made of alerts.
    pub(crate) fn write(self, w: &mut Writer, streams: &StreamNumbers) {
        w.option(Some(self).filter(|stream| *stream != SequencePoint::DERIVED), |w, stream| {
            w.number(streams[stream.0 as usize].0.into());
        });
    }

    /// Reads one; none if it is not there any more.
    pub(crate) fn read(r: &mut Reader<'_>, streams: &Streams) -> Result<Option<StreamId>, Damaged> {
        let number = r.option(Reader::small)?;
        Ok(number.map_or(Some(SequencePoint::DERIVED), |number| streams.get(number)))
    }
}
