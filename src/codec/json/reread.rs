//! The second reader: serde_json, for what the parser of tapes refuses.
//!
//! It says what is wrong with a record and where, which simd-json tells less well, and it decides: a
//! record that it takes is an event. So what is malformed does not depend on what the first reader
//! thinks of numbers that no float holds, or of escapes in texts that nobody reads. It needs no memory
//! beyond the record, which makes it the reader of very long ones too.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::codec::convert::Found;
use crate::codec::fields::Fields;
use crate::codec::paths::{Paths, PlaceId};

/// Gives the fields what the object holds for them.
///
/// # Errors
/// The parser's, when it is no object, or something follows it.
pub(super) fn read(text: &str, paths: &Paths, fields: &mut Fields) -> Result<(), serde_json::Error> {
    let mut json = serde_json::Deserializer::from_str(text);
    At { paths, place: Paths::ROOT, fields }.deserialize(&mut json)?;
    json.end()
}

/// A place in the record where the parser has arrived: it takes the value there.
struct At<'a> {
    paths: &'a Paths,
    place: PlaceId,
    fields: &'a mut Fields,
}

impl At<'_> {
    fn found(&mut self, found: &Found<'_>) {
        self.paths.found(self.place, found, self.fields);
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
        let At { paths, place, fields } = self;
        while let Some(next) = object.next_key_seed(Step { paths, place })? {
            match next {
                Some(place) => object.next_value_seed(At { paths, place, fields: &mut *fields })?,
                None => {
                    object.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// Follows a name in an object: yields the place one step further, if a path leads there.
struct Step<'a> {
    paths: &'a Paths,
    place: PlaceId,
}

impl<'de> DeserializeSeed<'de> for Step<'_> {
    type Value = Option<PlaceId>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<PlaceId>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Step<'_> {
    type Value = Option<PlaceId>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Option<PlaceId>, E> {
        Ok(self.paths.step(self.place, name))
    }
}
