//! The report for programs: one object.

use serde::Serialize;

use crate::diagnostic::{LineColumn, Span, Style};
use crate::event::Value;
use crate::testing::{Difference, Failure};

use super::{Ran, Results};

#[derive(Serialize)]
struct Report<'a> {
    tests: usize,
    passed: usize,
    failed: usize,
    /// The rules of which no test expects an alert.
    untested_rules: &'a [&'a str],
    cases: Vec<JsonCase<'a>>,
}

#[derive(Serialize)]
struct JsonCase<'a> {
    name: &'a str,
    #[serde(flatten)]
    place: Place<'a>,
    passed: bool,
    /// How many alerts came.
    alerts: usize,
    failures: Vec<JsonFailure<'a>>,
}

#[derive(Serialize)]
struct Place<'a> {
    file: &'a str,
    start: LineColumn,
}

#[derive(Serialize)]
struct JsonFailure<'a> {
    message: &'a str,
    #[serde(flatten)]
    place: Place<'a>,
    /// Other lines that matter.
    related: Vec<Related<'a>>,
    notes: &'a [String],
    differences: Vec<JsonDifference<'a>>,
    /// All of it, as people see it.
    text: String,
}

#[derive(Serialize)]
struct Related<'a> {
    message: &'a str,
    #[serde(flatten)]
    place: Place<'a>,
}

#[derive(Serialize)]
struct JsonDifference<'a> {
    path: &'a str,
    expected: &'a Value,
    /// What came.
    #[serde(skip_serializing_if = "Option::is_none")]
    came: Option<&'a Value>,
    /// Why there is no value.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<&'a str>,
    same: bool,
}

/// The report as text.
pub(super) fn report(results: &Results<'_>) -> anyhow::Result<String> {
    let report = Report {
        tests: results.ran.len(),
        passed: results.ran.len() - results.failed(),
        failed: results.failed(),
        untested_rules: &results.untested,
        cases: results.ran.iter().map(|ran| case(results, ran)).collect(),
    };
    Ok(serde_json::to_string_pretty(&report)? + "\n")
}

fn case<'a>(results: &'a Results<'_>, ran: &'a Ran<'_>) -> JsonCase<'a> {
    JsonCase {
        name: &ran.case.name,
        place: place(results, ran.case.name_span),
        passed: ran.outcome.passed(),
        alerts: ran.outcome.alerts,
        failures: ran.outcome.failures.iter().map(|one| failure(results, one)).collect(),
    }
}

fn failure<'a>(results: &'a Results<'_>, failure: &'a Failure) -> JsonFailure<'a> {
    let related = failure
        .secondary
        .iter()
        .map(|label| Related { message: &label.text, place: place(results, label.span) });
    JsonFailure {
        message: &failure.message,
        place: place(results, failure.primary.span),
        related: related.collect(),
        notes: &failure.notes,
        differences: failure.differences.iter().map(difference).collect(),
        text: failure.render(results.sources, Style::Plain),
    }
}

fn difference(difference: &Difference) -> JsonDifference<'_> {
    JsonDifference {
        path: &difference.path,
        expected: &difference.expected,
        came: difference.found.as_ref().ok(),
        missing: difference.found.as_ref().err().map(String::as_str),
        same: difference.is_same,
    }
}

fn place<'a>(results: &'a Results<'_>, span: Span) -> Place<'a> {
    let start = results.sources.line_column(span.file, span.start);
    Place { file: &results.sources.file(span.file).name, start }
}
