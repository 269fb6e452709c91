//! Expressions.
//!
//! Operators are taken by precedence in one loop with a stack of its own: only parentheses, calls
//! and indices recurse, at most [`MAX_DEPTH`] deep. The height of every tree is bounded by the
//! same number, so that whoever walks it may recurse. Chains of `and` and of `or` are one node
//! each and may be long.

use nom::Parser;
use nom::combinator::{cut, opt};
use nom::sequence::preceded;

use super::super::lexer::{Kind, Token, unescape};
use super::super::tree::{Expr, ExprKind, InSet, Over, Spanned, UnaryOp};
use super::input::{Expected, MAX_DEPTH, Parsed, Problem, Tokens, committed, too_deep};
use super::operator::{self, After, Infix, Level};
use super::primitives::{any_word, duration, is_reserved, spaced_duration, symbol, to_name, word};
use super::recovery::{begins_other, report_unclosed};
use crate::diagnostic::{Diagnostic, Span, codes};

/// An expression with what the loop must know about it.
pub(super) struct Operand {
    /// Boxed to keep the frames of the parsers that recurse small.
    pub expr: Box<Expr>,
    /// How many nodes lie on its longest path.
    pub height: usize,
    /// The precedence of its outermost operator; [`Level::Atom`] for what needs no parentheses.
    pub level: Level,
}

/// An operator that waits for its right side.
enum Pending {
    Prefix(Spanned<UnaryOp>),
    Infix(Operand, Spanned<Infix>),
}

impl Pending {
    fn level(&self) -> Level {
        match self {
            Pending::Prefix(op) if op.node == UnaryOp::Not => Level::Not,
            Pending::Prefix(_) => Level::Negation,
            Pending::Infix(_, op) => op.node.level(),
        }
    }
}

/// An expression.
pub(super) fn expression(input: Tokens<'_>) -> Parsed<'_, Expr> {
    operand(input).map(|(rest, operand)| (rest, *operand.expr))
}

/// An expression with its height.
fn operand(input: Tokens<'_>) -> Parsed<'_, Operand> {
    let mut pending = Vec::new();
    let mut input = input;
    loop {
        input = prefixes(input, &mut pending)?;
        let (rest, mut value) = match postfix(input) {
            // Behind an operator nothing else can have been meant.
            Err(nom::Err::Error(problem)) if !pending.is_empty() => Err(nom::Err::Failure(problem)),
            parsed => parsed,
        }?;
        input = rest;
        loop {
            let (rest, after) = operator::after_operand(input)?;
            let Some(after) = after else {
                return Ok((input, reduce(&input, &mut pending, value, Level::Or)?));
            };
            value = reduce(&input, &mut pending, value, after.level())?;
            operator::check_chain(&input, &value, &after);
            input = rest;
            match after {
                After::Infix(infix) => {
                    pending.push(Pending::Infix(value, infix));
                    break;
                }
                After::IsMissing(missing) => value = is_missing(&input, value, missing)?,
                After::InValues(negated) => (input, value) = in_values(input, value, negated)?,
            }
        }
    }
}

/// `not` and `-` before an operand.
fn prefixes<'a>(input: Tokens<'a>, pending: &mut Vec<Pending>) -> Result<Tokens<'a>, nom::Err<Problem>> {
    let mut input = input;
    let before = pending.len();
    while let Some(op) = operator::prefix(&input) {
        if pending.len() - before >= MAX_DEPTH {
            return input.fail::<()>(too_deep(input.peek().span)).map(|_| input);
        }
        let tighter = pending.last().is_some_and(|pending: &Pending| pending.level() > Level::Not);
        if op.node == UnaryOp::Not && tighter {
            let message = "`not` binds less tightly than the operator before it";
            input.report_here(codes::E0006, message, "put parentheses around it: `(not …)`");
        }
        pending.push(Pending::Prefix(op));
        input = input.advance();
    }
    Ok(input)
}

