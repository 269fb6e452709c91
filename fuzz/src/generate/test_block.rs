//! Tests and their lines.

use super::{COUNTS, DURATIONS, TEXTS, Writer};

impl Writer<'_> {
    pub(super) fn test(&mut self) {
        self.put("test");
        self.picked(TEXTS);
        if self.one_in(4) {
            self.put("from");
            self.picked(TEXTS);
        }
        self.put("{");
        for _ in 0..10 {
            self.text.push('\n');
            match self.choose(9) {
                0 => break,
                1..5 => {
                    self.put("at");
                    self.picked(DURATIONS);
                    self.name();
                    self.braces(Self::test_field);
                }
                5 | 6 => self.expectation(),
                7 => {
                    let words = self.pick(&["restart", "stop", "expect nothing", "expect nothing else"]);
                    self.words(words);
                }
                _ => {
                    self.words("expect late");
                    self.picked(COUNTS);
                }
            }
        }
        self.put("}");
    }

    pub(super) fn test_field(&mut self) {
        // Any word can be the name of a field here.
        let word =
            if self.one_in(8) { self.pick(&["in", "not", "and", "is", "over"]) } else { self.a_name() };
        self.put(word);
        self.close_by(":");
        self.expression();
    }

    pub(super) fn expectation(&mut self) {
        self.put("expect");
        self.name();
        if self.one_in(3) {
            self.picked(&["×", "x"]);
            self.picked(COUNTS);
        }
        if self.one_in(3) {
            self.put("timeout");
        }
        if self.one_in(2) {
            self.braces(|this| {
                this.name();
                while this.one_in(3) {
                    if this.one_in(2) {
                        this.close_by(".");
                        this.name();
                    } else {
                        this.close_by("[");
                        this.put("0");
                        this.close_by("]");
                    }
                }
                this.close_by(":");
                this.expression();
            });
        }
    }
}
