//! What to do about a token that cannot stand where it stands.
//!
//! Rule authors bring the habits of SQL, of regular expressions and of other languages with them;
//! each hint here answers one of these habits.

use super::super::lexer::Kind;
use super::input::{Expected, Tokens};
use super::recovery::misspelt;

/// The hint for what is found at `at`; `words` could have stood there besides what was expected.
pub(super) fn hint(at: Tokens<'_>, expected: &[Expected], words: &[&'static str]) -> Option<String> {
    hyphen(at, expected)
        .or_else(|| decimal_comma(at))
        .or_else(|| symbol(at, expected))
        .or_else(|| quoted(at, expected))
        .or_else(|| unseparated(at, expected))
        .or_else(|| operator_word(at, expected))
        .or_else(|| misspelt_word(at, expected, words))
}

/// `card-testing` in the place of a name, or `per-start` in that of two words.
fn hyphen(at: Tokens<'_>, expected: &[Expected]) -> Option<String> {
    let (before, hyphen, after) = (at.previous()?, at.peek(), at.peek_at(1));
    let joined = before.span.end == hyphen.span.start && hyphen.span.end == after.span.start;
    let names = before.kind == Kind::Name && after.kind == Kind::Name && hyphen.is_symbol("-");
    if !(joined && names) {
        return None;
    }
    if expected.iter().any(|expected| matches!(expected, Expected::Text(word) if *word == after.text)) {
        return Some(format!("write two words: `{} {}`", before.text, after.text));
    }
    Some(format!("a name cannot hold `-`: write `{}_{}`", before.text, after.text))
}

/// `500,00`
fn decimal_comma(at: Tokens<'_>) -> Option<String> {
    let (before, comma, after) = (at.previous()?, at.peek(), at.peek_at(1));
    let joined = before.span.end == comma.span.start && comma.span.end == after.span.start;
    let numbers =
        matches!(before.kind, Kind::Int(_)) && matches!(after.kind, Kind::Int(_)) && comma.is_symbol(",");
    (joined && numbers).then(|| format!("a number is written with a point: `{}.{}`", before.text, after.text))
}

/// A text in the place of a name.
fn quoted(at: Tokens<'_>, expected: &[Expected]) -> Option<String> {
    let token = at.peek();
    let wants_name = matches!(expected, [Expected::Thing("the name of a sink")]);
    let name = token.text.trim_matches('"');
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (token.kind == Kind::Text && wants_name && is_name).then(|| format!("write `{name}` without quotes"))
}

/// `by card merchant`
fn unseparated(at: Tokens<'_>, expected: &[Expected]) -> Option<String> {
    let wants = |text| expected.contains(&Expected::Text(text));
    let (before, token) = (at.previous()?, at.peek());
    let is_key = wants("=") && wants(",") && wants(".");
    let names = before.kind == Kind::Name && token.kind == Kind::Name;
    (is_key && names)
        .then(|| format!("the parts of a key are separated by commas: `{}, {}`", before.text, token.text))
}

fn symbol(at: Tokens<'_>, expected: &[Expected]) -> Option<String> {
    let token = at.peek();
    if token.kind != Kind::Symbol {
        return None;
    }
    let wants = |wanted| expected.contains(&wanted);
    let follows = |symbol| at.previous().is_some_and(|token| token.is_symbol(symbol));
    let hint = match token.text {
        ":" | "==" if wants(Expected::Text("=")) => "write `=`",
        "->" | "=>" if wants(Expected::Text("then")) => "write `then`",
        "," if wants(Expected::Text("then")) => "steps are linked with `then` or `next`, without commas",
        "," if wants(Expected::NEXT_CLAUSE) => "clauses are not separated: leave out the comma",
        "+" | "*" | "?" | "{" if wants(Expected::Text("then")) => {
            "a count stands before its step: `3+ a`, `0+ a`, `2..5 a` or `optional a`"
        }
        "(" if wants(Expected::Text("{")) => "write `{`: fields stand in braces",
        "?" if wants(Expected::OPERATOR) => "write `if(condition, then, otherwise)`",
        ")" | "]" if follows(",") => "leave out the comma before it",
        "*" if follows("(") => "name the stream or the event that is counted, such as `count(auth)`",
        "[" if at.previous().is_some_and(|token| token.is_word("in")) => {
            "the values of `in` stand in parentheses: `x in (1, 2, 3)`"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

/// A word that other languages have for an operator.
fn operator_word(at: Tokens<'_>, expected: &[Expected]) -> Option<String> {
    let token = at.peek();
    if token.kind != Kind::Name {
        return None;
    }
    let hint = match token.text.to_ascii_lowercase().as_str() {
        "over" if expected.contains(&Expected::EXPRESSION) => {
            "`over` stands behind the parentheses: `count(auth where not ok) over 10m`".to_owned()
        }
        "when" | "if" | "with" if expected.contains(&Expected::Text("where")) => "write `where`".to_owned(),
        _ if !expected.contains(&Expected::OPERATOR) => return None,
        "between" => "write `x >= 1 and x <= 5`".to_owned(),
        "contains" | "starts_with" | "ends_with" => format!("write `{}(x, \"…\")`", token.text),
        "startswith" => "write `starts_with(x, \"…\")`".to_owned(),
        "endswith" => "write `ends_with(x, \"…\")`".to_owned(),
        "equals" | "eq" => "write `==`".to_owned(),
        "mod" => "write `%`".to_owned(),
        _ => return None,
    };
    Some(hint)
}

fn misspelt_word(at: Tokens<'_>, expected: &[Expected], words: &[&'static str]) -> Option<String> {
    let exact = expected.iter().filter_map(|expected| match expected {
        Expected::Text(text) => Some(*text),
        Expected::Thing(_) => None,
    });
    let word = misspelt(at.peek(), exact.chain(words.iter().copied()))?;
    Some(format!("did you mean `{word}`?"))
}
