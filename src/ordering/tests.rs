//! The order against a model that says the same in the plainest words, and against the order of all
//! events sorted at once.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::cases::cases;
use crate::event::stored::{EventWriter, Events, StoredStream, Streams};
use crate::event::{Kept, Position};
use crate::stored::{Reader, Row, Rows, Space, Writer};

type Id = (StreamId, PartitionId);

/// A stream of these tests.
fn schema(name: &str, late: i64, idle: Option<i64>, timed: bool) -> StreamSchema {
    StreamSchema {
        name: name.into(),
        fields: Vec::new(),
        time: timed.then_some(crate::event::FieldId(0)),
        late: Duration::from_micros(late),
        idle: idle.map(Duration::from_micros),
        alerts_of: None,
    }
}

fn event((stream, partition): Id, offset: u64, us: i64) -> Event {
    Event::new(stream, Timestamp::from_micros(us), Position { partition, offset }, [], [])
}

/// The rows of events that wait.
type StoredRows = BTreeMap<Vec<u8>, Vec<u8>>;

/// The ordering that its bytes make, and the rows that have been written before.
fn restored(ordering: &mut Ordering, schemas: &[StreamSchema], rows: &mut StoredRows) -> Ordering {
    let kept = Kept::default();
    let numbers: Vec<(u32, Kept)> = (0..schemas.len() as u32).map(|number| (number + 7, kept)).collect();
    let mut streams = Streams::default();
    for (id, (schema, (number, _))) in (0..).map(StreamId).zip(schemas.iter().zip(&numbers)) {
        streams.insert(*number, StoredStream::of(schema, kept), id, schema, kept);
    }
    let (mut w, mut bytes, mut changes) = (EventWriter::default(), Writer::default(), Rows::default());
    ordering.changes(&numbers, &mut changes);
    for row in changes.iter() {
        match row.value {
            Some(value) => drop(rows.insert(row.key.to_vec(), value.to_vec())),
            None => assert!(rows.remove(row.key).is_some(), "only what was stored is removed"),
        }
    }
    ordering.store(&mut w, &numbers);
    w.finish(&mut bytes);
    let mut r = Reader::new(bytes.as_slice());
    Events::read(&mut r, &streams, &|_, _| None).expect("there are none");
    let mut restored = Ordering::restore(schemas, &mut r, &streams).expect("it was just written");
    assert_eq!(r.end(), Ok(()));
    for (key, value) in &*rows {
        let row = Row { space: Space::Waiting, group: 0, key, value: Some(value) };
        let left = restored.restore_row(schemas, row, &streams, &|_, _| None);
        assert_eq!(left, Ok(0));
    }
    assert_eq!(restored.waiting(), ordering.waiting());
    // Each has one at least.
    assert!(rows.len() <= ordering.waiting(), "{} rows for {}", rows.len(), ordering.waiting());
    restored
}

fn drain(ordering: &mut Ordering) -> Vec<SequencePoint> {
    let mut points = Vec::new();
    ordering.drain_ready(|event| points.push(event.point()));
    points
}

/// What can happen to an ordering.
#[derive(Clone, Debug)]
enum Step {
    Open(Id),
    Close(Id),
    Event(Id, i64),
    Tick(i64),
}

impl Step {
    /// The same with spans so many times as long.
    fn times(self, unit: i64) -> Step {
        match self {
            Step::Event(id, us) => Step::Event(id, us * unit),
            Step::Tick(us) => Step::Tick(us * unit),
            other => other,
        }
    }
}

/// The rules in words, computed anew whenever something is asked.
struct Model {
    streams: Vec<StreamSchema>,
    partitions: BTreeMap<Id, ModelPartition>,
    waiting: Vec<SequencePoint>,
    released: Vec<SequencePoint>,
    passed: i64,
    /// The furthest watermark of a partition that has been closed.
    ended: i64,
    /// When a stream was last heard of.
    heard: BTreeMap<StreamId, i64>,
}

