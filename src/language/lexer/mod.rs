//! From text to tokens.
//!
//! Enters: the text of a file, or the expression between the braces of a title. Leaves: tokens in
//! order, closed by one [`Kind::End`], and diagnostics for what no token can stand for.
//!
//! Invariants: every byte of the text belongs to a token, to space or to a reported problem; the
//! lexer never stops early; it takes time linear in the text. Words are not told from names here,
//! since most of the language's words may also be names of fields.

mod number;
mod text;

use nom::branch::alt;
use nom::bytes::complete::{tag, take_while, take_while1};
use nom::combinator::{map, recognize, value};
use nom::multi::many0_count;
use nom::sequence::pair;
use nom::{IResult, Parser};

pub(super) use number::{UNITS, unit_meant};
pub(super) use text::{Unescaped, unescape};

use super::parser::Problems;
use super::tree::Comment;
use crate::diagnostic::{Diagnostic, FileId, Span, codes};
use crate::event::Duration;

/// A piece of the text with its meaning.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Token<'a> {
    /// What it is.
    pub kind: Kind,
    /// The piece of the text.
    pub text: &'a str,
    /// Where it stands in the file.
    pub span: Span,
    /// Whether a line end stands between it and the token before, or it is the first.
    pub starts_line: bool,
    /// Whether it has been reported already, so that what it leads to need not be.
    pub damaged: bool,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// A name or a word of the language.
    Name,
    /// `12`
    Int(i64),
    /// `3.5`
    Float(f64),
    /// `1h30m`
    Duration(Duration),
    /// `"text"`; what it holds is found by [`unescape`].
    Text,
    /// An operator or a piece of punctuation.
    Symbol,
    /// The end of the tokens; its text is what stands there, if anything.
    End,
}

impl Token<'_> {
    /// Whether it is this word.
    pub fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Name && self.text == word
    }

    /// Whether it is this symbol.
    pub fn is_symbol(&self, symbol: &str) -> bool {
        self.kind == Kind::Symbol && self.text == symbol
    }
}

/// Where the bytes of a lexed text stand in their file.
#[derive(Clone, Copy)]
pub(super) struct Places<'p> {
    /// The file.
    pub file: FileId,
    /// For each byte of the text, and its end, the byte of the file; `None`: the same.
    pub bytes: Option<&'p [u32]>,
}

impl Places<'_> {
    /// The place of the bytes from `start` to `end` of the text.
    pub fn span(&self, start: usize, end: usize) -> Span {
        match self.bytes {
            Some(bytes) => Span::new(self.file, bytes[start] as usize, bytes[end] as usize),
            None => Span::new(self.file, start, end),
        }
    }
}

/// What one step of the lexer found.
enum Piece<'a> {
    Kind(Kind),
    /// A token that stands for something wrong.
    Mended(Kind, Mistake),
    /// Nothing that the language knows.
    Unknown(&'a str),
}

/// What is wrong with a piece of text.
struct Mistake {
    code: crate::diagnostic::Code,
    message: String,
    help: Option<String>,
    /// The part of the piece that is wrong, in bytes; `None`: all of it.
    part: Option<(usize, usize)>,
}

impl Mistake {
    fn new(code: crate::diagnostic::Code, message: impl Into<String>) -> Mistake {
        Mistake { code, message: message.into(), help: None, part: None }
    }

    fn help(mut self, help: impl Into<String>) -> Mistake {
        self.help = Some(help.into());
        self
    }

    fn part(mut self, start: usize, end: usize) -> Mistake {
        self.part = Some((start, end));
        self
    }
}

/// The tokens of a whole file.
pub(super) fn lex<'a>(file: FileId, text: &'a str, problems: &Problems) -> Vec<Token<'a>> {
    // A byte order mark is no part of the text, but counts in the places of what follows.
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    lex_part(text, start, Places { file, bytes: None }, false, problems)
}

/// The comments between the tokens of a file.
pub(super) fn comments(file: FileId, text: &str, tokens: &[Token<'_>]) -> Vec<Comment> {
    let mut comments = Vec::new();
    let mut end = 0;
    for token in tokens {
        let gap = &text[end..token.span.start as usize];
        let mut from = end;
        for line in gap.split_inclusive('\n') {
            if let Some(at) = line.find('#') {
                let written = line[at..].trim_end();
                let before = &text[..from + at];
                let line_start = before.rfind('\n').map_or(0, |at| at + 1);
                comments.push(Comment {
                    text: written.to_owned(),
                    own_line: before[line_start..].trim_start_matches('\u{feff}').trim().is_empty(),
                    span: Span::new(file, from + at, from + at + written.len()),
                });
            }
            from += line.len();
        }
        end = token.span.end as usize;
    }
    comments
}

/// The tokens of `text` from the byte `start` on: up to its end or, with `in_braces`, up to the
/// brace that closes the one before `start`, which becomes the text of the closing [`Kind::End`].
pub(super) fn lex_part<'a>(
    text: &'a str,
    start: usize,
    places: Places<'_>,
    in_braces: bool,
    problems: &Problems,
) -> Vec<Token<'a>> {
    let mut tokens = Vec::new();
    let mut rest = &text[start..];
    let mut starts_line = !in_braces;
    let mut depth = 0usize;
    loop {
        let (after, had_line_end) = space(rest);
        starts_line |= had_line_end;
        let from = text.len() - after.len();
        let Some((next, piece)) = next_piece(after) else {
            let span = places.span(from, from);
            tokens.push(Token { kind: Kind::End, text: "", span, starts_line, damaged: false });
            return tokens;
        };
        let to = text.len() - next.len();
        let (kind, damaged) = settle(piece, from, places, problems);
        if let Some(kind) = kind {
            let mut token =
                Token { kind, text: &text[from..to], span: places.span(from, to), starts_line, damaged };
            if token.is_symbol("{") {
                depth += 1;
            } else if token.is_symbol("}") {
                if in_braces && depth == 0 {
                    token.kind = Kind::End;
                    tokens.push(token);
                    return tokens;
                }
                depth = depth.saturating_sub(1);
            }
            damaged_texts(&token, from, places, problems);
            tokens.push(token);
            starts_line = false;
        } else if let Some(last) = tokens.last_mut() {
            last.damaged = true;
        }
        rest = next;
    }
}

