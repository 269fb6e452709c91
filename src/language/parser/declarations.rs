//! `stream`, `list`, `table`, `let` and `def`.

use nom::Parser;
use nom::combinator::{cut, opt};
use nom::sequence::{delimited, preceded};

use super::super::lexer::{Kind, Token};
use super::super::tree::{
    Column, Def, Field, Item, Let, List, Name, Parameter, Spanned, Stream, StreamBody, Table, TimeClause,
};
use super::block::Block;
use super::expression::expression;
use super::input::{Expected, Parsed, Problem, Tokens};
use super::primitives::{
    any_word, comma_list, duration, is_reserved, name, new_name, span_from, symbol, text, word,
};
use super::recovery::{leave_unread, misspelt, report, unexpected};
use crate::diagnostic::{Diagnostic, Span, codes};
use crate::event::{Duration, FieldType, TimeUnit};

const TYPES: [&str; 7] = ["bool", "int", "float", "string", "timestamp", "duration", "ip"];

/// The fields of a stream or a table.
const FIELDS: Block = Block { starts: |input| input.peek().kind == Kind::Name, outside: |_| false };

/// What the head of a stream says before its body.
#[derive(Default)]
struct Head {
    time: Option<TimeClause>,
    late: Option<Spanned<Duration>>,
    idle: Option<Spanned<Duration>>,
    /// Where the first of them stands.
    span: Option<Span>,
}

/// `stream NAME …`
pub(super) fn stream(input: Tokens<'_>) -> Parsed<'_, Option<Item>> {
    let (input, keyword) = word("stream")(input)?;
    let (input, (name, head)) =
        head_or_brace(input, (cut(new_name("a name for the stream")), cut(stream_head)))?;
    let head = head.unwrap_or_default();
    let (input, body) = cut(|input| stream_body(input, &head)).parse(input)?;
    let span = span_from(keyword.span, &input);
    let Head { time, late, idle, .. } = head;
    Ok((input, name.map(|name| Item::Stream(Stream { name, time, late, idle, body, span }))))
}

/// The parts of a declaration's head, whose mistakes are reported; what cannot be read is skipped
/// up to the brace, so that what stands in the braces is still seen.
pub(super) fn head_or_brace<'a, A, B, P, Q>(
    input: Tokens<'a>,
    (mut first, mut second): (P, Q),
) -> Parsed<'a, (Option<A>, Option<B>)>
where
    P: Parser<Tokens<'a>, Output = A, Error = Problem>,
    Q: Parser<Tokens<'a>, Output = B, Error = Problem>,
{
    let (rest, a) = match first.parse(input) {
        Ok((rest, a)) => (rest, Some(a)),
        Err(error) => return Ok((to_brace(input, error)?, (None, None))),
    };
    match second.parse(rest) {
        Ok((rest, b)) => Ok((rest, (a, Some(b)))),
        Err(error) => Ok((to_brace(rest, error)?, (a, None))),
    }
}

/// Reports a mistake in a head and goes on at the brace behind it, if there is one on that line.
fn to_brace<'a>(input: Tokens<'a>, error: nom::Err<Problem>) -> Result<Tokens<'a>, nom::Err<Problem>> {
    let (nom::Err::Error(problem) | nom::Err::Failure(problem)) = error else { return Err(error) };
    let mut rest = input.at_position(problem.position);
    let on_line = |rest: &Tokens<'_>| !rest.at_line_start() || rest.position() == input.position();
    while !rest.is_end() && !rest.at_symbol("{") && on_line(&rest) {
        rest = rest.advance();
    }
    if !rest.at_symbol("{") {
        return Err(nom::Err::Failure(problem));
    }
    leave_unread(&input);
    report(input, problem, &[]);
    Ok(rest)
}

fn stream_head(mut input: Tokens<'_>) -> Parsed<'_, Head> {
    let mut head = Head::default();
    loop {
        let token = input.peek();
        let earlier = match token.text {
            "time" => head.time.as_ref().map(TimeClause::span),
            "late" => head.late.as_ref().map(|late| late.span),
            "idle" => head.idle.as_ref().map(|idle| idle.span),
            _ => None,
        };
        if let Some(earlier) = earlier.filter(|_| token.kind == Kind::Name) {
            let message = format!("`{}` is given twice", token.text);
            let problem = Diagnostic::new(codes::E0012, token.span, message);
            input.report(problem.also(earlier, "first given here").help("keep one of the two"));
        }
        let (rest, part) = opt(head_part).parse(input)?;
        input = rest;
        match part {
            Some(HeadPart::Time(time)) => head.time = Some(time),
            Some(HeadPart::Late(late)) => head.late = Some(late),
            Some(HeadPart::Idle(idle)) => head.idle = Some(idle),
            None => return Ok((input, head)),
        }
        head.span = Some(head.span.unwrap_or(token.span).to(input.previous_span()));
    }
}

enum HeadPart {
    Time(TimeClause),
    Late(Spanned<Duration>),
    Idle(Spanned<Duration>),
}

fn head_part(input: Tokens<'_>) -> Parsed<'_, HeadPart> {
    let time = |name: Name| match name.node.as_str() {
        "arrival" => TimeClause::Arrival(name.span),
        _ => TimeClause::Field(name),
    };
    let field = any_word("the event-time field or `arrival`");
    nom::branch::alt((
        preceded(word("time"), cut(field)).map(|name| HeadPart::Time(time(name))),
        preceded(word("late"), cut(duration)).map(HeadPart::Late),
        preceded(word("idle"), cut(duration)).map(HeadPart::Idle),
    ))
    .parse(input)
}

fn stream_body<'a>(input: Tokens<'a>, head: &Head) -> Parsed<'a, StreamBody> {
    if input.at_word("from") {
        let (rest, rule) = preceded(word("from"), cut(name("the name of a rule"))).parse(input)?;
        if let Some(span) = head.span {
            let message = "a stream of alerts has no `time`, `late` or `idle` of its own";
            let problem = Diagnostic::new(codes::E0012, span, message);
            input.report(problem.help("its time is when the alert was decided, and it is never late"));
        }
        return Ok((rest, StreamBody::Rule(rule)));
    }
    let (input, open) = symbol("{")(input)?;
    let (input, fields) = FIELDS.items(open, field)(input)?;
    Ok((input, StreamBody::Fields(fields)))
}

