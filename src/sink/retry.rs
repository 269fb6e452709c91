//! Decides whether and when a failed delivery is attempted again. Pure: chance is an argument.

use std::time::Duration;

use super::Again;

/// How often and when to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Most attempts for one alert, the first included; `None`: as many as there is time for.
    pub tries: Option<u32>,
    /// How long an alert is tried, from when it began to wait for the sink.
    pub give_up_after: Duration,
    /// Longest wait before the second attempt; doubles from each attempt to the next.
    pub backoff: Duration,
    /// Longest wait of all.
    pub max_backoff: Duration,
    /// The longest time for which a sink that is down is left alone.
    pub max_pause: Duration,
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
    /// It has been tried for long enough.
    TooOld,
}

impl RetryPolicy {
    /// What to do after `tries` attempts (at least one) with an alert that has `waited` so long, the last of which
    /// failed. `chance` is a random number from 0 up to, not including, 1.
    ///
    /// The wait is exponential with full jitter: evenly spread from nothing to the doubled bound, so
    /// that many senders that failed together do not come back together (M. Brooker, "Exponential
    /// Backoff and Jitter", 2015). A wait the receiver asks for comes first.
    pub fn decide(&self, tries: u32, waited: Duration, again: Again, chance: f64) -> Decision {
        if again == Again::Never {
            return Decision::Hopeless;
        }
        if self.tries.is_some_and(|most| tries >= most) {
            return Decision::Exhausted;
        }
        if waited >= self.give_up_after {
            return Decision::TooOld;
        }
        Decision::Wait(self.asked(again) + self.bound(tries, self.max_backoff).mul_f64(chance))
    }

    /// How long to leave a sink alone with which so many attempts in a row have failed (at least one). Half of it is
    /// not left to chance, so that there is a bound on how often a sink that is down is asked.
    pub fn pause(&self, failures: u32, again: Again, chance: f64) -> Duration {
        let half = self.bound(failures, self.max_pause) / 2;
        self.asked(again) + half + half.mul_f64(chance)
    }

    /// The wait that the receiver asks for, within reason.
    fn asked(&self, again: Again) -> Duration {
        match again {
            Again::Never | Again::Later => Duration::ZERO,
            Again::After(wait) => wait.min(self.max_retry_after),
        }
    }

    fn bound(&self, failures: u32, most: Duration) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        self.backoff.saturating_mul(1 << doublings).min(most)
    }

    /// The longest wait that there can be.
    pub fn longest_wait(&self) -> Duration {
        self.max_retry_after.saturating_add(self.max_backoff)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const POLICY: RetryPolicy = RetryPolicy {
        tries: Some(5),
        give_up_after: Duration::from_secs(1_000),
        backoff: SECOND,
        max_backoff: Duration::from_secs(3),
        max_pause: Duration::from_secs(10),
        max_retry_after: Duration::from_secs(60),
    };

    #[test]
    fn waits_double_up_to_the_bound_and_are_spread_evenly() {
        let wait = |tries, chance| POLICY.decide(tries, SECOND, Again::Later, chance);
        assert_eq!(wait(1, 0.5), Decision::Wait(Duration::from_millis(500)));
        assert_eq!(wait(2, 0.5), Decision::Wait(Duration::from_secs(1)));
        assert_eq!(wait(3, 0.5), Decision::Wait(Duration::from_millis(1500)));
        assert_eq!(wait(4, 0.0), Decision::Wait(Duration::ZERO));
        assert_eq!(wait(5, 0.5), Decision::Exhausted);
    }

    #[test]
    fn an_alert_is_given_up_when_it_has_been_tried_for_long_enough() {
        let patient = RetryPolicy { tries: None, ..POLICY };
        let decide = |waited| patient.decide(1_000_000, Duration::from_secs(waited), Again::Later, 0.0);
        assert_eq!((decide(999), decide(1_000)), (Decision::Wait(Duration::ZERO), Decision::TooOld));
    }

    #[test]
    fn pauses_double_too_and_are_at_least_half_as_long() {
        let pause = |failures, chance| POLICY.pause(failures, Again::Later, chance).as_millis();
        assert_eq!([pause(1, 0.0), pause(1, 0.5), pause(3, 0.0), pause(9, 0.0)], [500, 750, 2_000, 5_000]);
        assert_eq!(POLICY.pause(1, Again::After(20 * SECOND), 0.0).as_millis(), 20_500);
    }

    #[test]
    fn the_receivers_wish_is_respected_within_reason() {
        let asked = |seconds| POLICY.decide(1, SECOND, Again::After(Duration::from_secs(seconds)), 0.0);
        assert_eq!(asked(7), Decision::Wait(Duration::from_secs(7)));
        assert_eq!(asked(1_000_000), Decision::Wait(Duration::from_secs(60)));
    }

    #[test]
    fn what_cannot_succeed_is_not_attempted_again() {
        assert_eq!(POLICY.decide(1, SECOND, Again::Never, 0.5), Decision::Hopeless);
    }

    #[test]
    fn a_huge_number_of_tries_does_not_overflow() {
        let patient = RetryPolicy { tries: None, ..POLICY };
        let decision = patient.decide(u32::MAX - 1, SECOND, Again::Later, 0.999);
        assert!(matches!(decision, Decision::Wait(wait) if wait <= Duration::from_secs(3)));
    }
}
