//! Random rule files.
//!
//! Bytes decide at every choice, so that a file can be made from whatever a fuzzer or a property test
//! comes up with, and shrinks with it: where bytes run out, the simplest choice is made. The files
//! follow the grammar, with comments and line ends between any two tokens where the grammar lets them
//! stand; few of them still have syntax errors, because a name that stands first on its line may look
//! like the beginning of something else.

mod expression;
mod rule;
mod test_block;

/// The rule file that some bytes stand for.
pub fn rule_file(bytes: &[u8]) -> String {
    let mut writer = Writer { bytes: bytes.iter(), text: String::new(), depth: 0 };
    if writer.one_in(16) {
        writer.text.push('\u{feff}');
    }
    while writer.choose(5) > 0 {
        writer.declaration();
    }
    writer.gap();
    if writer.one_in(8) {
        writer.text = writer.text.replace('\n', "\r\n");
    }
    writer.text
}

/// How deep expressions and patterns are nested at most.
const DEPTH: u32 = 5;

const NAMES: &[&str] = &[
    "a",
    "b",
    "card",
    "amount",
    "v",
    "auth",
    "a_rather_long_name_for_a_field",
    "device_id",
    "x",
    "key",
    "late",
    "time",
    "lazy",
    "consecutive",
    "timeout",
    "first",
    "previous",
    "idle",
    "arrival",
    "s",
    "m",
    "nothing",
    "else",
    "none",
    "each",
    "per",
    "shadow",
    "from",
];
/// Names that are also first words of something.
const WORDS: &[&str] = &[
    "stop", "restart", "expect", "at", "by", "to", "on", "max", "limit", "match", "event", "alert", "tags",
    "about", "mode", "overlap", "runbook", "stream", "list", "table", "let", "def", "rule", "test",
];
const TYPES: &[&str] = &["string", "int", "float", "bool", "ip", "duration", "timestamp", "timestamp(ms)"];
const TEXTS: &[&str] = &[
    r#""""#,
    r#""a""#,
    r##""# no comment""##,
    r#""a \"b\" \\ \n \u{1f600}""#,
    r#""ü × 漢""#,
    r#""two  spaces""#,
    r#""a rather long text, so that lines become longer than they should be and have to be split""#,
];
const TITLES: &[&str] = &[
    r#""x""#,
    r#""{a}""#,
    r#""Card {card}: {count(a) + 1} and {{ }}""#,
    r##""{ a  +  b # in braces \n }""##,
    r#""{lower(\"A\")}""#,
];
const NUMBERS: &[&str] = &["0", "1", "12", "1_000_000", "007", "3.5", "1_0.2_5", "0.10"];
const COUNTS: &[&str] = &["1", "2", "3", "10", "1_000"];
const DURATIONS: &[&str] = &["5s", "10m", "1h30m", "250ms", "7d", "90s", "0s"];
const COMMENTS: &[&str] = &[
    "#",
    "# note",
    "# allow W0501",
    "#x",
    "# \"{(",
    "## # twice",
    "# ü\ttab ",
    "# the last of them, which is long",
];

struct Writer<'a> {
    bytes: std::slice::Iter<'a, u8>,
    text: String,
    depth: u32,
}

