//! Takes alerts from a queue and sees to it that they are delivered.
//!
//! One attempt is under way at a time. An alert that has failed holds back those of its key until it is
//! attempted again; a sink that is down is left alone for a while, and then the first alert that may be
//! attempted is. Every attempt counts for the alert that failed in it, whatever the reason.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use tracing::{error, warn};

use crate::outbox::{Left, Outgoing, Pending, Queue};
use crate::telemetry::catalogue::SinkMetrics;

use super::health::Health;
use super::retry::{Decision, RetryPolicy};
use super::{Attempt, DeliveryError, Sink};

/// So long an attempt may still take when its worker is to end.
const LAST_ATTEMPT: Duration = Duration::from_secs(1);

/// A sink with its queue.
pub struct Worker<S, Q> {
    name: String,
    sink: S,
    queue: Q,
    policy: RetryPolicy,
    health: Health,
    metrics: Arc<SinkMetrics>,
    /// Gives random numbers from 0 up to, not including, 1.
    chance: Box<dyn FnMut() -> f64 + Send>,
}

impl<S: Sink, Q: Queue> Worker<S, Q> {
    /// A worker for the sink of this name, which takes alerts from `queue` and tries again by `policy`.
    pub fn new(name: String, sink: S, queue: Q, policy: RetryPolicy, metrics: Arc<SinkMetrics>) -> Self {
        let chance = Box::new(rand::random::<f64>);
        Worker { name, sink, queue, policy, health: Health::default(), metrics, chance }
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
        while self.step(halt.as_mut()).await {}
        let left = self.queue.leave();
        self.metrics.undelivered.add(left.lost.len() as u64);
        left
    }

    /// Makes an attempt, and waits if the sink is down. Returns whether to go on.
    async fn step(&mut self, mut halt: Pin<&mut (impl Future<Output = ()> + Send)>) -> bool {
        let most = self.sink.most();
        let pending = tokio::select! {
            biased;
            () = &mut halt => return false,
            pending = self.queue.next(most) => pending,
        };
        if pending.is_empty() {
            return false;
        }
        let alerts: Vec<Arc<Outgoing>> = pending.iter().map(|pending| Arc::clone(&pending.alert)).collect();
        let (attempt, is_halted) = attempt(&self.sink, &alerts, halt.as_mut()).await;
        let pause = attempt.and_then(|attempt| self.note(&pending, &attempt));
        if is_halted {
            return false;
        }
        let Some(pause) = pause else { return true };
        tokio::select! {
            biased;
            () = &mut halt => false,
            () = tokio::time::sleep(pause) => true,
        }
    }

    /// Takes note of an attempt. Gives how long the sink is to be left alone, if it is down.
    fn note(&mut self, pending: &[Pending], attempt: &Attempt) -> Option<Duration> {
        let (delivered, rest) = pending.split_at(attempt.delivered.min(pending.len()));
        if !delivered.is_empty() {
            self.metrics.delivered.add(delivered.len() as u64);
            self.queue.accept(delivered);
            self.health.accepted();
        }
        let (failure, failed) = (attempt.failure.as_ref()?, rest.first()?);
        let down = self.health.failed(&failed.alert.key, failure.is_of_sink());
        let is_hopeless = self.note_failure(failed, failure);
        // Without a store, what is hopeless may go at once: whoever waits for room in the queue gets it.
        let failures = down.filter(|_| Q::IS_DURABLE || !is_hopeless)?;
        Some(self.policy.wait(failures, failure.again(), (self.chance)()))
    }

