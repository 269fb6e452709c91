//! What is known of the journal: how far it has come, and whether it takes records.
//!
//! Enters: what the journal tells of itself, who waits for it. Leaves: the same for those who wait, for the
//! engine, for metrics and for who asks whether the service is ready.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::event::{Duration, Timestamp};
use crate::journal::{AppendError, Listener, Status, Trouble};
use crate::telemetry::catalogue::JournalMetrics;
use crate::watch;

/// Batches that have waited longer than this show that the disk is behind.
const BEHIND: Duration = Duration::from_micros(1_000_000);

/// How far the journal has come.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// The last entry that is durable.
    pub durable: u64,
    /// Why it takes nothing, if that is so.
    pub trouble: Option<Arc<Trouble>>,
    /// Whether it has ended.
    pub has_ended: bool,
}

impl Progress {
    pub fn of(status: &Status) -> Progress {
        let Status { durable, trouble, has_ended, .. } = status;
        Progress { durable: *durable, trouble: trouble.clone(), has_ended: *has_ended }
    }
}

/// Hears from the journal. It is there before the journal, which has to know it when it is opened.
#[derive(Clone, Debug)]
pub struct Listening {
    pub(super) progress: Arc<watch::Sender<Progress>>,
    pub(super) backlog: Arc<Backlog>,
}

impl Listening {
    /// Hears, and counts what it hears.
    pub fn new(metrics: Arc<JournalMetrics>) -> Listening {
        let progress = Arc::new(watch::Sender::new(Progress::default()));
        Listening { progress, backlog: Arc::new(Backlog::new(metrics)) }
    }

    /// What the journal is to tell: [`crate::journal::Options::on_change`].
    pub fn listener(&self) -> Listener {
        let Listening { progress, backlog } = self.clone();
        Arc::new(move |status| {
            backlog.hear(status);
            progress.send_replace(Progress::of(status));
        })
    }

    /// How far the gate is behind, and whether the journal takes records.
    pub fn backlog(&self) -> &Arc<Backlog> {
        &self.backlog
    }
}

/// How far the gate is behind what comes.
#[derive(Debug)]
pub struct Backlog {
    /// When that arrived which waits longest; the end of time when nothing waits.
    pub(super) oldest: AtomicI64,
    /// How many wait for the journal to take something.
    blocked: AtomicUsize,
    /// Why it did not take it.
    refusal: Mutex<Option<AppendError>>,
    /// Why it takes nothing at all.
    trouble: Mutex<Option<Arc<Trouble>>>,
    pub(super) metrics: Arc<JournalMetrics>,
}

impl Backlog {
    fn new(metrics: Arc<JournalMetrics>) -> Backlog {
        Backlog {
            oldest: AtomicI64::new(i64::MAX),
            blocked: AtomicUsize::new(0),
            refusal: Mutex::default(),
            trouble: Mutex::default(),
            metrics,
        }
    }

    fn hear(&self, status: &Status) {
        lock(&self.trouble).clone_from(&status.trouble);
        self.metrics.bytes.set(status.bytes);
        self.metrics.waiting.set(status.waiting_bytes as u64);
        self.metrics.records.follow(status.work.entries);
        self.metrics.syncs.follow(status.work.blocks);
        self.show();
    }

    fn show(&self) {
        let is_stuck = self.blocked.load(Ordering::Relaxed) > 0 || lock(&self.trouble).is_some();
        self.metrics.stuck.set(u64::from(is_stuck));
    }

    /// Whether something waits for the disk that the engine should have by now. Partitions that seem
    /// quiet may have sent something.
    pub fn is_behind(&self, now: Timestamp) -> bool {
        let oldest = Timestamp::from_micros(self.oldest.load(Ordering::Relaxed));
        self.blocked.load(Ordering::Relaxed) > 0 || oldest.saturating_add(BEHIND) < now
    }

    /// Why the service is not ready to take records, if it is not: the journal is in trouble, or sources
    /// have to wait for it.
    pub fn reason(&self) -> Option<AppendError> {
        let refusal = || lock(&self.refusal).clone().filter(|_| self.blocked.load(Ordering::Relaxed) > 0);
        lock(&self.trouble).clone().map(AppendError::Trouble).or_else(refusal)
    }
}

/// What a lock holds.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind them is put there at once.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One that waits for the journal, until it is dropped.
pub struct Blocked<'a>(&'a Backlog);

impl<'a> Blocked<'a> {
    pub fn begin(backlog: &'a Backlog) -> Blocked<'a> {
        backlog.blocked.fetch_add(1, Ordering::Relaxed);
        backlog.show();
        Blocked(backlog)
    }

    pub fn because(&self, why: &AppendError) {
        *lock(&self.0.refusal) = Some(why.clone());
    }
}

impl Drop for Blocked<'_> {
    fn drop(&mut self) {
        self.0.blocked.fetch_sub(1, Ordering::Relaxed);
        self.0.show();
    }
}
