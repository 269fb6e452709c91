//! What several threads see, for one that waits until something is so.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// How long a test waits for something that should come.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What is seen. Clones are the same.
#[derive(Debug, Default)]
pub struct Watched<T>(Arc<(Mutex<T>, Condvar)>);

impl<T> Clone for Watched<T> {
    fn clone(&self) -> Watched<T> {
        Watched(Arc::clone(&self.0))
    }
}

impl<T> Watched<T> {
    /// Notes something.
    pub fn change(&self, change: impl FnOnce(&mut T)) {
        change(&mut self.look());
        self.0.1.notify_all();
    }

    /// What is seen now.
    pub fn look(&self) -> MutexGuard<'_, T> {
        self.0.0.lock().expect("no test panics while it looks")
    }

    /// Waits until there is something; `None` when it does not come.
    pub fn wait<R>(&self, mut find: impl FnMut(&T) -> Option<R>) -> Option<R> {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = self.look();
        loop {
            if let Some(found) = find(&seen) {
                return Some(found);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            seen = self.0.1.wait_timeout(seen, left).expect("no test panics while it looks").0;
        }
    }
}
