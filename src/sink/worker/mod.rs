//! Takes alerts from a queue and sees to it that they are delivered.
//!
//! Several attempts may be under way at a time, with alerts of different keys. An alert that has failed holds back
//! those of its key until it is attempted again. A sink that is down is left alone for a while, and then a single alert
//! finds out whether it still is. Every attempt counts for the alert that failed in it, whatever the reason. What is
//! given up goes to the sink's fallback, if it has one.

mod policy;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::{error, info, warn};

use crate::outbox::{Left, Next, Off, Outgoing, Pending, Queue, Wanted};
use crate::rate::Bucket;
use crate::telemetry::catalogue::SinkMetrics;

use super::breaker::{Breaker, Permit, Role, State, Verdict};
use super::retry::Decision;
use super::{Again, Attempt, DeliveryError, Sink};

pub use policy::Policy;

/// So long attempts may still take when their worker is to end.
const LAST_ATTEMPTS: Duration = Duration::from_secs(1);
/// How often a sink that is not used is looked at, whether its receiver is another one by now.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// A sink with its queue.
pub struct Worker<S, Q> {
    name: String,
    sink: Arc<S>,
    queue: Q,
    policy: Policy,
    breaker: Breaker,
    bucket: Option<Bucket>,
    under_way: JoinSet<Done>,
    metrics: Arc<SinkMetrics>,
    /// Gives random numbers from 0 up to, not including, 1.
    chance: Box<dyn FnMut() -> f64 + Send>,
}

/// An attempt that has come to its end.
struct Done {
    role: Role,
    took: Duration,
    pending: Vec<Pending>,
    attempt: Attempt,
}

/// What a worker has to do with next.
enum Event {
    Done(Done),
    Next(Next, Role),
    /// It is time to look again.
    Time,
    Halt,
}

