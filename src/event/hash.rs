//! Hashing of what comes from outside.
//!
//! Whoever knows how values are hashed could send many that collide, so that each look into a table
//! takes as long as the table is large. So the edge gives the process a seed that nobody knows. Nothing
//! that is reported depends on it; the groups of keys, which must be the same everywhere, do not use it.

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::quality::{FixedState, FoldHasher};

static SEED: AtomicU64 = AtomicU64::new(0);

/// From now on tables hash with this seed; those that there are keep theirs.
pub fn seed_hashes(seed: u64) {
    SEED.store(seed, Ordering::Relaxed);
}

/// Hashes the values of events, for one table.
#[derive(Clone, Debug)]
pub struct Seeded(FixedState);

impl Default for Seeded {
    fn default() -> Seeded {
        Seeded(FixedState::with_seed(SEED.load(Ordering::Relaxed)))
    }
}

impl BuildHasher for Seeded {
    type Hasher = FoldHasher<'static>;

    fn build_hasher(&self) -> FoldHasher<'static> {
        self.0.build_hasher()
    }
}
