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

/// Events waiting for their turn, and the watermarks that decide it.
#[derive(Debug)]
pub struct Ordering {
    streams: Vec<StreamOrder>,
    partitions: BTreeMap<(StreamId, PartitionId), Partition>,
    waiting: BinaryHeap<Reverse<Waiting>>,
    /// The least (watermark, stream, partition) of the partitions that hold time back; `None` when
    /// none does.
    frontier: Option<Frontier>,
    /// The last event released.
    released: Option<SequencePoint>,
    /// All times before this have passed. Never goes back.
    passed: Timestamp,
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
}

#[derive(Debug)]
struct Partition {
    /// No event before this can be taken any more.
    watermark: Timestamp,
    /// When it last sent something, or was opened, by the wall clock.
    active_at: Timestamp,
    /// Whether it has been quiet for longer than its stream's `idle`.
    idle: bool,
}

#[derive(Debug)]
struct Waiting(Event);

impl PartialEq for Waiting {
    fn eq(&self, other: &Waiting) -> bool {
        self.0.point() == other.0.point()
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
        self.0.point().cmp(&other.0.point())
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
            })
            .collect();
        Ordering {
            streams,
            partitions: BTreeMap::new(),
            waiting: BinaryHeap::new(),
            frontier: None,
            released: None,
            passed: Timestamp::MIN,
        }
    }

    /// A partition begins to send and holds event time back from now on.
    pub fn open(&mut self, stream: StreamId, partition: PartitionId, now: Timestamp) {
        let new = Partition { watermark: Timestamp::MIN, active_at: now, idle: false };
        self.partitions.entry((stream, partition)).or_insert(new);
        self.find_frontier();
    }

    /// A partition has ended and holds nothing back any more.
    pub fn close(&mut self, stream: StreamId, partition: PartitionId) {
        self.partitions.remove(&(stream, partition));
        self.find_frontier();
    }

    /// Ends every partition.
    pub fn close_all(&mut self) {
        self.partitions.clear();
        self.find_frontier();
    }

    /// Takes an event into the order.
    ///
    /// # Errors
    /// When the event is late: by how much.
    pub fn push(&mut self, event: Event, now: Timestamp) -> Result<(), Duration> {
        let order = self.streams[event.stream().0 as usize];
        let id = (event.stream(), event.position().partition);
        let partition = self.partitions.entry(id).or_insert(Partition {
            watermark: Timestamp::MIN,
            active_at: now,
            idle: false,
        });
        partition.active_at = now;
        let was_idle = std::mem::take(&mut partition.idle);
        let mut floor = partition.watermark.max(self.passed);
        if let Some(released) = self.released.filter(|released| released.time >= floor) {
            // At the time of the last event released, only what follows it in the order is in turn.
            let follows = (event.stream(), event.position()) > (released.stream, released.position);
            floor =
                if follows { released.time } else { released.time.saturating_add(Duration::from_micros(1)) };
        }
        let event = if order.by_arrival { event.not_before(floor) } else { event };
        if event.time() < floor {
            return Err(floor.since(event.time()).unwrap_or(Duration::ZERO));
        }
        let watermark = event.time().saturating_sub(order.late);
        let held_back = self.frontier.is_some_and(|(_, stream, partition)| (stream, partition) == id);
        if watermark > partition.watermark {
            partition.watermark = watermark;
        }
        if was_idle || held_back || self.frontier.is_none() {
            self.find_frontier();
        }
        self.waiting.push(Reverse(Waiting(event)));
        Ok(())
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
        self.find_frontier();
        let all_idle =
            !self.partitions.is_empty() && self.partitions.values().all(|partition| partition.idle);
        if all_idle {
            let late = self.streams.iter().map(|stream| stream.late).max().unwrap_or(Duration::ZERO);
            self.pass(now.saturating_sub(late));
        }
    }

    /// The next event whose turn has come.
    pub fn pop(&mut self) -> Option<Event> {
        let Reverse(Waiting(next)) = self.waiting.peek()?;
        let point = next.point();
        let ready = match self.frontier {
            Some(frontier) => (point.time, point.stream, point.position.partition) <= frontier,
            // Nobody holds time back: all that is there may go.
            None => true,
        };
        if !ready {
            return None;
        }
        self.released = Some(point);
        self.waiting.pop().map(|Reverse(Waiting(event))| event)
    }

    /// All times before this have passed, once every event that is ready has been popped.
    pub fn passed(&self) -> Timestamp {
        self.passed
    }

    /// How many events wait for their turn.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The partition that holds event time back most.
    pub fn behind(&self) -> Option<(StreamId, PartitionId)> {
        self.frontier.map(|(_, stream, partition)| (stream, partition))
    }

    /// Time before `time` has passed, unless more already has.
    fn pass(&mut self, time: Timestamp) {
        self.passed = self.passed.max(time);
    }

    fn find_frontier(&mut self) {
        self.frontier = self
            .partitions
            .iter()
            .filter(|(_, partition)| !partition.idle)
            .map(|((stream, id), partition)| (partition.watermark.max(self.passed), *stream, *id))
            .min();
        if let Some((watermark, ..)) = self.frontier {
            self.pass(watermark);
        }
    }
}
