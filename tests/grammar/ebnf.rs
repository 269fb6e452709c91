//! Reads `grammar/tripline.ebnf`, whose notation is told at its top.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What a production says.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// Exactly this text.
    Text(String),
    /// A character from the first to the last.
    Range(char, char),
    /// Another production, by its index.
    Production(usize),
    /// One after the other.
    Sequence(Vec<Form>),
    /// One of them.
    Choice(Vec<Form>),
    /// It or nothing.
    Optional(Box<Form>),
    /// Any number of it, or nothing.
    Repeat(Box<Form>),
    /// Nothing, where it does not follow.
    Not(Box<Form>),
    /// What the first is and the second is not.
    Except(Box<Form>, Box<Form>),
    /// What only words say.
    Special(String),
}

/// All productions.
pub struct Grammar {
    /// Their names, in the order of the file.
    pub names: Vec<String>,
    /// What each says.
    pub forms: Vec<Form>,
    /// How each is written in the file, without comments, spaces at the ends of lines and empty lines.
    pub sources: Vec<String>,
}

impl Grammar {
    /// The grammar of the project.
    pub fn load() -> Grammar {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("grammar/tripline.ebnf");
        Grammar::read(&fs::read_to_string(path).expect("the grammar can be read"))
    }

    /// The grammar in a text.
    pub fn read(text: &str) -> Grammar {
        let sources = productions(&without_comments(text));
        let head = |source: &String| {
            let (name, rest) = source.split_once('=').unwrap_or_else(|| panic!("no production: {source}"));
            (name.trim().to_owned(), rest.to_owned())
        };
        let (names, bodies): (Vec<String>, Vec<String>) = sources.iter().map(head).unzip();
        let mut index = BTreeMap::new();
        for (at, name) in names.iter().enumerate() {
            assert!(index.insert(name.clone(), at).is_none(), "{name} is defined twice");
        }
        let forms = bodies.iter().zip(&names).map(|(body, name)| Reader::whole(body, name, &index)).collect();
        Grammar { names, forms, sources }
    }

    /// The production of that name.
    pub fn production(&self, name: &str) -> usize {
        self.names.iter().position(|own| own == name).unwrap_or_else(|| panic!("no production {name}"))
    }

    /// Whether a production describes characters rather than tokens.
    pub fn is_lexical(&self, production: usize) -> bool {
        self.names[production].bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
    }
}

/// The text without its comments, which do not nest.
pub fn without_comments(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, comment)) = rest.split_once("(*") {
        plain.push_str(before);
        rest = comment.split_once("*)").expect("a comment is closed").1;
    }
    plain + rest
}

/// The productions of a text without comments: each begins at the start of a line.
pub fn productions(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        match found.last_mut().filter(|_| line.starts_with(' ')) {
            Some(last) => {
                last.push('\n');
                last.push_str(line);
            }
            None => found.push(line.to_owned()),
        }
    }
    found
}

/// Reads what stands behind the `=` of a production.
struct Reader<'g> {
    rest: &'g str,
    production: &'g str,
    index: &'g BTreeMap<String, usize>,
}

impl<'g> Reader<'g> {
    fn whole(body: &'g str, production: &'g str, index: &'g BTreeMap<String, usize>) -> Form {
        let mut reader = Reader { rest: body.trim_start(), production, index };
        let form = reader.choice();
        assert!(reader.rest.is_empty(), "{production}: what is `{}`?", reader.rest);
        form
    }

    /// Goes past a sign, if it stands here.
    fn take(&mut self, sign: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(sign) else { return false };
        self.rest = rest.trim_start();
        true
    }

    fn need(&mut self, sign: &str) {
        assert!(self.take(sign), "{}: `{sign}` is missing before `{}`", self.production, self.rest);
    }

    fn choice(&mut self) -> Form {
        let mut branches = vec![self.sequence()];
        while self.take("|") {
            branches.push(self.sequence());
        }
        if branches.len() == 1 { branches.remove(0) } else { Form::Choice(branches) }
    }

    fn sequence(&mut self) -> Form {
        let mut parts = Vec::new();
        while !self.rest.is_empty() && !self.rest.starts_with(['|', ')', ']', '}']) {
            let part = self.part();
            let part = match self.take("-") {
                true => Form::Except(Box::new(part), Box::new(self.part())),
                false => part,
            };
            parts.push(part);
        }
        assert!(!parts.is_empty(), "{}: nothing stands before `{}`", self.production, self.rest);
        if parts.len() == 1 { parts.remove(0) } else { Form::Sequence(parts) }
    }

    fn part(&mut self) -> Form {
        let bracketed = |reader: &mut Reader<'g>, close| {
            let form = reader.choice();
            reader.need(close);
            form
        };
        if self.take("(") {
            return bracketed(self, ")");
        }
        if self.take("[") {
            return Form::Optional(Box::new(bracketed(self, "]")));
        }
        if self.take("{") {
            return Form::Repeat(Box::new(bracketed(self, "}")));
        }
        if self.take("!") {
            return Form::Not(Box::new(self.part()));
        }
        if self.take("?") {
            return Form::Special(self.until('?'));
        }
        let first = self.simple();
        if !self.take("..") {
            return first;
        }
        let (Form::Text(low), Form::Text(high)) = (first, self.simple()) else {
            panic!("{}: a range is not of characters", self.production)
        };
        let one = |text: String| text.chars().next().filter(|c| c.len_utf8() == text.len());
        Form::Range(one(low).expect("one character"), one(high).expect("one character"))
    }

    /// A text, a character or a name.
    fn simple(&mut self) -> Form {
        for quote in ['"', '\''] {
            if let Some(rest) = self.rest.strip_prefix(quote) {
                self.rest = rest;
                return Form::Text(self.until(quote));
            }
        }
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && !"_+".contains(c));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest.trim_start();
        if let Some(number) = word.strip_prefix("U+") {
            let number = u32::from_str_radix(number, 16).ok().and_then(char::from_u32);
            return Form::Text(number.unwrap_or_else(|| panic!("{word} is no character")).to_string());
        }
        let production = self.index.get(word);
        Form::Production(*production.unwrap_or_else(|| panic!("{}: no production {word}", self.production)))
    }

    fn until(&mut self, end: char) -> String {
        let (inside, rest) = self.rest.split_once(end).expect("what is opened is closed");
        self.rest = rest.trim_start();
        inside.to_owned()
    }
}

#[test]
fn the_notation_is_read() {
    let text =
        "(* a (b *)\na = \"x\" { b | 'y' - \"\\\" } (* c *)\n  [ ! b ] ? no text ?\n\nb = U+0041 .. \"C\"\n";
    let grammar = Grammar::read(text);
    assert_eq!(grammar.names, ["a", "b"]);
    assert_eq!(grammar.sources[0], "a = \"x\" { b | 'y' - \"\\\" }\n  [ ! b ] ? no text ?");
    let text = |text: &str| Form::Text(text.to_owned());
    let b = || Form::Production(1);
    let except = Form::Except(Box::new(text("y")), Box::new(text("\\")));
    let expected = Form::Sequence(vec![
        text("x"),
        Form::Repeat(Box::new(Form::Choice(vec![b(), except]))),
        Form::Optional(Box::new(Form::Not(Box::new(b())))),
        Form::Special("no text ".to_owned()),
    ]);
    assert_eq!(grammar.forms, [expected, Form::Range('A', 'C')]);
}
