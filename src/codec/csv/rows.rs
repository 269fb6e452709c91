//! The cells of one row after the other.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

/// Takes rows apart. Memory: the size of the largest row, and a number for each cell.
#[derive(Debug)]
pub(super) struct Rows {
    reader: Reader,
    /// The text of all cells of the row, without quotation marks.
    text: Vec<u8>,
    /// Where each cell ends in it.
    ends: Vec<usize>,
    count: usize,
}

impl Rows {
    /// For rows with that byte between cells.
    pub(super) fn new(delimiter: u8) -> Rows {
        let reader = ReaderBuilder::new().delimiter(delimiter).build();
        Rows { reader, text: Vec::new(), ends: Vec::new(), count: 0 }
    }

    /// Takes a row apart, up to one cell more than `most`, which tells that there are too many.
    ///
    /// # Errors
    /// In words for people, when the record is not one row.
    pub(super) fn read(&mut self, record: &str, most: usize) -> Result<(), String> {
        self.count = 0;
        // Few rows have as many cells as a header may have; a partition should not hold room for them.
        self.ends.resize(most.min(record.len() + 1) + 1, 0);
        // Cells are never longer than the row.
        self.text.resize(self.text.len().max(record.len() + 1), 0);
        let result = self.split(record);
        if result.is_err() || self.count > most {
            // The reader has stopped in the middle of a row. Once set back it takes the next bytes for
            // the beginning of a file, where a byte order mark may stand; the line end tells it otherwise.
            self.reader.reset();
            self.reader.read_record(b"\n", &mut self.text, &mut self.ends);
        }
        result
    }

    fn split(&mut self, record: &str) -> Result<(), String> {
        let row = record.trim_matches(['\r', '\n']);
        if row.is_empty() {
            return Err("the record is empty".to_owned());
        }
        let (result, read, written, cells) =
            self.reader.read_record(row.as_bytes(), &mut self.text, &mut self.ends);
        self.count = cells;
        match result {
            ReadRecordResult::InputEmpty if cells < self.ends.len() => {}
            ReadRecordResult::Record => {
                let offset = read + (row.as_ptr().addr() - record.as_ptr().addr());
                return Err(format!(
                    "a second row begins at byte offset {offset}; a line end in a cell stands in quotation marks"
                ));
            }
            _ => return Ok(()),
        }
        let (text, ends) = (&mut self.text[written..], &mut self.ends[cells..]);
        let (result, _, _, cells) = self.reader.read_record(b"\n", text, ends);
        self.count += cells;
        match result {
            ReadRecordResult::Record => Ok(()),
            _ => Err("a quotation mark is not closed".to_owned()),
        }
    }

    /// How many cells the row has; one more than allowed stands for any number.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// The cells of the row.
    pub(super) fn cells(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends[..self.count].iter().map(move |end| {
            let cell = &self.text[start..*end];
            start = *end;
            std::str::from_utf8(cell).expect("a part of a text between ASCII characters is text")
        })
    }
}
