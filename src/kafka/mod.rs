//! How Kafka is reached: what the source and the sink for it share.
//!
//! Enters: settings. Leaves: the configuration of a client of librdkafka, and a [`Context`] through which that
//! logs, says what it sees of the cluster, and asks for tokens.

mod oauth;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::statistics::Statistics;
use tokio::runtime::Handle;
use tracing::{debug, error, info, warn};

use crate::event::{self, Timestamp};
use crate::secret::{Secret, SecretError};
use crate::telemetry::limit::{RateLimit, Verdict};

pub use oauth::OAuth;

/// How long a question to the cluster may take.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// So many complaints of a client are logged in each span of time: while a cluster is away, there are several a second.
const LOGGED: u64 = 5;
/// That span.
const LOG_SPAN: event::Duration = event::Duration::from_micros(10_000_000);

/// How a cluster is reached.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Some of its brokers, as `host:port`; they name the others.
    pub brokers: Vec<String>,
    /// What the brokers' logs and quotas call this client.
    pub client_id: String,
    /// How connections are encrypted, if they are.
    pub tls: Option<Tls>,
    /// How this side says who it is, if it does.
    pub sasl: Option<Sasl>,
    /// Further properties of librdkafka, by their names.
    pub properties: BTreeMap<String, String>,
}

/// How connections are encrypted.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// A PEM file of the authorities that may vouch for brokers; `None`: those of the system.
    pub ca: Option<PathBuf>,
    /// PEM files of the certificate of this side and of its key, if brokers ask for one.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// The password of the key, if it has one.
    pub key_password: Option<Secret>,
}

/// How this side says who it is.
#[derive(Clone, Debug)]
pub enum Sasl {
    /// By a name and a password.
    Password {
        /// How they are shown.
        mechanism: Mechanism,
        /// The name.
        username: String,
        /// The password.
        password: Secret,
    },
    /// By a token that an OAuth 2 server gives.
    OAuth(OAuth),
}

/// How a name and a password are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// As they are.
    Plain,
    /// By a proof that does not give the password away (RFC 5802), with SHA-256.
    ScramSha256,
    /// The same with SHA-512.
    ScramSha512,
}

impl Mechanism {
    /// Its name in the protocol.
    pub const fn name(self) -> &'static str {
        match self {
            Mechanism::Plain => "PLAIN",
            Mechanism::ScramSha256 => "SCRAM-SHA-256",
            Mechanism::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

/// A client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A secret is not there.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The library does not take what is set.
    #[error("the client for Kafka cannot be made: {0}")]
    Kafka(#[from] KafkaError),
}

/// Properties that have keys of their own or on which it depends that nothing is lost, so that they cannot be
/// set beside: by their beginnings.
const OWN_PROPERTIES: &[&str] = &[
    "auto.offset.reset",
    "bootstrap.servers",
    "client.id",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.idempotence",
    "enable.partition.eof",
    "group.",
    "isolation.level",
    "metadata.broker.list",
    "partition.assignment.strategy",
    "sasl.",
    "security.protocol",
    "session.timeout.ms",
    "ssl.ca.",
    "ssl.certificate.",
    "ssl.key.",
    "transactional.id",
];

impl Settings {
    /// Whether a property can be set by its name: it is not one that has a key of its own, or on which it depends
    /// that nothing is lost.
    pub fn is_free(property: &str) -> bool {
        !OWN_PROPERTIES.iter().any(|own| match own.strip_suffix('.') {
            Some(_) => property.starts_with(own),
            None => property == *own,
        })
    }

    /// What a client for this cluster is made with.
    ///
    /// # Errors
    /// When a secret is not there.
    pub fn client(&self) -> Result<ClientConfig, SecretError> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.brokers.join(","));
        config.set("client.id", &self.client_id);
        // The first attempts to connect come quickly, so that a broker that was restarted is found soon.
        config.set("reconnect.backoff.ms", "50").set("reconnect.backoff.max.ms", "5000");
        // A machine that is gone is noticed although nothing is to be sent to it.
        config.set("socket.keepalive.enable", "true");
        let protocol = match (&self.tls, &self.sasl) {
            (None, None) => "plaintext",
            (Some(_), None) => "ssl",
            (None, Some(_)) => "sasl_plaintext",
            (Some(_), Some(_)) => "sasl_ssl",
        };
        config.set("security.protocol", protocol);
        if let Some(tls) = &self.tls {
            tls.set(&mut config)?;
        }
        match &self.sasl {
            Some(Sasl::Password { mechanism, username, password }) => {
                config.set("sasl.mechanism", mechanism.name()).set("sasl.username", username);
                config.set("sasl.password", &*password.get()?);
            }
            Some(Sasl::OAuth(_)) => {
                config.set("sasl.mechanism", "OAUTHBEARER");
            }
            None => {}
        }
        for (name, value) in &self.properties {
            config.set(name, value);
        }
        // What is not wanted by anybody is not logged.
        config.set_log_level(RDKafkaLogLevel::Info);
        Ok(config)
    }

