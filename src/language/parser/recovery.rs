//! How the parser goes on after a mistake.
//!
//! Enters: a [`Problem`] and the tokens at which something began. Leaves: its diagnostic, and the
//! tokens from which to go on: the next field, line, clause or declaration. Every step moves
//! forward, so that recovery ends and takes linear time.

use super::super::lexer::{Kind, Token};
use super::hints::hint;
use super::input::{Expected, Problem, Tokens};
use super::primitives::is_reserved;
use crate::diagnostic::{Diagnostic, codes, nearest};

/// The words that begin a declaration.
pub(in crate::language) const DECLARATIONS: [&str; 7] =
    ["stream", "list", "table", "let", "def", "rule", "test"];

/// The words that begin a clause of a rule.
pub(in crate::language) const CLAUSES: [&str; 13] = [
    "about", "tags", "runbook", "by", "event", "match", "overlap", "alert", "on", "to", "limit", "max",
    "mode",
];

/// The words that begin a line of a test.
pub(in crate::language) const TEST_LINES: [&str; 4] = ["at", "expect", "restart", "stop"];

/// Reports why a parser that began somewhere before failed; `words` are others that could have
/// stood there, for a suggestion.
pub(super) fn report(input: Tokens<'_>, problem: Problem, words: &[&'static str]) {
    if input.context.problems.is_full() {
        return;
    }
    if let Some(diagnostic) = problem.diagnostic {
        input.report(*diagnostic);
        return;
    }
    let at = input.at_position(problem.position);
    let follows_damage = at.peek().damaged || at.previous().is_some_and(|token| token.damaged);
    if !follows_damage {
        input.report(unexpected(at, &input.context.expected_at(problem.position), words));
    }
}

/// Remembers the names that the tokens from `input` on would have given to something: the first word is
/// a field's, or the one behind it that of a declaration or an event.
pub(super) fn leave_unread(input: &Tokens<'_>) {
    let (first, second) = (input.peek(), input.peek_at(1));
    if first.kind == Kind::Name {
        input.context.leave_unread(first.text);
        if second.kind == Kind::Name && !second.starts_line {
            input.context.leave_unread(second.text);
        }
    }
}

/// `expected …, found …`
pub(super) fn unexpected(at: Tokens<'_>, expected: &[Expected], words: &[&'static str]) -> Diagnostic {
    let token = at.peek();
    let message = match list(expected) {
        Some(wanted) => format!("expected {wanted}, found {}", found(token)),
        None => format!("{} cannot stand here", found(token)),
    };
    let problem = if token.kind == Kind::End && token.text.is_empty() {
        Diagnostic::new(codes::E0006, at.gap(), message)
    } else if token.starts_line && at.position() > 0 && begins_more(&at) {
        // What is missing at the end of a line is shown there: the next line is as it should be.
        Diagnostic::new(codes::E0006, at.gap(), message).also(token.span, "found this")
    } else {
        Diagnostic::new(codes::E0006, token.span, message)
    };
    match hint(at, expected, words) {
        Some(hint) => problem.help(hint),
        None => problem,
    }
}

/// The word that was probably meant by a name that is none.
pub(super) fn misspelt(token: &Token<'_>, words: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    if token.kind != Kind::Name || !(3..=20).contains(&token.text.len()) {
        return None;
    }
    let near = |word: &&str| word.len() > 1 && word.len().abs_diff(token.text.len()) <= 3;
    let words = words.filter(|word| word.bytes().all(|b| b.is_ascii_alphabetic())).filter(near);
    nearest(token.text, words).filter(|word| *word != token.text)
}

/// What stands there, in words.
pub(super) fn found(token: &Token<'_>) -> String {
    if token.kind == Kind::End && token.text.is_empty() {
        return "the end of the file".to_owned();
    }
    let shown: String = token.text.chars().take(30).collect();
    let more = if shown.len() < token.text.len() { "…" } else { "" };
    match token.kind {
        Kind::Text => format!("the text `{shown}{more}`"),
        _ => format!("`{shown}{more}`"),
    }
}

/// `a, b or c`
fn list(expected: &[Expected]) -> Option<String> {
    let shown: Vec<String> = expected
        .iter()
        .map(|expected| match expected {
            Expected::Text(text) => format!("`{text}`"),
            Expected::Thing(thing) => (*thing).to_owned(),
        })
        .collect();
    let (last, others) = shown.split_last()?;
    Some(if others.is_empty() { last.clone() } else { format!("{} or {last}", others.join(", ")) })
}

/// Whether a declaration begins here, even where a field could be meant: the word stands first on
/// its line and what follows it has the form of that declaration.
pub(super) fn at_declaration(input: &Tokens<'_>) -> bool {
    let token = input.peek();
    if token.kind != Kind::Name || !token.starts_line || !DECLARATIONS.contains(&token.text) {
        return false;
    }
    let next = |ahead: usize| Some(input.peek_at(ahead)).filter(|token| !token.starts_line);
    let is_name = |ahead| next(ahead).is_some_and(|token| token.kind == Kind::Name);
    let is = |ahead, text| next(ahead).is_some_and(|token| token.text == text && token.kind != Kind::Text);
    let is_text = |ahead| next(ahead).is_some_and(|token| token.kind == Kind::Text);
    match token.text {
        "test" => is_text(1),
        "let" => is_name(1) && is(2, "="),
        "def" => is_name(1) && is(2, "(") && !is(1, "timestamp"),
        "rule" => is_name(1) && is(2, "{"),
        "list" => is_name(1) && is_name(2) && is(3, "from"),
        "table" => is_name(1) && is(2, "from") && is_text(3) && is(4, "{"),
        _ => {
            let head = ["{", "time", "late", "idle"].iter().any(|text| is(2, text));
            is_name(1) && (head || is(2, "from") && is_name(3))
        }
    }
}

