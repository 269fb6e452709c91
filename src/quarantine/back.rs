//! Looks at the last records of a quarantine file, from its end on.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use super::filter::Filter;
use super::record::Record;

/// So much of the file is read at a time, in bytes; more if a single line is longer.
const STRETCH: u64 = 1 << 20;
/// After so much the search ends with what it has, so that it ends soon.
const MOST_READ: u64 = 16 << 20;

/// Records, the last ones first.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The records, with the place in the file at which their lines begin.
    pub records: Vec<(u64, Record)>,
    /// Where to go on, if there may be more before.
    pub next: Option<u64>,
    /// The size of the file in bytes.
    pub size: u64,
}

/// Looks for so many records at most that were set aside before the line that begins at `before`, or for the last ones.
/// What is no record is passed over. No file, no records.
///
/// # Errors
/// When the file cannot be read.
pub fn look(path: &Path, filter: &Filter, before: Option<u64>, most: usize) -> io::Result<Found> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::default()),
        Err(error) => return Err(error),
    };
    let size = file.metadata()?.len();
    let mut end = before.unwrap_or(size).min(size);
    let mut found = Found { records: Vec::new(), next: None, size };
    let begin = end;
    while most > 0 && end > 0 && begin - end < MOST_READ {
        let (start, bytes) = stretch(&mut file, end)?;
        let mut offset = end;
        for line in bytes.split_inclusive(|byte| *byte == b'\n').rev() {
            offset -= line.len() as u64;
            let Ok(record) = Record::from_line(line) else { continue };
            if !filter.takes(&record) {
                continue;
            }
            found.records.push((offset, record));
            if found.records.len() == most {
                found.next = Some(offset).filter(|offset| *offset > 0);
                return Ok(found);
            }
        }
        end = start;
    }
    found.next = Some(end).filter(|end| *end > 0);
    Ok(found)
}

/// Whole lines before `end`, and where they begin.
fn stretch(file: &mut File, end: u64) -> io::Result<(u64, Vec<u8>)> {
    let mut length = STRETCH.min(end);
    loop {
        let start = end - length;
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.take(length).read_to_end(&mut bytes)?;
        if start == 0 {
            return Ok((0, bytes));
        }
        // The first line began before.
        let cut = bytes.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
        match cut.filter(|cut| *cut < bytes.len()) {
            Some(cut) => return Ok((start + cut as u64, bytes.split_off(cut))),
            None => length = (length * 2).min(end),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::super::record::tests::record;
    use super::*;

    fn file(lines: impl IntoIterator<Item = Vec<u8>>) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        for line in lines {
            file.write_all(&line).and_then(|()| file.write_all(b"\n")).expect("room");
        }
        file
    }

    /// All pages, each with so many at most.
    fn pages(path: &Path, filter: &Filter, most: usize) -> Vec<Vec<u8>> {
        let (mut found, mut before) = (Vec::new(), None);
        loop {
            let page = look(path, filter, before, most).expect("it can be read");
            found.extend(page.records.into_iter().map(|(_, record)| record.bytes));
            before = page.next;
            if before.is_none() {
                return found;
            }
        }
    }

    #[test]
    fn the_last_records_come_first_in_pages_however_long_lines_are() {
        // Some lines are longer than what is read at a time, and what is no record is passed over.
        let bytes = |index: usize| match index % 7 {
            3 => vec![b'x'; 2_500_000 + index],
            _ => format!("record {index}").into_bytes(),
        };
        let mut lines: Vec<Vec<u8>> = (0..40).map(|index| record(&bytes(index)).to_line()).collect();
        lines.insert(20, b"{\"cut off".to_vec());
        lines.insert(7, Vec::new());
        let file = file(lines);
        let wanted: Vec<Vec<u8>> = (0..40).rev().map(bytes).collect();
        for most in [1, 3, 40, 1000] {
            assert!(pages(file.path(), &Filter::default(), most) == wanted, "{most}");
        }
    }

    #[test]
    fn a_search_that_finds_nothing_goes_through_the_whole_file() {
        let lines = (0..30).map(|index| record(&vec![b'a' + index % 20; 1_000_000]).to_line());
        let file = file(lines);
        let filter = Filter { sources: vec!["nobody".into()], ..Filter::default() };
        let first = look(file.path(), &filter, None, 10).expect("it can be read");
        assert!(first.records.is_empty() && first.next.is_some_and(|next| next < first.size - (15 << 20)));
        assert_eq!(pages(file.path(), &filter, 10), Vec::<Vec<u8>>::new());
        assert_eq!(look(Path::new("nothing is here"), &filter, None, 10).expect("fine"), Found::default());
    }
}
