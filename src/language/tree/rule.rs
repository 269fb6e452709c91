//! Rules: their clauses and alerts.

use crate::diagnostic::Span;
use crate::event::Duration;

use super::{Expr, Match, Name, Overlap, Spanned};

/// `rule NAME { clauses }`
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its name.
    pub name: Name,
    /// The clauses in the order written.
    pub clauses: Vec<Clause>,
    /// Whether something in it could not be read as written, and was left out or guessed.
    pub has_unread: bool,
    /// The whole declaration.
    pub span: Span,
}

/// A clause of a rule with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Clause {
    /// What it says.
    pub kind: ClauseKind,
    /// The whole clause.
    pub span: Span,
}

/// What a clause says.
#[derive(Clone, Debug, PartialEq)]
pub enum ClauseKind {
    /// `about "…"`
    About(Spanned<String>),
    /// `tags a, b`
    Tags(Vec<Name>),
    /// `runbook "https://…"`
    Runbook(Spanned<String>),
    /// `by a, b` · `by logins.user = payments.account`
    By(Vec<KeyPart>),
    /// `event NAME = STREAM [where condition]`
    Event(EventDef),
    /// `match …`
    Match(Match),
    /// `overlap …`
    Overlap(Overlap),
    /// `alert …`
    Alert(Alert),
    /// `on timeout [after NAME] alert …`
    OnTimeout(OnTimeout),
    /// `to a, b`
    To(Vec<Name>),
    /// `limit N per DURATION [for each expression, …]`
    Limit(Limit),
    /// `max runs N` · `max events N`
    Max(Max),
    /// `mode shadow` · `mode off`; the word as written.
    Mode(Name),
}

/// One part of the key: a field by one name for all streams, or a field for each stream.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyPart {
    /// `card`: one entry without a stream. `logins.user = payments.account`: an entry for each.
    pub fields: Vec<KeyField>,
}

/// `field` or `stream.field`
#[derive(Clone, Debug, PartialEq)]
pub struct KeyField {
    /// The stream, when named.
    pub stream: Option<Name>,
    /// The field.
    pub field: Name,
}

/// `event NAME = STREAM [where condition]`
#[derive(Clone, Debug, PartialEq)]
pub struct EventDef {
    /// Its name.
    pub name: Name,
    /// The stream.
    pub stream: Name,
    /// What must hold of the event.
    pub condition: Option<Expr>,
}

/// `alert SEVERITY "title" { name = expression … }`
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// The severity as written.
    pub severity: Name,
    /// The title.
    pub title: Template,
    /// The fields in the order written.
    pub fields: Vec<AlertField>,
}

/// `name = expression`
#[derive(Clone, Debug, PartialEq)]
pub struct AlertField {
    /// Its name.
    pub name: Name,
    /// Its value.
    pub value: Expr,
}

/// A text with expressions in braces.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// Texts and expressions in turn.
    pub parts: Vec<TemplatePart>,
    /// The whole text with its quotes.
    pub span: Span,
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq)]
pub enum TemplatePart {
    /// Text as is.
    Text(String),
    /// The value of an expression.
    Expr(Expr),
}

/// `on timeout [after NAME] alert …`
#[derive(Clone, Debug, PartialEq)]
pub struct OnTimeout {
    /// `on timeout`
    pub span: Span,
    /// Only if this variable had captured something.
    pub after: Option<Name>,
    /// What to send.
    pub alert: Alert,
}

/// `limit N per DURATION [for each expression, …]`
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// How many.
    pub count: Spanned<i64>,
    /// Per how long.
    pub per: Spanned<Duration>,
    /// Kept apart for each value of these.
    pub for_each: Vec<Expr>,
}

/// `max runs N` · `max events N`
#[derive(Clone, Debug, PartialEq)]
pub struct Max {
    /// What is bounded.
    pub what: MaxKind,
    /// The bound.
    pub count: Spanned<i64>,
}

/// What `max` bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxKind {
    /// Live runs of a rule for one key.
    Runs,
    /// Events held by them.
    Events,
}
