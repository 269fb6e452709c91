//! The one canonical form of a rule file.
//!
//! Enters: the text of a file. Leaves: the same file as it should be written, or what is wrong with
//! it: a file with syntax errors is not formatted.
//!
//! Invariants: the tree of the new text is that of the old one apart from places; every comment is
//! still there, in the same order; formatting a second time changes nothing.
//!
//! # The form
//!
//! - Declarations stand apart by one empty line. Those of one line (`let`, `def`, `list`, streams of
//!   alerts) may also follow each other directly. Between clauses, fields and lines of a test an
//!   empty line stays where there was one, and several become one.
//! - What stands in braces is indented by two columns, each field on a line of its own. Fields of a
//!   test stand on its line if they fit. If not, those with commas between them are filled like text,
//!   and a line end between two of them stays, since it says what belongs together.
//! - Columns line up between one empty line and the next: name, type and path of fields, the names of
//!   events, the names of an alert's fields, time and stream of a test's events. So do the
//!   trailing comments of lines with the same indent, two columns behind the longest of these lines.
//! - Lines have at most 100 characters, comments not counted, where they can be split; the events of a
//!   test, being rows of a table, at most 120. A chain of `and` or `or`, a pattern and a call are
//!   split everywhere or nowhere: a line goes on in the next one with its operator or link. Lists
//!   (keys, tags, sinks, values of `in`) are filled like text.
//! - Continuation lines are aligned with what they continue; behind `where` the operands are, so that
//!   the operators hang to the left. Beyond column 60 they are indented instead.
//! - Parentheses that change nothing are left out, except in patterns, around `and` within `or`, and
//!   between `??` and other operators: few people know by heart what binds more tightly there. Numbers,
//!   durations and texts stay as they were written. `x 2` becomes `× 2`.
//! - A comment that stands on its own line stays before what it stood before, and one at the end of a
//!   line behind what it stood behind. Comments behind an operator or a link move before it, because a
//!   line begins with those. One that allows warnings on the line of a clause or the like moves before
//!   it when that takes several lines now.

mod declarations;
mod expression;
mod layout;
mod pattern;
mod rule;
mod source;
mod test_block;

use super::parser::{MAX_FILE_BYTES, parse};
use super::tree::{Name, Spanned};
use crate::diagnostic::{Diagnostic, Diagnostics, FileId, Span, codes};
use crate::event::Duration;
use layout::{Doc, render};
use source::{Gap, Source};

/// How far the content of braces is indented.
const INDENT: usize = 2;
/// The widest cell that others are padded to, in characters.
const WIDEST_CELL: usize = 40;

/// The text of a rule file in its canonical form: with `\n` at the end of each line and without a
/// byte order mark.
///
/// # Errors
/// What is wrong with the file, if it has syntax errors, is too large or would become so.
pub fn format(file: FileId, text: &str) -> Result<String, Diagnostics> {
    let (tree, diagnostics) = parse(file, text);
    if diagnostics.has_errors() {
        return Err(diagnostics);
    }
    let mut formatter = Formatter { source: Source::new(file, text, &tree) };
    let formatted = render(&formatter.file(&tree));
    if formatted.len() > MAX_FILE_BYTES {
        let mut diagnostics = Diagnostics::default();
        diagnostics.push(grown_too_large(file, formatted.len()));
        return Err(diagnostics);
    }
    Ok(formatted)
}

fn grown_too_large(file: FileId, bytes: usize) -> Diagnostic {
    let message =
        format!("this file would have {bytes} bytes when formatted; at most {MAX_FILE_BYTES} are read");
    Diagnostic::new(codes::E0010, Span::new(file, 0, 0), message).help("split it into several files")
}

/// Makes documents of parts of the tree. They must be asked for in the order of the text, because
/// each takes the comments before it along.
struct Formatter<'a> {
    source: Source<'a>,
}

/// Where an item of a block begins and ends.
#[derive(Clone, Copy)]
struct Extent {
    start: u32,
    end: u32,
}

