//! Alerts as lines.

use std::sync::Arc;

use crate::outbox::Outgoing;

/// Alerts written by one attempt.
pub const MOST: usize = 256;

/// The alerts as lines.
pub fn lines(alerts: &[Arc<Outgoing>]) -> Vec<u8> {
    let mut text = Vec::with_capacity(alerts.iter().map(|alert| alert.body.len() + 1).sum());
    for alert in alerts {
        text.extend_from_slice(alert.body.as_bytes());
        text.push(b'\n');
    }
    text
}
