//! Benches whose engines have no room for keys that are stored.

use std::ops::{Deref, DerefMut};

use crate::harness;
pub use crate::harness::{Edit, Restart, compile};

pub struct Bench(harness::Bench);

impl Bench {
    pub fn new(rules: &str) -> Bench {
        Bench(harness::Bench::cold(rules))
    }
}

impl Deref for Bench {
    type Target = harness::Bench;

    fn deref(&self) -> &harness::Bench {
        &self.0
    }
}

impl DerefMut for Bench {
    fn deref_mut(&mut self) -> &mut harness::Bench {
        &mut self.0
    }
}
