//! Conditions in words: what must be true of an event.

use std::collections::BTreeSet;

use crate::expression::functions;
use crate::language::tree::{BinaryOp, Expr, ExprKind, InSet, UnaryOp};

use super::code;
use super::value::{Place, Scope};
use super::words::{self, list};

impl<'t> Scope<'_, 't> {
    /// A condition as a part of a sentence: "`amount` is less than 2 and `ok` is true".
    pub fn clause(&self, expr: &Expr) -> String {
        match &expr.kind {
            ExprKind::And(operands) => {
                let clauses: Vec<String> = operands.iter().map(|operand| self.inner(operand)).collect();
                list(&clauses, "and")
            }
            ExprKind::Or(operands) => {
                let clauses: Vec<String> = operands.iter().map(|operand| self.inner(operand)).collect();
                format!("either {}", list(&clauses, "or"))
            }
            _ => self.simple(expr, false),
        }
    }

    /// The conditions that must all hold, each in words.
    pub fn clauses(&self, expr: &Expr) -> Vec<String> {
        match &expr.kind {
            ExprKind::And(operands) => operands.iter().map(|operand| self.clause(operand)).collect(),
            _ => vec![self.clause(expr)],
        }
    }

    /// A condition that stands in a list of others.
    fn inner(&self, expr: &Expr) -> String {
        match &expr.kind {
            ExprKind::And(_) | ExprKind::Or(_) => format!("({})", self.clause(expr)),
            _ => self.clause(expr),
        }
    }

    /// A condition that is neither a chain of `and` nor of `or`, or the opposite of it.
    fn simple(&self, expr: &Expr, negated: bool) -> String {
        match &expr.kind {
            ExprKind::Bool(value) => {
                if *value == negated { "the condition never holds" } else { "the condition always holds" }
                    .to_owned()
            }
            ExprKind::Unary(op, of) if op.node == UnaryOp::Not => match of.kind {
                ExprKind::And(_) | ExprKind::Or(_) if !negated => {
                    format!("it is not so that {}", self.clause(of))
                }
                ExprKind::And(_) | ExprKind::Or(_) => self.clause(of),
                _ => self.simple(of, !negated),
            },
            ExprKind::Binary(left, op, right) if op.node.is_comparison() => {
                self.comparison(left, if negated { opposite(op.node) } else { op.node }, right)
            }
            ExprKind::In { value, set, negated: not_in } => self.membership(value, set, *not_in != negated),
            ExprKind::Like(value, pattern) => self.like(value, pattern, negated),
            ExprKind::Matches(value, pattern) => {
                let pattern = match &pattern.kind {
                    ExprKind::Str(text) => words::code(text),
                    _ => self.value(pattern),
                };
                let verb = if negated { "does not match" } else { "matches" };
                format!("{} {verb} the regular expression {pattern}", self.value(value))
            }
            ExprKind::IsMissing(of, missing) => {
                let word = if *missing == negated { "present" } else { "missing" };
                format!("{} is {word}", self.value(of))
            }
            ExprKind::Call { function, arguments, .. } => {
                self.call_holds(expr, &function.node, arguments, negated)
            }
            ExprKind::Binary(value, op, default) if op.node == BinaryOp::Default => match default.kind {
                ExprKind::Bool(default) if default != negated => {
                    format!("{} is {} or missing", self.value(value), !negated)
                }
                ExprKind::Bool(_) => format!("{} is {}", self.value(value), !negated),
                _ => format!("{} is {}", self.value(expr), !negated),
            },
            _ => format!("{} is {}", self.value(expr), !negated),
        }
    }

    /// A call of something that is true or false.
    fn call_holds(&self, expr: &Expr, function: &str, arguments: &[Expr], negated: bool) -> String {
        let is_defined = self.set.definitions.contains_key(function);
        let verb = match (function, arguments.len()) {
            _ if is_defined => None,
            ("contains", 2) => Some(("contains", "does not contain")),
            ("starts_with", 2) => Some(("begins with", "does not begin with")),
            ("ends_with", 2) => Some(("ends with", "does not end with")),
            _ => None,
        };
        match (verb, arguments) {
            (Some((is, is_not)), [text, part]) => {
                format!("{} {} {}", self.value(text), if negated { is_not } else { is }, self.value(part))
            }
            _ if is_defined => {
                let holds = if negated { "does not hold" } else { "holds" };
                format!("{} {holds}", words::code(&code::expression(expr)))
            }
            _ => format!("{} is {}", self.value(expr), !negated),
        }
    }

    fn comparison(&self, left: &Expr, op: BinaryOp, right: &Expr) -> String {
        if let ExprKind::Bool(value) = right.kind {
            return format!("{} is {}", self.value(left), value == (op == BinaryOp::Eq));
        }
        if let (ExprKind::Binary(value, inner, default), BinaryOp::Eq) = (&left.kind, op)
            && inner.node == BinaryOp::Default
            && default.kind == right.kind
        {
            return format!("{} is {} or missing", self.value(value), self.value(right));
        }
        let is_name =
            |expr: &Expr| !matches!(expr.kind, ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Str(_));
        let verb = match op {
            BinaryOp::Eq if is_name(right) => "equals",
            BinaryOp::Eq => "is",
            BinaryOp::Ne if is_name(right) => "differs from",
            BinaryOp::Ne => "is not",
            BinaryOp::Lt if self.is_time(left) => "is before",
            BinaryOp::Le if self.is_time(left) => "is at or before",
            BinaryOp::Gt if self.is_time(left) => "is after",
            BinaryOp::Ge if self.is_time(left) => "is at or after",
            BinaryOp::Lt => "is less than",
            BinaryOp::Le => "is at most",
            BinaryOp::Gt => "is more than",
            _ => "is at least",
        };
        let right =
            if matches!(op, BinaryOp::Eq | BinaryOp::Ne) { self.value(right) } else { self.quantity(right) };
        format!("{} {verb} {right}", self.value(left))
    }

    /// `in` and `not in`
    fn membership(&self, value: &Expr, set: &InSet, negated: bool) -> String {
        let subject = self.value(value);
        let values = match set {
            InSet::Values(values) => values,
            InSet::Expr(set) => {
                let is = if negated { "is not in" } else { "is in" };
                return match &set.kind {
                    ExprKind::Str(network) => format!("{subject} {is} {}", words::code(network)),
                    ExprKind::Name(name) if !self.set.constants.contains_key(name.as_str()) => {
                        format!("{subject} {is} the list {}", words::code(name))
                    }
                    _ => format!("{subject} {is} {}", self.value(set)),
                };
            }
        };
        let has_network = values
            .iter()
            .any(|value| matches!(&value.kind, ExprKind::Str(text) if text.parse::<ipnet::IpNet>().is_ok()));
        let is = if has_network { "is in" } else { "is" };
        let values: Vec<String> = values.iter().map(|value| self.value(value)).collect();
        match (negated, values.len()) {
            (false, _) => format!("{subject} {is} {}", list(&values, "or")),
            (true, 1) => format!("{subject} {is} not {}", values.concat()),
            (true, 2) => format!("{subject} {is} neither {}", list(&values, "nor")),
            (true, _) => format!("{subject} {is} none of {}", list(&values, "and")),
        }
    }

    /// `like`, whose usual patterns have words of their own.
    fn like(&self, value: &Expr, pattern: &Expr, negated: bool) -> String {
        let subject = self.value(value);
        let (does, is) = if negated { ("does not ", "is not") } else { ("", "is") };
        let verb =
            |plain: &str, with_s: &str| if negated { format!("{does}{plain}") } else { with_s.to_owned() };
        let ExprKind::Str(text) = &pattern.kind else {
            return format!("{subject} {is} like {}", self.value(pattern));
        };
        let quoted = |text: &str| words::code(&code::quoted(text));
        let is_plain = |text: &str| !text.is_empty() && !text.contains(['*', '?']);
        let (begin, end) = (text.strip_suffix('*'), text.strip_prefix('*'));
        let middle = end.and_then(|rest| rest.strip_suffix('*'));
        match (begin, end, middle) {
            (_, _, Some(part)) if is_plain(part) => {
                format!("{subject} {} {}", verb("contain", "contains"), quoted(part))
            }
            (Some(part), _, _) if is_plain(part) => {
                format!("{subject} {} {}", verb("begin with", "begins with"), quoted(part))
            }
            (_, Some(part), _) if is_plain(part) => {
                format!("{subject} {} {}", verb("end with", "ends with"), quoted(part))
            }
            _ if is_plain(text) => format!("{subject} {is} {}", quoted(text)),
            _ => format!("{subject} {is} like {}", quoted(text)),
        }
    }

    /// The optional fields without which an event surely does not fit, although the condition does
    /// not say so: a comparison with what is missing is not true.
    pub fn needed(&self, expr: &Expr) -> BTreeSet<String> {
        let mut needed = self.needs(expr);
        for said in self.asked(expr) {
            needed.remove(&said);
        }
        needed
    }

    fn needs(&self, expr: &Expr) -> BTreeSet<String> {
        match &expr.kind {
            ExprKind::And(operands) => operands.iter().flat_map(|operand| self.needs(operand)).collect(),
            ExprKind::Or(operands) => {
                let each = operands.iter().map(|operand| self.needs(operand));
                each.reduce(|all, more| &all & &more).unwrap_or_default()
            }
            ExprKind::Unary(op, of) if op.node == UnaryOp::Not => match of.kind {
                ExprKind::And(_) | ExprKind::Or(_) => BTreeSet::new(),
                _ => self.needs(of),
            },
            ExprKind::Binary(left, op, right) if op.node.is_comparison() => {
                &self.strict(left) | &self.strict(right)
            }
            ExprKind::In { value, .. } => self.strict(value),
            ExprKind::Like(value, _) | ExprKind::Matches(value, _) => self.strict(value),
            ExprKind::IsMissing(..) => BTreeSet::new(),
            _ => self.strict(expr),
        }
    }

    /// The optional fields without which a value is null.
    fn strict(&self, expr: &Expr) -> BTreeSet<String> {
        match &expr.kind {
            ExprKind::Name(name) => {
                let Place::Condition(stream) = self.place else { return BTreeSet::new() };
                let optional = self.set.field(stream, name).is_some_and(|field| field.optional);
                optional.then(|| name.clone()).into_iter().collect()
            }
            ExprKind::Unary(_, of) => self.strict(of),
            ExprKind::Binary(left, op, right) if op.node != BinaryOp::Default => {
                &self.strict(left) | &self.strict(right)
            }
            ExprKind::Call { function, arguments, condition: None, over: None }
                if functions::find(&function.node).is_some()
                    && !self.set.definitions.contains_key(function.node.as_str()) =>
            {
                arguments.iter().flat_map(|argument| self.strict(argument)).collect()
            }
            _ => BTreeSet::new(),
        }
    }

    /// The fields of which a condition asks whether they are there.
    fn asked(&self, expr: &Expr) -> Vec<String> {
        match &expr.kind {
            ExprKind::And(operands) | ExprKind::Or(operands) => {
                operands.iter().flat_map(|operand| self.asked(operand)).collect()
            }
            ExprKind::Unary(_, of) => self.asked(of),
            ExprKind::IsMissing(of, _) => match &of.kind {
                ExprKind::Name(name) => vec![name.clone()],
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }
}

/// The comparison that holds exactly when the other is false.
fn opposite(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Eq => BinaryOp::Ne,
        BinaryOp::Ne => BinaryOp::Eq,
        BinaryOp::Lt => BinaryOp::Ge,
        BinaryOp::Le => BinaryOp::Gt,
        BinaryOp::Gt => BinaryOp::Le,
        BinaryOp::Ge => BinaryOp::Lt,
        other => other,
    }
}
