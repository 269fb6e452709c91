//! Rules and their clauses.

use super::{COUNTS, DEPTH, DURATIONS, TEXTS, TITLES, Writer};

impl Writer<'_> {
    pub(super) fn rule(&mut self) {
        self.put("rule");
        self.name();
        self.put("{");
        for _ in 0..12 {
            if self.one_in(8) {
                break;
            }
            self.clause();
            if self.bytes.len() == 0 {
                break;
            }
        }
        self.put("}");
    }

    pub(super) fn clause(&mut self) {
        // What begins a clause stands first on its line, as it usually does.
        self.text.push('\n');
        match self.choose(16) {
            0..4 => self.event(),
            4 | 5 => {
                self.put("match");
                self.sequence();
                self.within();
            }
            6 => {
                let word = self.pick(&["about", "runbook"]);
                self.put(word);
                self.picked(TEXTS);
            }
            7 => {
                let word = self.pick(&["tags", "to"]);
                self.put(word);
                self.list(Self::name);
            }
            8 => {
                self.put("by");
                self.list(Self::key_part);
            }
            9 => match self.choose(4) {
                0 => self.words("overlap none"),
                1 => self.words("overlap all"),
                2 => self.words("overlap per start"),
                _ => {
                    let word = self.pick(&["overlap resume at first", "overlap resume at last"]);
                    self.words(word);
                    self.name();
                }
            },
            10..13 => self.alert(),
            13 => {
                self.words("on timeout");
                if self.one_in(2) {
                    self.put("after");
                    self.name();
                }
                self.alert();
            }
            14 => {
                self.put("limit");
                self.picked(COUNTS);
                self.put("per");
                self.picked(DURATIONS);
                if self.one_in(2) {
                    self.words("for each");
                    self.list(Self::expression);
                }
            }
            _ => {
                let words = self.pick(&["max runs", "max events"]);
                self.words(words);
                self.picked(COUNTS);
                self.put("mode");
                self.name();
            }
        }
    }

    pub(super) fn key_part(&mut self) {
        self.name();
        while self.one_in(3) {
            self.close_by(".");
            self.name();
            self.put("=");
            self.name();
        }
    }

    pub(super) fn event(&mut self) {
        self.put("event");
        self.name();
        self.put("=");
        self.name();
        if self.choose(4) > 0 {
            self.put("where");
            self.expression();
        }
    }

    pub(super) fn alert(&mut self) {
        self.put("alert");
        self.name();
        self.picked(TITLES);
        if self.one_in(2) {
            self.braces(|this| {
                this.name();
                this.put("=");
                this.expression();
            });
        }
    }

    pub(super) fn within(&mut self) {
        if self.one_in(3) {
            self.put("within");
            self.picked(DURATIONS);
        }
    }

    pub(super) fn sequence(&mut self) {
        self.element();
        let most = if self.one_in(8) { 12 } else { 4 };
        for _ in 0..most {
            match self.choose(8) {
                0..3 => break,
                3..6 => {
                    let link = self.pick(&["then", "then any", "next"]);
                    self.words(link);
                    self.within();
                    self.element();
                }
                6 => {
                    self.words("then not");
                    self.name();
                    if self.one_in(2) {
                        self.put("for");
                        self.picked(DURATIONS);
                    }
                }
                _ => {
                    self.words("next not");
                    self.name();
                }
            }
        }
    }

    pub(super) fn element(&mut self) {
        match self.choose(6) {
            0..3 => {}
            3 => self.put("optional"),
            _ => self.count(),
        }
        if self.depth < DEPTH && self.one_in(3) {
            self.deeper(Self::group);
        } else {
            self.name();
            if self.one_in(6) {
                self.put("as");
                self.name();
            }
        }
        if self.one_in(6) {
            self.put("until");
            self.name();
        }
    }

    pub(super) fn count(&mut self) {
        self.picked(COUNTS);
        match self.choose(3) {
            0 => {}
            1 => self.close_by("+"),
            _ => {
                self.close_by("..");
                self.picked(COUNTS);
            }
        }
        for modifier in ["lazy", "any", "consecutive"] {
            if self.one_in(5) {
                self.put(modifier);
            }
        }
        if self.one_in(12) && self.depth < DEPTH {
            self.deeper(Self::count);
        }
    }

    pub(super) fn group(&mut self) {
        self.put("(");
        self.sequence();
        let word = self.pick(&["or", "and"]);
        for _ in 0..3 {
            if !self.one_in(3) {
                break;
            }
            self.put(word);
            self.sequence();
        }
        self.within();
        self.close_by(")");
    }
}
