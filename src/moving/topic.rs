//! The state topic: it is made if it is not there, with as many partitions as the topic of events has.

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::consumer::Consumer as _;
use rdkafka::types::RDKafkaErrorCode;
use tracing::info;

use crate::kafka::{ClientError, Context, PATIENCE};

use super::Settings;
use super::reading::consumer;

/// The largest record that the state topic takes: a row of a key with many partial matches is one record.
pub(super) const LARGEST: &str = "16777216";

/// The state topic cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EnsureError {
    /// There is no client for it.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The cluster does not answer, or refuses.
    #[error("the state topic `{topic}` cannot be used: {error}")]
    Kafka {
        /// The topic.
        topic: String,
        /// Why.
        error: String,
    },
    /// It does not fit the topic of events.
    #[error(
        "the state topic `{topic}` has {has} partitions, and the topic `{events}` {needed}: both need as many; give the \
         state topic more, or let it be made anew"
    )]
    Partitions {
        /// The state topic.
        topic: String,
        /// How many it has.
        has: usize,
        /// The topic of events.
        events: String,
        /// How many that has.
        needed: usize,
    },
}

/// Makes sure that there is a state topic for this topic of events.
///
/// # Errors
/// When it cannot be made, or does not fit.
pub async fn ensure(settings: &Settings, name: &str, events: &str) -> Result<(), EnsureError> {
    let Settings { client, topic, .. } = settings;
    let failed = |error: String| EnsureError::Kafka { topic: topic.clone(), error };
    let config = client.client().map_err(ClientError::from)?;
    let context = client.context(name);
    // Not the client that makes topics: where brokers make those that are asked for, it would have this one made by them.
    let asking = consumer(&context, config.clone().set("group.id", &settings.group))?;
    let partitions = |topic: &str| {
        let metadata =
            asking.fetch_metadata(Some(topic), PATIENCE).map_err(|error| failed(error.to_string()))?;
        let found = metadata.topics().iter().find(|one| one.name() == topic);
        Ok::<usize, EnsureError>(found.map_or(0, |one| one.partitions().len()))
    };
    let needed = partitions(events)?;
    let mut has = partitions(topic)?;
    if has == 0 && needed > 0 {
        let admin: AdminClient<Context> = config.create_with_context(context).map_err(ClientError::from)?;
        let count = i32::try_from(needed).unwrap_or(i32::MAX);
        // The broker says how often it keeps topics.
        let new = NewTopic::new(topic, count, TopicReplication::Fixed(-1))
            .set("cleanup.policy", "compact")
            .set("max.message.bytes", LARGEST);
        let made = admin.create_topics([&new], &AdminOptions::new()).await;
        match made.map_err(|error| failed(error.to_string()))?.into_iter().next() {
            // Another instance was first.
            Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => has = partitions(topic)?,
            Some(Err((_, code))) => return Err(failed(code.to_string())),
            _ => {
                info!(%topic, partitions = count, "the state topic was made");
                has = needed;
            }
        }
    }
    if has < needed {
        let (topic, events) = (topic.clone(), events.to_owned());
        return Err(EnsureError::Partitions { topic, has, events, needed });
    }
    Ok(())
}
