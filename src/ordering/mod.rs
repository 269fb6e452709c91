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
use std::collections::{BTreeMap, BinaryHeap};

use crate::event::{Duration, Event, PartitionId, SequencePoint, StreamId, StreamSchema, Timestamp};

mod state;

pub use state::{OrderingState, PartitionState};

/// Events waiting for their turn, and the watermarks that decide it.
#[derive(Debug)]
pub struct Ordering {
    streams: Vec<StreamOrder>,
    partitions: BTreeMap<(StreamId, PartitionId), Partition>,
    waiting: BinaryHeap<Reverse<Waiting>>,
    /// The partitions that hold time back, each once, with what was noted of their watermarks.
    holding: BinaryHeap<Reverse<Frontier>>,
    /// The least (watermark, stream, partition) of the partitions that hold time back; `None` when
    /// none does.
    frontier: Option<Frontier>,
    /// The last event released.
    released: Option<SequencePoint>,
    /// All times before this have passed. Never goes back.
    passed: Timestamp,
    /// The furthest watermark that a partition had when it ended.
    ended: Timestamp,
    /// About how many bytes of memory the events that wait take.
    waiting_bytes: usize,
}

/// What lies at or before it may go.
type Frontier = (Timestamp, StreamId, PartitionId);

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

#[derive(Clone, Copy, Debug)]
struct Partition {
    /// No event before this can be taken any more.
    watermark: Timestamp,
    /// When it last sent something, or was opened, by the wall clock.
    active_at: Timestamp,
    /// Whether it has been quiet for longer than its stream's `idle`.
    idle: bool,
}

/// An event that waits. Its place stands beside it because the heap compares places all the time, and
/// each look into an event may have to wait for memory.
#[derive(Debug)]
struct Waiting {
    point: SequencePoint,
    event: Event,
}

impl Waiting {
    fn new(event: Event) -> Waiting {
        Waiting { point: event.point(), event }
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Waiting) -> bool {
        self.point == other.point
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Waiting) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Waiting) -> std::cmp::Ordering {
        self.point.cmp(&other.point)
    }
}

