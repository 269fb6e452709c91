//! The topics that are filled: one for each stream, of its name. The key of an event is the key of its message.

use std::thread;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};
use serde_json::Value;

use super::generator::{Line, STREAMS};

/// The partitions of a topic that is made.
const PARTITIONS: i32 = 3;
/// How long the cluster may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The field of each of [`STREAMS`] that says in which partition an event is.
const KEYS: [&str; STREAMS.len()] =
    ["user", "card", "user", "order", "account", "sensor", "buyer", "account"];

/// What goes to the topics.
pub struct Topics {
    brokers: String,
    producer: BaseProducer<Complaints>,
}

/// Says what was not delivered.
struct Complaints;

impl ClientContext for Complaints {}

impl ProducerContext for Complaints {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, message)) = result {
            eprintln!("traffic: an event is lost for the topic {}: {error}", message.topic());
        }
    }
}

impl Topics {
    /// The topics of a cluster.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn open(brokers: &str) -> Result<Topics, String> {
        let producer = client(brokers)
            .set("linger.ms", "20")
            .set("enable.idempotence", "true")
            .create_with_context(Complaints)
            .map_err(|error| error.to_string())?;
        Ok(Topics { brokers: brokers.to_owned(), producer })
    }

    /// Makes those that are not there.
    ///
    /// # Errors
    /// When the cluster does not do it.
    pub fn make(&self) -> Result<(), String> {
        let admin: AdminClient<_> = client(&self.brokers).create().map_err(|error| error.to_string())?;
        let topics = STREAMS.map(|stream| NewTopic::new(stream.name, PARTITIONS, TopicReplication::Fixed(1)));
        let options = AdminOptions::new().operation_timeout(Some(PATIENCE)).request_timeout(Some(PATIENCE));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let made =
            runtime.map_err(|error| error.to_string())?.block_on(admin.create_topics(&topics, &options));
        for made in made.map_err(|error| format!("cannot make topics: {error}"))? {
            match made {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((topic, error)) => return Err(format!("cannot make the topic {topic}: {error}")),
            }
        }
        Ok(())
    }

    /// Whether nothing is in any of them.
    ///
    /// # Errors
    /// When the cluster does not say it.
    pub fn is_empty(&self) -> Result<bool, String> {
        let consumer: BaseConsumer = client(&self.brokers).create().map_err(|error| error.to_string())?;
        for stream in STREAMS {
            let cannot = |error: KafkaError| format!("the topic {}: {error}", stream.name);
            let metadata = consumer.fetch_metadata(Some(stream.name), PATIENCE).map_err(cannot)?;
            for partition in metadata.topics().iter().flat_map(|topic| topic.partitions()) {
                if end(&consumer, stream.name, partition.id()).map_err(cannot)? > 0 {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Has a line sent; when too much waits, waits until some of it has gone.
    ///
    /// # Errors
    /// When it cannot be sent.
    pub fn send(&self, line: &Line) -> Result<(), String> {
        let topic = STREAMS[line.stream].name;
        let key = key(line);
        let mut record = BaseRecord::to(topic).key(&key).payload(&line.json);
        loop {
            match self.producer.send(record) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), unsent)) => {
                    self.producer.poll(Duration::from_millis(100));
                    record = unsent;
                }
                Err((error, _)) => return Err(format!("cannot send to the topic {topic}: {error}")),
            }
        }
        self.producer.poll(Duration::ZERO);
        Ok(())
    }

    /// Waits until everything has gone.
    ///
    /// # Errors
    /// When the cluster takes nothing for long.
    pub fn flush(&self) -> Result<(), String> {
        self.producer.flush(PATIENCE).map_err(|error| format!("the cluster takes nothing: {error}"))
    }
}

/// Where the next message of a partition goes. One that has just been made has nobody yet who could say it.
fn end(consumer: &BaseConsumer, topic: &str, partition: i32) -> Result<i64, KafkaError> {
    let begun = Instant::now();
    loop {
        match consumer.fetch_watermarks(topic, partition, PATIENCE) {
            Err(_) if begun.elapsed() < PATIENCE => thread::sleep(Duration::from_millis(200)),
            answer => return answer.map(|(_, end)| end),
        }
    }
}

fn client(brokers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("client.id", "traffic");
    config
}

/// The key of the event in a line.
fn key(line: &Line) -> String {
    let event: Value = serde_json::from_str(&line.json).unwrap_or_default();
    event[KEYS[line.stream]].as_str().unwrap_or_default().to_owned()
}
