//! Checkpoints: what the service has done by a moment, kept as a whole.
//!
//! Enters: the state of the engine, how far its sources have come, and the alerts decided since the last
//! checkpoint; and what sinks have done with earlier ones. Leaves: one transaction of the store after
//! another; then, and not before, alerts to sinks, and leave for the journal to forget. [`Checkpoints`] is
//! held by the engine's thread and copies what has changed; [`writer::Writer`] is on a thread of its own
//! and has the store.
//!
//! - Of what is decided nothing leaves before the transaction that holds it is durable. So whatever
//!   happens, a service that goes on from the last checkpoint decides the rest anew, and nobody has seen
//!   anything of it yet.
//! - One checkpoint is under way at a time. When it cannot be stored it is kept and tried again, and
//!   until then the engine takes nothing: its queue fills, and sources wait.

pub mod elsewhere;
mod schedule;
pub mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, TryRecvError};
use std::time::{Duration as Wait, Instant};

use anyhow::{Context as _, bail};
use tokio::sync::Notify;
use tracing::info;

use crate::alert::Alert;
use crate::event::{Duration, Timestamp};
use crate::moving::LedgerError;
use crate::source::positions::Positions;
use crate::store::StoreError;
use crate::telemetry::catalogue::CheckpointMetrics;

use super::control::SavepointRequest;
use super::engines::{Engines, Part};
use schedule::Schedule;
use writer::Job;

/// When so many alerts wait for the store, the engine waits too.
const MOST_ALERTS: usize = 10_000;

/// A checkpoint that is being stored for longer is trouble.
const SLOW: Wait = Wait::from_secs(30);

/// What is stored together.
#[derive(Debug)]
pub struct Checkpoint {
    /// When it was made.
    pub time: Timestamp,
    /// What has changed of each engine's state, and what it has decided since the checkpoint before.
    pub parts: Vec<Part>,
    /// How far sources have come.
    pub positions: Arc<Positions>,
    /// Alerts that the limits of rules have held back meanwhile, each with how many were before it.
    pub limited: Vec<(Alert, u64)>,
    /// Savepoints to be made of it.
    pub savepoints: Vec<SavepointRequest>,
}

/// What has become of a checkpoint.
type Stored = Result<Vec<Part>, KeepError>;

/// What has happened cannot be stored.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// Not on this machine.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Not in the state topic.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl KeepError {
    /// Whether it may work later.
    fn is_temporary(&self) -> bool {
        match self {
            KeepError::Store(error) => error.is_temporary(),
            KeepError::Ledger(_) => true,
        }
    }
}

impl Checkpoint {
    /// What was decided, in the order decided.
    pub fn alerts(&self) -> impl Iterator<Item = &Alert> {
        self.parts.iter().flat_map(|part| &part.alerts)
    }

    /// How many rows have changed.
    fn rows(&self) -> usize {
        self.parts.iter().map(|part| part.changes.len()).sum()
    }
}

/// Whether the store takes anything now.
#[derive(Debug, Default)]
pub struct Gauge {
    is_stuck: AtomicBool,
    /// Whether there are as many alerts in it as may be.
    is_outbox_full: AtomicBool,
}

/// Makes checkpoints of an engine.
pub struct Checkpoints {
    jobs: mpsc::Sender<Job>,
    stored: mpsc::Receiver<Stored>,
    news: Arc<Notify>,
    gauge: Arc<Gauge>,
    schedule: Schedule,
    /// Alerts that go with the next one.
    alerts: Vec<Alert>,
    /// How many more engines hold for it.
    held: usize,
    /// Alerts that limits have held back, to be noted with the next one.
    limited: Vec<(Alert, u64)>,
    /// Savepoints to be made of the next one.
    savepoints: Vec<SavepointRequest>,
    /// Whether one is under way.
    is_under_way: bool,
    metrics: Arc<CheckpointMetrics>,
}

