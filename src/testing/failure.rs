//! What is wrong, told so that one sees it in the test.

use crate::diagnostic::{Label, Sources, Span, Style, render_finding};
use crate::event::Value;

use super::show;

/// Most places that one failure points at.
const MAX_LABELS: usize = 20;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// What, in one sentence without a full stop.
    pub message: String,
    /// The line that it is about, or the name of the test.
    pub primary: Label,
    /// Other lines of the test that matter.
    pub secondary: Vec<Label>,
    /// What else there is to know, one or several lines each.
    pub notes: Vec<String>,
    /// How the nearest alert differs from the expected one, if there is one.
    pub differences: Vec<Difference>,
}

/// A place of an alert with what was expected there and what came.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The path as written.
    pub path: String,
    /// What was expected.
    pub expected: Value,
    /// What came; or why there is no value.
    pub found: Result<Value, String>,
    /// Both in words.
    pub(super) shown: [String; 2],
    /// Whether that is as expected.
    pub is_same: bool,
}

impl Failure {
    pub(super) fn new(message: String, span: Span, label: &str) -> Failure {
        Failure {
            message,
            primary: Label { span, text: label.to_owned() },
            secondary: Vec::new(),
            notes: Vec::new(),
            differences: Vec::new(),
        }
    }

    /// Adds a place, unless there are enough of them.
    pub(super) fn also(&mut self, span: Span, text: String) {
        if self.secondary.len() < MAX_LABELS {
            self.secondary.push(Label { span, text });
        }
    }

    /// The failure with the lines of the test that it is about.
    pub fn render(&self, sources: &Sources, style: Style) -> String {
        let mut notes = self.notes.clone();
        if let (Some(first), false) = (notes.first_mut(), self.differences.is_empty()) {
            first.push_str(&format!("\n{}", self.table()));
        }
        render_finding(&self.message, &self.primary, &self.secondary, &notes, sources, style)
    }

    /// What was expected beside what came.
    fn table(&self) -> String {
        let mut rows = vec![["", "", "expected", "came"].map(str::to_owned)];
        for difference in &self.differences {
            let mark = if difference.is_same { "" } else { "≠" };
            let [expected, came] = difference.shown.clone();
            rows.push([mark.to_owned(), difference.path.clone(), expected, came]);
        }
        show::table(&rows)
    }
}