#[derive(Clone, Copy)]
struct ModelPartition {
    watermark: i64,
    active_at: i64,
    idle: bool,
}

impl Model {
    fn late(&self, stream: StreamId) -> i64 {
        self.streams[stream.0 as usize].late.as_micros()
    }

    /// Whether an event at that point can still be put in order.
    fn is_in_time(&self, point: SequencePoint) -> bool {
        let us = point.time.as_micros();
        us >= self.partitions[&(point.stream, point.position.partition)].watermark
            && us >= self.passed
            && self.released.last().is_none_or(|last| point > *last)
    }

    /// The partition that holds time back most, with the time until which it has let go.
    fn frontier(&self) -> Option<(i64, Id)> {
        let holding = self.partitions.iter().filter(|(_, partition)| !partition.idle);
        holding.map(|(id, partition)| (partition.watermark.max(self.passed), *id)).min()
    }

    fn hear_from(&mut self, id: Id, now: i64) {
        let new = ModelPartition { watermark: i64::MIN, active_at: now, idle: false };
        let partition = self.partitions.entry(id).or_insert(new);
        (partition.active_at, partition.idle) = (now, false);
        self.heard.insert(id.0, now);
        self.pass();
    }

    fn pass(&mut self) {
        if let Some((time, _)) = self.frontier() {
            self.passed = self.passed.max(time);
        }
    }

    /// Whether the event was taken, for [`Step::Event`].
    fn step(&mut self, step: &Step, offset: u64, now: i64) -> bool {
        match *step {
            Step::Open(id) => self.hear_from(id, now),
            Step::Close(id) => {
                let closed = self.partitions.remove(&id);
                self.ended = closed.map_or(self.ended, |closed| self.ended.max(closed.watermark));
                if closed.is_some() && self.partitions.is_empty() {
                    self.passed = self.passed.max(self.ended);
                }
            }
            Step::Event(id, us) => {
                self.hear_from(id, now);
                let mut point = event(id, offset, us).point();
                if self.streams[id.0.0 as usize].time.is_none() {
                    let last = self.released.last().map_or(i64::MIN, |last| last.time.as_micros());
                    let first = self.partitions[&id].watermark.max(self.passed).max(last);
                    point.time = point.time.max(Timestamp::from_micros(first));
                    while !self.is_in_time(point) {
                        point.time = point.time.saturating_add(Duration::from_micros(1));
                    }
                }
                if !self.is_in_time(point) {
                    return false;
                }
                let watermark = point.time.as_micros() - self.late(id.0);
                let partition = self.partitions.get_mut(&id).unwrap();
                partition.watermark = partition.watermark.max(watermark);
                self.waiting.push(point);
            }
            Step::Tick(_) => self.tick(now),
        }
        self.pass();
        self.waiting.sort();
        let frontier = self.frontier();
        let ready = self.waiting.iter().take_while(|point| {
            frontier.is_none_or(|frontier| {
                (point.time.as_micros(), (point.stream, point.position.partition)) <= frontier
            })
        });
        let ready = ready.count();
        self.released.extend(self.waiting.drain(..ready));
        true
    }

    fn tick(&mut self, now: i64) {
        for (id, partition) in &mut self.partitions {
            let stream = &self.streams[id.0.0 as usize];
            if stream.time.is_none() {
                partition.watermark = partition.watermark.max(now - stream.late.as_micros());
            }
            partition.idle = stream.idle.is_some_and(|idle| partition.active_at + idle.as_micros() <= now);
        }
        let none_holds = self.partitions.values().all(|partition| partition.idle);
        let idle = |stream: StreamId| self.streams[stream.0 as usize].idle.map(Duration::as_micros);
        let quiet = self.heard.iter().filter_map(|(stream, heard)| Some(heard + idle(*stream)? <= now));
        let (all_quiet, any) = quiet.fold((true, false), |(all, _), quiet| (all && quiet, true));
        let late = self.heard.keys().map(|stream| self.late(*stream)).max();
        if let (true, true, true, Some(late)) = (none_holds, all_quiet, any, late) {
            self.passed = self.passed.max(now - late);
        }
    }
}

