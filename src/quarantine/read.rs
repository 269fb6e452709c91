//! Reads the lines of a quarantine file.

use std::io::{self, BufRead};

use super::record::{Record, Unreadable};

/// A line of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number, from 1.
    pub number: u64,
    /// Offset in bytes of what follows it.
    pub end: u64,
    /// Its bytes, without the line end.
    pub bytes: Vec<u8>,
    /// What it holds. It is no record when a crash has cut it off, or someone has edited it.
    pub record: Result<Record, Unreadable>,
}

/// The lines of a file, one at a time. Empty ones are passed over. One line is held in memory, and as
/// large as it is: the file was made by the service, and its size has a limit.
#[derive(Debug)]
pub struct Lines<R> {
    bytes: R,
    number: u64,
    offset: u64,
}

impl<R: BufRead> Lines<R> {
    /// The lines from where `bytes` is: at `offset` of the file, behind `number` lines.
    pub fn new(bytes: R, offset: u64, number: u64) -> Lines<R> {
        Lines { bytes, number, offset }
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<io::Result<Line>> {
        loop {
            let mut bytes = Vec::new();
            match self.bytes.read_until(b'\n', &mut bytes) {
                Ok(0) => return None,
                Ok(count) => self.offset += count as u64,
                Err(error) => return Some(Err(error)),
            }
            self.number += 1;
            if bytes.last() == Some(&b'\n') {
                bytes.pop();
            }
            if bytes.trim_ascii().is_empty() {
                continue;
            }
            let record = Record::from_line(&bytes);
            return Some(Ok(Line { number: self.number, end: self.offset, bytes, record }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::record;
    use super::*;

    #[test]
    fn lines_know_where_they_stand_and_a_cut_one_is_no_record() {
        let whole = record(b"garbage").to_line();
        let bytes = [b"\n", whole.as_slice(), b"\r\n", &whole[..30]].concat();
        let lines: Vec<_> = Lines::new(bytes.as_slice(), 0, 0).map(|line| line.expect("in memory")).collect();
        let places: Vec<_> = lines.iter().map(|line| (line.number, line.end)).collect();
        let end = whole.len() as u64;
        assert_eq!(places, [(2, 1 + end + 2), (3, 1 + end + 2 + 30)]);
        assert_eq!(lines[0].record, Ok(record(b"garbage")));
        assert!(lines[1].record.is_err());
    }
}
