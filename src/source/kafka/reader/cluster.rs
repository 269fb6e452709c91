//! What the cluster says: how far behind we are, and what is wrong.

use std::time::Instant;

use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::source::queue::EngineGone;
use crate::source::{Inlet, Input};

use super::Reader;

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
        let Inlet { identity, around, .. } = &self.inlet;
        match seen.brokers.values().any(|broker| broker.state == "UP") {
            true => around.troubles.back(identity),
            false => around.troubles.away(identity, "no broker can be reached"),
        }
        news.into_iter().try_for_each(|input| self.send(input))
    }

    /// Deals with an error. Returns whether reading can go on.
    pub(super) fn take_error(&mut self, error: &KafkaError) -> bool {
        match error {
            KafkaError::MessageConsumptionFatal(code) => {
                let why = format!("{code}; another instance may have the same `instance`");
                self.inlet.around.troubles.fail(&self.inlet.identity, why);
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
}
