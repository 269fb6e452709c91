//! `tripline test`: do the rules report what their tests say?

mod json;
mod junit;
mod text;

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::diagnostic::Sources;
use crate::language::case::{Case, ExpectationKind};
use crate::program::{Mode, Program};
use crate::testing::{self, Outcome};

use super::rules::{self, Ready, RuleArgs};
use super::{Misuse, output};

/// Run the tests of rules
///
/// Runs every `test` block of the rules through the real engine on a virtual clock, and shows what
/// came of those that fail. Exits with 0 when all tests pass and with 1 when one fails.
#[derive(Debug, clap::Args)]
pub struct Test {
    #[command(flatten)]
    rules: RuleArgs,

    /// Run only the tests that have this text in their names
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,

    /// How to report: `text` for people, `junit` (XML) for CI systems, `json` for programs
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Junit,
    Json,
}

/// A test with what came of it.
struct Ran<'a> {
    case: &'a Case,
    outcome: Outcome,
    took: Duration,
}

/// What came of all tests.
struct Results<'a> {
    sources: &'a Sources,
    /// In the order of the files.
    ran: Vec<Ran<'a>>,
    /// The rules of which no test expects an alert; empty when only some tests were run.
    untested: Vec<&'a str>,
}

impl Test {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let compiled = rules::compile_for_tests(&self.rules.rules);
        let Ready { program, tables, sources } = compiled.show_and_take_all()?;
        let cases: Vec<&Case> = program.cases().iter().filter(|case| self.wants(case)).collect();
        if let Some(filter) = self.filter.as_ref().filter(|_| cases.is_empty()) {
            return Err(Misuse(format!("no test has {filter:?} in its name")).into());
        }
        let ran = cases.into_iter().map(|case| {
            let begun = Instant::now();
            let outcome = testing::run(&program, &tables.tables, &sources, case);
            Ran { case, outcome, took: begun.elapsed() }
        });
        let untested = if self.filter.is_none() { untested(&program) } else { Vec::new() };
        let results = Results { sources: &sources, ran: ran.collect(), untested };
        let report = match self.format {
            Format::Text => text::report(&results, output::style(&std::io::stdout())),
            Format::Junit => junit::report(&results)?,
            Format::Json => json::report(&results)?,
        };
        output::print(&report)?;
        Ok(if results.failed() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn wants(&self, case: &Case) -> bool {
        self.filter.as_ref().is_none_or(|text| case.name.contains(text.as_str()))
    }
}

impl Results<'_> {
    fn failed(&self) -> usize {
        self.ran.iter().filter(|ran| !ran.outcome.passed()).count()
    }

    /// The file that a test stands in.
    fn file(&self, case: &Case) -> &str {
        &self.sources.file(case.name_span.file).name
    }
}

/// The rules of which no test expects an alert.
fn untested(program: &Program) -> Vec<&str> {
    let expectations = program.cases().iter().flat_map(|case| &case.expectations);
    let expected: BTreeSet<&str> = expectations
        .filter_map(|expectation| match &expectation.kind {
            ExpectationKind::Alert(wanted) if wanted.times > 0 => Some(&*wanted.rule),
            _ => None,
        })
        .collect();
    let rules = program.rules().iter().filter(|rule| rule.mode != Mode::Off).map(|rule| &*rule.name);
    rules.filter(|rule| !expected.contains(rule)).collect()
}
