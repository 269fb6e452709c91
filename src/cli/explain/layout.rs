//! Explanations on a terminal: wrapped to its width, with what is code set apart by colour.

use std::io::IsTerminal;

use textwrap::{Options, WordSplitter};

use crate::cli::output;
use crate::diagnostic::Style;
use crate::language::explain::{Explanation, Piece, Point, pieces};

/// How wide text is when nobody says how wide the terminal is, and at most: long lines are hard to read.
const WIDTH: usize = 100;
/// How narrow text may become.
const NARROWEST: usize = 40;
/// How deep lists are indented; deeper ones stay there.
const MAX_INDENT: usize = 24;

/// The codes of a terminal for headings, for code, and back to normal.
const BOLD: &str = "\x1b[1m";
const CYAN: &str = "\x1b[36m";
const NORMAL: &str = "\x1b[0m";

/// How text is laid out.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    style: Style,
    width: usize,
}

impl Layout {
    /// The layout for a stream: as wide as the terminal, and coloured if it is one.
    pub fn of(stream: &impl IsTerminal) -> Layout {
        let width = if stream.is_terminal() { textwrap::termwidth() } else { WIDTH };
        Layout { style: output::style(stream), width: width.clamp(NARROWEST, WIDTH) }
    }

    /// Letters only, so wide.
    #[cfg(test)]
    pub fn plain(width: usize) -> Layout {
        Layout { style: Style::Plain, width }
    }

    /// A whole explanation.
    pub fn explanation(&self, explanation: &Explanation) -> String {
        let mut text = format!("{}\n", self.heading(&explanation.name));
        if let Some(about) = explanation.about.as_deref().filter(|about| !about.trim().is_empty()) {
            text.push_str(&self.wrapped(about.trim(), "", ""));
        }
        text.push('\n');
        text.push_str(&self.paragraph(&explanation.summary));
        for section in &explanation.sections {
            text.push_str(&format!("\n{}\n", self.heading(section.title)));
            self.points(&mut text, &section.points, 2);
        }
        text
    }

    /// Names, each with a text.
    pub fn list(&self, entries: &[(String, String)]) -> String {
        let longest = entries.iter().map(|(name, _)| name.len()).max().unwrap_or(0).min(self.width / 2);
        let mut text = String::new();
        for (name, about) in entries {
            let gap = " ".repeat(longest.saturating_sub(name.len()) + 2);
            let start = format!("{}{gap}", self.code(name));
            text.push_str(&self.wrapped(about, &start, &" ".repeat(longest + 2)));
        }
        if entries.is_empty() {
            text.push_str("There are no rules.\n");
        }
        let hint =
            "`tripline explain RULE` says what one of them does, `tripline explain E0104` what a mistake is.";
        text.push('\n');
        text.push_str(&self.paragraph(hint));
        text
    }

    /// A title.
    pub fn heading(&self, title: &str) -> String {
        match self.style {
            Style::Plain => title.to_owned(),
            Style::Coloured => format!("{BOLD}{title}{NORMAL}"),
        }
    }

    /// Sentences in which code stands between backquotes.
    pub fn paragraph(&self, text: &str) -> String {
        self.wrapped(&self.marked(text), "", "")
    }

    fn points(&self, text: &mut String, points: &[Point], indent: usize) {
        let mut count = 0;
        for point in points {
            count = if point.numbered { count + 1 } else { 0 };
            let marker = if point.numbered { format!("{count}. ") } else { "- ".to_owned() };
            let first = format!("{}{marker}", " ".repeat(indent.min(MAX_INDENT)));
            let rest = " ".repeat(first.len());
            text.push_str(&self.wrapped(&self.marked(&point.text), &first, &rest));
            self.points(text, &point.children, indent + marker.len());
        }
    }

    fn wrapped(&self, text: &str, first: &str, rest: &str) -> String {
        let options = Options::new(self.width)
            .initial_indent(first)
            .subsequent_indent(rest)
            .word_splitter(WordSplitter::NoHyphenation)
            .break_words(false);
        format!("{}\n", textwrap::fill(text, options))
    }

    /// A text whose code is set apart by colour, if there are colours, and else by backquotes.
    fn marked(&self, text: &str) -> String {
        match self.style {
            Style::Plain => text.to_owned(),
            Style::Coloured => pieces(text)
                .into_iter()
                .map(|piece| match piece {
                    Piece::Text(words) => words.to_owned(),
                    Piece::Code(code) => self.code(code),
                })
                .collect(),
        }
    }

    /// Code. Each word has its own colour, so that none runs over the end of a line.
    fn code(&self, code: &str) -> String {
        match self.style {
            Style::Plain => code.to_owned(),
            Style::Coloured => {
                let words: Vec<String> =
                    code.split(' ').map(|word| format!("{CYAN}{word}{NORMAL}")).collect();
                words.join(" ")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_at_the_width() {
        let shown =
            Layout::plain(40).paragraph("For each `card`: three or more `tiny` events, then a `big` event.");
        assert_eq!(shown, "For each `card`: three or more `tiny`\nevents, then a `big` event.\n");
    }

    #[test]
    fn colour_takes_no_room_and_the_place_of_backquotes() {
        let layout = Layout { style: Style::Coloured, width: 20 };
        let shown = layout.paragraph("a `b c` d");
        assert_eq!(shown, "a \x1b[36mb\x1b[0m \x1b[36mc\x1b[0m d\n");
        let plain = Layout::plain(20).paragraph("one `two three four` five six");
        let shown = layout.paragraph("one `two three four` five six");
        assert!(shown.lines().count() <= plain.lines().count(), "{shown}");
    }

    #[test]
    fn deep_lists_leave_room_for_words() {
        let mut point =
            Point { text: "the innermost".to_owned(), numbered: true, span: None, children: vec![] };
        for _ in 0..60 {
            point = Point { text: "outer".to_owned(), numbered: true, span: None, children: vec![point] };
        }
        let mut text = String::new();
        Layout::plain(60).points(&mut text, &[point], 2);
        assert!(text.lines().all(|line| line.len() <= 60), "{text}");
    }
}
