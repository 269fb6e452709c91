//! Where the engine finds keys again that memory has no room for: in the last checkpoint.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tracing::error;

use crate::store::Current;
use crate::stored::{Shelf, Space};

/// How long to wait before it is tried again to read.
const AGAIN: Duration = Duration::from_secs(1);
/// Trouble is said at the first attempt, and then at every so many.
const SAID: u64 = 60;

/// How much memory what is held for keys may take, and where it is besides.
#[derive(Clone)]
pub struct Memory {
    /// So many bytes.
    pub limit: usize,
    /// The state of the last checkpoint.
    pub shelf: Arc<dyn Shelf>,
}

impl Memory {
    /// At most so many bytes, for the engine whose checkpoints are there.
    pub fn new(limit: u64, current: Current) -> Memory {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Memory { limit, shelf: Arc::new(LastCheckpoint(current)) }
    }
}

/// The state of the last checkpoint.
struct LastCheckpoint(Current);

impl Shelf for LastCheckpoint {
    fn row(&self, space: Space, group: u16, key: &[u8]) -> Option<Vec<u8>> {
        let mut attempts = 0_u64;
        loop {
            match self.0.get().row(space.number(), group, key) {
                Ok(row) => return row,
                Err(error) if error.is_temporary() => {
                    if attempts.is_multiple_of(SAID) {
                        error!(%error, "a key cannot be brought back into memory, and events wait for it; this is tried again each second");
                    }
                    attempts += 1;
                    thread::sleep(AGAIN);
                }
                Err(error) => {
                    error!(%error, "a key cannot be brought back into memory, ever: the service cannot go on");
                    return None;
                }
            }
        }
    }
}
