//! Where alerts go.
//!
//! Enters: rendered alerts from a sink's queue. Leaves: the same, delivered, those of one rule and key in
//! order. Each sink has a worker of its own ([`worker`]), so that one that stalls delays no other. They attempt;
//! whether and when to attempt again is decided in [`retry`], whether the sink is down in [`breaker`], and how much it is
//! sent in [`crate::rate`].
//!
//! One file a kind of sink, all of the same shape: `Settings`, what the configuration says; a type with
//! `open(&Settings)`, which says at the start what is wrong and connects to nothing yet; and its [`Sink`], which
//! makes one attempt and says how it went. What is not to be sent as it waits in the outbox is rendered from
//! [`Outgoing::notification`] by a pure function. A kind is added in these places:
//!
//! 1. `src/sink/KIND.rs`: what it does. Over HTTP, [`http`] has the rest.
//! 2. `src/config/reference/sinks/KIND.rs`: its keys, with their defaults and what they mean; its word goes into
//!    `SINK_TYPES`, and its section into `SECTIONS`.
//! 3. `src/config/sinks/KIND.rs`: from keys to `Settings`; it has an arm in `form`, and a variant of `SinkKind`.
//! 4. `src/runtime/sinks.rs`: an arm that opens it.

pub mod alertmanager;
mod breaker;
pub mod email;
#[cfg(test)]
mod examples;
pub mod file;
pub mod host;
pub mod http;
pub mod kafka;
pub mod lines;
pub mod pagerduty;
pub mod retry;
pub mod sample;
pub mod slack;
pub mod stdout;
pub mod syslog;
pub mod teams;
pub mod template;
#[cfg(test)]
mod tests;
pub mod webhook;
mod words;
pub mod worker;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::alert::notification::Unreadable;
use crate::outbox::Outgoing;
use crate::secret::SecretError;
use crate::tls::TlsError;

/// Delivers alerts.
pub trait Sink: Send + Sync {
    /// How many alerts one attempt takes at most.
    fn most(&self) -> usize;

    /// Attempts to deliver `alerts` in their order. There may be several attempts at a time, with alerts of
    /// different keys.
    fn deliver(&self, alerts: &[Arc<Outgoing>]) -> impl Future<Output = Attempt> + Send;

    /// What tells its receiver from others, without showing it. A receiver that wants nothing any more gets nothing
    /// until this is something else.
    fn receiver(&self) -> Vec<u8> {
        Vec::new()
    }
}

/// How an attempt went.
#[derive(Debug)]
pub struct Attempt {
    /// So many alerts, from the first on, have been delivered.
    pub delivered: usize,
    /// Why the next one has not been.
    pub failure: Option<DeliveryError>,
}

impl Attempt {
    /// So many alerts have been delivered, and that is all there were.
    pub fn all(delivered: usize) -> Attempt {
        Attempt { delivered, failure: None }
    }

    /// How it went with the only alert, or with all as one.
    pub fn of_one(done: Result<(), DeliveryError>) -> Attempt {
        match done {
            Ok(()) => Attempt::all(1),
            Err(failure) => Attempt { delivered: 0, failure: Some(failure) },
        }
    }
}

/// A sink cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A secret is not there.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// There is nothing to send to.
    #[error(transparent)]
    Target(#[from] http::TargetError),
    /// Nothing can be sent by HTTP.
    #[error(transparent)]
    Http(#[from] http::ClientError),
    /// What should be secrets to sign with is something else.
    #[error("`{key}` cannot be used: {why}")]
    Signing {
        /// The key of the configuration.
        key: String,
        /// What is wrong.
        why: webhook::BadSecret,
    },
    /// A header cannot have the value that it is to have.
    #[error("`{key}` holds what no header can have: a line end, for example")]
    Header {
        /// The key of the configuration.
        key: String,
    },
    /// There is no client for Kafka.
    #[error(transparent)]
    Kafka(#[from] crate::kafka::ClientError),
    /// A file cannot be opened.
    #[error(transparent)]
    File(#[from] file::FileError),
    /// No mails can be sent.
    #[error(transparent)]
    Email(#[from] email::EmailError),
    /// Nothing can be encrypted.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Why an alert was not delivered.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// Writing failed.
    #[error("cannot write: {0}")]
    Write(#[from] io::Error),
    /// The receiver could not be reached or did not answer in time.
    #[error("{0}")]
    Unreachable(String),
    /// The sink lacks something before it can send, such as a secret.
    #[error("{0}")]
    NotReady(String),
    /// The alert cannot be made into what the receiver takes, or the receiver will not have it: the same would
    /// happen again.
    #[error("{0}")]
    Refused(String),
    /// The receiver will not have the alert at present.
    #[error("{0}")]
    NotNow(String),
    /// The receiver answered with another status than success.
    #[error("the answer was {status}{}{answer}", if answer.is_empty() { "" } else { ": " })]
    Status {
        /// The HTTP status.
        status: u16,
        /// How long the receiver asks to wait.
        retry_after: Option<Duration>,
        /// The beginning of the answer.
        answer: String,
    },
}

impl From<SecretError> for DeliveryError {
    fn from(error: SecretError) -> DeliveryError {
        DeliveryError::NotReady(error.to_string())
    }
}

impl From<Unreadable> for DeliveryError {
    fn from(error: Unreadable) -> DeliveryError {
        DeliveryError::Refused(error.to_string())
    }
}

/// Whether another attempt has a chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// No: the same will happen again.
    Never,
    /// Perhaps.
    Later,
    /// Perhaps, but not before this time has passed.
    After(Duration),
}

impl DeliveryError {
    /// Whether another attempt has a chance.
    pub fn again(&self) -> Again {
        match self {
            DeliveryError::Write(error) if error.kind() == io::ErrorKind::BrokenPipe => Again::Never,
            DeliveryError::Write(_) | DeliveryError::Unreachable(_) | DeliveryError::NotReady(_) => {
                Again::Later
            }
            DeliveryError::NotNow(_) => Again::Later,
            DeliveryError::Refused(_) => Again::Never,
            DeliveryError::Status { status: 429 | 503, retry_after: Some(wait), .. } => Again::After(*wait),
            // Secrets can be mended while the service runs.
            DeliveryError::Status { status: 401 | 403 | 407, .. } => Again::Later,
            DeliveryError::Status { status: 408 | 425 | 429 | 500.., .. } => Again::Later,
            DeliveryError::Status { .. } => Again::Never,
        }
    }

    /// Whether the receiver wants nothing any more, whatever it is.
    pub fn is_gone(&self) -> bool {
        matches!(self, DeliveryError::Status { status: 410, .. })
    }

    /// Whether it is the sink that fails, whatever it is sent. Other failures may be those of the one
    /// alert.
    pub fn is_of_sink(&self) -> bool {
        match self {
            DeliveryError::Write(_) | DeliveryError::Unreachable(_) | DeliveryError::NotReady(_) => true,
            DeliveryError::Refused(_) | DeliveryError::NotNow(_) => false,
            DeliveryError::Status { status, .. } => matches!(status, 401 | 403 | 407 | 429 | 502..=504),
        }
    }
}