    /// Decides what becomes of an alert that has failed. Returns whether that is hopeless.
    fn note_failure(&mut self, failed: &Pending, failure: &DeliveryError) -> bool {
        let Pending { alert, .. } = failed;
        let tries = failed.failed.saturating_add(1);
        let decision = self.policy.decide(tries, failure.again(), (self.chance)());
        let reason = failure.to_string();
        let why = match decision {
            Decision::Wait(wait) => {
                self.metrics.retried.add(1);
                warn!(
                    sink = %self.name,
                    alert = %alert.id,
                    tries,
                    ?reason,
                    next_try_ms = wait.as_millis() as u64,
                    "a delivery failed and will be tried again"
                );
                self.queue.fail(failed, wait, &reason);
                return false;
            }
            Decision::Hopeless => "trying again would not help",
            Decision::Exhausted => "there have been enough tries",
        };
        let kept = if Q::IS_DURABLE { "; it is kept with those that were given up" } else { "" };
        error!(
            sink = %self.name,
            alert = %alert.id,
            rule = %alert.rule,
            tries,
            ?reason,
            "a delivery failed for good: {why}{kept}"
        );
        self.metrics.failed.add(1);
        self.queue.give_up(failed, &reason);
        decision == Decision::Hopeless
    }
}

/// Makes an attempt, and says whether it was told to halt meanwhile. Nothing is known of an attempt that
/// takes too long after that.
async fn attempt<S: Sink>(
    sink: &S,
    alerts: &[Arc<Outgoing>],
    halt: Pin<&mut (impl Future<Output = ()> + Send)>,
) -> (Option<Attempt>, bool) {
    let mut attempt = pin!(sink.deliver(alerts));
    tokio::select! {
        biased;
        attempt = &mut attempt => return (Some(attempt), false),
        () = halt => {}
    }
    (tokio::time::timeout(LAST_ATTEMPT, attempt).await.ok(), true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::sync::Mutex;

    /// A queue whose content is known beforehand, one key for each alert.
    struct Fixed(VecDeque<Pending>);

    impl Fixed {
        fn place(&self, pending: &Pending) -> usize {
            self.0.iter().position(|known| known.number == pending.number).expect("it is there")
        }
    }

    impl Queue for Fixed {
        const IS_DURABLE: bool = true;

        async fn next(&mut self, most: usize) -> Vec<Pending> {
            self.0.iter().take(most).cloned().collect()
        }

        fn accept(&mut self, accepted: &[Pending]) {
            let first: Vec<_> = self.0.drain(..accepted.len()).collect();
            assert_eq!(first, accepted);
        }

        fn fail(&mut self, pending: &Pending, _wait: Duration, _error: &str) {
            let place = self.place(pending);
            self.0[place].failed += 1;
        }

        fn give_up(&mut self, pending: &Pending, _error: &str) {
            let place = self.place(pending);
            self.0.remove(place);
        }

        fn leave(&mut self) -> Left {
            Left { lost: self.0.drain(..).map(|pending| pending.alert).collect(), kept: 0 }
        }
    }

    /// A sink that follows a script: how many are delivered, and the status that stops it. Then it hangs.
    struct Scripted {
        script: Mutex<VecDeque<(usize, Option<u16>)>>,
        delivered: Mutex<Vec<String>>,
        /// How long an attempt takes.
        time: Duration,
    }

    impl Sink for &Scripted {
        fn most(&self) -> usize {
            3
        }

        async fn deliver(&self, alerts: &[Arc<Outgoing>]) -> Attempt {
            let next = self.script.lock().expect("no test has failed").pop_front();
            let Some((delivered, status)) = next else {
                return std::future::pending().await;
            };
            tokio::time::sleep(self.time).await;
            self.delivered
                .lock()
                .expect("no test has failed")
                .extend(alerts[..delivered].iter().map(|alert| alert.id.clone()));
            let failure = status.map(|status| DeliveryError::Status {
                status,
                retry_after: None,
                answer: String::new(),
            });
            Attempt { delivered, failure }
        }
    }

    struct Outcome {
        delivered: Vec<String>,
        left: Vec<String>,
        metrics: Arc<SinkMetrics>,
        time: Duration,
    }

    fn run(ids: &[&str], script: &[(usize, Option<u16>)], time: Duration, halt: Option<Duration>) -> Outcome {
        let queue = (0..).zip(ids).map(|(number, id)| {
            let key = [u8::try_from(number).expect("there are few"); 16];
            let alert = Outgoing { id: id.to_string(), rule: "r".into(), key, body: "{}".into() };
            Pending { number, failed: 0, alert: Arc::new(alert) }
        });
        let sink = Scripted {
            script: Mutex::new(script.iter().copied().collect()),
            delivered: Mutex::default(),
            time,
        };
        let metrics = Arc::new(SinkMetrics::new("s"));
        let wait = Duration::from_secs(1_000_000_000);
        let policy = RetryPolicy { tries: 2, backoff: wait, max_backoff: wait, max_retry_after: wait };
        let queue = Fixed(queue.collect());
        let worker = Worker::new("s".into(), &sink, queue, policy, Arc::clone(&metrics));
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().expect("a runtime");
        let (left, time) = runtime.block_on(async {
            let begun = tokio::time::Instant::now();
            let left = worker.run(async move {
                match halt {
                    Some(halt) => tokio::time::sleep(halt).await,
                    None => std::future::pending().await,
                }
            });
            (left.await, begun.elapsed())
        });
        let left = left.lost.iter().map(|alert| alert.id.clone()).collect();
        let delivered = sink.delivered.into_inner().expect("no test has failed");
        Outcome { delivered, left, metrics, time }
    }

    #[test]
    fn an_alert_that_fails_too_often_is_given_up() {
        let script = [(1, Some(500)), (0, Some(500)), (1, None)];
        let Outcome { delivered, left, metrics, .. } = run(&["1", "2", "3"], &script, Duration::ZERO, None);
        // With the attempt that delivered "1", "2" has failed twice, which are all its tries.
        assert_eq!(delivered, ["1", "3"]);
        assert_eq!(left, [] as [&str; 0]);
        assert_eq!((metrics.delivered.get(), metrics.failed.get(), metrics.retried.get()), (2, 1, 1));
    }

    #[test]
    fn what_cannot_succeed_is_given_up_at_once() {
        let Outcome { delivered, metrics, time, .. } =
            run(&["1", "2", "3"], &[(0, Some(404)), (0, Some(400)), (1, None)], Duration::ZERO, None);
        assert_eq!(delivered, ["3"]);
        assert_eq!((metrics.failed.get(), metrics.retried.get()), (2, 0));
        assert!(time < Duration::from_secs(1), "{time:?}");
    }

    #[test]
    fn a_sink_that_is_down_or_takes_nothing_is_left_alone_for_a_while() {
        let second = Duration::from_secs(1);
        for (status, most) in [(503, 0), (500, 2), (404, 3)] {
            let script = vec![(0, Some(status)); 20];
            let Outcome { metrics, left, .. } =
                run(&["1", "2", "3", "4", "5", "6", "7"], &script, Duration::ZERO, Some(second));
            let failed = metrics.failed.get();
            assert!(failed <= most && left.len() as u64 == 7 - failed, "{status}: {failed}, {left:?}");
        }
    }

    #[test]
    fn a_halt_leaves_what_is_not_delivered() {
        let halt = Some(Duration::from_millis(10));
        let Outcome { delivered, left, metrics, time } =
            run(&["1", "2", "3"], &[(1, None)], Duration::ZERO, halt);
        assert_eq!((delivered, left), (vec!["1".into()], vec!["2".to_owned(), "3".into()]));
        assert_eq!(metrics.undelivered.get(), 2);
        assert!(time >= LAST_ATTEMPT, "{time:?}: the last attempt has its time");
    }

    #[test]
    fn an_attempt_under_way_at_a_halt_is_awaited_and_counts() {
        let halt = Some(Duration::from_millis(10));
        let script = [(1, None), (1, None)];
        let Outcome { delivered, left, metrics, .. } =
            run(&["1", "2", "3"], &script, Duration::from_millis(500), halt);
        assert_eq!((delivered, left), (vec!["1".into()], vec!["2".to_owned(), "3".into()]));
        assert_eq!(metrics.delivered.get(), 1);
    }
}
