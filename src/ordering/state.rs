//! What of an ordering must outlive the program that runs it.

use super::{Ordering, Partition};
use crate::event::{Event, PartitionId, SequencePoint, StreamId, StreamSchema, Timestamp};

/// All that changes of what puts events in order. What can be found out from it is left out: which partition
/// holds time back.
#[derive(Clone, Debug)]
pub struct OrderingState {
    /// The partitions that have been opened and not closed, by stream and number.
    pub partitions: Vec<PartitionState>,
    /// The events that wait for their turn, in the order in which they will have it.
    pub waiting: Vec<Event>,
    /// The last event that had its turn.
    pub released: Option<SequencePoint>,
    /// All times before this have passed.
    pub passed: Timestamp,
    /// The furthest watermark that a partition had when it ended.
    pub ended: Timestamp,
    /// For each stream, when one of its partitions last showed that it was there.
    pub heard: Vec<Option<Timestamp>>,
}

/// What is known of an open partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionState {
    /// Its stream.
    pub stream: StreamId,
    /// Its number.
    pub partition: PartitionId,
    /// No event before this can be taken any more.
    pub watermark: Timestamp,
    /// When it last sent something, or was opened, by the wall clock.
    pub active_at: Timestamp,
    /// Whether it has been quiet for longer than its stream's `idle`.
    pub idle: bool,
}

impl Ordering {
    /// All of it that changes.
    pub fn state(&self) -> OrderingState {
        let partitions = self.partitions.iter().map(|(_, of)| PartitionState {
            stream: of.id.0,
            partition: of.id.1,
            watermark: of.watermark,
            active_at: of.active_at,
            idle: of.idle,
        });
        let mut partitions: Vec<PartitionState> = partitions.collect();
        partitions.sort_by_key(|of| (of.stream, of.partition));
        let mut waiting: Vec<Event> = self.waiting.iter().cloned().collect();
        waiting.sort_by_key(Event::point);
        OrderingState {
            partitions,
            waiting,
            released: self.released,
            passed: self.passed,
            ended: self.ended,
            heard: self.streams.iter().map(|stream| stream.heard).collect(),
        }
    }

    /// The ordering of these streams that had this state.
    pub fn restore(streams: &[StreamSchema], state: OrderingState) -> Ordering {
        let mut ordering = Ordering::new(streams);
        for of in &state.partitions {
            let id = (of.stream, of.partition);
            let partition = Partition { id, watermark: of.watermark, active_at: of.active_at, idle: of.idle };
            ordering.partitions.add(partition);
        }
        for (stream, heard) in ordering.streams.iter_mut().zip(state.heard) {
            stream.heard = heard;
        }
        ordering.released = state.released;
        ordering.passed = state.passed;
        ordering.ended = state.ended;
        ordering.find_holding();
        ordering.find_frontier();
        for event in state.waiting {
            ordering.waiting.push(event, ordering.frontier);
        }
        ordering
    }
}