impl Writer<'_> {
    /// A number below `count`.
    fn choose(&mut self, count: usize) -> usize {
        self.bytes.next().map_or(0, |byte| usize::from(*byte) % count)
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.choose(count) == count - 1
    }

    fn pick(&mut self, of: &[&'static str]) -> &'static str {
        of[self.choose(of.len())]
    }

    fn comment(&mut self) {
        let comment = self.pick(COMMENTS);
        self.text.push_str(comment);
        self.text.push('\n');
    }

    /// What may stand between any two tokens.
    fn gap(&mut self) {
        match self.choose(16) {
            0..10 => self.text.push(' '),
            10 => self.text.push('\n'),
            11 => self.text.push_str("  \t "),
            12 => self.text.push_str("\n\n\n  "),
            13 => {
                self.text.push(' ');
                self.comment();
            }
            14 => {
                self.text.push_str("\n  ");
                self.comment();
            }
            _ => {
                self.text.push('\n');
                self.comment();
                self.text.push('\n');
                self.comment();
                self.gap();
            }
        }
    }

    fn put(&mut self, token: &str) {
        self.gap();
        self.text.push_str(token);
    }

    /// Several tokens.
    fn words(&mut self, words: &str) {
        words.split(' ').for_each(|word| self.put(word));
    }

    /// A token on the same line as the one before.
    fn beside(&mut self, token: &str) {
        let space = self.pick(&[" ", " ", "   "]);
        self.text.push_str(space);
        self.text.push_str(token);
    }

    /// A bracket or point, with or without space.
    fn close_by(&mut self, token: &str) {
        if self.choose(3) == 2 {
            self.gap();
        }
        self.text.push_str(token);
    }

    fn a_name(&mut self) -> &'static str {
        if self.one_in(24) { self.pick(WORDS) } else { self.pick(NAMES) }
    }

    fn name(&mut self) {
        let name = self.a_name();
        self.put(name);
    }

    fn picked(&mut self, of: &[&'static str]) {
        let token = self.pick(of);
        self.put(token);
    }

    /// What stands a level deeper.
    fn deeper(&mut self, inner: impl FnOnce(&mut Self)) {
        self.depth += 1;
        inner(self);
        self.depth -= 1;
    }

    /// One or more with commas between them.
    fn list(&mut self, mut item: impl FnMut(&mut Self)) {
        item(self);
        let most = if self.one_in(16) { 20 } else { 4 };
        for _ in 0..most {
            if !self.one_in(3) {
                break;
            }
            self.close_by(",");
            item(self);
        }
    }

    /// `{`, items, `}`; between them line ends or commas.
    fn braces(&mut self, mut item: impl FnMut(&mut Self)) {
        self.put("{");
        let most = if self.one_in(16) { 30 } else { 6 };
        for _ in 0..most {
            if !self.one_in(2) {
                break;
            }
            item(self);
            match self.choose(4) {
                0 | 1 => self.text.push('\n'),
                2 => self.close_by(","),
                _ => {
                    self.text.push(' ');
                    self.comment();
                }
            }
        }
        self.put("}");
    }

    fn declaration(&mut self) {
        match self.choose(9) {
            0 | 1 => self.rule(),
            2 => self.stream(),
            3 => self.test(),
            4 => {
                self.put("let");
                self.name();
                self.put("=");
                self.expression();
            }
            5 => self.def(),
            6 => self.table(),
            7 => {
                self.put("list");
                self.name();
                self.ty();
                self.put("from");
                self.picked(TEXTS);
            }
            _ => {
                self.put("stream");
                self.name();
                self.put("from");
                self.name();
            }
        }
    }

    fn ty(&mut self) {
        self.picked(TYPES);
    }

    fn def(&mut self) {
        self.put("def");
        self.name();
        self.close_by("(");
        if self.one_in(2) {
            self.list(|this| {
                this.name();
                this.ty();
            });
        }
        self.close_by(")");
        self.put("=");
        self.expression();
    }

    fn stream(&mut self) {
        self.put("stream");
        self.name();
        let mut head = ["time", "late", "idle"];
        if self.one_in(2) {
            head.reverse();
        }
        for word in head {
            if self.one_in(2) {
                self.put(word);
                if word == "time" { self.name() } else { self.picked(DURATIONS) }
            }
        }
        self.braces(Self::field);
    }

    fn table(&mut self) {
        self.put("table");
        self.name();
        self.put("from");
        self.picked(TEXTS);
        self.braces(|this| {
            if this.one_in(3) {
                this.put("key");
                let name = this.a_name();
                this.beside(name);
                this.field_behind_name();
            } else {
                this.field();
            }
        });
    }

    fn field(&mut self) {
        self.name();
        self.field_behind_name();
    }

    fn field_behind_name(&mut self) {
        let ty = self.pick(TYPES);
        self.beside(ty);
        if self.one_in(3) {
            self.text.push('?');
        }
        if self.one_in(3) {
            self.beside("from");
            self.picked(TEXTS);
        }
    }
}
