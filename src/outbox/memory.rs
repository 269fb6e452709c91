//! An outbox in memory, bounded by alerts and bytes for each sink.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, sleep_until};
use tracing::error;

use crate::alert::Alert;
use crate::telemetry::catalogue::SinkMetrics;

use super::routes::Routes;
use super::window::Window;
use super::{Lane, Left, Outbox, Outgoing, Pending, Queue};

/// Gives each alert to the queues of its sinks.
pub struct MemoryOutbox {
    runtime: Handle,
    lanes: Vec<Entry>,
    routes: Arc<Routes>,
}

struct Entry {
    lane: Lane,
    alerts: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    sender: mpsc::UnboundedSender<Waiting>,
}

/// An alert with the room it takes in a queue.
struct Waiting {
    alert: Arc<Outgoing>,
    room: Room,
}

type Room = [OwnedSemaphorePermit; 2];

/// One sink's queue.
pub struct MemoryQueue {
    receiver: mpsc::UnboundedReceiver<Waiting>,
    /// What was taken from the channel.
    window: Window,
    /// The room that this takes, by number.
    rooms: BTreeMap<u64, Room>,
    /// The next number.
    next: u64,
    /// Whether nothing will come any more.
    is_over: bool,
    metrics: Arc<SinkMetrics>,
}

/// An outbox and the queue of each lane; `routes` are those to the lanes, in their order. The outbox waits
/// on `runtime`.
pub fn outbox(lanes: Vec<Lane>, routes: Arc<Routes>, runtime: Handle) -> (MemoryOutbox, Vec<MemoryQueue>) {
    let (lanes, queues) = lanes.into_iter().map(entry).unzip();
    (MemoryOutbox { runtime, lanes, routes }, queues)
}

fn entry(lane: Lane) -> (Entry, MemoryQueue) {
    // What is in the channel is bounded by the room that it takes.
    let (sender, receiver) = mpsc::unbounded_channel();
    let queue = MemoryQueue {
        receiver,
        window: Window::default(),
        rooms: BTreeMap::new(),
        next: 0,
        is_over: false,
        metrics: Arc::clone(&lane.metrics),
    };
    let alerts = Arc::new(Semaphore::new(lane.limits.alerts));
    let bytes = Arc::new(Semaphore::new(lane.limits.bytes as usize));
    (Entry { lane, alerts, bytes, sender }, queue)
}

impl Outbox for MemoryOutbox {
    fn put(&mut self, alerts: Vec<Alert>) {
        for alert in alerts {
            let places = self.routes.places(&alert);
            if places.is_empty() {
                continue;
            }
            let outgoing = Arc::new(Outgoing::new(&alert));
            for place in places {
                self.lanes[place].put(Arc::clone(&outgoing), &self.runtime);
            }
        }
    }
}

impl Entry {
    fn put(&self, alert: Arc<Outgoing>, runtime: &Handle) {
        let size = u32::try_from(alert.body.len()).unwrap_or(u32::MAX).clamp(1, self.lane.limits.bytes);
        let take = |room: &Arc<Semaphore>, size| {
            let at_once = Arc::clone(room).try_acquire_many_owned(size);
            at_once.unwrap_or_else(|_| {
                let room = runtime.block_on(Arc::clone(room).acquire_many_owned(size));
                room.expect("the semaphore is never closed")
            })
        };
        let room = [take(&self.alerts, 1), take(&self.bytes, size)];
        self.lane.metrics.waiting.increase();
        if let Err(mpsc::error::SendError(waiting)) = self.sender.send(Waiting { alert, room }) {
            self.lane.metrics.waiting.decrease();
            self.lane.metrics.undelivered.add(1);
            let alert = &waiting.alert;
            error!(sink = %self.lane.name, alert = %alert.id, rule = %alert.rule, "not delivered: the service stops");
        }
    }
}

impl MemoryQueue {
    fn take(&mut self, waiting: Waiting) {
        let Waiting { alert, room } = waiting;
        self.rooms.insert(self.next, room);
        self.window.put(Pending { number: self.next, failed: 0, alert }, None);
        self.next += 1;
    }

    fn settle(&mut self, number: u64) {
        self.window.settle(number);
        self.rooms.remove(&number);
        self.metrics.waiting.decrease();
    }

