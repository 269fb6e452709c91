//! Keys and the rows that they stand for: the values of a list, the key columns of a table.
//!
//! The key columns are stored packed, each by its type; a hash table over them holds nothing but row
//! numbers. Values are compared as `==` compares them, so that a float is found among integers when
//! it is a whole number.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hasher};
use std::net::IpAddr;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::event::{Duration, FieldType, Timestamp, Type, Value, whole_number};

use super::texts::Texts;

/// Different keys, numbered in the order in which they were added.
#[derive(Debug)]
pub(super) struct Keys {
    columns: Box<[KeyColumn]>,
    /// Row numbers by the hash of their keys.
    index: HashTable<u32>,
    len: u32,
}

#[derive(Debug)]
enum KeyColumn {
    Text(Texts),
    /// Everything else that has 64 bits, as [`Part::Number`].
    Number(Type, Vec<u64>),
    Ip(Vec<IpAddr>),
}

/// A value as it is stored and compared.
#[derive(Clone, Copy, PartialEq)]
enum Part<'a> {
    Text(&'a str),
    Number(u64),
    Ip(IpAddr),
}

impl Keys {
    /// No keys yet; each will have values of these types.
    pub fn new(types: impl IntoIterator<Item = FieldType>) -> Keys {
        let columns = types.into_iter().map(|ty| match ty.value_type() {
            Type::Str => KeyColumn::Text(Texts::default()),
            Type::Ip => KeyColumn::Ip(Vec::new()),
            other => KeyColumn::Number(other, Vec::new()),
        });
        Keys { columns: columns.collect(), index: HashTable::new(), len: 0 }
    }

    /// Adds a key, which has a value of its type for each column.
    ///
    /// # Errors
    /// When it is there already: with its number.
    pub fn insert<V: Borrow<Value>>(&mut self, key: &[V]) -> Result<(), u32> {
        if let Some(row) = self.find(key) {
            return Err(row);
        }
        let Some(hash) = self.hash(key) else { return Ok(()) };
        for (column, value) in self.columns.iter_mut().zip(key) {
            column.push(value.borrow());
        }
        let columns = &self.columns;
        self.index
            .insert_unique(hash, self.len, |row| hash_of(columns.iter().map(|column| column.part(*row))));
        self.len += 1;
        Ok(())
    }

    /// The number of a key.
    pub fn find<V: Borrow<Value>>(&self, key: &[V]) -> Option<u32> {
        let hash = self.hash(key)?;
        let is_it = |row: &u32| {
            let mut parts = self.columns.iter().zip(key);
            parts.all(|(column, value)| Some(column.part(*row)) == column.read(value.borrow()))
        };
        self.index.find(hash, is_it).copied()
    }

    /// The hash of a key; `None` when a value can be in no key.
    fn hash<V: Borrow<Value>>(&self, key: &[V]) -> Option<u64> {
        let mut hasher = FixedState::default().build_hasher();
        for (column, value) in self.columns.iter().zip(key) {
            column.read(value.borrow())?.write(&mut hasher);
        }
        Some(hasher.finish())
    }

    /// The value that a key has in one of its columns.
    pub fn value(&self, column: usize, row: u32) -> Value {
        match &self.columns[column] {
            KeyColumn::Text(texts) => Value::text(texts.get(row as usize)),
            KeyColumn::Number(ty, bits) => number(*ty, bits[row as usize]),
            KeyColumn::Ip(addresses) => Value::Ip(addresses[row as usize]),
        }
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Gives back the memory that was set aside for more.
    pub fn settle(&mut self) {
        for column in &mut self.columns {
            match column {
                KeyColumn::Text(texts) => texts.settle(),
                KeyColumn::Number(_, bits) => bits.shrink_to_fit(),
                KeyColumn::Ip(addresses) => addresses.shrink_to_fit(),
            }
        }
    }

    /// The memory that they take, in bytes.
    pub fn size(&self) -> usize {
        let columns = self.columns.iter().map(|column| match column {
            KeyColumn::Text(texts) => texts.size(),
            KeyColumn::Number(_, bits) => bits.capacity() * size_of::<u64>(),
            KeyColumn::Ip(addresses) => addresses.capacity() * size_of::<IpAddr>(),
        });
        columns.sum::<usize>() + self.index.allocation_size()
    }
}

impl KeyColumn {
    fn push(&mut self, value: &Value) {
        match (self.read(value), self) {
            (Some(Part::Text(text)), KeyColumn::Text(texts)) => texts.push(text),
            (Some(Part::Number(bits)), KeyColumn::Number(_, list)) => list.push(bits),
            (Some(Part::Ip(address)), KeyColumn::Ip(addresses)) => addresses.push(address),
            _ => unreachable!("a key is hashed, and thereby read, before it is added"),
        }
    }

