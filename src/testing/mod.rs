//! Tests of rules: their events through the real engine on a virtual clock, and what came of it
//! held against what was expected.
//!
//! Enters: a compiled rule set and one of its tests. Leaves: what is wrong, with the places in the
//! test and, where an alert is missing, how far the nearest partial match had come and why it went
//! no further.
//!
//! - Each stream of a test has one partition. It is open from the beginning and ends after the last
//!   line of the stream, so that lines of several streams may be written in any order, while lines of
//!   one stream may come late as they would in production.
//! - The wall clock stands at the greatest time that a line has had so far.
//! - A test always ends: it has as many events as lines, and gives up at [`MAX_ALERTS`] alerts.

mod assign;
mod compare;
mod explain;
mod failure;
mod judge;
mod play;
#[cfg(feature = "service")]
pub mod playground;
mod record;
mod show;
mod trace;
mod why;

use std::sync::Arc;

use crate::diagnostic::Sources;
use crate::language::case::Case;
use crate::program::Program;
use crate::table::Tables;

use judge::Judge;

pub use failure::{Difference, Failure};

/// Most alerts that a test may raise.
pub const MAX_ALERTS: usize = 10_000;

/// What came of a test.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What is wrong; nothing if the test passed.
    pub failures: Vec<Failure>,
    /// How many alerts came.
    pub alerts: usize,
}

impl Outcome {
    /// Whether everything came as expected.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

/// Runs a test of this program, which was compiled from these sources, with these contents of its lists
/// and tables. A program that was compiled by [`Program::compile_for_tests`] tells most about what did
/// not come.
///
/// # Panics
/// When the test, the sources or the tables are those of another program: a mistake in the caller.
pub fn run(program: &Arc<Program>, tables: &Arc<Tables>, sources: &Sources, case: &Case) -> Outcome {
    let played = play::play(program, tables, case);
    let failures = Judge::new(program, tables, sources, case, &played).failures();
    Outcome { failures, alerts: played.alerts.len() }
}
