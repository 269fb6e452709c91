//! Documents and how they become lines.
//!
//! Enters: a [`Doc`], which says where lines may end and what belongs together. Leaves: the text. A
//! group stands on one line if it fits and holds no comment; otherwise each of its own [`Doc::Line`]s
//! ends a line (after Wadler, "A prettier printer", 1998). A comment always ends its line, whatever
//! follows it.
//!
//! Invariants: no line ends with space; no two empty lines follow each other; what is padded or
//! indented never grows beyond a constant, so that the text is linear in the document.

/// The width that lines should have at most, in characters. Comments do not count, and what cannot
/// be split may be longer.
pub(super) const WIDTH: usize = 100;
/// The width of rows, which are easier to compare when each is one line.
const ROW_WIDTH: usize = 120;
/// The last column at which continuation lines are aligned; further right they are indented instead.
const LAST_ALIGNED: usize = 60;
/// How far continuation lines are indented where they are not aligned.
const CONTINUED: usize = 4;
/// The longest line that takes part in a column of trailing comments.
const LAST_COMMENT: usize = 80;
/// Space before a trailing comment.
const BEFORE_COMMENT: usize = 2;

/// What is to be laid out.
#[derive(Debug)]
pub(super) enum Doc {
    /// Text without a line end.
    Text(String),
    /// A space, unless a line begins or ends here.
    Space,
    /// A space if its group stands on one line, otherwise a line end.
    Line,
    /// A line end.
    Break,
    /// A line end and an empty line.
    Blank,
    /// From `#` on, without the line end; whether it stands on a line of its own.
    Comment(String, bool),
    /// One after the other.
    All(Vec<Doc>),
    /// On one line if possible.
    Group(Box<Doc>),
    /// The same, but it may be wider.
    Row(Box<Doc>),
    /// Separated like words: each begins a new line only if it does not fit on this one.
    Fill(Vec<Doc>),
    /// Its lines are indented further by so many columns.
    Indent(usize, Box<Doc>),
    /// Its lines behind the first are indented further.
    Hang(Box<Doc>),
    /// Its lines begin so many columns to the left of where it begins.
    Align(usize, Box<Doc>),
    /// Behind it a comment that is about its line; before it, if it takes several.
    Noted(String, Box<Doc>),
    /// On a line of its own, if it begins where nothing is aligned and does not fit there.
    Fold(Box<Doc>),
}

impl Doc {
    /// Text.
    pub fn text(text: impl Into<String>) -> Doc {
        Doc::Text(text.into())
    }

    /// Several on one line if possible, the others indented.
    pub fn group(docs: Vec<Doc>) -> Doc {
        Doc::Group(Box::new(Doc::All(docs)))
    }

    /// Indented.
    pub fn indent(columns: usize, docs: Vec<Doc>) -> Doc {
        Doc::Indent(columns, Box::new(Doc::All(docs)))
    }

    /// Continued further to the right.
    pub fn hang(docs: Vec<Doc>) -> Doc {
        Doc::Hang(Box::new(Doc::All(docs)))
    }

    /// Aligned with its beginning.
    pub fn align(docs: Vec<Doc>) -> Doc {
        Doc::Align(0, Box::new(Doc::All(docs)))
    }
}

/// The text of a document. It ends with a line end unless it is empty.
pub(super) fn render(doc: &Doc) -> String {
    let mut printer = Printer::default();
    printer.print(doc);
    printer.end_line();
    align_comments(&mut printer.lines);
    printer.lines.iter().map(Line::finished).collect()
}

/// Whether the lines of a group are ended.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Flat,
    Broken,
}

/// What is still to be printed, the next on top.
#[derive(Clone, Copy)]
struct Pending<'d> {
    indent: usize,
    mode: Mode,
    what: What<'d>,
}

