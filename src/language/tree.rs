//! The syntax tree: a rule file as written, with places, before names and types are known.
//!
//! The parser makes it, the formatter prints it, the analysis reads it. It holds nothing that is
//! not in the text.

mod expression;
mod pattern;
mod rule;
mod test;

use std::collections::BTreeSet;

use crate::diagnostic::Span;
use crate::event::{Duration, FieldType};

pub(crate) use expression::operands;
pub use expression::{BinaryOp, Expr, ExprKind, InSet, Over, UnaryOp};
pub use pattern::{
    Absence, Atom, Count, Element, Group, GroupKind, Link, LinkKind, Match, Modifier, Overlap, Part,
    Quantifier, Sequence,
};
pub use rule::{
    Alert, AlertField, Clause, ClauseKind, EventDef, KeyField, KeyPart, Limit, Max, MaxKind, OnTimeout, Rule,
    Template, TemplatePart,
};
pub use test::{PathPart, Test, TestStep, TestStepKind};

/// Something with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Spanned<T> {
    /// The thing.
    pub node: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// `node` at `span`.
    pub fn new(node: T, span: Span) -> Spanned<T> {
        Spanned { node, span }
    }
}

/// A name with its place.
pub type Name = Spanned<String>;

/// One file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct File {
    /// The declarations in the order written.
    pub items: Vec<Item>,
    /// The comments in the order written; those in the braces of a title are not kept.
    pub comments: Vec<Comment>,
    /// What could not be read.
    pub unread: Unread,
}

/// From `#` to the end of its line.
#[derive(Clone, Debug, PartialEq)]
pub struct Comment {
    /// What it says, with its `#` and without space at its end.
    pub text: String,
    /// Whether it stands on a line of its own.
    pub own_line: bool,
    /// Where it stands.
    pub span: Span,
}

/// What could not be read, which has been reported: what follows from it need not be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Unread {
    /// Names that were probably given there.
    pub names: BTreeSet<String>,
    /// Places of types that do not exist, and for which another stands in the tree.
    pub types: BTreeSet<Span>,
}

/// A declaration.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// `stream …`
    Stream(Stream),
    /// `list …`
    List(List),
    /// `table …`
    Table(Table),
    /// `let …`
    Let(Let),
    /// `def …`
    Def(Def),
    /// `rule …`
    Rule(Rule),
    /// `test …`
    Test(Test),
}

/// `stream NAME [time …] [late …] [idle …] { fields }` or `stream NAME from RULE`
#[derive(Clone, Debug, PartialEq)]
pub struct Stream {
    /// Its name.
    pub name: Name,
    /// `time FIELD` or `time arrival`; the same as arrival when left out.
    pub time: Option<TimeClause>,
    /// `late DURATION`
    pub late: Option<Spanned<Duration>>,
    /// `idle DURATION`
    pub idle: Option<Spanned<Duration>>,
    /// Fields, or the rule whose alerts it carries.
    pub body: StreamBody,
    /// The whole declaration.
    pub span: Span,
}

/// What follows `time` in a stream's head.
#[derive(Clone, Debug, PartialEq)]
pub enum TimeClause {
    /// A field of the stream.
    Field(Name),
    /// The moment of arrival.
    Arrival(Span),
}

impl TimeClause {
    /// Where the field or the word `arrival` stands.
    pub fn span(&self) -> Span {
        match self {
            TimeClause::Field(name) => name.span,
            TimeClause::Arrival(span) => *span,
        }
    }
}

/// What a stream consists of.
#[derive(Clone, Debug, PartialEq)]
pub enum StreamBody {
    /// Declared fields.
    Fields(Vec<Field>),
    /// The alerts of a rule.
    Rule(Name),
}

/// `NAME TYPE[?] [from "a.b.c"]`
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: Spanned<FieldType>,
    /// Whether `?` follows the type.
    pub optional: bool,
    /// The path after `from`, as written.
    pub from: Option<Spanned<String>>,
}

/// `list NAME TYPE from "file"`
#[derive(Clone, Debug, PartialEq)]
pub struct List {
    /// Its name.
    pub name: Name,
    /// Type of the entries.
    pub ty: Spanned<FieldType>,
    /// The file, as written.
    pub file: Spanned<String>,
}

/// `table NAME from "file.csv" { key FIELD TYPE, FIELD TYPE … }`
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Its name.
    pub name: Name,
    /// The file, as written.
    pub file: Spanned<String>,
    /// The columns; those marked `key` first or last as written.
    pub columns: Vec<Column>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Whether `key` stands before it.
    pub key: bool,
    /// Name, type and whether it may be empty.
    pub field: Field,
}

/// `let NAME = expression`
#[derive(Clone, Debug, PartialEq)]
pub struct Let {
    /// Its name.
    pub name: Name,
    /// Its value.
    pub value: Expr,
    /// The whole declaration.
    pub span: Span,
}

/// `def NAME(parameter type, …) = expression`
#[derive(Clone, Debug, PartialEq)]
pub struct Def {
    /// Its name.
    pub name: Name,
    /// Parameters with their types.
    pub parameters: Vec<Parameter>,
    /// What it yields.
    pub body: Expr,
    /// The whole declaration.
    pub span: Span,
}

/// A parameter of a `def`.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: Spanned<FieldType>,
}
