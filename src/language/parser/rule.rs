//! `rule` and its clauses.

use nom::Parser;
use nom::branch::alt;
use nom::combinator::{cut, opt};
use nom::sequence::{preceded, separated_pair};

use super::super::lexer::{Kind, Token};
use super::super::tree::{
    Clause, ClauseKind, EventDef, Item, KeyField, KeyPart, Limit, Max, MaxKind, Overlap, Rule,
};
use super::expression::expression;
use super::input::{Expected, Parsed, Tokens};
use super::primitives::{
    any_word, comma_list, duration, integer, name, new_name, span_from, symbol, text, word,
};
use super::recovery::{
    CLAUSES, at_declaration, behind, found, leave_unread, misspelt, near_clause, report, report_unclosed,
    skip_to,
};
use super::{alert, declarations, pattern};
use crate::diagnostic::{Diagnostic, codes};

/// `rule NAME { clauses }`
pub(super) fn rule(input: Tokens<'_>) -> Parsed<'_, Option<Item>> {
    let (input, keyword) = word("rule")(input)?;
    let here = |input| Ok((input, ()));
    let (input, (name, _)) =
        declarations::head_or_brace(input, (cut(new_name("a name for the rule")), here))?;
    let (input, open) = brace(input)?;
    let problems = input.context.problems;
    let before = problems.count();
    let (input, clauses) = clauses(input, open)?;
    let has_unread = problems.count() > before || problems.is_full();
    let span = span_from(keyword.span, &input);
    Ok((input, name.map(|name| Item::Rule(Rule { name, clauses, has_unread, span }))))
}

/// The brace that opens a rule; what stands before it on the line is reported.
fn brace(input: Tokens<'_>) -> Parsed<'_, &Token<'_>> {
    let (input, _) = declarations::head_or_brace(input, (symbol_ahead, |input| Ok((input, ()))))?;
    cut(symbol("{")).parse(input)
}

fn symbol_ahead(input: Tokens<'_>) -> Parsed<'_, ()> {
    if input.at_symbol("{") { Ok((input, ())) } else { input.stuck(&[Expected::Text("{")]) }
}

/// The clauses up to the closing brace. A clause with a mistake is reported and left out.
fn clauses<'a>(mut input: Tokens<'a>, open: &'a Token<'a>) -> Parsed<'a, Vec<Clause>> {
    let mut clauses = Vec::new();
    loop {
        if input.at_symbol("}") {
            return Ok((input.advance(), clauses));
        }
        if input.is_end() || at_declaration(&input) {
            report_unclosed(&input, open);
            return Ok((input, clauses));
        }
        match clause(input) {
            Ok((rest, clause)) => {
                clauses.push(clause);
                input = rest;
            }
            Err(nom::Err::Error(problem) | nom::Err::Failure(problem)) => {
                let next = behind(&input, &problem);
                leave_unread(&input);
                report(input, problem, &CLAUSES);
                input = skip_to(next, near_clause);
            }
            // Only streaming parsers ask for more, and there are none here.
            Err(nom::Err::Incomplete(_)) => input = input.advance(),
        }
    }
}