/// What the store's thread tells the engine's with.
pub struct Reply {
    stored: mpsc::Sender<Stored>,
    news: Arc<Notify>,
    gauge: Arc<Gauge>,
}

impl Reply {
    /// A checkpoint has been stored, or never will be.
    fn stored(&self, stored: Stored) {
        // The engine may be gone, when the service stops at once.
        let _ = self.stored.send(stored);
        self.news.notify_one();
    }

    /// Whether checkpoints have to wait because the store takes nothing.
    fn set_stuck(&self, is_stuck: bool) {
        self.set(&self.gauge.is_stuck, is_stuck);
    }

    /// Whether as many alerts wait for sinks as may.
    fn set_outbox_full(&self, is_full: bool) {
        self.set(&self.gauge.is_outbox_full, is_full);
    }

    fn set(&self, flag: &AtomicBool, value: bool) {
        if flag.swap(value, Ordering::Relaxed) != value {
            self.news.notify_one();
        }
    }
}

/// What is wrong with a store that takes so long for a checkpoint that it may never come to an end. Where it says what is
/// wrong, nothing more is to be said.
pub fn slow(metrics: &CheckpointMetrics) -> Option<String> {
    let so_long = metrics.under_way.get();
    let is_silent = metrics.stuck.get() == 0 && so_long > SLOW;
    is_silent.then(|| {
        let seconds = so_long.as_secs();
        format!("a checkpoint has been being stored for {seconds} s: the disk is very slow, or does not answer at all")
    })
}

/// Makes a checkpoint `every` so long for who takes the jobs and gives the replies.
pub fn checkpoints(
    every: Duration,
    metrics: Arc<CheckpointMetrics>,
) -> (Checkpoints, mpsc::Sender<Job>, mpsc::Receiver<Job>, Reply) {
    let (jobs, work) = mpsc::channel();
    let (reply, stored) = mpsc::channel();
    let (news, gauge) = (Arc::<Notify>::default(), Arc::<Gauge>::default());
    let reply = Reply { stored: reply, news: Arc::clone(&news), gauge: Arc::clone(&gauge) };
    let checkpoints = Checkpoints {
        jobs: jobs.clone(),
        stored,
        news,
        gauge,
        schedule: Schedule::new(every),
        alerts: Vec::new(),
        held: 0,
        limited: Vec::new(),
        savepoints: Vec::new(),
        is_under_way: false,
        metrics,
    };
    (checkpoints, jobs, work, reply)
}

impl Checkpoints {
    /// The same with a checkpoint when events have come through the journal that take so many bytes in
    /// memory.
    pub fn keeping_at_most(self, bytes: usize) -> Checkpoints {
        Checkpoints { schedule: self.schedule.keeping_at_most(bytes), ..self }
    }

    /// Takes alerts, which leave with the next checkpoint, and those that limits have held back, which are noted then.
    pub fn put(&mut self, mut alerts: Vec<Alert>, mut limited: Vec<(Alert, u64)>, now: Timestamp) {
        limited.truncate(MOST_ALERTS.saturating_sub(self.limited.len()));
        self.limited.append(&mut limited);
        if !alerts.is_empty() {
            self.schedule.alerts_wait(now);
            self.alerts.append(&mut alerts);
        }
    }

    /// Engines hold so many alerts, which leave with the next one.
    pub fn hold(&mut self, alerts: usize, now: impl FnOnce() -> Timestamp) {
        self.held = alerts;
        if alerts > 0 {
            self.schedule.alerts_wait(now());
        }
    }

    /// A savepoint is to be made, of a checkpoint that is made for it.
    pub fn save(&mut self, savepoint: SavepointRequest) {
        self.savepoints.push(savepoint);
    }

    /// The engine has taken something, of so many bytes, through the journal or not.
    pub fn took(&mut self, bytes: usize, is_kept: bool) {
        self.schedule.took(bytes, is_kept);
    }

