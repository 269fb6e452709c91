//! Pages in Markdown: their headings and their fenced examples.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use tripline::diagnostic::{Diagnostics, Sources, Style, render_all};
use tripline::program::Program;
use tripline::table::Tables;
use tripline::testing;

/// A fenced block.
#[derive(Clone, Debug)]
pub struct Block {
    /// The line of the page at which it opens, from 1.
    pub line: usize,
    /// The first word behind the fence.
    pub language: String,
    /// The other words.
    pub words: Vec<String>,
    /// What stands in it.
    pub text: String,
}

/// A heading with the blocks up to the next heading.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its text.
    pub title: String,
    /// The blocks in order.
    pub blocks: Vec<Block>,
}

impl Block {
    /// The value of a word such as `repeat=100`.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    }

    /// Whether the word stands behind the language.
    pub fn has(&self, word: &str) -> bool {
        self.words.iter().any(|own| own == word)
    }
}

/// The sections of a page in `docs`; the first has no title.
pub fn sections(page: &str) -> Vec<Section> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(page);
    let text = fs::read_to_string(path).expect("the page can be read");
    let mut sections = vec![Section { title: String::new(), blocks: Vec::new() }];
    let mut open: Option<Block> = None;
    for (index, line) in text.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => {
                let mut words = info.split_whitespace().map(str::to_owned);
                let language = words.next().unwrap_or_default();
                let block = Block { line: index + 1, language, words: words.collect(), text: String::new() };
                open = Some(block);
            }
            (Some(_), Some(_)) => {
                let section = sections.last_mut().expect("there is one");
                section.blocks.extend(open.take());
            }
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {
                let title = line.trim_start_matches('#');
                if title.len() < line.len() {
                    sections.push(Section { title: title.trim().to_owned(), blocks: Vec::new() });
                }
            }
        }
    }
    assert!(open.is_none(), "{page}: a block is not closed");
    sections
}

/// The streams that a page says its examples use.
pub fn streams(sections: &[Section]) -> String {
    let mut blocks = sections.iter().flat_map(|section| &section.blocks);
    blocks.find(|block| block.has("streams")).expect("the page shows its streams").text.clone()
}

/// The words that begin a declaration.
const DECLARATIONS: [&str; 7] = ["stream ", "list ", "table ", "let ", "def ", "rule ", "test "];

/// An example as a whole file: clauses alone stand for a rule around them.
pub fn whole(text: &str) -> String {
    let is_whole = |line: &str| {
        line.starts_with('#') || DECLARATIONS.iter().any(|declaration| line.starts_with(declaration))
    };
    if text.lines().next().is_none_or(is_whole) {
        return text.to_owned();
    }
    let has = |clause: &str| text.lines().any(|line| line.starts_with(clause));
    let mut rule = String::from("rule example {\n");
    if !has("by ") {
        rule.push_str("by card\n");
    }
    rule.push_str(text);
    if !has("match ") {
        // Events alone are taken one after the other.
        let events = text.lines().filter_map(|line| line.strip_prefix("event ")?.split_whitespace().next());
        let events: Vec<&str> = events.collect();
        let pattern = if events.is_empty() { "auth".to_owned() } else { events.join(" then ") };
        rule.push_str(&format!("match {pattern} within 1h\n"));
    }
    if !has("alert ") {
        rule.push_str("alert low \"Card {card}\"\n");
    }
    rule + "}\n"
}

/// The diagnostics of files, and how they are shown.
pub fn check(files: &[(&str, &str)]) -> (Option<Program>, Diagnostics, String) {
    let sources = Sources::new(files.iter().map(|(name, text)| (*name, *text)));
    let (program, diagnostics) = Program::compile(&sources);
    let shown = render_all(&diagnostics, &sources, Style::Plain);
    (program, diagnostics, shown)
}

/// Runs the tests in a rule set, if it compiles; how many there are.
pub fn run_tests(files: &[(&str, &str)]) -> usize {
    let sources = Sources::new(files.iter().copied());
    let (Some(program), _) = Program::compile_for_tests(&sources) else { return 0 };
    let program = Arc::new(program);
    let tables = Arc::new(Tables::unread(program.tables()));
    for case in program.cases() {
        let outcome = testing::run(&program, &tables, &sources, case);
        let shown = outcome.failures.iter().map(|failure| failure.render(&sources, Style::Plain));
        assert!(outcome.passed(), "{}\n{}", case.name, shown.collect::<Vec<_>>().join("\n"));
    }
    program.cases().len()
}
