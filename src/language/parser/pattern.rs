//! Patterns: what stands behind `match`.
//!
//! Forms that parse but cannot match anything sensible (`0..0 a`, an absence that ends a group) are
//! left to the analysis, which can explain them.

use nom::Parser;
use nom::branch::alt;
use nom::combinator::{cut, opt};
use nom::multi::many0;
use nom::sequence::preceded;

use super::super::lexer::{Kind, Token};
use super::super::tree::{
    Absence, Atom, Count, Element, Group, GroupKind, Link, LinkKind, Match, Modifier, Name, Part, Quantifier,
    Sequence, Spanned,
};
use super::input::{Expected, Parsed, Tokens, nested};
use super::primitives::{duration, is_reserved, name, reserved, span_from, symbol, to_name, word};
use super::recovery::{at_clause, report_unclosed};
use crate::diagnostic::{Diagnostic, Span, codes};
use crate::event::Duration;

/// `match sequence [within DURATION]`
pub(super) fn match_(input: Tokens<'_>) -> Parsed<'_, Match> {
    let (input, _) = word("match")(input)?;
    let (input, (pattern, within)) = (cut(sequence), opt(within)).parse(input)?;
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
fn within(input: Tokens<'_>) -> Parsed<'_, Spanned<Duration>> {
    preceded(word("within"), cut(duration)).parse(input)
}

/// `element { link element | absence }`
fn sequence(input: Tokens<'_>) -> Parsed<'_, Sequence> {
    let start = input.peek().span;
    if input.at_word("not") {
        let problem = Diagnostic::new(codes::E0006, start, "a pattern cannot begin with `not`");
        return input.fail(problem.help("begin with an event that comes, then write `then not x`"));
    }
    let (input, (first, rest)) = (element, many0(part)).parse(input)?;
    let span = span_from(start, &input);
    Ok((input, Sequence { first, rest, span }))
}

/// A link and what it leads to.
fn part(input: Tokens<'_>) -> Parsed<'_, Part> {
    if input.at_word("not") {
        let problem = Diagnostic::new(codes::E0006, input.peek().span, "`not` needs a link before it");
        return input.fail(problem.help("write `then not x` or `next not x`"));
    }
    let (rest, link) = link(input)?;
    if rest.at_word("not") {
        return absence(rest, link).map(|(rest, absence)| (rest, Part::Absence(absence)));
    }
    let (rest, element) = cut(element).parse(rest)?;
    Ok((rest, Part::Step { link, element }))
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
fn absence(input: Tokens<'_>, link: Link) -> Parsed<'_, Absence> {
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
    Ok((input, Absence { next, name, duration: duration.filter(|_| !next), span }))
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
fn event_name(input: Tokens<'_>) -> Parsed<'_, Name> {
    let wanted = "the name of an event";
    if at_clause(&input) { input.refuse(Expected::Thing(wanted)) } else { name(wanted)(input) }
}

/// `[count {modifier} | optional] atom [until NAME]`
fn element(input: Tokens<'_>) -> Parsed<'_, Element> {
    let start = input.peek().span;
    let (input, quantifier) = opt(alt((optional, counted))).parse(input)?;
    let (input, atom) = match &quantifier {
        Some(_) => cut(alt((inner_element, atom))).parse(input)?,
        None => atom(input)?,
    };
    let (input, until) = opt(preceded(word("until"), cut(event_name))).parse(input)?;
    let span = span_from(start, &input);
    Ok((input, Element { quantifier, atom, until, span }))
}

fn optional(input: Tokens<'_>) -> Parsed<'_, Quantifier> {
    let (rest, token) = word("optional")(input)?;
    if matches!(rest.peek().kind, Kind::Int(_)) {
        let problem = Diagnostic::new(codes::E0012, token.span, "`optional` has no meaning before a count");
        rest.report(
            problem.help("write `0..3 a` for up to three, or put the rest in parentheses: `optional (3 a)`"),
        );
    }
    Ok((rest, Quantifier::Optional(token.span)))
}

/// A count and its modifiers.
fn counted(input: Tokens<'_>) -> Parsed<'_, Quantifier> {
    let (mut input, count) = count(input)?;
    let mut modifiers: Vec<Spanned<Modifier>> = Vec::new();
    while let (rest, Some(modifier)) = opt(modifier).parse(input)? {
        match modifiers.iter().find(|earlier| earlier.node == modifier.node) {
            Some(earlier) => input.report(
                Diagnostic::new(
                    codes::E0012,
                    modifier.span,
                    format!("`{}` is given twice", input.peek().text),
                )
                .also(earlier.span, "first given here"),
            ),
            None => modifiers.push(modifier),
        }
        input = rest;
    }
    Ok((input, Quantifier::Count(count, modifiers)))
}

/// A modifier, unless it is the name of the event itself, as in `3 lazy then b`.
fn modifier(input: Tokens<'_>) -> Parsed<'_, Spanned<Modifier>> {
    let token = input.peek();
    let modifier = match token.text {
        "any" if token.kind == Kind::Name => Modifier::Any,
        "lazy" if begins_element(&input.advance()) => Modifier::Lazy,
        "consecutive" if begins_element(&input.advance()) => Modifier::Consecutive,
        _ => {
            for word in ["lazy", "consecutive", "any"] {
                input.note(Expected::Text(word));
            }
            return input.refuse(Expected::Thing("the name of an event"));
        }
    };
    Ok((input.advance(), Spanned::new(modifier, token.span)))
}

/// Whether what is counted, or another modifier, stands here.
fn begins_element(input: &Tokens<'_>) -> bool {
    let token = input.peek();
    match token.kind {
        Kind::Name => {
            !at_clause(input) && (!is_reserved(token.text) || matches!(token.text, "any" | "optional"))
        }
        Kind::Int(_) => true,
        _ => token.is_symbol("("),
    }
}

/// `3`, `3+`, `3..5`
fn count(input: Tokens<'_>) -> Parsed<'_, Spanned<Count>> {
    let start = input.peek().span;
    let (rest, min) = bound(input)?;
    if rest.at_symbol("+") {
        return Ok((rest.advance(), Spanned::new(Count { min, max: None }, start.to(rest.peek().span))));
    }
    if rest.at_symbol("-") && matches!(rest.peek_at(1).kind, Kind::Int(_)) {
        let problem = Diagnostic::new(codes::E0006, rest.peek().span, "a range is not written with `-`");
        rest.report(problem.help(format!("write `{min}..{}`", rest.peek_at(1).text)));
    } else if !rest.at_symbol("..") {
        return Ok((rest, Spanned::new(Count { min, max: Some(min) }, start)));
    }
    let dots = rest.peek();
    let rest = rest.advance();
    if begins_element(&rest) && !matches!(rest.peek().kind, Kind::Int(_)) {
        let problem = Diagnostic::new(codes::E0006, dots.span, "a range needs a largest count");
        rest.report(problem.help(format!("write `{min}+` for {min} or more")));
        return Ok((rest, Spanned::new(Count { min, max: None }, start.to(dots.span))));
    }
    let (rest, max) = cut(bound).parse(rest)?;
    let span = span_from(start, &rest);
    Ok((rest, Spanned::new(Count { min, max: Some(max) }, span)))
}

/// A number of repetitions.
fn bound(input: Tokens<'_>) -> Parsed<'_, u32> {
    let token = input.peek();
    let Kind::Int(value) = token.kind else { return input.refuse(Expected::Thing("a count")) };
    let value = u32::try_from(value).unwrap_or_else(|_| {
        let problem = Diagnostic::new(codes::E0004, token.span, "this count is too large");
        input.report(problem.help(format!("the largest count is {}", u32::MAX)));
        u32::MAX
    });
    Ok((input.advance(), value))
}

/// A counted element behind a count: a loop of a loop.
fn inner_element(input: Tokens<'_>) -> Parsed<'_, Atom> {
    if matches!(input.peek().kind, Kind::Int(_)) || input.at_word("optional") {
        return nested(element).map(|element| Atom::Element(Box::new(element))).parse(input);
    }
    input.refuse(Expected::Thing("the name of an event"))
}

/// A name or a group.
fn atom(input: Tokens<'_>) -> Parsed<'_, Atom> {
    let token = input.peek();
    if token.is_symbol("(") {
        return nested(group).map(|group| Atom::Group(Box::new(group))).parse(input);
    }
    let is_modifier = matches!(token.text, "lazy" | "consecutive") && begins_element(&input.advance());
    if token.kind == Kind::Name && (token.text == "any" || is_modifier) {
        let message = format!("`{}` has no count before it", token.text);
        let problem = Diagnostic::new(codes::E0012, token.span, message);
        let instead = format!("write for example `3+ {} a`", token.text);
        return input.fail(problem.help(match token.text {
            "any" => format!("{instead}, or `then any a`"),
            _ => instead,
        }));
    }
    let (input, name) = event_name(input)?;
    let (input, alias) = opt(preceded(word("as"), cut(alias))).parse(input)?;
    Ok((input, Atom::Name { name, alias }))
}

/// The name behind `as`.
fn alias(input: Tokens<'_>) -> Parsed<'_, Name> {
    let token = input.peek();
    if token.kind == Kind::Name && is_reserved(token.text) {
        return input.fail(reserved(&to_name(token)));
    }
    name("a name for what is captured")(input)
}

/// `( sequence {or sequence | and sequence} [within DURATION] )`
fn group(input: Tokens<'_>) -> Parsed<'_, Group> {
    let (input, open) = symbol("(")(input)?;
    let (mut input, first) = cut(sequence).parse(input)?;
    let mut branches = vec![first];
    let mut kind: Option<(GroupKind, Span)> = None;
    while let (rest, Some(token)) = opt(alt((word("or"), word("and")))).parse(input)? {
        let next = if token.text == "or" { GroupKind::Or } else { GroupKind::And };
        match kind {
            Some((kind, span)) if kind != next => return input.fail(mixed(token, span)),
            _ => kind = kind.or(Some((next, token.span))),
        }
        let (rest, branch) = cut(sequence).parse(rest)?;
        branches.push(branch);
        input = rest;
    }
    let (input, within) = opt(within).parse(input)?;
    let input = close(input, open)?;
    let kind = kind.map_or(GroupKind::Or, |(kind, _)| kind);
    let span = span_from(open.span, &input);
    Ok((input, Group { kind, branches, within, span }))
}

fn mixed(token: &Token<'_>, first: Span) -> Diagnostic {
    Diagnostic::new(codes::E0006, token.span, "`or` and `and` cannot be mixed in one group")
        .also(first, "the group is combined otherwise here")
        .help("put the inner part into parentheses of its own: `((a and b) or c)`")
}

/// The parenthesis that closes a group; one that is missing before the next clause is reported.
fn close<'a>(input: Tokens<'a>, open: &Token<'a>) -> Result<Tokens<'a>, nom::Err<super::input::Problem>> {
    if input.is_end() || at_clause(&input) || input.at_symbol("}") {
        report_unclosed(&input, open);
        return Ok(input);
    }
    cut(symbol(")")).parse(input).map(|(rest, _)| rest)
}
