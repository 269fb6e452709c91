//! Comma-separated values (RFC 4180), one row a record.
//!
//! Enters: the bytes of a row, which may hold line ends in quotation marks. Leaves: an event, nothing
//! for the header, or why the row is no event.
//!
//! - The first record of a partition names the columns, unless the settings do. A header that cannot be
//!   used is malformed, and so is every row after it: a row is never taken for the header.
//! - A row has as many cells as there are columns.
//! - A cell that begins with a quotation mark ends with one, and `""` inside stands for one. What
//!   follows the closing mark up to the delimiter is added to the cell, as most readers do.
//! - Columns that no field reads are kept for alerts.

mod rows;
#[cfg(test)]
mod tests;

use compact_str::CompactString;

use crate::event::{Event, Kept, Position, StreamId, StreamSchema, Timestamp};

use self::rows::Rows;

use super::convert::quoted;
use super::text::{Column, Texts, lacking, malformed, utf8};
use super::{Decoder, Fields, Malformed};

/// Most columns, read or not.
pub const MAX_COLUMNS: usize = 10_000;

/// How the rows are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    delimiter: u8,
    columns: Option<Vec<CompactString>>,
}

impl Default for Settings {
    /// Commas, and a header.
    fn default() -> Settings {
        Settings { delimiter: b',', columns: None }
    }
}

impl Settings {
    /// Rows with that byte between the cells, and with columns of these names; `None`: the first record
    /// names them.
    ///
    /// # Errors
    /// In words for people, when rows cannot be written so.
    pub fn new(delimiter: u8, columns: Option<Vec<CompactString>>) -> Result<Settings, String> {
        if !delimiter.is_ascii() || matches!(delimiter, b'"' | b'\n' | b'\r' | 0) {
            return Err(
                "the delimiter is one ASCII character, no quotation mark and no line end: `,`, `;`, a tab"
                    .to_owned(),
            );
        }
        if let Some(columns) = &columns {
            check_columns(columns.iter().map(CompactString::as_str))?;
        }
        Ok(Settings { delimiter, columns })
    }

    /// Tabs, and a header.
    pub fn tabs() -> Settings {
        Settings { delimiter: b'\t', columns: None }
    }

    /// The byte between cells.
    pub fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// The names of the columns; `None` when the first record names them.
    pub fn columns(&self) -> Option<&[CompactString]> {
        self.columns.as_deref()
    }

    /// What of the stream the settings leave empty; unknown as long as the header is.
    pub(super) fn misfit(&self, schema: &StreamSchema) -> Option<String> {
        let columns = self.columns.as_ref()?;
        lacking(schema, ("`columns`", "column"), |name| columns.iter().any(|column| column == name))
    }
}

/// Whether columns can have these names: there are some, not too many, and all differ.
fn check_columns<'a>(names: impl Iterator<Item = &'a str>) -> Result<(), String> {
    let mut sorted: Vec<&str> = names.take(MAX_COLUMNS + 1).collect();
    if sorted.is_empty() {
        return Err("there are no columns".to_owned());
    }
    if sorted.len() > MAX_COLUMNS {
        return Err(format!("there are more than {MAX_COLUMNS} columns"));
    }
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("the column {} is there twice", quoted(pair[0], 40))),
        None => Ok(()),
    }
}

/// Decodes rows.
#[derive(Debug)]
pub struct CsvDecoder {
    rows: Rows,
    header: Header,
    /// The header as it came.
    raw_header: Box<[u8]>,
    /// Whether a row has come after it.
    has_rows: bool,
    texts: Texts,
    schema: StreamSchema,
}

/// What is known of the columns.
#[derive(Debug)]
enum Header {
    /// The next record is the header.
    Awaited,
    /// The columns in order.
    Columns(Vec<Column>),
    /// What is wrong with the header, so that no row can be read.
    Unusable(String),
}

impl CsvDecoder {
    /// A decoder for the rows of one partition of `stream`, from its beginning.
    ///
    /// # Panics
    /// When the schema's time field is not a timestamp of the schema: a mistake in the caller.
    pub fn new(stream: StreamId, schema: &StreamSchema, kept: Kept, settings: &Settings) -> CsvDecoder {
        let texts = Texts::new(stream, schema, kept);
        let header = match &settings.columns {
            None => Header::Awaited,
            Some(names) => Header::Columns(names.iter().map(|name| texts.column(name)).collect()),
        };
        CsvDecoder {
            rows: Rows::new(settings.delimiter),
            header,
            raw_header: Box::default(),
            has_rows: false,
            texts,
            schema: schema.clone(),
        }
    }

    /// The record is the header, for better or worse.
    fn take_header(&mut self, record: &[u8]) -> Result<(), Malformed> {
        let (header, result) = match self.read_header(record) {
            Ok(columns) => (Header::Columns(columns), Ok(())),
            Err(why) => {
                let malformed = malformed("this header cannot be used", &why);
                (Header::Unusable(why), Err(malformed))
            }
        };
        self.header = header;
        self.raw_header = record.into();
        result
    }

    /// The columns that a record names.
    fn read_header(&mut self, record: &[u8]) -> Result<Vec<Column>, String> {
        self.rows.read(utf8(record)?, MAX_COLUMNS)?;
        let names = || self.rows.cells().map(str::trim);
        check_columns(names())?;
        let has = |name: &str| names().any(|column| column == name);
        if let Some(lacking) = lacking(&self.schema, ("it", "column"), has) {
            return Err(lacking);
        }
        let columns: Vec<Column> = names().map(|name| self.texts.column(name)).collect();
        // A stream without required fields: at least it should not be a row.
        if !self.schema.fields.is_empty() && !columns.iter().any(Texts::is_read) {
            return Err("none of its columns is a field of the stream".to_owned());
        }
        Ok(columns)
    }
}

impl Decoder for CsvDecoder {
    fn decode(
        &mut self,
        record: &[u8],
        position: Position,
        arrival: Timestamp,
    ) -> Result<Option<Event>, Malformed> {
        self.has_rows = !matches!(self.header, Header::Awaited);
        let columns = match &self.header {
            Header::Columns(columns) => columns,
            Header::Unusable(why) => return Err(malformed("the header of this row cannot be used", why)),
            Header::Awaited => return self.take_header(record).map(|()| None),
        };
        read_row(&mut self.rows, record, columns.len()).map_err(|why| malformed("not a row of CSV", &why))?;
        self.texts.begin();
        for (column, text) in columns.iter().zip(self.rows.cells()) {
            self.texts.put_column(column, text);
        }
        self.texts.finish(position, arrival).map(Some)
    }

    fn stream(&self) -> StreamId {
        self.texts.stream()
    }

    fn fields(&mut self) -> &mut Fields {
        self.texts.fields()
    }

    fn header(&self) -> Option<&[u8]> {
        self.learnt().filter(|_| self.has_rows)
    }

    fn learnt(&self) -> Option<&[u8]> {
        (!self.raw_header.is_empty()).then_some(&*self.raw_header)
    }
}

/// Reads a row with that many cells.
fn read_row(rows: &mut Rows, record: &[u8], columns: usize) -> Result<(), String> {
    rows.read(utf8(record)?, columns)?;
    match rows.len() {
        1 if columns > 1 => Err(format!("it has one cell, but there are {columns} columns")),
        cells if cells < columns => Err(format!("it has {cells} cells, but there are {columns} columns")),
        cells if cells > columns => {
            Err(format!("it has more cells than there are columns, which is {columns}"))
        }
        _ => Ok(()),
    }
}
