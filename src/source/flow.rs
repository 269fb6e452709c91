//! Tells partitions to pause while what they have sent waits for others.
//!
//! The engine says which partitions are ahead while the reorder buffer is full; a partition that is
//! paused is not read, so that its sender has to wait, until the engine says otherwise.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::event::{PartitionId, StreamId};
use crate::watch;

/// A partition of a stream.
pub type Id = (StreamId, PartitionId);

/// Which partitions are paused.
#[derive(Debug)]
pub struct Flow {
    paused: Mutex<BTreeSet<Id>>,
    /// Counts the changes.
    changes: watch::Sender<u64>,
}

impl Default for Flow {
    fn default() -> Flow {
        Flow { paused: Mutex::default(), changes: watch::Sender::new(0) }
    }
}

impl Flow {
    /// From now on these are paused, and no others.
    pub fn pause(&self, paused: BTreeSet<Id>) {
        let mut held = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        if *held != paused {
            *held = paused;
            drop(held);
            self.changes.send_modify(|count| *count += 1);
        }
    }

    /// Whether a partition is paused.
    pub fn is_paused(&self, id: Id) -> bool {
        self.paused.lock().unwrap_or_else(PoisonError::into_inner).contains(&id)
    }

    /// Waits until a partition is not paused.
    pub async fn wait(&self, id: Id) {
        if !self.is_paused(id) {
            return;
        }
        let mut changes = self.changes.subscribe();
        while self.is_paused(id) {
            // The sender lives as long as `self`.
            let _ = changes.changed().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[tokio::test]
    async fn a_paused_partition_waits_until_it_is_let_go() {
        let flow = Arc::new(Flow::default());
        let [one, other] = [0, 1].map(|number| (StreamId(0), PartitionId(number)));
        flow.pause([one].into());
        flow.wait(other).await;
        let waiting = tokio::spawn({
            let flow = Arc::clone(&flow);
            async move { flow.wait(one).await }
        });
        tokio::task::yield_now().await;
        flow.pause([one, other].into());
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        flow.pause([other].into());
        waiting.await.expect("it was let go");
    }
}
