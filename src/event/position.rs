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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SequencePoint {
    /// Event time.
    pub time: Timestamp,
    /// The stream; ids are given in the order of names.
    pub stream: StreamId,
    /// Partition, then offset.
    pub position: Position,
}
