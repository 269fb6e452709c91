//! State that moves between instances with the partitions of a topic.
//!
//! Instances of one consumer group divide the partitions of a topic among themselves, and partitions move when one comes
//! or goes. What is held for the keys of a partition has to be where its events are. So the state of each partition is
//! kept in the partition of the same number of a second topic, the *state topic*, which is compacted: [`records`] says
//! how, [`Reading`] reads it when a partition comes.
//!
//! [`Ledger`] writes it: what has changed, how far the partition was read, and the alerts for sinks that take part, in
//! one transaction of Kafka. Either all of it counts or nothing, so that whoever goes on with the partition goes on from
//! what others have seen of it. (That is how Kafka Streams keeps state: KIP-129 and KIP-447.)
//!
//! Two instances may both believe for a moment that a partition is theirs. The broker takes the offsets of a member of
//! the group only while it *is* one, so that the transaction of the other fails as a whole. (It also takes those of
//! whoever does not say that he is a member, which is why nothing is written without a [`Membership`].) [`Holdings`] sees
//! to it that an instance which is a member again does not write what it had of partitions before.

mod ledger;
mod reading;
pub mod records;
mod topic;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rdkafka::consumer::ConsumerGroupMetadata;

use crate::event::PartitionId;
use crate::kafka;

pub use ledger::{Ledger, LedgerError, Message, Share};
pub use reading::{ReadError, Reading};
pub use records::State;
pub use topic::{EnsureError, ensure};

/// Where state is kept that moves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How the cluster is reached.
    pub client: kafka::Settings,
    /// The state topic.
    pub topic: String,
    /// The consumer group whose members hold the state.
    pub group: String,
    /// What transactions are called: no two instances have the same name. `None`: one is made up, and what an instance
    /// has begun that was killed is given up when its time is up.
    pub instance: Option<String>,
}

impl Settings {
    /// What the names of all transactions begin with, and so what stands in the group beside offsets that were stored
    /// together with a state.
    pub fn token(&self) -> String {
        format!("{}-{}-", self.group, self.topic)
    }
}

/// A partition that is held here, from when it came to when it is given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// Its number among all partitions of its stream.
    pub partition: PartitionId,
    /// The topic.
    pub topic: Arc<str>,
    /// Its number in the topic.
    pub number: i32,
    /// How often any partition had come when it did: if it is given up and comes back, that is another holding.
    epoch: u64,
    /// As which member of the group it is held. Who was removed and comes back is another one, and others may have had the
    /// partition between.
    member: Arc<str>,
}

/// As what we are in the group at a moment.
pub struct Membership {
    /// The name that the broker has given this member.
    pub member: Arc<str>,
    /// What the broker is shown.
    pub metadata: ConsumerGroupMetadata,
}

impl fmt::Display for Holding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Holding { topic, number, .. } = self;
        write!(f, "{topic}/{number}")
    }
}

/// Which partitions are held here. Set by who follows the group, read by who stores the state.
#[derive(Default)]
pub struct Holdings(Mutex<Held>);

#[derive(Default)]
struct Held {
    partitions: BTreeMap<PartitionId, Holding>,
    epoch: u64,
    membership: Option<Ask>,
}

/// Says as what the consumer is a member of its group now; `None`: it is none.
type Ask = Arc<dyn Fn() -> Option<Membership> + Send + Sync>;

impl Holdings {
    /// A partition is held here from now on, by this member of the group.
    pub fn take(&self, partition: PartitionId, topic: &str, number: i32, member: &Arc<str>) -> Holding {
        let mut held = self.lock();
        held.epoch += 1;
        let (epoch, member) = (held.epoch, Arc::clone(member));
        let holding = Holding { partition, topic: topic.into(), number, epoch, member };
        held.partitions.insert(partition, holding.clone());
        holding
    }

    /// A partition is not held here any more. To be said before the group is told.
    pub fn give_up(&self, partition: PartitionId) {
        self.lock().partitions.remove(&partition);
    }

    /// The group has given a partition of a topic to somebody else already.
    pub fn lose(&self, topic: &str, number: i32) {
        self.lock().partitions.retain(|_, held| (&*held.topic, held.number) != (topic, number));
    }

    /// Nothing is held here any more.
    pub fn lose_all(&self) {
        self.lock().partitions.clear();
    }

    /// It has turned out that this is not held here any more, if it was until now.
    fn drop_one(&self, holding: &Holding) {
        self.lock().partitions.retain(|_, held| held != holding);
    }

    /// Whether it is still held.
    pub fn holds(&self, holding: &Holding) -> bool {
        self.lock().partitions.get(&holding.partition) == Some(holding)
    }

    /// Whether a partition is held here.
    pub fn has(&self, partition: PartitionId) -> bool {
        self.lock().partitions.contains_key(&partition)
    }

    /// Sets what is asked for the membership.
    pub fn follow(&self, membership: impl Fn() -> Option<Membership> + Send + Sync + 'static) {
        self.lock().membership = Some(Arc::new(membership));
    }

    /// As what we are a member of the group now.
    pub fn membership(&self) -> Option<Membership> {
        // It asks the library, which may be telling what is lost at this moment.
        let ask = self.lock().membership.clone();
        ask?()
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Holdings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.lock().partitions.values()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_that_comes_back_is_another_holding() {
        let holdings = Holdings::default();
        let (one, two, member) = (PartitionId(1), PartitionId(2), "m".into());
        let (first, other) = (holdings.take(one, "t", 0, &member), holdings.take(two, "t", 1, &member));
        assert!(holdings.holds(&first) && holdings.holds(&other));
        holdings.give_up(one);
        assert!(!holdings.holds(&first) && holdings.holds(&other));
        let again = holdings.take(one, "t", 0, &member);
        assert!(holdings.holds(&again) && !holdings.holds(&first), "what was held before counts for nothing");
        assert_eq!(again.to_string(), "t/0");
        holdings.lose("t", 0);
        assert!(!holdings.holds(&again) && holdings.holds(&other), "one that is lost is known by its name");
        let again = holdings.take(one, "t", 0, &member);
        holdings.drop_one(&first);
        assert!(holdings.holds(&again), "what was held before is not held already");
        holdings.lose_all();
        assert!(!holdings.has(one) && !holdings.has(two));
    }
}
