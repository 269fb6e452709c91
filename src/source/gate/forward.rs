//! Passes on to the engine what is durable.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tracing::error;

use crate::source::Input;
use crate::source::queue::Sender;
use crate::watch;

use super::backlog::{Backlog, Progress};

/// What waits until an entry of the journal is durable.
pub struct Waiting {
    /// The number of that entry.
    pub number: u64,
    /// What waits.
    pub input: Input,
    /// What is held until the engine's queue has it.
    pub _held: Option<Held>,
}

/// What is given back when the engine's queue has something, by dropping it.
pub enum Held {
    /// The room that it takes.
    Room(#[expect(dead_code, reason = "it is only held")] OwnedSemaphorePermit),
    /// Somebody who waits for that.
    Passing(#[expect(dead_code, reason = "it is only held")] oneshot::Sender<Infallible>),
}

/// Passes on to the engine what is durable.
pub struct Forwarder {
    line: mpsc::UnboundedReceiver<Waiting>,
    progress: watch::Receiver<Progress>,
    queue: Sender,
    backlog: Arc<Backlog>,
}

impl Forwarder {
    pub(super) fn new(
        line: mpsc::UnboundedReceiver<Waiting>,
        progress: watch::Receiver<Progress>,
        queue: Sender,
        backlog: Arc<Backlog>,
    ) -> Forwarder {
        Forwarder { line, progress, queue, backlog }
    }

    /// Until nobody holds the gate any more and all has been passed on, or the engine or the journal ends.
    pub async fn run(mut self) {
        let result = self.forward().await;
        self.backlog.oldest.store(i64::MAX, Ordering::Relaxed);
        self.line.close();
        let left = self.line.len();
        if let Err(batches) = result.map_err(|()| left + 1) {
            error!(batches, "left behind the journal: nobody was told that their records are kept");
        }
    }

    async fn forward(&mut self) -> Result<(), ()> {
        while let Some(Waiting { number, input, _held }) = self.line.recv().await {
            if let Input::Events { arrival, .. } = &input {
                self.backlog.oldest.store(arrival.as_micros(), Ordering::Relaxed);
            }
            let settled = self.progress.wait_for(|progress| progress.durable >= number || progress.has_ended);
            if settled.await.map_err(|_| ())?.durable < number {
                return Err(());
            }
            if self.queue.send(input).await.is_err() {
                return Ok(());
            }
            if self.line.is_empty() {
                self.backlog.oldest.store(i64::MAX, Ordering::Relaxed);
            }
        }
        Ok(())
    }
}
