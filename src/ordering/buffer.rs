//! The events that wait for their turn, in buckets by time.
//!
//! Enters: events in any order, and the frontier: what lies at or before it may go. Leaves: the events
//! that may go, in the order of their places.
//!
//! Putting an event into its bucket costs the same however many wait. The bucket that time comes to
//! is put in order at once and then given out from the front; what still comes for it is put between.
//! An event that follows all that wait and may go at once passes no bucket: where streams are in
//! order and nothing is held up, nothing is ever sorted.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use hashbrown::HashMap;

use super::Frontier;
use crate::event::{Duration, Event, Seeded, SequencePoint};

/// How long a bucket is at least, in microseconds, as a power of two.
const SHORTEST: u32 = 16;
/// About how many buckets the longest `late` is divided into: few enough that they are found quickly,
/// and enough that none takes long to be put in order.
const BUCKETS: i64 = 128;

/// Events that wait.
#[derive(Debug)]
pub(super) struct Buffer {
    /// Those of times up to `reach` that came in order.
    near: VecDeque<Waiting>,
    /// Those of times up to `reach` that came behind one that follows them.
    between: BinaryHeap<Reverse<Waiting>>,
    /// All others, as they came, by the number of their bucket.
    far: HashMap<i64, Vec<Waiting>, Seeded>,
    /// The numbers of these buckets.
    numbers: BinaryHeap<Reverse<i64>>,
    /// The last microsecond of the buckets that time has come to.
    reach: i64,
    /// How long a bucket is, in microseconds, as a power of two.
    length: u32,
    /// How many events wait.
    len: usize,
    /// About how many bytes of memory they take.
    bytes: usize,
}

/// An event that waits. Its place stands beside it because places are compared all the time, and each
/// look into an event may have to wait for memory.
#[derive(Debug)]
struct Waiting {
    point: SequencePoint,
    event: Event,
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

impl Buffer {
    /// For streams of which none is `late` by more than that.
    pub fn new(late: Duration) -> Buffer {
        let length = (late.as_micros() / BUCKETS).checked_ilog2().unwrap_or(0);
        Buffer {
            near: VecDeque::new(),
            between: BinaryHeap::new(),
            far: HashMap::default(),
            numbers: BinaryHeap::new(),
            reach: i64::MIN,
            length: length.max(SHORTEST),
            len: 0,
            bytes: 0,
        }
    }

    /// How many events wait.
    pub fn len(&self) -> usize {
        self.len
    }

    /// About how many bytes of memory they take.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The events, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Event> {
        let between = self.between.iter().map(|Reverse(waiting)| waiting);
        let all = self.near.iter().chain(between).chain(self.far.values().flatten());
        all.map(|waiting| &waiting.event)
    }

    /// Takes an event. `frontier`: what may go, as in [`Buffer::pop`].
    pub fn push(&mut self, event: Event, frontier: Option<Frontier>) {
        self.len += 1;
        self.bytes += event.footprint();
        let waiting = Waiting { point: event.point(), event };
        let us = waiting.point.time.as_micros();
        if us > self.reach {
            if !self.far.is_empty() || !may_go(waiting.point, frontier) {
                return self.put_aside(waiting);
            }
            self.reach = self.end_of(us >> self.length);
        }
        match self.near.back() {
            Some(last) if *last > waiting => self.between.push(Reverse(waiting)),
            _ => self.near.push_back(waiting),
        }
    }

    /// Puts an event into its bucket.
    #[inline(never)]
    fn put_aside(&mut self, waiting: Waiting) {
        let bucket = waiting.point.time.as_micros() >> self.length;
        let events = self.far.entry(bucket).or_insert_with(|| {
            self.numbers.push(Reverse(bucket));
            Vec::new()
        });
        events.push(waiting);
    }

    /// The first event of all, if it lies at or before the frontier. Where there is no frontier, all
    /// may go.
    pub fn pop(&mut self, frontier: Option<Frontier>) -> Option<(SequencePoint, Event)> {
        if self.near.is_empty() && self.between.is_empty() {
            self.come_to_next(frontier)?;
        }
        let between = self.between.peek().map(|Reverse(first)| first);
        let near = self.near.front();
        let is_between = between.is_some_and(|between| near.is_none_or(|near| between < near));
        let first = if is_between { between } else { near };
        if !may_go(first?.point, frontier) {
            return None;
        }
        let first = match is_between {
            true => self.between.pop().map(|Reverse(first)| first),
            false => self.near.pop_front(),
        };
        let Waiting { point, event } = first?;
        self.len -= 1;
        self.bytes -= event.footprint();
        Some((point, event))
    }

    /// Puts the first bucket in order if something of it may go; `None` when there is none.
    fn come_to_next(&mut self, frontier: Option<Frontier>) -> Option<()> {
        let Reverse(bucket) = *self.numbers.peek()?;
        if frontier.is_some_and(|(time, ..)| bucket > time.as_micros() >> self.length) {
            return None;
        }
        self.numbers.pop();
        let mut events = self.far.remove(&bucket)?;
        events.sort();
        self.near = events.into();
        self.reach = self.end_of(bucket);
        Some(())
    }

    /// The last microsecond of a bucket.
    fn end_of(&self, bucket: i64) -> i64 {
        bucket << self.length | ((1 << self.length) - 1)
    }
}

/// Whether what has that place lies at or before the frontier, if there is one.
fn may_go(point: SequencePoint, frontier: Option<Frontier>) -> bool {
    frontier.is_none_or(|frontier| (point.time, point.stream, point.position.partition) <= frontier)
}
