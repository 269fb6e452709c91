//! When a checkpoint is due.
//!
//! Enters: what the engine has taken, what waits for a checkpoint, the time. Leaves: whether one is due.

use crate::event::{Duration, Timestamp};

/// So long after the first one, alerts that wait are let go.
const ALERTS_WAIT: Duration = Duration::from_micros(100_000);
/// And no more often than that the engine stands still for one part in so many of the time,
const STANDING: i64 = 20;
/// and that the store is at work for one part in so many of it.
const STORING: i64 = 8;
/// A checkpoint is due when events that take so many bytes in memory have come since the last one: more
/// than come in a second, or there would be several a second just when there is most to do.
const BYTES: usize = 1 << 30;

/// When a checkpoint is due.
#[derive(Debug)]
pub struct Schedule {
    every: Duration,
    /// One is due when events of so many bytes have come through the journal.
    most_kept: usize,
    /// When the last one was made.
    last: Timestamp,
    /// So long after the first one, alerts that wait are let go.
    alerts_wait: Duration,
    /// How many bytes have been taken since.
    bytes: usize,
    /// How many of them through the journal.
    kept: usize,
    /// Whether anything has happened since.
    is_dirty: bool,
    /// Since when alerts wait.
    waiting: Option<Timestamp>,
}

impl Schedule {
    /// One is due `every` so long, if anything has happened.
    pub fn new(every: Duration) -> Schedule {
        Schedule {
            every,
            most_kept: BYTES,
            last: Timestamp::MIN,
            alerts_wait: ALERTS_WAIT,
            bytes: 0,
            kept: 0,
            is_dirty: false,
            waiting: None,
        }
    }

    /// The same when events of so many bytes have come through the journal, which is to forget them.
    pub fn keeping_at_most(self, bytes: usize) -> Schedule {
        Schedule { most_kept: bytes, ..self }
    }

    /// The engine has taken something, of so many bytes, through the journal or not.
    pub fn took(&mut self, bytes: usize, is_kept: bool) {
        self.bytes = self.bytes.saturating_add(bytes);
        self.kept = self.kept.saturating_add(if is_kept { bytes } else { 0 });
        self.is_dirty = true;
    }

    /// Alerts wait, from `now` on at the latest.
    pub fn alerts_wait(&mut self, now: Timestamp) {
        self.waiting.get_or_insert(now);
        self.is_dirty = true;
    }

    /// Whether one is due.
    pub fn is_due(&self, now: Timestamp) -> bool {
        // A clock that was set back must not hold it up.
        let has_passed = |since: Timestamp, wait| now >= since.saturating_add(wait) || now < since;
        let alerts_wait = self.alerts_wait.min(self.every);
        self.is_dirty
            && (self.bytes >= BYTES
                || self.kept >= self.most_kept
                || has_passed(self.last, self.every)
                || self.waiting.is_some_and(|since| has_passed(since, alerts_wait)))
    }

    /// Whether nothing has happened since the last one.
    pub fn is_done(&self) -> bool {
        !self.is_dirty
    }

    /// One was made, for which the engine stood still so long.
    pub fn made(&mut self, now: Timestamp, pause: Duration) {
        let alerts_wait = times(pause, STANDING).max(ALERTS_WAIT);
        *self =
            Schedule { last: now, alerts_wait, ..Schedule::new(self.every).keeping_at_most(self.most_kept) };
    }

    /// The last one has been stored by now.
    pub fn stored(&mut self, now: Timestamp) {
        let took = now.since(self.last).unwrap_or(Duration::from_micros(0));
        self.alerts_wait = self.alerts_wait.max(times(took, STORING));
    }
}

fn times(duration: Duration, factor: i64) -> Duration {
    Duration::from_micros(duration.as_micros().saturating_mul(factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_micros(millis * 1_000)
    }

    fn millis(millis: i64) -> Duration {
        Duration::from_micros(millis * 1_000)
    }

    fn schedule() -> Schedule {
        let mut schedule = Schedule::new(Duration::SECOND);
        schedule.made(at(0), millis(1));
        schedule
    }

    #[test]
    fn one_is_due_when_something_has_happened_and_the_time_has_come() {
        let mut schedule = schedule();
        assert!(!schedule.is_due(at(5_000)) && schedule.is_done());
        schedule.took(1, false);
        assert_eq!([999, 1_000].map(|now| schedule.is_due(at(now))), [false, true]);
        assert!(schedule.is_due(at(-1)), "the clock was set back");
        schedule.made(at(1_000), millis(1));
        assert!(!schedule.is_due(at(9_000)));
    }

    #[test]
    fn much_does_not_wait() {
        let mut schedule = schedule();
        schedule.took(BYTES - 1, false);
        assert!(!schedule.is_due(at(1)));
        schedule.took(1, false);
        assert!(schedule.is_due(at(1)));
        let mut schedule = schedule.keeping_at_most(1_000);
        schedule.made(at(1), millis(1));
        schedule.took(5_000, false);
        schedule.took(999, true);
        assert!(!schedule.is_due(at(2)));
        schedule.took(1, true);
        assert!(schedule.is_due(at(2)));
    }

    #[test]
    fn alerts_wait_for_a_moment_or_as_long_as_checkpoints_may_take_of_the_time() {
        let mut schedule = schedule();
        schedule.alerts_wait(at(10));
        schedule.alerts_wait(at(90));
        assert_eq!([109, 110].map(|now| schedule.is_due(at(now))), [false, true]);
        schedule.made(at(110), millis(20));
        schedule.alerts_wait(at(120));
        assert_eq!([519, 520].map(|now| schedule.is_due(at(now))), [false, true]);
        schedule.made(at(520), millis(20));
        schedule.stored(at(525));
        schedule.alerts_wait(at(530));
        assert_eq!([929, 930].map(|now| schedule.is_due(at(now))), [false, true]);
        schedule.stored(at(620));
        assert_eq!([1_329, 1_330].map(|now| schedule.is_due(at(now))), [false, true]);
        schedule.made(at(520), millis(500));
        schedule.alerts_wait(at(530));
        assert_eq!(
            [1_519, 1_530].map(|now| schedule.is_due(at(now))),
            [false, true],
            "never longer than every"
        );
    }
}
