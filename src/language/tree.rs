//! The syntax tree: a rule file as written, with places, before names and types are known.
//!
//! The parser makes it, the formatter prints it, the analysis reads it. It holds nothing that is
//! not in the text.

use std::collections::BTreeSet;

use crate::diagnostic::Span;
use crate::event::{Duration, FieldType};

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

/// An expression with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// `12`
    Int(i64),
    /// `3.5`
    Float(f64),
    /// `"text"`, its escapes resolved.
    Str(String),
    /// `10m`
    Duration(Duration),
    /// A bare name: field, `let`, parameter, variable, list.
    Name(String),
    /// `v.field`, `first(v).field`, `table[key].column`
    Field(Box<Expr>, Name),
    /// `table[key]`; several keys for a table with several key columns.
    Index(Box<Expr>, Vec<Expr>),
    /// `name(arguments)`, also aggregates.
    Call {
        /// The function.
        function: Name,
        /// The arguments.
        arguments: Vec<Expr>,
        /// `where condition` inside the parentheses (history only).
        condition: Option<Box<Expr>>,
        /// `over 10m` or `over previous 30d` (history only).
        over: Option<Over>,
    },
    /// `not x`, `-x`
    Unary(Spanned<UnaryOp>, Box<Expr>),
    /// Two operands.
    Binary(Box<Expr>, Spanned<BinaryOp>, Box<Expr>),
    /// `a and b and c`: two or more operands, so that a long chain is not a deep tree.
    And(Vec<Expr>),
    /// `a or b or c`: two or more operands.
    Or(Vec<Expr>),
    /// `x in set`, `x not in set`
    In {
        /// What is looked for.
        value: Box<Expr>,
        /// Where.
        set: InSet,
        /// Whether `not` stands before `in`.
        negated: bool,
    },
    /// `name like "abc*"`; the right side must be a constant text.
    Like(Box<Expr>, Box<Expr>),
    /// `name matches "regex"`; the right side must be a constant text.
    Matches(Box<Expr>, Box<Expr>),
    /// `x is missing` (true) or `x is present` (false)
    IsMissing(Box<Expr>, bool),
}

/// The expressions that an expression consists of, in order.
pub(crate) fn operands(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::Null | ExprKind::Bool(_) | ExprKind::Int(_) | ExprKind::Float(_) => Vec::new(),
        ExprKind::Str(_) | ExprKind::Duration(_) | ExprKind::Name(_) => Vec::new(),
        ExprKind::Field(of, _) | ExprKind::Unary(_, of) | ExprKind::IsMissing(of, _) => vec![of],
        ExprKind::Index(of, keys) => std::iter::once(&**of).chain(keys).collect(),
        ExprKind::Call { arguments, condition, .. } => arguments.iter().chain(condition.as_deref()).collect(),
        ExprKind::Binary(a, _, b) | ExprKind::Like(a, b) | ExprKind::Matches(a, b) => vec![a, b],
        ExprKind::And(operands) | ExprKind::Or(operands) => operands.iter().collect(),
        ExprKind::In { value, set: InSet::Values(values), .. } => {
            std::iter::once(&**value).chain(values).collect()
        }
        ExprKind::In { value, set: InSet::Expr(set), .. } => vec![value, set],
    }
}

/// The right side of `in`.
#[derive(Clone, Debug, PartialEq)]
pub enum InSet {
    /// `(1, 2, 3)`
    Values(Vec<Expr>),
    /// A list's name, or a text such as `"10.0.0.0/8"`.
    Expr(Box<Expr>),
}

/// `over 10m` · `over previous 30d`
#[derive(Clone, Debug, PartialEq)]
pub struct Over {
    /// Whether the current event is left out.
    pub previous: bool,
    /// How far back.
    pub duration: Spanned<Duration>,
}

/// An operator with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `not`
    Not,
    /// `-`
    Neg,
}

/// An operator with two operands; `and` and `or` have nodes of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `??`
    Default,
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Rem,
}

impl BinaryOp {
    /// The operator as written.
    pub const fn as_str(self) -> &'static str {
        match self {
            BinaryOp::Eq => "==",
            BinaryOp::Ne => "!=",
            BinaryOp::Lt => "<",
            BinaryOp::Le => "<=",
            BinaryOp::Gt => ">",
            BinaryOp::Ge => ">=",
            BinaryOp::Default => "??",
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::Mul => "*",
            BinaryOp::Div => "/",
            BinaryOp::Rem => "%",
        }
    }

    /// Whether it compares.
    pub const fn is_comparison(self) -> bool {
        use BinaryOp::{Eq, Ge, Gt, Le, Lt, Ne};
        matches!(self, Eq | Ne | Lt | Le | Gt | Ge)
    }
}

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
