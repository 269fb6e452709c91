//! Alerts to a topic of Kafka, each with its key, so that those of one key stand in order in one partition.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::error::KafkaError;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord};
use rdkafka::types::RDKafkaErrorCode;

use crate::alert::notification::{Notification, Unreadable};
use crate::kafka::{self, Context};
use crate::moving::Message;
use crate::outbox::Outgoing;

use super::{Attempt, DeliveryError, OpenError, Sink};

/// Most alerts of one attempt.
const MOST: usize = 256;

/// What a Kafka sink is to do.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How the cluster is reached.
    pub client: kafka::Settings,
    /// The topic.
    pub topic: String,
    /// What the key of a message is.
    pub key: KeyOf,
    /// The longest time for one attempt.
    pub timeout: Duration,
    /// Whether alerts go out in the transactions in which the state is stored.
    pub transactions: bool,
}

/// What the key of a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOf {
    /// What the alert is grouped by: a single value as it is, several as a list in JSON.
    Alert,
    /// The alert's id.
    Id,
    /// The rule's name.
    Rule,
    /// There is none.
    None,
}

/// Sends alerts to a topic.
pub struct KafkaSink {
    producer: FutureProducer<Context>,
    output: Output,
}

/// Makes messages of alerts.
#[derive(Clone, Debug)]
pub struct Output {
    topic: Arc<str>,
    key: KeyOf,
}

impl Output {
    /// As a sink is set.
    pub fn of(settings: &Settings) -> Output {
        Output { topic: settings.topic.as_str().into(), key: settings.key }
    }

    /// The message for an alert.
    ///
    /// # Errors
    /// When the body is not what was written.
    pub fn message(&self, alert: &Outgoing) -> Result<Message, Unreadable> {
        let notification = alert.notification()?;
        Ok(Message {
            topic: Arc::clone(&self.topic),
            key: key(self.key, &notification),
            headers: headers(&notification),
            body: alert.body.clone(),
        })
    }
}

impl KafkaSink {
    /// Prepares to send. Connects in the background; whether the cluster can be reached is found out later.
    ///
    /// # Errors
    /// When the settings cannot be used, or a secret is not there.
    pub fn open(settings: &Settings, name: &str) -> Result<KafkaSink, OpenError> {
        let mut config = settings.client.client()?;
        config
            // An attempt of the library that is repeated leaves no second message, and no other order.
            .set("enable.idempotence", "true")
            .set("message.timeout.ms", settings.timeout.as_millis().to_string());
        for (property, value) in [("linger.ms", "5"), ("message.max.bytes", "10000000")] {
            if !settings.client.properties.contains_key(property) {
                config.set(property, value);
            }
        }
        let producer =
            config.create_with_context(settings.client.context(name)).map_err(kafka::ClientError::from)?;
        Ok(KafkaSink { producer, output: Output::of(settings) })
    }

    fn begin(&self, alert: &Outgoing) -> Result<DeliveryFuture, DeliveryError> {
        let message = self.output.message(alert);
        let message = message.map_err(|error| DeliveryError::Refused(error.to_string()))?;
        let record = FutureRecord {
            topic: &message.topic,
            partition: None,
            payload: Some(&message.body),
            key: message.key.as_ref(),
            timestamp: None,
            headers: Some(message.headers),
        };
        self.producer.send_result(record).map_err(|(error, _)| failure(&error))
    }
}

impl Sink for KafkaSink {
    fn most(&self) -> usize {
        MOST
    }

    async fn deliver(&self, alerts: &[Arc<Outgoing>]) -> Attempt {
        let under_way: Vec<_> = alerts.iter().map(|alert| self.begin(alert)).collect();
        let mut attempt = Attempt::all(0);
        // All are waited for: none is to arrive when it counts as failed.
        for delivery in under_way {
            let outcome = match delivery {
                Ok(delivery) => match delivery.await {
                    Ok(Ok(_)) => Ok(()),
                    Ok(Err((error, _))) => Err(failure(&error)),
                    Err(_) => Err(DeliveryError::Unreachable("the client for Kafka has ended".into())),
                },
                Err(failure) => Err(failure),
            };
            match outcome {
                Ok(()) if attempt.failure.is_none() => attempt.delivered += 1,
                Ok(()) => {}
                Err(failure) => drop(attempt.failure.get_or_insert(failure)),
            }
        }
        attempt
    }