/// Applies all waiting operators that bind at least as tightly as `level`.
fn reduce<'a>(
    input: &Tokens<'a>,
    pending: &mut Vec<Pending>,
    mut value: Operand,
    level: Level,
) -> Result<Operand, nom::Err<Problem>> {
    while pending.last().is_some_and(|pending| pending.level() >= level) {
        let Some(top) = pending.pop() else { break };
        let level = top.level();
        value = match top {
            Pending::Prefix(op) => {
                let span = op.span.to(value.expr.span);
                let height = value.height;
                build(input, ExprKind::Unary(op, value.expr), span, height, level)?
            }
            Pending::Infix(left, op) => infix(input, left, op, value)?,
        };
    }
    Ok(value)
}

/// A node over parts of the given height.
fn build(
    input: &Tokens<'_>,
    kind: ExprKind,
    span: Span,
    height: usize,
    level: Level,
) -> Result<Operand, nom::Err<Problem>> {
    if height >= MAX_DEPTH {
        let message = format!("this expression has more than {MAX_DEPTH} levels of operators and calls");
        let problem = Diagnostic::new(codes::E0008, span, message)
            .help("give a part of it a name with `def`; only chains of `and` and of `or` may be long");
        return input.fail::<Operand>(problem).map(|(_, never)| never);
    }
    Ok(Operand { expr: Box::new(Expr { kind, span }), height: height + 1, level })
}

fn infix(
    input: &Tokens<'_>,
    left: Operand,
    op: Spanned<Infix>,
    right: Operand,
) -> Result<Operand, nom::Err<Problem>> {
    let span = left.expr.span.to(right.expr.span);
    let level = op.node.level();
    let height = left.height.max(right.height);
    let kind = match op.node {
        Infix::And | Infix::Or => return chain(input, left, op.node, right),
        Infix::Binary(binary) => ExprKind::Binary(left.expr, Spanned::new(binary, op.span), right.expr),
        Infix::In { negated } => ExprKind::In { value: left.expr, set: InSet::Expr(right.expr), negated },
        Infix::Like => ExprKind::Like(left.expr, right.expr),
        Infix::Matches => ExprKind::Matches(left.expr, right.expr),
    };
    build(input, kind, span, height, level)
}

/// Adds an operand to a chain of `and` or `or`, or begins one.
fn chain(input: &Tokens<'_>, left: Operand, op: Infix, right: Operand) -> Result<Operand, nom::Err<Problem>> {
    let span = left.expr.span.to(right.expr.span);
    let level = op.level();
    // The chain itself is one of the nodes that its height counts.
    let goes_on = left.level == level;
    let height = right.height.max(left.height - usize::from(goes_on));
    let mut parts = match left.expr.kind {
        ExprKind::And(parts) | ExprKind::Or(parts) if goes_on => parts,
        kind => vec![Expr { kind, span: left.expr.span }],
    };
    parts.push(*right.expr);
    let kind = if op == Infix::And { ExprKind::And(parts) } else { ExprKind::Or(parts) };
    build(input, kind, span, height, level)
}

fn is_missing(input: &Tokens<'_>, value: Operand, missing: bool) -> Result<Operand, nom::Err<Problem>> {
    let span = value.expr.span.to(input.previous_span());
    let kind = ExprKind::IsMissing(value.expr, missing);
    build(input, kind, span, value.height, Level::Comparison)
}

