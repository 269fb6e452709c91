//! The files that diagnostics point into.

use serde::Serialize;

/// A file of the rule set, by its place in [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FileId(pub u32);

/// A range of bytes in a file: `start` included, `end` not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The range from `start` to `end`.
    pub fn new(file: FileId, start: usize, end: usize) -> Span {
        Span { file, start: start as u32, end: end as u32 }
    }

    /// The smallest range that holds both; they must be of one file.
    pub fn to(self, other: Span) -> Span {
        Span { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// One file.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// The name shown in diagnostics; the path as the user gave it.
    pub name: String,
    /// Its text.
    pub text: String,
    /// The number of the line with which the text begins: 1, but for an excerpt of a longer file.
    pub first_line: usize,
}

/// The files of a rule set, sorted by name so that the order in which they were read is without
/// effect.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The rule files and, behind them, lines of other files that diagnostics point into.
    files: Vec<SourceFile>,
    /// How many of them are rule files.
    rule_files: usize,
}

/// A place as people count it: from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LineColumn {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl Sources {
    /// The files given as (name, text).
    pub fn new<N: Into<String>, T: Into<String>>(files: impl IntoIterator<Item = (N, T)>) -> Sources {
        let mut files: Vec<SourceFile> = files
            .into_iter()
            .map(|(name, text)| SourceFile { name: name.into(), text: text.into(), first_line: 1 })
            .collect();
        files.sort_by(|a, b| (&a.name, &a.text).cmp(&(&b.name, &b.text)));
        Sources { rule_files: files.len(), files }
    }

    /// The file with that id.
    ///
    /// # Panics
    /// When the id is of other sources: a mistake in the caller.
    pub fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// Adds a line of a file that is no rule file (a list, a table), for diagnostics to point into.
    /// Gives the place of the whole line.
    pub fn add_excerpt(&mut self, name: &str, line: usize, text: &str) -> Span {
        let mut excerpts = self.files.iter().skip(self.rule_files);
        let known = excerpts.position(|file| file.name == name && file.first_line == line);
        let index = known.map_or(self.files.len(), |index| self.rule_files + index);
        if known.is_none() {
            let excerpt = SourceFile { name: name.to_owned(), text: text.to_owned(), first_line: line };
            self.files.push(excerpt);
        }
        Span::new(FileId(index as u32), 0, self.files[index].text.len())
    }

    /// All rule files with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        let files = self.files.iter().take(self.rule_files);
        files.enumerate().map(|(index, file)| (FileId(index as u32), file))
    }

    /// The text that a span covers.
    pub fn text(&self, span: Span) -> &str {
        &self.file(span.file).text[span.start as usize..span.end as usize]
    }

    /// Line and column of a byte of a file.
    pub fn line_column(&self, file: FileId, byte: u32) -> LineColumn {
        let SourceFile { text, first_line, .. } = self.file(file);
        let before = &text[..byte as usize];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        LineColumn {
            line: before.matches('\n').count() + first_line,
            column: before[line_start..].chars().count() + 1,
        }
    }
}
