//! Alerts as messages of syslog, by RFC 5424 or RFC 3164, over UDP, TCP, TLS or a Unix socket.

pub mod message;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::outbox::Outgoing;

use super::{Attempt, DeliveryError, OpenError, Sink};
use message::Style;
use transport::Line;
pub use transport::Transport;

/// Messages sent by one attempt.
const MOST: usize = 64;

/// What a sink for syslog is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where messages go, and how.
    pub transport: Transport,
    /// What they look like.
    pub style: Style,
    /// Longest time for one attempt.
    pub timeout: Duration,
}

/// Sends messages.
pub struct SyslogSink {
    line: Mutex<Line>,
    style: Style,
    timeout: Duration,
}

impl SyslogSink {
    /// Prepares to send. Connects to nothing yet.
    ///
    /// # Errors
    /// When certificates cannot be read.
    pub fn open(settings: &Settings) -> Result<SyslogSink, OpenError> {
        let Settings { transport, style, timeout } = settings;
        Ok(SyslogSink { line: Mutex::new(Line::new(transport)?), style: style.clone(), timeout: *timeout })
    }

    fn render(&self, alert: &Outgoing) -> Result<String, DeliveryError> {
        Ok(message::message(&alert.notification()?, &self.style))
    }
}

impl Sink for SyslogSink {
    fn most(&self) -> usize {
        MOST
    }

    async fn deliver(&self, alerts: &[Arc<Outgoing>]) -> Attempt {
        let mut messages = Vec::with_capacity(alerts.len());
        let mut unreadable = None;
        for alert in alerts {
            match self.render(alert) {
                Ok(message) => messages.push(message),
                Err(error) => {
                    unreadable = Some(error);
                    break;
                }
            }
        }
        let (delivered, failure) = self.line.lock().await.send(&messages, self.timeout).await;
        let failure = failure.map(|error| DeliveryError::Unreachable(error.to_string()));
        Attempt { delivered, failure: failure.or(unreadable) }
    }
}
