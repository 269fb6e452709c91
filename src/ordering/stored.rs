//! What puts events in order, as bytes. What can be found out from it is left out: which partition holds
//! time back.

use super::{Ordering, Partition};
use crate::event::stored::{EventWriter, Events, StreamNumbers, Streams};
use crate::event::{
    Duration, Event, PartitionId, Position, SequencePoint, StreamId, StreamSchema, Timestamp,
};
use crate::stored::{Damaged, Reader};

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
        let mut waiting: Vec<&Event> = self.waiting.iter().collect();
        waiting.sort_by_key(|event| event.point());
        w.body.size(waiting.len());
        waiting.into_iter().for_each(|event| w.passing_event(event, streams));
    }

    /// Reads that of streams, of which some may be gone. With the number of events that waited and are left
    /// out because their streams are gone.
    pub fn restore(
        schemas: &[StreamSchema],
        r: &mut Reader<'_>,
        events: &Events,
        streams: &Streams,
    ) -> Result<(Ordering, u64), Damaged> {
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
        let mut left = 0;
        for _ in 0..r.len()? {
            let (is_there, event) = events.next_of_any(r)?;
            if is_there {
                of_source(event.stream(), schemas)?;
                ordering.waiting.push(event.clone(), ordering.frontier);
            } else {
                left += 1;
            }
        }
        Ok((ordering, left))
    }
}

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
