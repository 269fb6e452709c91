//! Streams: their fields, which of them is the event time, and how disordered they may be.

use compact_str::CompactString;

use super::time::Duration;
use super::value::Type;

/// A stream of the rule set, by its place: first those that sources feed, in the order of names,
/// then those that carry the alerts of rules, in the order of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u32);

/// A field of a stream, by its place in the declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldId(pub u32);

/// What a number in a `timestamp(…)` field counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimeUnit {
    /// `timestamp(s)`
    Seconds,
    /// `timestamp(ms)`
    Millis,
    /// `timestamp(us)`
    Micros,
    /// `timestamp(ns)`
    Nanos,
}

/// The declared type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldType {
    /// `bool`
    Bool,
    /// `int`
    Int,
    /// `float`
    Float,
    /// `string`
    Str,
    /// `timestamp`: RFC 3339 text; with a unit, numbers as well.
    Timestamp(Option<TimeUnit>),
    /// `duration`: text as the language writes it, such as `"1h30m"`.
    Duration,
    /// `ip`: an address as text.
    Ip,
}

impl FieldType {
    /// The type an expression sees.
    pub const fn value_type(self) -> Type {
        match self {
            FieldType::Bool => Type::Bool,
            FieldType::Int => Type::Int,
            FieldType::Float => Type::Float,
            FieldType::Str => Type::Str,
            FieldType::Timestamp(_) => Type::Timestamp,
            FieldType::Duration => Type::Duration,
            FieldType::Ip => Type::Ip,
        }
    }

    /// The declaration of a field that holds values of a type; `None` for the type of `null`.
    pub const fn of(ty: Type) -> Option<FieldType> {
        Some(match ty {
            Type::Null => return None,
            Type::Bool => FieldType::Bool,
            Type::Int => FieldType::Int,
            Type::Float => FieldType::Float,
            Type::Str => FieldType::Str,
            Type::Timestamp => FieldType::Timestamp(None),
            Type::Duration => FieldType::Duration,
            Type::Ip => FieldType::Ip,
        })
    }
}

/// One field of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name in rules.
    pub name: CompactString,
    /// Its declared type.
    pub ty: FieldType,
    /// Whether it may be missing or null.
    pub optional: bool,
    /// Where it stands in the record: the names to follow, from the outermost in. A field without
    /// `from` has a path of one name, its own.
    pub path: Vec<CompactString>,
}

/// A stream as declared, or as the rule whose alerts it carries makes it.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamSchema {
    /// Its name.
    pub name: CompactString,
    /// The fields in the order declared; [`FieldId`] counts them from 0.
    pub fields: Vec<Field>,
    /// The event-time field; `None` when the time of arrival counts.
    pub time: Option<FieldId>,
    /// How far behind the newest event of its partition an event may be.
    pub late: Duration,
    /// After how long a quiet partition stops holding event time back; `None`: never.
    pub idle: Option<Duration>,
    /// The rule whose alerts it carries; `None` for a stream that sources feed.
    pub alerts_of: Option<CompactString>,
}

impl StreamSchema {
    /// The field with that name.
    pub fn field(&self, name: &str) -> Option<(FieldId, &Field)> {
        let index = self.fields.iter().position(|field| field.name == name)?;
        Some((FieldId(index as u32), &self.fields[index]))
    }
}
