//! Which parts of a text are of which kind, for showing it in colours.
//!
//! Words of the language are told from names by what the index knows of names: what is a name there is none of the
//! language's words here.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::diagnostic::{FileId, Sources};
use crate::expression::functions;

use super::index::{Index, Means, SymbolKind};
use super::lexer::{self, Kind};
use super::parser::Problems;
use super::tree;

/// The names of types.
const TYPES: [&str; 7] = ["string", "int", "float", "bool", "timestamp", "duration", "ip"];

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its first byte.
    pub start: u32,
    /// The byte behind its last.
    pub end: u32,
    /// What it is.
    pub kind: PartKind,
}

/// What a part of a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PartKind {
    /// A word of the language.
    Keyword,
    /// A name of something else than the following.
    Name,
    /// The name of an event, or of what was captured as one.
    Event,
    /// The name of a function.
    Function,
    /// The name of a type.
    Type,
    /// A text.
    String,
    /// A number.
    Number,
    /// A duration.
    Duration,
    /// An operator or a piece of punctuation.
    Operator,
    /// A comment.
    Comment,
}

impl PartKind {
    /// Every kind.
    pub const ALL: [PartKind; 10] = [
        PartKind::Keyword,
        PartKind::Name,
        PartKind::Event,
        PartKind::Function,
        PartKind::Type,
        PartKind::String,
        PartKind::Number,
        PartKind::Duration,
        PartKind::Operator,
        PartKind::Comment,
    ];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            PartKind::Keyword => "keyword",
            PartKind::Name => "name",
            PartKind::Event => "event",
            PartKind::Function => "function",
            PartKind::Type => "type",
            PartKind::String => "string",
            PartKind::Number => "number",
            PartKind::Duration => "duration",
            PartKind::Operator => "operator",
            PartKind::Comment => "comment",
        }
    }
}

/// The parts of a file of a rule set, in order. What is between them is space, or cannot be read.
pub fn highlight(sources: &Sources, trees: &[tree::File], file: FileId) -> Vec<Part> {
    let index = Index::new(sources, trees);
    let text = &sources.file(file).text;
    let of_file = index.occurrences().iter().filter(|occurrence| occurrence.span.file == file);
    let names: HashMap<(u32, u32), PartKind> = of_file
        .map(|occurrence| {
            let symbol = occurrence.symbols().first().map(|symbol| index.symbol(*symbol).kind);
            let kind = match (&occurrence.means, symbol) {
                (Means::Function, _) | (_, Some(SymbolKind::Def)) => PartKind::Function,
                (_, Some(SymbolKind::Event | SymbolKind::Variable)) => PartKind::Event,
                _ => PartKind::Name,
            };
            ((occurrence.span.start, occurrence.span.end), kind)
        })
        .collect();
    let tokens = lexer::lex(file, text, &Problems::default());
    let comments = lexer::comments(file, text, &tokens);
    let mut parts: Vec<Part> = comments
        .iter()
        .map(|comment| Part { start: comment.span.start, end: comment.span.end, kind: PartKind::Comment })
        .collect();
    for token in tokens {
        let (start, end) = (token.span.start, token.span.end);
        let kind = match token.kind {
            Kind::Name => names.get(&(start, end)).copied().unwrap_or_else(|| word(token.text)),
            Kind::Int(_) | Kind::Float(_) => PartKind::Number,
            Kind::Duration(_) => PartKind::Duration,
            Kind::Text => PartKind::String,
            Kind::Symbol => PartKind::Operator,
            Kind::End => continue,
        };
        parts.push(Part { start, end, kind });
    }
    parts.sort_by_key(|part| part.start);
    parts
}

/// What a word is that is no name.
fn word(text: &str) -> PartKind {
    if TYPES.contains(&text) {
        PartKind::Type
    } else if functions::find(text).is_some() {
        PartKind::Function
    } else {
        PartKind::Keyword
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language;

    #[test]
    fn words_are_told_from_names_and_nothing_is_twice() {
        let text = "stream s { card string } # all\nrule r {\n  by card\n  event small = s where length(card) < 5\n  \
                    match 2+ small within 1h\n  alert high \"x\"\n}\n";
        let sources = Sources::new([("a.trip", text)]);
        let (tree, _) = language::parse(FileId(0), text);
        let parts = highlight(&sources, &[tree], FileId(0));
        assert!(parts.windows(2).all(|pair| pair[0].end <= pair[1].start));
        let shown = |wanted: PartKind| -> Vec<&str> {
            let of = parts.iter().filter(|part| part.kind == wanted);
            of.map(|part| &text[part.start as usize..part.end as usize]).collect()
        };
        assert_eq!(shown(PartKind::Event), ["small", "small"]);
        assert_eq!(shown(PartKind::Function), ["length"]);
        assert_eq!(shown(PartKind::Duration), ["1h"]);
        assert_eq!(shown(PartKind::Comment), ["# all"]);
        assert_eq!(shown(PartKind::Type), ["string"]);
        assert_eq!(
            shown(PartKind::Keyword),
            ["stream", "rule", "by", "event", "where", "match", "within", "alert", "high"]
        );
    }
}
