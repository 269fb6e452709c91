//! What to do with messages of a type, made once of the type and the fields of the stream.

use std::collections::HashMap;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor, Value};

use crate::codec::paths::{Paths, PlaceId};
use crate::codec::typed;
use crate::codec::write::label;

use super::schema::Message;

/// Most types of messages, counted again for each place to which fields lead.
const MAX_TYPES: usize = 10_000;

/// A type of messages at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TypeId(u32);

/// How to read messages of one type.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) message: MessageDescriptor,
    types: Vec<Type>,
}

/// A type of messages.
#[derive(Debug)]
pub(super) struct Type {
    pub(super) place: Option<PlaceId>,
    /// In the order of their numbers.
    pub(super) fields: Box<[Field]>,
}

/// A field.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) descriptor: FieldDescriptor,
    /// Its name in the JSON.
    pub(super) label: Box<[u8]>,
    /// Whether one that is not there is something else than one with the default.
    pub(super) may_be_missing: bool,
    pub(super) shape: Shape,
}

/// How many values a field has.
#[derive(Debug)]
pub(super) enum Shape {
    One(Item),
    List { place: Option<PlaceId>, items: Item },
    Map { place: Option<PlaceId>, known: Box<[(Box<str>, Item)]>, others: Item },
}

/// How to read a value.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) place: Option<PlaceId>,
    pub(super) sort: Sort,
}

/// What a value is.
#[derive(Debug)]
pub(super) enum Sort {
    /// A number, text or the like.
    Scalar(Kind),
    /// The names of an enumeration, by their numbers and sorted.
    Enum(Box<[(i32, Box<str>)]>),
    Message(TypeId),
    /// A type of messages that means more than it holds.
    Known(Known),
}

/// Types of messages that mean more than they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    Timestamp,
    Duration,
    /// The field 1 is the value.
    Wrapper,
    /// Any JSON.
    Value,
    /// An object of any JSON.
    Struct,
    /// A list of any JSON.
    ListValue,
    /// An exact number.
    Decimal,
}

impl Plan {
    /// The plan for messages of a type, for fields with these paths.
    ///
    /// # Errors
    /// In words for people, when the type is too large.
    pub(super) fn new(message: &Message, paths: &Paths) -> Result<Plan, String> {
        let mut making = Making { paths, types: Vec::new(), known: HashMap::new(), left: Vec::new() };
        making.type_of(&message.0, Some(Paths::ROOT));
        while let Some((id, message, place)) = making.left.pop() {
            if making.types.len() > MAX_TYPES {
                return Err(format!("the message has more than {MAX_TYPES} types in it"));
            }
            let mut fields: Vec<FieldDescriptor> = message.fields().collect();
            fields.sort_unstable_by_key(FieldDescriptor::number);
            let fields = fields.into_iter().map(|field| making.field(&message, field, place)).collect();
            making.types[id.0 as usize].fields = fields;
        }
        Ok(Plan { message: message.0.clone(), types: making.types })
    }

    /// The message as a whole.
    pub(super) const ROOT: TypeId = TypeId(0);

    pub(super) fn get(&self, id: TypeId) -> &Type {
        &self.types[id.0 as usize]
    }

    /// What can stand at the places to which fields lead.
    pub(super) fn sorts(&self) -> Vec<(PlaceId, typed::Sort)> {
        let mut sorts = Vec::new();
        for ty in &self.types {
            sorts.extend(ty.place.map(|place| (place, typed::Sort::Object)));
            for field in &ty.fields {
                match &field.shape {
                    Shape::One(item) => sorts.extend(item.sort()),
                    Shape::List { place, .. } => sorts.extend(place.map(|place| (place, typed::Sort::List))),
                    Shape::Map { place, known, .. } => {
                        sorts.extend(place.map(|place| (place, typed::Sort::Object)));
                        sorts.extend(known.iter().filter_map(|(_, item)| item.sort()));
                    }
                }
            }
        }
        sorts
    }
}

/// A plan that is being made.
struct Making<'p> {
    paths: &'p Paths,
    types: Vec<Type>,
    /// By the full name and the place.
    known: HashMap<(String, Option<PlaceId>), TypeId>,
    left: Vec<(TypeId, MessageDescriptor, Option<PlaceId>)>,
}

