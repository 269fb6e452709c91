//! An outbox in memory, bounded by alerts and bytes for each sink.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tracing::error;

use crate::alert::Alert;
use crate::telemetry::catalogue::SinkMetrics;

use super::{Outbox, Outgoing, Queue};

/// How much a sink's queue holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLimits {
    /// Most alerts.
    pub alerts: usize,
    /// Most bytes of rendered alerts; a single larger one is still taken.
    pub bytes: u32,
}

/// A sink as the outbox sees it.
#[derive(Clone, Debug)]
pub struct Lane {
    /// The name that rules send to.
    pub name: String,
    /// How much may wait for it.
    pub limits: QueueLimits,
    /// What is counted.
    pub metrics: Arc<SinkMetrics>,
}

/// Gives each alert to the queues of its sinks.
pub struct MemoryOutbox {
    runtime: Handle,
    lanes: Vec<Entry>,
    by_name: BTreeMap<String, usize>,
    /// Where alerts go whose rule names no sink.
    default: Vec<usize>,
}

struct Entry {
    lane: Lane,
    room: Arc<Semaphore>,
    sender: mpsc::Sender<Waiting>,
}

/// An alert in a queue with the room it takes there.
struct Waiting {
    alert: Arc<Outgoing>,
    _room: OwnedSemaphorePermit,
}

/// One sink's queue.
pub struct MemoryQueue {
    receiver: mpsc::Receiver<Waiting>,
    /// Taken from the channel and not settled.
    held: VecDeque<Waiting>,
    metrics: Arc<SinkMetrics>,
}

/// An outbox and the queue of each lane. Alerts whose rule names no sink go to `default`. The
/// outbox waits on `runtime`.
pub fn outbox(lanes: Vec<Lane>, default: &[String], runtime: Handle) -> (MemoryOutbox, Vec<MemoryQueue>) {
    let by_name: BTreeMap<_, _> =
        lanes.iter().enumerate().map(|(index, lane)| (lane.name.clone(), index)).collect();
    let default = default.iter().filter_map(|name| by_name.get(name).copied()).collect();
    let (lanes, queues) = lanes
        .into_iter()
        .map(|lane| {
            let (sender, receiver) = mpsc::channel(lane.limits.alerts);
            let queue = MemoryQueue { receiver, held: VecDeque::new(), metrics: Arc::clone(&lane.metrics) };
            let room = Arc::new(Semaphore::new(lane.limits.bytes as usize));
            (Entry { lane, room, sender }, queue)
        })
        .unzip();
    (MemoryOutbox { runtime, lanes, by_name, default }, queues)
}

impl Outbox for MemoryOutbox {
    fn put(&mut self, alerts: Vec<Alert>) {
        for alert in alerts {
            let targets: Vec<usize> = if alert.sinks.is_empty() {
                self.default.clone()
            } else {
                // The configuration has been checked to have every sink that a rule names.
                alert.sinks.iter().filter_map(|name| self.by_name.get(name).copied()).collect()
            };
            if targets.is_empty() {
                continue;
            }
            let outgoing = Arc::new(Outgoing::new(&alert));
            for target in targets {
                self.lanes[target].put(Arc::clone(&outgoing), &self.runtime);
            }
        }
    }
}

impl Entry {
    fn put(&self, alert: Arc<Outgoing>, runtime: &Handle) {
        let size = u32::try_from(alert.body.len()).unwrap_or(u32::MAX).clamp(1, self.lane.limits.bytes);
        let room = runtime
            .block_on(Arc::clone(&self.room).acquire_many_owned(size))
            .expect("the semaphore is never closed");
        self.lane.metrics.waiting.increase();
        if let Err(mpsc::error::SendError(waiting)) =
            self.sender.blocking_send(Waiting { alert, _room: room })
        {
            self.lane.metrics.waiting.decrease();
            self.lane.metrics.undelivered.add(1);
            let alert = &waiting.alert;
            error!(sink = %self.lane.name, alert = %alert.id, rule = %alert.rule, "not delivered: the service stops");
        }
    }
}

