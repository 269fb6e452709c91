//! Expressions.

use crate::diagnostic::Span;
use crate::event::Duration;

use super::{Name, Spanned};

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