/// `NAME TYPE[?] [from "path"]`, on one line.
fn field(input: Tokens<'_>) -> Parsed<'_, Field> {
    let (input, name) = field_name(input)?;
    let input = past_colon(input);
    if input.at_line_start() || input.at_symbol(",") || input.at_symbol("}") {
        let message = format!("the field `{}` has no type", name.node);
        let problem = Diagnostic::new(codes::E0006, name.span, message);
        return input.fail(problem.help(format!("write `{} string` or another of {}", name.node, types())));
    }
    if name.node == "from" && input.peek().kind == Kind::Text {
        let problem = Diagnostic::new(codes::E0006, name.span, "`from` stands on the line of its field");
        return input.fail(problem.help("such as `device string from \"client.device.id\"`"));
    }
    let (input, ty) = field_type(input)?;
    let (input, optional) = same_line(symbol("?"))(input)?;
    let (input, from) = same_line(word("from"))(input)?;
    let (input, from) = match from {
        Some(_) => cut(text("the path as a text, such as `\"client.device.id\"`")).map(Some).parse(input)?,
        None => (input, None),
    };
    let null = ["not", "null", "optional", "required", "nullable"].iter().any(|word| input.at_word(word));
    if null && !input.at_line_start() {
        let message = "whether a field may be missing is told by its type";
        let problem = Diagnostic::new(codes::E0006, input.peek().span, message);
        return input
            .fail(problem.help("write `string?` when it may be missing or null, and `string` when not"));
    }
    Ok((input, Field { name, ty, optional: optional.is_some(), from }))
}

/// Past a colon, which other languages write between a name and its type.
fn past_colon(input: Tokens<'_>) -> Tokens<'_> {
    if !input.at_symbol(":") {
        return input;
    }
    input.report_here(codes::E0006, "no `:` stands between a name and its type", "leave out the `:`");
    input.advance()
}

fn field_name(input: Tokens<'_>) -> Parsed<'_, Name> {
    let (rest, name) = any_word("a field")(input)?;
    if is_reserved(&name.node) {
        let message = format!("`{}` is a word of the language and cannot be a name", name.node);
        let problem = Diagnostic::new(codes::E0107, name.span, message);
        input.report(problem.help(format!(
            "give the field another name and say where it comes from: `{}_ string from \"{}\"`",
            name.node, name.node
        )));
    }
    Ok((rest, name))
}

/// What `parser` finds if it stands on the line of the token before: on the next line a field
/// called `from` could begin.
fn same_line<'a, T>(
    parser: impl Fn(Tokens<'a>) -> Parsed<'a, T> + Copy,
) -> impl Fn(Tokens<'a>) -> Parsed<'a, Option<T>> {
    move |input| if input.at_line_start() { Ok((input, None)) } else { opt(parser).parse(input) }
}

/// A type by its name. One that does not exist is reported, and the nearest taken for it.
fn field_type(input: Tokens<'_>) -> Parsed<'_, Spanned<FieldType>> {
    let token = input.peek();
    if token.kind != Kind::Name || is_reserved(token.text) || token.text == "from" {
        return input.refuse(Expected::Thing("a type"));
    }
    let rest = input.advance();
    let ty = match type_named(token.text) {
        Some(ty) => ty,
        None => unknown_type(&input, token),
    };
    if ty == FieldType::Timestamp(None) && rest.at_symbol("(") {
        let (rest, unit) = delimited(symbol("("), cut(time_unit), cut(symbol(")"))).parse(rest)?;
        let span = span_from(token.span, &rest);
        return Ok((rest, Spanned::new(FieldType::Timestamp(Some(unit)), span)));
    }
    Ok((rest, Spanned::new(ty, token.span)))
}

fn type_named(name: &str) -> Option<FieldType> {
    Some(match name {
        "bool" => FieldType::Bool,
        "int" => FieldType::Int,
        "float" => FieldType::Float,
        "string" => FieldType::Str,
        "timestamp" => FieldType::Timestamp(None),
        "duration" => FieldType::Duration,
        "ip" => FieldType::Ip,
        _ => return None,
    })
}

fn unknown_type(input: &Tokens<'_>, token: &Token<'_>) -> FieldType {
    let meant = match token.text.to_ascii_lowercase().as_str() {
        "str" | "text" | "varchar" | "char" | "uuid" => Some("string"),
        "integer" | "long" | "int64" | "i64" | "bigint" => Some("int"),
        "double" | "number" | "decimal" | "float64" | "f64" | "real" => Some("float"),
        "boolean" | "flag" => Some("bool"),
        "datetime" | "date" | "time" | "instant" => Some("timestamp"),
        "interval" | "timespan" => Some("duration"),
        "ipv4" | "ipv6" | "inet" | "ipaddr" => Some("ip"),
        _ => misspelt(token, TYPES.into_iter()),
    };
    let problem = Diagnostic::new(codes::E0016, token.span, format!("there is no type `{}`", token.text));
    input.report(match meant {
        Some(meant) => problem.help(format!("did you mean `{meant}`?")),
        None => problem.help(format!("the types are {}", types())),
    });
    meant.and_then(type_named).unwrap_or_else(|| {
        input.context.leave_type_unread(token.span);
        FieldType::Str
    })
}

fn types() -> String {
    let (last, others) = TYPES.split_last().expect("there are types");
    format!("`{}` and `{last}`", others.join("`, `"))
}

fn time_unit(input: Tokens<'_>) -> Parsed<'_, TimeUnit> {
    let token = input.peek();
    let unit = match token.text {
        "s" => TimeUnit::Seconds,
        "ms" => TimeUnit::Millis,
        "us" => TimeUnit::Micros,
        "ns" => TimeUnit::Nanos,
        _ => {
            let expected = ["s", "ms", "us", "ns"].map(Expected::Text);
            return input.fail(unexpected(input, &expected, &[]));
        }
    };
    Ok((input.advance(), unit))
}

/// `list NAME TYPE from "file"`
pub(super) fn list(input: Tokens<'_>) -> Parsed<'_, List> {
    let (input, _) = word("list")(input)?;
    let file = preceded(word("from"), text("the file as a text, such as `\"lists/names.txt\"`"));
    let (input, (name, ty, file)) =
        (cut(new_name("a name for the list")), cut(field_type), cut(file)).parse(input)?;
    Ok((input, List { name, ty, file }))
}

/// `table NAME from "file" { columns }`
pub(super) fn table(input: Tokens<'_>) -> Parsed<'_, Option<Item>> {
    let (input, _) = word("table")(input)?;
    let file = preceded(word("from"), text("the file as a text, such as `\"merchants.csv\"`"));
    let (input, (name, file)) = head_or_brace(input, (cut(new_name("a name for the table")), cut(file)))?;
    let (input, open) = cut(symbol("{")).parse(input)?;
    let (input, columns) = FIELDS.items(open, column)(input)?;
    let table = name.zip(file).map(|(name, file)| Item::Table(Table { name, file, columns }));
    Ok((input, table))
}

/// `[key] FIELD TYPE`; a column may itself be called `key`.
fn column(input: Tokens<'_>) -> Parsed<'_, Column> {
    let is_word = |ahead| {
        let token: &Token<'_> = input.peek_at(ahead);
        token.kind == Kind::Name && !token.starts_line
    };
    let is_type = type_named(input.peek_at(1).text).is_some();
    let named = is_word(2) && !input.peek_at(2).is_word("from");
    let key = input.at_word("key") && is_word(1) && (named || !is_type);
    let (input, field) = field(if key { input.advance() } else { input })?;
    Ok((input, Column { key, field }))
}

/// `let NAME = expression`
pub(super) fn let_(input: Tokens<'_>) -> Parsed<'_, Let> {
    let (input, keyword) = word("let")(input)?;
    let (input, (name, _, value)) =
        (cut(new_name("a name for the value")), cut(symbol("=")), cut(expression)).parse(input)?;
    Ok((input, Let { name, value, span: span_from(keyword.span, &input) }))
}

/// `def NAME(parameter type, …) = expression`
pub(super) fn def(input: Tokens<'_>) -> Parsed<'_, Def> {
    let (input, keyword) = word("def")(input)?;
    let (input, (name, _)) = (cut(new_name("a name for the function")), cut(symbol("("))).parse(input)?;
    let (input, parameters) = opt(comma_list(parameter)).parse(input)?;
    let (input, (_, _, body)) = (cut(symbol(")")), cut(symbol("=")), cut(expression)).parse(input)?;
    let span = span_from(keyword.span, &input);
    Ok((input, Def { name, parameters: parameters.unwrap_or_default(), body, span }))
}

fn parameter(input: Tokens<'_>) -> Parsed<'_, Parameter> {
    let (input, name) = new_name("a parameter")(input)?;
    let (input, ty) = cut(field_type).parse(past_colon(input))?;
    Ok((input, Parameter { name, ty }))
}
