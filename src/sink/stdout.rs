//! Alerts to standard output, a line each.

use std::io::{self, Write};
use std::sync::Arc;

use crate::outbox::Outgoing;

use super::lines::{self, Form};
use super::{Attempt, DeliveryError, Sink};

/// What a sink for standard output is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What a line is.
    pub form: Form,
}

/// Writes alerts to standard output.
#[derive(Debug)]
pub struct StdoutSink(Form);

impl StdoutSink {
    /// Prepares to write.
    pub fn open(settings: &Settings) -> StdoutSink {
        StdoutSink(settings.form)
    }
}

impl Sink for StdoutSink {
    fn most(&self) -> usize {
        lines::MOST
    }

    async fn deliver(&self, alerts: &[Arc<Outgoing>]) -> Attempt {
        let lines = lines::lines(alerts, self.0);
        let written = tokio::task::spawn_blocking(move || {
            let mut out = io::stdout().lock();
            out.write_all(&lines).and_then(|()| out.flush())
        });
        match written.await.unwrap_or_else(|error| Err(io::Error::other(error))) {
            Ok(()) => Attempt::all(alerts.len()),
            Err(error) => Attempt { delivered: 0, failure: Some(DeliveryError::Write(error)) },
        }
    }
}
