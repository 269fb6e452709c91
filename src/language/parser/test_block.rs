//! `test` and its lines.

use nom::Parser;
use nom::branch::alt;
use nom::combinator::{cut, opt};
use nom::multi::many0;
use nom::sequence::{delimited, preceded};

use super::super::lexer::{Kind, Token};
use super::super::tree::{Expr, Item, Name, PathPart, Spanned, Test, TestStep, TestStepKind};
use super::block::Block;
use super::declarations::head_or_brace;
use super::expression::expression;
use super::input::{Expected, Parsed, Tokens};
use super::primitives::{any_word, duration, integer, name, span_from, symbol, text, to_name, word};
use super::recovery::{
    TEST_LINES, at_declaration, at_test_line, behind, near_test_line, report, report_unclosed, skip_to,
};
use crate::diagnostic::{Diagnostic, codes};

const FIELDS: Block = Block {
    starts: |input| {
        let next = input.peek_at(1);
        input.peek().kind == Kind::Name && [":", ".", "["].iter().any(|symbol| next.is_symbol(symbol))
    },
    outside: at_test_line,
};

/// `test "name" [from "…"] { lines }`
pub(super) fn test(input: Tokens<'_>) -> Parsed<'_, Option<Item>> {
    let (input, keyword) = word("test")(input)?;
    let time = text("a time as a text, such as `\"2026-03-01T08:00:00Z\"`");
    let from = opt(preceded(word("from"), cut(time)));
    let (input, (name, from)) = head_or_brace(input, (cut(test_name), from))?;
    let (input, open) = cut(symbol("{")).parse(input)?;
    let (input, steps) = steps(input, open)?;
    let span = span_from(keyword.span, &input);
    Ok((input, name.map(|name| Item::Test(Test { name, from: from.flatten(), steps, span }))))
}

fn test_name(input: Tokens<'_>) -> Parsed<'_, Spanned<String>> {
    let token = input.peek();
    if token.kind == Kind::Name {
        let problem = Diagnostic::new(codes::E0006, token.span, "the name of a test is a text");
        input.report(problem.help(format!("write `test \"{}\"`", token.text)));
        return Ok((input.advance(), to_name(token)));
    }
    text("a name for the test, as a text")(input)
}

/// The lines up to the closing brace. A line with a mistake is reported and left out.
fn steps<'a>(mut input: Tokens<'a>, open: &'a Token<'a>) -> Parsed<'a, Vec<TestStep>> {
    let mut steps = Vec::new();
    loop {
        if input.at_symbol("}") {
            return Ok((input.advance(), steps));
        }
        if input.is_end() || at_declaration(&input) {
            report_unclosed(&input, open);
            return Ok((input, steps));
        }
        match step(input) {
            Ok((rest, step)) => {
                steps.push(step);
                input = rest;
            }
            Err(nom::Err::Error(problem) | nom::Err::Failure(problem)) => {
                let next = behind(&input, &problem);
                report(input, problem, &TEST_LINES);
                input = skip_to(next, near_test_line);
            }
            // Only streaming parsers ask for more, and there are none here.
            Err(nom::Err::Incomplete(_)) => input = input.advance(),
        }
    }
}

