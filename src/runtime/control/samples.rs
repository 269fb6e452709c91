//! How busy a process was in the last hour, for those who look at it without a system that records metrics.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use crate::event::Timestamp;
use crate::telemetry::Metrics;

/// So often a sample is taken.
pub const EVERY: Duration = Duration::from_secs(10);
/// So many are held: an hour.
const MOST: usize = 360;

/// The samples of a process. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Samples(Arc<Mutex<VecDeque<Taken>>>);

/// What was counted by a moment.
#[derive(Clone, Copy, Debug)]
struct Taken {
    time: Timestamp,
    events: u64,
    alerts: u64,
    lag_seconds: u64,
    partial_matches: u64,
}

/// How busy a service was until a moment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct Sample {
    /// The moment.
    pub time: Timestamp,
    /// Events that came, by the second, since the sample before.
    pub events_per_second: f64,
    /// Alerts that were made.
    pub alerts_per_second: f64,
    /// How far event time was behind the clock.
    pub lag_seconds: u64,
    /// How many partial matches there were.
    pub partial_matches: u64,
}

impl Samples {
    /// Takes one.
    pub fn take(&self, metrics: &Metrics, time: Timestamp) {
        let taken = Taken {
            time,
            events: metrics.sources.iter().map(|source| source.events.get()).sum(),
            alerts: metrics.rules.iter().map(|rule| rule.alerts.get()).sum(),
            lag_seconds: metrics.engine.lag.get().as_secs(),
            partial_matches: metrics.engine.runs.get(),
        };
        let mut samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        samples.push_back(taken);
        if samples.len() > MOST + 1 {
            samples.pop_front();
        }
    }

    /// The samples, the oldest first.
    pub fn all(&self) -> Vec<Sample> {
        let samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pairs = samples.iter().zip(samples.iter().skip(1));
        // After the service has begun anew, or a clock was set back, there is nothing to compare with.
        let sample = |(before, now): (&Taken, &Taken)| {
            let micros = now.time.as_micros() - before.time.as_micros();
            let seconds = micros as f64 / 1e6;
            let rate = |before: u64, now: u64| now.saturating_sub(before) as f64 / seconds;
            (micros > 0).then(|| Sample {
                time: now.time,
                events_per_second: rate(before.events, now.events),
                alerts_per_second: rate(before.alerts, now.alerts),
                lag_seconds: now.lag_seconds,
                partial_matches: now.partial_matches,
            })
        };
        pairs.filter_map(sample).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_of_what_came_between_two_samples() {
        let (samples, metrics) = (Samples::default(), Metrics::new(["a"], ["r"], []));
        let at = |second: i64| Timestamp::from_micros(second * 1_000_000);
        metrics.sources[0].events.add(100);
        samples.take(&metrics, at(0));
        metrics.sources[0].events.add(50);
        metrics.rules[0].alerts.add(5);
        samples.take(&metrics, at(10));
        // It has begun anew.
        samples.take(&Metrics::new(["a"], ["r"], []), at(20));
        let rates: Vec<_> =
            samples.all().iter().map(|sample| (sample.events_per_second, sample.alerts_per_second)).collect();
        assert_eq!(rates, [(5.0, 0.5), (0.0, 0.0)]);
        (0..1_000).for_each(|second| samples.take(&metrics, at(second)));
        assert_eq!(samples.all().len(), MOST);
    }
}
