//! Lists and tables: values from files that rules look things up in.
//!
//! Enters: what a rule set declares ([`TableSpec`]) and the bytes of its files. Leaves: their contents,
//! immutable and packed, in a set ([`Tables`]) that expressions read; or what is wrong with a file,
//! line by line. Nothing here opens a file: who runs the rules reads them, and gives an engine a new
//! set when one has changed.
//!
//! A lookup takes no memory and compares at most a handful of values. A million texts of 16 bytes
//! take about 32 MB, a million networks 8 MB (`table/tests.rs` measures both).

mod cell;
mod columns;
mod keys;
mod list;
mod networks;
mod problem;
mod records;
mod rows;
#[cfg(test)]
mod tests;
mod texts;

use std::borrow::{Borrow, Cow};
use std::sync::Arc;

use compact_str::CompactString;

use crate::diagnostic::Span;
use crate::event::{FieldType, Value};

use keys::Keys;
use networks::Networks;
use rows::Rows;

pub(crate) use networks::network;
pub use problem::{Line, Problem, Problems};

/// Largest file of a list or table, in bytes.
pub const MAX_FILE: u64 = 1 << 30;
/// Most values of a list, and most rows of a table.
pub const MAX_ENTRIES: usize = 10_000_000;
/// Longest line of a list and longest row of a table, in bytes.
pub const MAX_LINE: usize = 64 << 10;

/// A list or table of the rule set, by its place in the order of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableId(pub u32);

/// A column of a table, by its place in the declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColumnId(pub u32);

/// A list or table as declared.
#[derive(Clone, Debug, PartialEq)]
pub struct TableSpec {
    /// Its name.
    pub name: CompactString,
    /// Where its name stands.
    pub name_span: Span,
    /// The file, as written: a relative path begins at the folder of the rule file.
    pub file: String,
    /// Where the file is named.
    pub file_span: Span,
    /// What the file holds.
    pub shape: Shape,
}

/// What the file of a list or table holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A list: a value of this type on each line; of type `ip` also networks.
    List(FieldType),
    /// A table: comma-separated values below a line with the names of the columns.
    Table(Vec<Column>),
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name in rules.
    pub name: CompactString,
    /// Its name in the first line of the file.
    pub header: CompactString,
    /// Its declared type.
    pub ty: FieldType,
    /// Whether rows are found by it.
    pub key: bool,
    /// Whether its cells may be empty, which is null.
    pub optional: bool,
    /// Where it is declared.
    pub span: Span,
}

impl TableSpec {
    /// The columns by which rows are found, with their places; none of a list.
    pub fn keys(&self) -> impl Iterator<Item = (ColumnId, &Column)> {
        (0..).map(ColumnId).zip(self.columns()).filter(|(_, column)| column.key)
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<(ColumnId, &Column)> {
        (0..).map(ColumnId).zip(self.columns()).find(|(_, column)| column.name == name)
    }

    /// The columns in the order declared; none of a list.
    pub fn columns(&self) -> &[Column] {
        match &self.shape {
            Shape::List(_) => &[],
            Shape::Table(columns) => columns,
        }
    }

    /// `list` or `table`.
    pub fn kind(&self) -> &'static str {
        match &self.shape {
            Shape::List(_) => "list",
            Shape::Table(_) => "table",
        }
    }

    /// Reads the bytes of a file. The problems hold errors when there is no content, and perhaps
    /// warnings when there is one.
    pub fn parse(&self, bytes: &[u8]) -> (Option<Content>, Problems) {
        let mut problems = Problems::default();
        let data = problem::text_of(bytes, &mut problems).and_then(|text| match &self.shape {
            Shape::List(ty) => list::parse(*ty, text, &mut problems),
            Shape::Table(columns) => rows::parse(columns, text, &mut problems).map(Data::Rows),
        });
        let data = data.filter(|_| !problems.has_errors());
        let content = data.map(|data| Content { version: crate::event::version(bytes).into(), data });
        if content.as_ref().is_some_and(|content| content.entries() == 0) {
            problems.push(problem::empty(self.kind()));
        }
        (content, problems)
    }
}

/// What is in a list or table.
#[derive(Debug)]
pub struct Content {
    version: Arc<str>,
    data: Data,
}

#[derive(Debug)]
enum Data {
    Values(Keys),
    Networks(Networks),
    Rows(Rows),
}

impl Content {
    /// The hash of the file: `sha256:` and hexadecimal.
    pub fn version(&self) -> &Arc<str> {
        &self.version
    }

    /// How many values or rows there are.
    pub fn entries(&self) -> usize {
        match &self.data {
            Data::Values(keys) => keys.len(),
            Data::Networks(networks) => networks.len(),
            Data::Rows(rows) => rows.len(),
        }
    }

    /// The memory that it takes, in bytes.
    pub fn size(&self) -> usize {
        match &self.data {
            Data::Values(keys) => keys.size(),
            Data::Networks(networks) => networks.size(),
            Data::Rows(rows) => rows.size(),
        }
    }

    /// Whether a list holds the value; an address is also held by its networks.
    fn contains(&self, value: &Value) -> bool {
        match (&self.data, value) {
            (Data::Values(keys), _) => keys.find(std::slice::from_ref(value)).is_some(),
            (Data::Networks(networks), Value::Ip(address)) => networks.contains(*address),
            (Data::Networks(_) | Data::Rows(_), _) => false,
        }
    }

    fn cell<V: Borrow<Value>>(&self, key: &[V], column: ColumnId) -> Option<Cow<'_, Value>> {
        match &self.data {
            Data::Rows(rows) => rows.cell(key, column),
            Data::Values(_) | Data::Networks(_) => None,
        }
    }
}

/// The contents of all lists and tables of a rule set at one moment. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    contents: Vec<Option<Arc<Content>>>,
}

/// No list and no table.
pub(crate) static NO_TABLES: Tables = Tables { contents: Vec::new() };

impl Tables {
    /// The set for the lists and tables of a program, none of them read: whether a value is in a
    /// list is unknown then, and every row is missing.
    pub fn unread(specs: &[TableSpec]) -> Tables {
        Tables { contents: vec![None; specs.len()] }
    }

    /// Puts a content in the place of what was there.
    ///
    /// # Panics
    /// When the set has no such place: it is for another program.
    pub fn set(&mut self, id: TableId, content: Arc<Content>) {
        self.contents[id.0 as usize] = Some(content);
    }

    /// The content of a list or table; `None` when it has not been read.
    pub fn get(&self, id: TableId) -> Option<&Arc<Content>> {
        self.contents.get(id.0 as usize)?.as_ref()
    }

    /// How many lists and tables the set is for.
    pub fn len(&self) -> usize {
        self.contents.len()
    }

    /// Whether it is for none.
    pub fn is_empty(&self) -> bool {
        self.contents.is_empty()
    }

    /// Whether a list holds a value; `None` (unknown) for null, and when the list has not been read.
    pub(crate) fn contains(&self, list: TableId, value: &Value) -> Option<bool> {
        if value.is_null() { None } else { Some(self.get(list)?.contains(value)) }
    }

    /// The cell of the row with that key; null when there is no such row, when the cell is empty and
    /// when the table has not been read.
    pub(crate) fn cell<V: Borrow<Value>>(
        &self,
        table: TableId,
        key: &[V],
        column: ColumnId,
    ) -> Cow<'_, Value> {
        let cell = self.get(table).and_then(|content| content.cell(key, column));
        cell.unwrap_or(Cow::Owned(Value::Null))
    }
}
