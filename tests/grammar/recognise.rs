//! Whether a text can be derived from the grammar.
//!
//! A general recogniser: for a form and the token at which it begins, it finds *all* tokens at which
//! it can end, and remembers them for each production. It goes from the top down, which takes a
//! grammar without left recursion, and nothing else.

use std::collections::HashMap;

use super::characters::{Lexer, Token, content, ends};
use super::ebnf::{Form, Grammar};

/// A grammar, prepared.
pub struct Recogniser<'g> {
    pub grammar: &'g Grammar,
    pub lexer: Lexer<'g>,
    new_line: usize,
    same_line: usize,
    title: usize,
    expression: usize,
}

/// The tokens of a text, and what has been found out about them.
struct Derivation<'r> {
    recogniser: &'r Recogniser<'r>,
    tokens: &'r [Token],
    /// Whether a line end stands before the end.
    end_starts_line: bool,
    /// For each production and token, where it ends.
    known: Vec<Option<Vec<usize>>>,
    /// Whether a text is of a production of characters.
    words: HashMap<(usize, &'r str), bool>,
    /// The last token that was asked for, for messages.
    furthest: usize,
}

impl<'g> Recogniser<'g> {
    pub fn new(grammar: &'g Grammar) -> Recogniser<'g> {
        let [new_line, same_line, title, expression] =
            ["NEW_LINE", "SAME_LINE", "TITLE", "expression"].map(|name| grammar.production(name));
        Recogniser { grammar, lexer: Lexer::new(grammar), new_line, same_line, title, expression }
    }

    /// Whether the text is a whole `production`; otherwise where it ceases to be one.
    pub fn derives(&self, production: &str, text: &str) -> Result<(), String> {
        let (tokens, end) = self.lexer.file(text).ok_or("something is no token")?;
        self.derives_tokens(self.grammar.production(production), &tokens, end)
    }

    fn derives_tokens(&self, production: usize, tokens: &[Token], end: bool) -> Result<(), String> {
        let mut derivation = Derivation {
            recogniser: self,
            tokens,
            end_starts_line: end,
            known: vec![None; self.grammar.names.len() * (tokens.len() + 1)],
            words: HashMap::new(),
            furthest: 0,
        };
        if derivation.production(production, 0).contains(&tokens.len()) {
            return Ok(());
        }
        let near = &tokens[derivation.furthest.saturating_sub(5)..tokens.len().min(derivation.furthest + 1)];
        Err(near.iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" "))
    }

    /// Whether the content of a TITLE is a `title`: the characters, braces and expressions in it.
    fn is_title(&self, content: &str) -> bool {
        let character = &self.grammar.forms[self.grammar.production("TITLE_CHARACTER")];
        let mut at = 0;
        while at < content.len() {
            let rest = &content[at..];
            if let Some(end) = ends(self.grammar, character, content, at).pop() {
                at = end;
            } else if rest.starts_with("{{") || rest.starts_with("}}") {
                at += 2;
            } else if rest.starts_with('{') {
                let found = self.lexer.tokens(content, at + 1, false, |token| token == "}");
                let Some((tokens, end, starts_line)) = found.filter(|(_, end, _)| *end < content.len())
                else {
                    return false;
                };
                if self.derives_tokens(self.expression, &tokens, starts_line).is_err() {
                    return false;
                }
                at = end + 1;
            } else {
                return false;
            }
        }
        true
    }
}

impl<'r> Derivation<'r> {
    /// Where a production that begins at a token can end.
    fn production(&mut self, production: usize, at: usize) -> Vec<usize> {
        let recogniser = self.recogniser;
        if production == recogniser.new_line || production == recogniser.same_line {
            let starts_line = self.tokens.get(at).map_or(self.end_starts_line, |token| token.starts_line);
            return if starts_line == (production == recogniser.new_line) { vec![at] } else { Vec::new() };
        }
        if recogniser.grammar.is_lexical(production) {
            return if self.is_of(production, at) { vec![at + 1] } else { Vec::new() };
        }
        let place = production * (self.tokens.len() + 1) + at;
        if let Some(known) = &self.known[place] {
            return known.clone();
        }
        let found = self.form(&recogniser.grammar.forms[production], at);
        self.known[place] = Some(found.clone());
        found
    }

    /// Whether the token is of a production of characters.
    fn is_of(&mut self, production: usize, at: usize) -> bool {
        self.furthest = self.furthest.max(at);
        let tokens: &'r [Token] = self.tokens;
        let Some(token) = tokens.get(at) else { return false };
        let recogniser = self.recogniser;
        *self.words.entry((production, token.text.as_str())).or_insert_with(|| {
            if production == recogniser.title {
                return token.text.starts_with('"')
                    && content(&token.text).is_some_and(|content| recogniser.is_title(&content));
            }
            let form = &recogniser.grammar.forms[production];
            ends(recogniser.grammar, form, &token.text, 0).contains(&token.text.len())
        })
    }

    fn form(&mut self, form: &Form, at: usize) -> Vec<usize> {
        match form {
            Form::Text(text) => {
                self.furthest = self.furthest.max(at);
                let is_it = self.tokens.get(at).is_some_and(|token| token.text == *text);
                if is_it { vec![at + 1] } else { Vec::new() }
            }
            Form::Production(index) => self.production(*index, at),
            Form::Sequence(parts) => {
                let mut open = vec![at];
                for part in parts {
                    let next = open.iter().flat_map(|at| self.form(part, *at)).collect();
                    open = sorted(next);
                    if open.is_empty() {
                        break;
                    }
                }
                open
            }
            Form::Choice(branches) => {
                sorted(branches.iter().flat_map(|branch| self.form(branch, at)).collect())
            }
            Form::Optional(inner) => {
                let mut found = self.form(inner, at);
                found.push(at);
                sorted(found)
            }
            Form::Repeat(inner) => {
                let mut found = vec![at];
                let mut open = vec![at];
                while let Some(from) = open.pop() {
                    let more: Vec<usize> =
                        self.form(inner, from).into_iter().filter(|end| !found.contains(end)).collect();
                    found.extend(&more);
                    open.extend(more);
                }
                sorted(found)
            }
            Form::Not(inner) => {
                if self.form(inner, at).is_empty() {
                    vec![at]
                } else {
                    Vec::new()
                }
            }
            Form::Except(..) | Form::Range(..) | Form::Special(_) => panic!("{form:?} stands among tokens"),
        }
    }
}

fn sorted(mut places: Vec<usize>) -> Vec<usize> {
    if places.len() > 1 {
        places.sort_unstable();
        places.dedup();
    }
    places
}
