//! What a consumer is told of its group.
//!
//! The library says which partitions are this instance's and which are to be given up, and waits until it is told
//! that this has happened. That takes a while: a partition is opened at the engine before it is read, and one
//! that is given up is settled before. So what is said is only noted here, for the thread that reads.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::statistics::Statistics;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};
use tracing::{debug, warn};

use crate::kafka::Context;

/// A consumer that tells of its group.
pub type Consumer = BaseConsumer<Group>;

/// A partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// The topic.
    pub topic: String,
    /// The number of the partition.
    pub partition: i32,
}

/// What has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// These are to be read, besides those that are read already.
    Assigned(Vec<Name>),
    /// These are to be given up.
    Revoked(Vec<Name>),
    /// These have been given to others because this instance was not heard of for too long.
    Lost(Vec<Name>),
}

/// What a consumer is told.
pub struct Group {
    client: Context,
    changes: Mutex<VecDeque<Change>>,
    is_leaving: AtomicBool,
}

impl Group {
    /// For a client.
    pub fn new(client: Context) -> Group {
        Group { client, changes: Mutex::default(), is_leaving: AtomicBool::new(false) }
    }

    /// The client.
    pub fn client(&self) -> &Context {
        &self.client
    }

    /// What has changed first of what has not been taken yet.
    pub fn next_change(&self) -> Option<Change> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// From now on partitions are given up at once: all is settled, or never will be.
    pub fn leave(&self) {
        self.is_leaving.store(true, Ordering::Relaxed);
    }
}

/// The names in a list of the library.
pub fn names(list: &TopicPartitionList) -> Vec<Name> {
    let elements = list.elements();
    elements.iter().map(|one| Name { topic: one.topic().to_owned(), partition: one.partition() }).collect()
}

/// A list of the library with these names, and the offsets that are to be in it.
pub fn list<'a>(names: impl IntoIterator<Item = (&'a Name, Offset)>) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for (Name { topic, partition }, offset) in names {
        // It fails only for offsets that the protocol does not have.
        if let Err(error) = list.add_partition_offset(topic, *partition, offset) {
            warn!(%topic, partition, %error, "the offset of a partition cannot be said to Kafka");
        }
    }
    list
}

impl ConsumerContext for Group {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Group>,
        what: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let names = names(partitions);
        let is_assigned = matches!(what, RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS);
        if self.is_leaving.load(Ordering::Relaxed) {
            if !is_assigned && let Err(error) = consumer.incremental_unassign(partitions) {
                debug!(%error, "partitions were not given up");
            }
            return;
        }
        let change = match is_assigned {
            true => Change::Assigned(names),
            false if consumer.assignment_lost() => Change::Lost(names),
            false => Change::Revoked(names),
        };
        self.changes.lock().unwrap_or_else(PoisonError::into_inner).push_back(change);
    }

    fn commit_callback(&self, result: KafkaResult<()>, _offsets: &TopicPartitionList) {
        // It is only for those who watch the lag; the next one comes soon.
        if let Err(error) = result {
            debug!(source = %self.client.name(), %error, "the group was not told how far it has come");
        }
    }
}

impl ClientContext for Group {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = Context::ENABLE_REFRESH_OAUTH_TOKEN;

    fn log(&self, level: RDKafkaLogLevel, fac: &str, message: &str) {
        self.client.log(level, fac, message);
    }

    fn stats(&self, statistics: Statistics) {
        self.client.stats(statistics);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.client.error(error, reason);
    }

    fn generate_oauth_token(&self, config: Option<&str>) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        self.client.generate_oauth_token(config)
    }
}
