//! Reading off the threads of the runtime, a piece at a time.
//!
//! The system makes a thread wait that reads a file. A few pieces go round among all files of a
//! source, so that however many there are, as many reads as pieces are under way and no more memory
//! is held.

use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

/// Most bytes that are read at once.
const PIECE: usize = 256 << 10;
/// Most reads of a source that are under way.
const PIECES: usize = 4;

/// The pieces of a source.
#[derive(Clone, Debug)]
pub struct Pieces {
    free: Arc<Mutex<Vec<Vec<u8>>>>,
    places: Arc<Semaphore>,
}

/// A piece in use. It goes back when it is dropped.
#[derive(Debug)]
pub struct Piece {
    /// Its bytes; what of them is of use says who filled them.
    pub bytes: Vec<u8>,
    home: Arc<Mutex<Vec<Vec<u8>>>>,
    _place: OwnedSemaphorePermit,
}

impl Pieces {
    /// Pieces that nobody uses yet.
    pub fn new() -> Pieces {
        Pieces { free: Arc::default(), places: Arc::new(Semaphore::new(PIECES)) }
    }

    /// Does work that makes a thread wait, with a piece as soon as one is free.
    pub async fn fill<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut [u8]) -> T + Send + 'static,
    ) -> (Piece, T) {
        let place = Arc::clone(&self.places).acquire_owned().await.expect("it is never closed");
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let bytes = free.unwrap_or_else(|| vec![0; PIECE]);
        let mut piece = Piece { bytes, home: Arc::clone(&self.free), _place: place };
        away(move || {
            let done = work(&mut piece.bytes);
            (piece, done)
        })
        .await
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        self.home.lock().unwrap_or_else(PoisonError::into_inner).push(bytes);
    }
}

/// Does work on a thread that may wait.
pub async fn away<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match spawn_blocking(work).await {
        Ok(done) => done,
        // It is not cancelled, except when the runtime ends, and this with it.
        Err(failure) => resume_unwind(failure.into_panic()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pieces_go_round() {
        let pieces = Pieces::new();
        let mut held = Vec::new();
        for number in 0..PIECES {
            let (piece, length) = pieces.fill(move |bytes| (bytes[0] = number as u8, bytes.len()).1).await;
            assert_eq!(length, PIECE);
            held.push(piece);
        }
        assert_eq!(pieces.places.available_permits(), 0);
        drop(held);
        assert_eq!((pieces.places.available_permits(), pieces.free.lock().expect("whole").len()), (4, 4));
        let (_, old) = pieces.fill(|bytes| bytes[0]).await;
        assert_eq!(old, 3, "one of those there were");
    }
}
