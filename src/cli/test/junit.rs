//! The report for CI systems: JUnit XML as Jenkins, GitLab and others read it, one suite a file.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::diagnostic::Style;

use super::{Ran, Results};

/// The report as text.
pub(super) fn report(results: &Results<'_>) -> anyhow::Result<String> {
    let mut report = Report::new("tripline test");
    let mut of_file: Option<TestSuite> = None;
    for ran in &results.ran {
        let file = results.file(ran.case);
        if of_file.as_ref().is_some_and(|suite| suite.name.as_str() != file) {
            report.add_test_suites(of_file.take());
        }
        of_file.get_or_insert_with(|| TestSuite::new(file)).add_test_case(case(results, ran));
    }
    report.add_test_suites(of_file);
    report.set_time(results.ran.iter().map(|ran| ran.took).sum());
    Ok(report.to_string()?)
}

fn case(results: &Results<'_>, ran: &Ran<'_>) -> TestCase {
    let file = results.file(ran.case);
    let mut status = TestCaseStatus::success();
    if let Some(first) = ran.outcome.failures.first() {
        status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        let shown = ran.outcome.failures.iter().map(|failure| failure.render(results.sources, Style::Plain));
        status
            .set_message(first.message.as_str())
            .set_type("failure")
            .set_description(shown.collect::<Vec<_>>().join("\n\n"));
    }
    let mut case = TestCase::new(ran.case.name.as_str(), status);
    case.set_classname(class(file)).set_time(ran.took);
    let line = results.sources.line_column(ran.case.name_span.file, ran.case.name_span.start).line;
    case.extra.insert("file".into(), file.into());
    case.extra.insert("line".into(), line.to_string().into());
    case
}

/// The name of a file as that of a class, by which CI systems group tests: `rules.fraud.card_testing`.
fn class(file: &str) -> String {
    let name = file.strip_suffix(".trip").unwrap_or(file);
    let name = name.strip_suffix(".test").unwrap_or(name);
    name.trim_start_matches(['.', '/']).replace('/', ".")
}
