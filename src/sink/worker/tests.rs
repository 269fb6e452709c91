//! A worker over a queue that is known beforehand.

use super::*;
use crate::sink::retry::RetryPolicy;
use std::collections::VecDeque;
use std::sync::Mutex;

/// A queue whose content is known beforehand, one key for each alert.
#[derive(Default)]
struct Fixed {
    alerts: VecDeque<Pending>,
    under_way: Vec<u64>,
    forwarded: Vec<String>,
    off: Option<Off>,
}

impl Fixed {
    fn place(&self, pending: &Pending) -> usize {
        self.alerts.iter().position(|known| known.number == pending.number).expect("it is there")
    }

    fn remove(&mut self, pending: &Pending) {
        self.put_back(pending);
        let place = self.place(pending);
        self.alerts.remove(place);
    }
}

impl Queue for Fixed {
    const IS_DURABLE: bool = true;

    async fn next(&mut self, wanted: Wanted) -> Next {
        if self.alerts.is_empty() {
            return Next::Over;
        }
        let free = self.alerts.iter().filter(|pending| !self.under_way.contains(&pending.number));
        let given: Vec<_> = free.take(wanted.most).cloned().collect();
        if given.is_empty() {
            return std::future::pending().await;
        }
        self.under_way.extend(given.iter().map(|pending| pending.number));
        Next::Attempt(given)
    }

    fn accept(&mut self, accepted: &[Pending]) {
        accepted.iter().for_each(|pending| self.remove(pending));
    }

    fn fail(&mut self, pending: &Pending, _wait: Duration, _error: &str) {
        let place = self.place(pending);
        self.alerts[place].failed += 1;
        self.put_back(pending);
    }

    fn put_back(&mut self, pending: &Pending) {
        self.under_way.retain(|number| *number != pending.number);
    }

    fn give_up(&mut self, pending: &Pending, _error: &str) {
        self.remove(pending);
    }

    fn forward(&mut self, pending: &Pending) {
        self.remove(pending);
        self.forwarded.push(pending.alert.id.clone());
    }

    fn hurry(&mut self, _most: Duration) {}

    fn off(&self) -> Option<&Off> {
        self.off.as_ref()
    }

    fn switch(&mut self, off: Option<Off>) {
        self.off = off;
    }

    fn leave(&mut self) -> Left {
        Left { lost: self.alerts.drain(..).map(|pending| pending.alert).collect(), kept: 0 }
    }
}

/// A sink that follows a script: how many are delivered, and the status that stops it. Then it hangs.
#[derive(Clone)]
struct Scripted(Arc<Script>);

struct Script {
    script: Mutex<VecDeque<(usize, Option<u16>)>>,
    delivered: Mutex<Vec<String>>,
    /// How long an attempt takes.
    time: Duration,
}

impl Sink for Scripted {
    fn most(&self) -> usize {
        3
    }

    async fn deliver(&self, alerts: &[Arc<Outgoing>]) -> Attempt {
        let next = self.0.script.lock().expect("no test has failed").pop_front();
        let Some((delivered, status)) = next else {
            return std::future::pending().await;
        };
        tokio::time::sleep(self.0.time).await;
        self.0
            .delivered
            .lock()
            .expect("no test has failed")
            .extend(alerts[..delivered].iter().map(|alert| alert.id.clone()));
        let failure =
            status.map(|status| DeliveryError::Status { status, retry_after: None, answer: String::new() });
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
        Pending { number, failed: 0, waited: Duration::ZERO, alert: Arc::new(alert) }
    });
    let script =
        Script { script: Mutex::new(script.iter().copied().collect()), delivered: Mutex::default(), time };
    let sink = Scripted(Arc::new(script));
    let metrics = Arc::new(SinkMetrics::new("s"));
    let wait = Duration::from_secs(1_000_000_000);
    let retry = RetryPolicy {
        tries: Some(2),
        give_up_after: wait,
        backoff: wait,
        max_backoff: wait,
        max_pause: wait,
        max_retry_after: wait,
    };
    let policy = Policy { retry, concurrency: 1, rate: None, has_fallback: false, fallback_after: None };
    let queue = Fixed { alerts: queue.collect(), ..Fixed::default() };
    let worker = Worker::new("s".into(), sink.clone(), queue, policy, Arc::clone(&metrics));
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
    let delivered = sink.0.delivered.lock().expect("no test has failed").clone();
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
    assert!(time >= LAST_ATTEMPTS, "{time:?}: the last attempt has its time");
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
