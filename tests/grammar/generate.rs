//! Random sentences, derived from the grammar.

use std::collections::BTreeSet;

use super::characters::content;
use super::ebnf::{Form, Grammar};
use super::random::Random;
use super::recognise::Recogniser;

/// What a sentence is made of.
enum Piece {
    Token(String),
    /// A line end must stand here.
    NewLine,
    /// No line end may stand here.
    SameLine,
}

/// Derives sentences from a seed.
pub struct Generator<'g> {
    recogniser: &'g Recogniser<'g>,
    random: Random,
    /// For each production, how many others it nests at the least.
    heights: &'g [usize],
    /// The words that the grammar knows.
    words: &'g [String],
    pieces: Vec<Piece>,
    /// Whether escapes other than `\"` stand in titles, also in place of the characters of expressions.
    pub has_escapes: bool,
    /// The productions that have been used.
    pub used: BTreeSet<usize>,
}

/// How many tokens a sentence has before it hurries to its end.
const LONG: usize = 80;

/// For each production, how many others it nests at the least.
pub fn heights(grammar: &Grammar) -> Vec<usize> {
    let mut heights = vec![usize::MAX; grammar.forms.len()];
    loop {
        let next: Vec<usize> = grammar.forms.iter().map(|form| height(form, &heights)).collect();
        if next == heights {
            return heights;
        }
        heights = next;
    }
}

fn height(form: &Form, heights: &[usize]) -> usize {
    match form {
        Form::Production(index) => heights[*index].saturating_add(1),
        Form::Sequence(parts) => parts.iter().map(|part| height(part, heights)).max().unwrap_or(0),
        Form::Choice(branches) => branches.iter().map(|branch| height(branch, heights)).min().unwrap_or(0),
        Form::Except(inner, _) => height(inner, heights),
        Form::Text(_) | Form::Range(..) | Form::Special(_) => 0,
        Form::Optional(_) | Form::Repeat(_) | Form::Not(_) => 0,
    }
}

/// The words in the productions for tokens.
pub fn words(grammar: &Grammar) -> Vec<String> {
    fn collect(form: &Form, words: &mut BTreeSet<String>) {
        match form {
            Form::Text(text) if text.bytes().all(|b| b.is_ascii_alphabetic()) => {
                words.insert(text.clone());
            }
            Form::Sequence(parts) | Form::Choice(parts) => parts.iter().for_each(|part| collect(part, words)),
            Form::Optional(inner) | Form::Repeat(inner) | Form::Not(inner) => collect(inner, words),
            _ => {}
        }
    }
    let mut words = BTreeSet::new();
    let tokens = (0..grammar.forms.len()).filter(|production| !grammar.is_lexical(*production));
    tokens.for_each(|production| collect(&grammar.forms[production], &mut words));
    words.into_iter().collect()
}

