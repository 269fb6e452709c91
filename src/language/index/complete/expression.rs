//! Offers within an expression.

use crate::expression::functions;
use crate::language::index::{SymbolId, SymbolKind};
use crate::language::lexer::{Kind, Token};

use super::offers::{CAPTURES, OPERATORS};
use super::{Bare, Offer, OfferKind, Offering};

impl<'a> Offering<'_, 'a> {
    /// An operand, what may follow one, or the name behind a point.
    pub(super) fn expression(&mut self, item: &[Token<'a>], bare: Bare) {
        let call = innermost_call(item);
        // Inside of an aggregate's `where`, bare names are fields of the past event.
        let past = call.and_then(|open| {
            let inside = &item[open + 1..];
            let condition = inside.iter().position(|token| token.is_word("where"))?;
            (condition > 0).then(|| self.stream(inside[0].text))
        });
        let function = call.map(|open| item[open - 1].text);
        let (last, before) = (item.last(), item.iter().rev().nth(1));
        match last.map_or("", |last| last.text) {
            "." => return self.member(&item[..item.len() - 1], bare, past.is_some()),
            "is" => return self.words(&["missing", "present"]),
            "over" => return self.words(&["previous"]),
            "not" if before.is_some_and(ends_operand) => return self.words(&["in"]),
            _ => {}
        }
        if last.is_some_and(ends_operand) {
            self.explained(OPERATORS, OfferKind::Word);
            if function.is_some_and(is_capturing) && past.is_none() {
                self.words(&["where"]);
            }
            if last.is_some_and(|last| last.is_symbol(")")) {
                self.words(&["over"]);
            }
            return;
        }
        if function.is_some_and(is_capturing) && past.is_none() {
            self.variables();
            self.globals(&[SymbolKind::Stream]);
            if !matches!(function, Some("min" | "max")) {
                return;
            }
        }
        self.operand(bare, past);
    }

    fn operand(&mut self, bare: Bare, past: Option<Option<SymbolId>>) {
        match (bare, past) {
            (_, Some(past)) => {
                self.fields(past);
                if let Bare::Fields(_) = bare {
                    self.offers.push(Offer::new("this", OfferKind::Word, "the event being tested"));
                }
            }
            (Bare::Fields(stream), None) => self.fields(stream),
            (Bare::Key, None) => {
                for (name, fields) in self.rule().map_or(&[][..], |rule| &rule.key) {
                    fields.first().into_iter().for_each(|id| self.symbol(name.clone(), *id));
                }
            }
            (Bare::Constants, None) => {}
        }
        self.variables();
        self.globals(&[SymbolKind::Let, SymbolKind::Def, SymbolKind::List, SymbolKind::Table]);
        for function in functions::ALL {
            let call = format!("{}(${{0}})", function.name);
            let offer = Offer::new(function.name, OfferKind::Function, function.summary);
            self.offers.push(offer.snippet(call));
        }
        for form in functions::SPECIAL_FORMS {
            let call = format!("{}(${{0}})", form.name);
            self.offers.push(Offer::new(form.name, OfferKind::Function, form.summary).snippet(call));
        }
        if self.rule().is_some() {
            for (name, detail) in CAPTURES {
                let call = format!("{name}(${{0}})");
                self.offers.push(Offer::new(*name, OfferKind::Function, *detail).snippet(call));
            }
        }
        self.words(&["not", "true", "false", "null"]);
    }

    /// The names behind a point; `item` stands before it.
    fn member(&mut self, item: &[Token<'a>], bare: Bare, is_past: bool) {
        let source = match item {
            [.., call, open, name, close]
                if close.is_symbol(")") && open.is_symbol("(") && matches!(call.text, "first" | "last") =>
            {
                name.text
            }
            [.., close] if close.is_symbol("]") => return self.columns(item),
            [.., name] if name.kind == Kind::Name => name.text,
            _ => return,
        };
        let captured = self.index.captured(self.rule(), source);
        let stream = match (captured, bare) {
            (Some(captured), _) => self.index.stream_of(captured),
            (None, Bare::Fields(stream)) if source == "this" && is_past => stream,
            _ => None,
        };
        self.fields(stream);
    }

    /// The columns of the table whose index ends `item`.
    fn columns(&mut self, item: &[Token<'a>]) {
        let mut depth = 0usize;
        let open = item.iter().rposition(|token| {
            depth += usize::from(token.is_symbol("]"));
            depth -= usize::from(token.is_symbol("[")).min(depth);
            depth == 0
        });
        let table = open.and_then(|open| open.checked_sub(1)).and_then(|at| self.index.global(item[at].text));
        for id in table.map_or(&[][..], |table| self.index.members(table)) {
            let symbol = self.index.symbol(*id);
            if symbol.kind == SymbolKind::Column {
                self.symbol(symbol.name.clone(), *id);
            }
        }
    }
}

/// The place of the parenthesis of the innermost call that is still open.
fn innermost_call(item: &[Token<'_>]) -> Option<usize> {
    let mut closed = 0usize;
    for (index, token) in item.iter().enumerate().rev() {
        if token.is_symbol(")") {
            closed += 1;
        } else if token.is_symbol("(") && closed > 0 {
            closed -= 1;
        } else if token.is_symbol("(") && index > 0 && ends_operand(&item[index - 1]) {
            return Some(index);
        }
    }
    None
}

/// Whether a call of that name may look at captured or past events.
fn is_capturing(function: &str) -> bool {
    CAPTURES.iter().any(|(name, _)| *name == function)
}

/// Whether an operand may end with a token, so that an operator can follow.
fn ends_operand(token: &Token<'_>) -> bool {
    const GOES_ON: [&str; 9] = ["and", "or", "not", "in", "like", "matches", "where", "over", "is"];
    match token.kind {
        Kind::Name => !GOES_ON.contains(&token.text),
        Kind::Symbol => token.is_symbol(")") || token.is_symbol("]"),
        Kind::End => false,
        Kind::Int(_) | Kind::Float(_) | Kind::Duration(_) | Kind::Text => true,
    }
}