    fn receiver(&self) -> Vec<u8> {
        self.output.topic.as_bytes().to_vec()
    }
}

/// The key of a message.
fn key(of: KeyOf, notification: &Notification) -> Option<String> {
    let first = notification.alerts.first();
    match of {
        KeyOf::None => None,
        KeyOf::Id => Some(notification.id.clone()),
        KeyOf::Rule => first.map(|alert| alert.rule.clone()),
        // Several alerts as one have what they were put together by.
        KeyOf::Alert if !notification.group.0.is_empty() => Some(notification.subject.clone()),
        KeyOf::Alert => {
            let values: Vec<&serde_json::Value> = first?.key.0.iter().map(|(_, value)| value).collect();
            match &values[..] {
                [] => None,
                [serde_json::Value::String(text)] => Some(text.clone()),
                [one] => Some(one.to_string()),
                _ => serde_json::to_string(&values).ok(),
            }
        }
    }
}

/// What readers can choose by without reading the value.
fn headers(notification: &Notification) -> OwnedHeaders {
    let first = notification.alerts.first();
    let mut headers =
        OwnedHeaders::new().insert(Header { key: "tripline.id", value: Some(&notification.id) });
    for (key, value) in [
        ("tripline.rule", first.map(|alert| &alert.rule)),
        ("tripline.severity", first.map(|alert| &alert.severity)),
    ] {
        headers = headers.insert(Header { key, value });
    }
    headers.insert(Header { key: "content-type", value: Some("application/json") })
}

/// Why a message was not taken.
fn failure(error: &KafkaError) -> DeliveryError {
    let code = error.rdkafka_error_code();
    let text = match code {
        Some(code) => format!("Kafka did not take it: {code}"),
        None => format!("Kafka did not take it: {error}"),
    };
    match code {
        Some(RDKafkaErrorCode::MessageSizeTooLarge | RDKafkaErrorCode::InvalidRecord) => {
            DeliveryError::Refused(format!("{text}; the topic's `max.message.bytes` may be too small"))
        }
        _ => DeliveryError::Unreachable(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::notification::{Named, Status};

    fn notification(keys: &str) -> Notification {
        let alert = format!(
            r#"{{"id":"i","rule":"r","fingerprint":"f","severity":"high","title":"t","kind":"match","key":{keys},
            "first_time":"","last_time":"","decided_time":"","suppressed":0,"fields":{{}}}}"#
        );
        Notification::read(&alert, "subject").expect("it is an alert")
    }

    #[test]
    fn the_key_is_what_the_alert_is_grouped_by() {
        let of = |keys| key(KeyOf::Alert, &notification(keys));
        assert_eq!(of(r#"{"card":"c1"}"#).as_deref(), Some("c1"));
        assert_eq!(of(r#"{"account":17}"#).as_deref(), Some("17"));
        assert_eq!(of(r#"{"z":"b","a":1}"#).as_deref(), Some(r#"["b",1]"#));
        assert_eq!(of("{}"), None);
        let one = notification(r#"{"card":"c1"}"#);
        assert_eq!(key(KeyOf::Id, &one).as_deref(), Some("i"));
        assert_eq!(key(KeyOf::Rule, &one).as_deref(), Some("r"));
        assert_eq!(key(KeyOf::None, &one), None);
        let group = Named(vec![("rule".to_owned(), "r".into())]);
        let several = Notification { group, status: Status::Firing, ..one };
        assert_eq!(key(KeyOf::Alert, &several).as_deref(), Some("subject"));
    }

    #[test]
    fn a_message_that_is_too_large_is_given_up_and_everything_else_is_tried_again() {
        let of = |code| failure(&KafkaError::MessageProduction(code));
        assert!(matches!(of(RDKafkaErrorCode::MessageSizeTooLarge), DeliveryError::Refused(_)));
        for code in [
            RDKafkaErrorCode::MessageTimedOut,
            RDKafkaErrorCode::TopicAuthorizationFailed,
            RDKafkaErrorCode::QueueFull,
        ] {
            let failure = of(code);
            assert!(failure.is_of_sink(), "{failure}");
        }
    }
}
