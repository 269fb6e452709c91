//! The columns of a table that are not keys: their cells, which may be empty.

use std::borrow::Cow;
use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::event::{FieldType, Type, Value};

use super::keys::{bits, number};

/// The cells of a column.
#[derive(Debug)]
pub(super) enum Cells {
    /// Texts and addresses, equal ones once: such columns hold few different values (a country, a
    /// category), and a value that is held whole can be lent out.
    Shared {
        /// For each row, which of the values; [`NONE`] for an empty cell.
        ids: Vec<u32>,
        /// The different values.
        values: Vec<Value>,
    },
    /// Everything else, in 64 bits.
    Number {
        /// The type.
        ty: Type,
        /// For each row, the value; 0 for an empty cell.
        bits: Vec<u64>,
        /// A bit for each row up to the last empty cell: whether its cell is empty.
        empty: Vec<u64>,
    },
}

/// Stands for an empty cell.
const NONE: u32 = u32::MAX;

/// Cells that are still being added.
pub(super) struct Building {
    cells: Cells,
    /// The numbers of the values that are shared, by their hash.
    known: HashTable<u32>,
}

impl Building {
    /// No cells yet.
    pub fn new(ty: FieldType) -> Building {
        let cells = match ty.value_type() {
            Type::Str | Type::Ip => Cells::Shared { ids: Vec::new(), values: Vec::new() },
            ty => Cells::Number { ty, bits: Vec::new(), empty: Vec::new() },
        };
        Building { cells, known: HashTable::new() }
    }

    /// Adds the cell of the next row: a value of the column's type, or null.
    pub fn push(&mut self, value: Value) {
        match &mut self.cells {
            Cells::Shared { ids, values } => ids.push(share(&mut self.known, values, value)),
            Cells::Number { ty, bits: list, empty } => {
                let row = list.len();
                list.push(bits(*ty, &value).unwrap_or(0));
                if value.is_null() {
                    empty.resize(row / 64 + 1, 0);
                    empty[row / 64] |= 1 << (row % 64);
                }
            }
        }
    }

    /// The cells, without the memory that was set aside for more.
    pub fn finish(mut self) -> Cells {
        match &mut self.cells {
            Cells::Shared { ids, values } => {
                ids.shrink_to_fit();
                values.shrink_to_fit();
            }
            Cells::Number { bits, empty, .. } => {
                bits.shrink_to_fit();
                empty.shrink_to_fit();
            }
        }
        self.cells
    }
}

/// The number of a value among those that are shared.
fn share(known: &mut HashTable<u32>, values: &mut Vec<Value>, value: Value) -> u32 {
    if value.is_null() {
        return NONE;
    }
    let hash = |value: &Value| FixedState::default().hash_one(value);
    let own = hash(&value);
    if let Some(id) = known.find(own, |id| values[*id as usize] == value) {
        return *id;
    }
    let id = values.len() as u32;
    values.push(value);
    known.insert_unique(own, id, |id| hash(&values[*id as usize]));
    id
}

impl Cells {
    /// The cell of a row; null when it is empty.
    pub fn get(&self, row: u32) -> Cow<'_, Value> {
        let row = row as usize;
        match self {
            Cells::Shared { ids, values } => match ids[row] {
                NONE => Cow::Owned(Value::Null),
                id => Cow::Borrowed(&values[id as usize]),
            },
            Cells::Number { ty, bits, empty } => {
                let is_empty = empty.get(row / 64).is_some_and(|word| word >> (row % 64) & 1 == 1);
                Cow::Owned(if is_empty { Value::Null } else { number(*ty, bits[row]) })
            }
        }
    }

    /// The memory that they take, in bytes.
    pub fn size(&self) -> usize {
        match self {
            Cells::Shared { ids, values } => {
                let on_heap = values.iter().map(|value| match value {
                    Value::Str(text) if text.is_heap_allocated() => text.capacity(),
                    _ => 0,
                });
                ids.capacity() * size_of::<u32>()
                    + values.capacity() * size_of::<Value>()
                    + on_heap.sum::<usize>()
            }
            Cells::Number { bits, empty, .. } => (bits.capacity() + empty.capacity()) * size_of::<u64>(),
        }
    }
}
