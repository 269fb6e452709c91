//! Routing of a service without a state, on a thread of its own.
//!
//! The engine hands alerts over and goes on; it waits when the thread does, as when a sink's queue is full. What waits
//! when the engine ends is sent at once: nothing of it would be there after the next start.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};

use anyhow::Context as _;
use tracing::error;

use crate::alert::Alert;
use crate::archive::{Archive, Item};
use crate::outbox::Outbox;
use crate::outbox::memory::MemoryOutbox;
use crate::routing::{Round, Router, Sending, Settings};
use crate::source::Clock;
use crate::telemetry::catalogue::RoutingMetrics;

use super::desk::Desk;

/// So many batches of alerts may wait for the thread.
const WAITING: usize = 16;

/// What the engine gives its alerts to.
pub struct Post(SyncSender<Job>);

enum Job {
    /// Alerts, and those that limits have held back, with how many before them.
    Alerts(Vec<Alert>, Vec<(Alert, u64)>),
    Asked,
    End,
}

/// What the thread has to do with.
pub struct Around {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Where people ask.
    pub desk: Desk,
    /// Where alerts are kept for people to look at.
    pub archive: Archive,
    /// What is counted.
    pub metrics: Arc<RoutingMetrics>,
}

/// Starts the thread, which puts what is to be sent into the outbox.
///
/// # Errors
/// When it cannot be started.
pub fn start(settings: Arc<Settings>, outbox: MemoryOutbox, around: Around) -> anyhow::Result<Post> {
    let (sender, jobs) = sync_channel(WAITING);
    let router = Router::new(settings, []).context("routing cannot begin")?;
    let waker = sender.clone();
    // When there is no room the thread has something to do, and looks at the desk with it.
    around.desk.attend(Arc::new(move || drop(waker.try_send(Job::Asked))));
    let thread = Thread { router, outbox, around };
    let run = move || thread.run(&jobs);
    std::thread::Builder::new()
        .name("routing".into())
        .spawn(run)
        .context("cannot start a thread for routing")?;
    Ok(Post(sender))
}

impl Outbox for Post {
    fn put(&mut self, alerts: Vec<Alert>, limited: Vec<(Alert, u64)>) {
        if self.0.send(Job::Alerts(alerts, limited)).is_err() {
            error!("the thread that routes alerts has failed; they are lost");
        }
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        // The desk can wake the thread as well, so that it does not end by being left.
        let _ = self.0.send(Job::End);
    }
}

struct Thread {
    router: Router,
    outbox: MemoryOutbox,
    around: Around,
}

impl Thread {
    fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            let job = match super::wait_for(&self.router, self.around.clock.now()) {
                Some(wait) => jobs.recv_timeout(wait),
                None => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            let now = self.around.clock.now();
            match job {
                Ok(Job::Alerts(alerts, limited)) => {
                    alerts.iter().for_each(|alert| self.router.offer(alert, false, now));
                    limited.iter().for_each(|(alert, before)| self.router.note_limited(alert, *before, now));
                }
                Ok(Job::Asked) | Err(RecvTimeoutError::Timeout) => {}
                Ok(Job::End) | Err(RecvTimeoutError::Disconnected) => break,
            }
            self.attend();
        }
        self.router.flush_all(self.around.clock.now());
        self.attend();
    }

    fn attend(&mut self) {
        let now = self.around.clock.now();
        self.router.tick(now);
        let answers: Vec<_> = self
            .around
            .desk
            .take()
            .into_iter()
            .filter_map(|request| request.serve(&mut self.router, now))
            .collect();
        let Round { sendings, noted, counts, .. } = self.router.take_round(now);
        for (reason, count) in counts {
            self.around.metrics.decisions.of(reason).add(count);
        }
        super::measure(&self.router, &self.around.metrics, now);
        self.around.archive.keep(&Item::of_round(noted).collect());
        answers.into_iter().for_each(|answer| answer());
        for Sending { outgoing, sinks } in sendings {
            self.outbox.put(&outgoing, &sinks);
        }
    }
}