    /// Waits until something comes, or the time of one that is held back has come.
    async fn wait(&mut self) {
        let time = self.window.next_time();
        let time = async {
            match time {
                Some(time) => sleep_until(time).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            waiting = self.receiver.recv(), if !self.is_over => match waiting {
                Some(waiting) => self.take(waiting),
                None => self.is_over = true,
            },
            () = time => {}
        }
    }
}

impl Queue for MemoryQueue {
    const IS_DURABLE: bool = false;

    async fn next(&mut self, most: usize) -> Vec<Pending> {
        loop {
            while let Ok(waiting) = self.receiver.try_recv() {
                self.take(waiting);
            }
            let ready = self.window.ready(Instant::now(), most);
            if !ready.is_empty() || self.is_over && self.window.len() == 0 {
                return ready;
            }
            self.wait().await;
        }
    }

    fn accept(&mut self, accepted: &[Pending]) {
        accepted.iter().for_each(|pending| self.settle(pending.number));
    }

    fn fail(&mut self, pending: &Pending, wait: Duration, _error: &str) {
        self.window.fail(pending.number, Instant::now() + wait);
    }

    fn give_up(&mut self, pending: &Pending, _error: &str) {
        self.settle(pending.number);
    }

    fn leave(&mut self) -> Left {
        self.receiver.close();
        while let Ok(waiting) = self.receiver.try_recv() {
            self.take(waiting);
        }
        let lost: Vec<_> = self.window.drain().collect();
        self.rooms.clear();
        lost.iter().for_each(|_| self.metrics.waiting.decrease());
        Left { lost, kept: 0 }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::alert::{AlertKind, Severity};
    use crate::event::Timestamp;
    use crate::outbox::QueueLimits;

    pub(crate) fn alert(id: &str, sinks: &[&str]) -> Alert {
        Alert {
            id: id.into(),
            rule: "r".into(),
            fingerprint: "f".into(),
            severity: Severity::Info,
            title: String::new(),
            kind: AlertKind::Match,
            notes: Arc::default(),
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
        let longest_wait = Duration::from_secs(60);
        Lane { name: name.into(), limits, longest_wait, metrics: Arc::new(SinkMetrics::new(name)) }
    }

    fn routes(names: &[&str], default: &[&str]) -> Arc<Routes> {
        let default: Vec<String> = default.iter().map(|name| name.to_string()).collect();
        Arc::new(Routes::new(names.iter().map(|name| name.to_string()), &default))
    }

    fn ids(pending: &[Pending]) -> Vec<&str> {
        pending.iter().map(|pending| pending.alert.id.as_str()).collect()
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
    }

    #[test]
    fn each_sink_gets_its_alerts_in_order_and_keeps_them_until_settled() {
        let runtime = runtime();
        let lanes = vec![lane("a", 10), lane("b", 10)];
        let (mut outbox, mut queues) = outbox(lanes, routes(&["a", "b"], &["b"]), runtime.handle().clone());
        outbox.put(vec![alert("1", &["a", "b"]), alert("2", &["a"]), alert("3", &[])]);
        drop(outbox);
        runtime.block_on(async {
            assert_eq!(ids(&queues[0].next(10).await), ["1", "2"]);
            let first = queues[0].next(1).await;
            assert_eq!(ids(&first), ["1"]);
            queues[0].accept(&first);
            let second = queues[0].next(10).await;
            assert_eq!(ids(&second), ["2"]);
            queues[0].give_up(&second[0], "");
            assert_eq!(ids(&queues[0].next(10).await), [] as [&str; 0]);
            assert_eq!(ids(&queues[1].next(10).await), ["1", "3"]);
        });
    }

    #[test]
    fn a_full_queue_makes_the_engine_wait_and_an_abandoned_one_lets_it_go() {
        let runtime = runtime();
        let lane = lane("a", 1);
        let metrics = Arc::clone(&lane.metrics);
        let (mut outbox, mut queues) = outbox(vec![lane], routes(&["a"], &[]), runtime.handle().clone());
        let engine = std::thread::spawn(move || {
            outbox.put(vec![alert("1", &["a"]), alert("2", &["a"]), alert("3", &["a"])]);
        });
        // The second is taken only when there is room, which is when the first is done with.
        assert_eq!(ids(&runtime.block_on(queues[0].next(9))), ["1"]);
        let left = queues[0].leave();
        engine.join().expect("the engine is let go");
        assert_eq!(left.lost.len() + queues[0].leave().lost.len(), 1);
        assert_eq!(metrics.undelivered.get(), 2);
        assert_eq!(metrics.waiting.get(), 0);
    }
}
