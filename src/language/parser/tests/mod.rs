//! Tests of the lexer and the parser.

mod forms;
mod hostile;
mod mistakes;
mod show;
mod whole;

use super::parse;
use crate::diagnostic::{FileId, Sources, Style, render_all};
use crate::language::tree::File;

/// The tree of a text without mistakes.
fn good(text: &str) -> File {
    let (tree, diagnostics) = parse(FileId(0), text);
    assert!(diagnostics.is_empty(), "{}", shown(text));
    tree
}

/// The rendered diagnostics of a text.
fn shown(text: &str) -> String {
    let (_, diagnostics) = parse(FileId(0), text);
    render_all(&diagnostics, &Sources::new([("rules.trip", text)]), Style::Plain)
}
