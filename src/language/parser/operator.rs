//! Operators: which one stands next, how tightly it binds, and what people write instead of it.

use super::super::lexer::Kind;
use super::super::tree::{BinaryOp, Expr, ExprKind, Spanned, UnaryOp};
use super::expression::Operand;
use super::input::{Expected, Parsed, Tokens};
use crate::diagnostic::{Diagnostic, Span, codes};

/// How tightly an operator binds, loosest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::language) enum Level {
    Or,
    And,
    Not,
    Comparison,
    Default,
    Sum,
    Product,
    Negation,
    Atom,
}

impl Level {
    /// How tightly an expression holds together.
    pub fn of(expr: &Expr) -> Level {
        match &expr.kind {
            ExprKind::Or(_) => Level::Or,
            ExprKind::And(_) => Level::And,
            ExprKind::Unary(op, _) if op.node == UnaryOp::Not => Level::Not,
            ExprKind::Unary(..) => Level::Negation,
            ExprKind::Binary(_, op, _) => Infix::Binary(op.node).level(),
            ExprKind::In { .. } | ExprKind::Like(..) | ExprKind::Matches(..) | ExprKind::IsMissing(..) => {
                Level::Comparison
            }
            _ => Level::Atom,
        }
    }
}

/// An operator between two operands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::language) enum Infix {
    Or,
    And,
    Binary(BinaryOp),
    In { negated: bool },
    Like,
    Matches,
}

impl Infix {
    /// How tightly it binds.
    pub fn level(self) -> Level {
        match self {
            Infix::Or => Level::Or,
            Infix::And => Level::And,
            Infix::In { .. } | Infix::Like | Infix::Matches => Level::Comparison,
            Infix::Binary(op) if op.is_comparison() => Level::Comparison,
            Infix::Binary(BinaryOp::Default) => Level::Default,
            Infix::Binary(BinaryOp::Add | BinaryOp::Sub) => Level::Sum,
            Infix::Binary(_) => Level::Product,
        }
    }
}

/// What may stand behind an operand.
pub(super) enum After {
    /// An operator that another operand follows.
    Infix(Spanned<Infix>),
    /// `is missing` (true) or `is present`.
    IsMissing(bool),
    /// `in` or `not in` (true) with a parenthesis behind it, which has not been read.
    InValues(bool),
}

impl After {
    /// How tightly it binds.
    pub fn level(&self) -> Level {
        match self {
            After::Infix(infix) => infix.node.level(),
            After::IsMissing(_) | After::InValues(_) => Level::Comparison,
        }
    }
}

/// `not` or `-` before an operand; `!` is reported and taken for `not`.
pub(super) fn prefix(input: &Tokens<'_>) -> Option<Spanned<UnaryOp>> {
    let token = input.peek();
    let op = match token.text {
        "not" if token.kind == Kind::Name => UnaryOp::Not,
        "-" if token.kind == Kind::Symbol => UnaryOp::Neg,
        "!" if token.kind == Kind::Symbol => {
            input.report_here(codes::E0006, "`!` is not an operator", "write `not`");
            UnaryOp::Not
        }
        _ => return None,
    };
    Some(Spanned::new(op, token.span))
}

