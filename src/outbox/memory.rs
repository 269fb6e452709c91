//! An outbox in memory, bounded by alerts and bytes for each sink.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, sleep_until};
use tracing::error;

use crate::telemetry::catalogue::SinkMetrics;

use super::window::Window;
use super::{Lane, Left, Next, Off, Outgoing, Pending, Queue, Wanted};

/// Gives each alert to the queues of its sinks.
pub struct MemoryOutbox {
    runtime: Handle,
    lanes: Vec<Entry>,
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
    /// Where what is given up goes to, with the room that it takes here.
    fallback: Option<Fallback>,
    /// What was taken from the channel.
    window: Window,
    /// The room that this takes, by number.
    rooms: BTreeMap<u64, Room>,
    /// The next number.
    next: u64,
    /// Whether nothing will come any more.
    is_over: bool,
    off: Option<Off>,
    metrics: Arc<SinkMetrics>,
}

struct Fallback {
    sender: mpsc::UnboundedSender<Waiting>,
    metrics: Arc<SinkMetrics>,
}

/// An outbox and the queue of each lane. The outbox waits on `runtime`.
pub fn outbox(lanes: Vec<Lane>, runtime: Handle) -> (MemoryOutbox, Vec<MemoryQueue>) {
    // What is in the channels is bounded by the room that it takes.
    let (senders, receivers): (Vec<_>, Vec<_>) = lanes.iter().map(|_| mpsc::unbounded_channel()).unzip();
    let queues = lanes.iter().zip(receivers).map(|(lane, receiver)| {
        let fallback = lane.fallback.map(|place| {
            let metrics = Arc::clone(&lanes[place].metrics);
            Fallback { sender: senders[place].clone(), metrics }
        });
        MemoryQueue::new(receiver, fallback, Arc::clone(&lane.metrics))
    });
    let queues = queues.collect();
    let lanes = lanes.into_iter().zip(senders).map(|(lane, sender)| Entry::new(lane, sender)).collect();
    (MemoryOutbox { runtime, lanes }, queues)
}

impl MemoryOutbox {
    /// Puts an alert into the queues of these sinks. Waits while one is full; not to be called from asynchronous code.
    pub fn put(&self, outgoing: &Arc<Outgoing>, sinks: &[String]) {
        for lane in self.lanes.iter().filter(|entry| sinks.contains(&entry.lane.name)) {
            lane.put(Arc::clone(outgoing), &self.runtime);
        }
    }
}

impl Entry {
    fn new(lane: Lane, sender: mpsc::UnboundedSender<Waiting>) -> Entry {
        let alerts = Arc::new(Semaphore::new(lane.limits.alerts));
        let bytes = Arc::new(Semaphore::new(lane.limits.bytes as usize));
        Entry { lane, alerts, bytes, sender }
    }

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
            undelivered(&self.lane.metrics, &waiting.alert);
        }
    }
}

/// The queue that is to get an alert has ended.
fn undelivered(metrics: &SinkMetrics, alert: &Outgoing) {
    metrics.waiting.decrease();
    metrics.undelivered.add(1);
    error!(sink = %metrics.name, alert = %alert.id, rule = %alert.rule, "not delivered: the service stops");
}

impl MemoryQueue {
    fn new(
        receiver: mpsc::UnboundedReceiver<Waiting>,
        fallback: Option<Fallback>,
        metrics: Arc<SinkMetrics>,
    ) -> MemoryQueue {
        MemoryQueue {
            receiver,
            fallback,
            window: Window::new(Instant::now()),
            rooms: BTreeMap::new(),
            next: 0,
            is_over: false,
            off: None,
            metrics,
        }
    }

    fn take(&mut self, waiting: Waiting) {
        let Waiting { alert, room } = waiting;
        self.rooms.insert(self.next, room);
        let pending = Pending { number: self.next, failed: 0, waited: Duration::ZERO, alert };
        self.window.put(pending, None, Instant::now());
        self.next += 1;
    }

    fn settle(&mut self, pending: &Pending) {
        self.window.settle(pending);
        self.leaves(pending.number);
    }

    fn measure(&self) {
        self.metrics.waiting_bytes.set(self.window.bytes());
        self.metrics.oldest.set(self.window.oldest(Instant::now()));
    }

