//! Where alerts go.
//!
//! Enters: rendered alerts from a sink's queue. Leaves: the same, delivered, those of one rule and key in
//! order. Each sink has a worker of its own ([`worker`]), so that one that stalls delays no other. One file
//! a kind of sink, all of the same shape: they attempt; whether and when to attempt again is decided in
//! [`retry`], and whether that the sink is down in [`health`].

pub mod file;
mod health;
mod lines;
pub mod retry;
pub mod stdout;
#[cfg(test)]
mod tests;
pub mod webhook;
pub mod worker;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::outbox::Outgoing;

/// Delivers alerts.
pub trait Sink: Send {
    /// How many alerts one attempt takes at most.
    fn most(&self) -> usize;

    /// Attempts to deliver `alerts` in their order.
    fn deliver(&mut self, alerts: &[Arc<Outgoing>]) -> impl Future<Output = Attempt> + Send;
}

/// How an attempt went.
#[derive(Debug)]
pub struct Attempt {
    /// So many alerts, from the first on, have been delivered.
    pub delivered: usize,
    /// Why the next one has not been.
    pub failure: Option<DeliveryError>,
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
            DeliveryError::Write(_) | DeliveryError::Unreachable(_) => Again::Later,
            DeliveryError::Status { status: 429 | 503, retry_after: Some(wait), .. } => Again::After(*wait),
            DeliveryError::Status { status: 408 | 425 | 429 | 500.., .. } => Again::Later,
            DeliveryError::Status { .. } => Again::Never,
        }
    }

    /// Whether it is the sink that fails, whatever it is sent. Other failures may be those of the one
    /// alert.
    pub fn is_of_sink(&self) -> bool {
        match self {
            DeliveryError::Write(_) | DeliveryError::Unreachable(_) => true,
            DeliveryError::Status { status, .. } => matches!(status, 429 | 502..=504),
        }
    }
}
