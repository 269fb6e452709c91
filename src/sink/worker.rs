//! Takes alerts from a queue and sees to it that they are delivered, in order.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use tracing::{error, warn};

use crate::outbox::{Outgoing, Queue};
use crate::telemetry::catalogue::SinkMetrics;

use super::retry::{Decision, RetryPolicy};
use super::{DeliveryError, Sink};

/// A sink with its queue.
pub struct Worker<S, Q> {
    /// The sink's name.
    pub name: String,
    /// Delivers.
    pub sink: S,
    /// What is to be delivered.
    pub queue: Q,
    /// When to try again.
    pub policy: RetryPolicy,
    /// What is counted.
    pub metrics: Arc<SinkMetrics>,
}

impl<S: Sink, Q: Queue> Worker<S, Q> {
    /// Delivers until the queue has ended, or until `halt` is over, whatever is left by then.
    /// Returns the alerts that are left.
    pub async fn run(mut self, halt: impl Future<Output = ()> + Send) -> Vec<Arc<Outgoing>> {
        let halted = {
            let mut halt = pin!(halt);
            tokio::select! {
                biased;
                () = &mut halt => true,
                () = self.deliver_all() => false,
            }
        };
        let left = if halted { self.queue.abandon() } else { Vec::new() };
        self.metrics.undelivered.add(left.len() as u64);
        left
    }

    async fn deliver_all(&mut self) {
        // How often the first alert of the queue has been attempted.
        let mut tries = 0;
        loop {
            let alerts = self.queue.first(self.sink.most()).await;
            if alerts.is_empty() {
                return;
            }
            let attempt = self.sink.deliver(&alerts).await;
            self.metrics.delivered.add(attempt.delivered as u64);
            self.queue.settle(attempt.delivered);
            tries = if attempt.delivered > 0 { 0 } else { tries };
            if let Some(failure) = attempt.failure {
                let alert = &alerts[attempt.delivered];
                tries += 1;
                if !self.wait_for_next_try(alert, tries, &failure).await {
                    self.metrics.failed.add(1);
                    self.queue.settle(1);
                    tries = 0;
                }
            }
        }
    }

    /// Waits until the alert can be attempted again; false when it is given up.
    async fn wait_for_next_try(&mut self, alert: &Outgoing, tries: u32, failure: &DeliveryError) -> bool {
        let decision = self.policy.decide(tries, failure.again(), rand::random::<f64>());
        let why = match decision {
            Decision::Wait(wait) => {
                self.metrics.retried.add(1);
                warn!(
                    sink = %self.name,
                    alert = %alert.id,
                    tries,
                    reason = ?failure.to_string(),
                    next_try_ms = wait.as_millis() as u64,
                    "a delivery failed and will be tried again"
                );
                tokio::time::sleep(wait).await;
                return true;
            }
            Decision::Hopeless => "trying again would not help",
            Decision::Exhausted => "there have been enough tries",
        };
        error!(
            sink = %self.name,
            alert = %alert.id,
            rule = %alert.rule,
            tries,
            reason = ?failure.to_string(),
            "a delivery failed for good: {why}"
        );
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::Attempt;
    use std::collections::VecDeque;
    use std::time::Duration;

    /// A queue whose content is known beforehand.
    struct Fixed(VecDeque<Arc<Outgoing>>);

    impl Queue for Fixed {
        async fn first(&mut self, most: usize) -> Vec<Arc<Outgoing>> {
            self.0.iter().take(most).cloned().collect()
        }

        fn settle(&mut self, count: usize) {
            self.0.drain(..count);
        }

        fn abandon(&mut self) -> Vec<Arc<Outgoing>> {
            std::mem::take(&mut self.0).into()
        }
    }

    /// A sink that follows a script: how many are delivered, and the status that stops it.
    struct Scripted {
        script: VecDeque<(usize, Option<u16>)>,
        delivered: Vec<String>,
    }

    impl Sink for &mut Scripted {
        fn most(&self) -> usize {
            3
        }

        async fn deliver(&mut self, alerts: &[Arc<Outgoing>]) -> Attempt {
            let Some((delivered, status)) = self.script.pop_front() else {
                return std::future::pending().await;
            };
            self.delivered.extend(alerts[..delivered].iter().map(|alert| alert.id.clone()));
            let failure = status.map(|status| DeliveryError::Status {
                status,
                retry_after: None,
                answer: String::new(),
            });
            Attempt { delivered, failure }
        }
    }

    fn run(
        ids: &[&str],
        script: &[(usize, Option<u16>)],
        halt: bool,
    ) -> (Vec<String>, Vec<String>, Arc<SinkMetrics>) {
        let queue = ids
            .iter()
            .map(|id| Arc::new(Outgoing { id: id.to_string(), rule: "r".into(), body: "{}".into() }))
            .collect();
        let mut sink = Scripted { script: script.iter().copied().collect(), delivered: Vec::new() };
        let metrics = Arc::new(SinkMetrics::new("s"));
        let policy = RetryPolicy {
            tries: 2,
            backoff: Duration::ZERO,
            max_backoff: Duration::ZERO,
            max_retry_after: Duration::ZERO,
        };
        let worker = Worker {
            name: "s".into(),
            sink: &mut sink,
            queue: Fixed(queue),
            policy,
            metrics: Arc::clone(&metrics),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let left = runtime.block_on(worker.run(async move {
            if halt {
                // Let the worker come as far as it can.
                for _ in 0..100 {
                    tokio::task::yield_now().await;
                }
            } else {
                std::future::pending::<()>().await;
            }
        }));
        (sink.delivered, left.iter().map(|alert| alert.id.clone()).collect(), metrics)
    }

    #[test]
    fn order_is_kept_over_failures_and_what_fails_too_often_is_given_up() {
        let script = [(1, Some(500)), (0, Some(500)), (1, None)];
        let (delivered, left, metrics) = run(&["1", "2", "3"], &script, false);
        // With the attempt that delivered "1", "2" has failed twice, which are all its tries.
        assert_eq!(delivered, ["1", "3"]);
        assert_eq!(left, [] as [&str; 0]);
        assert_eq!((metrics.delivered.get(), metrics.failed.get(), metrics.retried.get()), (2, 1, 1));
    }

    #[test]
    fn what_cannot_succeed_is_given_up_at_once() {
        let (delivered, _, metrics) = run(&["1", "2"], &[(0, Some(404)), (1, None)], false);
        assert_eq!(delivered, ["2"]);
        assert_eq!((metrics.failed.get(), metrics.retried.get()), (1, 0));
    }

    #[test]
    fn a_halt_leaves_what_is_not_delivered() {
        let (delivered, left, metrics) = run(&["1", "2", "3"], &[(1, None)], true);
        assert_eq!(delivered, ["1"]);
        assert_eq!(left, ["2", "3"]);
        assert_eq!(metrics.undelivered.get(), 2);
    }
}
