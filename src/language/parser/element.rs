//! The elements of a pattern: names and groups, and how often they are taken.
//!
//! The parsers here that recurse are small and call each other directly: every level of nesting
//! costs a frame of each.

use nom::Parser;
use nom::branch::alt;
use nom::combinator::{cut, opt};
use nom::sequence::preceded;

use super::super::lexer::{Kind, Token};
use super::super::tree::{
    Atom, Count, Element, Group, GroupKind, Modifier, Name, Quantifier, Sequence, Spanned,
};
use super::input::{Expected, Parsed, Problem, Tokens, committed};
use super::pattern::{check_link, event_name, sequence, within};
use super::primitives::{is_reserved, name, reserved, span_from, symbol, to_name, word};
use super::recovery::{at_clause, report_unclosed};
use crate::diagnostic::{Diagnostic, Span, codes};

/// `[count {modifier} | optional] atom [until NAME]`
pub(super) fn element(input: Tokens<'_>) -> Parsed<'_, Element> {
    let start = input.peek().span;
    let (input, quantifier) = quantifier(input)?;
    let (input, atom) = match &quantifier {
        Some(_) if begins_quantifier(&input) => inner_element(input)?,
        Some(_) => committed(atom(input))?,
        None => atom(input)?,
    };
    let (input, until) = until(input)?;
    let span = span_from(start, &input);
    Ok((input, Element { quantifier, atom, until, span }))
}

fn quantifier(input: Tokens<'_>) -> Parsed<'_, Option<Quantifier>> {
    opt(alt((optional, counted))).parse(input)
}

fn until(input: Tokens<'_>) -> Parsed<'_, Option<Name>> {
    opt(preceded(word("until"), cut(event_name))).parse(input)
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
                .also(earlier.span, "first given here")
                .help("keep one of the two"),
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
pub(super) fn begins_element(input: &Tokens<'_>) -> bool {
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

/// Whether a count or `optional` stands here.
fn begins_quantifier(input: &Tokens<'_>) -> bool {
    matches!(input.peek().kind, Kind::Int(_)) || input.at_word("optional")
}

/// A counted element behind a count: a loop of a loop.
fn inner_element(input: Tokens<'_>) -> Parsed<'_, Atom> {
    let (rest, element) = element(input.deeper()?)?;
    Ok((rest.level_with(&input), Atom::Element(Box::new(element))))
}

/// A name or a group.
fn atom(input: Tokens<'_>) -> Parsed<'_, Atom> {
    if !input.at_symbol("(") {
        return named(input);
    }
    let (rest, group) = group(input.deeper()?)?;
    Ok((rest.level_with(&input), Atom::Group(group)))
}

/// `NAME [as NAME]`
fn named(input: Tokens<'_>) -> Parsed<'_, Atom> {
    let token = input.peek();
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
fn group(input: Tokens<'_>) -> Parsed<'_, Box<Group>> {
    let open = input.peek();
    let (input, (branches, kind)) = alternatives(input.advance())?;
    let (input, within) = opt(within).parse(input)?;
    check_link(&input)?;
    let input = close(input, open)?;
    let span = span_from(open.span, &input);
    Ok((input, Box::new(Group { kind, branches, within, span })))
}

/// `sequence {or sequence | and sequence}`
fn alternatives(input: Tokens<'_>) -> Parsed<'_, (Vec<Sequence>, GroupKind)> {
    let mut branches = Vec::new();
    let mut first: Option<&Token<'_>> = None;
    let mut input = input;
    loop {
        let (rest, branch) = committed(sequence(input))?;
        branches.push(branch);
        let (rest, combined) = opt(alt((word("or"), word("and")))).parse(rest)?;
        match (combined, first) {
            (None, _) => {
                let is_and = first.is_some_and(|token| token.text == "and");
                return Ok((rest, (branches, if is_and { GroupKind::And } else { GroupKind::Or })));
            }
            (Some(token), Some(first)) if token.text != first.text => {
                return rest.fail(mixed(token, first.span));
            }
            (Some(token), _) => first = first.or(Some(token)),
        }
        input = rest;
    }
}

fn mixed(token: &Token<'_>, first: Span) -> Diagnostic {
    Diagnostic::new(codes::E0006, token.span, "`or` and `and` cannot be mixed in one group")
        .also(first, "the group is combined otherwise here")
        .help("put the inner part into parentheses of its own: `((a and b) or c)`")
}

/// The parenthesis that closes a group; one that is missing before the next clause is reported.
fn close<'a>(input: Tokens<'a>, open: &Token<'a>) -> Result<Tokens<'a>, nom::Err<Problem>> {
    if input.is_end() || at_clause(&input) || input.at_symbol("}") {
        report_unclosed(&input, open);
        return Ok(input);
    }
    cut(symbol(")")).parse(input).map(|(rest, _)| rest)
}