/// Reports what is wrong with a piece and tells which token stands for it.
fn settle(piece: Piece<'_>, from: usize, places: Places<'_>, problems: &Problems) -> (Option<Kind>, bool) {
    let (kind, mistake, len) = match piece {
        Piece::Kind(kind) => return (Some(kind), false),
        Piece::Mended(kind, mistake) => (Some(kind), mistake, 0),
        Piece::Unknown(characters) => (None, unknown(characters), characters.len()),
    };
    let (start, end) = mistake.part.unwrap_or((0, len));
    let mut diagnostic =
        Diagnostic::new(mistake.code, places.span(from + start, from + end), mistake.message);
    diagnostic.help.extend(mistake.help);
    if mistake.code == codes::E0002 && places.bytes.is_some() {
        diagnostic.help = vec!["a text in the braces of a title begins and ends with `\\\"`".to_owned()];
    }
    problems.report(diagnostic);
    (kind, true)
}

/// Reports the escapes of a text that mean nothing.
fn damaged_texts(token: &Token<'_>, from: usize, places: Places<'_>, problems: &Problems) {
    if token.kind != Kind::Text {
        return;
    }
    for (start, end, message) in text::wrong_escapes(token.text) {
        let span = places.span(from + start, from + end);
        problems.report(Diagnostic::new(codes::E0003, span, message).help(
            "a text knows the escapes `\\\"`, `\\\\`, `\\n`, `\\t` and `\\u{…}`; write `\\\\` for a backslash",
        ));
    }
}

/// What remains after spaces, line ends and comments, and whether a line end was among them.
fn space(input: &str) -> (&str, bool) {
    let blank = take_while1::<_, _, nom::error::Error<&str>>(char::is_whitespace);
    let comment = recognize(pair(tag("#"), take_while(|c| c != '\n')));
    match recognize(many0_count(alt((blank, comment)))).parse(input) {
        Ok((rest, skipped)) => (rest, skipped.contains('\n')),
        Err(_) => (input, false),
    }
}

/// The next piece of a text that does not begin with space; `None` at its end.
fn next_piece(input: &str) -> Option<(&str, Piece<'_>)> {
    alt((number::number, name, map(symbol, Piece::Kind), text::text, unknown_characters)).parse(input).ok()
}

fn name(input: &str) -> IResult<&str, Piece<'_>> {
    let starts = |c: char| c.is_alphabetic() || c == '_';
    let goes_on = |c: char| c.is_alphanumeric() || c == '_';
    let (rest, name) =
        recognize(pair(nom::character::complete::satisfy(starts), take_while(goes_on))).parse(input)?;
    if name.is_ascii() {
        return Ok((rest, Piece::Kind(Kind::Name)));
    }
    let mistake = Mistake::new(codes::E0001, format!("`{name}` holds letters that a name cannot have"))
        .help(format!(
            "a name consists of the letters a to z, digits and `_`; a field of a stream can be renamed: `other float from \"{name}\"`"
        ))
        .part(0, name.len());
    Ok((rest, Piece::Mended(Kind::Name, mistake)))
}

/// The longest symbol. Some are here only because people write them: the parser says what to
/// write instead.
fn symbol(input: &str) -> IResult<&str, Kind> {
    let long =
        alt((tag("==="), tag("!=="), tag("=="), tag("!="), tag("<="), tag(">="), tag("<>"), tag("=>")));
    let long = alt((long, tag("=<"), tag("->"), tag("??"), tag(".."), tag("&&"), tag("||"), tag("×")));
    let short = recognize(nom::character::complete::one_of("{}()[],:.=<>+-*/%?!"));
    value(Kind::Symbol, alt((long, short))).parse(input)
}

