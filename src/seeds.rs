//! Tests that make everything of a seed: what happens, when, and what fails.
//!
//! They play as many seeds as [`cases`] says. `TRIPLINE_SEED` sets the first of them; a failure prints its own, so
//! that it can be played alone.

use std::env;
use std::ops::Range;
use std::thread;

use crate::cases::{VARIABLE, cases};

const FIRST: &str = "TRIPLINE_SEED";

/// The seeds that a test plays: few while code is being edited, many in `make test`.
pub(crate) fn seeds(few: u32, many: u32) -> Seeds {
    let first = env::var(FIRST)
        .map_or(1, |text| text.parse().unwrap_or_else(|_| panic!("{FIRST}={text} is no number")));
    Seeds(first..first + u64::from(cases(few, many)))
}

/// Seeds, in turn.
pub(crate) struct Seeds(Range<u64>);

impl Seeds {
    /// How many there are. Few of them show little, and nothing is to be expected of them.
    pub(crate) fn len(&self) -> u64 {
        self.0.end - self.0.start
    }
}

impl Iterator for Seeds {
    type Item = Seed;

    fn next(&mut self) -> Option<Seed> {
        Some(Seed { number: self.0.next()?, details: String::new() })
    }
}

/// A seed that is being played. It says which one it is when its test panics.
pub(crate) struct Seed {
    pub(crate) number: u64,
    /// What is to be said with it.
    pub(crate) details: String,
}

impl Drop for Seed {
    fn drop(&mut self) {
        if thread::panicking() {
            let Seed { number, details } = self;
            // The main thread runs tests where there is to be one at a time.
            let thread = thread::current();
            let test = thread.name().filter(|name| *name != "main").unwrap_or_default();
            eprintln!(
                "the seed is {number}{details}: {FIRST}={number} {VARIABLE}=1 cargo test --lib {test} plays it alone"
            );
        }
    }
}
