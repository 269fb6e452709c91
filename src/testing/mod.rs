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
mod play;
mod record;
mod show;
mod trace;

use std::sync::Arc;

use crate::alert::Alert;
use crate::diagnostic::Sources;
use crate::language::case::{Case, Expectation, ExpectationKind, Wanted};
use crate::program::Program;
use crate::table::Tables;

use play::Played;

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
    let judge =
        Judge { program, tables, sources, case, played: &played, assigned: Vec::new(), taken: Vec::new() };
    let failures = judge.assign().failures();
    Outcome { failures, alerts: played.alerts.len() }
}

/// Holds what came of a test against what was expected.
struct Judge<'a> {
    program: &'a Arc<Program>,
    tables: &'a Arc<Tables>,
    sources: &'a Sources,
    case: &'a Case,
    played: &'a Played,
    /// For each expectation of alerts, those that satisfy it.
    assigned: Vec<Vec<usize>>,
    /// For each alert, whether it satisfies an expectation.
    taken: Vec<bool>,
}

impl<'a> Judge<'a> {
    /// Finds the alerts that satisfy the expectations.
    fn assign(mut self) -> Judge<'a> {
        let wanted: Vec<&Wanted> = self.wanted().map(|(_, wanted)| wanted).collect();
        let fits = wanted.iter().map(|wanted| self.fitting(wanted)).collect::<Vec<_>>();
        let counts: Vec<usize> = wanted.iter().map(|wanted| wanted.times as usize).collect();
        self.assigned = assign::assign(&counts, &fits, self.played.alerts.len());
        self.taken = vec![false; self.played.alerts.len()];
        self.assigned.iter().flatten().for_each(|alert| self.taken[*alert] = true);
        self
    }

    /// The expectations of alerts.
    fn wanted(&self) -> impl Iterator<Item = (&'a Expectation, &'a Wanted)> + use<'a> {
        self.case.expectations.iter().filter_map(|expectation| match &expectation.kind {
            ExpectationKind::Alert(wanted) => Some((expectation, wanted)),
            _ => None,
        })
    }

    /// The alerts that could satisfy an expectation.
    fn fitting(&self, wanted: &Wanted) -> Vec<usize> {
        let alerts = self.played.alerts.iter().enumerate();
        alerts.filter(|(_, alert)| self.fits(wanted, alert)).map(|(index, _)| index).collect()
    }

    fn fits(&self, wanted: &Wanted, alert: &Alert) -> bool {
        alert.rule == wanted.rule
            && alert.kind == wanted.kind
            && wanted
                .fields
                .iter()
                .all(|field| compare::found(self.program, self.case, alert, field).is_expected())
    }

    /// The alerts that satisfy no expectation.
    fn unexpected(&self) -> Vec<&'a Alert> {
        let alerts = self.played.alerts.iter().zip(&self.taken);
        alerts.filter(|(_, taken)| !**taken).map(|(alert, _)| alert).collect()
    }
}
