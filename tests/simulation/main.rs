//! Sources on a virtual clock: they are delayed, pause, jump ahead, break off and come back, and what
//! is reported depends on none of that beyond what `late` and `idle` say.
//!
//! [`scenarios`] tells what happens in single cases; [`chance`] plays many with numbers made from a
//! seed, which a failure prints: `TRIPLINE_SEED` sets the first seed, `TRIPLINE_CASES` how many.

mod chance;
#[allow(dead_code, reason = "every test program uses a part of it")]
#[path = "../property/random.rs"]
mod random;
mod scenarios;
#[path = "../common/seeds.rs"]
mod seeds;
mod world;
