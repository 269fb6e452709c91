//! Where rows are found again that were stored.

use super::Space;

/// Rows that were stored, to be read one by one: those of keys that memory has no room for.
pub trait Shelf: Send + Sync {
    /// The value of a row as it was stored last; `None` when there is none, or when it can never be read
    /// again: then nothing can be said of its key any more, and who asked fails.
    ///
    /// It is called while events are matched, which wait for it. So trouble that may pass (a disk that cannot
    /// be read for a while) is for it to wait out.
    fn row(&self, space: Space, group: u16, key: &[u8]) -> Option<Vec<u8>>;
}
