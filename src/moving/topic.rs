//! The state topic: it is made if it is not there, with as many partitions as the topic of events has.

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::consumer::Consumer as _;
use rdkafka::types::RDKafkaErrorCode;
use tracing::{info, warn};

use crate::kafka::{ClientError, Context, PATIENCE};

use super::Settings;
use super::reading::consumer;

/// The largest record that the state topic takes, in bytes: a row of a key with many partial matches is one record.
pub(super) const LARGEST: u64 = 16 << 20;

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
         state topic as many, or delete it, and it is made anew"
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
    /// The cluster throws away what is in it.
    #[error(
        "the state topic `{topic}` has `cleanup.policy={policy}`, with which Kafka throws away states that are needed: set \
         `cleanup.policy=compact`"
    )]
    NotCompacted {
        /// The state topic.
        topic: String,
        /// What it has.
        policy: String,
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
    if needed == 0 {
        return Err(failed(format!("it is not known how many partitions the topic `{events}` has")));
    }
    let admin: AdminClient<Context> = config.create_with_context(context).map_err(ClientError::from)?;
    let mut has = partitions(topic)?;
    if has == 0 {
        has = match make(&admin, topic, needed).await.map_err(failed)? {
            Made::Now => needed,
            Made::Before => partitions(topic)?,
        };
        if has == 0 {
            return Err(failed("another instance is making it".into()));
        }
    }
    if has != needed {
        let (topic, events) = (topic.clone(), events.to_owned());
        return Err(EnsureError::Partitions { topic, has, events, needed });
    }
    check(&admin, topic).await
}

/// Who has made a topic.
enum Made {
    /// It was made now.
    Now,
    /// Another instance was first.
    Before,
}

async fn make(admin: &AdminClient<Context>, topic: &str, partitions: usize) -> Result<Made, String> {
    let (count, largest) = (i32::try_from(partitions).unwrap_or(i32::MAX), LARGEST.to_string());
    // The broker says how often it keeps topics.
    let new = NewTopic::new(topic, count, TopicReplication::Fixed(-1))
        .set("cleanup.policy", "compact")
        .set("max.message.bytes", &largest);
    let made = admin.create_topics([&new], &AdminOptions::new()).await.map_err(|error| error.to_string())?;
    match made.into_iter().next() {
        Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(Made::Before),
        Some(Err((_, code))) => Err(code.to_string()),
        _ => {
            info!(%topic, partitions, "the state topic was made");
            Ok(Made::Now)
        }
    }
}

/// Looks whether the cluster keeps what is in it: somebody else may have made it.
async fn check(admin: &AdminClient<Context>, topic: &str) -> Result<(), EnsureError> {
    let asked = admin.describe_configs([&ResourceSpecifier::Topic(topic)], &AdminOptions::new()).await;
    let found = asked.map(|found| found.into_iter().next());
    let entries = match found {
        Ok(Some(Ok(resource))) => resource.entries,
        other => {
            // It may be forbidden to look, and all be well.
            let error = match other {
                Ok(Some(Err(code))) => code.to_string(),
                Err(error) => error.to_string(),
                _ => "nothing was answered".into(),
            };
            warn!(%topic, %error, "it cannot be seen how the state topic is kept; it needs `cleanup.policy=compact`");
            return Ok(());
        }
    };
    let setting = |name: &str| entries.iter().find(|entry| entry.name == name)?.value.as_deref();
    if let Some(policy) = setting("cleanup.policy").filter(|policy| *policy != "compact") {
        return Err(EnsureError::NotCompacted { topic: topic.to_owned(), policy: policy.to_owned() });
    }
    let most = setting("max.message.bytes").and_then(|most| most.parse::<u64>().ok());
    if let Some(most) = most.filter(|most| *most < LARGEST) {
        warn!(%topic, "the state topic has `max.message.bytes={most}`; a key with many partial matches can need up to {LARGEST}");
    }
    Ok(())
}