/// An expression that must stand here, one level deeper.
fn inner(input: Tokens<'_>) -> Parsed<'_, Operand> {
    let (rest, value) = committed(operand(input.deeper()?))?;
    Ok((rest.level_with(&input), value))
}

/// One or more expressions that must stand here, one level deeper, with commas between them.
fn operands(input: Tokens<'_>) -> Parsed<'_, Vec<Operand>> {
    let mut list = Vec::new();
    let mut input = input;
    loop {
        let (rest, value) = inner(input)?;
        list.push(value);
        match symbol(",")(rest) {
            Ok((rest, _)) => input = rest,
            Err(_) => return Ok((rest, list)),
        }
    }
}

/// `x in (1, 2, 3)`, after `in`.
fn in_values(
    input: Tokens<'_>,
    value: Operand,
    negated: bool,
) -> Result<(Tokens<'_>, Operand), nom::Err<Problem>> {
    let open = input.peek();
    let (input, set) = operands(input.advance())?;
    let (input, _) = close(input, open, ")")?;
    let height = set.iter().map(|operand| operand.height).fold(value.height, usize::max);
    let set = InSet::Values(set.into_iter().map(|operand| *operand.expr).collect());
    let span = value.expr.span.to(input.previous_span());
    let kind = ExprKind::In { value: value.expr, set, negated };
    Ok((input, build(&input, kind, span, height, Level::Comparison)?))
}

/// An operand with its `.field`, `[key]` and `over …`.
fn postfix(input: Tokens<'_>) -> Parsed<'_, Operand> {
    let (mut input, mut value) = primary(input)?;
    loop {
        let token = input.peek();
        let (rest, next) = match token.text {
            "." if token.kind == Kind::Symbol => field(input, value)?,
            "[" if token.kind == Kind::Symbol => index(input, value)?,
            "over" if token.kind == Kind::Name => over(input, value)?,
            "where" if is_call(&value) => return misplaced_where(input),
            _ => return Ok((input, value)),
        };
        (input, value) = (rest, next);
    }
}

fn field(input: Tokens<'_>, value: Operand) -> Parsed<'_, Operand> {
    let wanted = "the name of a field";
    let (input, _) = symbol(".")(input)?;
    if begins_other(&input) {
        return input.stuck(&[Expected::Thing(wanted)]);
    }
    let (input, name) = cut(any_word(wanted)).parse(input)?;
    if input.at_symbol("(") {
        let message = format!("`{}` is called as if it belonged to a value", name.node);
        let problem = Diagnostic::new(codes::E0006, name.span, message);
        return input
            .fail(problem.help(format!("functions take their values in parentheses: `{}(x)`", name.node)));
    }
    let span = value.expr.span.to(name.span);
    let kind = ExprKind::Field(value.expr, name);
    let value = build(&input, kind, span, value.height, Level::Atom)?;
    Ok((input, value))
}

fn index(input: Tokens<'_>, value: Operand) -> Parsed<'_, Operand> {
    let open = input.peek();
    let (input, keys) = operands(input.advance())?;
    let (input, _) = close(input, open, "]")?;
    let height = keys.iter().map(|key| key.height).fold(value.height, usize::max);
    let keys = keys.into_iter().map(|key| *key.expr).collect();
    let span = value.expr.span.to(input.previous_span());
    let value = build(&input, ExprKind::Index(value.expr, keys), span, height, Level::Atom)?;
    Ok((input, value))
}

/// `over 10m` and `over previous 30d` behind a call.
fn over(input: Tokens<'_>, mut value: Operand) -> Parsed<'_, Operand> {
    let token = input.peek();
    let (true, ExprKind::Call { over, .. }) = (is_call(&value), &mut value.expr.kind) else {
        let problem = Diagnostic::new(codes::E0006, token.span, "`over` has no aggregate before it");
        return input
            .fail(problem.help("write it behind a call such as `count(auth where not ok) over 10m`"));
    };
    if over.is_some() {
        input.report(
            Diagnostic::new(codes::E0012, token.span, "`over` is given twice").help("keep one of the two"),
        );
    }
    let parts = (opt(word("previous")), cut(duration));
    let (input, (previous, duration)) = preceded(word("over"), parts).parse(input)?;
    *over = Some(Over { previous: previous.is_some(), duration });
    value.expr.span = value.expr.span.to(input.previous_span());
    Ok((input, value))
}

/// Whether the value is a call that does not stand in parentheses, which would begin before its name.
fn is_call(value: &Operand) -> bool {
    matches!(&value.expr.kind, ExprKind::Call { function, .. } if function.span.start == value.expr.span.start)
}

fn misplaced_where(input: Tokens<'_>) -> Parsed<'_, Operand> {
    let message = "the `where` of an aggregate stands inside its parentheses";
    let problem = Diagnostic::new(codes::E0006, input.peek().span, message);
    input.fail(problem.help("such as `count(auth where not ok) over 10m`"))
}

/// A literal, a name, a call or an expression in parentheses.
fn primary(input: Tokens<'_>) -> Parsed<'_, Operand> {
    let token = input.peek();
    if let Some((rest, duration)) = spaced_duration(input) {
        return Ok((rest, atom(ExprKind::Duration(duration.node), duration.span)));
    }
    let kind = match token.kind {
        Kind::Int(value) => ExprKind::Int(value),
        Kind::Float(value) => ExprKind::Float(value),
        Kind::Duration(value) => ExprKind::Duration(value),
        Kind::Text => ExprKind::Str(unescape(token.text).text),
        Kind::Name => match token.text {
            "true" => ExprKind::Bool(true),
            "false" => ExprKind::Bool(false),
            "null" => ExprKind::Null,
            _ => return named(input),
        },
        Kind::Symbol | Kind::End if input.at_symbol("(") => return parenthesised(input),
        Kind::Symbol | Kind::End => return no_operand(input),
    };
    Ok((input.advance(), atom(kind, token.span)))
}

fn atom(kind: ExprKind, span: Span) -> Operand {
    Operand { expr: Box::new(Expr { kind, span }), height: 1, level: Level::Atom }
}

/// A name or a call.
fn named(input: Tokens<'_>) -> Parsed<'_, Operand> {
    let token = input.peek();
    // A word that begins the next line shows that an operand was forgotten before it.
    if is_reserved(token.text) || begins_other(&input) || begins_field(&input) {
        return input.refuse(Expected::EXPRESSION);
    }
    if input.peek_at(1).is_symbol("(") {
        return call(input, token);
    }
    Ok((input.advance(), atom(ExprKind::Name(token.text.to_owned()), token.span)))
}

/// Whether the next field of an alert or of a test begins here: nothing but its name is followed
/// by `=` or `:`. Behind an operator, `a = 5` is more likely to be meant as a comparison.
fn begins_field(input: &Tokens<'_>) -> bool {
    let next = input.peek_at(1);
    let opened = |token: &Token<'_>| ["(", "[", ",", "="].iter().any(|symbol| token.is_symbol(symbol));
    let is_field = next.is_symbol(":") || next.is_symbol("=") && input.previous().is_some_and(opened);
    input.at_line_start() && is_field
}

/// `name(arguments [where condition])`
fn call<'a>(input: Tokens<'a>, token: &'a Token<'a>) -> Parsed<'a, Operand> {
    let open = input.peek_at(1);
    let input = input.advance().advance();
    let (input, arguments) = if input.at_symbol(")") { (input, Vec::new()) } else { operands(input)? };
    let (input, condition) = match opt(word("where")).parse(input)? {
        (input, Some(_)) => inner(input).map(|(rest, condition)| (rest, Some(condition)))?,
        (input, None) => (input, None),
    };
    let (input, _) = close(input, open, ")")?;
    let height = arguments.iter().chain(&condition).map(|operand| operand.height).max().unwrap_or(0);
    let kind = ExprKind::Call {
        function: to_name(token),
        arguments: arguments.into_iter().map(|operand| *operand.expr).collect(),
        condition: condition.map(|operand| operand.expr),
        over: None,
    };
    let span = token.span.to(input.previous_span());
    let value = build(&input, kind, span, height, Level::Atom)?;
    Ok((input, value))
}

fn parenthesised(input: Tokens<'_>) -> Parsed<'_, Operand> {
    let (input, open) = symbol("(")(input)?;
    let (input, mut value) = inner(input)?;
    let (input, _) = close(input, open, ")")?;
    value.level = Level::Atom;
    value.expr.span = open.span.to(input.previous_span());
    Ok((input, value))
}

/// Fails where no operand begins, with a hint for what people write instead.
fn no_operand(input: Tokens<'_>) -> Parsed<'_, Operand> {
    let (token, next) = (input.peek(), input.peek_at(1));
    if token.is_symbol(".") && matches!(next.kind, Kind::Int(_)) {
        let problem = Diagnostic::new(codes::E0004, token.span.to(next.span), "a number begins with a digit");
        return input.fail(problem.help(format!("write `0.{}`", next.text)));
    }
    input.refuse(Expected::EXPRESSION)
}

/// The bracket that closes `open`. One that is missing before the next line or at a closing brace
/// is shown where it was opened.
fn close<'a>(input: Tokens<'a>, open: &Token<'a>, wanted: &'static str) -> Parsed<'a, ()> {
    if input.at_symbol(wanted) {
        return Ok((input.advance(), ()));
    }
    if input.is_end() || input.at_line_start() || input.at_symbol("}") {
        report_unclosed(&input, open);
        return Ok((input, ()));
    }
    input.stuck(&[Expected::Text(wanted)])
}
