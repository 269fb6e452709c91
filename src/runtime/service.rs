//! The service: sources, engine and sinks, from start to a clean stop.
//!
//! Stopping goes with the stream, so that nothing received is lost: sources stop accepting and read
//! what has arrived, the engine works off its queue, sinks deliver what is in theirs. What is not done
//! when the time is up is left and named in the log.

mod start;
mod summary;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tracing::{error, info, warn};

use crate::config::Config;
use crate::source::{LastThings, Troubles};
use crate::telemetry::Metrics;
use crate::watch;

use super::LAST_GRACE;
use super::control::Health;
use super::keeping::Keeping;
use super::kept::Kept;
use super::reload::Watch;
use super::sinks;

pub use start::{Start, metrics};

/// A service that runs.
pub struct Service {
    config: Config,
    health: Health,
    metrics: Arc<Metrics>,
    stop: watch::Sender<bool>,
    halt_sinks: watch::Sender<bool>,
    halt_engine: Arc<AtomicBool>,
    sources: JoinSet<()>,
    /// What sources do when all they have read is settled.
    last: LastThings,
    /// What is wrong with some of them.
    troubles: Troubles,
    sinks: sinks::Workers,
    engine: oneshot::Receiver<anyhow::Result<usize>>,
    /// What keeps state, if some is kept.
    keeping: Option<Keeping>,
    kept: Kept,
    /// Watches the files of lists and tables.
    _watch: Watch,
}

/// Why a service is asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// For good: alerts are delivered as far as that is possible in time.
    Good,
    /// Another takes its place, with what is left in its state.
    Anew,
}

/// How a service ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether no source has failed, everything received was worked on, and every alert was delivered or given up.
    pub complete: bool,
}

impl Service {
    /// Runs until all sources have ended or `stop` is over, and then finishes what has been received.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn run(mut self, stop: impl Future<Output = Ending>) -> anyhow::Result<Outcome> {
        let mut ending = Ending::Good;
        // How the engine ended, if it did before it was waited for.
        let mut ended = None;
        tokio::select! {
            asked = stop => {
                ending = asked;
                info!("stopping: reading what has arrived");
            }
            () = join_all(&mut self.sources) => info!("all sources have ended"),
            // With the last source its queue ends, and it may be through before that is noticed here.
            // Otherwise it ends by itself only when it panics.
            done = &mut self.engine => ended = Some(how_it_ended(done)),
        }
        let deadline = Instant::now() + self.config.shutdown_timeout;
        match &ended {
            Some(Err(error)) => self.health.failed(format!("{error:#}")),
            _ => self.health.stopping(),
        }
        self.stop.send_replace(true);
        if timeout_at(deadline, join_all(&mut self.sources)).await.is_err() {
            error!("the time to stop was up before the sources had handed over what they read");
        }
        // With the sources goes the last sender of the engine's queue, which thereby ends.
        self.sources.abort_all();
        join_all(&mut self.sources).await;
        let mut complete = true;
        let ended = match ended {
            Some(ended) => ended,
            None => {
                info!("the sources have stopped; finishing");
                self.finish_engine(deadline).await
            }
        };
        complete &= matches!(ended, Ok(true)) && !self.troubles.has_failed();
        if let Some(keeping) = &self.keeping {
            keeping.last_alert();
        }
        if ending == Ending::Anew && self.keeping.is_some() {
            // What waits for sinks is in the store, and goes on from there in a moment.
            self.halt_sinks.send_replace(true);
        }
        complete &= self.finish_sinks(deadline).await;
        if let Some(keeping) = self.keeping.take() {
            complete &= keeping.finish(deadline).await;
        }
        self.kept.finish(deadline).await;
        if timeout_at(deadline.max(Instant::now() + LAST_GRACE), join_all(&mut self.last.take()))
            .await
            .is_err()
        {
            warn!(
                "a source did not take leave of those it read from in time; they find that out by themselves"
            );
        }
        self.log_summary();
        ended?;
        Ok(Outcome { complete })
    }

    /// Waits for the engine to work off its queue. Returns whether it did so in time.
    async fn finish_engine(&mut self, deadline: Instant) -> anyhow::Result<bool> {
        if let Ok(done) = timeout_at(deadline, &mut self.engine).await {
            return how_it_ended(done);
        }
        self.halt_engine.store(true, Ordering::Relaxed);
        // It may be waiting for room in the queue of a sink, which leaving the queues makes.
        self.halt_sinks.send_replace(true);
        match tokio::time::timeout(LAST_GRACE, &mut self.engine).await {
            Ok(done) => return how_it_ended(done),
            Err(_) => error!("the engine does not stop; left as it is"),
        }
        Ok(false)
    }

    /// Waits for the sinks to deliver. Returns whether everything was delivered or given up.
    async fn finish_sinks(&mut self, deadline: Instant) -> bool {
        let mut complete = true;
        let mut halted = *self.halt_sinks.borrow();
        let mut until = if halted { Instant::now() + LAST_GRACE } else { deadline };
        loop {
            match timeout_at(until, self.sinks.join_next()).await {
                Ok(None) => return complete,
                Ok(Some(Ok((sink, left)))) => {
                    complete &= left.lost.is_empty();
                    self.name_undelivered(sink, &left);
                }
                Ok(Some(Err(failure))) => {
                    error!(%failure, "a sink has failed");
                    complete = false;
                }
                Err(_) if halted => {
                    error!("a sink does not stop; left as it is");
                    return false;
                }
                Err(_) => {
                    halted = true;
                    self.halt_sinks.send_replace(true);
                    until = Instant::now() + LAST_GRACE;
                }
            }
        }
    }
}

async fn join_all<T: 'static>(tasks: &mut JoinSet<T>) {
    while let Some(done) = tasks.join_next().await {
        if let Err(failure) = done
            && failure.is_panic()
        {
            error!(%failure, "a source has failed");
        }
    }
}

/// Whether the engine has worked off its queue.
fn how_it_ended(done: Result<anyhow::Result<usize>, oneshot::error::RecvError>) -> anyhow::Result<bool> {
    let batches = done.context("the engine has failed")?.context("the engine has failed")?;
    if batches > 0 {
        error!(batches, "the time to stop was up before the engine had worked off its queue");
    }
    Ok(batches == 0)
}
