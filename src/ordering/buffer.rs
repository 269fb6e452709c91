//! The events that wait for their turn, in buckets by time.
//!
//! Enters: events in any order, and the frontier: what lies at or before it may go. Leaves: the events
//! that may go, in the order of their places.
//!
//! An event is put into its bucket in whatever order it comes. The bucket that time comes to is put in
//! order at once and then given out from the front; what still comes for it is put between. An event
//! that follows all that wait and may go at once passes no bucket: where streams are in order and
//! nothing is held up, nothing is ever sorted.
//!
//! Events that wait usually reach back as far as the longest `late`, so the length of a bucket is a
//! part of that. It decides what things cost and nothing else: if events lie days apart, each
//! has a bucket of its own; if all lie within one, those that come out of order wait in a heap.

use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

use super::Frontier;
use crate::event::{Duration, Event, SequencePoint, Timestamp};

/// How long a bucket is at least, in microseconds, as a power of two.
const SHORTEST: u32 = 16;
/// How many buckets the longest `late` fills: few, so that they are found quickly, and enough that none
/// takes long to be put in order.
const BUCKETS: i64 = 16;

/// Events that wait.
#[derive(Debug)]
pub(super) struct Buffer {
    /// Those of times up to `reach` that came in order.
    near: VecDeque<Waiting>,
    /// Those of times up to `reach` that came behind one that follows them.
    between: BinaryHeap<Reverse<Waiting>>,
    /// All others, as they came, by the number of their bucket.
    far: BTreeMap<i64, Vec<Waiting>>,
    /// The end of the buckets that time has come to.
    reach: Timestamp,
    /// How long a bucket is, in microseconds, as a power of two.
    length: u32,
    /// How many events wait.
    len: usize,
    /// About how many bytes of memory they take.
    bytes: usize,
}

/// An event that waits. What is asked of it here stands beside it: places are compared all the time, and
/// each look into an event may have to wait for memory.
#[derive(Debug)]
struct Waiting {
    point: SequencePoint,
    /// About how many bytes of memory it takes.
    bytes: u32,
    /// Whether it is in a row that has been stored. That changes while it lies in a heap; it has no part in
    /// the order there.
    is_stored: Cell<bool>,
    event: Event,
}

