//! Writes what was appended: everything that has come since the last time with one sync.
//!
//! While one block is written and synced, the next one gathers, so that a slow disk makes larger blocks
//! rather than longer waits. When the disk fails, what was taken stays here and is written again.

use std::io;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use tracing::{error, info, warn};

use crate::event::{Duration as Span, Timestamp};
use crate::telemetry::limit::{RateLimit, Verdict};

use super::frames::Frames;
use super::handle::{Shared, State, Status, Work};
use super::log::Log;
use super::trouble::Trouble;
use super::{Cause, Listener, Options};

/// How long to wait before it is tried again to write.
const AGAIN: Duration = Duration::from_secs(1);
/// Trouble that lasts is logged once in this time.
const LOG_SPAN: Span = Span::from_micros(30_000_000);

/// A block that takes longer is logged.
const SLOW: Duration = Duration::from_secs(1);

/// The one who writes.
pub struct Committer {
    shared: Arc<Shared>,
    log: Log,
    /// What is being written, or could not be.
    taken: Frames,
    /// What it may take on the disk at most.
    cost: u64,
    trouble: Option<Arc<Trouble>>,
    /// Whether files that are no longer needed could not be removed.
    is_untrimmed: bool,
    again: Duration,
    on_change: Option<Listener>,
    log_limit: RateLimit,
    slow_limit: RateLimit,
    work_done: Work,
    begun: Instant,
}

impl std::fmt::Debug for Committer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Committer").field("log", &self.log).finish_non_exhaustive()
    }
}

impl Committer {
    pub(super) fn new(shared: Arc<Shared>, log: Log, options: Options) -> Committer {
        Committer {
            shared,
            log,
            taken: Frames::default(),
            cost: 0,
            trouble: None,
            is_untrimmed: false,
            again: options.again.unwrap_or(AGAIN),
            on_change: options.on_change,
            log_limit: RateLimit::new(1, LOG_SPAN),
            slow_limit: RateLimit::new(1, LOG_SPAN),
            work_done: Work::default(),
            begun: Instant::now(),
        }
    }