#[derive(Clone, Copy)]
enum What<'d> {
    Doc(&'d Doc),
    /// The words of a [`Doc::Fill`] behind the first.
    Words(&'d [Doc]),
    /// A comment behind what it is about, which began in that line.
    Note {
        comment: &'d str,
        line: usize,
    },
}

#[derive(Default)]
struct Line {
    indent: usize,
    text: String,
    /// Its trailing comment, and the space before that.
    comment: Option<(String, usize)>,
}

impl Line {
    fn is_empty(&self) -> bool {
        self.text.is_empty() && self.comment.is_none()
    }

    fn width(&self) -> usize {
        self.indent + self.text.chars().count()
    }

    fn finished(&self) -> String {
        match &self.comment {
            None if self.text.is_empty() => "\n".to_owned(),
            None => format!("{:indent$}{}\n", "", self.text, indent = self.indent),
            Some((comment, space)) => {
                let indent = self.indent;
                format!("{:indent$}{}{:space$}{comment}\n", "", self.text, "")
            }
        }
    }
}

#[derive(Default)]
struct Printer {
    lines: Vec<Line>,
    line: Line,
    /// Characters of the line so far, its indent included.
    column: usize,
    /// The indent of the next line, if it is not that of what is printed first on it.
    first_indent: Option<usize>,
    /// Whether a space comes before the next text on this line.
    space: bool,
    /// Whether a comment has ended the line.
    ended: bool,
}

impl Printer {
    fn print(&mut self, doc: &Doc) {
        let mut stack = vec![Pending { indent: 0, mode: Mode::Broken, what: What::Doc(doc) }];
        while let Some(next) = stack.pop() {
            match next.what {
                What::Doc(doc) => self.doc(doc, next, &mut stack),
                What::Words(words) => self.words(words, next, &mut stack),
                What::Note { comment, line } => self.note(comment, line, next.indent),
            }
        }
    }

    fn doc<'d>(&mut self, doc: &'d Doc, at: Pending<'d>, stack: &mut Vec<Pending<'d>>) {
        let with = |doc: &'d Doc| Pending { what: What::Doc(doc), ..at };
        match doc {
            Doc::Text(text) => self.text(text, at.indent),
            Doc::Line if at.mode == Mode::Broken => self.end_line(),
            Doc::Space | Doc::Line => self.space = true,
            Doc::Break => self.end_line(),
            Doc::Blank => self.blank(),
            Doc::Comment(text, own_line) => self.comment(text, *own_line, at.indent),
            Doc::All(docs) => stack.extend(docs.iter().rev().map(with)),
            Doc::Group(inner) | Doc::Row(inner) => {
                if self.ended {
                    self.end_line();
                }
                let width = if matches!(doc, Doc::Row(_)) { ROW_WIDTH } else { WIDTH };
                let is_flat = at.mode == Mode::Flat || self.fits(inner, width, at.indent, stack);
                let mode = if is_flat { Mode::Flat } else { Mode::Broken };
                stack.push(Pending { mode, ..with(inner) });
            }
            Doc::Fill(words) => {
                if let Some((first, rest)) = words.split_first() {
                    stack.push(Pending { what: What::Words(rest), ..at });
                    stack.push(with(first));
                }
            }
            Doc::Indent(columns, doc) => {
                stack.push(Pending { indent: at.indent + columns, ..with(doc) });
            }
            Doc::Hang(doc) => {
                if self.ended {
                    self.end_line();
                }
                if self.line.is_empty() {
                    self.first_indent.get_or_insert(at.indent);
                }
                stack.push(Pending { indent: at.indent + CONTINUED, ..with(doc) });
            }
            Doc::Noted(comment, doc) => {
                self.end_line();
                let note = What::Note { comment, line: self.lines.len() };
                stack.extend([Pending { what: note, ..at }, with(doc)]);
            }
            Doc::Fold(doc) => {
                let is_far = at.mode == Mode::Broken && self.column > LAST_ALIGNED;
                if is_far && !self.fits(doc, WIDTH, at.indent, stack) {
                    self.end_line();
                }
                stack.push(with(doc));
            }
            Doc::Align(back, doc) => {
                let indent = self.aligned(at.indent, *back);
                stack.push(Pending { indent, ..with(doc) });
            }
        }
    }

    fn words<'d>(&mut self, words: &'d [Doc], at: Pending<'d>, stack: &mut Vec<Pending<'d>>) {
        let Some((first, rest)) = words.split_first() else { return };
        stack.push(Pending { what: What::Words(rest), ..at });
        if self.ended {
            self.end_line();
        }
        self.space = true;
        if at.mode == Mode::Broken && !self.fits(first, WIDTH, at.indent, stack) {
            self.end_line();
        }
        stack.push(Pending { what: What::Doc(first), ..at });
    }

    /// The column of continuation lines of what begins here.
    fn aligned(&mut self, indent: usize, back: usize) -> usize {
        if self.ended {
            self.end_line();
        }
        if self.line.is_empty() {
            return self.first_indent.unwrap_or(indent);
        }
        let column = self.column + usize::from(self.space);
        if column <= LAST_ALIGNED { column.saturating_sub(back) } else { self.line.indent + CONTINUED }
    }

    fn text(&mut self, text: &str, indent: usize) {
        if self.ended {
            self.end_line();
        }
        if self.line.is_empty() {
            self.line.indent = self.first_indent.take().unwrap_or(indent);
            self.column = self.line.indent;
        } else if self.space {
            self.line.text.push(' ');
            self.column += 1;
        }
        self.space = false;
        self.line.text.push_str(text);
        self.column += text.chars().count();
    }

    fn comment(&mut self, text: &str, own_line: bool, indent: usize) {
        if own_line || self.ended || self.line.is_empty() {
            self.end_line();
            self.text(text, indent);
        } else {
            self.line.text.truncate(self.line.text.trim_end().len());
            self.line.comment = Some((text.to_owned(), BEFORE_COMMENT));
        }
        self.ended = true;
    }

    fn note(&mut self, comment: &str, line: usize, indent: usize) {
        if self.lines.len() == line {
            self.comment(comment, false, indent);
        } else {
            self.lines.insert(line, Line { indent, text: comment.to_owned(), comment: None });
        }
    }

    fn end_line(&mut self) {
        self.space = false;
        self.ended = false;
        if !self.line.is_empty() {
            let mut line = std::mem::take(&mut self.line);
            line.text.truncate(line.text.trim_end().len());
            self.lines.push(line);
        }
    }

    fn blank(&mut self) {
        self.end_line();
        if self.lines.last().is_some_and(|line| !line.is_empty()) {
            self.lines.push(Line::default());
        }
    }

    /// Whether a document fits on this line, with what follows it up to the next possible line end.
    fn fits(&self, doc: &Doc, width: usize, indent: usize, behind: &[Pending<'_>]) -> bool {
        let start = self.first_indent.unwrap_or(indent);
        let column = if self.line.is_empty() { start } else { self.column };
        let mut room = width.saturating_sub(column);
        let mut space = self.space && !self.line.is_empty();
        let mut is_own = true;
        let mut behind = behind.iter().rev();
        let mut open = vec![Pending { indent, mode: Mode::Flat, what: What::Doc(doc) }];
        loop {
            let Some(next) = open.pop() else {
                let Some(next) = behind.next() else { return true };
                is_own = false;
                open.push(*next);
                continue;
            };
            let with = |doc| Pending { what: What::Doc(doc), ..next };
            match next.what {
                What::Words([]) => {}
                What::Words(_) if next.mode == Mode::Broken => return true,
                What::Words([first, rest @ ..]) => {
                    space = true;
                    open.extend([Pending { what: What::Words(rest), ..next }, with(first)]);
                }
                What::Doc(Doc::Text(text)) => {
                    let width = text.chars().count() + usize::from(space);
                    space = false;
                    let Some(less) = room.checked_sub(width) else { return false };
                    room = less;
                }
                What::Doc(Doc::Line) if next.mode == Mode::Broken => return true,
                What::Doc(Doc::Space | Doc::Line) => space = true,
                What::Doc(Doc::Break | Doc::Blank | Doc::Comment(..)) | What::Note { .. } => return !is_own,
                What::Doc(Doc::All(docs)) => open.extend(docs.iter().rev().map(with)),
                What::Doc(Doc::Fill(words)) => open.push(Pending { what: What::Words(words), ..next }),
                What::Doc(
                    Doc::Group(doc)
                    | Doc::Row(doc)
                    | Doc::Noted(_, doc)
                    | Doc::Indent(_, doc)
                    | Doc::Hang(doc)
                    | Doc::Align(_, doc)
                    | Doc::Fold(doc),
                ) => open.push(with(doc)),
            }
        }
    }
}

/// Puts the trailing comments of neighbouring lines into one column: of lines with the same indent that
/// follow each other without an empty line.
fn align_comments(lines: &mut [Line]) {
    for neighbours in lines.chunk_by_mut(|a, b| a.indent == b.indent && a.is_empty() == b.is_empty()) {
        let commented = neighbours.iter().filter(|line| line.comment.is_some());
        let widest = commented.map(Line::width).filter(|width| *width <= LAST_COMMENT).max().unwrap_or(0);
        for line in neighbours {
            let width = line.width();
            if let Some((_, space)) = &mut line.comment {
                *space = widest.saturating_sub(width) + BEFORE_COMMENT;
            }
        }
    }
}
