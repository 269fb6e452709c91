//! Where an event came from, which also settles the order of events of equal time.

use super::schema::StreamId;
use super::time::Timestamp;

/// A partition of a stream: a file, a socket connection, a Kafka partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PartitionId(pub u32);

/// The place of an event within its stream's sources. An event delivered again has the same
/// position; equal content at two positions is two events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position {
    /// The partition of the stream.
    pub partition: PartitionId,
    /// The place in the partition: a byte offset in a file, a count on a socket, a Kafka offset.
    /// Grows from each event of the partition to the next.
    pub offset: u64,
}

/// The total order of events: by time, then stream in order of name, then partition, then offset.
/// The events that rules make of their alerts come after those of sources of the same time, whatever
/// stream they are of, in the order in which the alerts were reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SequencePoint {
    /// Event time.
    pub time: Timestamp,
    /// The stream, whose ids are given in the order of names; [`SequencePoint::DERIVED`] for all
    /// events made of alerts.
    pub stream: StreamId,
    /// Partition, then offset. Of events made of alerts, the offset is their number.
    pub position: Position,
}

impl SequencePoint {
    /// The place of events made of alerts among the streams: the last.
    pub const DERIVED: StreamId = StreamId(u32::MAX);
}
