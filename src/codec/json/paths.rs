//! The paths of a stream's fields as a trie of names, and the visitor that walks it along with the
//! record.

use std::fmt;

use compact_str::CompactString;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::codec::convert::Found;
use crate::codec::fields::Fields;
use crate::event::Field;

/// Where the fields of a stream stand in its records.
#[derive(Debug)]
pub(super) struct Paths(Vec<Node>);

/// A place in the record that a path leads to or through.
#[derive(Debug, Default)]
struct Node {
    /// The fields that read the value at this place.
    here: Vec<usize>,
    /// The fields that read something inside of the value at this place.
    below: Vec<usize>,
    /// By name, the nodes one step further. Names come from the schema, so that no sender can
    /// choose them to collide.
    next: HashMap<CompactString, usize, FixedState>,
}

impl Paths {
    /// The node of the record itself.
    pub(super) const ROOT: usize = 0;

    pub(super) fn new(fields: &[Field]) -> Paths {
        let mut nodes = vec![Node::default()];
        for (index, field) in fields.iter().enumerate() {
            let mut node = Paths::ROOT;
            for name in &field.path {
                nodes[node].below.push(index);
                let fresh = nodes.len();
                node = *nodes[node].next.entry(name.clone()).or_insert(fresh);
                if node == fresh {
                    nodes.push(Node::default());
                }
            }
            nodes[node].here.push(index);
        }
        Paths(nodes)
    }
}

/// A place in the record where the parser has arrived: it takes the value there.
pub(super) struct At<'a> {
    pub(super) paths: &'a Paths,
    pub(super) node: usize,
    pub(super) fields: &'a mut Fields,
}

impl<'a> At<'a> {
    fn node(&self) -> &'a Node {
        &self.paths.0[self.node]
    }

    /// Something stands here. It replaces what stood here before, with all that was inside: the
    /// last of several equal names counts.
    fn found(&mut self, found: &Found<'_>) {
        let node = self.node();
        for field in &node.here {
            self.fields.put(*field, found);
        }
        for field in &node.below {
            self.fields.forget(*field);
        }
    }
}

impl<'de> DeserializeSeed<'de> for At<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for At<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(mut self) -> Result<(), E> {
        self.found(&Found::Null);
        Ok(())
    }

    fn visit_bool<E>(mut self, value: bool) -> Result<(), E> {
        self.found(&Found::Bool(value));
        Ok(())
    }

    fn visit_i64<E>(mut self, value: i64) -> Result<(), E> {
        self.found(&Found::Int(value.into()));
        Ok(())
    }

    fn visit_u64<E>(mut self, value: u64) -> Result<(), E> {
        self.found(&Found::Int(value.into()));
        Ok(())
    }

    fn visit_f64<E>(mut self, value: f64) -> Result<(), E> {
        self.found(&Found::Float(value));
        Ok(())
    }

    fn visit_str<E>(mut self, value: &str) -> Result<(), E> {
        self.found(&Found::Text(value));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        self.found(&Found::List);
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut object: A) -> Result<(), A::Error> {
        self.found(&Found::Object);
        let At { paths, fields, .. } = self;
        let node = &paths.0[self.node];
        while let Some(next) = object.next_key_seed(Step(node))? {
            match next {
                Some(node) => object.next_value_seed(At { paths, node, fields: &mut *fields })?,
                None => {
                    object.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// Follows a name in an object: yields the node one step further, if a path leads there.
struct Step<'a>(&'a Node);

impl<'de> DeserializeSeed<'de> for Step<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<usize>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Step<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Option<usize>, E> {
        Ok(self.0.next.get(name).copied())
    }
}
