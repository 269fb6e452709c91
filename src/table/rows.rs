//! The file of a table: comma-separated values below a line with the names of the columns.
//!
//! The columns of the file may stand in any order, and there may be more of them than are declared.

use std::borrow::{Borrow, Cow};

use smallvec::SmallVec;

use crate::diagnostic::codes::{E0421, E0422, E0423};
use crate::diagnostic::nearest;
use crate::event::Value;

use super::columns::{Building, Cells};
use super::problem::{Line, Problem, Problems, too_long, too_many};
use super::records::{Next, Records};
use super::{Column, ColumnId, Keys, MAX_ENTRIES, cell};

/// The rows of a table.
#[derive(Debug)]
pub(super) struct Rows {
    keys: Keys,
    cells: Box<[Cells]>,
    /// For each column, where its values are.
    places: Box<[Place]>,
}

/// Where the values of a column are.
#[derive(Clone, Copy, Debug)]
enum Place {
    Key(usize),
    Cells(usize),
}

impl Rows {
    /// The cell of the row with that key; `None` when there is no such row.
    pub fn cell<V: Borrow<Value>>(&self, key: &[V], column: ColumnId) -> Option<Cow<'_, Value>> {
        let row = self.keys.find(key)?;
        Some(match self.places[column.0 as usize] {
            Place::Key(index) => Cow::Owned(self.keys.value(index, row)),
            Place::Cells(index) => self.cells[index].get(row),
        })
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// The memory that they take, in bytes.
    pub fn size(&self) -> usize {
        self.keys.size() + self.cells.iter().map(Cells::size).sum::<usize>()
    }
}

/// Reads a table with these columns.
pub(super) fn parse(columns: &[Column], text: &str, problems: &mut Problems) -> Option<Rows> {
    let mut records = Records::new(text);
    let header = match records.advance() {
        Next::Row => header(columns, &records, problems)?,
        Next::End => {
            let message = "the file is empty, but its first line must name the columns";
            problems.push(Problem::new(E0423, message).help(first_line(columns)));
            return None;
        }
        failed => {
            problems.push(broken(failed, records.line()));
            return None;
        }
    };
    let width = records.len();
    let mut builder = Builder::new(columns);
    loop {
        match records.advance() {
            Next::Row => {}
            Next::End => return Some(builder.finish()),
            failed => {
                problems.push(broken(failed, records.line()));
                return None;
            }
        }
        // A spreadsheet writes rows that were emptied as commas alone.
        if records.cells().all(str::is_empty) {
            continue;
        }
        if builder.lines.len() == MAX_ENTRIES {
            problems.push(too_many(records.line()));
            return None;
        }
        if records.len() == width {
            builder.row(&header, &records, problems);
        } else {
            problems.push(wrong_width(&records, width));
        }
    }
}

/// For each column, the place of its cells in a row.
fn header(columns: &[Column], records: &Records<'_>, problems: &mut Problems) -> Option<Vec<usize>> {
    let mut places = Vec::new();
    for (id, column) in (0..).map(ColumnId).zip(columns) {
        let mut named = records.cells().enumerate().filter(|(_, name)| *name == column.header);
        match (named.next(), named.next()) {
            (Some((place, _)), None) => places.push(place),
            (Some(_), Some(_)) => {
                let message = format!("the column `{}` stands here twice", column.header);
                problems.push(Problem::new(E0423, message).on(records.line()).of(id));
            }
            (None, _) => problems.push(missing(id, column, records, columns)),
        }
    }
    (places.len() == columns.len()).then_some(places)
}

fn missing(id: ColumnId, column: &Column, records: &Records<'_>, columns: &[Column]) -> Problem {
    let message = format!("the first line does not name the column `{}`", column.header);
    let problem = Problem::new(E0423, message).on(records.line()).of(id);
    let only = records.cell(0);
    let separator = [(';', "semicolons"), ('\t', "tabulators"), ('|', "bars")]
        .into_iter()
        .find(|(separator, _)| records.len() == 1 && only.contains(*separator));
    if let Some((_, separators)) = separator {
        return problem.help(format!("values are separated by commas, not by {separators}"));
    }
    let near = nearest(&column.header, records.cells()).filter(|near| {
        // A column that another declaration takes is not the one that was meant.
        !columns.iter().any(|other| other.header == *near)
    });
    match near {
        Some(near) if column.name == column.header => problem
            .help(format!("it names `{near}`: write `{} … from \"{near}\"`, or rename one", column.name)),
        Some(near) => problem.help(format!("did you mean `from \"{near}\"`?")),
        None => problem.help(first_line(columns)),
    }
}

