//! The paths of a stream's fields as a trie of names, and the walk along it with a record's tape.
//!
//! A record has mostly the same names in the same order as the one before it. So each place of the trie
//! remembers the names that stood there last time, and a name is first compared with the one expected;
//! only when that fails it is looked up.

use compact_str::CompactString;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use memchr::arch::all::is_equal;
use simd_json::{Node, StaticNode};

use crate::codec::convert::Found;
use crate::codec::fields::Fields;
use crate::event::Field;

/// How many names of an object are expected in their order. Those behind them are looked up.
const MAX_EXPECTED: usize = 64;
/// The longest name that is remembered: so long a text is held in place.
const MAX_NAME: usize = size_of::<CompactString>();

/// Where the fields of a stream stand in its records.
#[derive(Debug)]
pub(super) struct Paths(Vec<Place>);

/// A place in the record that a path leads to or through, by its number in the trie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PlaceId(usize);

#[derive(Debug, Default)]
struct Place {
    /// The fields that read the value at this place.
    here: Vec<usize>,
    /// The fields that read something inside of the value at this place.
    below: Vec<usize>,
    /// By name, the places one step further. Names come from the schema, so that no sender can choose
    /// them to collide.
    next: HashMap<CompactString, PlaceId, FixedState>,
    /// The names that an object at this place had last time, in their order, each with where it leads.
    expected: Vec<(CompactString, Option<PlaceId>)>,
}

impl Paths {
    /// The record itself.
    pub(super) const ROOT: PlaceId = PlaceId(0);

    pub(super) fn new(fields: &[Field]) -> Paths {
        let mut places = vec![Place::default()];
        for (index, field) in fields.iter().enumerate() {
            let mut place = Paths::ROOT;
            for name in &field.path {
                places[place.0].below.push(index);
                let fresh = PlaceId(places.len());
                place = *places[place.0].next.entry(name.clone()).or_insert(fresh);
                if place == fresh {
                    places.push(Place::default());
                }
            }
            places[place.0].here.push(index);
        }
        Paths(places)
    }

    /// Something stands at a place. It replaces what stood there before, with all that was inside: the
    /// last of several equal names counts.
    pub(super) fn found(&self, place: PlaceId, found: &Found<'_>, fields: &mut Fields) {
        let place = &self.0[place.0];
        for field in &place.here {
            fields.put(*field, found);
        }
        for field in &place.below {
            fields.forget(*field);
        }
    }

    /// Where a name in the object at a place leads, if a path goes there.
    pub(super) fn step(&self, place: PlaceId, name: &str) -> Option<PlaceId> {
        self.0[place.0].next.get(name).copied()
    }

    /// The same for a name that is the `number`th of its object, counted from 0.
    fn step_in_order(&mut self, place: PlaceId, number: usize, name: &str) -> Option<PlaceId> {
        let place = &mut self.0[place.0];
        if let Some((expected, next)) = place.expected.get(number)
            && is_equal(expected.as_bytes(), name.as_bytes())
        {
            return *next;
        }
        let next = place.next.get(name).copied();
        if name.len() <= MAX_NAME {
            let (known, count) = ((CompactString::new(name), next), place.expected.len());
            if number < count {
                place.expected[number] = known;
            } else if number == count && count < MAX_EXPECTED {
                place.expected.push(known);
            }
        }
        next
    }

    /// Gives the fields what the record holds for them; says whether it is an object.
    pub(super) fn read(&mut self, record: &[Node<'_>], fields: &mut Fields) -> bool {
        let [Node::Object { .. }, entries @ ..] = record else { return false };
        self.read_object(Paths::ROOT, entries, fields);
        true
    }

    /// The same for the names and values of an object at a place. This calls itself once for each step of
    /// a path, and not for what no path leads to.
    fn read_object(&mut self, place: PlaceId, mut entries: &[Node<'_>], fields: &mut Fields) {
        let mut number = 0;
        while let [Node::String(name), value, rest @ ..] = entries {
            let (inside, rest) = rest.split_at(inside(value).min(rest.len()));
            if let Some(next) = self.step_in_order(place, number, name) {
                self.found(next, &found(value), fields);
                if matches!(value, Node::Object { .. }) && !self.0[next.0].below.is_empty() {
                    self.read_object(next, inside, fields);
                }
            }
            entries = rest;
            number += 1;
        }
    }
}

/// How many nodes follow that are inside of this one.
fn inside(node: &Node<'_>) -> usize {
    match node {
        Node::Object { count, .. } | Node::Array { count, .. } => *count,
        Node::String(_) | Node::Static(_) => 0,
    }
}

/// What a node says of the value that it begins.
fn found<'r>(node: &Node<'r>) -> Found<'r> {
    match *node {
        Node::String(text) => Found::Text(text),
        Node::Object { .. } => Found::Object,
        Node::Array { .. } => Found::List,
        Node::Static(StaticNode::Null) => Found::Null,
        Node::Static(StaticNode::Bool(value)) => Found::Bool(value),
        // What has no sign is unsigned, so that this is -0, which no integer is.
        Node::Static(StaticNode::I64(0)) => Found::Float(-0.0),
        Node::Static(StaticNode::I64(value)) => Found::Int(value.into()),
        Node::Static(StaticNode::U64(value)) => Found::Int(value.into()),
        Node::Static(StaticNode::F64(value)) => Found::Float(value),
    }
}