fn clause(input: Tokens<'_>) -> Parsed<'_, Clause> {
    let start = input.peek().span;
    if !CLAUSES.iter().any(|word| input.at_word(word)) {
        // What could have gone on before it is expected here as well.
        return input.stuck(&[Expected::NEXT_CLAUSE]);
    }
    if input.peek_at(1).is_symbol(":") {
        let message = format!("no `:` stands behind `{}`", input.peek().text);
        let problem = Diagnostic::new(codes::E0006, input.peek_at(1).span, message);
        return input.advance().fail(problem.help("leave it out"));
    }
    let texts = alt((
        preceded(word("about"), cut(text("a text"))).map(ClauseKind::About),
        preceded(word("runbook"), cut(text("a text"))).map(ClauseKind::Runbook),
        preceded(word("tags"), cut(comma_list(name("a tag")))).map(ClauseKind::Tags),
        preceded(word("to"), cut(comma_list(name("the name of a sink")))).map(ClauseKind::To),
        preceded(word("mode"), cut(name("`shadow` or `off`"))).map(ClauseKind::Mode),
    ));
    let logic = alt((
        preceded(word("by"), cut(comma_list(key_part))).map(ClauseKind::By),
        event.map(ClauseKind::Event),
        pattern::match_.map(ClauseKind::Match),
        alert::alert.map(ClauseKind::Alert),
        alert::on_timeout.map(ClauseKind::OnTimeout),
    ));
    let policies = alt((
        preceded(word("overlap"), cut(overlap)).map(ClauseKind::Overlap),
        preceded(word("limit"), cut(limit)).map(ClauseKind::Limit),
        preceded(word("max"), cut(max)).map(ClauseKind::Max),
    ));
    let (input, kind) = alt((texts, logic, policies)).parse(input)?;
    let span = span_from(start, &input);
    Ok((input, Clause { kind, span }))
}

/// `field` · `stream.field = stream.field …`
fn key_part(input: Tokens<'_>) -> Parsed<'_, KeyPart> {
    let (mut input, first) = key_field(input)?;
    let mut fields = vec![first];
    while let (rest, Some(_)) = opt(symbol("=")).parse(input)? {
        let (rest, field) = cut(key_field).parse(rest)?;
        fields.push(field);
        input = rest;
    }
    Ok((input, KeyPart { fields }))
}

fn key_field(input: Tokens<'_>) -> Parsed<'_, KeyField> {
    let (input, first) = name("a field")(input)?;
    let (input, field) = opt(preceded(symbol("."), cut(any_word("a field")))).parse(input)?;
    let field = match field {
        Some(field) => KeyField { stream: Some(first), field },
        None => KeyField { stream: None, field: first },
    };
    Ok((input, field))
}

/// `event NAME = STREAM [where condition]`
fn event(input: Tokens<'_>) -> Parsed<'_, EventDef> {
    let (input, _) = word("event")(input)?;
    let names =
        separated_pair(cut(new_name("a name for the event")), cut(symbol("=")), cut(name("a stream")));
    let (input, ((name, stream), condition)) = (names, opt(word("where"))).parse(input)?;
    if condition.is_none() {
        return Ok((input, EventDef { name, stream, condition: None }));
    }
    match expression(input) {
        Ok((input, condition)) => Ok((input, EventDef { name, stream, condition: Some(condition) })),
        Err(nom::Err::Error(problem) | nom::Err::Failure(problem)) => {
            // The event stays known, so that its uses are not mistakes as well.
            let next = input.at_position(problem.position);
            report(input, problem, &[]);
            Ok((skip_to(next, near_clause), EventDef { name, stream, condition: None }))
        }
        Err(incomplete) => Err(incomplete),
    }
}

fn overlap(input: Tokens<'_>) -> Parsed<'_, Overlap> {
    let captured = |input| cut(name("the name of a captured event")).parse(input);
    let first = preceded(word("first"), captured).map(Overlap::ResumeAtFirst);
    let last = preceded(word("last"), captured).map(Overlap::ResumeAtLast);
    let parsed = alt((
        word("none").map(|_| Overlap::None),
        word("all").map(|_| Overlap::All),
        preceded(word("per"), cut(word("start"))).map(|_| Overlap::PerStart),
        preceded((word("resume"), cut(word("at"))), cut(alt((first, last)))),
    ))
    .parse(input);
    match parsed {
        Err(nom::Err::Error(_)) if input.peek().kind == Kind::Name => {
            input.fail(unknown_overlap(input.peek()))
        }
        parsed => parsed,
    }
}

fn unknown_overlap(token: &Token<'_>) -> Diagnostic {
    let problem =
        Diagnostic::new(codes::E0404, token.span, format!("there is no overlap policy {}", found(token)));
    match misspelt(token, ["none", "all", "per", "resume"].into_iter()) {
        Some("per") => problem.help("did you mean `per start`?"),
        Some("resume") => problem.help("did you mean `resume at first` or `resume at last`?"),
        Some(policy) => problem.help(format!("did you mean `{policy}`?")),
        None => problem.help("it is `none`, `per start`, `all`, `resume at first v` or `resume at last v`"),
    }
}

/// `N per DURATION [for each expression, …]` behind `limit`
fn limit(input: Tokens<'_>) -> Parsed<'_, Limit> {
    let (input, (count, per)) =
        separated_pair(integer("a number of alerts"), cut(word("per")), cut(duration)).parse(input)?;
    let each = preceded((word("for"), cut(word("each"))), cut(comma_list(expression)));
    let (input, for_each) = opt(each).parse(input)?;
    Ok((input, Limit { count, per, for_each: for_each.unwrap_or_default() }))
}

/// `runs N` and `events N` behind `max`
fn max(input: Tokens<'_>) -> Parsed<'_, Max> {
    let what = alt((word("runs").map(|_| MaxKind::Runs), word("events").map(|_| MaxKind::Events)));
    let (input, (what, count)) = (what, cut(integer("a whole number"))).parse(input)?;
    Ok((input, Max { what, count }))
}