fn first_line(columns: &[Column]) -> String {
    const MOST: usize = 10;
    let names: Vec<&str> = columns.iter().take(MOST).map(|column| column.header.as_str()).collect();
    let more = if columns.len() > MOST { ",…" } else { "" };
    format!("a first line with all columns of this table is `{}{more}`", names.join(","))
}

fn wrong_width(records: &Records<'_>, width: usize) -> Problem {
    let (found, named) = (plural(records.len(), "value"), plural(width, "column"));
    Problem::new(E0421, format!("this row has {found}, but the first line names {named}"))
        .on(records.line())
        .help("a value with a comma in it stands in quotation marks; an empty one keeps its comma")
}

fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The problem of a row at which reading ended.
fn broken(why: Next, line: Line) -> Problem {
    match why {
        Next::Open => Problem::new(E0421, "a quotation mark in this row is not closed")
            .on(line)
            .help("a value that begins with `\"` ends with `\"` too, and a `\"` in it is written `\"\"`"),
        _ => too_long(line),
    }
}

/// A table that is being read.
struct Builder<'a> {
    columns: &'a [Column],
    places: Box<[Place]>,
    keys: Keys,
    cells: Vec<Building>,
    /// The line of each row.
    lines: Vec<u32>,
}

impl<'a> Builder<'a> {
    fn new(columns: &'a [Column]) -> Builder<'a> {
        let (mut keys, mut cells) = (0, 0);
        let next = |count: &mut usize| {
            *count += 1;
            *count - 1
        };
        let place = |column: &Column| match column.key {
            true => Place::Key(next(&mut keys)),
            false => Place::Cells(next(&mut cells)),
        };
        let types = |key| columns.iter().filter(move |column| column.key == key).map(|column| column.ty);
        Builder {
            places: columns.iter().map(place).collect(),
            keys: Keys::new(types(true)),
            cells: types(false).map(Building::new).collect(),
            lines: Vec::new(),
            columns,
        }
    }

    /// Adds a row. A row with a mistake is reported and left out.
    fn row(&mut self, header: &[usize], records: &Records<'_>, problems: &mut Problems) {
        let mut key: SmallVec<[Value; 4]> = SmallVec::new();
        let mut values: SmallVec<[Value; 16]> = SmallVec::new();
        let mut is_sound = true;
        for ((id, column), place) in (0..).map(ColumnId).zip(self.columns).zip(header) {
            match value_of(column, records.cell(*place)) {
                Ok(value) if column.key => key.push(value),
                Ok(value) => values.push(value),
                Err(problem) => {
                    problems.push(problem.on(records.line()).of(id));
                    is_sound = false;
                }
            }
        }
        if !is_sound {
            return;
        }
        if let Err(first) = self.keys.insert(&key) {
            problems.push(twice(&key, self.lines[first as usize], records.line()));
            return;
        }
        self.lines.push(records.number() as u32);
        for (cells, value) in self.cells.iter_mut().zip(values) {
            cells.push(value);
        }
    }

    fn finish(mut self) -> Rows {
        self.keys.settle();
        let cells = self.cells.into_iter().map(Building::finish).collect();
        Rows { keys: self.keys, cells, places: self.places }
    }
}

fn value_of(column: &Column, text: &str) -> Result<Value, Problem> {
    let name = &column.name;
    if text.is_empty() {
        if column.optional {
            return Ok(Value::Null);
        }
        let problem = Problem::new(E0421, format!("`{name}` is empty"));
        return Err(match column.key {
            true => problem.help("a row is found by its key, which therefore cannot be empty"),
            false => {
                problem.help(format!("if it may be missing, write `{name} {}?`", column.ty.value_type()))
            }
        });
    }
    cell::parse(column.ty, text).ok_or_else(|| {
        let (expected, found) = (cell::expected(column.ty), cell::shown(text));
        Problem::new(E0421, format!("`{name}` must be {expected}, but it is {found}"))
    })
}

fn twice(key: &[Value], first: u32, line: Line) -> Problem {
    let key: Vec<String> = key.iter().map(Value::to_string).collect();
    let message =
        format!("a row with the key {} stands on line {first} already", cell::shown(&key.join(", ")));
    Problem::new(E0422, message).on(line).help("a key finds one row: take one of the two out")
}