fn step(input: Tokens<'_>) -> Parsed<'_, TestStep> {
    let start = input.peek().span;
    if !TEST_LINES.iter().any(|word| input.at_word(word)) {
        return input
            .stuck(&[Expected::Thing("the next line of the test (`at`, `expect`, `restart` or `stop`)")]);
    }
    let (input, kind) = alt((
        event,
        preceded(word("expect"), cut(expect)),
        word("restart").map(|_| TestStepKind::Restart),
        word("stop").map(|_| TestStepKind::Stop),
    ))
    .parse(input)?;
    let span = span_from(start, &input);
    Ok((input, TestStep { kind, span }))
}

/// `at 90s STREAM { fields }`
fn event(input: Tokens<'_>) -> Parsed<'_, TestStepKind> {
    let (input, _) = word("at")(input)?;
    let (input, (at, stream, open)) =
        (cut(duration), cut(name("a stream")), cut(symbol("{"))).parse(input)?;
    let (input, fields) = FIELDS.items(open, event_field)(input)?;
    Ok((input, TestStepKind::Event { at, stream, fields }))
}

fn event_field(input: Tokens<'_>) -> Parsed<'_, (Name, Expr)> {
    let (input, name) = any_word("a field such as `amount: 12.5`")(input)?;
    let (input, value) = value(input)?;
    Ok((input, (name, value)))
}

/// `: expression`; `=` is reported and taken for the colon.
fn value(input: Tokens<'_>) -> Parsed<'_, Expr> {
    if input.at_symbol("=") || input.at_symbol("==") {
        input.report_here(codes::E0006, "a field of a test is not written with `=`", "write `:`");
        return cut(expression).parse(input.advance());
    }
    preceded(cut(symbol(":")), cut(expression)).parse(input)
}

/// What stands behind `expect`.
fn expect(input: Tokens<'_>) -> Parsed<'_, TestStepKind> {
    let next = input.peek_at(1);
    if input.at_word("nothing") {
        let (input, other) = preceded(word("nothing"), opt(word("else"))).parse(input)?;
        let nothing = TestStepKind::ExpectNothing;
        return Ok((input, if other.is_some() { TestStepKind::ExpectNothingElse } else { nothing }));
    }
    // A rule may be called `late`.
    let is_rule = next.is_symbol("{") || next.is_symbol("×") || next.is_word("x") || next.is_word("timeout");
    if input.at_word("late") && !is_rule {
        return preceded(word("late"), cut(integer("a number of events")))
            .map(TestStepKind::ExpectLate)
            .parse(input);
    }
    expect_alert(input)
}

/// `RULE [× n] [timeout] { fields }`; the count and `timeout` in either order.
fn expect_alert(input: Tokens<'_>) -> Parsed<'_, TestStepKind> {
    let (input, rule) = name("the name of a rule, `nothing` or `late`")(input)?;
    let (input, (before, timeout, after)) = (opt(times), opt(word("timeout")), opt(times)).parse(input)?;
    if let (Some(_), Some(again)) = (&before, &after) {
        input.report(Diagnostic::new(
            codes::E0012,
            again.span,
            "how many alerts are expected is given twice",
        ));
    }
    let (input, open) = opt(symbol("{")).parse(input)?;
    let (input, fields) = match open {
        Some(open) => FIELDS.items(open, alert_field)(input)?,
        None => (input, Vec::new()),
    };
    let timeout = timeout.is_some();
    Ok((input, TestStepKind::ExpectAlert { rule, times: before.or(after), timeout, fields }))
}

/// `× n` or `x n`
fn times(input: Tokens<'_>) -> Parsed<'_, Spanned<i64>> {
    if let Some(digits) = joined_times(input.peek()) {
        let problem = Diagnostic::new(codes::E0006, input.peek().span, "a space is missing in the count");
        input.report(problem.help(format!("write `x {digits}` or `× {digits}`")));
        return Ok((input.advance(), Spanned::new(digits, input.peek().span)));
    }
    let count = integer("a number of alerts");
    let star = input.at_symbol("*");
    if !input.at_line_start() && (star || matches!(input.peek().kind, Kind::Int(_))) {
        input.report_here(
            codes::E0006,
            "how many alerts are expected is written with `×`",
            "write `× 2` or `x 2`",
        );
        return cut(count).parse(if star { input.advance() } else { input });
    }
    preceded(alt((symbol("×"), word("x"))), cut(count)).parse(input)
}

/// The number in `x2`.
fn joined_times(token: &Token<'_>) -> Option<i64> {
    let digits = token.text.strip_prefix('x').filter(|_| token.kind == Kind::Name)?;
    digits.parse().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit()))
}

type Path = Spanned<Vec<PathPart>>;

fn alert_field(input: Tokens<'_>) -> Parsed<'_, (Path, Expr)> {
    let (input, path) = path(input)?;
    let (input, value) = value(input)?;
    Ok((input, (path, value)))
}

/// `events.small[0].id`
fn path(input: Tokens<'_>) -> Parsed<'_, Path> {
    let start = input.peek().span;
    let (input, first) = any_word("a field such as `events.small[0].id`")(input)?;
    let dot =
        preceded(symbol("."), cut(any_word("the name of a field"))).map(|name| PathPart::Name(name.node));
    let index = delimited(symbol("["), cut(integer("an index")), cut(symbol("]")));
    let index = index.map(|index| PathPart::Index(usize::try_from(index.node).unwrap_or(usize::MAX)));
    let (input, mut parts) = many0(alt((dot, index))).parse(input)?;
    parts.insert(0, PathPart::Name(first.node));
    let span = span_from(start, &input);
    Ok((input, Spanned::new(parts, span)))
}
