//! Events from topics of Kafka, read together with the other members of a consumer group.
//!
//! A thread of its own has the consumer ([`reader`]). A partition of a topic is a partition of the stream, with a
//! number that is the same for every instance ([`topic::number`](super::positions::topic::number)) and the offsets
//! of Kafka.
//!
//! - Where a partition goes on is in our own checkpoints; the group is told afterwards, for those who watch the
//!   lag and for other instances ([`start`]).
//! - A partition that is to be given up is given up when all that was read of it is in a checkpoint.
//! - What cannot be put into the queue of the engine is waited with, and the group goes on hearing of us meanwhile.
//! - A partition that has not been read to its end, or whose broker is away, is not taken for quiet.

mod dead_letters;
mod group;
mod leave;
mod metadata;
mod partition;
mod reader;
mod start;

use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::Consumer as _;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::codec::Format;
use crate::event::{Field, FieldId, StreamSchema};
use crate::kafka::{self, ClientError};
use crate::moving::{Holdings, Reading};
use crate::telemetry::catalogue::KafkaMetrics;

use super::registry::Registry;
use super::together::Turn;
use super::{Inlet, Running, Source, only};
use dead_letters::DeadLetters;
use group::{Consumer, Group};
use metadata::{Wanted, is_beside};
use reader::{Reader, Signals};

pub use start::Start;

/// So long the other sources wait at the start until it is known which partitions are ours. If the cluster cannot
/// be reached, they read without: what comes of these partitions later may be late then.
const BEGIN: Duration = Duration::from_secs(30);
/// How often the library tells what it sees of the cluster, in milliseconds.
const LOOK_MS: &str = "1000";

/// What a Kafka source is to do.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How the cluster is reached.
    pub client: kafka::Settings,
    /// What is read.
    pub topics: Topics,
    /// The group whose members divide the partitions among each other.
    pub group: String,
    /// The name of this member, by which it gets its partitions back when it is restarted within `session_timeout`;
    /// `None`: whoever comes is a new member.
    pub instance: Option<String>,
    /// So long a member may be silent before its partitions are given to others.
    pub session_timeout: Duration,
    /// Where partitions begin of which nothing is known.
    pub start: Start,
    /// What a message without a value is.
    pub tombstones: Tombstones,
    /// The topic for messages that are no events, if there is one.
    pub dead_letters: Option<String>,
}

/// Which topics are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Topics {
    /// These.
    Named(Vec<String>),
    /// All whose whole names match a regular expression, also those that are made later.
    Pattern(String),
}

impl Topics {
    /// As the library wants to be told.
    fn subscription(&self) -> Vec<String> {
        match self {
            Topics::Named(names) => names.clone(),
            // What begins so is an expression.
            Topics::Pattern(pattern) => vec![format!("^{pattern}$")],
        }
    }
}

impl std::fmt::Display for Topics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Topics::Named(names) => f.write_str(&names.join(", ")),
            Topics::Pattern(pattern) => write!(f, "those that match {pattern}"),
        }
    }
}

/// What a message without a value is: in a topic that is compacted, that the key has been deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tombstones {
    /// Nothing: it is counted and passed over.
    Skip,
    /// An event with no fields but those that are not in the value.
    Event,
    /// No event: it is set aside.
    Reject,
}

/// What of a stream a source of Kafka can never fill, in words for people; `None` when every field can be.
pub fn misfit(format: &Format, schema: &StreamSchema) -> Option<String> {
    if let Err(unknown) = Wanted::of(schema) {
        return Some(unknown.to_string());
    }
    if format.has_header() {
        return Some("messages have no header; name their columns with `columns`".into());
    }
    format.misfit(&of_values(schema))
}

/// The part of a stream that the values of messages have to fill.
fn of_values(schema: &StreamSchema) -> StreamSchema {
    let is_of_value = |field: &&Field| !is_beside(field);
    let fields: Vec<Field> = schema.fields.iter().filter(is_of_value).cloned().collect();
    let time = schema.time.map(|FieldId(time)| &schema.fields[time as usize].name);
    let time = time.and_then(|time| fields.iter().position(|field| field.name == *time));
    StreamSchema { fields, time: time.map(|index| FieldId(index as u32)), ..schema.clone() }
}

/// A source that has its client and reads nothing yet.
pub struct Topic {
    settings: Settings,
    consumer: Arc<Consumer>,
    registry: Option<Arc<Registry>>,
    moving: Option<Moving>,
    metrics: Arc<KafkaMetrics>,
}

/// What a source needs to know of state that moves with its partitions.
#[derive(Clone, Debug)]
pub struct Moving {
    /// Told which partitions are held here.
    pub holdings: Arc<Holdings>,
    /// Reads the state of one that comes.
    pub reading: Reading,
}

