//! Counters, gauges and histograms.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows while the service runs.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds `count`.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// Takes over a number that is counted elsewhere.
    pub fn follow(&self, total: u64) {
        self.0.store(total, Ordering::Relaxed);
    }

    /// The number.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that goes up and down.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    /// One more.
    pub fn increase(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// One less.
    pub fn decrease(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// Sets it.
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// The number.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counters that differ in one label whose values are known beforehand.
#[derive(Debug)]
pub struct Family {
    label: &'static str,
    members: Vec<(&'static str, Counter)>,
}

impl Family {
    /// A counter for each of `values`.
    pub fn new(label: &'static str, values: impl IntoIterator<Item = &'static str>) -> Family {
        Family { label, members: values.into_iter().map(|value| (value, Counter::default())).collect() }
    }

    /// The counter of one value.
    ///
    /// # Panics
    /// When the family was made without it.
    pub fn of(&self, value: &str) -> &Counter {
        let found = self.members.iter().find(|(member, _)| *member == value);
        &found.expect("a family is made with all its values").1
    }

    /// The sum over all values.
    pub fn total(&self) -> u64 {
        self.members.iter().map(|(_, counter)| counter.get()).sum()
    }
}

/// How often a time took how long.
#[derive(Debug)]
pub struct Histogram {
    /// For each of [`BOUNDS`], how many were no longer and longer than the bound before; then the rest.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    /// Their sum, in microseconds.
    sum: AtomicU64,
}

/// Upper bounds of the buckets, in microseconds, with their names in seconds.
const BOUNDS: [(u64, &str); 15] = [
    (250, "0.00025"),
    (500, "0.0005"),
    (1_000, "0.001"),
    (2_500, "0.0025"),
    (5_000, "0.005"),
    (10_000, "0.01"),
    (25_000, "0.025"),
    (50_000, "0.05"),
    (100_000, "0.1"),
    (250_000, "0.25"),
    (1_000_000, "1"),
    (5_000_000, "5"),
    (15_000_000, "15"),
    (60_000_000, "60"),
    (600_000_000, "600"),
];

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram { buckets: [const { AtomicU64::new(0) }; BOUNDS.len() + 1], sum: AtomicU64::new(0) }
    }
}

impl Histogram {
    /// Counts a time.
    pub fn record(&self, microseconds: u64) {
        let bucket = BOUNDS.partition_point(|(bound, _)| *bound < microseconds);
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

    /// For each bound, in seconds and the last one infinite, how many were no longer.
    pub fn cumulative(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let bounds = BOUNDS.iter().map(|(_, name)| *name).chain(["+Inf"]);
        let mut sum = 0;
        bounds.zip(&self.buckets).map(move |(bound, bucket)| {
            sum += bucket.load(Ordering::Relaxed);
            (bound, sum)
        })
    }
}

/// What kind of number a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts times: how many were at most so long, by the label `le` in seconds, and then, without it,
    /// their sum in microseconds.
    Histogram,
}

/// What the catalogue needs of a number.
pub trait Metric {
    /// Its kind.
    const KIND: Kind;

    /// Gives each of its values, with the label that tells it from the others, if there is one.
    fn each(&self, give: &mut dyn FnMut(Option<(&'static str, &'static str)>, u64));
}

impl Metric for Counter {
    const KIND: Kind = Kind::Counter;

    fn each(&self, give: &mut dyn FnMut(Option<(&'static str, &'static str)>, u64)) {
        give(None, self.get());
    }
}

impl Metric for Gauge {
    const KIND: Kind = Kind::Gauge;

    fn each(&self, give: &mut dyn FnMut(Option<(&'static str, &'static str)>, u64)) {
        give(None, self.get());
    }
}

impl Metric for Histogram {
    const KIND: Kind = Kind::Histogram;

    fn each(&self, give: &mut dyn FnMut(Option<(&'static str, &'static str)>, u64)) {
        for (bound, count) in self.cumulative() {
            give(Some(("le", bound)), count);
        }
        give(None, self.sum());
    }
}

impl Metric for Family {
    const KIND: Kind = Kind::Counter;

    fn each(&self, give: &mut dyn FnMut(Option<(&'static str, &'static str)>, u64)) {
        for (value, counter) in &self.members {
            give(Some((self.label, value)), counter.get());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_counted_by_the_first_bound_that_they_do_not_exceed() {
        let histogram = Histogram::default();
        for time in [0, 250, 251, 1_000_000, 3_600_000_000] {
            histogram.record(time);
        }
        let counts: Vec<_> = histogram.cumulative().collect();
        assert_eq!((counts[0], counts[1]), (("0.00025", 2), ("0.0005", 3)));
        assert_eq!(counts[10], ("1", 4));
        assert_eq!(counts[BOUNDS.len()], ("+Inf", 5));
        assert_eq!((histogram.count(), histogram.sum()), (5, 3_601_000_501));
    }
}
