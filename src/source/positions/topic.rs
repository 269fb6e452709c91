//! The numbers of partitions of topics.
//!
//! A partition of Kafka is the same one for every instance that reads it, today and after a restart, so its
//! number depends on what it is alone: alerts that one instance has decided, and another decides again, have the
//! same ids. Numbers that are given one after the other, to connections and files, are below [`FIRST`].

use sha2::{Digest, Sha256};

use crate::event::PartitionId;

/// The least number of a partition of a topic.
const FIRST: u32 = 1 << 31;

/// The number of a partition of a topic, as a source of that name reads it. Those of one topic follow each other;
/// two topics get the same numbers with a chance of one in two thousand millions for each pair of their partitions,
/// which the source looks out for.
pub fn number(source: &str, topic: &str, partition: u32) -> PartitionId {
    let mut hash = Sha256::new();
    // Neither name can hold the byte between them.
    hash.update(source);
    hash.update([0]);
    hash.update(topic);
    let digest = hash.finalize();
    let begin = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    PartitionId(FIRST | begin.wrapping_add(partition))
}

/// Whether a number is one of these.
pub fn has_own_number(PartitionId(number): PartitionId) -> bool {
    number >= FIRST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_has_the_same_number_everywhere() {
        // These are stored and in the ids of alerts: they never change.
        assert_eq!(number("cards", "auths", 0), PartitionId(4060512662));
        assert_eq!(number("cards", "auths", 1), PartitionId(4060512663));
        assert_ne!(number("card", "sauths", 0), number("cards", "auths", 0));
        for partition in 0..10_000 {
            assert!(has_own_number(number("cards", "auths", partition)));
        }
    }
}