    /// Gives back its room.
    fn leaves(&mut self, number: u64) -> Option<Room> {
        self.metrics.waiting.decrease();
        self.rooms.remove(&number)
    }

    /// Waits until something comes, or the time of something has come.
    async fn wait(&mut self, wanted: Wanted) {
        let overdue = wanted.overdue.and_then(|after| self.window.next_overdue(after));
        let time = self.window.next_time().filter(|_| wanted.most > 0);
        let time = async {
            match [time, overdue].into_iter().flatten().min() {
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

    async fn next(&mut self, wanted: Wanted) -> Next {
        loop {
            while let Ok(waiting) = self.receiver.try_recv() {
                self.take(waiting);
            }
            self.measure();
            if let Some(next) = self.window.next(wanted, Instant::now()) {
                return next;
            }
            if self.is_over && self.window.len() == 0 {
                return Next::Over;
            }
            self.wait(wanted).await;
        }
    }

    fn accept(&mut self, accepted: &[Pending]) {
        accepted.iter().for_each(|pending| self.settle(pending));
    }

    fn fail(&mut self, pending: &Pending, wait: Duration, _error: &str) {
        self.window.fail(pending, Instant::now() + wait);
    }

    fn put_back(&mut self, pending: &Pending) {
        self.window.put_back(pending);
    }

    fn give_up(&mut self, pending: &Pending, _error: &str) {
        self.settle(pending);
    }

    fn forward(&mut self, pending: &Pending) {
        self.window.settle(pending);
        let (Some(room), Some(fallback)) = (self.leaves(pending.number), &self.fallback) else { return };
        let alert = Arc::clone(&pending.alert);
        fallback.metrics.waiting.increase();
        if let Err(mpsc::error::SendError(waiting)) = fallback.sender.send(Waiting { alert, room }) {
            undelivered(&fallback.metrics, &waiting.alert);
        }
    }

    fn hurry(&mut self, most: Duration) {
        self.window.hold_back_until_at_most(Instant::now() + most);
    }

    fn off(&self) -> Option<&Off> {
        self.off.as_ref()
    }

    fn switch(&mut self, off: Option<Off>) {
        self.off = off;
    }

    fn leave(&mut self) -> Left {
        self.receiver.close();
        while let Ok(waiting) = self.receiver.try_recv() {
            self.take(waiting);
        }
        let lost: Vec<_> = self.window.drain().collect();
        self.rooms.clear();
        self.measure();
        lost.iter().for_each(|_| self.metrics.waiting.decrease());
        Left { lost, kept: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::QueueLimits;

    fn alert(id: &str) -> Arc<Outgoing> {
        Arc::new(Outgoing { id: id.into(), rule: "r".into(), key: [0; 16], body: "12345".into() })
    }

    fn lane(name: &str, alerts: usize) -> Lane {
        let limits = QueueLimits { alerts, bytes: 1 << 20 };
        let longest_wait = Duration::from_secs(60);
        let metrics = Arc::new(SinkMetrics::new(name));
        Lane { name: name.into(), limits, longest_wait, fallback: None, metrics }
    }

    fn put(outbox: &MemoryOutbox, id: &str, sinks: &[&str]) {
        let sinks: Vec<String> = sinks.iter().map(|sink| sink.to_string()).collect();
        outbox.put(&alert(id), &sinks);
    }

    fn ids(pending: &[Pending]) -> Vec<&str> {
        pending.iter().map(|pending| pending.alert.id.as_str()).collect()
    }

    /// Takes alerts, of which there are some, for an attempt.
    async fn next(queue: &mut MemoryQueue, most: usize) -> Vec<Pending> {
        match queue.next(Wanted { most, is_probe: false, overdue: None }).await {
            Next::Attempt(pending) => pending,
            Next::Over => Vec::new(),
            other => panic!("{other:?}"),
        }
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
    }

    #[test]
    fn each_sink_gets_its_alerts_in_order_and_keeps_them_until_settled() {
        let runtime = runtime();
        let lanes = vec![lane("a", 10), lane("b", 10)];
        let (outbox, mut queues) = outbox(lanes, runtime.handle().clone());
        let alerts = [("1", &["a", "b"][..]), ("2", &["a"]), ("3", &["b", "none"])];
        alerts.into_iter().for_each(|(id, sinks)| put(&outbox, id, sinks));
        drop(outbox);
        runtime.block_on(async {
            let both = next(&mut queues[0], 10).await;
            assert_eq!(ids(&both), ["1", "2"]);
            both.iter().rev().for_each(|pending| queues[0].put_back(pending));
            let first = next(&mut queues[0], 1).await;
            assert_eq!(ids(&first), ["1"]);
            queues[0].accept(&first);
            let second = next(&mut queues[0], 10).await;
            assert_eq!(ids(&second), ["2"]);
            queues[0].give_up(&second[0], "");
            assert_eq!(ids(&next(&mut queues[0], 10).await), [] as [&str; 0]);
            assert_eq!(ids(&next(&mut queues[1], 10).await), ["1", "3"]);
        });
    }

    #[test]
    fn it_is_told_how_long_the_oldest_has_waited_and_how_much_waits() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.expect("a runtime");
        let lanes = vec![lane("a", 10)];
        let metrics = Arc::clone(&lanes[0].metrics);
        let (outbox, mut queues) = outbox(lanes, runtime.handle().clone());
        ["1", "2"].into_iter().for_each(|id| put(&outbox, id, &["a"]));
        runtime.block_on(async {
            let told = || {
                (
                    metrics.waiting.get(),
                    metrics.waiting_bytes.get(),
                    metrics.oldest.get().as_secs_f64().round() as u64,
                )
            };
            let first = next(&mut queues[0], 1).await;
            tokio::time::advance(Duration::from_secs(90)).await;
            // It grows although the worker is busy with the attempt.
            assert_eq!(told(), (2, 10, 90));
            queues[0].accept(&first);
            let second = next(&mut queues[0], 1).await;
            assert_eq!(told(), (1, 5, 90));
            queues[0].accept(&second);
            drop(outbox);
            assert_eq!(queues[0].next(Wanted { most: 1, is_probe: false, overdue: None }).await, Next::Over);
            assert_eq!(told(), (0, 0, 0));
        });
    }

    #[test]
    fn what_is_given_up_goes_to_the_other_queue_with_its_room() {
        let runtime = runtime();
        let lanes = vec![Lane { fallback: Some(1), ..lane("a", 1) }, lane("b", 1)];
        let metrics: Vec<_> = lanes.iter().map(|lane| Arc::clone(&lane.metrics)).collect();
        let (outbox, mut queues) = outbox(lanes, runtime.handle().clone());
        put(&outbox, "1", &["a"]);
        put(&outbox, "2", &["b"]);
        let room = Arc::clone(&outbox.lanes[0].alerts);
        runtime.block_on(async {
            let first = next(&mut queues[0], 1).await;
            queues[0].forward(&first[0]);
            assert_eq!((metrics[0].waiting.get(), metrics[1].waiting.get()), (0, 2));
            let two = next(&mut queues[1], 1).await;
            assert_eq!((ids(&two), room.available_permits()), (vec!["2"], 0));
            queues[1].accept(&two);
            let one = next(&mut queues[1], 1).await;
            queues[1].accept(&one);
            assert_eq!((ids(&one), room.available_permits()), (vec!["1"], 1));
        });
    }

    #[test]
    fn a_full_queue_makes_the_engine_wait_and_an_abandoned_one_lets_it_go() {
        let runtime = runtime();
        let lane = lane("a", 1);
        let metrics = Arc::clone(&lane.metrics);
        let (outbox, mut queues) = outbox(vec![lane], runtime.handle().clone());
        let engine = std::thread::spawn(move || {
            ["1", "2", "3"].into_iter().for_each(|id| put(&outbox, id, &["a"]));
        });
        // The second is taken only when there is room, which is when the first is done with.
        assert_eq!(ids(&runtime.block_on(next(&mut queues[0], 9))), ["1"]);
        let left = queues[0].leave();
        engine.join().expect("the engine is let go");
        assert_eq!(left.lost.len() + queues[0].leave().lost.len(), 1);
        assert_eq!(metrics.undelivered.get(), 2);
        assert_eq!(metrics.waiting.get(), 0);
    }
}
