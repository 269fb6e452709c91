//! Putting events in order: watermarks, lateness, and what may be released when.
//!
//! Enters: events of many partitions, each disordered by no more than its stream's `late`, and the
//! opening, closing and quiet of partitions. Leaves: events in the order of their sequence points,
//! each as soon as none before it can still arrive, and the event time that has passed. Time is an
//! argument; nothing here reads a clock.
//!
//! A partition can still send events at or after its watermark, so the least
//! (watermark, stream, partition) of all partitions that hold time back is a frontier: what lies
//! at or before it may go.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use crate::event::{Duration, Event, PartitionId, SequencePoint, StreamId, StreamSchema, Timestamp};
use buffer::Buffer;
use partitions::{Id, Partition, Partitions, Place};
use stored::StoredRows;

mod buffer;
mod partitions;
mod stored;

/// Events waiting for their turn, and the watermarks that decide it.
#[derive(Debug)]
pub struct Ordering {
    streams: Vec<StreamOrder>,
    partitions: Partitions,
    waiting: Buffer,
    /// The partitions that hold time back, with what was noted of their watermarks. Of one that has been
    /// closed something may be left.
    holding: BinaryHeap<Reverse<Holding>>,
    /// The least (watermark, stream, partition) of the partitions that hold time back; `None` when
    /// none does.
    frontier: Option<Frontier>,
    /// The last event released.
    released: Option<SequencePoint>,
    /// All times before this have passed. Never goes back.
    passed: Timestamp,
    /// The furthest watermark that a partition had when it ended.
    ended: Timestamp,
    /// The rows in which events are stored that wait, or have waited.
    stored: StoredRows,
}

/// How time stands in a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamTime {
    /// How many partitions are open.
    pub partitions: usize,
    /// The least watermark of those that hold event time back, if one does; the first time of all before it has sent
    /// anything.
    pub watermark: Option<Timestamp>,
}

impl StreamTime {
    /// Together with how it stands elsewhere.
    pub fn and(self, other: StreamTime) -> StreamTime {
        let watermark = [self.watermark, other.watermark].into_iter().flatten().min();
        StreamTime { partitions: self.partitions + other.partitions, watermark }
    }
}

/// What lies at or before it may go.
type Frontier = (Timestamp, StreamId, PartitionId);

/// A partition that holds time back: its watermark as it was once, and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Holding {
    watermark: Timestamp,
    id: Id,
    place: Place,
}

/// How many closed partitions may be left among those that hold time back, beside as many as are open.
const FEW: usize = 64;

/// What a stream says about order.
#[derive(Clone, Copy, Debug)]
struct StreamOrder {
    late: Duration,
    idle: Option<Duration>,
    /// Whether its events carry the time of their arrival, so that the clock moves its watermark.
    by_arrival: bool,
    /// When one of its partitions last showed that it was there, if any ever did.
    heard: Option<Timestamp>,
}

impl Ordering {
    /// An ordering for events of these streams.
    pub fn new(streams: &[StreamSchema]) -> Ordering {
        let late = streams.iter().map(|stream| stream.late).max();
        let streams = streams
            .iter()
            .map(|stream| StreamOrder {
                late: stream.late,
                idle: stream.idle,
                by_arrival: stream.time.is_none(),
                heard: None,
            })
            .collect();
        Ordering {
            waiting: Buffer::new(late.unwrap_or(Duration::ZERO)),
            streams,
            partitions: Partitions::default(),
            holding: BinaryHeap::new(),
            frontier: None,
            released: None,
            passed: Timestamp::MIN,
            ended: Timestamp::MIN,
            stored: StoredRows::default(),
        }
    }

    /// A partition begins to send and holds event time back from now on.
    pub fn open(&mut self, stream: StreamId, partition: PartitionId, now: Timestamp) {
        self.hear_from((stream, partition), now);
    }

