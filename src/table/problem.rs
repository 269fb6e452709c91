//! What is wrong with the file of a list or table.

use std::fmt;

use crate::diagnostic::codes::{E0014, E0424, W0531};
use crate::diagnostic::{Code, Severity};

use super::{ColumnId, MAX_ENTRIES, MAX_FILE, MAX_LINE};

/// Most errors that are kept of a file; those beyond are only counted.
const MAX_ERRORS: usize = 10;
/// The same of warnings: of what is repeated a few show what it is about.
const MAX_WARNINGS: usize = 3;
/// How much of a line is kept to be shown, in characters.
const MAX_SHOWN: usize = 120;

/// A line of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its number, from 1.
    pub number: u64,
    /// What stands on it; of a long line the beginning.
    pub text: String,
}

impl Line {
    /// The line with that number that begins with `text`.
    pub(super) fn new(number: u64, text: &str) -> Line {
        let line = text.split(['\n', '\r']).next().unwrap_or_default();
        let mut shown: String = line.chars().take(MAX_SHOWN).collect();
        if shown.len() < line.len() {
            shown.push('…');
        }
        Line { number, text: shown }
    }
}

/// Something that is wrong with a file, or probably not meant.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Its permanent code.
    pub code: Code,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// Where; `None` when it is the file as a whole.
    pub line: Option<Line>,
    /// The column that it is about.
    pub column: Option<ColumnId>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Problem {
    /// A problem of a whole file.
    pub(super) fn new(code: Code, message: impl Into<String>) -> Problem {
        Problem { code, message: message.into(), line: None, column: None, help: None }
    }

    /// The same on a line.
    pub(super) fn on(mut self, line: Line) -> Problem {
        self.line = Some(line);
        self
    }

    /// The same about a column.
    pub(super) fn of(mut self, column: ColumnId) -> Problem {
        self.column = Some(column);
        self
    }

    /// The same with a hint.
    pub(super) fn help(mut self, help: impl Into<String>) -> Problem {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Problem {
    /// For a log: `line 12: this must be an integer of 64 bits, but it is "x"`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = &self.line {
            write!(f, "line {}: ", line.number)?;
        }
        f.write_str(&self.message)
    }
}

/// The problems of a file, in the order found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Problems {
    kept: Vec<Problem>,
    errors: usize,
    warnings: usize,
}

impl Problems {
    pub(super) fn push(&mut self, problem: Problem) {
        let (count, most) = match problem.code.severity() {
            Severity::Error => (&mut self.errors, MAX_ERRORS),
            Severity::Warning => (&mut self.warnings, MAX_WARNINGS),
        };
        *count += 1;
        if *count <= most {
            self.kept.push(problem);
        }
    }

    /// Whether one of them is an error: then the file cannot be used.
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// The problems that were kept.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.kept.iter()
    }

    /// How many errors and how many warnings there are, with those that were not kept.
    pub fn counts(&self) -> (usize, usize) {
        (self.errors, self.warnings)
    }

    /// The first error.
    pub fn first_error(&self) -> Option<&Problem> {
        self.kept.iter().find(|problem| problem.code.severity() == Severity::Error)
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The bytes of a file as text, without a byte order mark.
pub(super) fn text_of<'a>(bytes: &'a [u8], problems: &mut Problems) -> Option<&'a str> {
    if bytes.len() as u64 > MAX_FILE {
        problems.push(too_large());
        return None;
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => {
            let (before, after) = bytes.split_at(error.valid_up_to());
            let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let number = 1 + before.iter().filter(|byte| **byte == b'\n').count() as u64;
            let shown = [&before[start..], &after[..after.len().min(4 * MAX_SHOWN)]].concat();
            let line = Line::new(number, &String::from_utf8_lossy(&shown));
            let problem = Problem::new(E0014, "this file is not UTF-8").on(line);
            problems.push(problem.help("save it as UTF-8; a spreadsheet calls that \"CSV UTF-8\""));
            None
        }
    }
}

/// A file that is larger than allowed.
pub(super) fn too_large() -> Problem {
    let message = format!("the file is larger than {} GiB", MAX_FILE >> 30);
    Problem::new(E0424, message).help("keep only what rules look up; split it by what they look up")
}

/// A line or row that is longer than allowed.
pub(super) fn too_long(line: Line) -> Problem {
    let message = format!("this line is longer than {} KiB", MAX_LINE >> 10);
    Problem::new(E0424, message).on(line).help("a line holds one value, or one row of a table")
}

/// One value or row more than allowed.
pub(super) fn too_many(line: Line) -> Problem {
    let message = format!("there are more than {MAX_ENTRIES} values or rows");
    Problem::new(E0424, message).on(line).help("keep only what rules look up")
}

/// A file without any value or row.
pub(super) fn empty(kind: &str) -> Problem {
    Problem::new(W0531, format!("this {kind} holds nothing"))
        .help("is it still being written? Nothing is in an empty list, so `not in` always holds")
}
