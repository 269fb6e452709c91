//! Reads what all kinds of sinks have: how much may wait, and when what has failed is tried again.

use std::time::Duration;

use crate::outbox::QueueLimits;
use crate::sink::retry::RetryPolicy;

use super::{Report, Table};

/// A receiver that asks for a longer wait than this is tried again sooner.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// How alerts are brought to a sink.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// How much may wait for it.
    pub queue: QueueLimits,
    /// When a failed delivery is tried again.
    pub retry: RetryPolicy,
}

/// Reads it.
pub fn read(table: &Table<'_>, report: &mut Report) -> Option<Delivery> {
    let alerts = table.count("queue", report);
    let bytes = table.size("queue_bytes", report);
    let tries = table.count("tries", report);
    let backoff = table.wait("backoff", report);
    let max_backoff = table.wait("max_backoff", report);
    let queue = QueueLimits { alerts: alerts?, bytes: u32::try_from(bytes?).ok()? };
    let retry = RetryPolicy {
        tries: u32::try_from(tries?).ok()?,
        backoff: backoff?,
        max_backoff: max_backoff?,
        max_retry_after: MAX_RETRY_AFTER,
    };
    Some(Delivery { queue, retry })
}