impl<S: Sink + 'static, Q: Queue> Worker<S, Q> {
    /// A worker for the sink of this name, which takes alerts from `queue` and delivers them by `policy`.
    pub fn new(name: String, sink: S, queue: Q, policy: Policy, metrics: Arc<SinkMetrics>) -> Self {
        Worker {
            name,
            sink: Arc::new(sink),
            queue,
            bucket: policy.rate.map(|rate| Bucket::new(rate, Instant::now())),
            policy,
            breaker: Breaker::default(),
            under_way: JoinSet::new(),
            metrics,
            chance: Box::new(rand::random::<f64>),
        }
    }

    /// The same with random numbers of its own.
    #[cfg(test)]
    pub fn with_chance(self, chance: impl FnMut() -> f64 + Send + 'static) -> Self {
        Worker { chance: Box::new(chance), ..self }
    }

    /// Delivers until the queue has ended, or until `halt` is over, whatever is left by then.
    /// Returns what is left.
    pub async fn run(mut self, halt: impl Future<Output = ()> + Send) -> Left {
        let mut halt = pin!(halt);
        self.measure();
        loop {
            self.look_whether_it_is_another();
            match self.event(halt.as_mut()).await {
                Event::Done(done) => self.note(done),
                Event::Next(Next::Attempt(pending), role) => self.begin(pending, role),
                Event::Next(Next::Overdue(overdue), _) => self.end_waiting(&overdue),
                Event::Next(Next::Switched, _) => self.say_whether_it_is_used(),
                Event::Next(Next::Hurried, _) => self.breaker.hurry(Instant::now()),
                Event::Next(Next::Over, _) | Event::Halt => break,
                Event::Time => {}
            }
            self.measure();
        }
        self.wind_up().await;
        let left = self.queue.leave();
        self.metrics.undelivered.add(left.lost.len() as u64);
        left
    }

    /// Waits until there is something to do.
    async fn event(&mut self, halt: Pin<&mut (impl Future<Output = ()> + Send)>) -> Event {
        let now = Instant::now();
        let (wanted, role, until) = self.wanted(now);
        let time = async {
            match until {
                Some(until) => sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = halt => Event::Halt,
            Some(done) = self.under_way.join_next() => finished(done).map_or(Event::Halt, Event::Done),
            next = self.queue.next(wanted) => Event::Next(next, role),
            () = time => Event::Time,
        }
    }

    /// What is wanted of the queue now, for what, and when that may be something else.
    fn wanted(&self, now: Instant) -> (Wanted, Role, Option<Instant>) {
        let overdue = self.overdue();
        let nothing = |until| (Wanted { most: 0, is_probe: false, overdue }, Role::Delivery, until);
        if self.queue.off().is_some() {
            return nothing(Some(now + LOOK_AGAIN));
        }
        let (role, most) = match self.breaker.permit(now) {
            Permit::Nothing(until) => return nothing(until),
            Permit::Probe => (Role::Probe, 1),
            Permit::All if self.under_way.len() >= self.policy.concurrency => return nothing(None),
            Permit::All => (Role::Delivery, self.sink.most()),
        };
        let Some(bucket) = &self.bucket else {
            return (Wanted { most, is_probe: role == Role::Probe, overdue }, role, None);
        };
        match bucket.available(now) {
            0 => nothing(Some(bucket.next(now))),
            room => (Wanted { most: most.min(room), is_probe: role == Role::Probe, overdue }, role, None),
        }
    }

    /// After how long alerts leave the queue without another attempt.
    fn overdue(&self) -> Option<Duration> {
        let (is_off, is_down) = (self.queue.off().is_some(), self.breaker.state() != State::Closed);
        let Policy { has_fallback, fallback_after, retry, .. } = &self.policy;
        // What is in memory only would hold up the engine for ever.
        if is_off && (*has_fallback || !Q::IS_DURABLE) {
            return Some(Duration::ZERO);
        }
        let given_up = (is_off || is_down).then_some(retry.give_up_after);
        [*fallback_after, given_up].into_iter().flatten().min()
    }

    /// Begins an attempt.
    fn begin(&mut self, pending: Vec<Pending>, role: Role) {
        if role == Role::Probe {
            self.breaker.probing();
        }
        if let Some(bucket) = &mut self.bucket {
            bucket.take(Instant::now(), pending.len());
        }
        self.metrics.attempts.add(1);
        let sink = Arc::clone(&self.sink);
        self.under_way.spawn(async move {
            let alerts: Vec<Arc<Outgoing>> =
                pending.iter().map(|pending| Arc::clone(&pending.alert)).collect();
            let begun = Instant::now();
            let attempt = sink.deliver(&alerts).await;
            Done { role, took: begun.elapsed(), pending, attempt }
        });
    }

    /// Waits for attempts that are under way, if they do not take long. Nothing is known of the others.
    async fn wind_up(&mut self) {
        let until = Instant::now() + LAST_ATTEMPTS;
        while let Ok(Some(done)) = timeout_at(until, self.under_way.join_next()).await {
            finished(done).into_iter().for_each(|done| self.note(done));
        }
        self.under_way.abort_all();
    }

    /// Takes note of an attempt.
    fn note(&mut self, done: Done) {
        let Done { role, took, pending, attempt } = done;
        self.metrics.attempt.record(took);
        let (delivered, rest) = pending.split_at(attempt.delivered.min(pending.len()));
        if !delivered.is_empty() {
            delivered.iter().for_each(|pending| self.metrics.delivery.record(pending.waited + took));
            self.metrics.delivered.add(delivered.len() as u64);
            self.queue.accept(delivered);
            if self.breaker.accepted() {
                info!(sink = %self.name, "the sink works again");
                self.queue.hurry(self.policy.retry.max_pause);
            }
        }
        let rest = match (&attempt.failure, rest) {
            (Some(failure), [failed, rest @ ..]) => {
                self.note_failure(failed, failure, role);
                rest
            }
            _ => {
                self.breaker.undecided(Instant::now(), role);
                rest
            }
        };
        rest.iter().for_each(|pending| self.queue.put_back(pending));
    }

    /// Decides what becomes of an alert that has failed, and of the sink.
    fn note_failure(&mut self, failed: &Pending, failure: &DeliveryError, role: Role) {
        let reason = failure.to_string();
        if failure.is_gone() {
            self.queue.put_back(failed);
            self.breaker.undecided(Instant::now(), role);
            return self.switch_off(reason);
        }
        let tries = failed.failed.saturating_add(1);
        let again = match failure.again() {
            // What takes nothing at all is not believed that it is the alert.
            Again::Never if role == Role::Probe && Q::IS_DURABLE => Again::Later,
            again => again,
        };
        let decision = self.policy.retry.decide(tries, failed.waited, again, (self.chance)());
        // Without a store, what is hopeless may go at once: whoever waits for room in the queue gets it.
        if decision == Decision::Hopeless && !Q::IS_DURABLE {
            self.breaker.undecided(Instant::now(), role);
        } else {
            let (retry, chance) = (self.policy.retry, (self.chance)());
            let pause = |failures| retry.pause(failures, again, chance);
            let key = &failed.alert.key;
            let verdict = self.breaker.failed(Instant::now(), role, key, failure.is_of_sink(), pause);
            self.say_verdict(verdict, &reason);
        }
        let why = match decision {
            Decision::Wait(wait) => {
                self.metrics.retried.add(1);
                let next_try_ms = wait.as_millis() as u64;
                warn!(sink = %self.name, alert = %failed.alert.id, tries, ?reason, next_try_ms, "a delivery failed and will be tried again");
                return self.queue.fail(failed, wait, &reason);
            }
            Decision::Hopeless => "trying again would not help",
            Decision::Exhausted => "there have been enough tries",
            Decision::TooOld => "it has been tried for long enough",
        };
        let (alert, rule) = (&failed.alert.id, &failed.alert.rule);
        let what = self.what_becomes();
        error!(sink = %self.name, %alert, %rule, tries, ?reason, "a delivery failed for good: {why}{what}");
        self.let_go(failed, &reason);
    }

    /// Alerts have waited for too long.
    fn end_waiting(&mut self, overdue: &[Pending]) {
        let why = match (self.queue.off(), self.breaker.state()) {
            (Some(Off { error, .. }), _) => format!("the sink is disabled: {error}"),
            (None, State::Closed) => "it has waited for too long".to_owned(),
            (None, _) => "it has waited for too long, and the sink is down".to_owned(),
        };
        let (first, last) = (overdue.first().map(id), overdue.last().map(id));
        let what = self.what_becomes();
        warn!(sink = %self.name, alerts = overdue.len(), first, last, "alerts are not sent: {why}{what}");
        overdue.iter().for_each(|pending| self.let_go(pending, &why));
    }

    /// An alert is not attempted any more.
    fn let_go(&mut self, pending: &Pending, reason: &str) {
        if self.policy.has_fallback {
            self.metrics.forwarded.add(1);
            self.queue.forward(pending);
        } else {
            self.metrics.failed.add(1);
            self.queue.give_up(pending, reason);
        }
    }

    /// What becomes of alerts that are given up, as a part of a sentence.
    fn what_becomes(&self) -> &'static str {
        match (self.policy.has_fallback, Q::IS_DURABLE) {
            (true, _) => "; it goes to the fallback of the sink",
            (false, true) => "; it is kept with those that were given up",
            (false, false) => "",
        }
    }

    /// The receiver wants nothing any more.
    fn switch_off(&mut self, error: String) {
        if self.queue.off().is_none() {
            self.queue.switch(Some(Off { receiver: self.sink.receiver(), error }));
            self.say_whether_it_is_used();
        }
    }

    /// What one receiver has said does not count for another.
    fn look_whether_it_is_another(&mut self) {
        let is_another = |off: &Off| off.receiver != self.sink.receiver();
        if self.queue.off().is_some_and(is_another) {
            self.queue.switch(None);
            self.say_whether_it_is_used();
        }
    }

    fn say_whether_it_is_used(&self) {
        match self.queue.off() {
            Some(Off { error, .. }) => {
                error!(sink = %self.name, reason = ?error, "the receiver wants nothing any more: the sink is disabled until `tripline sink enable` or another address");
            }
            None => info!(sink = %self.name, "the sink is used again"),
        }
    }

    fn say_verdict(&self, verdict: Verdict, reason: &str) {
        if let Verdict::Opened { pause } = verdict {
            let pause_ms = pause.as_millis() as u64;
            warn!(sink = %self.name, ?reason, pause_ms, "the sink is down: it is left alone, and a single alert is tried from time to time");
        }
    }

    fn measure(&self) {
        self.metrics.under_way.set(self.under_way.len() as u64);
        self.metrics.disabled.set(u64::from(self.queue.off().is_some()));
        self.metrics.breaker.set(match self.breaker.state() {
            State::Closed => 0,
            State::Probing => 1,
            State::Open { .. } => 2,
        });
    }
}

fn id(pending: &Pending) -> &str {
    &pending.alert.id
}

/// Nothing is known of an attempt that was broken off, which happens only when the process ends.
fn finished(done: Result<Done, JoinError>) -> Option<Done> {
    match done {
        Ok(done) => Some(done),
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => None,
    }
}