    /// A partition has ended and holds nothing back any more. With the last of them time comes to
    /// where the furthest one ended, whichever of them that was.
    pub fn close(&mut self, stream: StreamId, partition: PartitionId) {
        let Some(closed) = self.partitions.remove((stream, partition)) else { return };
        self.ended = self.ended.max(closed.watermark);
        if self.holding.len() > 2 * self.partitions.len() + FEW {
            self.find_holding();
        }
        self.find_frontier();
        if self.partitions.is_empty() {
            self.pass(self.ended);
        }
    }

    /// Ends every partition and all time: what waits may go, and no event can be taken any more.
    pub fn finish(&mut self) {
        self.partitions.clear();
        self.find_holding();
        self.find_frontier();
        self.pass(Timestamp::MAX);
    }

    /// Takes an event into the order. Events of streams without a time field are never late: they
    /// get the first time at which they can still be put in order.
    ///
    /// # Errors
    /// When the event is late: by how much.
    pub fn push(&mut self, event: Event, now: Timestamp) -> Result<(), Duration> {
        let id = (event.stream(), event.position().partition);
        let place = self.hear_from(id, now);
        let StreamOrder { late, by_arrival, .. } = self.streams[id.0.0 as usize];
        let first = self.first_in_time(place, &event);
        let event = if by_arrival { event.not_before(first) } else { event };
        if event.time() < first {
            return Err(first.since(event.time()).unwrap_or(Duration::ZERO));
        }
        let watermark = &mut self.partitions.get_mut(place).watermark;
        *watermark = event.time().saturating_sub(late).max(*watermark);
        if self.behind() == Some(id) {
            self.find_frontier();
        }
        self.waiting.push(event, self.frontier);
        Ok(())
    }

    /// A partition is there although it sends nothing, because it is not read or not connected: it
    /// does not become idle.
    pub fn keep_active(&mut self, stream: StreamId, partition: PartitionId, now: Timestamp) {
        if self.partitions.find((stream, partition)).is_some() {
            self.hear_from((stream, partition), now);
        }
    }

    /// A partition shows that it is there. Gives its place.
    fn hear_from(&mut self, id: Id, now: Timestamp) -> Place {
        let place = self.partitions.find(id).unwrap_or_else(|| {
            let new = Partition { id, watermark: Timestamp::MIN, active_at: now, idle: true };
            self.partitions.add(new)
        });
        let partition = self.partitions.get_mut(place);
        partition.active_at = now;
        self.streams[id.0.0 as usize].heard = Some(now);
        if std::mem::take(&mut partition.idle) {
            self.holding.push(Reverse(Holding { watermark: partition.watermark, id, place }));
            self.find_frontier();
        }
        place
    }

    /// The first time with which the event can still be put in order: not before the watermark of
    /// its partition, nor before what has passed, nor before what has been released.
    fn first_in_time(&mut self, place: Place, event: &Event) -> Timestamp {
        let first = self.partitions.get_mut(place).watermark.max(self.passed);
        match self.released {
            Some(last) if last.time >= first => {
                // At the very time of the last event released, what follows that one is in turn.
                let follows = (event.stream(), event.position()) > (last.stream, last.position);
                if follows { last.time } else { last.time.saturating_add(Duration::from_micros(1)) }
            }
            _ => first,
        }
    }

    /// Lets the wall clock move on to `now`: quiet partitions let go, and streams without a time
    /// field move with the clock.
    pub fn tick(&mut self, now: Timestamp) {
        for partition in self.partitions.iter_mut() {
            let order = self.streams[partition.id.0.0 as usize];
            if order.by_arrival {
                partition.watermark = partition.watermark.max(now.saturating_sub(order.late));
            }
            if let Some(idle) = order.idle {
                partition.idle = partition.active_at.saturating_add(idle) <= now;
            }
        }
        self.find_holding();
        self.find_frontier();
        if self.holding.is_empty() && self.are_silent(now) {
            // The slowest of the streams decides how far time follows the clock.
            let heard = self.streams.iter().filter(|stream| stream.heard.is_some());
            if let Some(late) = heard.map(|stream| stream.late).max() {
                self.pass(now.saturating_sub(late));
            }
        }
    }

