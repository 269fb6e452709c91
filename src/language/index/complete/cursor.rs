//! Where a cursor stands, told from the tokens before it alone, so that it does not matter whether
//! the text around it can be read.

use crate::diagnostic::{FileId, Span};
use crate::language::lexer::{self, Kind, Places, Token};
use crate::language::parser::{CLAUSES, DECLARATIONS, Problems, TEST_LINES, is_reserved};

/// What the braces around the cursor belong to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Block<'a> {
    /// None: between declarations, or in the head of one.
    Top,
    /// Fields of a stream.
    Stream,
    /// Columns of a table.
    Table,
    /// Clauses of the rule of that name.
    Rule(&'a str),
    /// Fields of an alert of that rule.
    AlertFields(&'a str),
    /// Lines of a test.
    Test,
    /// Fields of an event of that stream in a test.
    TestEvent(&'a str),
    /// Fields of an alert of that rule, as a test expects them.
    Expected(&'a str),
    /// Something that is not understood.
    Unknown,
}

/// Where a cursor stands.
pub(super) struct Cursor<'a> {
    /// What is around it.
    pub block: Block<'a>,
    /// What stands before it since the beginning of the declaration, clause, line or field, without
    /// the word that is being typed.
    pub item: Vec<Token<'a>>,
    /// Whether it is the expression in the braces of an alert's title.
    pub in_title: bool,
    /// Whether nothing but space stands before the word on its line.
    pub at_line_start: bool,
    /// Whether the word begins its line without any space.
    pub at_margin: bool,
    /// The word that is being typed, to its end; empty where none is.
    pub word: Span,
}

/// The cursor at a byte of a file; `None` in comments and texts, where nothing can be completed.
pub(super) fn cursor(file: FileId, text: &str, byte: u32) -> Option<Cursor<'_>> {
    let at = byte as usize;
    let before = text.get(..at)?;
    let tokens = lexer::lex(file, text, &Problems::default());
    let here = tokens.partition_point(|token| token.span.start < byte);
    let last = here.checked_sub(1).map(|last| &tokens[last]);
    let typed = last.filter(|last| last.kind == Kind::Name && last.span.end >= byte);
    let word = typed.map_or(Span { file, start: byte, end: byte }, |typed| typed.span);
    let tokens = &tokens[..here - usize::from(typed.is_some())];
    let line = &before[before.rfind('\n').map_or(0, |end| end + 1)..word.start as usize];
    let mut found = Cursor {
        block: Block::Top,
        item: Vec::new(),
        in_title: false,
        at_line_start: line.trim().is_empty(),
        at_margin: line.is_empty(),
        word,
    };
    let last = tokens.last();
    if let Some(text) = last.filter(|last| last.kind == Kind::Text && is_inside(last, byte)) {
        let (block, item) = around(&tokens[..tokens.len() - 1]);
        let is_title = item.iter().rev().nth(1).is_some_and(|token| token.is_word("alert"));
        let open = before[text.span.start as usize..].rfind(['{', '}'])? + text.span.start as usize;
        if !is_title || before.as_bytes()[open] != b'{' {
            return None;
        }
        return in_title(file, before, open + 1, Cursor { block, ..found });
    }
    let end = last.map_or(0, |last| last.span.end as usize);
    if before.get(end..)?.rsplit('\n').next()?.contains('#') {
        return None;
    }
    (found.block, found.item) = around(tokens);
    let is_field = !matches!(found.block, Block::Top | Block::Rule(_) | Block::AlertFields(_) | Block::Test);
    if found.at_line_start && is_field {
        // A line end separates fields.
        found.item.clear();
    }
    Some(found)
}

/// Whether a byte lies inside of the quotation marks of a text, of which the second may be missing.
fn is_inside(text: &Token<'_>, byte: u32) -> bool {
    let closed = text.text.len() > 1 && text.text.ends_with('"') && !text.damaged;
    byte < text.span.end || byte == text.span.end && !closed
}

/// The cursor in the braces of a title, of which `from` is the first byte inside.
fn in_title<'a>(file: FileId, before: &'a str, from: usize, around: Cursor<'a>) -> Option<Cursor<'a>> {
    let places = Places { file, bytes: None };
    let mut tokens = lexer::lex_part(before, from, places, false, &Problems::default());
    tokens.pop_if(|token| token.kind == Kind::End);
    let byte = before.len() as u32;
    let typed = tokens.pop_if(|token| token.kind == Kind::Name && token.span.end == byte);
    let word = typed.map_or(Span { file, start: byte, end: byte }, |typed| typed.span);
    let inside =
        Cursor { item: tokens, in_title: true, at_line_start: false, at_margin: false, word, ..around };
    Some(inside)
}

/// What is around the end of these tokens, and the tokens of the last item.
fn around<'a>(tokens: &[Token<'a>]) -> (Block<'a>, Vec<Token<'a>>) {
    let mut blocks: Vec<Block<'a>> = Vec::new();
    let mut start = 0;
    let mut brackets = 0usize;
    for (index, token) in tokens.iter().enumerate() {
        let block = blocks.last().copied().unwrap_or(Block::Top);
        let next = tokens.get(index + 1).filter(|next| !next.starts_line);
        if begins_declaration(token, next, block) {
            blocks.clear();
            (start, brackets) = (index, 0);
        } else if begins_item(&tokens[start..index], token, next, block, brackets) {
            (start, brackets) = (index, 0);
        }
        if token.kind != Kind::Symbol {
            continue;
        }
        match token.text {
            "{" => {
                blocks.push(opened(block, &tokens[start..index]));
                (start, brackets) = (index + 1, 0);
            }
            "}" => {
                blocks.pop();
                (start, brackets) = (index + 1, 0);
            }
            "(" | "[" => brackets += 1,
            ")" | "]" => brackets = brackets.saturating_sub(1),
            "," if brackets == 0 && has_fields(block) => start = index + 1,
            _ => {}
        }
    }
    (blocks.last().copied().unwrap_or(Block::Top), tokens[start..].to_vec())
}

