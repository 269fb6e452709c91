//! Operators: which types they take, and what they yield.

use crate::diagnostic::codes::{E0201, E0202, E0203, E0207};
use crate::diagnostic::{Diagnostic, Span};
use crate::event::{Type, Value};
use crate::expression::{Arithmetic, Comparison, Expr};
use crate::language::tree::{self, BinaryOp, ExprKind, UnaryOp};

use super::expression::{Checker, Typed, written};
use super::fold::{boolean, constant, widen};

impl<'t> Checker<'_, 't> {
    pub(super) fn unary(
        &mut self,
        operator: &tree::Spanned<UnaryOp>,
        operand: &'t tree::Expr,
    ) -> Option<Typed> {
        let typed = self.check(operand)?;
        match operator.node {
            UnaryOp::Not => {
                self.expect_bool(&typed, operand, "`not` needs a condition")?;
                Some(boolean(Expr::Not(Box::new(typed.expr))))
            }
            UnaryOp::Neg => match typed.ty {
                Type::Int | Type::Float | Type::Duration => {
                    Some(Typed::new(Expr::Neg(Box::new(typed.expr)), typed.ty))
                }
                other => {
                    let message = format!("`-` needs a number or a duration, but this is `{other}`");
                    self.report(
                        Diagnostic::new(E0202, operand.span, message)
                            .help("take the `-` away; what is not true is written with `not`"),
                    );
                    None
                }
            },
        }
    }

    pub(super) fn connective(&mut self, operands: &'t [tree::Expr], word: &str) -> Option<Box<[Expr]>> {
        let mut all = Some(Vec::new());
        for (index, operand) in operands.iter().enumerate() {
            let before = index.checked_sub(1).map(|before| &operands[before]);
            let typed = self.check(operand).and_then(|typed| match alternative(before, operand, word) {
                Some(diagnostic) if typed.ty != Type::Bool => {
                    self.report(diagnostic);
                    None
                }
                _ => self.expect_bool(&typed, operand, &format!("`{word}` joins conditions")).map(|()| typed),
            });
            match (&mut all, typed) {
                (Some(list), Some(typed)) => list.push(typed.expr),
                _ => all = None,
            }
        }
        all.map(Vec::into_boxed_slice)
    }

    pub(super) fn binary(
        &mut self,
        left: &'t tree::Expr,
        operator: &tree::Spanned<BinaryOp>,
        right: &'t tree::Expr,
    ) -> Option<Typed> {
        if operator.node.is_comparison() {
            for (side, other) in [(left, right), (right, left)] {
                if matches!(side.kind, ExprKind::Null) {
                    let word = if operator.node == BinaryOp::Ne { "present" } else { "missing" };
                    self.report(
                        Diagnostic::new(E0203, side.span, "a comparison with null is never true")
                            .help(format!("write `{} is {word}`", written(other))),
                    );
                    return None;
                }
            }
        }
        let (a, b) = (self.check(left), self.check(right));
        let (a, b) = (a?, b?);
        if operator.node.is_comparison() && is_chained(left) {
            return None;
        }
        match operator.node {
            BinaryOp::Default => {
                let sides = [(&a, left.span), (&b, right.span)];
                let ty = self.common_type(sides, "`??` needs two values of one type")?;
                let operands = [widen(a, ty), widen(b, ty)];
                Some(Typed::new(Expr::Coalesce(operands.into()), ty))
            }
            comparison if comparison.is_comparison() => {
                let (a, b) = self.coerce_text(a, left.span, b, right.span)?;
                self.comparison(comparison, (a, left), (b, right), operator.span)
            }
            _ => self.arithmetic(operator, (a, left.span), (b, right.span)),
        }
    }

    fn comparison(
        &mut self,
        operator: BinaryOp,
        (a, left): (Typed, &tree::Expr),
        (b, right): (Typed, &tree::Expr),
        span: Span,
    ) -> Option<Typed> {
        let comparison = match operator {
            BinaryOp::Eq => Comparison::Eq,
            BinaryOp::Ne => Comparison::Ne,
            BinaryOp::Lt => Comparison::Lt,
            BinaryOp::Le => Comparison::Le,
            BinaryOp::Gt => Comparison::Gt,
            _ => Comparison::Ge,
        };
        let same = a.ty == b.ty || (a.ty.is_number() && b.ty.is_number());
        if !same && a.ty != Type::Null && b.ty != Type::Null {
            self.report(cannot_compare((&a, left), (&b, right), span));
            return None;
        }
        let ordered =
            matches!(comparison, Comparison::Eq | Comparison::Ne) || !matches!(a.ty, Type::Bool | Type::Ip);
        if !ordered {
            self.report(
                Diagnostic::new(E0202, span, format!("values of type `{}` have no order", a.ty))
                    .help("only `==` and `!=` compare them"),
            );
            return None;
        }
        let (left, right) = (beside(b.ty, a.expr), beside(a.ty, b.expr));
        Some(boolean(Expr::Compare(comparison, Box::new((left, right)))))
    }

    /// A constant text beside a timestamp or an address is read as one.
    pub fn coerce_text(&mut self, a: Typed, a_span: Span, b: Typed, b_span: Span) -> Option<(Typed, Typed)> {
        if b.ty == Type::Str && matches!(a.ty, Type::Timestamp | Type::Ip) {
            let b = self.read_text(b, a.ty, b_span)?;
            return Some((a, b));
        }
        if a.ty == Type::Str && matches!(b.ty, Type::Timestamp | Type::Ip) {
            let a = self.read_text(a, b.ty, a_span)?;
            return Some((a, b));
        }
        Some((a, b))
    }

    /// A constant text as the timestamp or address that it writes.
    pub fn read_text(&mut self, text: Typed, wanted: Type, span: Span) -> Option<Typed> {
        let Some(Value::Str(written)) = text.expr.as_const() else { return Some(text) };
        let value = match wanted {
            // As addresses and times in records are read.
            Type::Ip => written.parse::<std::net::IpAddr>().ok().map(|ip| Value::Ip(ip.to_canonical())),
            _ => crate::event::Timestamp::parse(written).map(Value::Timestamp),
        };
        if value.is_none() {
            let example = if wanted == Type::Ip { "10.0.0.1" } else { "2026-03-01T08:00:00Z" };
            self.report(
                Diagnostic::new(
                    E0201,
                    span,
                    format!("this is compared with a value of type `{wanted}`, but cannot be read as one"),
                )
                .help(format!("write it like `\"{example}\"`")),
            );
        }
        value.map(constant)
    }

    /// The type that two values share, ints widening to floats.
    pub fn common_type(&mut self, sides: [(&Typed, Span); 2], why: &str) -> Option<Type> {
        let [(a, a_span), (b, b_span)] = sides;
        match (a.ty, b.ty) {
            (a, b) if a == b => Some(a),
            (Type::Null, other) | (other, Type::Null) => Some(other),
            (a, b) if a.is_number() && b.is_number() => Some(Type::Float),
            (a, b) => {
                let message = format!("{why}, but these are `{a}` and `{b}`");
                let diagnostic = Diagnostic::new(E0202, b_span, message).label(format!("`{b}`"));
                let help = format!("one type does not become the other here: give a value of the type `{a}`");
                self.report(diagnostic.also(a_span, format!("`{a}`")).help(help));
                None
            }
        }
    }

    fn arithmetic(
        &mut self,
        operator: &tree::Spanned<BinaryOp>,
        (a, a_span): (Typed, Span),
        (b, b_span): (Typed, Span),
    ) -> Option<Typed> {
        let arithmetic = match operator.node {
            BinaryOp::Add => Arithmetic::Add,
            BinaryOp::Sub => Arithmetic::Sub,
            BinaryOp::Mul => Arithmetic::Mul,
            BinaryOp::Div => Arithmetic::Div,
            _ => Arithmetic::Rem,
        };
        let Some(ty) = arithmetic_type(arithmetic, a.ty, b.ty) else {
            let message = format!("`{}` cannot combine `{}` and `{}`", operator.node.as_str(), a.ty, b.ty);
            let mut diagnostic = Diagnostic::new(E0202, operator.span, message)
                .also(a_span, format!("`{}`", a.ty))
                .also(b_span, format!("`{}`", b.ty));
            if let Some(help) = arithmetic_help(arithmetic, a.ty, b.ty) {
                diagnostic = diagnostic.help(help);
            }
            self.report(diagnostic);
            return None;
        };
        // Float arithmetic must not overflow as integers would.
        let both = if ty == Type::Float && a.ty.is_number() && b.ty.is_number() {
            (widen(a, ty), widen(b, ty))
        } else {
            (a.expr, b.expr)
        };
        Some(Typed::new(Expr::Arithmetic(arithmetic, Box::new(both)), ty))
    }
}

