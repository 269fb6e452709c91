//! Patterns: what a rule matches.

use crate::diagnostic::Span;
use crate::event::Duration;

use super::{Name, Spanned};

/// `match sequence [within DURATION]`
#[derive(Clone, Debug, PartialEq)]
pub struct Match {
    /// The pattern.
    pub pattern: Sequence,
    /// The time limit of the whole match.
    pub within: Option<Spanned<Duration>>,
}

/// Elements and absences one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Sequence {
    /// What it begins with.
    pub first: Element,
    /// What follows.
    pub rest: Vec<Part>,
    /// The whole sequence.
    pub span: Span,
}

/// What may follow the first element of a sequence.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// A link and the element that it joins.
    Step {
        /// The link.
        link: Link,
        /// The element.
        element: Element,
    },
    /// `then not x …` or `next not x`
    Absence(Absence),
}

/// `then`, `then any` or `next`, and its time limit.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// How the next element follows.
    pub kind: LinkKind,
    /// `within DURATION`: how long after the event taken before.
    pub within: Option<Spanned<Duration>>,
    /// The link without its element.
    pub span: Span,
}

/// How an element follows what was taken before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkKind {
    /// `then`: later; events that do not fit are skipped.
    Then,
    /// `then any`: any later one; taking and skipping are both tried.
    ThenAny,
    /// `next`: the very next event of the key.
    Next,
}

/// `then not NAME [for DURATION]` or `next not NAME`
#[derive(Clone, Debug, PartialEq)]
pub struct Absence {
    /// Whether it was written with `next`: only the very next event counts.
    pub next: bool,
    /// The event, or stream, that must not come.
    pub name: Name,
    /// `for DURATION`; never with `next`.
    pub duration: Option<Spanned<Duration>>,
    /// The whole absence.
    pub span: Span,
}

/// One element of a sequence: an atom, perhaps counted or optional.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    /// `optional`, or a count with its modifiers.
    pub quantifier: Option<Quantifier>,
    /// What is taken.
    pub atom: Atom,
    /// `until NAME`
    pub until: Option<Name>,
    /// The whole element.
    pub span: Span,
}

/// What stands before an atom.
#[derive(Clone, Debug, PartialEq)]
pub enum Quantifier {
    /// `optional`
    Optional(Span),
    /// `3`, `3+`, `3..5` with `lazy`, `consecutive`, `any` as written.
    Count(Spanned<Count>, Vec<Spanned<Modifier>>),
}

/// How often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// At least.
    pub min: u32,
    /// At most; `None`: any number.
    pub max: Option<u32>,
}

/// How the repetitions of a counted element follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modifier {
    /// Leaves the loop as soon as an event fits what follows.
    Lazy,
    /// Joined as with `next`.
    Consecutive,
    /// Joined as with `then any`.
    Any,
}

/// What an element takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Atom {
    /// An event definition or a stream, perhaps under another name.
    Name {
        /// The event or stream.
        name: Name,
        /// `as NAME`
        alias: Option<Name>,
    },
    /// `( … )`
    Group(Box<Group>),
    /// A counted element that is counted again: `2 3 a` is `2 (3 a)`.
    Element(Box<Element>),
}

/// `( alternatives [within DURATION] )`
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// How the branches are combined; meaningless for a single one.
    pub kind: GroupKind,
    /// One or more branches.
    pub branches: Vec<Sequence>,
    /// The time limit of the group.
    pub within: Option<Spanned<Duration>>,
    /// From parenthesis to parenthesis.
    pub span: Span,
}

/// How the branches of a group are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupKind {
    /// One of them.
    Or,
    /// All of them, in any order.
    And,
}

/// `overlap none | per start | all | resume at first v | resume at last v`
#[derive(Clone, Debug, PartialEq)]
pub enum Overlap {
    /// No event is in two matches.
    None,
    /// One match for each first event.
    PerStart,
    /// Every match.
    All,
    /// Go on from the first event captured as the variable.
    ResumeAtFirst(Name),
    /// Go on from the last event captured as the variable.
    ResumeAtLast(Name),
}
