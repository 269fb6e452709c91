//! Single numbers.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Kind, Label, Metric, Value};

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

impl Metric for Counter {
    const KIND: Kind = Kind::Counter;

    fn each(&self, give: &mut dyn FnMut(&[Label<'_>], Value<'_>)) {
        give(&[], Value::of(self.get()));
    }
}

/// A number that goes up and down.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    /// One that begins with a number.
    pub fn of(value: u64) -> Gauge {
        Gauge(AtomicU64::new(value))
    }

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

impl Metric for Gauge {
    const KIND: Kind = Kind::Gauge;

    fn each(&self, give: &mut dyn FnMut(&[Label<'_>], Value<'_>)) {
        give(&[], Value::of(self.get()));
    }
}
