//! The typed expression.

use std::sync::Arc;

use hashbrown::HashSet;
use ipnet::IpNet;

use super::aggregate::{FieldSource, RegisterId};
use super::functions::Function;
use super::history::HistoryId;
use super::wildcard::Wildcard;
use crate::event::{FieldId, Type, Value};
use crate::table::{ColumnId, TableId};

/// An expression whose names and types are settled.
#[derive(Clone, Debug)]
pub enum Expr {
    /// A constant.
    Const(Value),
    /// A field of the event being looked at.
    Field(FieldId),
    /// The event time of the event being looked at.
    Time,
    /// A part of the key.
    Key(u32),
    /// What is kept of the captured events.
    Register(RegisterId),
    /// An aggregate over the past of a stream.
    History(HistoryId),
    /// In the condition of such an aggregate: what it reads of the past event, and its type.
    Past(FieldSource, Type),
    /// `not x`
    Not(Box<Expr>),
    /// `-x`
    Neg(Box<Expr>),
    /// An integer where a float is wanted.
    ToFloat(Box<Expr>),
    /// `a and b and …`
    And(Box<[Expr]>),
    /// `a or b or …`
    Or(Box<[Expr]>),
    /// `a < b`
    Compare(Comparison, Box<(Expr, Expr)>),
    /// `a + b`
    Arithmetic(Arithmetic, Box<(Expr, Expr)>),
    /// The first operand that is not null: `a ?? b`, `coalesce(a, b, …)`.
    Coalesce(Box<[Expr]>),
    /// `if(condition, a, b)`
    If(Box<(Expr, Expr, Expr)>),
    /// `x in (…)` where every member is constant and none is null.
    InSet(Box<Expr>, Arc<HashSet<Value, foldhash::fast::FixedState>>),
    /// `x in (…)` with members to be computed.
    InList(Box<Expr>, Box<[Expr]>),
    /// `x in trusted_devices`
    InTable(Box<Expr>, TableRef),
    /// `merchants[merchant].risk`: the key, and the column that is read.
    Lookup(Box<[Expr]>, TableRef, ColumnId),
    /// `address in "10.0.0.0/8"`
    InNetworks(Box<Expr>, Box<[IpNet]>),
    /// `name like "abc*"`
    Like(Box<Expr>, Arc<Wildcard>),
    /// `name matches "regex"`
    Matches(Box<Expr>, Arc<regex::Regex>),
    /// `x is missing`
    IsMissing(Box<Expr>),
    /// A function whose arguments are computed first; a null argument makes the result null.
    Call(&'static Function, Box<[Expr]>),
}

/// A list or table that an expression reads. Its contents may change while rules run, so that nothing
/// that reads one is constant.
#[derive(Clone, Debug)]
pub struct TableRef {
    /// Which one.
    pub id: TableId,
    /// What decides what it means to look something up in it: its name, and the names and types of
    /// the columns that take part. Not its file, and not what the file holds.
    pub meaning: Arc<str>,
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
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
}

impl Comparison {
    /// What holds of two values exactly when this does not; of null neither does.
    pub const fn opposite(self) -> Comparison {
        match self {
            Comparison::Eq => Comparison::Ne,
            Comparison::Ne => Comparison::Eq,
            Comparison::Lt => Comparison::Ge,
            Comparison::Le => Comparison::Gt,
            Comparison::Gt => Comparison::Le,
            Comparison::Ge => Comparison::Lt,
        }
    }

    /// The same with the values exchanged: `5 < n` is `n > 5`.
    pub const fn flipped(self) -> Comparison {
        match self {
            Comparison::Eq | Comparison::Ne => self,
            Comparison::Lt => Comparison::Gt,
            Comparison::Le => Comparison::Ge,
            Comparison::Gt => Comparison::Lt,
            Comparison::Ge => Comparison::Le,
        }
    }
}

/// How two values are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arithmetic {
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

/// How large an expression is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// How many operations there are in it.
    pub operations: usize,
    /// How deep they are nested; 1 for a single one.
    pub depth: usize,
}

impl Size {
    /// So many bytes of a text count like an operation.
    pub const BYTES: usize = 16;
}

/// A text with expressions in it.
#[derive(Clone, Debug, Default)]
pub struct Template {
    /// A text, then an expression, and so on; an expression may be absent at the end.
    pub parts: Vec<(String, Option<Expr>)>,
}

impl Expr {
    /// `true`
    pub const TRUE: Expr = Expr::Const(Value::Bool(true));

    /// The constant, when it is one.
    pub fn as_const(&self) -> Option<&Value> {
        match self {
            Expr::Const(value) => Some(value),
            _ => None,
        }
    }

    /// Whether the expression is constant.
    pub fn is_const(&self) -> bool {
        self.as_const().is_some()
    }

    /// The operands, in order.
    pub fn operands(&self) -> Vec<&Expr> {
        match self {
            Expr::Const(_) | Expr::Field(_) | Expr::Time | Expr::Key(_) => Vec::new(),
            Expr::Register(_) | Expr::History(_) | Expr::Past(..) => Vec::new(),
            Expr::Not(x)
            | Expr::Neg(x)
            | Expr::ToFloat(x)
            | Expr::IsMissing(x)
            | Expr::InSet(x, _)
            | Expr::InTable(x, _)
            | Expr::InNetworks(x, _)
            | Expr::Like(x, _)
            | Expr::Matches(x, _) => vec![x],
            Expr::And(xs) | Expr::Or(xs) | Expr::Coalesce(xs) | Expr::Call(_, xs) | Expr::Lookup(xs, ..) => {
                xs.iter().collect()
            }
            Expr::Compare(_, pair) | Expr::Arithmetic(_, pair) => vec![&pair.0, &pair.1],
            Expr::If(three) => vec![&three.0, &three.1, &three.2],
            Expr::InList(x, xs) => std::iter::once(&**x).chain(xs.iter()).collect(),
        }
    }