fn id() -> impl Strategy<Value = Id> {
    (0..3_u32, 0..2_u32).prop_map(|(stream, partition)| (StreamId(stream), PartitionId(partition)))
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => id().prop_map(Step::Open),
        1 => id().prop_map(Step::Close),
        12 => (id(), 0..40_i64).prop_map(|(id, us)| Step::Event(id, us)),
        3 => (0..6_i64).prop_map(Step::Tick),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(200, 2_000), ..ProptestConfig::default() })]

    #[test]
    fn events_are_ordered_as_the_rules_say(
        steps in prop::collection::vec(step(), 0..60),
        late in prop::collection::vec(0..6_i64, 3),
        idle in 1..6_i64,
        restarts in prop::collection::vec(prop::bool::weighted(0.2), 60),
        // All within one bucket, or among many.
        unit in prop_oneof![Just(1), Just(20_000)],
    ) {
        let steps: Vec<Step> = steps.into_iter().map(|step| step.times(unit)).collect();
        let idle = Some(idle * unit);
        let streams = vec![
            schema("never idle", late[0] * unit, None, true),
            schema("idle", late[1] * unit, idle, true),
            schema("by arrival", late[2] * unit, idle, false),
        ];
        let (mut ordering, mut rows) = (Ordering::new(&streams), StoredRows::default());
        let mut model = Model {
            streams: streams.clone(),
            partitions: BTreeMap::new(),
            waiting: Vec::new(),
            released: Vec::new(),
            passed: i64::MIN,
            ended: i64::MIN,
            heard: BTreeMap::new(),
        };
        let mut now = 0;
        let mut released = Vec::new();
        let mut passed = Timestamp::MIN;
        for (offset, step) in (0..).zip(&steps) {
            if let Step::Tick(by) = step {
                now += by;
            }
            let clock = Timestamp::from_micros(now);
            let taken = model.step(step, offset, now);
            match *step {
                Step::Open(id) => ordering.open(id.0, id.1, clock),
                Step::Close(id) => ordering.close(id.0, id.1),
                Step::Event(id, us) => {
                    let result = ordering.push(event(id, offset, us), clock);
                    prop_assert_eq!(result.is_ok(), taken, "event {}", offset);
                    prop_assert!(result.err().is_none_or(|late| late > Duration::ZERO));
                }
                Step::Tick(_) => ordering.tick(clock),
            }
            released.extend(drain(&mut ordering));
            prop_assert_eq!(&released, &model.released, "after step {}: {:?}", offset, step);
            prop_assert_eq!(ordering.passed().as_micros(), model.passed, "after step {}", offset);
            prop_assert_eq!(ordering.behind(), model.frontier().map(|(_, id)| id));
            prop_assert_eq!(ordering.waiting(), model.waiting.len());
            prop_assert!(ordering.passed() >= passed, "event time never goes back");
            passed = ordering.passed();
            if restarts[offset as usize] {
                ordering = restored(&mut ordering, &streams, &mut rows);
            }
        }
        prop_assert!(released.is_sorted(), "nothing is released out of order");
    }

    #[test]
    fn any_interleaving_within_lateness_gives_the_same_order(
        // For each event: its partition, its time, how long it is held up on its way.
        events in prop::collection::vec((0..3_usize, 0..50_i64, 0..=4_i64), 0..60),
        choices in prop::collection::vec(0..3_usize, 0..200),
    ) {
        let ids = [(0, 0), (0, 1), (1, 0)].map(|(s, p)| (StreamId(s), PartitionId(p)));
        let mut partitions: [Vec<Event>; 3] = Default::default();
        for (number, partition) in partitions.iter_mut().enumerate() {
            let mut own: Vec<_> = events.iter().filter(|(of, ..)| *of == number).collect();
            own.sort_by_key(|(_, us, delay)| us + delay);
            partition.extend((0..).zip(own).map(|(offset, (_, us, _))| event(ids[number], offset, *us)));
        }
        let mut expected: Vec<SequencePoint> = partitions.iter().flatten().map(Event::point).collect();
        expected.sort();

        let mut ordering = Ordering::new(&[schema("a", 4, None, true), schema("b", 4, None, true)]);
        let now = Timestamp::from_micros(0);
        ids.iter().for_each(|id| ordering.open(id.0, id.1, now));
        let mut rest = partitions.map(|events| events.into_iter());
        let mut released = Vec::new();
        for choice in choices.into_iter().chain([0, 1, 2].repeat(60)) {
            if let Some(event) = rest[choice].next() {
                prop_assert_eq!(ordering.push(event, now), Ok(()), "none is late");
            }
            released.extend(drain(&mut ordering));
            prop_assert_eq!(&released[..], &expected[..released.len()]);
        }
        ordering.finish();
        released.extend(drain(&mut ordering));
        prop_assert_eq!(released, expected);
        prop_assert!(ordering.push(event(ids[0], 1_000, i64::MAX), now).is_err(), "time is over");
    }
}

