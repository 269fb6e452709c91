//! From schemas to a plan: *schema resolution*, as the specification of Avro calls it.
//!
//! Enters: the schema that records were written with, the one that they are to be read with (which may be
//! the same), and the paths of the stream's fields. Leaves: a plan. Where the two do not agree, the plan
//! says so of the value concerned, because a record may not have it.
//!
//! - A field of the reader is found by its name or one of its aliases. One that the writer does not have
//!   has its default. One that only the writer has is passed over.
//! - Numbers become wider, bytes become text and the reverse, as the specification lists.
//! - What a number or bytes mean (a time, a decimal) is known from the writer, if that says it: it wrote them.
//! - A stream may declare a field by an alias of it. The value is then shown by that name.
//! - Names of records are not compared, except where they choose between types of a union. Most
//!   implementations do the same.
//!
//! Nothing here calls itself, because types may be nested without bound by their names.

use std::collections::HashMap;

use apache_avro::Schema;
use apache_avro::schema::{
    Alias, DecimalSchema, EnumSchema, InnerDecimalSchema, Name, RecordField, RecordSchema, UnionSchema,
    UuidSchema,
};

use crate::codec::paths::{Paths, PlaceId};
use crate::codec::typed::MAX_SCALE;
use crate::codec::write::label;
use crate::event::TimeUnit;

use super::default;
use super::plan::{Default, Field, Meaning, Node, NodeId, Plan, Wire};
use super::schema::{Names, Parsed};

/// Most nodes of a plan.
const MAX_NODES: usize = 100_000;

/// The plan for records of `writer`, read with `reader`, for fields with these paths.
///
/// # Errors
/// In words for people, when there can be no plan.
pub(super) fn plan(writer: &Parsed, reader: &Parsed, paths: &Paths) -> Result<Plan, String> {
    let mut making = Making {
        writer: writer.names(),
        reader: reader.names(),
        paths,
        nodes: Vec::new(),
        known: HashMap::new(),
        left: Vec::new(),
    };
    making.node(writer.root(), Reader::Given(reader.root()), Some(Paths::ROOT));
    while let Some(task) = making.left.pop() {
        if making.nodes.len() > MAX_NODES {
            return Err(format!("the schema has more than {MAX_NODES} types and fields"));
        }
        let node = making.resolve(&task).unwrap_or_else(|why| Node::Refused(why.into()));
        making.nodes[task.id.0 as usize] = node;
    }
    Ok(Plan(making.nodes))
}

/// A plan that is being made.
struct Making<'s, 'p> {
    writer: Names<'s>,
    reader: Names<'s>,
    paths: &'p Paths,
    nodes: Vec<Node>,
    /// The nodes of types with names, by where the types and the place are.
    known: HashMap<(*const Schema, *const Schema, Option<PlaceId>), NodeId>,
    /// The nodes that are still to be made.
    left: Vec<Task<'s>>,
}

/// A node to be made.
struct Task<'s> {
    id: NodeId,
    writer: &'s Schema,
    reader: Reader<'s>,
    place: Option<PlaceId>,
}

