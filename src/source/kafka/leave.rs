//! How a consumer leaves: when all that it has read is settled, the group is told, and then it goes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::{Offset, TopicPartitionList};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tracing::{debug, warn};

use crate::event::PartitionId;
use crate::source::positions::Positions;
use crate::watch;

use super::group::{self, Consumer, Name};

/// So long leaving may take. The library may wait for a cluster that is away, and then for ever.
const LEAVING: Duration = Duration::from_secs(5);

/// A consumer that reads nothing any more.
pub struct Leaving {
    /// The consumer, of which nobody else has a part.
    pub consumer: Arc<Consumer>,
    /// The source.
    pub source: Arc<str>,
    /// The stream.
    pub stream: String,
    /// The partitions that it had, with how far the group was told that they have come.
    pub partitions: BTreeMap<Name, (PartitionId, u64)>,
    /// How far everything has come for good.
    pub settled: watch::Receiver<Arc<Positions>>,
}

/// How far a partition has come by these positions.
pub fn settled(positions: &Positions, stream: &str, partition: PartitionId) -> Option<u64> {
    Some(positions.streams.get(stream)?.partitions.get(&partition)?.reached.offset)
}

impl Leaving {
    /// Waits until nothing more will be settled, and leaves.
    pub async fn run(mut self) {
        // It ends with an error, when nobody is there to say anything more.
        let _ = self.settled.wait_for(|_| false).await;
        let source = Arc::clone(&self.source);
        let leaving = spawn_blocking(move || self.leave());
        if timeout(LEAVING, leaving).await.is_err() {
            warn!(%source, "Kafka does not answer; its group finds out by itself that we are gone");
        }
    }

    fn leave(self) {
        let Leaving { consumer, source, stream, partitions, settled, .. } = self;
        let positions = Arc::clone(&settled.borrow());
        let new = partitions.iter().filter_map(|(name, (id, told))| {
            let offset = self::settled(&positions, &stream, *id).filter(|offset| offset != told)?;
            Some((name, Offset::Offset(i64::try_from(offset).ok()?)))
        });
        let offsets = group::list(new);
        if offsets.count() > 0
            && let Err(error) = consumer.commit(&offsets, CommitMode::Sync)
        {
            warn!(%source, %error, "the group was not told how far the source has come; our own state knows it");
        }
        consumer.context().leave();
        // What it has said of the group and was not answered, it would wait for.
        if let Err(error) = consumer.incremental_unassign(&TopicPartitionList::new()) {
            debug!(%source, %error, "the group was not answered");
        }
        drop(consumer);
    }
}
