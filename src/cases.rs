//! How much tests do: a part of it while code is being edited, all of it in `make test`.
//!
//! The variable `TRIPLINE_CASES` settles it. Unset, tests do little, so that `cargo test --lib` takes
//! seconds. `many`, which `make test` sets, has them do all that they can be relied on for. A number is
//! that of the random cases that each property tries: `TRIPLINE_CASES=100000` looks further.
//!
//! Tests that make everything of a seed play as many seeds. `TRIPLINE_SEED` sets the first of them, and is
//! what a failure prints, so that one can be played alone.

use std::env;
use std::ops::Range;
use std::thread;

const VARIABLE: &str = "TRIPLINE_CASES";
const FIRST: &str = "TRIPLINE_SEED";

/// How many random cases a property tries.
pub(crate) fn cases(few: u32, many: u32) -> u32 {
    match env::var(VARIABLE).as_deref() {
        Err(_) => few,
        Ok("many") => many,
        Ok(number) => number.parse().unwrap_or_else(|_| panic!("{VARIABLE}={number} is no number")),
    }
}

/// How large an input is that is not made by chance.
pub(crate) fn size<T>(small: T, large: T) -> T {
    if env::var(VARIABLE).is_ok_and(|cases| cases == "many") { large } else { small }
}

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