impl Making<'_> {
    /// The number of a type at a place; it is made later, because types may hold themselves.
    fn type_of(&mut self, message: &MessageDescriptor, place: Option<PlaceId>) -> TypeId {
        let key = (message.full_name().to_owned(), place);
        if let Some(id) = self.known.get(&key) {
            return *id;
        }
        let id = TypeId(self.types.len() as u32);
        self.types.push(Type { place, fields: Box::default() });
        self.left.push((id, message.clone(), place));
        self.known.insert(key, id);
        id
    }

    fn field(
        &mut self,
        message: &MessageDescriptor,
        descriptor: FieldDescriptor,
        place: Option<PlaceId>,
    ) -> Field {
        let (name, place) = self.shown(message, &descriptor, place);
        let shape = match descriptor.kind() {
            Kind::Message(entry) if descriptor.is_map() => {
                let value = entry.map_entry_value_field().kind();
                let names = place.into_iter().flat_map(|place| self.paths.names(place));
                let mut names: Vec<_> = names.map(|(name, next)| (Box::from(name), next)).collect();
                names.sort_unstable();
                let known = names.into_iter().map(|(name, next)| (name, self.item(&value, Some(next))));
                let known = known.collect();
                Shape::Map { place, known, others: self.item(&value, None) }
            }
            kind if descriptor.is_list() => Shape::List { place, items: self.item(&kind, None) },
            kind => Shape::One(self.item(&kind, place)),
        };
        // A default that is written in the type counts as the value, and so does what fields without
        // presence have.
        let has_default = descriptor.field_descriptor_proto().default_value.is_some();
        let may_be_missing = match shape {
            Shape::One(_) => descriptor.supports_presence() && !has_default,
            Shape::List { .. } | Shape::Map { .. } => true,
        };
        Field { label: label(&name), may_be_missing, shape, descriptor }
    }

    /// By which name a field is shown, and the place to which it leads: its own, unless the stream reads it
    /// by the name that it has in JSON.
    fn shown(
        &self,
        message: &MessageDescriptor,
        field: &FieldDescriptor,
        place: Option<PlaceId>,
    ) -> (String, Option<PlaceId>) {
        let (own, other) = (field.name(), field.json_name());
        let Some(place) = place else { return (own.to_owned(), None) };
        if let Some(next) = self.paths.step(place, own) {
            return (own.to_owned(), Some(next));
        }
        match self.paths.step(place, other) {
            Some(next) if message.get_field_by_name(other).is_none() => (other.to_owned(), Some(next)),
            _ => (own.to_owned(), None),
        }
    }

    fn item(&mut self, kind: &Kind, place: Option<PlaceId>) -> Item {
        let sort = match kind {
            Kind::Enum(values) => {
                let mut names: Vec<(i32, Box<str>)> =
                    values.values().map(|value| (value.number(), value.name().into())).collect();
                // Of several names of a number, the first counts.
                names.sort_by_key(|(number, _)| *number);
                names.dedup_by_key(|(number, _)| *number);
                Sort::Enum(names.into())
            }
            Kind::Message(message) => match known(message) {
                Some(known) => Sort::Known(known),
                None => Sort::Message(self.type_of(message, place)),
            },
            other => Sort::Scalar(other.clone()),
        };
        Item { place, sort }
    }
}

/// What a type means, if it is one of those that mean more than they hold, and has their fields.
fn known(message: &MessageDescriptor) -> Option<Known> {
    let known = match message.full_name() {
        "google.protobuf.Timestamp" => Known::Timestamp,
        "google.protobuf.Duration" => Known::Duration,
        "google.protobuf.Value" => Known::Value,
        "google.protobuf.Struct" => Known::Struct,
        "google.protobuf.ListValue" => Known::ListValue,
        "confluent.type.Decimal" => Known::Decimal,
        "google.protobuf.DoubleValue"
        | "google.protobuf.FloatValue"
        | "google.protobuf.Int64Value"
        | "google.protobuf.UInt64Value"
        | "google.protobuf.Int32Value"
        | "google.protobuf.UInt32Value"
        | "google.protobuf.BoolValue"
        | "google.protobuf.StringValue"
        | "google.protobuf.BytesValue" => Known::Wrapper,
        _ => return None,
    };
    Some(known)
}

impl Item {
    /// What the value is for who reads it, and where it stands.
    fn sort(&self) -> Option<(PlaceId, typed::Sort)> {
        use typed::Sort as S;
        let sort = match &self.sort {
            Sort::Scalar(Kind::Bool) => S::Bool,
            Sort::Scalar(Kind::String) => S::Text,
            Sort::Scalar(Kind::Bytes) => S::Bytes,
            Sort::Scalar(_) => S::Number,
            Sort::Enum(_) => S::Enum,
            // What is in it is said of its type.
            Sort::Message(_) => return None,
            Sort::Known(Known::Timestamp) => S::Moment,
            Sort::Known(Known::Duration) => S::Span,
            Sort::Known(Known::Decimal) => S::Decimal,
            Sort::Known(Known::ListValue) => S::List,
            Sort::Known(Known::Wrapper | Known::Value | Known::Struct) => S::Any,
        };
        self.place.map(|place| (place, sort))
    }

    /// The name of a number of an enumeration.
    pub(super) fn symbol(names: &[(i32, Box<str>)], number: i32) -> Option<&str> {
        let index = names.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        Some(&names[index].1)
    }
}

/// The value of a field of a message by its number, if it has that.
pub(super) fn part(message: &prost_reflect::DynamicMessage, number: u32) -> Option<Value> {
    message.get_field_by_number(number).map(std::borrow::Cow::into_owned)
}