#[test]
fn a_stream_whose_last_connection_broke_follows_the_clock_once_idle_has_passed() {
    let streams = [schema("sensors", 2, Some(10), true), schema("recorded", 1, None, true)];
    let mut ordering = Ordering::new(&streams);
    let at = Timestamp::from_micros;
    let [sensors, recorded] = [0, 1].map(|stream| (StreamId(stream), PartitionId(0)));
    for id in [sensors, recorded] {
        ordering.open(id.0, id.1, at(100));
        ordering.push(event(id, 0, 100), at(100)).unwrap();
    }
    ordering.close(recorded.0, recorded.1);
    ordering.close(sensors.0, sensors.1);
    assert_eq!((drain(&mut ordering).len(), ordering.passed()), (2, at(99)));
    ordering.tick(at(109));
    assert_eq!(ordering.passed(), at(99), "the sensor may connect again");
    let mut restored = restored(&mut ordering, &streams, &mut StoredRows::default());
    for ordering in [&mut ordering, &mut restored] {
        ordering.tick(at(110));
        assert_eq!(ordering.passed(), at(108), "2 behind the clock, as the stream says");
    }
    ordering.open(recorded.0, recorded.1, at(111));
    ordering.tick(at(130));
    assert_eq!(ordering.passed(), at(108), "a partition without `idle` holds time back");
}

#[test]
fn what_is_paused_or_disconnected_does_not_become_idle() {
    let mut ordering = Ordering::new(&[schema("a", 0, Some(10), true)]);
    let at = Timestamp::from_micros;
    let [one, other] = [0, 1].map(|number| (StreamId(0), PartitionId(number)));
    for id in [one, other] {
        ordering.push(event(id, 0, 1), at(0)).unwrap();
    }
    ordering.push(event(one, 1, 30), at(9)).unwrap();
    assert_eq!(ordering.ahead().collect::<Vec<_>>(), [one]);
    assert!(ordering.waiting_bytes() > 0);
    ordering.keep_active(other.0, other.1, at(10));
    ordering.keep_active(StreamId(0), PartitionId(7), at(10));
    ordering.tick(at(15));
    assert_eq!((drain(&mut ordering).len(), ordering.passed()), (2, at(1)));
    ordering.tick(at(20));
    assert_eq!(drain(&mut ordering).len(), 1, "it has been quiet since it was last kept active");
    assert_eq!(ordering.waiting_bytes(), 0);
}

