//! Routing in a running service: what decides where alerts go, with the clock, the store and those who ask.
//!
//! Enters: alerts, the time, and what people ask and say through the [`desk`]. Leaves: notifications on their way to
//! sinks. With a state, [`durable`] is held by the thread that writes the store: what was decided becomes part of the
//! transaction that has the alerts, and nobody gets an answer before what was asked for is durable. Without, [`memory`]
//! has a thread of its own, and what it knows ends with the process.

pub mod desk;
pub mod durable;
pub mod memory;

use std::sync::Arc;
use std::time::Duration as Wait;

use crate::config::Config;
use crate::event::Timestamp;
use crate::routing::{Router, Settings};
use crate::telemetry::catalogue::RoutingMetrics;

/// A clock on the wall may be set: so long it is relied on.
const LONGEST_WAIT: Wait = Wait::from_secs(30);

/// What routing is told to do by a configuration.
pub fn settings(config: &Config) -> Arc<Settings> {
    Arc::new(config.routing.settings.clone())
}

/// How long to wait until the next thing is due, if anything is.
fn wait_for(router: &Router, now: Timestamp) -> Option<Wait> {
    let due = router.next_due()?;
    let wait = u64::try_from(due.as_micros().saturating_sub(now.as_micros())).unwrap_or(0);
    Some(Wait::from_micros(wait).min(LONGEST_WAIT))
}

/// Measures what is kept.
fn measure(router: &Router, metrics: &RoutingMetrics, now: Timestamp) {
    let held = router.held_now(now);
    metrics.groups.set(held.groups as u64);
    metrics.waiting.set(held.waiting as u64);
    metrics.followed.set(held.followed as u64);
    metrics.silences.set(held.silences as u64);
}
