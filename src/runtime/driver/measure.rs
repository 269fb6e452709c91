//! What the engine's thread tells of the engine.

use std::sync::Arc;
use std::time::Duration as Wait;

use crate::event::Timestamp;
use crate::outbox::Outbox;
use crate::telemetry::Metrics;

use super::super::engines::Engines;
use super::{Driver, TICK};

impl<O: Outbox> Driver<O> {
    /// Measures as often as the engine learns the time, and also while it is behind: that is when
    /// someone looks.
    pub(super) fn measure_if_due(&mut self, now: Timestamp) {
        if now >= self.measured.saturating_add(TICK) || now < self.measured {
            self.measured = now;
            self.measure(now);
        }
    }

    /// Takes over what the engine holds and has counted.
    pub(super) fn measure(&mut self, now: Timestamp) {
        if let Some(settled) = &self.settled {
            settled.send_replace(Arc::new(self.keeper.positions().clone()));
        }
        measure_time(&self.engines, &self.metrics, now);
        let stats = self.engines.stats();
        let metrics = &self.metrics.engine;
        metrics.keyless.follow(stats.rules.keyless);
        metrics.waiting.set(self.engines.waiting() as u64);
        metrics.waiting_bytes.set(self.engines.waiting_bytes() as u64);
        metrics.rounds.set(self.engines.under_way() as u64);
        metrics.runs.set(stats.live_runs as u64);
        metrics.keys.set(stats.live_keys as u64);
        metrics.cold.set(stats.cold_keys as u64);
        metrics.brought_back.follow(stats.brought_back);
        metrics.held.set(stats.held_bytes as u64);
        metrics.past.set(stats.past_events as u64);
        for (index, metrics) in self.metrics.rules.iter().enumerate() {
            metrics.events.follow(stats.rules.events[index]);
            metrics.alerts.follow(stats.rules.alerts[index]);
            metrics.runs.set(stats.live_by_rule[index] as u64);
            metrics.held_back.follow(stats.rules.held_back[index]);
            metrics.groups_forgotten.follow(stats.rules.groups_forgotten[index]);
            metrics.limits.follow(stats.rules.limits[index]);
            metrics.forgotten.follow(stats.rules.forgotten[index]);
            metrics.faults.follow(stats.rules.faults[index]);
        }
    }
}

/// How event time stands.
fn measure_time(engines: &Engines, metrics: &Metrics, now: Timestamp) {
    let lag = age(engines.watermark(), now);
    metrics.engine.lag.set(lag);
    let is_unread = metrics.kafka.iter().any(|source| source.lag.get() > 0)
        || metrics.sources.iter().any(|source| source.unread.get() > 0);
    metrics.engine.behind.set(behind(engines.first_waiting(), lag.filter(|_| is_unread), now));
    for (schema, time) in engines.program().streams().iter().zip(engines.stream_times()) {
        if let Some(metrics) = metrics.streams.iter().find(|metrics| metrics.name == *schema.name) {
            metrics.partitions.set(time.partitions as u64);
            metrics.lag.set(time.watermark.and_then(|watermark| age(watermark, now)));
        }
    }
}

/// How far what is decided is behind the clock, by the first event that waits, and by how old what is read is where something has
/// not been read.
fn behind(waiting: Option<Timestamp>, unread: Option<Wait>, now: Timestamp) -> Option<Wait> {
    waiting.and_then(|first| age(first, now)).into_iter().chain(unread).max()
}

/// How long ago that was; nothing before the first event, which has a time of its own.
fn age(time: Timestamp, now: Timestamp) -> Option<Wait> {
    if time < Timestamp::FIRST {
        return None;
    }
    // What is ahead of the clock is not old.
    let micros = now.as_micros().saturating_sub(time.as_micros());
    Some(Wait::from_micros(u64::try_from(micros).unwrap_or(0)))
}