    /// Whether nothing has been heard for longer than `idle` of any stream that has been heard of. A
    /// stream without `idle` says nothing about that once its partitions have ended; but if no stream
    /// has it, time does not follow the clock.
    fn are_silent(&self, now: Timestamp) -> bool {
        let mut known =
            self.streams.iter().filter_map(|stream| Some((stream.heard?, stream.idle?))).peekable();
        known.peek().is_some() && known.all(|(heard, idle)| heard.saturating_add(idle) <= now)
    }

    /// Gives out the events whose turn has come, in their order.
    pub fn drain_ready(&mut self, mut give: impl FnMut(Event)) {
        while let Some((point, event)) = self.waiting.pop(self.frontier) {
            // A position delivered again while the event was waiting is the same event.
            if self.released.replace(point) != Some(point) {
                give(event);
            }
        }
    }

    /// All times before this have passed, once every event that is ready has been given out.
    pub fn passed(&self) -> Timestamp {
        self.passed
    }

    /// All times before this have passed for who looks at the events given out: where nobody holds time
    /// back, they go further than [`Ordering::passed`], and nothing that precedes the last of them
    /// can follow it.
    pub fn reached(&self) -> Timestamp {
        self.released.map_or(self.passed, |last| self.passed.max(last.time))
    }

    /// How many events wait for their turn.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// About how many bytes of memory they take.
    pub fn waiting_bytes(&self) -> usize {
        self.waiting.bytes()
    }

    /// The time of the first event that waits.
    pub fn first_waiting(&self) -> Option<Timestamp> {
        self.waiting.first_time()
    }

    /// The partitions that are open.
    pub fn open_partitions(&self) -> impl Iterator<Item = (StreamId, PartitionId)> {
        self.partitions.iter().map(|(_, partition)| partition.id)
    }

    /// The open partitions whose watermark is beyond event time: what they have sent waits for others.
    pub fn ahead(&self) -> impl Iterator<Item = (StreamId, PartitionId)> {
        let ahead = self.partitions.iter().filter(|(_, partition)| partition.watermark > self.passed);
        ahead.map(|(_, partition)| partition.id)
    }

    /// The partition that holds event time back most.
    pub fn behind(&self) -> Option<(StreamId, PartitionId)> {
        self.frontier.map(|(_, stream, partition)| (stream, partition))
    }

    /// How time stands in each stream, in their order.
    pub fn stream_times(&self) -> Vec<StreamTime> {
        let mut times = vec![StreamTime::default(); self.streams.len()];
        for (_, partition) in self.partitions.iter() {
            let time = &mut times[partition.id.0.0 as usize];
            time.partitions += 1;
            if !partition.idle {
                let least =
                    time.watermark.map_or(partition.watermark, |least| least.min(partition.watermark));
                time.watermark = Some(least);
            }
        }
        times
    }

    /// Time before `time` has passed, unless more already has.
    fn pass(&mut self, time: Timestamp) {
        self.passed = self.passed.max(time);
    }

    /// Finds out which partitions hold time back.
    fn find_holding(&mut self) {
        let holding = self.partitions.iter().filter(|(_, partition)| !partition.idle);
        self.holding = holding
            .map(|(place, &Partition { id, watermark, .. })| Reverse(Holding { watermark, id, place }))
            .collect();
    }

    /// Finds out which partition holds time back most. What [`Ordering::holding`] says of a partition
    /// is brought up to date when it comes to the front: until then it says too little, which
    /// keeps no other partition from the front.
    fn find_frontier(&mut self) {
        self.frontier = None;
        while let Some(mut first) = self.holding.peek_mut() {
            let Reverse(Holding { watermark: noted, id, place }) = *first;
            let Some(partition) = self.partitions.at(place, id) else {
                PeekMut::pop(first);
                continue;
            };
            let watermark = partition.watermark.max(self.passed);
            if watermark == noted {
                self.frontier = Some((watermark, id.0, id.1));
                self.passed = watermark;
                break;
            }
            *first = Reverse(Holding { watermark, id, place });
        }
    }
}

#[cfg(test)]
mod tests;