    /// What a client of that name logs as, and gets its tokens by. To be made in asynchronous code.
    pub fn context(&self, name: &str) -> Context {
        let oauth = match &self.sasl {
            Some(Sasl::OAuth(oauth)) => Some(oauth.clone()),
            _ => None,
        };
        let shared = Shared {
            name: name.to_owned(),
            oauth,
            runtime: Handle::current(),
            seen: Mutex::default(),
            complaints: Mutex::new(RateLimit::new(LOGGED, LOG_SPAN)),
        };
        Context(Arc::new(shared))
    }
}

impl Tls {
    fn set(&self, config: &mut ClientConfig) -> Result<(), SecretError> {
        // The name in the certificate has to be that of the broker.
        config.set("ssl.endpoint.identification.algorithm", "https");
        if let Some(ca) = &self.ca {
            config.set("ssl.ca.location", ca.to_string_lossy());
        }
        if let Some((certificate, key)) = &self.identity {
            config.set("ssl.certificate.location", certificate.to_string_lossy());
            config.set("ssl.key.location", key.to_string_lossy());
        }
        if let Some(password) = &self.key_password {
            config.set("ssl.key.password", &*password.get()?);
        }
        Ok(())
    }
}

/// What a client tells, and is told by. Clones are the same.
#[derive(Clone)]
pub struct Context(Arc<Shared>);

struct Shared {
    /// The source or sink that it belongs to.
    name: String,
    oauth: Option<OAuth>,
    runtime: Handle,
    seen: Mutex<Option<Statistics>>,
    complaints: Mutex<RateLimit>,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Context").field(&self.0.name).finish()
    }
}

impl Context {
    /// The name of the source or sink that it belongs to.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// What the client has seen of the cluster since this was asked last, if it has looked.
    pub fn take_seen(&self) -> Option<Statistics> {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Logs what is wrong, unless so much was wrong just before that it is only counted.
    fn complain(&self, what: fmt::Arguments<'_>) {
        let now = Timestamp::from_micros(jiff::Timestamp::now().as_microsecond());
        let mut complaints = self.0.complaints.lock().unwrap_or_else(PoisonError::into_inner);
        if let Verdict::Show { held_back } = complaints.check(now) {
            warn!(client = %self.name(), not_logged = held_back, "{what}");
        }
    }
}

impl ClientContext for Context {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, fac: &str, message: &str) {
        let name = self.name();
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
                error!(client = %name, "{fac}: {message}");
            }
            // That a connection broke is said by `error` below, in fewer words.
            RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning | RDKafkaLogLevel::Notice => {
                self.complain(format_args!("{fac}: {message}"));
            }
            RDKafkaLogLevel::Info => info!(client = %name, "{fac}: {message}"),
            RDKafkaLogLevel::Debug => debug!(client = %name, "{fac}: {message}"),
        }
    }

    fn stats(&self, statistics: Statistics) {
        *self.0.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(statistics);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // Who wants to know where a partition ends is told by itself.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::PartitionEOF) {
            self.complain(format_args!("{reason}: {error}"));
        }
    }

    fn generate_oauth_token(&self, _config: Option<&str>) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        let oauth = self.0.oauth.as_ref().ok_or("no token is configured")?;
        // The library calls this on threads of its own, or on one of ours that may wait.
        Ok(self.0.runtime.block_on(oauth.token())?)
    }
}

impl ConsumerContext for Context {}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            brokers: vec!["a:9092".into(), "b:9092".into()],
            client_id: "tripline".into(),
            tls: None,
            sasl: None,
            properties: BTreeMap::new(),
        }
    }

    #[test]
    fn the_protocol_follows_from_what_is_set() {
        let password = Sasl::Password {
            mechanism: Mechanism::ScramSha512,
            username: "u".into(),
            password: Secret::text("password", "p"),
        };
        for (tls, sasl, protocol) in [
            (None, None, "plaintext"),
            (Some(Tls::default()), None, "ssl"),
            (None, Some(password.clone()), "sasl_plaintext"),
            (Some(Tls::default()), Some(password), "sasl_ssl"),
        ] {
            let config = Settings { tls, sasl, ..settings() }.client().expect("the secrets are there");
            assert_eq!(config.get("security.protocol"), Some(protocol));
            let mechanism = protocol.starts_with("sasl").then_some("SCRAM-SHA-512");
            assert_eq!(config.get("sasl.mechanism"), mechanism);
            assert_eq!(config.get("bootstrap.servers"), Some("a:9092,b:9092"));
        }
    }

    #[test]
    fn what_keeps_events_from_being_lost_cannot_be_set_by_the_way() {
        for own in ["enable.auto.commit", "group.id", "group.instance.id", "sasl.password", "isolation.level"]
        {
            assert!(!Settings::is_free(own), "{own}");
        }
        for free in ["fetch.min.bytes", "queued.max.messages.kbytes", "linger.ms", "ssl.cipher.suites"] {
            assert!(Settings::is_free(free), "{free}");
        }
    }
}
