//! Messages that are no events, for a topic of their own.
//!
//! They go there as they came, with headers that say why and from where. How far a partition has come is not said
//! before those are there that stood before.

use std::sync::Arc;

use rdkafka::error::KafkaError;
use rdkafka::message::{Header, Headers as _, Message, OwnedHeaders};
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord};
use rdkafka::types::RDKafkaErrorCode;
use tracing::{error, warn};

use crate::kafka::{ClientError, Context, Settings};
use crate::source::reader::Rejection;

/// So many wait for the brokers at most before it is waited for them.
const MOST: usize = 1_000;
/// So many bytes of them.
const MOST_BYTES: usize = 16 << 20;

/// A message as it is sent.
struct Letter {
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: OwnedHeaders,
    timestamp: Option<i64>,
}

/// Sends messages to a topic.
pub struct DeadLetters {
    producer: FutureProducer<Context>,
    topic: String,
    source: Arc<str>,
    stream: String,
    /// Those that have not been sent.
    waiting: Vec<Letter>,
    bytes: usize,
    /// Whether the last attempt to send one has failed.
    is_in_trouble: bool,
}

impl DeadLetters {
    /// Sends to a topic what a source cannot make events of a stream of.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub fn open(
        settings: &Settings,
        topic: &str,
        (source, stream): (&Arc<str>, &str),
    ) -> Result<DeadLetters, ClientError> {
        let mut config = settings.client()?;
        config.set("enable.idempotence", "true");
        // Whoever has to wait until they are there asks again, and again.
        config.set("message.timeout.ms", "30000").set("message.max.bytes", "100000000");
        let producer = config.create_with_context(settings.context(source))?;
        Ok(DeadLetters {
            producer,
            topic: topic.to_owned(),
            source: Arc::clone(source),
            stream: stream.to_owned(),
            waiting: Vec::new(),
            bytes: 0,
            is_in_trouble: false,
        })
    }

    /// Takes a message, which is no event for this reason.
    pub fn put(&mut self, message: &impl Message, why: &Rejection) {
        let mut headers = OwnedHeaders::new();
        for header in message.headers().iter().flat_map(|headers| headers.iter()) {
            headers = headers.insert(Header { key: header.key, value: header.value });
        }
        for (key, value) in [
            ("tripline.reason", why.reason().name().to_owned()),
            ("tripline.error", why.to_string()),
            ("tripline.source", self.source.to_string()),
            ("tripline.stream", self.stream.clone()),
            ("tripline.topic", message.topic().to_owned()),
            ("tripline.partition", message.partition().to_string()),
            ("tripline.offset", message.offset().to_string()),
        ] {
            headers = headers.insert(Header { key, value: Some(&value) });
        }
        let (key, value) = (message.key().map(<[u8]>::to_vec), message.payload().map(<[u8]>::to_vec));
        self.bytes += key.as_ref().map_or(0, Vec::len) + value.as_ref().map_or(0, Vec::len);
        self.waiting.push(Letter { key, value, headers, timestamp: message.timestamp().to_millis() });
    }

    /// Whether so many wait that nothing more should be read before they are sent.
    pub fn is_full(&self) -> bool {
        self.waiting.len() >= MOST || self.bytes >= MOST_BYTES
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Sends those that wait. Ends when all are there, however long that takes.
    pub async fn flush(&mut self) {
        while !self.waiting.is_empty() {
            let under_way: Vec<Result<DeliveryFuture, ()>> =
                self.waiting.iter().map(|letter| self.begin(letter)).collect();
            let mut failed = Vec::new();
            for (letter, delivery) in std::mem::take(&mut self.waiting).into_iter().zip(under_way) {
                let outcome = match delivery {
                    Ok(delivery) => delivery.await,
                    // The queue of the library is full: its time comes when others have been sent.
                    Err(()) => {
                        failed.push(letter);
                        continue;
                    }
                };
                match outcome {
                    Ok(Ok(_)) => self.is_in_trouble = false,
                    Ok(Err((error, _))) if is_hopeless(&error) => {
                        let topic = &self.topic;
                        error!(source = %self.source, %topic, %error, "a message that is no event is not taken by the topic for them; it is only counted, and in the quarantine if there is one");
                    }
                    Ok(Err((error, _))) => {
                        self.complain(&error);
                        failed.push(letter);
                    }
                    // The producer has gone, with everything else.
                    Err(_) => return,
                }
            }
            self.waiting = failed;
        }
        self.bytes = 0;
    }

    fn begin(&self, letter: &Letter) -> Result<DeliveryFuture, ()> {
        let Letter { key, value, headers, timestamp } = letter;
        let record = FutureRecord {
            topic: &self.topic,
            partition: None,
            payload: value.as_ref(),
            key: key.as_ref(),
            timestamp: *timestamp,
            headers: Some(headers.clone()),
        };
        self.producer.send_result(record).map_err(|_| ())
    }

    fn complain(&mut self, error: &KafkaError) {
        if !std::mem::replace(&mut self.is_in_trouble, true) {
            warn!(
                source = %self.source, topic = %self.topic, %error,
                "messages that are no events cannot be sent to the topic for them; nothing is read until they are"
            );
        }
    }
}

/// Whether the topic will never take the message: one message must not stop a partition.
fn is_hopeless(error: &KafkaError) -> bool {
    let code = error.rdkafka_error_code();
    matches!(code, Some(RDKafkaErrorCode::MessageSizeTooLarge | RDKafkaErrorCode::InvalidRecord))
}