/// The operator behind an operand; `None` when the expression ends there.
pub(super) fn after_operand(input: Tokens<'_>) -> Parsed<'_, Option<After>> {
    let token = input.peek();
    match token.kind {
        Kind::Symbol => Ok(symbol(input)),
        Kind::Name => word(input),
        _ => {
            input.note(Expected::OPERATOR);
            Ok((input, None))
        }
    }
}

fn infix(input: Tokens<'_>, op: Infix) -> (Tokens<'_>, Option<After>) {
    (input.advance(), Some(After::Infix(Spanned::new(op, input.peek().span))))
}

fn symbol(input: Tokens<'_>) -> (Tokens<'_>, Option<After>) {
    let token = input.peek();
    let (op, instead) = match token.text {
        "==" => (BinaryOp::Eq, None),
        "!=" => (BinaryOp::Ne, None),
        "<" => (BinaryOp::Lt, None),
        "<=" => (BinaryOp::Le, None),
        ">" => (BinaryOp::Gt, None),
        ">=" => (BinaryOp::Ge, None),
        "??" => (BinaryOp::Default, None),
        "+" => (BinaryOp::Add, None),
        "-" => (BinaryOp::Sub, None),
        "*" => (BinaryOp::Mul, None),
        "/" => (BinaryOp::Div, None),
        "%" => (BinaryOp::Rem, None),
        "=" | "===" => (BinaryOp::Eq, Some("==")),
        "!==" | "<>" => (BinaryOp::Ne, Some("!=")),
        "=>" => (BinaryOp::Ge, Some(">=")),
        "=<" => (BinaryOp::Le, Some("<=")),
        "&&" | "||" => return logical(input),
        _ => {
            input.note(Expected::OPERATOR);
            return (input, None);
        }
    };
    if let Some(instead) = instead {
        let message = match token.text {
            "=" => "`=` gives something a name and does not compare".to_owned(),
            other => format!("`{other}` is not an operator"),
        };
        input.report_here(codes::E0006, message, format!("write `{instead}`"));
    }
    infix(input, Infix::Binary(op))
}

/// `&&` and `||`, as other languages write `and` and `or`.
fn logical(input: Tokens<'_>) -> (Tokens<'_>, Option<After>) {
    let (op, instead) = if input.at_symbol("&&") { (Infix::And, "and") } else { (Infix::Or, "or") };
    let message = format!("`{}` is not an operator", input.peek().text);
    input.report_here(codes::E0006, message, format!("write `{instead}`"));
    infix(input, op)
}

fn word(input: Tokens<'_>) -> Parsed<'_, Option<After>> {
    let op = match input.peek().text {
        "or" => Infix::Or,
        "and" => Infix::And,
        "like" => Infix::Like,
        "matches" => Infix::Matches,
        "in" => return set(input, input.peek().span, false),
        "not" => return negated(input),
        "is" => return is(input),
        _ => {
            input.note(Expected::OPERATOR);
            return Ok((input, None));
        }
    };
    Ok(infix(input, op))
}

/// `in`, which may have values in parentheses behind it.
fn set(input: Tokens<'_>, span: Span, negated: bool) -> Parsed<'_, Option<After>> {
    let rest = input.advance();
    let token = rest.peek();
    if token.is_symbol("(") {
        return Ok((rest, Some(After::InValues(negated))));
    }
    if matches!(token.kind, Kind::Int(_) | Kind::Float(_) | Kind::Duration(_)) {
        let problem = Diagnostic::new(codes::E0006, token.span, "the values of `in` stand in parentheses");
        return rest.fail(problem.help("write `x in (1, 2, 3)`"));
    }
    Ok((rest, Some(After::Infix(Spanned::new(Infix::In { negated }, span)))))
}

/// `not in`; other words behind `not` are refused.
fn negated(input: Tokens<'_>) -> Parsed<'_, Option<After>> {
    let (not, next) = (input.peek(), input.peek_at(1));
    if next.is_word("in") {
        return set(input.advance(), not.span.to(next.span), true);
    }
    if next.is_word("like") || next.is_word("matches") {
        let message = format!("`not` stands before the whole condition, not before `{}`", next.text);
        let problem = Diagnostic::new(codes::E0006, not.span, message);
        return input.fail(problem.help(format!("write `not x {} \"…\"`", next.text)));
    }
    input.note(Expected::OPERATOR);
    Ok((input, None))
}

/// `is missing`, `is present`, and what SQL writes instead.
fn is(input: Tokens<'_>) -> Parsed<'_, Option<After>> {
    let (is, mut rest) = (input.peek(), input.advance());
    let negated = rest.at_word("not");
    if negated {
        rest = rest.advance();
    }
    let token = rest.peek();
    let missing = match token.text {
        "missing" | "null" | "present" if token.kind == Kind::Name => token.text != "present",
        _ => return rest.stuck(&[Expected::Text("missing"), Expected::Text("present")]),
    };
    let missing = missing != negated;
    if negated || token.text == "null" {
        let span = is.span.to(token.span);
        let written = if negated { format!("is not {}", token.text) } else { "is null".to_owned() };
        let problem = Diagnostic::new(codes::E0006, span, format!("the language has no `{written}`"));
        input.report(problem.help(format!("write `{}`", if missing { "is missing" } else { "is present" })));
    }
    Ok((rest.advance(), Some(After::IsMissing(missing))))
}

/// Reports a comparison of the outcome of a comparison.
pub(super) fn check_chain(input: &Tokens<'_>, left: &Operand, after: &After) {
    if left.level != Level::Comparison || after.level() < Level::Comparison {
        return;
    }
    if after.level() > Level::Comparison {
        // Only behind `is missing` and `in (…)`, which nothing follows that binds more tightly.
        let problem = Diagnostic::new(codes::E0006, input.peek().span, "this operator follows a condition")
            .also(left.expr.span, "this is true or false")
            .help("to count with a condition, write `if(condition, 1, 0)`");
        return input.report(problem);
    }
    let problem = Diagnostic::new(codes::E0013, input.peek().span, "comparisons cannot be chained")
        .also(left.expr.span, "this is a comparison already")
        .help("combine two comparisons: `a < b and b < c`");
    input.report(problem);
}
