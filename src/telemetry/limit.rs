//! Keeps a flood of the same news out of the log.

use crate::event::{Duration, Timestamp};

/// Lets through so many messages in each span of time.
#[derive(Debug)]
pub struct RateLimit {
    most: u64,
    span: Duration,
    begun: Timestamp,
    passed: u64,
    held_back: u64,
}

/// What to do with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Show it, and say how many were held back since the last one shown.
    Show {
        /// How many.
        held_back: u64,
    },
    /// Do not show it; it has been counted.
    HoldBack,
}

impl RateLimit {
    /// Lets through `most` messages in each `span`.
    pub fn new(most: u64, span: Duration) -> RateLimit {
        RateLimit { most, span, begun: Timestamp::MIN, passed: 0, held_back: 0 }
    }

    /// Decides about a message that comes at `now`.
    pub fn check(&mut self, now: Timestamp) -> Verdict {
        // A clock that was set back also begins a new span; it must not silence the log for long.
        if now < self.begun || now >= self.begun.saturating_add(self.span) {
            self.begun = now;
            self.passed = 0;
        }
        if self.passed >= self.most {
            self.held_back += 1;
            return Verdict::HoldBack;
        }
        self.passed += 1;
        Verdict::Show { held_back: std::mem::take(&mut self.held_back) }
    }

    /// How many have been held back since the last one shown.
    pub fn held_back(&self) -> u64 {
        self.held_back
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_held_back_and_counted() {
        let mut limit = RateLimit::new(2, Duration::SECOND);
        let at = |second: i64| Timestamp::from_micros(second * 1_000_000);
        assert_eq!(limit.check(at(10)), Verdict::Show { held_back: 0 });
        assert_eq!(limit.check(at(10)), Verdict::Show { held_back: 0 });
        assert_eq!(limit.check(at(10)), Verdict::HoldBack);
        assert_eq!(limit.check(at(10)), Verdict::HoldBack);
        assert_eq!(limit.check(at(11)), Verdict::Show { held_back: 2 });
        assert_eq!(limit.check(at(5)), Verdict::Show { held_back: 0 }, "the clock was set back");
    }
}
