//! The alerts of a queue that are in memory, and which of them may be attempted.
//!
//! Alerts of one key are attempted in order: when one has failed, it and those behind it of its key are
//! held back until its time has come. Alerts of other keys do not wait for it. Times are given.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use tokio::time::Instant;

use super::{OrderKey, Outgoing, Pending};

/// The alerts of a queue that are in memory.
#[derive(Debug, Default)]
pub struct Window {
    /// Those of keys that are not held back.
    ready: BTreeMap<u64, Held>,
    /// Those of keys whose first one has failed.
    held_back: HashMap<OrderKey, BTreeMap<u64, Held>>,
    /// When the keys that are held back may be attempted again.
    times: BTreeSet<(Instant, OrderKey)>,
    alerts: usize,
    bytes: u64,
}

#[derive(Debug)]
struct Held {
    failed: u32,
    alert: Arc<Outgoing>,
}

impl Window {
    /// How many alerts there are.
    pub fn len(&self) -> usize {
        self.alerts
    }

    /// How many bytes they have.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes an alert. One that has failed before may have to wait `until` then.
    pub fn put(&mut self, pending: Pending, until: Option<Instant>) {
        let Pending { number, failed, alert } = pending;
        let key = alert.key;
        self.alerts += 1;
        self.bytes += alert.body.len() as u64;
        let held = Held { failed, alert };
        match self.held_back.get_mut(&key) {
            Some(held_back) => {
                held_back.insert(number, held);
            }
            None => {
                self.ready.insert(number, held);
                if let Some(until) = until {
                    self.hold_back(key, until);
                }
            }
        }
    }

    /// Those that may be attempted at this time, at most so many, in order.
    pub fn ready(&mut self, now: Instant, most: usize) -> Vec<Pending> {
        while let Some((time, key)) = self.times.first().copied()
            && time <= now
        {
            self.times.remove(&(time, key));
            if let Some(mut held_back) = self.held_back.remove(&key) {
                self.ready.append(&mut held_back);
            }
        }
        self.ready.iter().take(most).map(|(number, held)| held.as_pending(*number)).collect()
    }

    /// When the next one may be attempted of those that are held back.
    pub fn next_time(&self) -> Option<Instant> {
        self.times.first().map(|(time, _)| *time)
    }

    /// Whether there are any that need not wait.
    pub fn is_idle(&self) -> bool {
        self.ready.is_empty()
    }

    /// One that was ready is done with.
    pub fn settle(&mut self, number: u64) {
        if let Some(held) = self.ready.remove(&number) {
            self.alerts -= 1;
            self.bytes -= held.alert.body.len() as u64;
        }
    }

    /// One that was ready has failed, and may be attempted again at that time.
    pub fn fail(&mut self, number: u64, until: Instant) {
        if let Some(held) = self.ready.get_mut(&number) {
            held.failed = held.failed.saturating_add(1);
            let key = held.alert.key;
            self.hold_back(key, until);
        }
    }

    /// All alerts, in order.
    pub fn drain(&mut self) -> impl Iterator<Item = Arc<Outgoing>> + use<> {
        let Window { ready: mut all, held_back, .. } = std::mem::take(self);
        held_back.into_values().for_each(|mut held_back| all.append(&mut held_back));
        all.into_values().map(|held| held.alert)
    }

    fn hold_back(&mut self, key: OrderKey, until: Instant) {
        let alerts = self.ready.extract_if(.., |_, held| held.alert.key == key).collect();
        self.held_back.insert(key, alerts);
        self.times.insert((until, key));
    }
}

impl Held {
    fn as_pending(&self, number: u64) -> Pending {
        Pending { number, failed: self.failed, alert: Arc::clone(&self.alert) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn pending(number: u64, key: u8) -> Pending {
        let alert =
            Outgoing { id: number.to_string(), rule: "r".into(), key: [key; 16], body: "12345".into() };
        Pending { number, failed: 0, alert: Arc::new(alert) }
    }

    fn window(keys: &[u8]) -> Window {
        let mut window = Window::default();
        (1..).zip(keys).for_each(|(number, key)| window.put(pending(number, *key), None));
        window
    }

    fn ready(window: &mut Window, now: Instant) -> Vec<u64> {
        window.ready(now, 100).iter().map(|pending| pending.number).collect()
    }

    #[test]
    fn a_failure_holds_back_what_is_behind_it_of_its_key() {
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        let mut window = window(&[1, 2, 1, 3, 1]);
        assert_eq!(ready(&mut window, now), [1, 2, 3, 4, 5]);
        assert_eq!(window.ready(now, 2).len(), 2);
        window.settle(1);
        window.fail(3, now + 2 * second);
        assert_eq!(ready(&mut window, now), [2, 4], "1 is not held back, it was before");
        window.put(pending(6, 1), None);
        window.put(pending(7, 3), None);
        window.fail(4, now + second);
        assert_eq!((ready(&mut window, now), window.next_time()), (vec![2], Some(now + second)));
        assert_eq!(ready(&mut window, now + second), [2, 4, 7]);
        assert_eq!(ready(&mut window, now + 2 * second), [2, 3, 4, 5, 6, 7]);
        assert_eq!(window.next_time(), None);
        let failed: Vec<u32> = window.ready(now, 100).iter().map(|pending| pending.failed).collect();
        assert_eq!(failed, [0, 1, 1, 0, 0, 0]);
    }

    #[test]
    fn what_has_failed_before_waits_for_its_time_with_its_key() {
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        let mut window = window(&[1, 2]);
        window.put(pending(3, 2), Some(now + second));
        assert_eq!(ready(&mut window, now), [1]);
        // The first of a key says when.
        window.put(pending(4, 2), Some(now + 9 * second));
        assert_eq!(ready(&mut window, now + second), [1, 2, 3, 4]);
    }

    #[test]
    fn it_counts_what_it_holds_and_gives_all_of_it_in_order() {
        let now = Instant::now();
        let mut window = window(&[1, 2, 1, 3]);
        window.fail(1, now + Duration::from_secs(1));
        window.settle(2);
        // What is held back or gone is not settled by mistake.
        [2, 3, 9].into_iter().for_each(|number| window.settle(number));
        assert_eq!((window.len(), window.bytes(), window.is_idle()), (3, 15, false));
        window.settle(4);
        assert!(window.is_idle());
        window.put(pending(5, 4), None);
        let left: Vec<String> = window.drain().map(|alert| alert.id.clone()).collect();
        assert_eq!(left, ["1", "3", "5"]);
        assert_eq!((window.len(), window.bytes(), window.next_time()), (0, 0, None));
    }
}