impl Topic {
    /// Makes a client. Takes what has the schemas of values, if they have some, and what moves state, if it moves.
    /// Whether the cluster can be reached is found out later: it may be started after us.
    ///
    /// # Errors
    /// When the settings cannot be used, or a secret is not there.
    pub fn open(
        settings: &Settings,
        name: &str,
        (registry, moving): (Option<Arc<Registry>>, Option<Moving>),
        metrics: Arc<KafkaMetrics>,
    ) -> Result<Topic, ClientError> {
        let mut config = settings.client.client()?;
        config
            .set("group.id", &settings.group)
            .set("session.timeout.ms", settings.session_timeout.as_millis().to_string())
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            // That an offset is not there any more is for us to decide on, and to say.
            .set("auto.offset.reset", "error")
            .set("isolation.level", "read_committed")
            .set("statistics.interval.ms", LOOK_MS);
        for (property, value) in [
            // Enough is fetched ahead for a second at full speed, within the library's bound on bytes; and who has
            // fetched enough looks again soon.
            ("queued.min.messages", "1000000"),
            ("fetch.queue.backoff.ms", "10"),
            // Topics that match a pattern are found this soon.
            ("topic.metadata.refresh.interval.ms", "30000"),
        ] {
            if !settings.client.properties.contains_key(property) {
                config.set(property, value);
            }
        }
        if let Some(instance) = &settings.instance {
            config.set("group.instance.id", instance);
        }
        let holdings = moving.as_ref().map(|moving| Arc::clone(&moving.holdings));
        let group = Group::new(settings.client.context(name), holdings);
        let consumer: Consumer = config.create_with_context(group)?;
        let consumer = Arc::new(consumer);
        if let Some(moving) = &moving {
            // When the source has ended it is a member of nothing.
            let consumer = Arc::downgrade(&consumer);
            moving.holdings.follow(move || group::membership(&*consumer.upgrade()?));
        }
        Ok(Topic { settings: settings.clone(), consumer, registry, moving, metrics })
    }
}

impl Source for Topic {
    fn announce(&self, inlets: &[Inlet]) {
        let Settings { topics, group, client, .. } = &self.settings;
        for Inlet { identity, .. } in inlets {
            let (source, stream) = (&identity.name, &identity.schema.name);
            let brokers = client.brokers.join(",");
            info!(%source, %stream, %topics, %group, %brokers, "reading from Kafka");
        }
    }

    fn run(self: Box<Self>, inlets: Vec<Inlet>, mut turn: Turn) -> Running {
        let inlet = only(inlets);
        let (identity, troubles) = (inlet.identity.clone(), inlet.around.troubles.clone());
        troubles.away(&identity, "no broker has answered yet");
        Box::pin(async move {
            let source = Arc::clone(&identity.name);
            turn.come().await;
            let (reader, signals) = match self.reader(inlet) {
                Ok(reader) => reader,
                Err(error) => {
                    troubles.fail(&identity, error);
                    return;
                }
            };
            let Signals { begun, go, ended } = signals;
            if let Err(error) = std::thread::Builder::new().name("kafka".into()).spawn(move || reader.run()) {
                troubles.fail(&identity, error);
                return;
            }
            if timeout(BEGIN, begun).await.is_err() {
                warn!(%source, "it is not known yet which partitions are ours; the other sources do not wait for them any longer");
            }
            turn.wait().await;
            // When the thread has ended there is nothing to let go.
            let _ = go.send(());
            let _ = ended.await;
        })
    }
}

impl Topic {
    /// What reads, and how it is talked to.
    fn reader(self, inlet: Inlet) -> Result<(Reader, Signals), ClientError> {
        let Topic { settings, consumer, registry, moving, metrics } = self;
        let identity = &inlet.identity;
        let dead_letters = match &settings.dead_letters {
            None => None,
            Some(topic) => {
                let of = (&identity.name, identity.schema.name.as_str());
                Some(DeadLetters::open(&settings.client, topic, of)?)
            }
        };
        // What is wrong with it was said when the configuration was checked.
        let metadata = Wanted::of(&identity.schema).ok().flatten();
        let subscription = settings.topics.subscription();
        consumer.subscribe(&subscription.iter().map(String::as_str).collect::<Vec<_>>())?;
        let (begun, is_begun) = oneshot::channel();
        let (go, may_go) = oneshot::channel();
        let (ended, is_ended) = oneshot::channel();
        let reader = Reader::new(consumer, inlet, &settings, metrics)
            .with_metadata(metadata)
            .with_registry(registry)
            .with_moving(moving)
            .with_dead_letters(dead_letters)
            .telling(begun, may_go, ended);
        Ok((reader, Signals { begun: is_begun, go, ended: is_ended }))
    }
}