impl From<Span> for Extent {
    fn from(span: Span) -> Extent {
        Extent { start: span.start, end: span.end }
    }
}

impl Formatter<'_> {
    /// A name.
    fn name(&mut self, name: &Name) -> Doc {
        let comments = self.source.comments_before_name(name.span.start);
        Doc::All(vec![comments, Doc::text(&name.node)])
    }

    /// A single token or path, as written.
    fn written<T>(&mut self, part: &Spanned<T>) -> Doc {
        let comments = self.source.comments(part.span.start);
        Doc::All(vec![comments, Doc::text(self.source.written(part.span))])
    }

    /// A word and the duration behind it; between `before` and the word a line may end.
    fn duration(&mut self, before: Doc, word: &str, duration: &Spanned<Duration>) -> Doc {
        let comments = self.source.comments(duration.span.start);
        Doc::All(vec![comments, before, Doc::text(word), Doc::Space, self.written(duration)])
    }

    /// Items with commas between them, each with the comma and the comments that follow it.
    fn list<T>(
        &mut self,
        items: &[T],
        start: impl Fn(&T) -> u32,
        mut print: impl FnMut(&mut Self, &T) -> Doc,
    ) -> Vec<Doc> {
        let mut words: Vec<Vec<Doc>> = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match words.last_mut() {
                // What may not begin a line stays on that of the item before it.
                Some(before) if !self.source.may_begin_line(start(item)) => before.push(Doc::Space),
                _ => words.push(Vec::new()),
            }
            let doc = print(self, item);
            let word = words.last_mut().expect("a word has just been begun");
            word.push(doc);
            if let Some(next) = items.get(index + 1) {
                word.push(Doc::text(","));
                word.push(self.source.comments_before(start(next)));
            }
        }
        words.into_iter().map(Doc::All).collect()
    }

    /// `{`, items on lines of their own, and the brace that closes at `close`.
    fn block<T>(
        &mut self,
        items: &[T],
        extent: impl Fn(&T) -> Extent,
        close: u32,
        mut print: impl FnMut(&mut Self, &T, usize) -> Doc,
    ) -> Doc {
        let mut docs = Vec::new();
        let mut gap = Gap { from: 0, is_first: true, parted: false };
        for (index, item) in items.iter().enumerate() {
            let extent = extent(item);
            docs.push(self.source.lead(extent.start, gap));
            let item = print(self, item, index);
            docs.push(self.source.noted(extent, item));
            gap = Gap { from: extent.end, is_first: false, parted: false };
        }
        docs.push(self.source.lead_out(close, gap));
        let end = if items.is_empty() && !has_text(&docs) { Doc::All(Vec::new()) } else { Doc::Break };
        Doc::All(vec![Doc::text("{"), Doc::indent(INDENT, docs), end, Doc::text("}")])
    }

    /// For each item the widest cell of those that no empty line parts it from.
    fn columns<T>(
        &self,
        items: &[T],
        extent: impl Fn(&T) -> Extent,
        cell: impl Fn(&T) -> Option<usize>,
    ) -> Vec<usize> {
        let mut columns = Vec::with_capacity(items.len());
        for part in items.chunk_by(|a, b| !self.source.is_parted(extent(a).end, extent(b).start)) {
            let cells = part.iter().filter_map(&cell).filter(|width| *width <= WIDEST_CELL);
            let widest = cells.max().unwrap_or(0);
            columns.extend(part.iter().map(|_| widest));
        }
        columns
    }
}

/// Whether anything is printed: comments, in a block without items.
fn has_text(docs: &[Doc]) -> bool {
    docs.iter().any(|doc| match doc {
        Doc::All(docs) => has_text(docs),
        doc => matches!(doc, Doc::Comment(..)),
    })
}

/// The space that makes a cell of some width as wide as its column.
fn padding(width: usize, column: usize) -> Doc {
    Doc::text(" ".repeat(column.saturating_sub(width)))
}
