//! What sources find at the start of how far they had come.

use std::sync::Arc;

use crate::event::PartitionId;

use super::{Kind, PartitionPosition, Positions};

/// A partition that was there before the restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its number.
    pub partition: PartitionId,
    /// How far it had come.
    pub position: PartitionPosition,
}

/// Where sources go on. Without positions they begin anew.
#[derive(Clone, Debug, Default)]
pub struct Resume(Arc<Positions>);

impl Resume {
    /// From these positions on, in which the journal has been worked off.
    pub fn at(positions: Positions) -> Resume {
        Resume(Arc::new(positions))
    }

    /// The one partition that a source has of a stream, if it is open.
    pub fn lasting(&self, source: &str, stream: &str) -> Option<Stored> {
        self.of(source, stream, |kind| matches!(kind, Kind::Source)).find(|stored| stored.position.is_open)
    }

    /// The files of a source, open or not, in the order of their partitions.
    pub fn files(&self, source: &str, stream: &str) -> Vec<Stored> {
        self.of(source, stream, |kind| matches!(kind, Kind::File(_))).collect()
    }

    /// The partitions of topics of a source, open or not.
    pub fn topics(&self, source: &str, stream: &str) -> Vec<Stored> {
        self.of(source, stream, |kind| matches!(kind, Kind::Kafka { .. })).collect()
    }

    fn of(&self, source: &str, stream: &str, is_so: fn(&Kind) -> bool) -> impl Iterator<Item = Stored> {
        let partitions = self.0.streams.get(stream).map(|stream| &stream.partitions);
        let own = partitions
            .into_iter()
            .flatten()
            .filter(move |(_, position)| *position.origin.source == *source && is_so(&position.origin.kind));
        own.map(|(id, position)| Stored { partition: *id, position: position.clone() })
    }
}
