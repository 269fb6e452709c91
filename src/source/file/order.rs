//! Opens many partitions before the first is read.
//!
//! What is read of one partition moves event time while the others are unknown, and what they have to
//! say would be late. So partitions that begin together begin in order, and then read together.

use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

/// The place of a partition among those that begin together.
#[derive(Debug)]
pub struct Turn {
    begun: oneshot::Sender<()>,
    go: watch::Receiver<bool>,
}

impl Turn {
    /// The partition has begun: lets the next one begin, and waits until all have.
    pub async fn wait(mut self) {
        // When nobody waits for this, nobody waits for what follows either.
        let _ = self.begun.send(());
        let _ = self.go.wait_for(|go| *go).await;
    }
}

/// Starts a task for each item. One begins when the one before has called [`Turn::wait`] or has
/// ended; what comes after [`Turn::wait`] begins when all have.
pub async fn begin_together<I, T, F>(items: impl IntoIterator<Item = I>, tasks: &mut JoinSet<()>, mut task: T)
where
    T: FnMut(I, Turn) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let (all, go) = watch::channel(false);
    for item in items {
        let (begun, ready) = oneshot::channel();
        tasks.spawn(task(item, Turn { begun, go: go.clone() }));
        // An error means that it has ended already.
        let _ = ready.await;
    }
    all.send_replace(true);
}

/// Waits until all have ended.
///
/// # Panics
/// When one of them has.
pub async fn join(mut tasks: JoinSet<()>) {
    while let Some(done) = tasks.join_next().await {
        // Nobody cancels them but the end of the runtime.
        if let Err(failure) = done
            && failure.is_panic()
        {
            std::panic::resume_unwind(failure.into_panic());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[tokio::test]
    async fn all_begin_in_order_before_one_goes_on() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = JoinSet::new();
        begin_together(0..3, &mut tasks, |item, turn| {
            let seen = Arc::clone(&seen);
            async move {
                tokio::task::yield_now().await;
                seen.lock().expect("no panic").push(("begins", item));
                if item != 1 {
                    turn.wait().await;
                    seen.lock().expect("no panic").push(("goes on", item));
                }
            }
        })
        .await;
        while tasks.join_next().await.is_some() {}
        let mut seen = seen.lock().expect("no panic").clone();
        seen[3..].sort_unstable();
        let begins = [("begins", 0), ("begins", 1), ("begins", 2)];
        assert_eq!((&seen[..3], &seen[3..]), (&begins[..], &[("goes on", 0), ("goes on", 2)][..]));
    }
}
