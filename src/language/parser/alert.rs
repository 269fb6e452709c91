//! `alert` and `on timeout`.

use nom::Parser;
use nom::combinator::{cut, opt};
use nom::sequence::preceded;

use super::super::lexer::Kind;
use super::super::tree::{Alert, AlertField, OnTimeout};
use super::block::Block;
use super::expression::expression;
use super::input::{Parsed, Tokens};
use super::primitives::{name, new_name, symbol, word};
use super::recovery::at_clause;
use super::template::template;
use crate::diagnostic::{Diagnostic, codes};

const FIELDS: Block = Block {
    starts: |input| {
        let next = input.peek_at(1);
        input.peek().kind == Kind::Name && ["=", ":", "=="].iter().any(|symbol| next.is_symbol(symbol))
    },
    outside: at_clause,
};

/// `alert SEVERITY "title" { fields }`
pub(super) fn alert(input: Tokens<'_>) -> Parsed<'_, Alert> {
    let (input, _) = word("alert")(input)?;
    if input.peek().kind == Kind::Text {
        let problem =
            Diagnostic::new(codes::E0006, input.peek().span, "the severity is missing before the title");
        return input.fail(problem.help("it is one of `info`, `low`, `medium`, `high` and `critical`"));
    }
    let (input, (severity, title)) = (cut(name("a severity")), cut(template)).parse(input)?;
    let (input, open) = opt(symbol("{")).parse(input)?;
    let (input, fields) = match open {
        Some(open) => FIELDS.items(open, field)(input)?,
        None => (input, Vec::new()),
    };
    Ok((input, Alert { severity, title, fields }))
}

/// `name = expression`
fn field(input: Tokens<'_>) -> Parsed<'_, AlertField> {
    let (input, name) = new_name("a field such as `tries = count(small)`")(input)?;
    if input.at_symbol(":") || input.at_symbol("==") {
        let message = format!("a field of an alert is not written with `{}`", input.peek().text);
        input.report_here(codes::E0006, message, "write `=`");
        let (input, value) = cut(expression).parse(input.advance())?;
        return Ok((input, AlertField { name, value }));
    }
    let (input, value) = preceded(cut(symbol("=")), cut(expression)).parse(input)?;
    Ok((input, AlertField { name, value }))
}

/// `on timeout [after NAME] alert …`
pub(super) fn on_timeout(input: Tokens<'_>) -> Parsed<'_, OnTimeout> {
    let (input, on) = word("on")(input)?;
    let (input, timeout) = cut(word("timeout")).parse(input)?;
    let span = on.span.to(timeout.span);
    let after = preceded(word("after"), cut(name("the name of a captured event")));
    let (input, (after, alert)) = (opt(after), cut(alert)).parse(input)?;
    Ok((input, OnTimeout { span, after, alert }))
}