/// A run of characters that nothing begins with; never empty.
fn unknown_characters(input: &str) -> IResult<&str, Piece<'_>> {
    let (_, first) = nom::character::complete::anychar(input)?;
    let known = |at: usize, c: char| {
        at > 0 && (c.is_whitespace() || c.is_alphanumeric() || "_{}()[],:.=<>+-*/%?!×\"#'“".contains(c))
    };
    let end = input.char_indices().find(|&(at, c)| known(at, c)).map_or(input.len(), |(at, _)| at);
    let end = end.max(first.len_utf8());
    Ok((&input[end..], Piece::Unknown(&input[..end])))
}

fn unknown(characters: &str) -> Mistake {
    let shown: String = characters.chars().take(20).flat_map(printable).collect();
    let mistake = Mistake::new(codes::E0001, format!("`{shown}` means nothing here"));
    match characters {
        ";" => mistake.help("nothing ends with `;` here: leave it out"),
        "&" => mistake.help("write `and`"),
        "|" => mistake.help("write `or`"),
        "^" => mistake.help("write `pow(x, y)` for a power"),
        "'" => mistake.help("texts stand in double quotes"),
        _ => mistake.help("leave it out, or put it into a text or a comment"),
    }
}

/// The character, or its number where it could not be seen.
fn printable(c: char) -> Box<dyn Iterator<Item = char>> {
    if c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{feff}') {
        Box::new(c.escape_unicode())
    } else {
        Box::new(std::iter::once(c))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kinds(text: &str) -> Vec<Kind> {
        let problems = Problems::default();
        let tokens = lex(FileId(0), text, &problems);
        assert!(problems.into_vec().is_empty(), "{text}");
        tokens.into_iter().map(|token| token.kind).collect()
    }

    #[test]
    fn counts_ranges_and_floats_are_told_apart() {
        use Kind::{End, Float, Int, Name, Symbol};
        assert_eq!(kinds("1..3"), [Int(1), Symbol, Int(3), End]);
        assert_eq!(kinds("1.5"), [Float(1.5), End]);
        assert_eq!(kinds("2+ a.b"), [Int(2), Symbol, Name, Symbol, Name, End]);
        assert_eq!(kinds("× 2"), [Symbol, Int(2), End]);
        assert_eq!(kinds("v[0].f"), [Name, Symbol, Int(0), Symbol, Symbol, Name, End]);
    }

    #[test]
    fn the_longest_symbol_is_taken() {
        let problems = Problems::default();
        let text = "a??b?<=<>==!=..=?";
        let tokens = lex(FileId(0), text, &problems);
        let symbols: Vec<&str> =
            tokens.iter().filter(|token| token.kind == Kind::Symbol).map(|token| token.text).collect();
        assert_eq!(symbols, ["??", "?", "<=", "<>", "==", "!=", "..", "=", "?"]);
    }

    #[test]
    fn line_ends_are_remembered_and_comments_are_space() {
        let problems = Problems::default();
        let tokens = lex(FileId(0), "a b # c\n  d\r\n# e\nf", &problems);
        let starts: Vec<(&str, bool)> = tokens.iter().map(|token| (token.text, token.starts_line)).collect();
        assert_eq!(starts, [("a", true), ("b", false), ("d", true), ("f", true), ("", false)]);
    }

    #[test]
    fn comments_are_found_where_they_stand() {
        let text = "\u{feff}# a\n  # b \r\nc # d \" #\n\"# no\" ; # e\n#";
        let tokens = lex(FileId(0), text, &Problems::default());
        let found = comments(FileId(0), text, &tokens);
        let found: Vec<(&str, bool)> = found
            .iter()
            .inspect(|comment| {
                assert_eq!(&text[comment.span.start as usize..comment.span.end as usize], comment.text);
            })
            .map(|comment| (comment.text.as_str(), comment.own_line))
            .collect();
        assert_eq!(found, [("# a", true), ("# b", true), ("# d \" #", false), ("# e", false), ("#", true)]);
    }

    #[test]
    fn a_text_that_is_not_closed_damages_its_line_only() {
        let problems = Problems::default();
        let tokens = lex(FileId(0), "a \"b c\r\nd \"e\\\"\nf", &problems);
        let texts: Vec<&str> = tokens.iter().map(|token| token.text).collect();
        assert_eq!(texts, ["a", "\"b c", "d", "\"e\\\"", "f", ""]);
        assert_eq!(unescape(texts[1]).text, "b c");
        assert_eq!(unescape(texts[3]).text, "e\"");
        assert_eq!(problems.into_vec().len(), 2);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn tokens_stand_in_order_where_they_say(text in "[ -~\n×“é]{0,60}") {
            let tokens = lex(FileId(0), &text, &Problems::default());
            let mut end = 0;
            for token in &tokens {
                prop_assert!(token.span.start >= end);
                end = token.span.end;
                prop_assert_eq!(&text[token.span.start as usize..end as usize], token.text);
            }
            prop_assert_eq!(tokens.iter().filter(|token| token.kind == Kind::End).count(), 1);
        }

        #[test]
        fn what_a_text_holds_is_what_was_written(text in "\\PC{0,30}") {
            let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
            let unescaped = unescape(&format!("\"{escaped}\""));
            prop_assert_eq!(unescaped.bytes.len(), unescaped.text.len() + 1);
            prop_assert_eq!(unescaped.text, text);
        }
    }
}
