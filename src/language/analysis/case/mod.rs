//! Tests: events and expectations with their names resolved and their values settled.
//!
//! Enters: the trees of tests, the names that all files share and the rules that have been checked.
//! Leaves: tests that can be run. A mistake in one line does not hide those of others.

mod alert;
mod event;
mod expect;
mod value;

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::codes::{E0106, E0403, E0447, E0448, W0550};
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::event::Timestamp;
use crate::language::case::{Case, Expectation, ExpectationKind, Step};
use crate::language::checked::Rule;
use crate::language::tree::{self, TestStepKind};

use super::scope::{Declarations, Globals};

/// Most lines of a test.
pub const MAX_LINES: usize = 10_000;
/// Most expectations of a test.
pub const MAX_EXPECTATIONS: usize = 1_000;

/// What the lines of all tests can see.
#[derive(Clone, Copy)]
struct Sight<'g, 't> {
    globals: &'g Globals<'t>,
    /// The rules without a mistake, sorted by name.
    rules: &'g [Rule],
    /// Every rule that is declared.
    declared: &'g [&'t tree::Rule],
    /// Names of streams that are made of a rule's alerts, with the rule.
    derived: &'g BTreeMap<&'t str, &'t str>,
}

/// Checks all tests; what is wrong is reported.
pub(super) fn check<'t>(
    declarations: &Declarations<'t>,
    globals: &Globals<'t>,
    rules: &[Rule],
    diagnostics: &mut Diagnostics,
) -> Vec<Case> {
    let derived = declarations.derived.iter().filter_map(|stream| match &stream.body {
        tree::StreamBody::Rule(rule) => Some((stream.name.node.as_str(), rule.node.as_str())),
        tree::StreamBody::Fields(_) => None,
    });
    let derived = derived.collect();
    let sight = Sight { globals, rules, declared: &declarations.rules, derived: &derived };
    let mut names: BTreeMap<&str, Span> = BTreeMap::new();
    let mut cases = Vec::new();
    for test in &declarations.tests {
        if diagnostics.is_full() {
            break;
        }
        if let Some(first) = names.insert(&test.name.node, test.name.span) {
            diagnostics.push(
                Diagnostic::new(E0106, test.name.span, format!("two tests are called {:?}", test.name.node))
                    .also(first, "the first of them")
                    .help("give one of them another name: reports call them by it"),
            );
        }
        cases.extend(CaseChecker { sight, diagnostics }.check(test));
    }
    cases
}

/// Checks one test.
struct CaseChecker<'c, 'g, 't> {
    sight: Sight<'g, 't>,
    diagnostics: &'c mut Diagnostics,
}

impl<'t> CaseChecker<'_, '_, 't> {
    fn check(mut self, test: &'t tree::Test) -> Option<Case> {
        if let Some(beyond) = test.steps.get(MAX_LINES) {
            let message = format!("a test may have at most {MAX_LINES} lines");
            let help = "replay recorded events instead: `tripline replay`";
            self.diagnostics.push(Diagnostic::new(E0403, beyond.span, message).help(help));
            return None;
        }
        let base = self.base(test);
        let mut case = Case {
            name: test.name.node.clone(),
            name_span: test.name.span,
            base: base.unwrap_or_default(),
            steps: Vec::new(),
            stops: false,
            expectations: Vec::new(),
        };
        let mut stopped: Option<Span> = None;
        for step in &test.steps {
            if let (Some(stop), Some(what)) = (stopped, happens(&step.kind)) {
                self.diagnostics.push(
                    Diagnostic::new(E0447, step.span, format!("{what} behind `stop`"))
                        .also(stop, "the test stops here")
                        .help("nothing happens after it: make `stop` the last line, or put `expect` lines alone behind it"),
                );
            }
            match &step.kind {
                TestStepKind::Event { at, stream, fields } => {
                    let given = self.event(at, stream, fields, base);
                    case.steps.extend(given.map(Step::Event));
                }
                TestStepKind::Restart => case.steps.push(Step::Restart),
                TestStepKind::Stop => {
                    stopped.get_or_insert(step.span);
                    case.stops = true;
                }
                kind => case.expectations.extend(self.expectation(kind, step.span, case.base)),
            }
        }
        self.expectations_fit(test, &case.expectations);
        Some(case)
    }

    /// The time that offsets count from; `None` when it cannot be read, which is reported.
    fn base(&mut self, test: &tree::Test) -> Option<Timestamp> {
        let Some(from) = &test.from else { return Some(Timestamp::default()) };
        let time = Timestamp::parse(&from.node);
        if time.is_none() {
            let message = format!("{:?} is no time", from.node);
            let help = "write it as RFC 3339 text with its offset from UTC: `\"2026-03-01T08:00:00Z\"`";
            self.diagnostics.push(Diagnostic::new(E0448, from.span, message).help(help));
        }
        time
    }

    /// Reports expectations that cannot all hold, too many of them, or none.
    fn expectations_fit(&mut self, test: &tree::Test, expectations: &[Expectation]) {
        let lines = || test.steps.iter().filter(|step| happens(&step.kind).is_none());
        if lines().next().is_none() {
            let message = format!("the test {:?} expects nothing in particular", test.name.node);
            self.diagnostics.push(
                Diagnostic::new(W0550, test.name.span, message)
                    .label("it could not fail")
                    .help("add a line such as `expect nothing` or `expect some_rule`"),
            );
        }
        if let Some(beyond) = lines().nth(MAX_EXPECTATIONS) {
            let message = format!("a test may have at most {MAX_EXPECTATIONS} expectations");
            let help = "split the test, or count alerts that are alike: `expect some_rule × 20`";
            self.diagnostics.push(Diagnostic::new(E0403, beyond.span, message).help(help));
        }
        let find = |wanted: fn(&ExpectationKind) -> bool| expectations.iter().find(|one| wanted(&one.kind));
        let nothing = find(|kind| matches!(kind, ExpectationKind::Nothing));
        let alert = find(|kind| matches!(kind, ExpectationKind::Alert(wanted) if wanted.times > 0));
        if let (Some(nothing), Some(alert)) = (nothing, alert) {
            self.diagnostics.push(
                Diagnostic::new(E0447, nothing.span, "nothing and an alert cannot both come")
                    .also(alert.span, "an alert is expected here")
                    .help("write `expect nothing else`"),
            );
        }
        let mut numbers = BTreeSet::new();
        let late = expectations.iter().filter(|one| match one.kind {
            ExpectationKind::Late(count) => numbers.insert(count),
            _ => false,
        });
        if let [first, second, ..] = late.collect::<Vec<_>>().as_slice() {
            self.diagnostics.push(
                Diagnostic::new(E0447, second.span, "how many events come late is given twice")
                    .also(first.span, "first given here")
                    .help("keep one of the two: the number is of the whole test"),
            );
        }
    }
}

/// What a line lets happen, in words; `None` for an expectation.
fn happens(kind: &TestStepKind) -> Option<&'static str> {
    match kind {
        TestStepKind::Event { .. } => Some("an event"),
        TestStepKind::Restart => Some("a restart"),
        TestStepKind::Stop => Some("another `stop`"),
        _ => None,
    }
}
