//! Whether the engine's thread moves.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Told by the engine's thread what it does. Clones are the same.
///
/// The thread comes to its next step several times a second, whether something comes or not; and it waits for
/// the shards' threads, so that it stands still when one of them does.
#[derive(Clone, Debug, Default)]
pub struct Pulse(Arc<Mutex<Doing>>);

/// What the engine's thread does.
#[derive(Clone, Copy, Debug, Default)]
enum Doing {
    /// It has not begun, or has ended.
    #[default]
    Nothing,
    /// It works since then.
    Step(Instant),
    /// It waits for others, who may take as long as they like: a sink without room, a disk.
    Waiting,
}

impl Pulse {
    /// The thread comes to its next step.
    pub fn beat(&self) {
        *self.lock() = Doing::Step(Instant::now());
    }

    /// The thread does something that may wait for others.
    pub fn wait<T>(&self, what: impl FnOnce() -> T) -> T {
        *self.lock() = Doing::Waiting;
        let done = what();
        self.beat();
        done
    }

    /// The thread has ended.
    pub fn end(&self) {
        *self.lock() = Doing::Nothing;
    }

    /// How long it has been at the same step; `None` while it does nothing or waits for others.
    pub fn still(&self) -> Option<Duration> {
        match *self.lock() {
            Doing::Step(since) => Some(since.elapsed()),
            Doing::Nothing | Doing::Waiting => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Doing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_who_works_stands_still() {
        let (pulse, minute) = (Pulse::default(), Duration::from_secs(60));
        assert_eq!(pulse.still(), None, "it has not begun");
        pulse.beat();
        tokio::time::advance(minute).await;
        assert_eq!(pulse.still(), Some(minute));
        assert_eq!(pulse.wait(|| pulse.still()), None);
        assert_eq!(pulse.still(), Some(Duration::ZERO), "it goes on");
        tokio::time::advance(minute).await;
        pulse.end();
        assert_eq!(pulse.still(), None);
    }
}
