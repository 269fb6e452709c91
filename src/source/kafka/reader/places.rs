//! Where partitions begin and go on, by what the cluster still has.

use std::sync::Arc;
use std::time::Instant;

use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};
use tracing::error;

use crate::event::{PartitionId, Timestamp};
use crate::kafka::PATIENCE;
use crate::source::kafka::group::{self, Name};
use crate::source::kafka::start::{self, Begin, Kept, Own};
use crate::source::queue::EngineGone;

use super::{AGAIN, Reader};

/// The cluster has said nothing of a partition.
const UNKNOWN: KafkaError = KafkaError::OffsetFetch(RDKafkaErrorCode::UnknownPartition);

impl Reader {
    /// Where partitions begin or go on.
    pub(super) fn places(&self, names: &[Name]) -> Result<Vec<(Name, u64)>, KafkaError> {
        // In a group that moves partitions one by one it is often so; the library takes no empty lists.
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let asked = group::list(names.iter().map(|name| (name, Offset::Invalid)));
        let committed = self.consumer.committed_offsets(asked, PATIENCE)?;
        // That one cannot be told now does not mean that there is none.
        committed.elements().iter().try_for_each(|one| one.error())?;
        let kept = self.kept(names)?;
        let mut places = Vec::new();
        for (name, kept) in names.iter().zip(kept) {
            let Name { topic, partition } = name;
            let group = committed.find_partition(topic, *partition).and_then(|found| match found.offset() {
                Offset::Offset(offset) => u64::try_from(offset).ok(),
                _ => None,
            });
            let begin = match start::begin(self.own(self.number(name)), group, kept, self.start) {
                Begin::Ask(time) => start::within(self.offset_at(name, time, kept)?, kept),
                begin => begin,
            };
            match begin {
                Begin::With { offset, missing } => {
                    self.say_missing(name, missing);
                    places.push((name.clone(), offset));
                }
                Begin::Ask(_) => unreachable!("it was asked"),
                Begin::Refused => {
                    let source = &self.inlet.identity.name;
                    error!(%source, %topic, partition, "the partition is not read: nothing is known of how far it had come, and `start = \"stored\"` says that this is a mistake; use another `start` once if it is right");
                }
            }
        }
        Ok(places)
    }

    /// What the cluster has of partitions.
    ///
    /// The library has a function of its own for it, which gives the end as the beginning too when one of its
    /// questions had to be asked twice.
    fn kept(&self, names: &[Name]) -> Result<Vec<Kept>, KafkaError> {
        let ask = |which| {
            let list = group::list(names.iter().map(|name| (name, which)));
            self.consumer.offsets_for_times(list, PATIENCE)
        };
        let (first, last) = (ask(Offset::Beginning)?, ask(Offset::End)?);
        let offset = |list: &TopicPartitionList, Name { topic, partition }: &Name| {
            let found = list.find_partition(topic, *partition).ok_or(UNKNOWN)?;
            found.error()?;
            match found.offset() {
                Offset::Offset(offset) => u64::try_from(offset).map_err(|_| UNKNOWN),
                _ => Err(UNKNOWN),
            }
        };
        names.iter().map(|name| Ok(Kept { low: offset(&first, name)?, high: offset(&last, name)? })).collect()
    }

    /// The offset of the first message of this time or later; behind the last one if there is none.
    fn offset_at(&self, name: &Name, time: Timestamp, kept: Kept) -> Result<u64, KafkaError> {
        let millis = Offset::Offset(time.as_micros().div_euclid(1_000));
        let found = self.consumer.offsets_for_times(group::list([(name, millis)]), PATIENCE)?;
        let offset = found.find_partition(&name.topic, name.partition).map(|found| found.offset());
        Ok(match offset {
            Some(Offset::Offset(offset)) => u64::try_from(offset).unwrap_or(kept.high),
            _ => kept.high,
        })
    }

    /// Where the cluster does not have what comes next of a partition: goes on with what it has.
    pub(super) fn find_places_again(&mut self) -> Result<(), EngineGone> {
        // Partitions are assigned anew, which must not be taken for the answer to something else.
        if self.misplaced.is_none_or(|when| when > Instant::now()) || !self.is_undisturbed() {
            return Ok(());
        }
        self.misplaced = None;
        let mut missing = Vec::new();
        for place in 0..self.partitions.len() {
            let name = self.partitions[place].name.clone();
            match self.kept(std::slice::from_ref(&name)) {
                Ok(kept) => {
                    let next = self.partitions[place].next;
                    missing.extend(kept.into_iter().filter_map(|kept| match start::within(next, kept) {
                        Begin::With { offset, missing: Some(why) } => Some((name.clone(), offset, why)),
                        _ => None,
                    }));
                }
                Err(error) => {
                    self.complain(
                        &error,
                        "it cannot be found out where a partition goes on; this is tried again",
                    );
                    self.misplaced = Some(Instant::now() + AGAIN);
                }
            }
        }
        // Asking may have taken a while.
        self.hear_of_the_group();
        if missing.is_empty() {
            return Ok(());
        }
        if !self.is_undisturbed() {
            self.misplaced = Some(Instant::now());
            return Ok(());
        }
        self.assign_anew(missing)
    }

    /// Has partitions read from other places. The library goes to no place in one that it has found none in.
    fn assign_anew(&mut self, missing: Vec<(Name, u64, start::Missing)>) -> Result<(), EngineGone> {
        let names: Vec<Name> = missing.iter().map(|(name, ..)| name.clone()).collect();
        self.unassign_anyhow(&names);
        if self.moving.is_some() {
            self.close(&names)?;
            self.begin_at(Instant::now(), names);
            return Ok(());
        }
        let mut places = Vec::new();
        for (name, offset, missing) in missing {
            self.say_missing(&name, Some(missing));
            self.drop_stashed(&name);
            if let Some(place) = self.place_of(&name) {
                self.partitions[place].next = offset;
            }
            places.push((name, offset));
        }
        self.assign(&places)
    }

    /// How far a partition had come by our own state.
    pub(super) fn own(&self, number: PartitionId) -> Option<Own> {
        if self.moving.is_some() {
            return self.own_of_state(number);
        }
        let positions = Arc::clone(&self.inlet.around.settled.borrow());
        let position =
            positions.streams.get(self.inlet.identity.schema.name.as_str())?.partitions.get(&number)?;
        Some(Own { next: position.reached.offset, is_open: position.is_open })
    }

    fn say_missing(&self, Name { topic, partition }: &Name, missing: Option<start::Missing>) {
        let Some(missing) = missing else { return };
        if let start::Missing::Gone { count, .. } = missing {
            self.metrics.lost.add(count);
        }
        error!(source = %self.inlet.identity.name, %topic, partition, "{missing}");
    }
}
