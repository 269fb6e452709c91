//! A topic with payments, and a consumer of it that does nothing else.

use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};
use serde::{Deserialize, Serialize};

use crate::child::Task;
use crate::usage;

/// How many partitions the topic has.
pub const PARTITIONS: i32 = 4;

/// What stands behind the last payment of each partition: no event, so that the log says when it is read.
pub const END: &[u8] = b"end";

/// How long the broker may take for something.
const PATIENCE: Duration = Duration::from_secs(60);

/// Makes a topic and fills it with these records, each with its card. The records of a card are in one partition, in
/// order.
pub fn fill(address: &str, topic: &str, compression: &str, records: impl Iterator<Item = (String, u64)>) {
    make(address, topic);
    let producer: BaseProducer = client(address)
        .set("compression.type", compression)
        .set("linger.ms", "20")
        .set("batch.size", "1000000")
        .set("queue.buffering.max.messages", "500000")
        .create()
        .expect("a client");
    let send = |partition: i32, key: &str, value: &[u8]| {
        let mut record = BaseRecord::to(topic).partition(partition).key(key).payload(value);
        while let Err((error, again)) = producer.send(record) {
            let is_full = matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull));
            assert!(is_full, "{error}");
            producer.poll(Duration::from_millis(10));
            record = again;
        }
    };
    for (record, card) in records {
        send((card % PARTITIONS as u64) as i32, &format!("c{card:06}"), record.as_bytes());
        producer.poll(Duration::ZERO);
    }
    producer.flush(PATIENCE).expect("the broker takes them");
    (0..PARTITIONS).for_each(|partition| send(partition, "end", END));
    producer.flush(PATIENCE).expect("the broker takes them");
}

fn make(address: &str, topic: &str) {
    let admin: AdminClient<DefaultClientContext> = client(address).create().expect("a client");
    let topics = [NewTopic::new(topic, PARTITIONS, TopicReplication::Fixed(1))];
    let options = AdminOptions::new().operation_timeout(Some(PATIENCE)).request_timeout(Some(PATIENCE));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let made = runtime.block_on(admin.create_topics(&topics, &options)).expect("the broker answers");
    made.into_iter().for_each(|topic| assert!(topic.is_ok(), "{topic:?}"));
}

fn client(address: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", address);
    config
}

/// A consumer that reads a topic to its end and counts, with the settings of the service's own.
#[derive(Debug, Serialize, Deserialize)]
pub struct Bare {
    /// Where the broker is.
    pub address: String,
    /// The topic.
    pub topic: String,
    /// How many messages it has.
    pub messages: u64,
}

/// What it took from the first message to the last.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Read {
    /// CPU time, in seconds.
    pub cpu_s: f64,
    /// Time on the clock, in seconds.
    pub wall_s: f64,
    /// The bytes of values and keys.
    pub bytes: u64,
}

impl Task for Bare {
    const WORD: &str = "bare-consumer";

    type Outcome = Read;

    fn run(&self) -> Read {
        let consumer: BaseConsumer = client(&self.address)
            .set("group.id", "bare")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("isolation.level", "read_committed")
            .set("queued.min.messages", "1000000")
            .set("fetch.queue.backoff.ms", "10")
            .create()
            .expect("a client");
        let mut all = TopicPartitionList::new();
        for partition in 0..PARTITIONS {
            all.add_partition_offset(&self.topic, partition, Offset::Beginning).expect("an offset");
        }
        let (cpu_s, begun) = (usage::own_cpu_s(), Instant::now());
        consumer.assign(&all).expect("there is such a topic");
        let (mut messages, mut bytes) = (0, 0);
        while messages < self.messages {
            let message = consumer.poll(PATIENCE).expect("more comes").expect("it is a message");
            bytes += message.payload().map_or(0, <[u8]>::len) + message.key().map_or(0, <[u8]>::len);
            messages += 1;
        }
        Read { cpu_s: usage::own_cpu_s() - cpu_s, wall_s: begun.elapsed().as_secs_f64(), bytes: bytes as u64 }
    }
}
