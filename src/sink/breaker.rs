//! A circuit breaker: tells a sink that is down from alerts that it does not take, and sees to it that one that is
//! down is left alone.
//!
//! A sink that is down would fail with every alert that waits. So while it is down nothing is sent to it; from time
//! to time a single alert is, the probe, after pauses that get longer. When something is accepted, it is not down
//! any more. Pure: time and the length of pauses are arguments.

use std::time::Duration;

use tokio::time::Instant;

use crate::outbox::OrderKey;

/// When alerts of so many keys have failed and none has been accepted in between, it is the sink.
const KEYS: usize = 3;

/// How a sink has done lately.
#[derive(Debug, Default)]
pub struct Breaker {
    state: State,
    /// How many attempts have failed in a row, without those that were under way when it was found to be down.
    failures: u32,
    /// The keys of some of these.
    keys: Vec<OrderKey>,
}

/// What is known of a sink.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// It works, as far as is known.
    #[default]
    Closed,
    /// It is down, and left alone until then.
    Open {
        /// When a probe may be sent.
        until: Instant,
    },
    /// It is down, and a probe is under way.
    Probing,
}

/// What may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// Anything.
    All,
    /// One alert, whose attempt is to be reported with [`Role::Probe`].
    Probe,
    /// Nothing until then; without a time, until the probe has come back.
    Nothing(Option<Instant>),
}

/// What an attempt was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// To deliver.
    Delivery,
    /// To find out whether the sink is still down.
    Probe,
}

/// What an attempt has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing that matters.
    Same,
    /// The sink is down now.
    Opened {
        /// How long it is left alone.
        pause: Duration,
    },
    /// The sink is still down.
    StillOpen {
        /// How long it is left alone.
        pause: Duration,
    },
}

impl Breaker {
    /// What is known of the sink.
    pub fn state(&self) -> State {
        self.state
    }

    /// What may be sent now.
    pub fn permit(&self, now: Instant) -> Permit {
        match self.state {
            State::Closed => Permit::All,
            State::Open { until } if now < until => Permit::Nothing(Some(until)),
            State::Open { .. } => Permit::Probe,
            State::Probing => Permit::Nothing(None),
        }
    }

    /// The probe is under way.
    pub fn probing(&mut self) {
        self.state = State::Probing;
    }

    /// The sink has accepted something. Returns whether it was down before.
    pub fn accepted(&mut self) -> bool {
        let was_down = self.state != State::Closed;
        *self = Breaker::default();
        was_down
    }

    /// An attempt with an alert of this key has failed. `is_of_sink`: with any other alert it would have failed as
    /// well. `pause` says how long to leave a sink alone with which so many attempts in a row have failed.
    ///
    /// The sink is down when it has failed itself, or when alerts of several keys have failed in a row.
    pub fn failed(
        &mut self,
        now: Instant,
        role: Role,
        key: &OrderKey,
        is_of_sink: bool,
        pause: impl FnOnce(u32) -> Duration,
    ) -> Verdict {
        let was_closed = self.state == State::Closed;
        if !was_closed && role == Role::Delivery {
            // It had begun before the sink was found to be down, and says nothing new.
            return Verdict::Same;
        }
        self.failures = self.failures.saturating_add(1);
        if self.keys.len() < KEYS && !self.keys.contains(key) {
            self.keys.push(*key);
        }
        if was_closed && !is_of_sink && self.keys.len() < KEYS {
            return Verdict::Same;
        }
        let pause = pause(self.failures);
        self.state = State::Open { until: now + pause };
        if was_closed { Verdict::Opened { pause } } else { Verdict::StillOpen { pause } }
    }

    /// Somebody does not want to wait: a sink that is down may be probed now.
    pub fn hurry(&mut self, now: Instant) {
        if matches!(self.state, State::Open { .. }) {
            self.state = State::Open { until: now };
        }
    }

    /// Nothing has come of the probe.
    pub fn undecided(&mut self, now: Instant, role: Role) {
        if role == Role::Probe && self.state == State::Probing {
            self.state = State::Open { until: now };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const KEY: [OrderKey; 3] = [[1; 16], [2; 16], [3; 16]];

    /// Pauses of as many seconds as there were failures.
    fn failed(breaker: &mut Breaker, now: Instant, role: Role, key: usize, is_of_sink: bool) -> Verdict {
        breaker.failed(now, role, &KEY[key], is_of_sink, |failures| SECOND * failures)
    }

    #[test]
    fn somebody_may_want_to_see_at_once_whether_it_still_is() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        failed(&mut breaker, now, Role::Delivery, 0, true);
        assert_eq!(breaker.permit(now), Permit::Nothing(Some(now + SECOND)));
        breaker.hurry(now);
        assert_eq!(breaker.permit(now), Permit::Probe);
        breaker.probing();
        breaker.hurry(now);
        assert_eq!(breaker.permit(now), Permit::Nothing(None), "one is under way");
    }

    #[test]
    fn a_sink_is_down_when_it_says_so_or_takes_nothing() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        for key in [0, 0, 1, 0] {
            let verdict = failed(&mut breaker, now, Role::Delivery, key, false);
            assert_eq!(verdict, Verdict::Same, "these may be bad alerts");
        }
        assert!(!breaker.accepted(), "it was not down");
        for key in [0, 1] {
            failed(&mut breaker, now, Role::Delivery, key, false);
        }
        let verdict = failed(&mut breaker, now, Role::Delivery, 2, false);
        assert_eq!(verdict, Verdict::Opened { pause: 3 * SECOND });
        assert!(breaker.accepted());
        let verdict = failed(&mut breaker, now, Role::Delivery, 0, true);
        assert_eq!(verdict, Verdict::Opened { pause: SECOND });
    }

    #[test]
    fn a_sink_that_is_down_gets_single_probes_after_longer_and_longer_pauses() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        assert_eq!(breaker.permit(now), Permit::All);
        failed(&mut breaker, now, Role::Delivery, 0, true);
        let verdict = failed(&mut breaker, now, Role::Delivery, 1, true);
        assert_eq!(verdict, Verdict::Same, "it was under way already");
        assert_eq!(breaker.permit(now), Permit::Nothing(Some(now + SECOND)));
        assert_eq!(breaker.permit(now + SECOND), Permit::Probe);
        breaker.probing();
        assert_eq!(breaker.permit(now + 99 * SECOND), Permit::Nothing(None), "one at a time");
        let late = failed(&mut breaker, now, Role::Delivery, 1, true);
        assert_eq!((late, breaker.state()), (Verdict::Same, State::Probing));
        // Whatever a probe fails with, nothing has been accepted yet.
        let verdict = failed(&mut breaker, now + SECOND, Role::Probe, 0, false);
        assert_eq!(verdict, Verdict::StillOpen { pause: 2 * SECOND });
        assert_eq!(breaker.permit(now + 2 * SECOND), Permit::Nothing(Some(now + 3 * SECOND)));
        breaker.probing();
        breaker.undecided(now + 5 * SECOND, Role::Probe);
        assert_eq!(breaker.permit(now + 5 * SECOND), Permit::Probe);
        breaker.probing();
        assert!(breaker.accepted());
        assert_eq!(breaker.permit(now), Permit::All);
    }
}
