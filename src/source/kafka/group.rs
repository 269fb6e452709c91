//! What a consumer is told of its group.
//!
//! The library says which partitions are this instance's and which are to be given up, and waits until it is told
//! that this has happened. That takes a while for those that are given up, which are settled before. So what is said is
//! only noted here, for the thread that reads; and partitions are opened at the engine before the library reads them.

use std::collections::VecDeque;
use std::ffi::CStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::bindings as library;
use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::statistics::Statistics;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};
use tracing::{debug, warn};

use crate::kafka::Context;
use crate::moving::{Holdings, Membership};

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
    /// These are to be given up: the library waits until they are.
    Revoked(Vec<Name>),
    /// These have been given to others because this instance was not heard of for too long.
    Lost(Vec<Name>),
}

/// What a consumer is told.
pub struct Group {
    client: Context,
    /// Told of what is lost, where state moves with partitions.
    holdings: Option<Arc<Holdings>>,
    /// What has changed, and when that was said.
    changes: Mutex<VecDeque<(Change, Instant)>>,
    is_leaving: AtomicBool,
}

impl Group {
    /// For a client, and what is to know at once which partitions are lost.
    pub fn new(client: Context, holdings: Option<Arc<Holdings>>) -> Group {
        Group { client, holdings, changes: Mutex::default(), is_leaving: AtomicBool::new(false) }
    }

    /// The client.
    pub fn client(&self) -> &Context {
        &self.client
    }

    /// What has changed first of what has not been taken yet.
    pub fn next_change(&self) -> Option<Change> {
        self.changes().pop_front().map(|(change, _)| change)
    }

    fn changes(&self) -> MutexGuard<'_, VecDeque<(Change, Instant)>> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether something has changed that has not been taken yet.
    pub fn has_changed(&self) -> bool {
        !self.changes().is_empty()
    }

    /// Takes the partitions that were to be given up so long ago, if nobody has heard of it yet.
    pub fn take_overdue(&self, most: Duration) -> Option<Vec<Name>> {
        let mut changes = self.changes();
        let is_overdue = |(change, said): &(Change, Instant)| {
            matches!(change, Change::Revoked(_)) && said.elapsed() >= most
        };
        match changes.front().is_some_and(is_overdue).then(|| changes.pop_front()).flatten() {
            Some((Change::Revoked(names), _)) => Some(names),
            _ => None,
        }
    }

    /// Whether a partition is to be given up, or is lost, and nobody has heard of it yet.
    pub fn is_to_go(&self, name: &Name) -> bool {
        self.changes().iter().any(|(change, _)| match change {
            Change::Assigned(_) => false,
            Change::Revoked(names) | Change::Lost(names) => names.contains(name),
        })
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

/// Gives up partitions, of which some may have never been read: the library would refuse them all for one of these.
pub fn unassign(consumer: &Consumer, names: &[Name]) -> KafkaResult<()> {
    let assigned = consumer.assignment()?;
    let is_read = |name: &&Name| assigned.find_partition(&name.topic, name.partition).is_some();
    consumer.incremental_unassign(&list(names.iter().filter(is_read).map(|name| (name, Offset::Invalid))))
}

/// As what a consumer is a member of its group now; `None`: it is none.
pub fn membership(consumer: &Consumer) -> Option<Membership> {
    let known = member_and_generation(consumer)?;
    let metadata = consumer.group_metadata()?;
    // Between the two it can have been removed, and what it would show then is taken by the broker for somebody who is
    // not of the group, and may say what he wants.
    let is_same = member_and_generation(consumer).as_ref() == Some(&known);
    is_same.then(|| Membership { member: known.0.into(), metadata })
}

/// The name of the member, and the generation of the group, if it has joined one.
fn member_and_generation(consumer: &Consumer) -> Option<(String, i32)> {
    // SAFETY: the client lives as long as the consumer; what is returned is ours, and may be null.
    let metadata = unsafe { library::rd_kafka_consumer_group_metadata(consumer.client().native_ptr()) };
    if metadata.is_null() {
        return None;
    }
    // SAFETY: it is not null. The name is a string that ends with a zero and lives as long as it does.
    let (member, generation) = unsafe {
        let member = library::rd_kafka_consumer_group_metadata_member_id(metadata);
        let member = (!member.is_null()).then(|| CStr::from_ptr(member).to_string_lossy().into_owned());
        let generation = library::rd_kafka_consumer_group_metadata_generation_id(metadata);
        library::rd_kafka_consumer_group_metadata_destroy(metadata);
        (member, generation)
    };
    let member = member.filter(|member| !member.is_empty() && generation >= 0)?;
    Some((member, generation))
}

impl ConsumerContext for Group {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Group>,
        what: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let names = names(partitions);
        let change = match what {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => Change::Assigned(names),
            _ if consumer.assignment_lost() || self.is_leaving.load(Ordering::Relaxed) => Change::Lost(names),
            _ => Change::Revoked(names),
        };
        let answered = match &change {
            // Where they begin is found out while the group goes on.
            Change::Assigned(_) => consumer.incremental_assign(&TopicPartitionList::new()),
            Change::Revoked(_) => Ok(()),
            Change::Lost(names) => {
                // Who stores the state has to know before the reader comes to it: the reader may wait for the engine, the
                // engine for what cannot be stored any more, and so for ever.
                if let Some(holdings) = &self.holdings {
                    names.iter().for_each(|name| holdings.lose(&name.topic, name.partition));
                }
                unassign(consumer, names)
            }
        };
        if let Err(error) = answered {
            warn!(source = %self.client.name(), %error, "the group cannot be told that its changes are known");
        }
        self.changes().push_back((change, Instant::now()));
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
