//! An outbox in the store.
//!
//! Enters: alerts that a checkpoint has put into the store, read from there. Leaves: for each sink a queue
//! with the first of them in memory, and for the store what has come of attempts, by a [`Feed`].
//!
//! - An alert is sent only after the transaction that holds it, and it stays in the store until the one
//!   that holds its end. A crash in between makes it go out again, with the same id. This process sends
//!   none twice that was accepted: it reads the store in order of numbers and never goes back.
//! - How often an alert has failed and when it is to be tried again is in the store, so that it goes on
//!   there after a restart.
//! - Memory holds the first alerts of each sink, up to its limits; the rest waits in the store. When all of
//!   these are held back by failures, those behind them wait too.

mod feed;
mod queue;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use tracing::warn;

use crate::event::Timestamp;
use crate::store::Current;
use crate::watch;

use super::Lane;

pub use feed::{Change, Feed};
pub use queue::DurableQueue;

use feed::{News, Shared};

/// What an outbox in the store needs of what is around it.
pub struct Around {
    /// The state of the last commit.
    pub current: Current,
    /// Where alerts are read from it.
    pub reads: Reads,
    /// Called, from any thread, when there are changes to be taken where there were none.
    pub waker: Arc<dyn Fn() + Send + Sync>,
    /// Tells the time of the clock on the wall, for the times that are stored.
    pub now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

/// Where the store is read.
#[derive(Clone, Copy, Debug)]
pub enum Reads {
    /// On a thread that may wait for the disk.
    Aside,
    /// On the one that asks: in a simulation, which has no other.
    #[cfg(test)]
    Here,
}

/// The queue of each lane over what waits in the store, and what the one who writes the store needs.
pub fn durable(around: Around, lanes: Vec<Lane>) -> (Feed, Vec<DurableQueue>) {
    warn_of_others(&around.current, &lanes);
    let shared = Arc::new(Shared::new(around, lanes));
    let (news, receiver) = watch::channel(News::default());
    let queue = |place| DurableQueue::new(Arc::clone(&shared), place, receiver.clone());
    let queues = (0..shared.lanes.len()).map(queue).collect();
    (Feed::new(shared, news), queues)
}

/// What waits for a sink that there is not shall not be forgotten.
fn warn_of_others(current: &Current, lanes: &[Lane]) {
    for (sink, waiting) in current.get().lanes() {
        if !lanes.iter().any(|lane| lane.name == *sink) {
            warn!(%sink, alerts = waiting.alerts, "alerts wait for a sink that is not configured any more; they stay in the store");
        }
    }
}
