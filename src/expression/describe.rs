//! One canonical text for an expression: two expressions with the same text mean the same. It names
//! equal predicates of different rules and feeds the fingerprint of a rule.

use std::fmt::{self, Write};

use super::aggregate::{FieldSource, RegisterId};
use super::expr::{Arithmetic, Comparison, Expr};
use super::history::HistoryId;
use crate::event::{FieldId, Value};

/// How the leaves of an expression are written.
pub trait Leaves {
    /// A field of the event being looked at.
    fn field(&self, field: FieldId) -> String;
    /// A register.
    fn register(&self, register: RegisterId) -> String;
    /// An aggregate over the past.
    fn history(&self, history: HistoryId) -> String;
    /// What is read of a past event.
    fn past(&self, source: FieldSource) -> String;
}

impl Expr {
    /// The canonical text.
    pub fn describe(&self, leaves: &dyn Leaves) -> String {
        let mut text = String::new();
        self.write(&mut text, leaves).expect("writing to a String cannot fail");
        text
    }

    fn write(&self, out: &mut String, leaves: &dyn Leaves) -> fmt::Result {
        let head = match self {
            Expr::Const(value) => return write_value(out, value),
            Expr::Field(field) => return out.write_str(&leaves.field(*field)),
            Expr::Time => return out.write_str("time"),
            Expr::Key(part) => return write!(out, "key[{part}]"),
            Expr::Register(id) => return out.write_str(&leaves.register(*id)),
            Expr::History(id) => return out.write_str(&leaves.history(*id)),
            Expr::Past(source, _) => return out.write_str(&leaves.past(*source)),
            Expr::Not(_) => "not".to_owned(),
            Expr::Neg(_) => "neg".to_owned(),
            Expr::ToFloat(_) => "float".to_owned(),
            Expr::And(_) => "and".to_owned(),
            Expr::Or(_) => "or".to_owned(),
            Expr::Compare(comparison, _) => comparison.as_str().to_owned(),
            Expr::Arithmetic(operator, _) => operator.as_str().to_owned(),
            Expr::Coalesce(_) => "coalesce".to_owned(),
            Expr::If(_) => "if".to_owned(),
            Expr::InSet(_, set) => {
                let mut members: Vec<String> = set.iter().map(describe_value).collect();
                members.sort();
                format!("in {{{}}}", members.join(" "))
            }
            Expr::InTable(_, table) => format!("in {}", table.meaning),
            Expr::Lookup(_, table, _) => format!("look up {}", table.meaning),
            Expr::InList(..) => "in".to_owned(),
            Expr::InNetworks(_, networks) => {
                let mut networks: Vec<String> = networks.iter().map(ToString::to_string).collect();
                networks.sort();
                format!("in {{{}}}", networks.join(" "))
            }
            Expr::Like(_, wildcard) => format!("like {:?}", wildcard.as_str()),
            Expr::Matches(_, regex) => format!("matches {:?}", regex.as_str()),
            Expr::IsMissing(_) => "missing".to_owned(),
            Expr::Call(function, _) => function.name.to_owned(),
        };
        write!(out, "({head}")?;
        for operand in self.operands() {
            out.write_char(' ')?;
            operand.write(out, leaves)?;
        }
        out.write_char(')')
    }
}

fn write_value(out: &mut String, value: &Value) -> fmt::Result {
    match value {
        Value::Str(text) => write!(out, "{:?}", text.as_str()),
        Value::Float(x) => write!(out, "{x:?}"),
        Value::Timestamp(time) => write!(out, "@{time}"),
        other => write!(out, "{other}"),
    }
}

fn describe_value(value: &Value) -> String {
    let mut text = String::new();
    write_value(&mut text, value).expect("writing to a String cannot fail");
    text
}

impl Comparison {
    /// The operator as the language writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Comparison::Eq => "==",
            Comparison::Ne => "!=",
            Comparison::Lt => "<",
            Comparison::Le => "<=",
            Comparison::Gt => ">",
            Comparison::Ge => ">=",
        }
    }
}

impl Arithmetic {
    /// The operator as the language writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Arithmetic::Add => "+",
            Arithmetic::Sub => "-",
            Arithmetic::Mul => "*",
            Arithmetic::Div => "/",
            Arithmetic::Rem => "%",
        }
    }
}
