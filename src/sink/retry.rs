//! Decides whether and when a failed delivery is attempted again. Pure: chance is an argument.

use std::time::Duration;

use super::Again;

/// How often and when to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Most attempts for one alert, the first included.
    pub tries: u32,
    /// Longest wait before the second attempt; doubles from each attempt to the next.
    pub backoff: Duration,
    /// Longest wait of all.
    pub max_backoff: Duration,
    /// A receiver that asks for more time than this is asked again sooner all the same.
    pub max_retry_after: Duration,
}

/// What to do after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Attempt again after this wait.
    Wait(Duration),
    /// The failure will not pass by itself.
    Hopeless,
    /// There have been enough attempts.
    Exhausted,
}

impl RetryPolicy {
    /// What to do after `tries` attempts (at least one), the last of which failed. `chance` is a
    /// random number from 0 up to, not including, 1.
    ///
    /// The wait is exponential with full jitter: evenly spread from nothing to the doubled bound, so
    /// that many senders that failed together do not come back together (M. Brooker, "Exponential
    /// Backoff and Jitter", 2015). A wait the receiver asks for comes first.
    pub fn decide(&self, tries: u32, again: Again, chance: f64) -> Decision {
        if again == Again::Never {
            return Decision::Hopeless;
        }
        if tries >= self.tries {
            return Decision::Exhausted;
        }
        Decision::Wait(self.wait(tries, again, chance))
    }

    /// How long to wait after `failures` attempts in a row (at least one).
    pub fn wait(&self, failures: u32, again: Again, chance: f64) -> Duration {
        let asked = match again {
            Again::Never | Again::Later => Duration::ZERO,
            Again::After(wait) => wait.min(self.max_retry_after),
        };
        let doublings = failures.saturating_sub(1).min(31);
        let bound = self.backoff.saturating_mul(1 << doublings).min(self.max_backoff);
        asked + bound.mul_f64(chance)
    }

    /// The longest wait that there can be.
    pub fn longest_wait(&self) -> Duration {
        self.max_retry_after.saturating_add(self.max_backoff)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy = RetryPolicy {
        tries: 5,
        backoff: Duration::from_secs(1),
        max_backoff: Duration::from_secs(3),
        max_retry_after: Duration::from_secs(60),
    };

    #[test]
    fn waits_double_up_to_the_bound_and_are_spread_evenly() {
        let wait = |tries, chance| POLICY.decide(tries, Again::Later, chance);
        assert_eq!(wait(1, 0.5), Decision::Wait(Duration::from_millis(500)));
        assert_eq!(wait(2, 0.5), Decision::Wait(Duration::from_secs(1)));
        assert_eq!(wait(3, 0.5), Decision::Wait(Duration::from_millis(1500)));
        assert_eq!(wait(4, 0.0), Decision::Wait(Duration::ZERO));
        assert_eq!(wait(5, 0.5), Decision::Exhausted);
    }

    #[test]
    fn the_receivers_wish_is_respected_within_reason() {
        let asked = |seconds| POLICY.decide(1, Again::After(Duration::from_secs(seconds)), 0.0);
        assert_eq!(asked(7), Decision::Wait(Duration::from_secs(7)));
        assert_eq!(asked(1_000_000), Decision::Wait(Duration::from_secs(60)));
    }

    #[test]
    fn what_cannot_succeed_is_not_attempted_again() {
        assert_eq!(POLICY.decide(1, Again::Never, 0.5), Decision::Hopeless);
    }

    #[test]
    fn a_huge_number_of_tries_does_not_overflow() {
        let patient = RetryPolicy { tries: u32::MAX, ..POLICY };
        let decision = patient.decide(u32::MAX - 1, Again::Later, 0.999);
        assert!(matches!(decision, Decision::Wait(wait) if wait <= Duration::from_secs(3)));
    }
}
