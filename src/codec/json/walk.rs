//! The walk along a record's tape with the paths of a stream's fields.

use simd_json::{Node, StaticNode};

use crate::codec::convert::Found;
use crate::codec::fields::Fields;
use crate::codec::paths::{Paths, PlaceId};

/// Gives the fields what the record holds for them; says whether it is an object.
pub(super) fn read(paths: &mut Paths, record: &[Node<'_>], fields: &mut Fields) -> bool {
    let [Node::Object { .. }, entries @ ..] = record else { return false };
    read_object(paths, Paths::ROOT, entries, fields);
    true
}

/// The same for the names and values of an object at a place. This calls itself once for each step of
/// a path, and not for what no path leads to.
fn read_object(paths: &mut Paths, place: PlaceId, mut entries: &[Node<'_>], fields: &mut Fields) {
    let mut number = 0;
    while let [Node::String(name), value, rest @ ..] = entries {
        let (inside, rest) = rest.split_at(inside(value).min(rest.len()));
        if let Some(next) = paths.step_in_order(place, number, name) {
            paths.found(next, &found(value), fields);
            if matches!(value, Node::Object { .. }) && !paths.below(next).is_empty() {
                read_object(paths, next, inside, fields);
            }
        }
        entries = rest;
        number += 1;
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