#[test]
fn with_one_partition_and_no_lateness_an_event_goes_at_once() {
    let mut ordering = Ordering::new(&[schema("a", 0, None, true)]);
    let id = (StreamId(0), PartitionId(0));
    for us in 0..5 {
        ordering.push(event(id, us as u64, us / 2), Timestamp::from_micros(0)).unwrap();
        assert_eq!(drain(&mut ordering).len(), 1);
    }
}

#[test]
fn a_position_delivered_again_is_the_same_event() {
    let mut ordering = Ordering::new(&[schema("a", 10, None, true)]);
    let id = (StreamId(0), PartitionId(0));
    let now = Timestamp::from_micros(0);
    ordering.open(id.0, id.1, now);
    for (offset, time) in [(1, 100), (1, 100), (2, 100), (3, 200)] {
        ordering.push(event(id, offset, time), now).expect("nothing is late");
    }
    assert_eq!(drain(&mut ordering).iter().map(|point| point.position.offset).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn when_all_have_ended_time_stands_where_the_furthest_did() {
    let streams = [schema("a", 5, None, true), schema("b", 5, None, true)];
    let at = Timestamp::from_micros;
    let ids = [0, 1].map(|stream| (StreamId(stream), PartitionId(0)));
    for first in [0, 1] {
        let mut ordering = Ordering::new(&streams);
        ids.iter().for_each(|id| ordering.open(id.0, id.1, at(0)));
        ordering.push(event(ids[0], 0, 100), at(0)).unwrap();
        ordering.push(event(ids[1], 0, 50), at(0)).unwrap();
        let [one, other] = [ids[first], ids[1 - first]];
        ordering.close(one.0, one.1);
        ordering.close(other.0, other.1);
        assert_eq!((drain(&mut ordering).len(), ordering.passed()), (2, at(95)));
    }
}

#[test]
fn a_partition_that_wakes_up_late_holds_time_back_again() {
    let streams = [schema("a", 0, None, true), schema("b", 0, Some(10), true)];
    let mut ordering = Ordering::new(&streams);
    let (a, b) = ((StreamId(0), PartitionId(0)), (StreamId(1), PartitionId(0)));
    let at = Timestamp::from_micros;
    ordering.open(a.0, a.1, at(0));
    ordering.open(b.0, b.1, at(0));
    ordering.push(event(b, 0, 1), at(0)).unwrap();
    ordering.tick(at(10));
    ordering.push(event(a, 0, 5), at(10)).unwrap();
    assert_eq!(drain(&mut ordering).len(), 2, "b is idle");
    assert_eq!(ordering.push(event(b, 1, 3), at(11)), Err(Duration::from_micros(2)));
    ordering.push(event(a, 1, 7), at(11)).unwrap();
    assert_eq!(drain(&mut ordering), [], "b has shown that it is there, though too late");
    ordering.push(event(b, 2, 6), at(12)).unwrap();
    assert_eq!(drain(&mut ordering).len(), 1);
}

#[test]
fn nothing_is_left_of_partitions_that_are_closed() {
    let mut ordering = Ordering::new(&[schema("a", 0, None, true)]);
    let at = Timestamp::from_micros;
    let id = |number| (StreamId(0), PartitionId(number));
    ordering.open(StreamId(0), PartitionId(0), at(0));
    for number in 1..10_000 {
        ordering.push(event(id(number), 0, 100), at(0)).unwrap();
        ordering.close(StreamId(0), PartitionId(number));
        assert!(ordering.holding.len() <= FEW + 3, "{}", ordering.holding.len());
    }
    assert_eq!(ordering.behind(), Some(id(0)), "it has sent nothing yet");
    assert_eq!(ordering.open_partitions().count(), 1);
    // One that takes the place of another is not taken for it.
    ordering.push(event(id(1), 1, 200), at(0)).unwrap();
    ordering.push(event(id(0), 0, 300), at(0)).unwrap();
    assert_eq!((drain(&mut ordering).len(), ordering.passed()), (10_000, at(200)));
    assert_eq!(ordering.behind(), Some(id(1)));
}
