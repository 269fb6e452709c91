//! Completion: what could be written where a cursor stands.

mod clauses;
mod cursor;
mod expression;
mod offers;

use std::collections::HashSet;

use crate::diagnostic::{FileId, Span};
use crate::language::lexer::{Kind, Token};

use super::{Index, RuleNames, SymbolId, SymbolKind};
use cursor::{Block, Cursor, cursor};
use offers::{DECLARATIONS, TEST_LINES, TYPES};

pub use offers::{Offer, OfferKind};

/// What can be written at a place.
#[derive(Clone, Debug, PartialEq)]
pub struct Completion {
    /// The word that an offer takes the place of; empty where none has been begun.
    pub word: Span,
    /// The offers, each once, not filtered by what has been typed.
    pub offers: Vec<Offer>,
}

impl Index {
    /// What can be written at a byte of a file with this text, which may be newer than the index.
    pub fn complete(&self, file: FileId, text: &str, byte: u32) -> Completion {
        let nothing = Completion { word: Span { file, start: byte, end: byte }, offers: Vec::new() };
        let Some(cursor) = cursor(file, text, byte) else { return nothing };
        let mut offering = Offering { index: self, cursor: &cursor, offers: Vec::new() };
        offering.all();
        let mut offers = offering.offers;
        let mut seen = HashSet::new();
        offers.retain(|offer| seen.insert(offer.label.clone()));
        Completion { word: cursor.word, offers }
    }

    /// The fields that can be read of the events of a stream: of alerts, their fields and the key.
    pub fn fields(&self, stream: SymbolId) -> Vec<(String, SymbolId)> {
        let named = |id: &SymbolId| (self.symbol(*id).name.clone(), *id);
        match self.alerts_of(stream).and_then(|rule| self.rule(rule)) {
            None => self.members(stream).iter().map(named).collect(),
            Some(rule) => {
                let fields = rule.alert_fields.iter().map(named);
                let key = rule.key.iter().filter_map(|(name, fields)| Some((name.clone(), *fields.first()?)));
                fields.chain(key).collect()
            }
        }
    }

    /// What a name before a point stands for in a rule.
    pub fn captured(&self, rule: Option<&RuleNames>, name: &str) -> Option<SymbolId> {
        let variable = |rule: &RuleNames| rule.variables.iter().find(|one| one.0 == name).map(|one| one.1);
        let event = |rule: &RuleNames| rule.events.iter().copied().find(|id| self.symbol(*id).name == name);
        let own = rule.and_then(|rule| variable(rule).or_else(|| event(rule)));
        own.or_else(|| self.global(name).filter(|id| self.symbol(*id).kind == SymbolKind::Stream))
    }
}

/// What bare names mean in an expression.
#[derive(Clone, Copy)]
enum Bare {
    /// Fields of a stream.
    Fields(Option<SymbolId>),
    /// Parts of the rule's key.
    Key,
    /// Constants only.
    Constants,
}

struct Offering<'o, 'a> {
    index: &'o Index,
    cursor: &'o Cursor<'a>,
    offers: Vec<Offer>,
}

impl<'o, 'a> Offering<'o, 'a> {
    fn all(&mut self) {
        let item = self.cursor.item.as_slice();
        if self.cursor.in_title {
            return self.expression(item, Bare::Key);
        }
        match self.cursor.block {
            Block::Top => self.top(item),
            Block::Stream => self.field(item),
            Block::Table => self.column(item),
            Block::Rule(_) => self.clause(item),
            Block::AlertFields(_) => {
                if let Some((_, value)) = behind(item, "=") {
                    self.expression(value, Bare::Key);
                }
            }
            Block::Test => self.test_line(item),
            Block::TestEvent(stream) => self.test_field(item, stream),
            Block::Expected(rule) => self.expected(item, rule),
            Block::Unknown => {}
        }
    }