/// Whether a clause of a rule begins here, even where an expression could go on.
pub(super) fn at_clause(input: &Tokens<'_>) -> bool {
    let token = input.peek();
    token.kind == Kind::Name
        && token.starts_line
        && CLAUSES.contains(&token.text)
        && follows_clause_word(token.text, input.peek_at(1))
}

/// Whether a clause was probably meant to begin here.
pub(super) fn near_clause(input: &Tokens<'_>) -> bool {
    let word = || misspelt(input.peek(), CLAUSES.into_iter());
    at_clause(input)
        || input.at_line_start() && word().is_some_and(|word| follows_clause_word(word, input.peek_at(1)))
}

/// Whether a token can stand behind the word that begins a clause, and not behind a field that
/// happens to have the same name.
fn follows_clause_word(word: &str, next: &Token<'_>) -> bool {
    let is_name = next.kind == Kind::Name && !is_reserved(next.text);
    let is_number = matches!(next.kind, Kind::Int(_));
    let is_text = next.kind == Kind::Text;
    if next.is_symbol(":") {
        // A mistake that `by: card` makes, and no field of a test stands where this is asked.
        return true;
    }
    !next.starts_line
        && match word {
            "about" | "runbook" => is_text,
            "match" => is_name || is_number || next.is_word("optional") || next.is_symbol("("),
            "alert" => is_name || is_text,
            "event" => is_name || next.is_symbol("="),
            "limit" => is_number,
            _ => is_name || is_text,
        }
}

/// Whether a line of a test begins here.
pub(super) fn at_test_line(input: &Tokens<'_>) -> bool {
    let token = input.peek();
    token.kind == Kind::Name && token.starts_line && follows_test_word(token.text, input.peek_at(1))
}

/// Whether a line of a test was probably meant to begin here.
pub(super) fn near_test_line(input: &Tokens<'_>) -> bool {
    let word = || misspelt(input.peek(), TEST_LINES.into_iter());
    at_test_line(input)
        || input.at_line_start() && word().is_some_and(|word| follows_test_word(word, input.peek_at(1)))
}

fn follows_test_word(word: &str, next: &Token<'_>) -> bool {
    match word {
        "at" => matches!(next.kind, Kind::Duration(_) | Kind::Int(_)),
        "expect" => next.kind == Kind::Name && !next.starts_line,
        "restart" | "stop" => next.starts_line || next.is_symbol("}"),
        _ => false,
    }
}

/// Whether the next line of a rule, of a test or of the file begins here, so that something is
/// missing before it.
pub(super) fn begins_other(input: &Tokens<'_>) -> bool {
    at_clause(input) || at_declaration(input) || at_test_line(input)
}

/// Whether what began before must have ended here: with the next line, field or closing brace.
fn begins_more(at: &Tokens<'_>) -> bool {
    let is_field =
        at.peek().kind == Kind::Name && ["=", ":"].iter().any(|symbol| at.peek_at(1).is_symbol(symbol));
    at.at_symbol("}") || is_field || begins_other(at)
}

/// The next declaration, past whatever stands before it: outside of braces the word that begins
/// it is enough, inside of them it must have the form of a declaration.
pub(super) fn next_declaration(mut input: Tokens<'_>) -> Tokens<'_> {
    let mut depth = 0usize;
    while !input.is_end() && !at_declaration(&input) {
        let (token, next) = (input.peek(), input.peek_at(1));
        let named = matches!(next.kind, Kind::Name | Kind::Text) && !next.starts_line;
        if depth == 0 && token.kind == Kind::Name && token.starts_line && named {
            let meant =
                DECLARATIONS.contains(&token.text) || misspelt(token, DECLARATIONS.into_iter()).is_some();
            if meant {
                return input;
            }
        }
        match token.text {
            "{" if token.kind == Kind::Symbol => depth += 1,
            "}" if token.kind == Kind::Symbol => depth = depth.saturating_sub(1),
            _ => {}
        }
        input = input.advance();
    }
    input
}

/// Where to go on after a problem of what began at `input`: behind at least one token, unless that
/// is a brace, whose content is to be skipped as a whole.
pub(super) fn behind<'a>(input: &Tokens<'a>, problem: &Problem) -> Tokens<'a> {
    let least = input.position() + usize::from(!input.at_symbol("{"));
    input.at_position(problem.position.max(least))
}

/// Goes on to the next place at which `stop` holds, past any braces that open on the way; no
/// further than a closing brace, a declaration or the end.
pub(super) fn skip_to<'a>(input: Tokens<'a>, stop: impl Fn(&Tokens<'a>) -> bool) -> Tokens<'a> {
    let mut input = input;
    let mut depth = 0usize;
    loop {
        if input.is_end() || at_declaration(&input) || depth == 0 && stop(&input) {
            return input;
        }
        if input.at_symbol("{") {
            depth += 1;
        } else if input.at_symbol("}") {
            if depth == 0 {
                return input;
            }
            depth -= 1;
        }
        input = input.advance();
    }
}

/// Reports that the brace at `open` is not closed where `input` stands.
pub(super) fn report_unclosed(input: &Tokens<'_>, open: &Token<'_>) {
    let what = if open.text == "{" { "brace" } else { "parenthesis" };
    let close = if open.text == "{" { "}" } else { ")" };
    let mut problem = Diagnostic::new(codes::E0007, open.span, format!("this {what} is not closed"));
    problem = match input.is_end() {
        true => problem.help(format!("add `{close}` at the end")),
        false => problem.also(input.peek().span, format!("`{close}` is missing before this")),
    };
    input.report(problem);
}
