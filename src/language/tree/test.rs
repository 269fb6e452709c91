//! Tests of rules.

use crate::diagnostic::Span;
use crate::event::Duration;

use super::{Expr, Name, Spanned};

/// `test "name" [from "…"] { steps }`
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// Its name.
    pub name: Spanned<String>,
    /// The time that offsets count from; 1970-01-01Z when left out.
    pub from: Option<Spanned<String>>,
    /// What happens, in order.
    pub steps: Vec<TestStep>,
    /// The whole declaration.
    pub span: Span,
}

/// A line of a test.
#[derive(Clone, Debug, PartialEq)]
pub struct TestStep {
    /// What it says.
    pub kind: TestStepKind,
    /// The whole line.
    pub span: Span,
}

/// What a line of a test says.
#[derive(Clone, Debug, PartialEq)]
pub enum TestStepKind {
    /// `at 90s STREAM { field: value, … }`
    Event {
        /// Offset of its time.
        at: Spanned<Duration>,
        /// The stream.
        stream: Name,
        /// Its fields.
        fields: Vec<(Name, Expr)>,
    },
    /// `restart`
    Restart,
    /// `stop`
    Stop,
    /// `expect RULE [× n] [timeout] { path: value, … }`
    ExpectAlert {
        /// The rule.
        rule: Name,
        /// How many; one when left out.
        times: Option<Spanned<i64>>,
        /// Whether a time-out is expected.
        timeout: bool,
        /// Paths in the alert, with their values.
        fields: Vec<(Spanned<Vec<PathPart>>, Expr)>,
    },
    /// `expect nothing`
    ExpectNothing,
    /// `expect nothing else`
    ExpectNothingElse,
    /// `expect late N`
    ExpectLate(Spanned<i64>),
}

/// A part of a path in an expectation: `events.big[0].id`
#[derive(Clone, Debug, PartialEq)]
pub enum PathPart {
    /// A name.
    Name(String),
    /// An index.
    Index(usize),
}
