//! Expressions.

use super::{DEPTH, DURATIONS, NUMBERS, TEXTS, Writer};

impl Writer<'_> {
    pub(super) fn expression(&mut self) {
        self.deeper(|this| this.chain(&["or"], |this| this.chain(&["and"], Self::negated)));
    }

    pub(super) fn chain(&mut self, operators: &[&'static str], mut operand: impl FnMut(&mut Self)) {
        operand(self);
        let most = if self.one_in(16) { 12 } else { 3 };
        for _ in 0..most {
            if !self.one_in(6) {
                break;
            }
            self.picked(operators);
            operand(self);
        }
    }

    pub(super) fn negated(&mut self) {
        while self.one_in(8) {
            self.put("not");
        }
        self.sum();
        match self.choose(12) {
            0..7 => {}
            7 => {
                let words = self.pick(&["is missing", "is present"]);
                self.words(words);
            }
            8 => {
                let words = self.pick(&["in", "not in"]);
                self.words(words);
                self.put("(");
                self.list(Self::expression);
                self.close_by(")");
            }
            9 => {
                let words = self.pick(&["in", "not in"]);
                self.words(words);
                if self.one_in(2) { self.name() } else { self.picked(TEXTS) }
            }
            10 => {
                self.picked(&["like", "matches"]);
                self.picked(TEXTS);
            }
            _ => {
                self.picked(&["==", "!=", "<", "<=", ">", ">="]);
                self.sum();
            }
        }
    }

    pub(super) fn sum(&mut self) {
        self.chain(&["??"], |this| {
            this.chain(&["+", "-"], |this| this.chain(&["*", "/", "%"], Self::signed));
        });
    }

    pub(super) fn signed(&mut self) {
        while self.one_in(12) {
            self.put("-");
        }
        self.primary();
        while self.one_in(6) {
            if self.one_in(3) && self.depth < DEPTH {
                self.close_by("[");
                self.list(Self::expression);
                self.close_by("]");
            } else {
                self.close_by(".");
                self.name();
            }
        }
    }

    pub(super) fn primary(&mut self) {
        match self.choose(10) {
            0..4 => self.name(),
            4 => self.picked(NUMBERS),
            5 => self.picked(TEXTS),
            6 => self.picked(DURATIONS),
            7 => self.picked(&["true", "false", "null"]),
            8 if self.depth < DEPTH => {
                self.put("(");
                self.expression();
                self.close_by(")");
            }
            _ if self.depth < DEPTH => self.call(),
            _ => self.name(),
        }
    }

    pub(super) fn call(&mut self) {
        self.name();
        self.close_by("(");
        if self.choose(6) > 0 {
            self.list(Self::expression);
            if self.one_in(4) {
                self.put("where");
                self.expression();
            }
        }
        self.close_by(")");
        if self.one_in(5) {
            let words = self.pick(&["over", "over previous"]);
            self.words(words);
            self.picked(DURATIONS);
        }
    }
}