    /// What the column holds of a row.
    fn part(&self, row: u32) -> Part<'_> {
        match self {
            KeyColumn::Text(texts) => Part::Text(texts.get(row as usize)),
            KeyColumn::Number(_, bits) => Part::Number(bits[row as usize]),
            KeyColumn::Ip(addresses) => Part::Ip(addresses[row as usize]),
        }
    }

    /// A value as the column would hold it; `None` when it cannot.
    fn read<'a>(&self, value: &'a Value) -> Option<Part<'a>> {
        Some(match (self, value) {
            (KeyColumn::Text(_), Value::Str(text)) => Part::Text(text),
            (KeyColumn::Ip(_), Value::Ip(address)) => Part::Ip(*address),
            (KeyColumn::Number(ty, _), value) => Part::Number(bits(*ty, value)?),
            _ => return None,
        })
    }
}

impl Part<'_> {
    fn write(self, hasher: &mut impl Hasher) {
        match self {
            Part::Text(text) => {
                hasher.write(text.as_bytes());
                // So that ("a", "bc") and ("ab", "c") differ.
                hasher.write_u8(0xff);
            }
            Part::Number(bits) => hasher.write_u64(bits),
            Part::Ip(IpAddr::V4(address)) => hasher.write_u32(address.to_bits()),
            Part::Ip(IpAddr::V6(address)) => hasher.write_u128(address.to_bits()),
        }
    }
}

fn hash_of<'a>(parts: impl Iterator<Item = Part<'a>>) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    parts.for_each(|part| part.write(&mut hasher));
    hasher.finish()
}

/// A value in 64 bits, equal values alike; `None` when the type has no value equal to it.
pub(super) fn bits(ty: Type, value: &Value) -> Option<u64> {
    Some(match (ty, value) {
        (Type::Bool, Value::Bool(b)) => u64::from(*b),
        (Type::Int, Value::Int(i)) => i.cast_unsigned(),
        (Type::Int, Value::Float(x)) => whole(*x)?.cast_unsigned(),
        // Minus zero is zero.
        (Type::Float, Value::Float(x)) => (x + 0.0).to_bits(),
        (Type::Float, Value::Int(i)) => {
            let x = *i as f64;
            (Value::Int(*i) == Value::Float(x)).then(|| x.to_bits())?
        }
        (Type::Timestamp, Value::Timestamp(time)) => time.as_micros().cast_unsigned(),
        (Type::Duration, Value::Duration(span)) => span.as_micros().cast_unsigned(),
        _ => return None,
    })
}

/// The integer that equals the float; the least integer is one as well.
fn whole(x: f64) -> Option<i64> {
    if x == i64::MIN as f64 { Some(i64::MIN) } else { whole_number(x) }
}

/// The value that [`bits`] were made of.
pub(super) fn number(ty: Type, bits: u64) -> Value {
    match ty {
        Type::Bool => Value::Bool(bits != 0),
        Type::Int => Value::Int(bits.cast_signed()),
        Type::Float => Value::float(f64::from_bits(bits)),
        Type::Timestamp => Value::Timestamp(Timestamp::from_micros(bits.cast_signed())),
        Type::Duration => Value::Duration(Duration::from_micros(bits.cast_signed())),
        Type::Null | Type::Str | Type::Ip => Value::Null,
    }
}
