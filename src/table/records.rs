//! Comma-separated values (RFC 4180), row by row.
//!
//! Rows end with a line end of any kind, a cell in quotation marks may hold commas and line ends, and
//! `""` in it is a quotation mark. Empty lines are passed over.

use csv_core::{ReadRecordResult, Reader};

use super::MAX_LINE;
use super::problem::Line;

/// Most columns of a file, used or not.
const MAX_CELLS: usize = 10_000;

/// Reads the rows of a text.
pub(super) struct Records<'a> {
    reader: Reader,
    text: &'a str,
    /// How much of it has been read.
    at: usize,
    /// The number of the line that has been come to.
    line: u64,
    /// The line at which the row in hand begins, and where that is.
    row: (u64, usize),
    cells: Vec<u8>,
    ends: Vec<usize>,
    count: usize,
}

/// What reading a row led to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Next {
    /// There is a row.
    Row,
    /// The text is over.
    End,
    /// The row is longer than [`MAX_LINE`] or has too many cells; no more can be read.
    TooLong,
    /// The text is over, but a quotation mark is open.
    Open,
}

impl<'a> Records<'a> {
    /// At the beginning of a text.
    pub fn new(text: &'a str) -> Records<'a> {
        Records {
            reader: Reader::new(),
            text,
            at: 0,
            line: 1,
            row: (1, 0),
            cells: vec![0; MAX_LINE],
            ends: vec![0; MAX_CELLS],
            count: 0,
        }
    }

    /// Reads the next row.
    pub fn advance(&mut self) -> Next {
        let line_ends = self.rest().iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        self.pass(line_ends);
        self.row = (self.line, self.at);
        if self.rest().is_empty() {
            return Next::End;
        }
        let (mut written, mut ended) = (0, 0);
        let mut closing: &[u8] = b"\n";
        loop {
            let rest = self.rest();
            let at_end = rest.is_empty();
            let input = if at_end { closing } else { rest };
            let (result, read, wrote, cells) =
                self.reader.read_record(input, &mut self.cells[written..], &mut self.ends[ended..]);
            match at_end {
                true => closing = &closing[read..],
                false => self.pass(read),
            }
            (written, ended) = (written + wrote, ended + cells);
            match result {
                ReadRecordResult::Record => {
                    self.count = ended;
                    return Next::Row;
                }
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => return Next::TooLong,
                // One more line end closes the last row, unless it is a part of a cell.
                ReadRecordResult::InputEmpty if at_end => return Next::Open,
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::End => return Next::End,
            }
        }
    }

    fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }

    fn pass(&mut self, bytes: usize) {
        let passed = &self.rest()[..bytes];
        self.line += passed.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.at += bytes;
    }

    /// How many cells the row has.
    pub fn len(&self) -> usize {
        self.count
    }

    /// A cell of the row, without space around it.
    pub fn cell(&self, index: usize) -> &str {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        let bytes = &self.cells[start..self.ends[index]];
        std::str::from_utf8(bytes).expect("a part of a text between ASCII characters is text").trim()
    }

    /// The cells of the row, without space around them.
    pub fn cells(&self) -> impl Iterator<Item = &str> {
        (0..self.count).map(|index| self.cell(index))
    }

    /// The line at which the row begins.
    pub fn line(&self) -> Line {
        Line::new(self.row.0, &self.text[self.row.1..])
    }

    /// The number of that line.
    pub fn number(&self) -> u64 {
        self.row.0
    }
}