impl Waiting {
    fn new(event: Event) -> Waiting {
        let bytes = u32::try_from(event.footprint()).unwrap_or(u32::MAX);
        Waiting { point: event.point(), bytes, is_stored: Cell::new(false), event }
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

impl Buffer {
    /// For streams of which none is `late` by more than that.
    pub fn new(late: Duration) -> Buffer {
        let length = (late.as_micros() / BUCKETS).checked_ilog2().unwrap_or(0);
        Buffer {
            near: VecDeque::new(),
            between: BinaryHeap::new(),
            far: BTreeMap::new(),
            reach: Timestamp::MIN,
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

    /// The time of the first event.
    pub fn first_time(&self) -> Option<Timestamp> {
        let between = self.between.peek().map(|Reverse(first)| first.point.time);
        let near = self.near.front().map(|first| first.point.time);
        let next = || self.far.first_key_value()?.1.iter().map(|waiting| waiting.point.time).min();
        near.into_iter().chain(between).min().or_else(next)
    }

    /// All that waits, in no order.
    fn all(&self) -> impl Iterator<Item = &Waiting> {
        let between = self.between.iter().map(|Reverse(waiting)| waiting);
        self.near.iter().chain(between).chain(self.far.values().flatten())
    }

    /// The events that are in no row yet, in order. From now on they are.
    pub fn take_unstored(&self) -> Vec<&Event> {
        let new = self.all().filter(|waiting| !waiting.is_stored.replace(true));
        let mut new: Vec<&Waiting> = new.collect();
        new.sort_unstable();
        new.into_iter().map(|waiting| &waiting.event).collect()
    }

    /// Takes an event that is in a row, or is to be put into another.
    pub fn restore(&mut self, event: Event, is_stored: bool, frontier: Option<Frontier>) {
        self.put(Waiting { is_stored: Cell::new(is_stored), ..Waiting::new(event) }, frontier);
    }

    /// Takes an event. `frontier`: what may go, as in [`Buffer::pop`].
    pub fn push(&mut self, event: Event, frontier: Option<Frontier>) {
        self.put(Waiting::new(event), frontier);
    }

    fn put(&mut self, waiting: Waiting, frontier: Option<Frontier>) {
        self.len += 1;
        self.bytes += waiting.bytes as usize;
        let bucket = self.bucket(waiting.point.time);
        if waiting.point.time > self.reach {
            if !self.far.is_empty() || !may_go(waiting.point, frontier) {
                self.far.entry(bucket).or_default().push(waiting);
                return;
            }
            self.reach = self.end_of(bucket);
        }
        match self.near.back() {
            Some(last) if *last > waiting => self.between.push(Reverse(waiting)),
            _ => self.near.push_back(waiting),
        }
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
        let Waiting { point, bytes, event, .. } = first?;
        self.len -= 1;
        self.bytes -= bytes as usize;
        Some((point, event))
    }

    /// Puts the first bucket in order if something of it may go; `None` when there is none.
    fn come_to_next(&mut self, frontier: Option<Frontier>) -> Option<()> {
        let first = *self.far.first_key_value()?.0;
        if frontier.is_some_and(|(time, ..)| first > self.bucket(time)) {
            return None;
        }
        let (first, mut events) = self.far.pop_first()?;
        events.sort();
        self.near = events.into();
        self.reach = self.end_of(first);
        Some(())
    }

    /// The number of the bucket of a time.
    fn bucket(&self, time: Timestamp) -> i64 {
        time.as_micros() >> self.length
    }

    /// The last moment of a bucket.
    fn end_of(&self, bucket: i64) -> Timestamp {
        Timestamp::from_micros(bucket << self.length | ((1 << self.length) - 1))
    }
}

/// Whether what has that place lies at or before the frontier, if there is one.
fn may_go(point: SequencePoint, frontier: Option<Frontier>) -> bool {
    frontier.is_none_or(|frontier| (point.time, point.stream, point.position.partition) <= frontier)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cases::cases;
    use crate::event::{PartitionId, Position, StreamId};

    /// What can happen to a buffer.
    #[derive(Clone, Debug)]
    enum Step {
        /// An event comes; where it is, and in which partition.
        Push(i64, u32),
        /// What may go is asked for, until there is no more or as often as that.
        Pop(Option<(i64, u32)>, usize),
    }

    /// Moments close to each other, around the ends of buckets, and at both ends of the range.
    fn moment() -> impl Strategy<Value = i64> {
        let bucket = 1_i64 << SHORTEST;
        prop_oneof![
            4 => -3..3_i64,
            4 => (-3..4_i64, -2..2_i64).prop_map(move |(number, us)| number * bucket + us),
            4 => -3 * bucket..3 * bucket,
            1 => (0..3_i64).prop_map(|us| Timestamp::FIRST.as_micros() + us),
            1 => (0..3_i64).prop_map(|us| Timestamp::LAST.as_micros() - us),
            1 => any::<i64>(),
        ]
    }

    fn step() -> impl Strategy<Value = Step> {
        let pop = (prop::option::weighted(0.9, (moment(), 0..3_u32)), 0..20_usize);
        prop_oneof![
            5 => (moment(), 0..3_u32).prop_map(|(us, partition)| Step::Push(us, partition)),
            1 => pop.prop_map(|(frontier, most)| Step::Pop(frontier, most)),
        ]
    }

    /// The same, in the plainest way.
    #[derive(Default)]
    struct Model(BinaryHeap<Reverse<Waiting>>);

    impl Model {
        fn pop(&mut self, frontier: Option<Frontier>) -> Option<SequencePoint> {
            let Reverse(first) = self.0.peek()?;
            may_go(first.point, frontier).then(|| self.0.pop())?.map(|Reverse(first)| first.point)
        }
    }

    fn frontier((us, partition): (i64, u32)) -> Frontier {
        (Timestamp::from_micros(us), StreamId(0), PartitionId(partition))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: cases(200, 2_000), ..ProptestConfig::default() })]

        #[test]
        fn events_come_as_from_a_heap(
            steps in prop::collection::vec(step(), 0..120),
            // An event may come again, with the same position.
            offsets in prop::collection::vec(0..4_u64, 120),
            late in prop_oneof![Just(0), 0..1_000_000_000_i64, Just(i64::MAX)],
            at_once in any::<bool>(),
        ) {
            let mut buffer = Buffer::new(Duration::from_micros(late));
            let (mut model, mut known) = (Model::default(), None);
            for (step, offset) in steps.into_iter().zip(offsets) {
                match step {
                    Step::Push(us, partition) => {
                        let position = Position { partition: PartitionId(partition), offset };
                        let raw = vec![b' '; offset as usize];
                        let event = Event::new(StreamId(0), Timestamp::from_micros(us), position, [], raw);
                        if at_once {
                            known = known.max(Some(frontier((us, partition))));
                        }
                        model.0.push(Reverse(Waiting::new(event.clone())));
                        buffer.push(event, known);
                    }
                    Step::Pop(limit, most) => {
                        known = limit.map(frontier);
                        for _ in 0..most {
                            let popped = buffer.pop(known);
                            prop_assert!(popped.iter().all(|(point, event)| *point == event.point()));
                            prop_assert_eq!(popped.map(|(point, _)| point), model.pop(known));
                        }
                    }
                }
                prop_assert_eq!(buffer.len(), model.0.len());
                prop_assert_eq!(buffer.all().count(), model.0.len());
                let first = model.0.peek().map(|Reverse(first)| first.point.time);
                prop_assert_eq!(buffer.first_time(), first);
                let bytes = model.0.iter().map(|Reverse(waiting)| waiting.bytes as usize);
                prop_assert_eq!(buffer.bytes(), bytes.sum::<usize>());
            }
            while let Some(expected) = model.pop(None) {
                prop_assert_eq!(buffer.pop(None).map(|(point, _)| point), Some(expected));
            }
            prop_assert_eq!((buffer.len(), buffer.bytes()), (0, 0));
        }
    }

    #[test]
    fn what_is_in_order_and_may_go_passes_no_bucket() {
        let mut buffer = Buffer::new(Duration::ZERO);
        for offset in 0..100 {
            let us = i64::try_from(offset).expect("small") << SHORTEST;
            let position = Position { partition: PartitionId(0), offset };
            buffer.push(Event::new(StreamId(0), Timestamp::from_micros(us), position, [], []), None);
        }
        assert!(buffer.far.is_empty() && buffer.between.is_empty());
        assert_eq!(buffer.near.len(), 100);
    }
}
