//! What the cluster says: how far behind we are, what it does not have any more, what is wrong.

use std::sync::Arc;
use std::time::Instant;

use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tracing::{error, warn};

use crate::source::Input;
use crate::source::kafka::group::{self, Name};
use crate::source::kafka::start::{self, Begin};
use crate::source::queue::EngineGone;

use super::{AGAIN, Reader};

impl Reader {
    /// Looks whether all has been heard that was sent to each partition, and how far we are behind.
    pub(super) fn look_at_the_cluster(&mut self) -> Result<(), EngineGone> {
        let Some(seen) = self.consumer.context().client().take_seen() else { return Ok(()) };
        let stream = self.inlet.identity.stream;
        let is_up = |broker: i32| seen.brokers.values().any(|one| one.nodeid == broker && one.state == "UP");
        let (mut lag, mut news) = (0, Vec::new());
        for one in &mut self.partitions {
            let found =
                seen.topics.get(&one.name.topic).and_then(|topic| topic.partitions.get(&one.name.partition));
            let (is_heard, behind) = match found {
                Some(found) => {
                    let next = i64::try_from(one.next).unwrap_or(i64::MAX);
                    // What the broker has said last, and whether it is still there to say more.
                    let behind = found.ls_offset.max(0).saturating_sub(next).max(0);
                    let has_said = found.ls_offset >= 0;
                    (has_said && found.app_offset.max(next) >= found.ls_offset && is_up(found.leader), behind)
                }
                None => (false, 0),
            };
            lag += behind.unsigned_abs();
            if std::mem::replace(&mut one.is_heard, is_heard) != is_heard {
                let partition = one.id;
                news.push(match is_heard {
                    true => Input::Connected { stream, partition },
                    false => Input::Disconnected { stream, partition },
                });
            }
        }
        self.metrics.lag.set(lag);
        news.into_iter().try_for_each(|input| self.send(input))
    }

    /// Deals with an error. Returns whether reading can go on.
    pub(super) fn take_error(&mut self, error: &KafkaError) -> bool {
        let source = Arc::clone(&self.inlet.identity.name);
        match error {
            KafkaError::MessageConsumptionFatal(code) => {
                error!(%source, %code, "the source cannot go on: another instance may have the same `instance`");
                // Its partitions are the other one's.
                if let Some(moving) = &self.moving {
                    moving.lose_all();
                }
                false
            }
            KafkaError::MessageConsumption(
                RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange,
            ) => {
                self.misplaced = Some(Instant::now());
                true
            }
            other => {
                self.complain(other, "Kafka cannot be read at the moment; the library goes on trying");
                true
            }
        }
    }

    /// Where the cluster does not have what comes next of a partition: goes on with what it has.
    pub(super) fn find_places_again(&mut self) -> Result<(), EngineGone> {
        // Partitions are assigned anew, which must not be taken for the answer to something else.
        if self.misplaced.is_none_or(|when| when > Instant::now()) || !self.is_undisturbed() {
            return Ok(());
        }
        self.misplaced = None;
        let names: Vec<Name> = self.partitions.iter().map(|one| one.name.clone()).collect();
        let kept = match self.kept(&names) {
            Ok(kept) => kept,
            Err(error) => {
                self.complain(
                    &error,
                    "it cannot be found out where a partition goes on; this is tried again",
                );
                self.misplaced = Some(Instant::now() + AGAIN);
                return Ok(());
            }
        };
        let mut places = Vec::new();
        for (place, kept) in kept.into_iter().enumerate() {
            let Begin::With { offset, missing: Some(missing) } =
                start::within(self.partitions[place].next, kept)
            else {
                continue;
            };
            if self.moving.is_none() {
                self.say_missing(&names[place], Some(missing));
                self.partitions[place].next = offset;
            }
            places.push((names[place].clone(), offset));
        }
        self.assign_anew(&places)
    }

    /// Has partitions read from other places. The library goes to no place in one that it has found none in.
    fn assign_anew(&mut self, places: &[(Name, u64)]) -> Result<(), EngineGone> {
        if places.is_empty() {
            return Ok(());
        }
        let names: Vec<Name> = places.iter().map(|(name, _)| name.clone()).collect();
        if let Some(moving) = &self.moving {
            // If the group wants partitions back just now, it takes this for the answer. What others have by then must not
            // be stored here.
            moving.lose_all();
            self.close(&names)?;
            self.unassign(&names);
            self.begin_at(Instant::now(), names);
            return Ok(());
        }
        names.iter().for_each(|name| self.drop_stashed(name));
        if let Err(error) = group::unassign(&self.consumer, &names) {
            warn!(source = %self.inlet.identity.name, %error, "partitions cannot be given up");
        }
        self.assign(places, true)
    }
}
