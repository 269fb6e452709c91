//! Alerts to standard output, one JSON object a line.

use std::io::{self, Write};
use std::sync::Arc;

use crate::outbox::Outgoing;

use super::lines;
use super::{Attempt, DeliveryError, Sink};

/// Writes alerts to standard output.
#[derive(Debug, Default)]
pub struct StdoutSink;

impl Sink for StdoutSink {
    fn most(&self) -> usize {
        lines::MOST
    }

    async fn deliver(&self, alerts: &[Arc<Outgoing>]) -> Attempt {
        let lines = lines::lines(alerts);
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