impl Ordering {
    /// An ordering for events of these streams.
    pub fn new(streams: &[StreamSchema]) -> Ordering {
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
            streams,
            partitions: BTreeMap::new(),
            waiting: BinaryHeap::new(),
            holding: BinaryHeap::new(),
            frontier: None,
            released: None,
            passed: Timestamp::MIN,
            ended: Timestamp::MIN,
            waiting_bytes: 0,
        }
    }

    /// A partition begins to send and holds event time back from now on.
    pub fn open(&mut self, stream: StreamId, partition: PartitionId, now: Timestamp) {
        self.hear_from((stream, partition), now);
        self.find_frontier();
    }

    /// A partition has ended and holds nothing back any more. With the last of them time comes to
    /// where the furthest one ended, whichever of them that was.
    pub fn close(&mut self, stream: StreamId, partition: PartitionId) {
        let Some(closed) = self.partitions.remove(&(stream, partition)) else { return };
        self.ended = self.ended.max(closed.watermark);
        self.holding.retain(|Reverse((_, s, p))| (*s, *p) != (stream, partition));
        self.find_frontier();
        if self.partitions.is_empty() {
            self.pass(self.ended);
        }
    }

    /// Ends every partition and all time: what waits may go, and no event can be taken any more.
    pub fn finish(&mut self) {
        self.partitions.clear();
        self.holding.clear();
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
        if self.hear_from(id, now) {
            self.find_frontier();
        }
        let order = self.streams[event.stream().0 as usize];
        let first = self.first_in_time(&event);
        let event = if order.by_arrival { event.not_before(first) } else { event };
        if event.time() < first {
            return Err(first.since(event.time()).unwrap_or(Duration::ZERO));
        }
        let partition = self.partitions.get_mut(&id).expect("the partition has just been heard from");
        partition.watermark = partition.watermark.max(event.time().saturating_sub(order.late));
        if self.behind() == Some(id) {
            self.find_frontier();
        }
        self.waiting_bytes += event.footprint();
        self.waiting.push(Reverse(Waiting::new(event)));
        Ok(())
    }

    /// A partition is there although it sends nothing, because it is not read or not connected: it
    /// does not become idle.
    pub fn keep_active(&mut self, stream: StreamId, partition: PartitionId, now: Timestamp) {
        if self.partitions.contains_key(&(stream, partition)) && self.hear_from((stream, partition), now) {
            self.find_frontier();
        }
    }

    /// A partition shows that it is there; whether it was not, or not any more.
    fn hear_from(&mut self, id: (StreamId, PartitionId), now: Timestamp) -> bool {
        let new = Partition { watermark: Timestamp::MIN, active_at: now, idle: true };
        let partition = self.partitions.entry(id).or_insert(new);
        partition.active_at = now;
        self.streams[id.0.0 as usize].heard = Some(now);
        let was_idle = std::mem::take(&mut partition.idle);
        if was_idle {
            self.holding.push(Reverse((partition.watermark, id.0, id.1)));
        }
        was_idle
    }

    /// The first time with which the event can still be put in order: not before the watermark of
    /// its partition, nor before what has passed, nor before what has been released.
    fn first_in_time(&self, event: &Event) -> Timestamp {
        let watermark = self
            .partitions
            .get(&(event.stream(), event.position().partition))
            .map_or(Timestamp::MIN, |partition| partition.watermark);
        let first = watermark.max(self.passed);
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
        for ((stream, _), partition) in &mut self.partitions {
            let order = self.streams[stream.0 as usize];
            if order.by_arrival {
                partition.watermark = partition.watermark.max(now.saturating_sub(order.late));
            }
            if let Some(idle) = order.idle {
                partition.idle = partition.active_at.saturating_add(idle) <= now;
            }
        }
        let holding = self.partitions.iter().filter(|(_, partition)| !partition.idle);
        self.holding =
            holding.map(|((stream, id), partition)| Reverse((partition.watermark, *stream, *id))).collect();
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

    /// The next event whose turn has come.
    pub fn pop(&mut self) -> Option<Event> {
        loop {
            let Reverse(Waiting { point, .. }) = self.waiting.peek()?;
            let point = *point;
            let ready = match self.frontier {
                Some(frontier) => (point.time, point.stream, point.position.partition) <= frontier,
                // Nobody holds time back: all that is there may go.
                None => true,
            };
            if !ready {
                return None;
            }
            let popped = self.waiting.pop().map(|Reverse(waiting)| waiting.event);
            self.waiting_bytes -= popped.as_ref().map_or(0, Event::footprint);
            // A position delivered again while the event was waiting is the same event.
            if self.released.replace(point) != Some(point) {
                return popped;
            }
        }
    }

    /// All times before this have passed, once every event that is ready has been popped.
    pub fn passed(&self) -> Timestamp {
        self.passed
    }

    /// All times before this have passed for who looks at the popped events: where nobody holds time
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
        self.waiting_bytes
    }

    /// The partitions that are open.
    pub fn open_partitions(&self) -> impl Iterator<Item = (StreamId, PartitionId)> {
        self.partitions.keys().copied()
    }

    /// The open partitions whose watermark is beyond event time: what they have sent waits for others.
    pub fn ahead(&self) -> impl Iterator<Item = (StreamId, PartitionId)> {
        let ahead = self.partitions.iter().filter(|(_, partition)| partition.watermark > self.passed);
        ahead.map(|(id, _)| *id)
    }

    /// The partition that holds event time back most.
    pub fn behind(&self) -> Option<(StreamId, PartitionId)> {
        self.frontier.map(|(_, stream, partition)| (stream, partition))
    }

    /// Time before `time` has passed, unless more already has.
    fn pass(&mut self, time: Timestamp) {
        self.passed = self.passed.max(time);
    }

    /// Finds out which partition holds time back most. What [`Ordering::holding`] says of a partition
    /// is brought up to date when it comes to the front: until then it says too little, which
    /// keeps no other partition from the front.
    fn find_frontier(&mut self) {
        while let Some(mut first) = self.holding.peek_mut() {
            let Reverse((noted, stream, id)) = *first;
            let watermark = self.partitions[&(stream, id)].watermark.max(self.passed);
            if watermark == noted {
                break;
            }
            *first = Reverse((watermark, stream, id));
        }
        self.frontier = self.holding.peek().map(|Reverse(first)| *first);
        if let Some((watermark, ..)) = self.frontier {
            self.pass(watermark);
        }
    }
}

#[cfg(test)]
mod tests;
