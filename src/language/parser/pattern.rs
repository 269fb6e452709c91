//! Patterns: what stands behind `match`.
//!
//! Forms that parse but cannot match anything sensible (`0..0 a`, an absence that ends a group) are
//! left to the analysis, which can explain them.

use nom::Parser;
use nom::branch::alt;
use nom::combinator::{cut, opt};
use nom::sequence::preceded;

use super::super::lexer::Kind;
use super::super::tree::{Absence, Link, LinkKind, Match, Name, Part, Sequence, Spanned};
use super::element::{begins_element, element};
use super::input::{Parsed, Problem, Tokens, committed};
use super::primitives::{duration, name, span_from, word};
use super::recovery::{CLAUSES, misspelt};
use crate::diagnostic::{Diagnostic, codes};
use crate::event::Duration;

/// `match sequence [within DURATION]`
pub(super) fn match_(input: Tokens<'_>) -> Parsed<'_, Match> {
    let (input, _) = word("match")(input)?;
    let (input, (pattern, within)) = (cut(sequence), opt(within)).parse(input)?;
    check_link(&input)?;
    for (combines, meaning) in [("or", "either of two"), ("and", "two in any order")] {
        if input.at_word(combines) {
            let message = format!("`{combines}` stands only between parentheses");
            let problem = Diagnostic::new(codes::E0006, input.peek().span, message);
            return input.fail(problem.help(format!("write `(a {combines} b)` for {meaning}")));
        }
    }
    Ok((input, Match { pattern, within }))
}

/// `within DURATION`
pub(super) fn within(input: Tokens<'_>) -> Parsed<'_, Spanned<Duration>> {
    preceded(word("within"), cut(duration)).parse(input)
}

/// `element { link element | absence }`
pub(super) fn sequence(input: Tokens<'_>) -> Parsed<'_, Sequence> {
    let start = input.peek().span;
    if input.at_word("not") {
        return not_first(input);
    }
    let (mut input, first) = element(input)?;
    let mut rest = Vec::new();
    loop {
        match part(input) {
            Ok((next, part)) => {
                rest.push(part);
                input = next;
            }
            Err(nom::Err::Error(_)) => break,
            Err(failure) => return Err(failure),
        }
    }
    let span = span_from(start, &input);
    Ok((input, Sequence { first, rest, span }))
}

fn not_first<T>(input: Tokens<'_>) -> Parsed<'_, T> {
    let problem = Diagnostic::new(codes::E0006, input.peek().span, "a pattern cannot begin with `not`");
    input.fail(problem.help("begin with an event that comes, then write `then not x`"))
}

/// Fails when a step follows a step without a link between them.
pub(super) fn check_link(input: &Tokens<'_>) -> Result<(), nom::Err<Problem>> {
    let token = input.peek();
    let words = ["then", "next", "within", "until", "as", "for"].into_iter();
    let is_other = CLAUSES.contains(&token.text) || misspelt(token, words).is_some();
    // What begins a line is more likely to be meant as a clause.
    if token.damaged || token.starts_line || is_other || !begins_element(input) {
        return Ok(());
    }
    let problem = Diagnostic::new(codes::E0006, token.span, "nothing links this step to the one before it");
    input.fail::<()>(problem.help("write `then` for later, or `next` for the very next event")).map(|_| ())
}

/// A link and what it leads to.
fn part(input: Tokens<'_>) -> Parsed<'_, Part> {
    if input.at_word("not") {
        return not_unlinked(input);
    }
    let (input, link) = link(input)?;
    if input.at_word("not") {
        return absence(input, link);
    }
    let (input, element) = committed(element(input))?;
    Ok((input, Part::Step { link, element }))
}

fn not_unlinked<T>(input: Tokens<'_>) -> Parsed<'_, T> {
    let problem = Diagnostic::new(codes::E0006, input.peek().span, "`not` needs a link before it");
    input.fail(problem.help("write `then not x` or `next not x`"))
}

/// `then`, `then any` or `next`, and `within DURATION`
fn link(input: Tokens<'_>) -> Parsed<'_, Link> {
    let start = input.peek().span;
    let then = preceded(word("then"), opt(word("any")));
    let then = then.map(|any| if any.is_some() { LinkKind::ThenAny } else { LinkKind::Then });
    let next = word("next").map(|_| LinkKind::Next);
    let (input, (kind, within)) = (alt((then, next)), opt(within)).parse(input)?;
    let span = span_from(start, &input);
    Ok((input, Link { kind, within, span }))
}

/// `not NAME [for DURATION]` behind a link.
fn absence(input: Tokens<'_>, link: Link) -> Parsed<'_, Part> {
    if link.kind == LinkKind::ThenAny {
        let problem = Diagnostic::new(codes::E0012, link.span, "`any` has no meaning before `not`");
        input.report(problem.help("write `then not x`"));
    }
    if let Some(within) = &link.within {
        let problem = Diagnostic::new(codes::E0012, link.span, "an absence has no `within`")
            .help(format!("write `then not x for {}`", within.node));
        input.report(problem);
    }
    let (input, _) = word("not")(input)?;
    let (input, name) = cut(absent_name).parse(input)?;
    let (input, duration) = opt(span_of_absence).parse(input)?;
    let next = link.kind == LinkKind::Next;
    let span = span_from(link.span, &input);
    if let Some(duration) = duration.as_ref().filter(|_| next) {
        let problem = Diagnostic::new(codes::E0012, duration.span, "`for` has no meaning after `next not`");
        input.report(
            problem.help("`next not x` looks at the very next event only; or write `then not x for …`"),
        );
    }
    let absence = Absence { next, name, duration: duration.filter(|_| !next), span };
    Ok((input, Part::Absence(absence)))
}

/// The name behind `not`.
fn absent_name(input: Tokens<'_>) -> Parsed<'_, Name> {
    let token = input.peek();
    if token.is_symbol("(") || matches!(token.kind, Kind::Int(_)) {
        let problem = Diagnostic::new(codes::E0006, token.span, "`not` is followed by the name of one event");
        return input.fail(problem.help("define an event that covers what must not come, and name it here"));
    }
    event_name(input)
}

/// `for DURATION`; other prepositions are reported and taken for it.
fn span_of_absence(input: Tokens<'_>) -> Parsed<'_, Spanned<Duration>> {
    let token = input.peek();
    let duration_follows = matches!(input.peek_at(1).kind, Kind::Duration(_));
    if matches!(token.text, "in" | "during" | "over" | "after") && duration_follows {
        let message = format!("the time of an absence is not written with `{}`", token.text);
        input.report_here(codes::E0006, message, format!("write `for {}`", input.peek_at(1).text));
        return duration(input.advance());
    }
    preceded(word("for"), cut(duration)).parse(input)
}

/// The name of an event, which the words that begin the next clause are not.
pub(super) fn event_name(input: Tokens<'_>) -> Parsed<'_, Name> {
    name("the name of an event")(input)
}
