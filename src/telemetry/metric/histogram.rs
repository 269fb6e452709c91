//! How often a time took how long.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{Kind, Label, Metric, Value};

/// How often a time took how long.
#[derive(Debug)]
pub struct Histogram {
    /// For each of [`BOUNDS`], how many were no longer and longer than the bound before; then the rest.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    /// Their sum, in microseconds.
    sum: AtomicU64,
}

/// Upper bounds of the buckets, in microseconds: from what a commit takes on a good disk to what an alert waits for a receiver
/// that is down.
const BOUNDS: [u64; 18] = [
    250,
    500,
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    15_000_000,
    60_000_000,
    300_000_000,
    1_800_000_000,
];

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram { buckets: [const { AtomicU64::new(0) }; BOUNDS.len() + 1], sum: AtomicU64::new(0) }
    }
}

impl Histogram {
    /// Counts a time.
    pub fn record(&self, time: Duration) {
        let microseconds = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.partition_point(|bound| *bound < microseconds);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(microseconds, Ordering::Relaxed);
    }

    /// How many times were counted.
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).sum()
    }

    /// Their sum, in microseconds.
    pub fn sum(&self) -> u64 {
        self.sum.load(Ordering::Relaxed)
    }

    /// For each bound, in microseconds, how many were no longer. The rest is missing.
    pub fn cumulative(&self) -> impl Iterator<Item = (u64, u64)> {
        let mut sum = 0;
        BOUNDS.into_iter().zip(&self.buckets).map(move |(bound, bucket)| {
            sum += bucket.load(Ordering::Relaxed);
            (bound, sum)
        })
    }
}

impl Metric for Histogram {
    const KIND: Kind = Kind::Histogram;

    fn each(&self, give: &mut dyn FnMut(&[Label<'_>], Value<'_>)) {
        give(&[], Value::Times(self));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_counted_by_the_first_bound_that_they_do_not_exceed() {
        let histogram = Histogram::default();
        for time in [0, 250, 251, 1_000_000, 3_600_000_000] {
            histogram.record(Duration::from_micros(time));
        }
        let counts: Vec<_> = histogram.cumulative().collect();
        assert_eq!((counts[0], counts[1]), ((250, 2), (500, 3)));
        assert_eq!(counts[11], (1_000_000, 4));
        assert_eq!(counts[BOUNDS.len() - 1], (1_800_000_000, 4));
        assert_eq!((histogram.count(), histogram.sum()), (5, 3_601_000_501));
    }
}
