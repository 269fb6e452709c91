//! Reads the state of a partition from the state topic.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message as _;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tracing::info;

use crate::kafka::{ClientError, Context, PATIENCE};

use super::Settings;
use super::records::{Misread, State};

/// So long nothing may come before it is said that reading does not go on.
const SILENCE: Duration = Duration::from_secs(30);
/// So long a consumer has to begin.
const FIRST: Duration = Duration::from_millis(10);
/// So long is waited for a record at a time.
const WAIT: Duration = Duration::from_millis(100);

/// Reads states.
#[derive(Clone, Debug)]
pub struct Reading {
    settings: Settings,
    context: Context,
}

/// A state cannot be read now, or never.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no client for it.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The cluster does not answer.
    #[error("the state topic cannot be read: {0}")]
    Kafka(#[from] KafkaError),
    /// A transaction of somebody who has it open is not over.
    #[error(
        "the state topic cannot be read: a transaction of the instance that had the partition is not over yet"
    )]
    Open,
    /// It is not the one that the group was told of.
    #[error(
        "the state topic has the state {}, and the group was told of the one at offset {told}: if that state topic was \
         deleted or made anew, set the offsets of the group anew with `kafka-consumer-groups --reset-offsets`, and the \
         partition begins there with nothing", reached(*state)
    )]
    Other {
        /// The offset of the event that comes next by the state topic; `None`: there is no state.
        state: Option<u64>,
        /// What the group was told, together with the state.
        told: i64,
    },
    /// Nobody wants it any more.
    #[error("the state is not needed any more")]
    Unwanted,
    /// There is something else in it.
    #[error(transparent)]
    Misread(#[from] Misread),
}

fn reached(state: Option<u64>) -> String {
    state.map_or("of no offset".to_owned(), |next| format!("at offset {next}"))
}

impl Reading {
    /// Of this state topic. To be made in asynchronous code.
    pub fn new(settings: Settings) -> Reading {
        Reading { context: settings.client.context(&settings.topic), settings }
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Reads the state of a partition of the topic `events`, with everything that was committed before this was called, as
    /// long as somebody wants it. Takes as long as the cluster does; for a thread that may wait.
    ///
    /// # Errors
    /// When it cannot be read now.
    pub fn read(&self, events: &str, number: i32, is_unwanted: &AtomicBool) -> Result<State, ReadError> {
        let check = || match is_unwanted.load(Ordering::Relaxed) {
            true => Err(ReadError::Unwanted),
            false => Ok(()),
        };
        let topic = &self.settings.topic;
        let mut config = self.settings.client.client().map_err(ClientError::from)?;
        // The library wants a group, of which this does not become a member.
        config.set("group.id", &self.settings.group);
        config.set("enable.auto.commit", "false").set("auto.offset.reset", "error");
        let open = |config: &ClientConfig| consumer(&self.context, config);
        let all = open(config.clone().set("isolation.level", "read_uncommitted"))?;
        let committed = open(
            config
                .set("isolation.level", "read_committed")
                .set("enable.partition.eof", "true")
                .set("fetch.message.max.bytes", super::topic::LARGEST.to_string()),
        )?;
        // All that anybody has written: of what is not committed it becomes known whether it will be.
        let end = offset(&all, topic, number, Offset::End)?;
        let begun = Instant::now();
        if offset(&committed, topic, number, Offset::End)? < end {
            return Err(ReadError::Open);
        }
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, number, Offset::Beginning)?;
        committed.assign(&list)?;
        let (mut state, mut records, mut heard) = (State::default(), 0_u64, Instant::now());
        loop {
            check()?;
            match committed.poll(WAIT) {
                Some(Ok(message)) => {
                    heard = Instant::now();
                    records += 1;
                    state.take(message.key().unwrap_or_default(), message.payload())?;
                }
                // The end as it is when it is reached, which is not before the one that was asked for. (A broker that has
                // just become the leader may not know it yet: what the group has been told is compared besides.)
                Some(Err(KafkaError::PartitionEOF(_))) => break,
                Some(Err(error)) => return Err(error.into()),
                None if heard.elapsed() >= SILENCE => {
                    return Err(KafkaError::MessageConsumption(RDKafkaErrorCode::OperationTimedOut).into());
                }
                None => {}
            }
        }
        self.compare(&committed, events, number, &state)?;
        let seconds = begun.elapsed().as_secs_f64();
        info!(%topic, partition = number, records, rows = state.rows.len(), seconds, "read the state of a partition");
        Ok(state)
    }

    /// Compares a state with what the group was told in the same transaction.
    fn compare(
        &self,
        consumer: &BaseConsumer<Context>,
        events: &str,
        number: i32,
        state: &State,
    ) -> Result<(), ReadError> {
        let mut list = TopicPartitionList::new();
        list.add_partition(events, number);
        let found = consumer.committed_offsets(list, PATIENCE)?;
        let found = found.find_partition(events, number);
        let found = found.ok_or(KafkaError::OffsetFetch(RDKafkaErrorCode::UnknownPartition))?;
        found.error()?;
        match found.offset() {
            // Somebody else can have set it, which is no state of ours.
            Offset::Offset(told) if found.metadata().starts_with(&self.settings.token()) => {
                match state.next.is_some_and(|next| i64::try_from(next) == Ok(told)) {
                    true => Ok(()),
                    false => Err(ReadError::Other { state: state.next, told }),
                }
            }
            _ => Ok(()),
        }
    }
}

/// A consumer that is a member of no group.
pub(super) fn consumer(
    context: &Context,
    config: &ClientConfig,
) -> Result<BaseConsumer<Context>, ClientError> {
    let consumer: BaseConsumer<Context> = config.create_with_context(context.clone())?;
    // Where there are tokens it asks for one before it can ask anything else, and does so when it is polled.
    consumer.poll(FIRST);
    Ok(consumer)
}

/// The offset at which a partition begins or ends, for a consumer that sees all records, or only those that are committed
/// and behind no open transaction.
fn offset(
    consumer: &BaseConsumer<Context>,
    topic: &str,
    number: i32,
    which: Offset,
) -> Result<i64, KafkaError> {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, number, which)?;
    let found = consumer.offsets_for_times(list, PATIENCE)?;
    let found = found.find_partition(topic, number);
    let found = found.ok_or(KafkaError::OffsetFetch(RDKafkaErrorCode::UnknownPartition))?;
    found.error()?;
    found.offset().to_raw().ok_or(KafkaError::OffsetFetch(RDKafkaErrorCode::UnknownPartition))
}
