//! The smallest parsers: single tokens, lists of them, names, texts and durations.

use nom::Parser;
use nom::combinator::cut;
use nom::multi::many0;
use nom::sequence::preceded;

use super::super::lexer::{Kind, Token, UNITS, unescape, unit_meant};
use super::super::tree::{Name, Spanned};
use super::input::{Expected, Parsed, Problem, Tokens};
use super::recovery::begins_other;
use crate::diagnostic::{Diagnostic, Span, codes};
use crate::event::Duration;

/// The words that cannot be names, because an expression or a pattern could not be told from what
/// follows it.
pub(super) const RESERVED: [&str; 20] = [
    "and", "or", "not", "in", "like", "matches", "is", "true", "false", "null", "then", "next", "any",
    "until", "within", "as", "optional", "for", "over", "where",
];

/// Whether a word cannot be a name.
pub(in crate::language) fn is_reserved(word: &str) -> bool {
    RESERVED.contains(&word)
}

/// This word.
pub(super) fn word<'a>(wanted: &'static str) -> impl Fn(Tokens<'a>) -> Parsed<'a, &'a Token<'a>> + Copy {
    move |input| {
        if input.at_word(wanted) {
            Ok((input.advance(), input.peek()))
        } else {
            input.refuse(Expected::Text(wanted))
        }
    }
}

/// This symbol.
pub(super) fn symbol<'a>(wanted: &'static str) -> impl Fn(Tokens<'a>) -> Parsed<'a, &'a Token<'a>> + Copy {
    move |input| {
        if input.at_symbol(wanted) {
            Ok((input.advance(), input.peek()))
        } else {
            input.refuse(Expected::Text(wanted))
        }
    }
}

/// The name of something that has been declared elsewhere.
pub(super) fn name<'a>(what: &'static str) -> impl Fn(Tokens<'a>) -> Parsed<'a, Name> + Copy {
    move |input| {
        let token = input.peek();
        // A word that begins the next line shows that the name was forgotten before it.
        if token.kind != Kind::Name || is_reserved(token.text) || begins_other(&input) {
            return input.refuse(Expected::Thing(what));
        }
        Ok((input.advance(), to_name(token)))
    }
}

/// Any word at all, as the names of fields behind a point may be.
pub(super) fn any_word<'a>(what: &'static str) -> impl Fn(Tokens<'a>) -> Parsed<'a, Name> + Copy {
    move |input| {
        let token = input.peek();
        if token.kind != Kind::Name {
            return input.refuse(Expected::Thing(what));
        }
        Ok((input.advance(), to_name(token)))
    }
}

/// The name that a declaration gives. A reserved word is reported and taken.
pub(super) fn new_name<'a>(what: &'static str) -> impl Fn(Tokens<'a>) -> Parsed<'a, Name> + Copy {
    move |input| {
        let (rest, name) = any_word(what)(input)?;
        if is_reserved(&name.node) {
            input.report(reserved(&name));
        }
        Ok((rest, name))
    }
}

/// The problem of a reserved word in the place of a name.
pub(super) fn reserved(name: &Name) -> Diagnostic {
    Diagnostic::new(
        codes::E0107,
        name.span,
        format!("`{}` is a word of the language and cannot be a name", name.node),
    )
    .help(format!("choose another name, such as `my_{}`", name.node))
}

/// The token as a name.
pub(super) fn to_name(token: &Token<'_>) -> Name {
    Spanned::new(token.text.to_owned(), token.span)
}

/// A text, its escapes resolved.
pub(super) fn text<'a>(what: &'static str) -> impl Fn(Tokens<'a>) -> Parsed<'a, Spanned<String>> + Copy {
    move |input| {
        let token = input.peek();
        if token.kind != Kind::Text {
            return input.refuse(Expected::Thing(what));
        }
        Ok((input.advance(), Spanned::new(unescape(token.text).text, token.span)))
    }
}

/// A whole number.
pub(super) fn integer<'a>(what: &'static str) -> impl Fn(Tokens<'a>) -> Parsed<'a, Spanned<i64>> + Copy {
    move |input| match input.peek().kind {
        Kind::Int(value) => Ok((input.advance(), Spanned::new(value, input.peek().span))),
        _ => input.refuse(Expected::Thing(what)),
    }
}

/// A duration such as `10m`; `10 min` is reported and taken as what it means.
pub(super) fn duration(input: Tokens<'_>) -> Parsed<'_, Spanned<Duration>> {
    let token = input.peek();
    if let Kind::Duration(value) = token.kind {
        return Ok((input.advance(), Spanned::new(value, token.span)));
    }
    if let Some((rest, value)) = spaced_duration(input) {
        return Ok((rest, value));
    }
    if let Some(problem) = no_duration(token) {
        return input.fail(problem);
    }
    if let Kind::Int(value) = token.kind {
        let message = format!("the duration `{}` has no unit", token.text);
        let problem = Diagnostic::new(codes::E0005, token.span, message)
            .help(format!("write `{value}s` for seconds, or one of the units `ms`, `m`, `h` and `d`"));
        input.report(problem);
        let value = Duration::from_micros(value.saturating_mul(1_000_000));
        return Ok((input.advance(), Spanned::new(value, token.span)));
    }
    input.refuse(Expected::Thing("a duration such as `10m`"))
}

/// What is wrong with `per hour` and `for "5m"`.
fn no_duration(token: &Token<'_>) -> Option<Diagnostic> {
    let problem = |message: &str| Diagnostic::new(codes::E0005, token.span, message);
    match (token.kind, unit_meant(token.text)) {
        (Kind::Text, _) => {
            Some(problem("a duration is written without quotes").help("such as `10m` or `1h30m`"))
        }
        (Kind::Name, Some(unit)) if !token.starts_line => {
            Some(problem("a duration begins with a number").help(format!("write `1{unit}`")))
        }
        _ => None,
    }
}

/// `10 min`: a number and a unit that stand apart, which is reported here. `None` for anything else.
pub(super) fn spaced_duration(input: Tokens<'_>) -> Option<(Tokens<'_>, Spanned<Duration>)> {
    let (number, unit) = (input.peek(), input.peek_at(1));
    let Kind::Int(value) = number.kind else { return None };
    // In `at 5 s { … }` the name is that of a stream.
    if unit.kind != Kind::Name || unit.starts_line || input.peek_at(2).is_symbol("{") {
        return None;
    }
    let meant = unit_meant(unit.text)?;
    let (_, us) = UNITS.iter().find(|(name, _)| *name == meant)?;
    let span = number.span.to(unit.span);
    input.report(
        Diagnostic::new(codes::E0005, span, "a duration is written without a space")
            .help(format!("write `{}{meant}`", number.text)),
    );
    let value = Duration::from_micros(value.saturating_mul(*us));
    Some((input.advance().advance(), Spanned::new(value, span)))
}

/// One or more, with commas between them.
pub(super) fn comma_list<'a, P, T>(mut item: P) -> impl FnMut(Tokens<'a>) -> Parsed<'a, Vec<T>>
where
    P: Parser<Tokens<'a>, Output = T, Error = Problem>,
{
    move |input| {
        let (input, first) = item.parse(input)?;
        let next = |input| item.parse(input);
        let (input, mut rest) = many0(preceded(symbol(","), cut(next))).parse(input)?;
        rest.insert(0, first);
        Ok((input, rest))
    }
}

/// What remains and the place from `start` to the token read last.
pub(super) fn span_from(start: Span, input: &Tokens<'_>) -> Span {
    start.to(input.previous_span())
}
