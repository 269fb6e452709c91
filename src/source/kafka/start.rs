//! Where a partition of a topic begins, or goes on. Pure.
//!
//! Enters: how far it had come in our own state and in the group, what the cluster still has, what is configured.
//! Leaves: the offset, and what is missing before it.

use crate::event::Timestamp;

/// Where a partition begins of which nothing is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the first message that there is.
    Earliest,
    /// Behind the last one that there is when the source begins.
    Latest,
    /// With the first message of this time or later, by its timestamp in Kafka.
    At(Timestamp),
    /// Nowhere: that nothing is known of it is a mistake.
    Stored,
}

/// How far a partition had come in our own state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Own {
    /// The offset of the message that comes next.
    pub next: u64,
    /// Whether it was ours until the end: it was not given up to another instance.
    pub is_open: bool,
}

/// What the cluster has of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The offset of the first message.
    pub low: u64,
    /// The offset behind the last one.
    pub high: u64,
}

/// Where a partition begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// With this offset.
    With {
        /// The offset.
        offset: u64,
        /// What cannot be read any more.
        missing: Option<Missing>,
    },
    /// With the first message of this time or later, which the cluster has to be asked for.
    Ask(Timestamp),
    /// Nowhere, as nothing is known of it.
    Refused,
}

/// What cannot be read any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// The cluster has thrown it away.
    #[error(
        "{count} messages from offset {from} on are gone: the topic keeps messages for too short a time for how far this service is behind"
    )]
    Gone {
        /// The offset of the first of them.
        from: u64,
        /// How many offsets.
        count: u64,
    },
    /// The topic ends before the place that had been reached: it was made anew, or has lost its end.
    #[error(
        "the topic ends at offset {high}, and {next} had been reached: it was deleted and made anew, or brokers have lost messages; it is read from its beginning"
    )]
    Shrunk {
        /// What had been reached.
        next: u64,
        /// Where it ends.
        high: u64,
    },
}

/// Where a partition begins: where our own state says; if it was given up to another instance since, where the
/// group is by now, if that is further; and if neither knows it, as configured.
pub fn begin(own: Option<Own>, group: Option<u64>, kept: Kept, start: Start) -> Begin {
    let known = match (own, group) {
        // What the group knows was said by ourselves, after our own state was stored; or somebody has set it, or
        // our state has been set back, which is what counts then.
        (Some(Own { next, is_open: true }), _) => Some(next),
        (Some(Own { next, is_open: false }), group) => Some(next.max(group.unwrap_or(0))),
        (None, group) => group,
    };
    match (known, start) {
        (Some(next), _) => within(next, kept),
        (None, Start::Earliest) => Begin::With { offset: kept.low, missing: None },
        (None, Start::Latest) => Begin::With { offset: kept.high, missing: None },
        (None, Start::At(time)) => Begin::Ask(time),
        (None, Start::Stored) => Begin::Refused,
    }
}

/// Goes on with an offset as far as the cluster still has it.
pub fn within(next: u64, Kept { low, high }: Kept) -> Begin {
    if next < low {
        return Begin::With { offset: low, missing: Some(Missing::Gone { from: next, count: low - next }) };
    }
    if next > high {
        return Begin::With { offset: low, missing: Some(Missing::Shrunk { next, high }) };
    }
    Begin::With { offset: next, missing: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: Kept = Kept { low: 10, high: 100 };

    fn with(offset: u64) -> Begin {
        Begin::With { offset, missing: None }
    }

    fn own(next: u64, is_open: bool) -> Option<Own> {
        Some(Own { next, is_open })
    }

    #[test]
    fn what_is_known_comes_before_what_is_configured() {
        for start in [Start::Earliest, Start::Latest, Start::At(Timestamp::MIN), Start::Stored] {
            assert_eq!(begin(own(50, true), None, KEPT, start), with(50));
            assert_eq!(begin(None, Some(60), KEPT, start), with(60));
        }
        assert_eq!(begin(None, None, KEPT, Start::Earliest), with(10));
        assert_eq!(begin(None, None, KEPT, Start::Latest), with(100));
        assert_eq!(begin(None, None, KEPT, Start::At(Timestamp::MIN)), Begin::Ask(Timestamp::MIN));
        assert_eq!(begin(None, None, KEPT, Start::Stored), Begin::Refused);
    }

    #[test]
    fn the_group_counts_where_another_instance_may_have_read_on() {
        assert_eq!(begin(own(50, true), Some(60), KEPT, Start::Earliest), with(50), "our state was set back");
        assert_eq!(begin(own(50, true), Some(40), KEPT, Start::Earliest), with(50));
        assert_eq!(begin(own(50, false), Some(60), KEPT, Start::Earliest), with(60));
        assert_eq!(begin(own(50, false), Some(40), KEPT, Start::Earliest), with(50));
        assert_eq!(begin(own(50, false), None, KEPT, Start::Earliest), with(50));
    }

    #[test]
    fn what_is_missing_is_said() {
        let gone = Some(Missing::Gone { from: 4, count: 6 });
        assert_eq!(begin(own(4, true), None, KEPT, Start::Latest), Begin::With { offset: 10, missing: gone });
        let shrunk = Some(Missing::Shrunk { next: 101, high: 100 });
        assert_eq!(begin(None, Some(101), KEPT, Start::Latest), Begin::With { offset: 10, missing: shrunk });
        assert_eq!(begin(own(100, true), None, KEPT, Start::Latest), with(100));
    }
}
