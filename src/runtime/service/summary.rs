//! What is said at the end: what is left, and how much there was of everything.

use tracing::{error, info};

use crate::outbox::Left;

use super::Service;

/// How many undelivered alerts of one sink are named in the log.
const NAMED: usize = 100;

impl Service {
    /// Names what a sink has not delivered.
    pub(super) fn name_undelivered(&self, sink: usize, left: &Left) {
        let sink = &self.config.sinks[sink].name.value;
        let Left { lost: left, kept } = left;
        if *kept > 0 {
            info!(%sink, alerts = kept, "left: alerts that wait in the store for the next start");
        }
        for alert in left.iter().take(NAMED) {
            error!(%sink, alert = %alert.id, rule = %alert.rule, "not delivered: the time to stop was up");
        }
        if left.len() > NAMED {
            error!(%sink, alerts = left.len() - NAMED, "not delivered either: the time to stop was up");
        }
    }

    /// Says what waits, and the totals.
    pub(super) fn log_summary(&self) {
        self.log_waiting();
        self.log_totals();
    }

    fn log_waiting(&self) {
        let engine = &self.metrics.engine;
        let (events, runs) = (engine.waiting.get(), engine.runs.get());
        if events + runs > 0 && self.config.state.is_some() {
            info!(events, runs, "kept: events that wait for event time, and partial matches");
        } else if events + runs > 0 {
            // Without a place for it, so that a restart begins anew.
            info!(events, runs, "left: events that waited for event time, and partial matches");
        }
    }

    fn log_totals(&self) {
        if let Some(checkpoints) = &self.metrics.checkpoints {
            info!(
                checkpoints = checkpoints.stored.get(),
                failed_checkpoints = checkpoints.failed.get(),
                rows = checkpoints.rows.get(),
                bytes = checkpoints.bytes.get(),
                paused_ms = checkpoints.pause.sum() / 1_000,
                storing_ms = checkpoints.commit.sum() / 1_000,
                "total"
            );
        }
        for source in &self.metrics.sources {
            info!(
                source = %source.name,
                events = source.events.get(),
                rejected = source.rejected.total(),
                oversized = source.rejected.of("oversized").get(),
                late = source.late.get(),
                future = source.rejected.of("future").get(),
                connections = source.opened.get(),
                tls_failures = source.tls_failures.get(),
                datagrams = source.datagrams.get(),
                dropped = source.dropped.get(),
                "total"
            );
        }
        for rule in &self.metrics.rules {
            let (alerts, limits, faults) = (rule.alerts.get(), rule.limits.get(), rule.faults.get());
            if alerts + limits + faults > 0 {
                info!(rule = %rule.name, alerts, limits, faults, "total");
            }
        }
        for sink in &self.metrics.sinks {
            info!(
                sink = %sink.name,
                delivered = sink.delivered.get(),
                retried = sink.retried.get(),
                failed = sink.failed.get(),
                undelivered = sink.undelivered.get(),
                "total"
            );
        }
    }
}
