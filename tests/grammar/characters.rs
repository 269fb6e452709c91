//! Characters to tokens, by the productions in capital letters.

use super::ebnf::{Form, Grammar};

/// A token of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// What is written.
    pub text: String,
    /// Whether a line end stands before it, or nothing at all.
    pub starts_line: bool,
}

/// Where what a form says can end in `text`, if it begins at the byte `at`; sorted.
pub fn ends(grammar: &Grammar, form: &Form, text: &str, at: usize) -> Vec<usize> {
    let mut found = match form {
        Form::Text(wanted) => {
            text[at..].starts_with(wanted.as_str()).then(|| at + wanted.len()).into_iter().collect()
        }
        Form::Range(low, high) => {
            let c = text[at..].chars().next().filter(|c| (low..=high).contains(&c));
            c.map(|c| at + c.len_utf8()).into_iter().collect()
        }
        Form::Production(index) => return ends(grammar, &grammar.forms[*index], text, at),
        Form::Sequence(parts) => {
            let step = |open: Vec<usize>, part| -> Vec<usize> {
                let mut next: Vec<usize> =
                    open.into_iter().flat_map(|at| ends(grammar, part, text, at)).collect();
                next.sort_unstable();
                next.dedup();
                next
            };
            parts.iter().fold(vec![at], step)
        }
        Form::Choice(branches) => {
            branches.iter().flat_map(|branch| ends(grammar, branch, text, at)).collect()
        }
        Form::Optional(inner) => {
            let mut found = ends(grammar, inner, text, at);
            found.push(at);
            found
        }
        Form::Repeat(inner) => repeated(grammar, inner, text, at),
        Form::Not(inner) => {
            if ends(grammar, inner, text, at).is_empty() {
                vec![at]
            } else {
                Vec::new()
            }
        }
        Form::Except(inner, without) => {
            let without = ends(grammar, without, text, at);
            ends(grammar, inner, text, at).into_iter().filter(|end| !without.contains(end)).collect()
        }
        Form::Special(words) => panic!("no characters are told by `{words}`"),
    };
    found.sort_unstable();
    found.dedup();
    found
}

fn repeated(grammar: &Grammar, inner: &Form, text: &str, at: usize) -> Vec<usize> {
    let mut found = vec![at];
    let mut open = vec![at];
    while let Some(from) = open.pop() {
        for end in ends(grammar, inner, text, from) {
            if !found.contains(&end) {
                found.push(end);
                open.push(end);
            }
        }
    }
    found
}

/// The lexer that a grammar describes.
pub struct Lexer<'g> {
    grammar: &'g Grammar,
    token: &'g Form,
    space: &'g Form,
}

impl<'g> Lexer<'g> {
    pub fn new(grammar: &'g Grammar) -> Lexer<'g> {
        let form = |name| &grammar.forms[grammar.production(name)];
        Lexer { grammar, token: form("TOKEN"), space: form("SPACE") }
    }

    /// The tokens of a text and whether a line end stands before its end; `None` when there is
    /// something that is no token.
    pub fn file(&self, text: &str) -> Option<(Vec<Token>, bool)> {
        let (tokens, end, starts_line) =
            self.tokens(text, if text.starts_with('\u{feff}') { 3 } else { 0 }, true, |_| false)?;
        (end == text.len()).then_some((tokens, starts_line))
    }

    /// The tokens from the byte `at` on up to the first that is to `stop` at, and where that is.
    pub fn tokens(
        &self,
        text: &str,
        mut at: usize,
        mut starts_line: bool,
        stop: impl Fn(&str) -> bool,
    ) -> Option<(Vec<Token>, usize, bool)> {
        let mut tokens = Vec::new();
        loop {
            while let Some(end) = ends(self.grammar, self.space, text, at).pop().filter(|end| *end > at) {
                starts_line |= text[at..end].contains('\n');
                at = end;
            }
            if at == text.len() {
                return Some((tokens, at, starts_line));
            }
            let end = ends(self.grammar, self.token, text, at).pop()?;
            let token = &text[at..end];
            if stop(token) {
                return Some((tokens, at, starts_line));
            }
            tokens.push(Token { text: token.to_owned(), starts_line });
            starts_line = false;
            at = end;
        }
    }
}

/// What a TEXT says, its escapes resolved; `None` when a number stands for no character.
pub fn content(text: &str) -> Option<String> {
    let mut said = String::new();
    let mut rest = text.strip_prefix('"')?.strip_suffix('"')?.chars();
    while let Some(c) = rest.next() {
        said.push(match c {
            '\\' => match rest.next()? {
                'n' => '\n',
                't' => '\t',
                'u' => {
                    let number: String = rest.by_ref().skip(1).take_while(|c| *c != '}').collect();
                    u32::from_str_radix(&number, 16).ok().and_then(char::from_u32)?
                }
                other => other,
            },
            other => other,
        });
    }
    Some(said)
}
