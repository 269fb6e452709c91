//! Counters and gauges.

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

/// What kind of number a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
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

impl Metric for Family {
    const KIND: Kind = Kind::Counter;

    fn each(&self, give: &mut dyn FnMut(Option<(&'static str, &'static str)>, u64)) {
        for (value, counter) in &self.members {
            give(Some((self.label, value)), counter.get());
        }
    }
}