fn has_fields(block: Block<'_>) -> bool {
    !matches!(block, Block::Top | Block::Rule(_) | Block::Test)
}

/// Whether a declaration begins at a token. In braces, which may only be missing their end, it must
/// have the form of one.
fn begins_declaration(token: &Token<'_>, next: Option<&Token<'_>>, block: Block<'_>) -> bool {
    let is_word = token.kind == Kind::Name && token.starts_line && DECLARATIONS.contains(&token.text);
    let wanted = if token.text == "test" { Kind::Text } else { Kind::Name };
    let is_named = next.is_some_and(|next| next.kind == wanted);
    match block {
        Block::Top => is_word,
        Block::Rule(_) | Block::Test => is_word && is_named,
        // A field may be called like any of these words, and `list string` is one.
        _ => is_word && is_named && matches!(token.text, "rule" | "test"),
    }
}

/// Whether a clause, a line of a test or a field begins at a token; `item` stands before it.
fn begins_item(
    item: &[Token<'_>],
    token: &Token<'_>,
    next: Option<&Token<'_>>,
    block: Block<'_>,
    brackets: usize,
) -> bool {
    if token.kind != Kind::Name {
        return false;
    }
    let next_is = |symbols: &[&str]| next.is_some_and(|next| symbols.iter().any(|one| next.is_symbol(one)));
    match block {
        Block::Rule(_) => {
            let ends = |last: &Token<'_>| match last.kind {
                Kind::Name => !is_reserved(last.text) && !CLAUSES.contains(&last.text),
                Kind::Symbol => last.is_symbol(")") || last.is_symbol("]"),
                _ => true,
            };
            let may_begin = token.starts_line || item.last().is_none_or(ends);
            CLAUSES.contains(&token.text) && may_begin && !next_is(&[".", "=", "==", ":"])
        }
        Block::Test => TEST_LINES.contains(&token.text) && token.starts_line,
        Block::AlertFields(_) => brackets == 0 && next_is(&["="]),
        Block::Top | Block::Unknown => false,
        Block::Stream | Block::Table | Block::TestEvent(_) | Block::Expected(_) => {
            brackets == 0 && token.starts_line
        }
    }
}

/// What a brace opens behind `head`.
fn opened<'a>(block: Block<'a>, head: &[Token<'a>]) -> Block<'a> {
    let word = head.first().map_or("", |first| first.text);
    let second = head.get(1).map(|token| token.text);
    let last = head.last().filter(|last| last.kind == Kind::Name).map(|last| last.text);
    match (block, word) {
        (Block::Top, "stream") => Block::Stream,
        (Block::Top, "table") => Block::Table,
        (Block::Top, "rule") => Block::Rule(second.unwrap_or_default()),
        (Block::Top, "test") => Block::Test,
        (Block::Rule(rule), "alert" | "on") => Block::AlertFields(rule),
        (Block::Test, "at") => Block::TestEvent(last.unwrap_or_default()),
        (Block::Test, "expect") => Block::Expected(second.unwrap_or_default()),
        _ => Block::Unknown,
    }
}
