//! The report for people.

use crate::diagnostic::Style;

use super::super::output::plural;
use super::{Ran, Results};

/// Most rules without a test that are named.
const MAX_NAMED: usize = 10;

/// One line a test, what is wrong with those that failed, and a summary.
pub(super) fn report(results: &Results<'_>, style: Style) -> String {
    let mut text = String::new();
    let mut file = "";
    for ran in &results.ran {
        let own = results.file(ran.case);
        if own != file {
            text.push_str(&format!("{own}\n"));
            file = own;
        }
        text.push_str(&format!("  {}  {}\n", verdict(ran, style), ran.case.name));
    }
    for ran in results.ran.iter().filter(|ran| !ran.outcome.passed()) {
        text.push_str(&format!("\n── {} ──\n", ran.case.name));
        for failure in &ran.outcome.failures {
            text.push_str(&format!("\n{}\n", failure.render(results.sources, style)));
        }
    }
    if !results.ran.is_empty() {
        text.push('\n');
    }
    text + &summary(results)
}

fn verdict(ran: &Ran<'_>, style: Style) -> &'static str {
    match (ran.outcome.passed(), style) {
        (true, Style::Plain) => "ok    ",
        (false, Style::Plain) => "FAILED",
        (true, Style::Coloured) => "\x1b[32mok\x1b[0m    ",
        (false, Style::Coloured) => "\x1b[1;31mFAILED\x1b[0m",
    }
}

fn summary(results: &Results<'_>) -> String {
    let failed = results.failed();
    let mut text = match (results.ran.len(), failed) {
        (0, _) => "the rules have no tests\n".to_owned(),
        (count, 0) => format!("{}: all passed\n", plural(count, "test")),
        (count, failed) => format!("{}: {} passed, {failed} failed\n", plural(count, "test"), count - failed),
    };
    let untested = &results.untested;
    if !untested.is_empty() {
        let mut names = untested.iter().take(MAX_NAMED).copied().collect::<Vec<_>>().join(", ");
        if untested.len() > MAX_NAMED {
            names.push_str(", …");
        }
        let have = if untested.len() == 1 { "has" } else { "have" };
        text.push_str(&format!(
            "hint: {} {have} no test that expects an alert: {names}\n",
            plural(untested.len(), "rule")
        ));
    }
    text
}
