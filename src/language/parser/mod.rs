//! From tokens to the syntax tree, all problems at once.
//!
//! Enters: the text of one file. Leaves: its tree, holding whatever could be read, and its
//! diagnostics. The parsers are nom's combinators over a slice of tokens ([`input`]); where a
//! mistake stands, [`recovery`] finds the next field, line, clause or declaration.
//!
//! Invariants: no text makes the parser panic or recurse deeper than a constant; it takes time
//! linear in the text; a tree without diagnostics holds everything that the text says; names and
//! types are not looked at.

mod alert;
mod block;
mod declarations;
mod element;
mod expression;
mod hints;
mod input;
mod operator;
mod pattern;
mod primitives;
mod recovery;
mod rule;
mod template;
mod test_block;
#[cfg(test)]
mod tests;

use nom::Parser;
use nom::branch::alt;

pub(in crate::language) use input::Problems;
pub(in crate::language) use operator::{Infix, Level};
pub(in crate::language) use primitives::is_reserved;
pub(in crate::language) use recovery::{CLAUSES, DECLARATIONS, TEST_LINES};

use super::lexer::{self, Kind};
use super::tree::{File, Item};
use crate::diagnostic::{Diagnostic, Diagnostics, FileId, Span, codes};
use input::{Context, Expected, MAX_PROBLEMS, Parsed, Tokens};

/// The largest file that is read, in bytes.
pub const MAX_FILE_BYTES: usize = 1 << 20;

/// The tree of a rule file and what is wrong with it, in the order of the text.
///
/// Declarations, clauses and fields that could not be read are left out of the tree; there is a
/// diagnostic for each of them, up to a limit that a further diagnostic tells.
pub fn parse(file: FileId, text: &str) -> (File, Diagnostics) {
    if text.len() > MAX_FILE_BYTES {
        let mut diagnostics = Diagnostics::default();
        diagnostics.push(too_large(file, text));
        return (File::default(), diagnostics);
    }
    let lexing = Problems::default();
    let tokens = lexer::lex(file, text, &lexing);
    let parsing = Problems::default();
    let context = Context::new(file, &parsing);
    let items = parse_items(Tokens::new(&tokens, &context));
    let comments = lexer::comments(file, text, &tokens);
    let tree = File { items, comments, unread: context.into_unread() };
    (tree, in_order(lexing.into_vec(), parsing.into_vec()))
}

fn too_large(file: FileId, text: &str) -> Diagnostic {
    let message = format!("this file has {} bytes; at most {MAX_FILE_BYTES} are read", text.len());
    Diagnostic::new(codes::E0010, Span::new(file, 0, 0), message).help("split it into several files")
}

/// The problems of both passes by place, cut off at the limit.
fn in_order(lexing: Vec<Diagnostic>, parsing: Vec<Diagnostic>) -> Diagnostics {
    let mut all: Vec<Diagnostic> = lexing.into_iter().chain(parsing).collect();
    all.sort_by_key(|problem| (problem.primary.span, problem.code));
    let more = all.len() > MAX_PROBLEMS;
    all.truncate(MAX_PROBLEMS);
    if let Some(last) = all.last().filter(|_| more) {
        let message = format!("this file has more than {MAX_PROBLEMS} problems; the rest is not shown");
        all.push(Diagnostic::new(codes::E0015, last.primary.span, message));
    }
    let mut diagnostics = Diagnostics::default();
    all.into_iter().for_each(|problem| diagnostics.push(problem));
    diagnostics
}

fn parse_items(mut input: Tokens<'_>) -> Vec<Item> {
    let mut items = Vec::new();
    while !input.is_end() {
        match item(input) {
            Ok((rest, item)) => {
                items.extend(item);
                input = rest;
            }
            Err(nom::Err::Error(problem) | nom::Err::Failure(problem)) => {
                let next = input.at_position(problem.position.max(input.position() + 1));
                recovery::leave_unread(&input);
                recovery::report(input, problem, &recovery::DECLARATIONS);
                input = recovery::next_declaration(next);
            }
            // Only streaming parsers ask for more, and there are none here.
            Err(nom::Err::Incomplete(_)) => input = input.advance(),
        }
    }
    items
}

/// One declaration; `None` when it was too damaged to keep, but its end has been found.
fn item(input: Tokens<'_>) -> Parsed<'_, Option<Item>> {
    if input.at_symbol("}") {
        let problem = Diagnostic::new(codes::E0007, input.peek().span, "this brace closes nothing");
        input.report(problem.help("leave it out, or look for a `{` that is missing before it"));
        return Ok((input.advance(), None));
    }
    if !recovery::DECLARATIONS.iter().any(|word| input.at_word(word)) {
        return no_declaration(input);
    }
    let simple = alt((
        declarations::list.map(Item::List),
        declarations::let_.map(Item::Let),
        declarations::def.map(Item::Def),
    ));
    let whole = simple.map(Some);
    alt((declarations::stream, declarations::table, rule::rule, test_block::test, whole)).parse(input)
}

/// Fails where no declaration begins.
fn no_declaration(input: Tokens<'_>) -> Parsed<'_, Option<Item>> {
    let token = input.peek();
    if recovery::CLAUSES.iter().any(|word| token.is_word(word)) {
        let message = format!("`{}` stands outside of a rule", token.text);
        let problem = Diagnostic::new(codes::E0006, token.span, message);
        return input.fail(problem.help("put it between the braces of a rule: `rule name { … }`"));
    }
    let meant = match token.text {
        "const" | "var" | "set" => Some("let"),
        "function" | "fn" | "func" | "fun" | "macro" => Some("def"),
        _ => None,
    };
    if let Some(meant) = meant.filter(|_| token.kind == Kind::Name) {
        let message = format!("`{}` is not a declaration", token.text);
        let problem = Diagnostic::new(codes::E0006, token.span, message);
        return input.fail(problem.help(format!("write `{meant}`")));
    }
    input.stuck(&[Expected::Thing(
        "a declaration (`stream`, `list`, `table`, `let`, `def`, `rule` or `test`)",
    )])
}
