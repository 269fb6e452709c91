//! Texts: their ends and their escapes.

use nom::branch::alt;
use nom::bytes::complete::take_while;
use nom::character::complete::{anychar, char, none_of};
use nom::combinator::recognize;
use nom::multi::many0_count;
use nom::sequence::{pair, preceded};
use nom::{IResult, Parser};

use super::{Kind, Mistake, Piece};
use crate::diagnostic::codes;

/// `"text"`, or what was meant as one. A text ends on its line, so that a forgotten quote damages
/// one line only.
pub(super) fn text(input: &str) -> IResult<&str, Piece<'_>> {
    alt((double_quoted, quoted_otherwise)).parse(input)
}

fn double_quoted(input: &str) -> IResult<&str, Piece<'_>> {
    let escape = recognize(preceded(char('\\'), none_of("\n")));
    let plain = recognize(none_of("\"\\\n"));
    let (rest, text) = recognize(pair(char('"'), many0_count(alt((escape, plain))))).parse(input)?;
    if let Some(rest) = rest.strip_prefix('"') {
        return Ok((rest, Piece::Kind(Kind::Text)));
    }
    // Whatever is left of the line belongs to the text, but not the line end of other systems.
    let (_, line) = take_while(|c| c != '\n').parse(input)?;
    let line = line.trim_end_matches('\r');
    let mistake = Mistake::new(codes::E0002, "this text is not closed")
        .help("a text ends with `\"` on the line on which it begins; `\\n` in it makes a new line")
        .part(0, line.len());
    debug_assert!(line.len() >= text.trim_end_matches('\r').len());
    Ok((&input[line.len()..], Piece::Mended(Kind::Text, mistake)))
}

/// A text in single or typographic quotes, if it is closed on its line.
fn quoted_otherwise(input: &str) -> IResult<&str, Piece<'_>> {
    let (rest, open) = anychar(input)?;
    let close: &[char] = match open {
        '\'' => &['\''],
        '“' | '”' | '„' => &['”', '“'],
        _ => return nom::combinator::fail().parse(input),
    };
    // Looking no further than a text is long keeps the lexer linear.
    let mut line = rest.char_indices().take(200).take_while(|(_, c)| *c != '\n');
    let Some((at, quote)) = line.find(|(_, c)| close.contains(c)) else {
        return nom::combinator::fail().parse(input);
    };
    let end = open.len_utf8() + at + quote.len_utf8();
    let mistake = Mistake::new(codes::E0001, "a text stands in straight double quotes")
        .help(format!("write `\"{}\"`", &rest[..at]))
        .part(0, end);
    Ok((&input[end..], Piece::Mended(Kind::Text, mistake)))
}

/// What a text token holds.
pub(in crate::language) struct Unescaped {
    /// The text, its escapes resolved.
    pub text: String,
    /// For each byte of `text`, and its end, the byte of the token that it stands at.
    pub bytes: Vec<u32>,
}

/// One piece between the quotes: a character, or an escape that is right or not.
struct Bit {
    start: usize,
    end: usize,
    /// The character; for a wrong escape, what is wrong with it.
    value: Result<char, String>,
}

/// What a text token holds, with the places of its bytes. Wrong escapes stand for themselves: they
/// have been reported by the lexer.
pub(in crate::language) fn unescape(token: &str) -> Unescaped {
    let mut unescaped = Unescaped { text: String::new(), bytes: Vec::new() };
    let mut end = inside(token).0;
    for piece in pieces(token) {
        let before = unescaped.text.len();
        match piece.value {
            Ok(c) => unescaped.text.push(c),
            Err(_) => unescaped.text.push_str(&token[piece.start..piece.end]),
        }
        let added = unescaped.text.len() - before;
        unescaped.bytes.extend(std::iter::repeat_n(piece.start as u32, added));
        end = piece.end;
    }
    unescaped.bytes.push(end as u32);
    unescaped
}

/// The escapes of a text token that mean nothing: where in the token, and what is wrong.
pub(super) fn wrong_escapes(token: &str) -> impl Iterator<Item = (usize, usize, String)> {
    pieces(token).filter_map(|piece| piece.value.err().map(|message| (piece.start, piece.end, message)))
}

/// The bytes of the token between its quotes.
fn inside(token: &str) -> (usize, usize) {
    let open = token.chars().next().map_or(0, char::len_utf8);
    let Some(last) = token[open..].chars().next_back() else { return (open, token.len()) };
    let before = token.len() - last.len_utf8();
    let closed = if token.starts_with('"') {
        // A quote at the end closes the text unless a backslash escapes it.
        let backslashes = token[open..before].bytes().rev().take_while(|b| *b == b'\\').count();
        last == '"' && backslashes % 2 == 0
    } else {
        true
    };
    (open, if closed { before } else { token.len() })
}

fn pieces(token: &str) -> impl Iterator<Item = Bit> {
    let (mut at, end) = inside(token);
    std::iter::from_fn(move || {
        let rest = &token[at..end];
        let first = rest.chars().next()?;
        let (len, value) = if first == '\\' { escape(rest) } else { (first.len_utf8(), Ok(first)) };
        let start = at;
        at += len;
        Some(Bit { start, end: at, value })
    })
}

/// The escape that `rest` begins with: its length in bytes and what it stands for.
fn escape(rest: &str) -> (usize, Result<char, String>) {
    let Some(letter) = rest[1..].chars().next() else {
        return (1, Err("a backslash must be followed by a letter".to_owned()));
    };
    let value = match letter {
        '"' => '"',
        '\\' => '\\',
        'n' => '\n',
        't' => '\t',
        'u' => return unicode_escape(rest),
        other => return (1 + other.len_utf8(), Err(format!("`\\{other}` is not an escape"))),
    };
    (2, Ok(value))
}

fn unicode_escape(rest: &str) -> (usize, Result<char, String>) {
    // Looking for the brace only as far as a number could reach keeps the lexer linear.
    let digits = rest[2..].strip_prefix('{').and_then(|inner| {
        let (end, _) = inner.char_indices().take(9).find(|(_, c)| *c == '}')?;
        Some(&inner[..end])
    });
    let Some(digits) = digits else {
        return (2, Err("`\\u` is followed by a number in braces, such as `\\u{e9}`".to_owned()));
    };
    let wrong = || format!("`{digits}` is not the hexadecimal number of a character");
    let valid = (1..=6).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let value = u32::from_str_radix(digits, 16).ok().filter(|_| valid).and_then(char::from_u32);
    (digits.len() + 4, value.ok_or_else(wrong))
}