    fn rule(&self) -> Option<&'o RuleNames> {
        let (Block::Rule(name) | Block::AlertFields(name)) = self.cursor.block else { return None };
        self.index.rule(self.index.global(name)?)
    }

    fn stream(&self, name: &str) -> Option<SymbolId> {
        self.index.global(name).filter(|id| self.index.symbol(*id).kind == SymbolKind::Stream)
    }

    fn words(&mut self, words: &[&str]) {
        self.offers.extend(words.iter().map(|word| Offer::new(*word, OfferKind::Word, "")));
    }

    fn explained(&mut self, words: &[(&str, &str)], kind: OfferKind) {
        self.offers.extend(words.iter().map(|(word, detail)| Offer::new(*word, kind, *detail)));
    }

    fn skeletons(&mut self, skeletons: &[(&str, &str, &str)]) {
        let offer = |(word, detail, snippet): &(&str, &str, &str)| {
            Offer::new(*word, OfferKind::Skeleton, *detail).snippet(*snippet)
        };
        self.offers.extend(skeletons.iter().map(offer));
    }

    fn symbol(&mut self, name: impl Into<String>, id: SymbolId) {
        let symbol = self.index.symbol(id);
        let detail = match (symbol.kind, symbol.detail.as_str(), self.index.stream_of(id)) {
            (SymbolKind::Event | SymbolKind::Variable, _, Some(stream)) => {
                format!("an event of {}", self.index.symbol(stream).name)
            }
            (_, "", _) => symbol.kind.described().to_owned(),
            (_, detail, _) => detail.to_owned(),
        };
        self.offers.push(Offer::new(name, OfferKind::Symbol(id), detail));
    }

    fn globals(&mut self, kinds: &[SymbolKind]) {
        for (id, symbol) in self.index.symbols() {
            if symbol.owner.is_none() && kinds.contains(&symbol.kind) {
                self.symbol(symbol.name.clone(), id);
            }
        }
    }

    fn fields(&mut self, stream: Option<SymbolId>) {
        let Some(stream) = stream else { return };
        for (name, id) in self.index.fields(stream) {
            self.symbol(name, id);
        }
        self.offers.push(Offer::new("time", OfferKind::Word, "the event time"));
        if self.index.alerts_of(stream).is_some() {
            self.offers.push(Offer::new("kind", OfferKind::Word, "match or timeout"));
        }
    }

    fn variables(&mut self) {
        let Some(rule) = self.rule() else { return };
        for (name, id) in &rule.variables {
            self.symbol(name.clone(), *id);
        }
        if rule.variables.is_empty() {
            rule.events.iter().for_each(|id| self.symbol(self.index.symbol(*id).name.clone(), *id));
        }
    }

    fn top(&mut self, item: &[Token<'a>]) {
        let word = item.first().map_or("", |first| first.text);
        let last = item.last();
        let last_is = |word: &str| last.is_some_and(|last| last.is_word(word));
        match (word, item.len()) {
            _ if self.cursor.at_margin => {}
            ("stream", 2..) if last_is("time") => {
                self.words(&["arrival"]);
                let stream = self.stream(item[1].text);
                return self.fields(stream);
            }
            ("stream", 2..) if last_is("from") => return self.globals(&[SymbolKind::Rule]),
            ("stream", 2..) if !last_is("late") && !last_is("idle") => {
                return self.words(&["time", "late", "idle", "from"]);
            }
            ("list", 2) => return self.explained(TYPES, OfferKind::Type),
            ("list", 3) | ("table" | "test", 2) => return self.words(&["from"]),
            ("let", _) => {
                if let Some((_, value)) = behind(item, "=") {
                    return self.expression(value, Bare::Constants);
                }
                return;
            }
            ("def", _) => return self.definition(item),
            ("", _) => {}
            _ => return,
        }
        self.skeletons(DECLARATIONS);
    }

    fn definition(&mut self, item: &[Token<'a>]) {
        if let Some((_, body)) = behind(item, "=") {
            // Read from the tokens: a definition without its body is not in the tree.
            for pair in item.windows(3).take_while(|pair| !pair[0].is_symbol(")")) {
                if pair[0].is_symbol("(") || pair[0].is_symbol(",") {
                    self.offers.push(Offer::new(pair[1].text, OfferKind::Label, pair[2].text));
                }
            }
            return self.expression(body, Bare::Constants);
        }
        if let [.., before, Token { kind: Kind::Name, .. }] = item
            && (before.is_symbol("(") || before.is_symbol(","))
        {
            self.explained(TYPES, OfferKind::Type);
        }
    }

    fn field(&mut self, item: &[Token<'a>]) {
        match item.len() {
            0 => {}
            1 => self.explained(TYPES, OfferKind::Type),
            _ if item.last().is_some_and(|last| last.is_symbol("(")) => self.words(&["s", "ms", "us", "ns"]),
            _ => self.words(&["from"]),
        }
    }

    fn column(&mut self, item: &[Token<'a>]) {
        match item {
            [] => self.words(&["key"]),
            [key, rest @ ..] if key.is_word("key") => self.field(rest),
            _ => self.field(item),
        }
    }

    fn test_line(&mut self, item: &[Token<'a>]) {
        if item.is_empty() || self.cursor.at_line_start {
            self.skeletons(TEST_LINES);
        }
        match (item.first().map_or("", |first| first.text), item.len()) {
            ("at", 2) => self.globals(&[SymbolKind::Stream]),
            ("expect", 1) => {
                self.globals(&[SymbolKind::Rule]);
                self.words(&["nothing", "nothing else", "late"]);
            }
            ("expect", 2) if item[1].is_word("nothing") => self.words(&["else"]),
            ("expect", 2) => self.words(&["timeout", "x"]),
            _ => {}
        }
    }

    fn test_field(&mut self, item: &[Token<'a>], stream: &str) {
        match behind(item, ":") {
            Some((_, value)) => self.expression(value, Bare::Constants),
            None if item.is_empty() => {
                for id in self.stream(stream).map_or(&[][..], |id| self.index.members(id)) {
                    self.symbol(self.index.symbol(*id).name.clone(), *id);
                }
            }
            None => {}
        }
    }

    fn expected(&mut self, item: &[Token<'a>], rule: &str) {
        if let Some((_, value)) = behind(item, ":") {
            return self.expression(value, Bare::Constants);
        }
        let Some(rule) = self.index.global(rule).and_then(|rule| self.index.rule(rule)) else { return };
        let fields = |offering: &mut Self| {
            for id in &rule.alert_fields {
                offering.symbol(offering.index.symbol(*id).name.clone(), *id);
            }
        };
        let key = |offering: &mut Self| {
            for (name, fields) in &rule.key {
                fields.first().into_iter().for_each(|id| offering.symbol(name.clone(), *id));
            }
        };
        match item {
            [] => {
                fields(self);
                key(self);
                self.words(&["events", "severity", "title"]);
            }
            [first, dot] if dot.is_symbol(".") => match first.text {
                "events" => rule.variables.iter().for_each(|(name, id)| self.symbol(name.clone(), *id)),
                "fields" => fields(self),
                "key" => key(self),
                _ => {}
            },
            [events, _, variable, .., dot] if events.is_word("events") && dot.is_symbol(".") => {
                let captured = self.index.captured(Some(rule), variable.text);
                let stream = captured.and_then(|id| self.index.stream_of(id));
                for (name, id) in stream.map(|stream| self.index.fields(stream)).unwrap_or_default() {
                    self.symbol(self.index.symbol(id).path.clone().unwrap_or(name), id);
                }
            }
            _ => {}
        }
    }
}

/// What stands behind the first such symbol.
fn behind<'t, 'a>(item: &'t [Token<'a>], symbol: &str) -> Option<(usize, &'t [Token<'a>])> {
    let at = item.iter().position(|token| token.is_symbol(symbol))?;
    Some((at, &item[at + 1..]))
}