/// `country == "DE" or "FR"`: a value where a whole condition was meant.
fn alternative(before: Option<&tree::Expr>, operand: &tree::Expr, word: &str) -> Option<Diagnostic> {
    let is_value = matches!(operand.kind, ExprKind::Str(_) | ExprKind::Int(_) | ExprKind::Float(_));
    let before = before.filter(|_| is_value)?;
    let ExprKind::Binary(left, operator, right) = &before.kind else { return None };
    if !operator.node.is_comparison() {
        return None;
    }
    let (left, sign, right, this) = (written(left), operator.node.as_str(), written(right), written(operand));
    let message = format!("`{word}` joins whole conditions, but this is a value alone");
    Some(Diagnostic::new(E0207, operand.span, message).help(match (operator.node, word) {
        (BinaryOp::Eq, "or") => format!("write `{left} in ({right}, {this})`"),
        _ => format!("write `{left} {sign} {right} {word} {left} {sign} {this}`"),
    }))
}

/// A whole number that is compared with a float, as a float where that changes nothing: `x > 5` and
/// `x > 5.0` are one condition.
fn beside(other: Type, expr: Expr) -> Expr {
    match expr {
        Expr::Const(Value::Int(i)) if other == Type::Float && i.unsigned_abs() <= 1 << 53 => {
            Expr::Const(Value::float(i as f64))
        }
        expr => expr,
    }
}