impl Queue for MemoryQueue {
    async fn first(&mut self, most: usize) -> Vec<Arc<Outgoing>> {
        if self.held.is_empty() {
            let Some(waiting) = self.receiver.recv().await else { return Vec::new() };
            self.held.push_back(waiting);
        }
        while self.held.len() < most
            && let Ok(waiting) = self.receiver.try_recv()
        {
            self.held.push_back(waiting);
        }
        self.held.iter().take(most).map(|waiting| Arc::clone(&waiting.alert)).collect()
    }

    fn settle(&mut self, count: usize) {
        for _ in self.held.drain(..count) {
            self.metrics.waiting.decrease();
        }
    }

    fn abandon(&mut self) -> Vec<Arc<Outgoing>> {
        self.receiver.close();
        let mut rest = std::mem::take(&mut self.held);
        while let Ok(waiting) = self.receiver.try_recv() {
            rest.push_back(waiting);
        }
        for _ in &rest {
            self.metrics.waiting.decrease();
        }
        rest.into_iter().map(|waiting| waiting.alert).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::{AlertKind, Severity};
    use crate::event::Timestamp;

    fn alert(id: &str, sinks: &[&str]) -> Alert {
        Alert {
            id: id.into(),
            rule: "r".into(),
            fingerprint: "f".into(),
            severity: Severity::Info,
            title: String::new(),
            kind: AlertKind::Match,
            key: Vec::new(),
            first_time: Timestamp::from_micros(0),
            last_time: Timestamp::from_micros(0),
            decided_time: Timestamp::from_micros(0),
            tables: Vec::new(),
            suppressed: 0,
            fields: Vec::new(),
            events: Vec::new(),
            sinks: sinks.iter().map(|name| name.to_string()).collect(),
        }
    }

    fn lane(name: &str, alerts: usize) -> Lane {
        let limits = QueueLimits { alerts, bytes: 1 << 20 };
        Lane { name: name.into(), limits, metrics: Arc::new(SinkMetrics::new(name)) }
    }

    fn ids(alerts: &[Arc<Outgoing>]) -> Vec<&str> {
        alerts.iter().map(|alert| alert.id.as_str()).collect()
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
    }

    #[test]
    fn each_sink_gets_its_alerts_in_order_and_keeps_them_until_settled() {
        let runtime = runtime();
        let lanes = vec![lane("a", 10), lane("b", 10)];
        let (mut outbox, mut queues) = outbox(lanes, &["b".into()], runtime.handle().clone());
        outbox.put(vec![alert("1", &["a", "b"]), alert("2", &["a"]), alert("3", &[])]);
        drop(outbox);
        runtime.block_on(async {
            assert_eq!(ids(&queues[0].first(10).await), ["1", "2"]);
            assert_eq!(ids(&queues[0].first(1).await), ["1"]);
            queues[0].settle(1);
            assert_eq!(ids(&queues[0].first(10).await), ["2"]);
            queues[0].settle(1);
            assert_eq!(ids(&queues[0].first(10).await), [] as [&str; 0]);
            assert_eq!(ids(&queues[1].first(10).await), ["1", "3"]);
        });
    }

    #[test]
    fn a_full_queue_makes_the_engine_wait_and_an_abandoned_one_lets_it_go() {
        let runtime = runtime();
        let lane = lane("a", 1);
        let metrics = Arc::clone(&lane.metrics);
        let (mut outbox, mut queues) = outbox(vec![lane], &[], runtime.handle().clone());
        let engine = std::thread::spawn(move || {
            outbox.put(vec![alert("1", &["a"]), alert("2", &["a"]), alert("3", &["a"])]);
        });
        // The second is taken only when there is room, which is when the first has left the channel.
        runtime.block_on(queues[0].first(1));
        let mut left = queues[0].abandon();
        engine.join().expect("the engine is let go");
        left.extend(queues[0].abandon());
        assert_eq!(left.len() as u64 + metrics.undelivered.get(), 3);
        assert_eq!(metrics.waiting.get(), 0);
    }
}
