//! Tells a sink that is down from alerts that it does not take.
//!
//! A sink that is down would fail with every alert that waits, and all of them would be given up one after the
//! other. So while it is down its worker waits from attempt to attempt, longer and longer. Pure.

use crate::outbox::OrderKey;

/// When alerts of so many keys have failed and none has been accepted in between, it is the sink.
const KEYS: usize = 3;

/// How a sink has done lately.
#[derive(Debug, Default)]
pub struct Health {
    /// How many attempts have failed in a row.
    failures: u32,
    /// The keys of some of these.
    keys: Vec<OrderKey>,
}

impl Health {
    /// The sink has accepted something.
    pub fn accepted(&mut self) {
        self.failures = 0;
        self.keys.clear();
    }

    /// An attempt with an alert of this key has failed. If the sink is down, gives how many attempts have
    /// failed since it last accepted something: it is down when it has failed itself, or when alerts of
    /// several keys have failed in a row.
    pub fn failed(&mut self, key: &OrderKey, is_of_sink: bool) -> Option<u32> {
        self.failures = self.failures.saturating_add(1);
        if self.keys.len() < KEYS && !self.keys.contains(key) {
            self.keys.push(*key);
        }
        (is_of_sink || self.keys.len() >= KEYS).then_some(self.failures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sink_is_down_when_it_says_so_or_takes_nothing() {
        let mut health = Health::default();
        let [a, b, c] = [[1; 16], [2; 16], [3; 16]];
        assert_eq!([a, a, b, a].map(|key| health.failed(&key, false)), [None; 4], "these may be bad alerts");
        assert_eq!(health.failed(&b, true), Some(5));
        assert_eq!(health.failed(&c, false), Some(6));
        assert_eq!(health.failed(&c, false), Some(7));
        health.accepted();
        assert_eq!(health.failed(&c, false), None);
        assert_eq!(health.failed(&c, true), Some(2));
    }
}
