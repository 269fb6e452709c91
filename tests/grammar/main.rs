//! The grammars in `grammar/` say what the parser does.
//!
//! `grammar/tripline.ebnf` is read and used in both directions: sentences derived from it must
//! parse, what parses must be derivable, and texts with random damage must be judged alike. A seed
//! stands for a sentence or for a damaged text, and is printed where something fails.
//! `TRIPLINE_CASES` sets how many are tried, `TRIPLINE_SEED` the first of them.

mod agreement;
mod characters;
mod corpus;
mod ebnf;
mod edges;
mod editors;
mod generate;
#[path = "../property/random.rs"]
#[allow(dead_code, reason = "the property tests use all of it")]
mod random;
mod recognise;
#[path = "../common/seeds.rs"]
mod seeds;
mod wellformed;

use seeds::seeds;
use tripline::diagnostic::{Diagnostic, FileId};
use tripline::language::parse;

/// What the parser reports although the form is right: codes, and a part of the message where the
/// code stands for other mistakes as well.
const NOT_OF_FORM: [(&str, &str); 7] = [
    // The value of a number, a duration or an escape.
    ("E0003", "is not the hexadecimal number of a character"),
    ("E0004", "too large"),
    ("E0005", "is too long"),
    // The limits.
    ("E0008", ""),
    ("E0010", ""),
    ("E0015", ""),
    // `time`, `late` and `idle` of a stream, and modifiers.
    ("E0012", "is given twice"),
];

/// What the parser reports, as code and message.
fn problems(text: &str) -> Vec<String> {
    let shown = |problem: &Diagnostic| format!("{} {}", problem.code, problem.message);
    parse(FileId(0), text).1.iter().map(shown).collect()
}

/// Whether a problem, as [`problems`] shows it, is one of the form.
fn is_of_form(problem: &str) -> bool {
    !NOT_OF_FORM.iter().any(|(code, part)| problem.starts_with(code) && problem.contains(part))
}
