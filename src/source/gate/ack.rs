//! Tells a client how many of its records have been accepted.
//!
//! Enters: how many records of a connection have been dealt with, and the entry of the journal that has to
//! be durable before that may be said. Leaves: lines with the count so far. What is due together is said
//! once, with the last count.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::watch;

use super::Gate;
use super::backlog::Progress;

/// How long a client may take to receive a line.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where counts come in. When it is dropped, the connection has ended.
#[derive(Debug)]
pub struct Acks(Arc<Shared>);

/// Where they come out.
#[derive(Debug)]
pub struct Acknowledging {
    shared: Arc<Shared>,
    progress: watch::Receiver<Progress>,
}

#[derive(Debug)]
struct Shared {
    due: Mutex<Due>,
    news: Notify,
    progress: watch::Receiver<Progress>,
}

/// Counts that have not been said, each with the entry that it waits for.
#[derive(Debug, Default)]
struct Due {
    counts: VecDeque<(u64, u64)>,
    has_ended: bool,
}

impl Due {
    /// The last count that may be said, and whether another may follow.
    fn take(&mut self, durable: u64) -> (Option<u64>, bool) {
        let mut last = None;
        while let Some((_, count)) = self.counts.pop_front_if(|(number, _)| *number <= durable) {
            last = Some(count);
        }
        (last, !self.has_ended || !self.counts.is_empty())
    }
}

/// The two ends for a connection whose records go through a gate.
pub fn acks(gate: &Gate) -> (Acks, Acknowledging) {
    let progress = gate.0.progress.clone();
    let shared = Shared { due: Mutex::default(), news: Notify::new(), progress: progress.clone() };
    let shared = Arc::new(shared);
    (Acks(Arc::clone(&shared)), Acknowledging { shared, progress })
}

impl Shared {
    fn due(&self) -> MutexGuard<'_, Due> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Acks {
    /// So many records in all have been dealt with, as soon as an entry of the journal is durable.
    pub fn push(&self, number: u64, count: u64) {
        let durable = self.0.progress.borrow().durable;
        let mut due = self.0.due();
        // A client that does not read its counts must not make them pile up.
        while due.counts.len() > 1 && due.counts[1].0 <= durable {
            due.counts.pop_front();
        }
        match due.counts.back_mut() {
            Some((last, known)) if *last == number => *known = count,
            _ => due.counts.push_back((number, count)),
        }
        drop(due);
        self.0.news.notify_one();
    }
}

impl Drop for Acks {
    fn drop(&mut self) {
        self.0.due().has_ended = true;
        self.0.news.notify_one();
    }
}

impl Acknowledging {
    /// Writes counts until the connection has ended and the last has been written, and then ends what is
    /// written.
    ///
    /// # Errors
    /// When the client does not take them.
    pub async fn write(mut self, mut to: impl AsyncWrite + Unpin) -> io::Result<()> {
        let mut said = 0;
        loop {
            let (durable, has_ended) = {
                let progress = self.progress.borrow_and_update();
                (progress.durable, progress.has_ended)
            };
            let (count, goes_on) = self.shared.due().take(durable);
            if let Some(count) = count.filter(|count| *count > said) {
                let line = format!("{count}\n");
                let written = async { to.write_all(line.as_bytes()).await.and(to.flush().await) };
                timeout(PATIENCE, written).await.map_err(|_| io::ErrorKind::TimedOut)??;
                said = count;
            }
            if !goes_on || has_ended {
                return timeout(PATIENCE, to.shutdown()).await.map_err(|_| io::ErrorKind::TimedOut)?;
            }
            tokio::select! {
                biased;
                () = self.shared.news.notified() => {}
                changed = self.progress.changed() => if changed.is_err() { return Ok(()) },
            }
        }
    }
}
