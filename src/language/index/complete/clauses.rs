//! Offers within a rule.

use std::collections::BTreeSet;

use crate::alert::Severity;
use crate::language::index::SymbolKind;
use crate::language::lexer::{Kind, Token};

use super::offers::{CLAUSES, OVERLAPS};
use super::{Bare, Offer, OfferKind, Offering};

impl<'a> Offering<'_, 'a> {
    pub(super) fn clause(&mut self, item: &[Token<'a>]) {
        let word = item.first().map_or("", |first| first.text);
        if item.is_empty() || self.cursor.at_line_start {
            self.skeletons(CLAUSES);
        }
        let last = item.last();
        let last_is = |words: &[&str]| last.is_some_and(|last| words.contains(&last.text));
        match word {
            "by" => self.key(item),
            "event" => self.event(item),
            "match" => self.pattern(item),
            "overlap" => match item.len() {
                1 => self.explained(OVERLAPS, OfferKind::Word),
                _ if last_is(&["per"]) => self.words(&["start"]),
                _ if last_is(&["resume"]) => self.words(&["at first", "at last"]),
                _ if last_is(&["at"]) => self.words(&["first", "last"]),
                _ if last_is(&["first", "last"]) => self.variables(),
                _ => {}
            },
            "alert" if item.len() == 1 => {
                let severities = Severity::ALL.into_iter().rev();
                self.offers.extend(severities.map(|one| Offer::new(one.name(), OfferKind::Label, "")));
            }
            "on" => match item.len() {
                1 => self.words(&["timeout"]),
                2 => self.words(&["after", "alert"]),
                3 if last_is(&["after"]) => self.variables(),
                4 => self.words(&["alert"]),
                _ => {}
            },
            "to" if item.len() == 1 || last_is(&[","]) => self.labels(&self.index.sinks),
            "tags" if item.len() == 1 || last_is(&[","]) => self.labels(&self.index.tags),
            "max" if item.len() == 1 => self.words(&["runs", "events"]),
            "mode" if item.len() == 1 => self.words(&["shadow", "off"]),
            "limit" => match item.iter().position(|token| token.is_word("each")) {
                Some(each) => self.expression(&item[each + 1..], Bare::Key),
                None if item.len() == 2 => self.words(&["per"]),
                None if item.len() == 4 => self.words(&["for each"]),
                None => {}
            },
            _ => {}
        }
    }

    fn labels(&mut self, labels: &BTreeSet<String>) {
        self.offers.extend(labels.iter().map(|label| Offer::new(label, OfferKind::Label, "")));
    }

    fn key(&mut self, item: &[Token<'a>]) {
        match item {
            [.., stream, dot] if dot.is_symbol(".") => {
                for id in self.stream(stream.text).map_or(&[][..], |id| self.index.members(id)) {
                    self.symbol(self.index.symbol(*id).name.clone(), *id);
                }
            }
            [.., last] if last.is_word("by") || last.is_symbol(",") || last.is_symbol("=") => {
                let Some(rule) = self.rule() else { return };
                for stream in &rule.streams {
                    self.index.fields(*stream).into_iter().for_each(|(name, id)| self.symbol(name, id));
                }
                for stream in &rule.streams {
                    self.symbol(self.index.symbol(*stream).name.clone(), *stream);
                }
            }
            _ => {}
        }
    }

    fn event(&mut self, item: &[Token<'a>]) {
        match item.len() {
            3 if item[2].is_symbol("=") => self.globals(&[SymbolKind::Stream]),
            4 => self.words(&["where"]),
            5.. if item[4].is_word("where") => {
                let stream = self.stream(item[3].text);
                self.expression(&item[5..], Bare::Fields(stream));
            }
            _ => {}
        }
    }

    /// An element of a pattern, or what may follow one.
    fn pattern(&mut self, item: &[Token<'a>]) {
        let Some(last) = item.last() else { return };
        let is_count = matches!(last.kind, Kind::Int(_)) || last.is_symbol("+");
        let begins = ["match", "then", "next", "any", "or", "and", "optional", "lazy", "consecutive"];
        let is_timed = |token: &Token<'_>| matches!(token.kind, Kind::Duration(_));
        match last.text {
            "not" | "until" => return self.steps(),
            "within" | "for" | "as" | ".." => return,
            "then" => self.words(&["any", "not", "within"]),
            "next" => self.words(&["not", "within"]),
            _ => {}
        }
        let behind_link = is_timed(last)
            && item.len() > 2
            && item[item.len() - 2].is_word("within")
            && ["then", "next", "any"].contains(&item[item.len() - 3].text);
        if is_count || begins.contains(&last.text) || last.is_symbol("(") || behind_link {
            if is_count || ["lazy", "consecutive", "any"].contains(&last.text) {
                self.words(&["lazy", "consecutive", "any"]);
            } else {
                self.words(&["optional"]);
            }
            return self.steps();
        }
        self.words(&["then", "next", "within", "as", "until", "or", "and"]);
        if item.len() > 1 && item[item.len() - 2].is_word("not") {
            self.words(&["for"]);
        }
    }

    /// The events of the rule, and the streams.
    fn steps(&mut self) {
        if let Some(rule) = self.rule() {
            rule.events.iter().for_each(|id| self.symbol(self.index.symbol(*id).name.clone(), *id));
        }
        self.globals(&[SymbolKind::Stream]);
    }
}