/// Whether the left side of a comparison is a comparison without parentheses, which the parser has
/// reported.
fn is_chained(left: &tree::Expr) -> bool {
    match &left.kind {
        ExprKind::Binary(a, operator, b) => operator.node.is_comparison() && left.span == a.span.to(b.span),
        _ => false,
    }
}

fn cannot_compare(
    (a, left): (&Typed, &tree::Expr),
    (b, right): (&Typed, &tree::Expr),
    span: Span,
) -> Diagnostic {
    let diagnostic = Diagnostic::new(E0202, span, format!("`{}` and `{}` cannot be compared", a.ty, b.ty))
        .also(left.span, format!("`{}`", a.ty))
        .also(right.span, format!("`{}`", b.ty));
    let help = match (a.ty, b.ty) {
        (Type::Bool, _) => format!("it is a condition by itself: write `{0}` or `not {0}`", written(left)),
        (_, Type::Bool) => format!("it is a condition by itself: write `{0}` or `not {0}`", written(right)),
        (Type::Str, other) | (other, Type::Str) if other.is_number() => {
            // The side that is written out is the one that is easily changed.
            match (&left.kind, &right.kind) {
                (ExprKind::Str(text), _) | (_, ExprKind::Str(text)) if text.parse::<f64>().is_ok() => {
                    format!("write `{text}` without quotes")
                }
                (ExprKind::Int(_) | ExprKind::Float(_), _) => format!("write `\"{}\"`", written(left)),
                (_, ExprKind::Int(_) | ExprKind::Float(_)) => format!("write `\"{}\"`", written(right)),
                _ => "text and numbers never mix: declare both fields with the same type".to_owned(),
            }
        }
        (Type::Duration, other) | (other, Type::Duration) if other.is_number() => {
            "write the number with a unit, such as `30s`, or use `seconds(…)`".to_owned()
        }
        (Type::Timestamp, Type::Duration) | (Type::Duration, Type::Timestamp) => {
            "the difference of two times is a duration, such as `time - earlier.time`".to_owned()
        }
        (Type::Timestamp, other) | (other, Type::Timestamp) if other.is_number() => {
            "write the time as a text, such as `\"2026-03-01T08:00:00Z\"`".to_owned()
        }
        _ => return diagnostic,
    };
    diagnostic.help(help)
}

fn arithmetic_help(operator: Arithmetic, a: Type, b: Type) -> Option<&'static str> {
    let either = |ty| (a == ty) != (b == ty);
    Some(match operator {
        Arithmetic::Rem if a.is_number() && b.is_number() => "`%` is for integers: use `floor(…)` to get one",
        Arithmetic::Add if either(Type::Str) => {
            "`+` joins texts only; a title mixes them with other values: `\"{merchant}: {amount}\"`"
        }
        _ if a == Type::Bool || b == Type::Bool => "use `if(condition, 1, 0)` to count a condition",
        _ if either(Type::Str) => "text and numbers never mix",
        _ if (a == Type::Duration && b.is_number()) || (b == Type::Duration && a.is_number()) => {
            "write the number with a unit, such as `30s`, or use `seconds(…)`"
        }
        _ if (a == Type::Timestamp && b.is_number()) || (b == Type::Timestamp && a.is_number()) => {
            "write the number with a unit, such as `30s`"
        }
        Arithmetic::Add if a == Type::Timestamp && b == Type::Timestamp => {
            "the difference of two times is a duration: write `-`"
        }
        Arithmetic::Mul if a == Type::Duration && b == Type::Duration => {
            "make one of them a number: `seconds(…)`"
        }
        _ => return None,
    })
}

fn arithmetic_type(operator: Arithmetic, a: Type, b: Type) -> Option<Type> {
    use Arithmetic::{Add, Div, Mul, Rem, Sub};
    use Type::{Duration, Float, Int, Null, Str, Timestamp};
    Some(match (operator, a, b) {
        (_, Null, Null) => Null,
        (Rem, Int | Null, Int | Null) => Int,
        (Rem, ..) => return None,
        (Div, Int | Float | Null, Int | Float | Null) => Float,
        (Add | Sub | Mul, Int, Int | Null) | (Add | Sub | Mul, Null, Int) => Int,
        (Add | Sub | Mul, Int | Float | Null, Int | Float | Null) => Float,
        (Add, Str, Str | Null) | (Add, Null, Str) => Str,
        (Add, Timestamp, Duration) | (Add, Duration, Timestamp) | (Sub, Timestamp, Duration) => Timestamp,
        (Sub, Timestamp, Timestamp) => Duration,
        (Add | Sub, Duration, Duration) => Duration,
        (Mul, Duration, Int | Float) | (Mul, Int | Float, Duration) | (Div, Duration, Int | Float) => {
            Duration
        }
        (Div, Duration, Duration) => Float,
        _ => return None,
    })
}