impl<'g> Generator<'g> {
    pub fn new(
        seed: u64,
        recogniser: &'g Recogniser<'g>,
        heights: &'g [usize],
        words: &'g [String],
    ) -> Generator<'g> {
        let random = Random::new(seed);
        Generator {
            recogniser,
            random,
            heights,
            words,
            pieces: Vec::new(),
            has_escapes: true,
            used: BTreeSet::new(),
        }
    }

    /// A sentence of a production that nests no more than `depth` productions, as far as possible.
    /// What the grammar says with `!` is not looked at, so it need not be one.
    pub fn sentence(&mut self, production: &str, depth: usize) -> String {
        self.pieces.clear();
        self.production(self.recogniser.grammar.production(production), depth);
        let pieces = std::mem::take(&mut self.pieces);
        self.written(&pieces, true)
    }

    fn production(&mut self, production: usize, depth: usize) {
        self.used.insert(production);
        let grammar = self.recogniser.grammar;
        match grammar.names[production].as_str() {
            "NEW_LINE" => self.pieces.push(Piece::NewLine),
            "SAME_LINE" => self.pieces.push(Piece::SameLine),
            "TITLE" => {
                let title = self.title(depth);
                self.pieces.push(Piece::Token(title));
            }
            _ if grammar.is_lexical(production) => {
                let token = self.token(production);
                self.pieces.push(Piece::Token(token));
            }
            _ => self.form(&grammar.forms[production], depth.saturating_sub(1)),
        }
    }

    fn form(&mut self, form: &Form, depth: usize) {
        let hurry = self.pieces.len() > LONG;
        match form {
            Form::Text(text) => self.pieces.push(Piece::Token(text.clone())),
            Form::Production(index) => self.production(*index, depth),
            Form::Sequence(parts) => parts.iter().for_each(|part| self.form(part, depth)),
            Form::Choice(branches) => {
                let least = branches.iter().map(|branch| height(branch, self.heights)).min().unwrap_or(0);
                let limit = if hurry { least } else { depth.max(least) };
                let near: Vec<&Form> =
                    branches.iter().filter(|branch| height(branch, self.heights) <= limit).collect();
                let branch = self.random.pick(&near);
                self.form(branch, depth);
            }
            Form::Optional(inner) => {
                if !hurry && height(inner, self.heights) <= depth && self.random.chance(40) {
                    self.form(inner, depth);
                }
            }
            Form::Repeat(inner) => {
                while self.pieces.len() <= LONG
                    && height(inner, self.heights) <= depth
                    && self.random.chance(45)
                {
                    self.form(inner, depth);
                }
            }
            Form::Not(_) => {}
            Form::Except(..) | Form::Range(..) | Form::Special(_) => panic!("{form:?} stands among tokens"),
        }
    }

    /// A token of a production of characters.
    fn token(&mut self, production: usize) -> String {
        let name = self.recogniser.grammar.names[production].as_str();
        if matches!(name, "WORD" | "NAME") && self.random.chance(40) {
            let word = self.random.pick(self.words);
            if self.recogniser.derives(name, &word).is_ok() {
                return word;
            }
        }
        loop {
            let mut token = String::new();
            self.characters(&Form::Production(production), &mut token);
            let is_one = self.recogniser.derives(name, &token).is_ok();
            if is_one && (name != "TEXT" || content(&token).is_some()) {
                return token;
            }
        }
    }

    fn characters(&mut self, form: &Form, into: &mut String) {
        match form {
            Form::Text(text) => into.push_str(text),
            Form::Range(low, high) => into.push(self.character(*low, *high)),
            Form::Production(index) => {
                self.used.insert(*index);
                self.characters(&self.recogniser.grammar.forms[*index], into);
            }
            Form::Sequence(parts) => parts.iter().for_each(|part| self.characters(part, into)),
            Form::Choice(branches) => {
                let branch = self.random.number(0, branches.len() as u32 - 1) as usize;
                self.characters(&branches[branch], into);
            }
            Form::Optional(inner) if self.random.chance(40) => self.characters(inner, into),
            Form::Repeat(inner) => {
                while self.random.chance(60) {
                    self.characters(inner, into);
                }
            }
            Form::Except(inner, _) => self.characters(inner, into),
            Form::Optional(_) | Form::Not(_) => {}
            Form::Special(words) => panic!("no characters are told by `{words}`"),
        }
    }

    /// A character of a range; of a large one, mostly a common character.
    fn character(&mut self, low: char, high: char) -> char {
        let common = ['a', ' ', '"', '\\', '{', '}', '#', '\n', '\r', '\t', 'é', '\u{2028}'];
        if (low..=high).contains(&'a') && high > 'z' && self.random.chance(90) {
            return self.random.pick(&common);
        }
        let number = self.random.number(low as u32, high as u32);
        char::from_u32(number).unwrap_or(low)
    }

    /// A TITLE.
    fn title(&mut self, depth: usize) -> String {
        let production = self.recogniser.grammar.production("title");
        self.used.insert(production);
        let mut content = String::new();
        while self.random.chance(60) {
            match self.random.number(0, 3) {
                0 => content.push_str(self.random.pick(&["{{", "}}"])),
                1 => self.characters(
                    &Form::Production(self.recogniser.grammar.production("TITLE_CHARACTER")),
                    &mut content,
                ),
                _ => {
                    let before = std::mem::take(&mut self.pieces);
                    self.production(self.recogniser.grammar.production("expression"), depth.min(12));
                    let inner = std::mem::replace(&mut self.pieces, before);
                    content = content
                        + "{"
                        + &self
                            .written(&inner, false)
                            .replace('\n', if self.has_escapes { "\n" } else { " " })
                        + "}";
                }
            }
        }
        let escaped: String = content.chars().map(|c| self.escaped(c)).collect();
        format!("\"{escaped}\"")
    }

    fn escaped(&mut self, c: char) -> String {
        match c {
            '"' | '\\' => format!("\\{c}"),
            '\n' => "\\n".to_owned(),
            '\t' if self.has_escapes && self.random.chance(50) => "\\t".to_owned(),
            _ if self.has_escapes && self.random.chance(3) => format!("\\u{{{:x}}}", c as u32),
            _ => c.to_string(),
        }
    }

    /// The pieces with space between them.
    fn written(&mut self, pieces: &[Piece], line_starts: bool) -> String {
        let mut text = String::new();
        let mut last: Option<&str> = None;
        let (mut new_line, mut same_line) = (false, false);
        for piece in pieces {
            match piece {
                Piece::NewLine => new_line = true,
                Piece::SameLine => same_line = true,
                Piece::Token(token) => {
                    let space = self.space(last, token, new_line, same_line, line_starts);
                    text.push_str(&space);
                    text.push_str(token);
                    last = Some(token);
                    (new_line, same_line) = (false, false);
                }
            }
        }
        text + if self.random.chance(50) { "\n" } else { "" }
    }

    fn space(
        &mut self,
        last: Option<&str>,
        token: &str,
        new_line: bool,
        same_line: bool,
        comments: bool,
    ) -> String {
        let Some(last) = last else { return String::new() };
        if !new_line && self.random.chance(15) {
            let joined = format!("{last}{token}");
            let found = self.recogniser.lexer.file(&joined).map(|(tokens, _)| tokens);
            if found
                .is_some_and(|tokens| tokens.len() == 2 && tokens[0].text == last && tokens[1].text == token)
            {
                return String::new();
            }
        }
        let lines = ["\n", "\n  ", "\r\n", " \n\n\t", " # a comment {\n"];
        let lines = if comments { &lines[..] } else { &lines[..4] };
        match (new_line, same_line) {
            (true, _) => self.random.pick(lines),
            (_, true) => self.random.pick(&[" ", "  ", "\t", "\u{a0}", "\u{2028}"]),
            _ if self.random.chance(20) => self.random.pick(lines),
            _ => " ",
        }
        .to_owned()
    }
}
