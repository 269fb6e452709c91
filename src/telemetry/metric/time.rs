//! Moments, time that was spent, and how long something has been so.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::event::Timestamp;

use super::{Kind, Label, Metric, Value};

/// A moment by the clock, in seconds since 1970; 0: there is none yet.
#[derive(Debug, Default)]
pub struct Moment(AtomicI64);

impl Moment {
    /// It was at that time.
    pub fn set(&self, time: Timestamp) {
        self.0.store(time.as_micros(), Ordering::Relaxed);
    }

    /// The same, unless a later one is known.
    pub fn advance(&self, time: Timestamp) {
        self.0.fetch_max(time.as_micros(), Ordering::Relaxed);
    }

    /// The moment, in seconds since 1970.
    pub fn seconds(&self) -> f64 {
        self.0.load(Ordering::Relaxed) as f64 / 1e6
    }
}

impl Metric for Moment {
    const KIND: Kind = Kind::Gauge;

    fn each(&self, give: &mut dyn FnMut(&[Label<'_>], Value<'_>)) {
        give(&[], Value::Number(self.seconds()));
    }
}

/// Time that was spent on something, as a counter of seconds.
#[derive(Debug, Default)]
pub struct Spent(AtomicU64);

impl Spent {
    /// Takes over what is counted elsewhere.
    pub fn follow(&self, total: Duration) {
        self.0.store(u64::try_from(total.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl Metric for Spent {
    const KIND: Kind = Kind::Counter;

    fn each(&self, give: &mut dyn FnMut(&[Label<'_>], Value<'_>)) {
        give(&[], Value::Number(self.0.load(Ordering::Relaxed) as f64 / 1e6));
    }
}

/// How long something has been so. It grows by itself: who sets it may be stuck just when somebody wants to know.
#[derive(Debug, Default)]
pub struct Age(Mutex<Option<(Duration, Instant)>>);

impl Age {
    /// It is so old now; `None`: there is nothing that has an age, which counts as 0.
    pub fn set(&self, age: Option<Duration>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = age.map(|age| (age, Instant::now()));
    }

    /// How old it is by now.
    pub fn get(&self) -> Duration {
        let set = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        set.map_or(Duration::ZERO, |(age, then)| age.saturating_add(then.elapsed()))
    }
}

impl Metric for Age {
    const KIND: Kind = Kind::Gauge;

    fn each(&self, give: &mut dyn FnMut(&[Label<'_>], Value<'_>)) {
        give(&[], Value::Number(self.get().as_secs_f64()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_age_grows_by_itself() {
        let age = Age::default();
        assert_eq!(age.get(), Duration::ZERO);
        age.set(Some(Duration::from_secs(3)));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(age.get(), Duration::from_secs(5));
        age.set(None);
        assert_eq!(age.get(), Duration::ZERO);
    }

    #[test]
    fn a_moment_does_not_go_back_unless_it_is_set() {
        let moment = Moment::default();
        moment.advance(Timestamp::from_micros(2_500_000));
        moment.advance(Timestamp::from_micros(1_000_000));
        assert_eq!(moment.seconds().to_bits(), 2.5_f64.to_bits());
        moment.set(Timestamp::from_micros(1_000_000));
        assert_eq!(moment.seconds().to_bits(), 1.0_f64.to_bits());
    }
}
