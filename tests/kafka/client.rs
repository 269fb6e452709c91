//! What tests do with a broker: make topics, send, read.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, Message, OwnedHeaders, OwnedMessage};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};
use tokio::runtime::Runtime;

use crate::broker::Broker;
use crate::harness::PATIENCE;

/// A message to be sent.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    pub partition: i32,
    pub key: Option<String>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Vec<u8>)>,
    pub timestamp: Option<i64>,
}

impl Sent {
    pub fn new(partition: i32, value: impl Into<Vec<u8>>) -> Sent {
        Sent { partition, value: Some(value.into()), ..Sent::default() }
    }
}

fn config(address: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", address).set("reconnect.backoff.ms", "50");
    config
}

fn admin(broker: &Broker) -> (AdminClient<DefaultClientContext>, AdminOptions, Runtime) {
    let admin = config(&broker.address()).create().expect("a client");
    let options = AdminOptions::new().operation_timeout(Some(PATIENCE)).request_timeout(Some(PATIENCE));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    (admin, options, runtime)
}

/// Makes a topic.
pub fn make_topic(broker: &Broker, name: &str, partitions: i32, settings: &[(&str, &str)]) {
    let (admin, options, runtime) = admin(broker);
    let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
    let topic = settings.iter().fold(topic, |topic, (name, value)| topic.set(name, value));
    let topics = [topic];
    let made = runtime.block_on(admin.create_topics(&topics, &options)).expect("the broker answers");
    for result in made {
        result.unwrap_or_else(|(topic, error)| panic!("{topic}: {error}"));
    }
}

/// Sets a setting of a topic, and all others as they are by default.
pub fn set_topic(broker: &Broker, name: &str, (setting, value): (&str, &str)) {
    let (admin, options, runtime) = admin(broker);
    let alter = [AlterConfig::new(ResourceSpecifier::Topic(name)).set(setting, value)];
    let altered = runtime.block_on(admin.alter_configs(&alter, &options)).expect("the broker answers");
    for result in altered {
        result.unwrap_or_else(|(what, error)| panic!("{what:?}: {error}"));
    }
}

/// Has the messages of a partition before an offset thrown away.
pub fn delete_records(broker: &Broker, topic: &str, (partition, before): (i32, i64)) {
    let (admin, options, runtime) = admin(broker);
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, partition, Offset::Offset(before)).expect("an offset");
    let deleted = runtime.block_on(admin.delete_records(&list, &options)).expect("the broker answers");
    for one in deleted.elements() {
        one.error().expect("they are gone");
    }
}

/// Deletes a topic, and waits until it is gone.
pub fn delete_topic(broker: &Broker, name: &str) {
    let (admin, options, runtime) = admin(broker);
    let deleted = runtime.block_on(admin.delete_topics(&[name], &options)).expect("the broker answers");
    for result in deleted {
        result.unwrap_or_else(|(topic, error)| panic!("{topic}: {error}"));
    }
    let asking: BaseConsumer = config(&broker.address()).create().expect("a client");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found = asking.fetch_metadata(Some(name), PATIENCE).expect("the broker answers");
        if found.topics().iter().all(|topic| topic.partitions().is_empty()) {
            return;
        }
        assert!(Instant::now() < deadline, "{name} is still there");
    }
}

/// Sends messages, and waits until the broker has them.
pub fn send(broker: &Broker, topic: &str, messages: &[Sent]) {
    let producer: BaseProducer = config(&broker.address())
        .set("enable.idempotence", "true")
        .set("linger.ms", "5")
        .create()
        .expect("a client");
    for message in messages {
        let mut headers = OwnedHeaders::new();
        for (key, value) in &message.headers {
            headers = headers.insert(Header { key, value: Some(value) });
        }
        loop {
            let mut record =
                BaseRecord::<str, [u8]>::to(topic).partition(message.partition).headers(headers.clone());
            record.key = message.key.as_deref();
            record.payload = message.value.as_deref();
            record.timestamp = message.timestamp;
            match producer.send(record) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                    producer.poll(Duration::from_millis(10));
                }
                Err((error, _)) => panic!("{error}"),
            }
        }
    }
    producer.flush(PATIENCE).expect("the broker takes them");
}

/// Reads a topic from its beginning until `enough`, as a reader that sees only what is committed.
pub fn read_until(
    broker: &Broker,
    topic: &str,
    enough: impl Fn(&[OwnedMessage]) -> bool,
) -> Vec<OwnedMessage> {
    let consumer: BaseConsumer = config(&broker.address())
        .set("group.id", "reader")
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .create()
        .expect("a client");
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE).expect("the broker answers");
    let mut all = TopicPartitionList::new();
    for partition in metadata.topics()[0].partitions() {
        all.add_partition_offset(topic, partition.id(), Offset::Beginning).expect("an offset");
    }
    consumer.assign(&all).expect("there is such a topic");
    let (mut read, deadline) = (Vec::new(), Instant::now() + PATIENCE);
    while !enough(&read) {
        assert!(Instant::now() < deadline, "{} messages of {topic} are not enough", read.len());
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => read.push(message.detach()),
            Some(Err(error)) => panic!("{error}"),
            None => {}
        }
    }
    read
}

/// How far a group has told that it has come.
pub fn committed(broker: &Broker, group: &str, topic: &str, partitions: i32) -> BTreeMap<i32, i64> {
    let consumer: BaseConsumer = config(&broker.address()).set("group.id", group).create().expect("a client");
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions {
        list.add_partition(topic, partition);
    }
    let found = consumer.committed_offsets(list, PATIENCE).expect("the broker answers");
    let offset = |offset| if let Offset::Offset(offset) = offset { Some(offset) } else { None };
    found.elements().iter().filter_map(|one| Some((one.partition(), offset(one.offset())?))).collect()
}

/// Sets how far a group has come, as its operator does it.
pub fn reset(
    broker: &Broker,
    group: &str,
    topic: &str,
    offsets: &BTreeMap<i32, i64>,
) -> Result<(), KafkaError> {
    let consumer: BaseConsumer = config(&broker.address()).set("group.id", group).create().expect("a client");
    let mut list = TopicPartitionList::new();
    for (partition, offset) in offsets {
        list.add_partition_offset(topic, *partition, Offset::Offset(*offset)).expect("an offset");
    }
    consumer.commit(&list, CommitMode::Sync)
}

/// The value of a header.
pub fn header(message: &OwnedMessage, name: &str) -> Option<String> {
    use rdkafka::message::Headers as _;
    let headers = message.headers()?;
    let found = headers.iter().find(|header| header.key == name)?;
    Some(String::from_utf8_lossy(found.value?).into_owned())
}
