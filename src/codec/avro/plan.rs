//! What to do with the bytes of a record, made once of the schema that it was written with, the one that
//! it is to be read with, and the fields of the stream.
//!
//! Each node reads one value of the writer's schema and says where its value goes. Nodes name each other by
//! numbers, so that types may hold themselves.

use crate::codec::paths::PlaceId;
use crate::codec::typed::Sort;
use crate::event::TimeUnit;

/// A node of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeId(pub(super) u32);

/// How to read records of one schema.
#[derive(Debug)]
pub(super) struct Plan(pub(super) Vec<Node>);

impl Plan {
    /// The record as a whole.
    pub(super) const ROOT: NodeId = NodeId(0);

    /// The node with that number.
    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.0[id.0 as usize]
    }

    /// What can stand at the places to which fields lead.
    pub(super) fn sorts(&self) -> Vec<(PlaceId, Sort)> {
        let sort = |node: &Node| {
            let (place, sort) = match node {
                Node::Leaf { place, wire, meaning } => (place, leaf(*wire, *meaning)),
                Node::Enum { place, .. } => (place, Sort::Symbol),
                Node::Array { place, .. } => (place, Sort::List),
                Node::Map { place, .. } | Node::Record { place, .. } => (place, Sort::Object),
                Node::Union(_) | Node::Refused(_) => return None,
            };
            place.map(|place| (place, sort))
        };
        self.0.iter().filter_map(sort).collect()
    }
}

/// How to read one value.
#[derive(Debug)]
pub(super) enum Node {
    /// A value that holds no others.
    Leaf { place: Option<PlaceId>, wire: Wire, meaning: Meaning },
    /// One of these words by its number; `None`: the reader does not have it.
    Enum { place: Option<PlaceId>, symbols: Box<[Option<Box<str>>]> },
    /// A list.
    Array { place: Option<PlaceId>, items: NodeId },
    /// Names with values; those that paths lead to, and all others.
    Map { place: Option<PlaceId>, known: Box<[(Box<str>, NodeId)]>, others: NodeId },
    /// A record.
    Record { place: Option<PlaceId>, fields: Box<[Field]>, defaults: Box<[Default]> },
    /// One of these, by its number.
    Union(Box<[NodeId]>),
    /// The writer and the reader do not agree here: why.
    Refused(Box<str>),
}

/// A field of the writer's record.
#[derive(Debug)]
pub(super) struct Field {
    /// Its name in the JSON; `None`: the reader does not have it.
    pub(super) label: Option<Box<[u8]>>,
    pub(super) node: NodeId,
}

/// A field that only the reader's record has.
#[derive(Debug)]
pub(super) struct Default {
    /// Its name in the JSON.
    pub(super) label: Box<[u8]>,
    /// How to read its default.
    pub(super) node: NodeId,
    /// The default, as it would be written.
    pub(super) bytes: Box<[u8]>,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    Null,
    Bool,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Fixed(usize),
}

/// What a value means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// What is written.
    Itself,
    /// A float, also where an integer is written.
    Float,
    /// Text, also where bytes are written.
    Text,
    /// Bytes, also where text is written.
    Bytes,
    /// A time since 1970.
    Time(TimeUnit),
    /// A day since 1970.
    Date,
    /// An integer in bytes, divided by 10 to this power.
    Decimal(u32),
    /// The same with the power written behind it.
    BigDecimal,
    /// A UUID in 16 bytes.
    Uuid,
    /// Months, days and milliseconds in 12 bytes.
    Duration,
}

/// What a value is for who reads it.
fn leaf(wire: Wire, meaning: Meaning) -> Sort {
    match (meaning, wire) {
        (Meaning::Time(_), _) => Sort::Time,
        (Meaning::Date, _) => Sort::Time,
        (Meaning::Decimal(_) | Meaning::BigDecimal, _) => Sort::Decimal,
        (Meaning::Uuid | Meaning::Text, _) => Sort::Text,
        (Meaning::Duration, _) => Sort::Span,
        (_, Wire::Null) => Sort::Null,
        (_, Wire::Bool) => Sort::Bool,
        (_, Wire::Int | Wire::Long | Wire::Float | Wire::Double) => Sort::Number,
        (Meaning::Bytes, _) | (_, Wire::Bytes | Wire::Fixed(_)) => Sort::Bytes,
        (_, Wire::String) => Sort::Text,
    }
}
