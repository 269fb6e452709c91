//! What puts events in order, as bytes. What can be found out from it is left out: which partition holds
//! time back.
//!
//! There may be hundreds of megabytes of events that wait, most of them for longer than from one time of
//! storing to the next. So they are stored in rows of some kilobytes: those that have come since the last
//! time, in order, and a row is removed when the last of its events has had its turn. An event of a row that
//! stands at or before the last that had its turn has had it, too.

use std::collections::BTreeMap;

use super::{Ordering, Partition};
use crate::event::stored::{EventWriter, Events, ReadAgain, StreamNumbers, Streams};
use crate::event::{Duration, PartitionId, Position, SequencePoint, StreamId, StreamSchema, Timestamp};
use crate::stored::{Damaged, Reader, Row, Rows, Space};

impl Ordering {
    /// Writes all of it that changes.
    pub fn store(&self, w: &mut EventWriter, streams: &StreamNumbers) {
        let mut partitions: Vec<&Partition> = self.partitions.iter().map(|(_, of)| of).collect();
        partitions.sort_by_key(|of| of.id);
        w.body.list(partitions, |w, of| {
            of.id.0.write(w, streams);
            w.number(of.id.1.0.into());
            of.watermark.write(w);
            of.active_at.write(w);
            w.flag(of.idle);
        });
        w.body.option(self.released, |w, point| point.write(w, streams));
        self.passed.write(&mut w.body);
        self.ended.write(&mut w.body);
        let heard = (0..).map(StreamId).zip(&self.streams);
        let heard: Vec<_> = heard.filter_map(|(id, of)| Some((id, of.heard?))).collect();
        w.body.list(heard, |w, (id, time)| {
            id.write(w, streams);
            time.write(w);
        });
    }

    /// Adds the rows of the events that have come to wait since the last time, and those that are gone.
    pub fn changes(&mut self, streams: &StreamNumbers, rows: &mut Rows) {
        let is_over = |last: &SequencePoint| self.released.is_some_and(|released| *last <= released);
        let chunks = std::mem::take(&mut self.stored.chunks);
        let (over, chunks): (BTreeMap<_, _>, BTreeMap<_, _>) =
            chunks.into_iter().partition(|(_, last)| is_over(last));
        self.stored.chunks = chunks;
        for number in self.stored.gone.drain(..).chain(over.into_keys()) {
            rows.remove(Space::Waiting, GROUP, |w| w.number(number));
        }
        let mut w = EventWriter::default();
        let mut waiting = self.waiting.take_unstored().into_iter().peekable();
        while let Some(event) = waiting.next() {
            w.passing_event(event, streams);
            if w.len() >= CHUNK || waiting.peek().is_none() {
                let number = self.stored.next;
                self.stored.next += 1;
                self.stored.chunks.insert(number, event.point());
                rows.write(Space::Waiting, GROUP, |w| w.number(number), |out| w.finish(out));
            }
        }
    }

    /// Reads that of streams, of which some may be gone.
    pub fn restore(
        schemas: &[StreamSchema],
        r: &mut Reader<'_>,
        streams: &Streams,
    ) -> Result<Ordering, Damaged> {
        let mut ordering = Ordering::new(schemas);
        for _ in 0..r.len()? {
            let stream = StreamId::read(r, streams)?;
            let partition = PartitionId(r.small()?);
            let (watermark, active_at, idle) = (Timestamp::read(r)?, Timestamp::read(r)?, r.flag()?);
            let Some(stream) = stream else { continue };
            let id = (of_source(stream, schemas)?, partition);
            if ordering.partitions.find(id).is_some() {
                return Err(Damaged::new("a partition is there twice"));
            }
            ordering.partitions.add(Partition { id, watermark, active_at, idle });
        }
        ordering.released = r.option(|r| read_released(r, streams))?;
        ordering.passed = Timestamp::read(r)?;
        ordering.ended = Timestamp::read(r)?;
        for _ in 0..r.len()? {
            let (stream, time) = (StreamId::read(r, streams)?, Timestamp::read(r)?);
            if let Some(stream) = stream {
                ordering.streams[of_source(stream, schemas)?.0 as usize].heard = Some(time);
            }
        }
        ordering.find_holding();
        ordering.find_frontier();
        Ok(ordering)
    }

    /// Takes over a row of events that waited. Gives how many of them are left out because their streams are
    /// gone.
    pub fn restore_row(
        &mut self,
        schemas: &[StreamSchema],
        row: Row<'_>,
        streams: &Streams,
        again: &ReadAgain<'_>,
    ) -> Result<u64, Damaged> {
        let (mut key, mut r) = (Reader::new(row.key), Reader::new(row.value.unwrap_or_default()));
        let number = key.count()?;
        key.end()?;
        let is_known = self.stored.chunks.contains_key(&number) || self.stored.gone.contains(&number);
        if is_known || row.group != GROUP {
            return Err(Damaged::new("a row of events that wait is there twice"));
        }
        let events = Events::read(&mut r, streams, again)?;
        let count = events.len();
        // The row will be written anew without what is left out, so that nothing comes back later.
        let is_stored = events.are_current();
        let (mut left, mut last) = (0, None);
        for _ in 0..count {
            let (is_there, event) = events.next_of_any(&mut r)?;
            if self.released.is_some_and(|released| is_there && event.point() <= released) {
                continue;
            }
            if is_there {
                of_source(event.stream(), schemas)?;
                last = last.max(Some(event.point()));
                self.waiting.restore(event.clone(), is_stored, self.frontier);
            } else {
                left += 1;
            }
        }
        r.end()?;
        self.stored.next = self.stored.next.max(number + 1);
        match last.filter(|_| is_stored) {
            Some(last) => drop(self.stored.chunks.insert(number, last)),
            None => self.stored.gone.push(number),
        }
        Ok(left)
    }
}

/// The rows in which events are stored that wait, or have waited.
#[derive(Debug, Default)]
pub(super) struct StoredRows {
    /// The number of the next row.
    next: u64,
    /// Those that there are, with the last of their events.
    chunks: BTreeMap<u64, SequencePoint>,
    /// Those that are to be removed.
    gone: Vec<u64>,
}

/// A row is ended when it has so many bytes.
const CHUNK: usize = if cfg!(test) { 64 } else { 1 << 15 };
/// The group of these rows, which belong to no key.
const GROUP: u16 = 0;

/// A stream that can be put in order.
fn of_source(stream: StreamId, schemas: &[StreamSchema]) -> Result<StreamId, Damaged> {
    let schema = schemas.get(stream.0 as usize).filter(|schema| schema.alerts_of.is_none());
    schema.map(|_| stream).ok_or(Damaged::new("a stream cannot be put in order"))
}

/// The last event that had its turn. If its stream is gone, all events of its time may still follow.
fn read_released(r: &mut Reader<'_>, streams: &Streams) -> Result<SequencePoint, Damaged> {
    let time = Timestamp::read(&mut r.clone())?;
    let last = || SequencePoint {
        time: time.saturating_sub(Duration::from_micros(1)),
        stream: SequencePoint::DERIVED,
        position: Position { partition: PartitionId(u32::MAX), offset: u64::MAX },
    };
    Ok(SequencePoint::read(r, streams)?.unwrap_or_else(last))
}
