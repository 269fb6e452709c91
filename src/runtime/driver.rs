//! Drives the engine on a thread of its own.
//!
//! Enters: batches of events from the sources' queue. Leaves: alerts to the outbox. Time comes from
//! the clock it is given. While nothing comes, the engine learns a few times a second what time it
//! is, so that quiet partitions can let go of event time. When the queue has ended, event time stays
//! where it is: this is a live stream, and what has not happened yet may still happen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration as Wait;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::warn;

use crate::engine::{Engine, Refused};
use crate::event::{Duration, Event, Timestamp};
use crate::outbox::Outbox;
use crate::source::reader::Batch;
use crate::source::{Clock, Input};
use crate::telemetry::Metrics;
use crate::telemetry::limit::{RateLimit, Verdict};

/// How often the engine learns what time it is.
const TICK: Duration = Duration::from_micros(250_000);
/// An input that has waited longer than this shows that the engine is behind.
const BEHIND: Duration = Duration::from_micros(1_000_000);
/// How many refused events are logged each second.
const LOGGED: u64 = 10;

/// The engine with what it is connected to.
pub struct Driver<O> {
    engine: Engine,
    outbox: O,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    ticked: Timestamp,
    refusals: RateLimit,
}

impl<O: Outbox> Driver<O> {
    /// Connects an engine. `metrics` has the sources that inputs name.
    pub fn new(engine: Engine, outbox: O, clock: Arc<dyn Clock>, metrics: Arc<Metrics>) -> Driver<O> {
        let refusals = RateLimit::new(LOGGED, Duration::SECOND);
        Driver { engine, outbox, clock, metrics, ticked: Timestamp::MIN, refusals }
    }

    /// Works off `queue` until it ends, or until `halt` is set. Returns how many inputs were left.
    /// Waits on `runtime`; for a thread of its own.
    pub fn run(mut self, mut queue: mpsc::Receiver<Input>, runtime: &Handle, halt: &AtomicBool) -> usize {
        let patience = Wait::from_micros(TICK.as_micros().unsigned_abs());
        while !halt.load(Ordering::Relaxed) {
            match queue.try_recv() {
                Ok(input) => self.take(input),
                Err(mpsc::error::TryRecvError::Disconnected) => return 0,
                Err(mpsc::error::TryRecvError::Empty) => {
                    match runtime.block_on(async { timeout(patience, queue.recv()).await }) {
                        Ok(Some(input)) => self.take(input),
                        Ok(None) => return 0,
                        Err(_) => self.rest(),
                    }
                }
            }
        }
        queue.close();
        let mut left = 0;
        while queue.try_recv().is_ok() {
            left += 1;
        }
        left
    }

    /// Works on one input.
    pub fn take(&mut self, input: Input) {
        let now = self.clock.now();
        match input {
            Input::Opened { stream, partition } => self.engine.open(stream, partition, now),
            Input::Closed { stream, partition } => self.engine.close(stream, partition),
            Input::Events { source, batch, arrival } => {
                self.push(source, batch, now);
                // While the engine is behind, partitions that seem quiet may have sent what still
                // waits for its turn; they must not let go of event time.
                if arrival.saturating_add(BEHIND) >= now {
                    self.tick_if_due(now);
                }
            }
        }
        self.hand_over();
    }

    /// Nothing has come for a while.
    pub fn rest(&mut self) {
        self.tick_if_due(self.clock.now());
        self.hand_over();
    }

    fn push(&mut self, source: usize, batch: Batch, now: Timestamp) {
        for event in batch.events {
            // Sharing an event is cheap, and the engine keeps none that it refuses.
            if let Err(refused) = self.engine.push(event.clone(), now) {
                self.report(source, &event, refused, now);
            }
        }
    }

    fn report(&mut self, source: usize, event: &Event, refused: Refused, now: Timestamp) {
        let metrics = &self.metrics.sources[source];
        let (kind, by) = match refused {
            Refused::Late(by) => {
                metrics.late.add(1);
                ("late", by)
            }
            Refused::Future(by) => {
                metrics.future.add(1);
                ("too far ahead of the clock", by)
            }
        };
        if let Verdict::Show { held_back } = self.refusals.check(now) {
            let position = event.position();
            warn!(
                source = %metrics.name,
                partition = position.partition.0,
                offset = position.offset,
                time = %event.time(),
                by = %by,
                not_logged = held_back,
                "did not take an event: {kind}"
            );
        }
    }

    fn tick_if_due(&mut self, now: Timestamp) {
        // A clock that was set back must not stop the ticks until it has caught up.
        if now >= self.ticked.saturating_add(TICK) || now < self.ticked {
            self.ticked = now;
            self.engine.tick(now);
        }
    }

    fn hand_over(&mut self) {
        let alerts = self.engine.take_alerts();
        if !alerts.is_empty() {
            self.outbox.put(alerts);
        }
        let counters = self.engine.rule_counters();
        self.metrics.engine.events.follow(self.engine.counters().events);
        self.metrics.engine.keyless.follow(counters.keyless);
        for (metric, count) in self.metrics.rules.iter().zip(&counters.alerts) {
            metric.alerts.follow(*count);
        }
    }
}