/// What a value is read with.
#[derive(Clone, Copy)]
enum Reader<'s> {
    /// A type of the reader's.
    Given(&'s Schema),
    /// The writer's own: the reader does not have the value, which has to be passed over.
    Writers(&'s Schema),
    /// The reader's own: the writer does not have the value, which is the default.
    Default(&'s Schema),
}

impl<'s> Reader<'s> {
    /// The same for a part of the value, which is read with this.
    fn part(self, schema: &'s Schema) -> Reader<'s> {
        match self {
            Reader::Given(_) => Reader::Given(schema),
            Reader::Writers(_) => Reader::Writers(schema),
            Reader::Default(_) => Reader::Default(schema),
        }
    }
}

impl<'s> Making<'s, '_> {
    /// The node for a value; it is made later.
    fn node(&mut self, writer: &'s Schema, reader: Reader<'s>, place: Option<PlaceId>) -> NodeId {
        let fresh = NodeId(self.nodes.len() as u32);
        if let (Ok(writer), Ok(reader)) = (self.written(writer, reader), self.read(reader))
            && (matches!(writer, Schema::Record(_)))
        {
            let known = *self.known.entry((writer, reader, place)).or_insert(fresh);
            if known != fresh {
                return known;
            }
        }
        self.nodes.push(Node::Refused(Box::default()));
        self.left.push(Task { id: fresh, writer, reader, place });
        fresh
    }

    /// The type by which a value is written.
    fn written(&self, writer: &'s Schema, reader: Reader<'s>) -> Result<&'s Schema, String> {
        match reader {
            Reader::Default(_) => self.reader.definition(writer),
            Reader::Given(_) | Reader::Writers(_) => self.writer.definition(writer),
        }
    }

    /// The type by which a value is read.
    fn read(&self, reader: Reader<'s>) -> Result<&'s Schema, String> {
        match reader {
            Reader::Writers(schema) => self.writer.definition(schema),
            Reader::Given(schema) | Reader::Default(schema) => self.reader.definition(schema),
        }
    }

    /// Makes a node.
    fn resolve(&mut self, task: &Task<'s>) -> Result<Node, String> {
        let Task { reader: given, place, .. } = *task;
        let writer = self.written(task.writer, given)?;
        let mut reader = self.read(given)?;
        if let Schema::Union(union) = writer {
            // A union that is read with itself: each type is read with itself.
            let same = std::ptr::eq(writer, reader);
            let parts = union.variants().iter();
            let node = |part| self.node(part, given.part(if same { part } else { reader }), place);
            return Ok(Node::Union(parts.map(node).collect()));
        }
        if let Schema::Union(union) = reader {
            reader = self.choose(writer, given, union)?;
        }
        match (writer, reader) {
            (Schema::Record(own), Schema::Record(wanted)) => self.record(own, wanted, given, place),
            (Schema::Enum(own), Schema::Enum(wanted)) => Ok(symbols(own, wanted, place)),
            (Schema::Array(own), Schema::Array(wanted)) => {
                let items = self.node(&own.items, given.part(&wanted.items), None);
                Ok(Node::Array { place, items })
            }
            (Schema::Map(own), Schema::Map(wanted)) => {
                let (own, wanted) = (&*own.types, given.part(&wanted.types));
                let names = place.into_iter().flat_map(|place| self.paths.names(place));
                let mut names: Vec<_> = names.map(|(name, next)| (Box::from(name), next)).collect();
                names.sort_unstable();
                let known = names.into_iter().map(|(name, next)| (name, self.node(own, wanted, Some(next))));
                let known = known.collect();
                Ok(Node::Map { place, known, others: self.node(own, wanted, None) })
            }
            _ => leaf(writer, reader, place),
        }
    }

    /// The type of the reader's union by which a value of the writer's type is read: the same type, and
    /// otherwise the first that it can become.
    fn choose(
        &self,
        writer: &'s Schema,
        given: Reader<'s>,
        union: &'s UnionSchema,
    ) -> Result<&'s Schema, String> {
        let types: Vec<&'s Schema> =
            union.variants().iter().map(|part| self.read(given.part(part))).collect::<Result<_, _>>()?;
        let is_same = |part: &&&Schema| match (writer.name(), part.name()) {
            (Some(own), Some(wanted)) => kind(writer) == kind(part) && is_called(own, wanted, part.aliases()),
            (None, None) => kind(writer) == kind(part),
            _ => false,
        };
        let same = types.iter().find(is_same);
        let similar = || types.iter().find(|part| kind(writer) == kind(part));
        let wider = || types.iter().find(|part| leaf(writer, part, None).is_ok());
        same.or_else(similar).or_else(wider).copied().ok_or_else(|| {
            format!("the reader's union has no type for {}, which the writer has here", words(writer))
        })
    }

    fn record(
        &mut self,
        own: &'s RecordSchema,
        wanted: &'s RecordSchema,
        given: Reader<'s>,
        place: Option<PlaceId>,
    ) -> Result<Node, String> {
        let mut is_filled = vec![false; wanted.fields.len()];
        let mut fields = Vec::with_capacity(own.fields.len());
        for field in &own.fields {
            let found = find(&field.name, wanted).filter(|index| !is_filled[*index]);
            fields.push(match found {
                Some(index) => {
                    is_filled[index] = true;
                    let reader = &wanted.fields[index];
                    let (name, next) = self.shown(reader, wanted, place);
                    let node = self.node(&field.schema, given.part(&reader.schema), next);
                    Field { label: Some(label(name)), node }
                }
                None => {
                    let node = self.node(&field.schema, Reader::Writers(&field.schema), None);
                    Field { label: None, node }
                }
            });
        }
        let mut defaults = Vec::new();
        for (field, _) in wanted.fields.iter().zip(is_filled).filter(|(_, is_filled)| !is_filled) {
            let Some(json) = &field.default else {
                return Err(format!(
                    "the reader's field `{}` has no default, and the writer's record `{}` does not have it",
                    field.name, own.name
                ));
            };
            let (name, next) = self.shown(field, wanted, place);
            let bytes = default::write(&field.schema, json, &self.reader)
                .map_err(|why| format!("the default of the reader's field `{}`: {why}", field.name))?;
            let node = self.node(&field.schema, Reader::Default(&field.schema), next);
            defaults.push(Default { label: label(name), node, bytes });
        }
        Ok(Node::Record { place, fields: fields.into(), defaults: defaults.into() })
    }

    /// By which name a field is shown, and the place to which it leads: its own, unless the stream reads
    /// one of its aliases instead.
    fn shown(
        &self,
        field: &'s RecordField,
        record: &'s RecordSchema,
        place: Option<PlaceId>,
    ) -> (&'s str, Option<PlaceId>) {
        let Some(place) = place else { return (&field.name, None) };
        let step = |name: &'s str| self.paths.step(place, name).map(|next| (name, Some(next)));
        let is_free = |alias: &&'s str| !record.fields.iter().any(|field| field.name == **alias);
        let mut aliases = field.aliases.iter().map(String::as_str).filter(is_free);
        step(&field.name).or_else(|| aliases.find_map(step)).unwrap_or((&field.name, None))
    }
}

/// The field of the reader's record that a field of the writer's fills.
fn find(name: &str, wanted: &RecordSchema) -> Option<usize> {
    let by_name = wanted.fields.iter().position(|field| field.name == name);
    let is_alias = |field: &RecordField| field.aliases.iter().any(|alias| alias == name);
    by_name.or_else(|| wanted.fields.iter().position(is_alias))
}

fn symbols(own: &EnumSchema, wanted: &EnumSchema, place: Option<PlaceId>) -> Node {
    let known = |symbol: &String| {
        let same = wanted.symbols.iter().find(|other| *other == symbol);
        same.or(wanted.default.as_ref()).map(|symbol| Box::from(symbol.as_str()))
    };
    Node::Enum { place, symbols: own.symbols.iter().map(known).collect() }
}

/// Whether a type of the writer's has the name of one of the reader's, or of an alias of that; what stands
/// before the last dot is not compared.
fn is_called(own: &Name, wanted: &Name, aliases: Option<&Vec<Alias>>) -> bool {
    let mut aliases = aliases.into_iter().flatten();
    own.name() == wanted.name() || aliases.any(|alias| alias.name() == own.name())
}

/// How to read a value that holds no others.
fn leaf(writer: &Schema, reader: &Schema, place: Option<PlaceId>) -> Result<Node, String> {
    let differ = || format!("the writer has {} where the reader has {}", words(writer), words(reader));
    let (Some(wire), Some(wanted)) = (wire(writer), wire(reader)) else { return Err(differ()) };
    let plain = match (wire, wanted) {
        (Wire::Int | Wire::Long, Wire::Float | Wire::Double) => Meaning::Float,
        (Wire::Bytes, Wire::String) => Meaning::Text,
        (Wire::String, Wire::Bytes) => Meaning::Bytes,
        (Wire::Int, Wire::Long) | (Wire::Float, Wire::Double) => Meaning::Itself,
        (own, wanted) if own == wanted => Meaning::Itself,
        _ => return Err(differ()),
    };
    let meaning = match (logical(writer)?, logical(reader)?) {
        (Some(meaning), _) => meaning,
        (None, Some(meaning)) if can_mean(wire, meaning) => meaning,
        _ => plain,
    };
    Ok(Node::Leaf { place, wire, meaning })
}

/// How a value of a type is written; `None` for one that holds others.
pub(super) fn wire(schema: &Schema) -> Option<Wire> {
    use Schema as S;
    Some(match schema {
        S::Null => Wire::Null,
        S::Boolean => Wire::Bool,
        S::Int | S::Date | S::TimeMillis => Wire::Int,
        S::Long | S::TimeMicros | S::TimestampMillis | S::TimestampMicros | S::TimestampNanos => Wire::Long,
        S::LocalTimestampMillis | S::LocalTimestampMicros | S::LocalTimestampNanos => Wire::Long,
        S::Float => Wire::Float,
        S::Double => Wire::Double,
        S::Bytes | S::BigDecimal | S::Uuid(UuidSchema::Bytes) => Wire::Bytes,
        S::Decimal(DecimalSchema { inner: InnerDecimalSchema::Bytes, .. }) => Wire::Bytes,
        S::String | S::Uuid(UuidSchema::String) => Wire::String,
        S::Fixed(fixed) | S::Duration(fixed) | S::Uuid(UuidSchema::Fixed(fixed)) => Wire::Fixed(fixed.size),
        S::Decimal(DecimalSchema { inner: InnerDecimalSchema::Fixed(fixed), .. }) => Wire::Fixed(fixed.size),
        S::Array(_) | S::Map(_) | S::Union(_) | S::Record(_) | S::Enum(_) | S::Ref { .. } => return None,
    })
}

/// What a type says beyond how it is written. Times of day and times without an offset are the numbers that
/// they are written as, because the language has neither.
fn logical(schema: &Schema) -> Result<Option<Meaning>, String> {
    Ok(Some(match schema {
        Schema::Date => Meaning::Date,
        Schema::TimestampMillis => Meaning::Time(TimeUnit::Millis),
        Schema::TimestampMicros => Meaning::Time(TimeUnit::Micros),
        Schema::TimestampNanos => Meaning::Time(TimeUnit::Nanos),
        Schema::Decimal(decimal) if decimal.scale > MAX_SCALE as usize => {
            return Err(format!("a decimal has {} decimals, and {MAX_SCALE} are allowed", decimal.scale));
        }
        Schema::Decimal(decimal) => Meaning::Decimal(decimal.scale as u32),
        Schema::BigDecimal => Meaning::BigDecimal,
        Schema::Uuid(UuidSchema::Bytes | UuidSchema::Fixed(_)) => Meaning::Uuid,
        Schema::Duration(_) => Meaning::Duration,
        _ => return Ok(None),
    }))
}

/// Whether what is written so can mean that.
fn can_mean(wire: Wire, meaning: Meaning) -> bool {
    match meaning {
        Meaning::Date => wire == Wire::Int,
        Meaning::Time(_) => matches!(wire, Wire::Int | Wire::Long),
        Meaning::Decimal(_) | Meaning::BigDecimal => matches!(wire, Wire::Bytes | Wire::Fixed(_)),
        Meaning::Uuid => matches!(wire, Wire::Bytes | Wire::Fixed(16)),
        Meaning::Duration => wire == Wire::Fixed(12),
        Meaning::Itself | Meaning::Float | Meaning::Text | Meaning::Bytes => true,
    }
}

/// What tells types of a union apart, names aside: how a value is written, where it holds no others.
fn kind(schema: &Schema) -> (&'static str, Option<Wire>) {
    match schema {
        Schema::Array(_) => ("array", None),
        Schema::Map(_) => ("map", None),
        Schema::Union(_) => ("union", None),
        Schema::Record(_) => ("record", None),
        Schema::Enum(_) => ("enum", None),
        other => ("", wire(other)),
    }
}

/// A type in words.
fn words(schema: &Schema) -> String {
    let name = schema.name().map(|name| format!(" `{name}`")).unwrap_or_default();
    let word = match kind(schema) {
        (word, None) => word,
        (_, Some(wire)) => match wire {
            Wire::Null => "null",
            Wire::Bool => "boolean",
            Wire::Int => "int",
            Wire::Long => "long",
            Wire::Float => "float",
            Wire::Double => "double",
            Wire::Bytes => "bytes",
            Wire::String => "string",
            Wire::Fixed(_) => "fixed",
        },
    };
    format!("`{word}`{name}")
}