    /// How many operations there are in it, with the members of its sets and a part of its texts
    /// counted as well, and how deep they are nested.
    pub fn size(&self) -> Size {
        let own = match self {
            Expr::Const(Value::Str(text)) => 1 + text.len() / Size::BYTES,
            Expr::InSet(_, set) => 1 + set.len(),
            Expr::InNetworks(_, networks) => 1 + networks.len(),
            _ => 1,
        };
        self.operands().into_iter().map(Expr::size).fold(
            Size { operations: own, depth: 1 },
            |sum, operand| Size {
                operations: sum.operations + operand.operations,
                depth: sum.depth.max(1 + operand.depth),
            },
        )
    }

    /// Whether it reads a list or table itself.
    pub fn reads_table(&self) -> bool {
        matches!(self, Expr::InTable(..) | Expr::Lookup(..))
    }

    /// Whether something in it may have no value for what it is given, which is counted: arithmetic,
    /// functions, what is kept of captured events. Everything else has a value or is null.
    pub fn can_fail(&self) -> bool {
        self.can_fail_where(&|_| true)
    }

    /// The same where only what some registers keep may have no value.
    pub fn can_fail_where(&self, register: &impl Fn(RegisterId) -> bool) -> bool {
        let own = match self {
            Expr::Neg(_) | Expr::Arithmetic(..) | Expr::Call(..) | Expr::History(_) => true,
            Expr::Register(id) => register(*id),
            _ => false,
        };
        own || self.operands().into_iter().any(|operand| operand.can_fail_where(register))
    }

    /// Whether the value depends on more than the event being looked at and the key: on what a run
    /// has captured, or on the past of a stream.
    pub fn looks_beyond_event(&self) -> bool {
        matches!(self, Expr::Register(_) | Expr::History(_))
            || self.operands().into_iter().any(Expr::looks_beyond_event)
    }

    /// What is read of the past event in the condition of a history aggregate, each once.
    pub fn past_sources(&self) -> Vec<(FieldSource, Type)> {
        let mut found = Vec::new();
        let mut rest = vec![self];
        while let Some(expr) = rest.pop() {
            if let Expr::Past(source, ty) = expr
                && !found.contains(&(*source, *ty))
            {
                found.push((*source, *ty));
            }
            rest.extend(expr.operands());
        }
        found
    }

    /// The expression with every operand that has no operands of its own replaced.
    pub fn map_leaves(self, replace: &impl Fn(Expr) -> Expr) -> Expr {
        let one = |x: Box<Expr>| Box::new(x.map_leaves(replace));
        let two =
            |pair: Box<(Expr, Expr)>| Box::new((pair.0.map_leaves(replace), pair.1.map_leaves(replace)));
        let all = |xs: Box<[Expr]>| xs.into_iter().map(|x| x.map_leaves(replace)).collect::<Box<[Expr]>>();
        match self {
            leaf if leaf.operands().is_empty() => replace(leaf),
            Expr::Not(x) => Expr::Not(one(x)),
            Expr::Neg(x) => Expr::Neg(one(x)),
            Expr::ToFloat(x) => Expr::ToFloat(one(x)),
            Expr::IsMissing(x) => Expr::IsMissing(one(x)),
            Expr::InSet(x, set) => Expr::InSet(one(x), set),
            Expr::InTable(x, table) => Expr::InTable(one(x), table),
            Expr::Lookup(xs, table, column) => Expr::Lookup(all(xs), table, column),
            Expr::InNetworks(x, networks) => Expr::InNetworks(one(x), networks),
            Expr::Like(x, wildcard) => Expr::Like(one(x), wildcard),
            Expr::Matches(x, regex) => Expr::Matches(one(x), regex),
            Expr::And(xs) => Expr::And(all(xs)),
            Expr::Or(xs) => Expr::Or(all(xs)),
            Expr::Coalesce(xs) => Expr::Coalesce(all(xs)),
            Expr::Call(function, xs) => Expr::Call(function, all(xs)),
            Expr::InList(x, xs) => Expr::InList(one(x), all(xs)),
            Expr::Compare(comparison, pair) => Expr::Compare(comparison, two(pair)),
            Expr::Arithmetic(operator, pair) => Expr::Arithmetic(operator, two(pair)),
            Expr::If(three) => {
                let (condition, yes, no) = *three;
                Expr::If(Box::new((
                    condition.map_leaves(replace),
                    yes.map_leaves(replace),
                    no.map_leaves(replace),
                )))
            }
            leaf => replace(leaf),
        }
    }

    /// Splits a condition into the part that looks at the event alone, and the part that looks
    /// beyond it. A conjunction is true exactly when both parts are, so that the
    /// first can be asked once for all runs.
    pub fn split_by_reach(self) -> (Option<Expr>, Option<Expr>) {
        match self {
            Expr::And(operands) => {
                let (reading, unary): (Vec<Expr>, Vec<Expr>) =
                    operands.into_vec().into_iter().partition(Expr::looks_beyond_event);
                (conjunction(unary), conjunction(reading))
            }
            other if other.looks_beyond_event() => (None, Some(other)),
            other => (Some(other), None),
        }
    }
}

/// All of the conditions; none of none.
pub fn conjunction(mut operands: Vec<Expr>) -> Option<Expr> {
    match operands.len() {
        0 => None,
        1 => operands.pop(),
        _ => Some(Expr::And(operands.into())),
    }
}