    /// Writes on a thread of its own from now on, until the journal is closed or nobody holds it.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(self) -> io::Result<()> {
        std::thread::Builder::new().name("journal".to_owned()).spawn(move || self.run())?;
        Ok(())
    }

    /// The same on the thread that calls this.
    pub fn run(mut self) {
        while self.wait() {
            self.round();
        }
        self.finish();
    }

    /// Waits for something to do; `false` when it is the end.
    fn wait(&self) -> bool {
        let mut state = self.shared.lock();
        loop {
            if state.is_closing {
                return false;
            }
            if state.trim.is_some() || state.trouble.is_none() && !state.waiting.is_empty() {
                return true;
            }
            if state.trouble.is_some() {
                let waited = self.shared.work.wait_timeout(state, self.again);
                let (woken, time) = waited.unwrap_or_else(PoisonError::into_inner);
                if time.timed_out() {
                    return true;
                }
                state = woken;
            } else {
                state = self.shared.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Does what there is to do: trims, writes what has been appended, or tries again what could not be
    /// written, and tells who listens.
    pub fn round(&mut self) {
        let trim = self.take();
        if let Some(up_to) = trim {
            self.trim(up_to);
        }
        let result = match self.taken.is_empty() {
            true => Ok(()),
            false => self.timed_write(),
        };
        self.settle(result);
    }

    /// Writes what was appended and ends the journal, which without a thread its owner has to call.
    pub fn finish(mut self) {
        self.shared.lock().is_closing = true;
        loop {
            self.round();
            let is_done = self.taken.is_empty() && self.shared.lock().waiting.is_empty();
            if is_done || self.trouble.is_some() {
                break;
            }
        }
        if self.trouble.is_none()
            && let Err(trouble) = self.log.close()
        {
            warn!(%trouble, "the journal was not closed as it should be; what was appended is kept");
        }
        // The end itself is told when this is dropped.
    }

    /// Takes what waits, if nothing is left from before; up to where the journal is to be trimmed.
    fn take(&mut self) -> Option<u64> {
        let mut state = self.shared.lock();
        if self.taken.is_empty() {
            std::mem::swap(&mut self.taken, &mut state.waiting);
            self.cost = std::mem::take(&mut state.waiting_cost);
        }
        state.taken = (self.taken.count(), self.taken.len(), self.cost);
        state.trim.take()
    }

    fn trim(&mut self, up_to: u64) {
        match self.log.trim(up_to) {
            Ok(()) => self.is_untrimmed = false,
            Err(trouble) => {
                // The next checkpoint asks again.
                if !std::mem::replace(&mut self.is_untrimmed, true) {
                    warn!(folder = %self.shared.folder.display(), detail = trouble.detail, "files of the journal that are no longer needed cannot be removed; this is tried again after each checkpoint, and until then they take room");
                }
            }
        }
    }

    fn timed_write(&mut self) -> Result<(), Trouble> {
        let (begun, entries) = (Instant::now(), self.taken.count());
        let result = self.write();
        let (time, done) = (begun.elapsed(), &mut self.work_done);
        done.blocks += u64::from(result.is_ok());
        done.entries += entries - self.taken.count();
        done.time += time;
        done.last_time = time;
        let now = self.now();
        if time >= SLOW && matches!(self.slow_limit.check(now), Verdict::Show { .. }) {
            let folder = self.shared.folder.display();
            warn!(%folder, entries, seconds = time.as_secs_f64(), "the disk is slow: so long did it take to keep these records, and senders wait for that");
        }
        result
    }

    /// The time since the beginning, as the limits of the log want it.
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(i64::try_from(self.begun.elapsed().as_micros()).unwrap_or(i64::MAX))
    }

    fn write(&mut self) -> Result<(), Trouble> {
        if let Some(trouble) = &self.trouble
            && trouble.cause == Cause::Full
            && let Ok(free) = self.log.disk().free_space(&self.shared.folder)
            && free < self.cost
        {
            let detail = format!("{free} bytes are free, and {} wait to be written", self.cost);
            return Err(Trouble { detail, ..(**trouble).clone() });
        }
        self.log.write(&mut self.taken)
    }

    /// Says what has come of it.
    fn settle(&mut self, result: Result<(), Trouble>) {
        if self.taken.is_empty() {
            self.cost = 0;
        }
        let before = self.trouble.take();
        self.trouble = result.err().map(Arc::new);
        self.say(before.as_deref());
        let status = {
            let mut state = self.shared.lock();
            self.publish(&mut state);
            state.status()
        };
        self.tell(&status);
    }

    fn publish(&self, state: &mut State) {
        state.durable = self.log.last();
        state.bytes = self.log.bytes();
        state.taken = (self.taken.count(), self.taken.len(), self.cost);
        state.trouble.clone_from(&self.trouble);
        state.work_done = self.work_done;
        let (version, segments) = self.log.segments();
        if state.segments.0 != version {
            state.segments = (version, segments.iter().cloned().collect());
        }
    }

    fn tell(&self, status: &Status) {
        if let Some(on_change) = &self.on_change {
            on_change(status);
        }
    }

    /// Logs trouble when it begins, changes or lasts, and its end.
    fn say(&mut self, before: Option<&Trouble>) {
        let now = self.now();
        let Some(trouble) = &self.trouble else {
            if before.is_some() {
                info!(folder = %self.shared.folder.display(), last = self.log.last(), "the journal can be written again: what was waiting is on the disk, and records are taken");
            }
            return;
        };
        let is_due = matches!(self.log_limit.check(now), Verdict::Show { .. });
        if is_due || before.is_none_or(|before| before.cause != trouble.cause) {
            let (waiting, bytes) = (self.taken.count(), self.taken.len());
            error!(cause = trouble.cause.name(), waiting, bytes, "{trouble}");
        }
    }
}

/// Nobody may wait for one that has ended, however it has.
impl Drop for Committer {
    fn drop(&mut self) {
        // Who is told of the end may open the journal again.
        self.log.unlock();
        let (status, lost) = {
            let mut state = self.shared.lock();
            state.is_closing = true;
            state.has_ended = true;
            let lost = state.waiting.count() + self.taken.count();
            (state.status(), lost)
        };
        if lost > 0 {
            let folder = self.shared.folder.display();
            error!(%folder, records = lost, "the journal ends with records that it could not write: nobody was told that they are kept");
        }
        self.shared.ended.notify_all();
        self.tell(&status);
    }
}