    /// Whether the engine is to take nothing for now.
    pub fn is_full(&self) -> bool {
        let Gauge { is_stuck, is_outbox_full } = &*self.gauge;
        let is_set = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        is_set(is_stuck) || is_set(is_outbox_full) || self.alerts.len() + self.held >= MOST_ALERTS
    }

    /// Whether everything that has happened is stored.
    pub fn is_done(&self) -> bool {
        self.schedule.is_done() && !self.is_under_way
    }

    /// Told when something has come of a checkpoint, or `is_full` has changed.
    pub fn news(&self) -> &Arc<Notify> {
        &self.news
    }

    /// To be called often: makes a checkpoint if one is due. `positions` are those of this moment, between
    /// two inputs of the engine.
    ///
    /// # Errors
    /// When a checkpoint can never be stored.
    pub fn tend(
        &mut self,
        engines: &mut Engines,
        positions: &Positions,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        self.look(engines, now)?;
        if !self.is_under_way && (self.schedule.is_due(now) || !self.savepoints.is_empty()) {
            self.make(engines, positions, now);
        }
        Ok(())
    }

    /// The same for the last one: it is made as soon as that is possible.
    ///
    /// # Errors
    /// When a checkpoint can never be stored.
    pub fn tend_last(
        &mut self,
        engines: &mut Engines,
        positions: &Positions,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        self.look(engines, now)?;
        if !self.is_under_way && !self.schedule.is_done() {
            self.make(engines, positions, now);
        }
        Ok(())
    }

    /// Looks what has come of the one under way.
    fn look(&mut self, engines: &mut Engines, now: Timestamp) -> anyhow::Result<()> {
        loop {
            match self.stored.try_recv() {
                Ok(stored) => {
                    self.is_under_way = false;
                    self.metrics.under_way.set(None);
                    self.schedule.stored(now);
                    engines.stored(stored.context("the state cannot be stored")?);
                }
                Err(TryRecvError::Empty) => return Ok(()),
                Err(TryRecvError::Disconnected) => bail!("the thread that stores the state has failed"),
            }
        }
    }

    fn make(&mut self, engines: &mut Engines, positions: &Positions, now: Timestamp) {
        let begun = Instant::now();
        let mut parts = engines.changes();
        if let Some(only) = parts.iter_mut().find(|part| part.holding.is_none()) {
            self.alerts.append(&mut only.alerts);
            only.alerts = std::mem::take(&mut self.alerts);
        }
        self.held = 0;
        for rule in engines.take_ended() {
            info!(rule = %rule.name, old_fingerprint = %rule.fingerprint, "the old version of the rule has come to an end");
        }
        let pause = begun.elapsed();
        self.metrics.pause.record(pause);
        let pause = i64::try_from(pause.as_micros()).unwrap_or(i64::MAX);
        self.schedule.made(now, Duration::from_micros(pause));
        let checkpoint = Checkpoint {
            time: now,
            parts,
            positions: Arc::new(positions.clone()),
            limited: std::mem::take(&mut self.limited),
            savepoints: std::mem::take(&mut self.savepoints),
        };
        self.is_under_way = true;
        self.metrics.under_way.set(Some(Wait::ZERO));
        // When the store's thread has failed that is seen at the next look.
        let _ = self.jobs.send(Job::Checkpoint(Box::new(checkpoint)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_store_that_does_not_answer_is_trouble() {
        let metrics = CheckpointMetrics::new("");
        metrics.under_way.set(Some(Wait::ZERO));
        tokio::time::advance(SLOW).await;
        assert_eq!(slow(&metrics), None);
        tokio::time::advance(Wait::from_secs(1)).await;
        let why =
            "a checkpoint has been being stored for 31 s: the disk is very slow, or does not answer at all";
        assert_eq!(slow(&metrics).as_deref(), Some(why));
        metrics.stuck.set(1);
        assert_eq!(slow(&metrics), None, "it is said already what is wrong");
        metrics.stuck.set(0);
        metrics.under_way.set(None);
        assert_eq!(slow(&metrics), None);
    }
}
