//! Whether a body has objects where the document says objects.
//!
//! What reads JSON into a type also takes a list for an object, with the fields in their order, and fills up what is
//! missing: `[]` would be read as an order for all alerts.

use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayItems, Schema};

/// The types of a document, by name.
pub type Named = Vec<(String, RefOr<Schema>)>;

/// How deep is looked: types can hold themselves.
const DEEPEST: usize = 16;

/// Where there is a list and an object is described, if that is so; at the top that is the empty text.
pub fn list_for_object(value: &Value, schema: &RefOr<Schema>, named: &Named) -> Option<String> {
    look(value, schema, named, DEEPEST)
}

fn look(value: &Value, schema: &RefOr<Schema>, named: &Named, depth: usize) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    let schema = match schema {
        RefOr::Ref(to) => {
            let name = to.ref_location.rsplit('/').next()?;
            let (_, schema) = named.iter().find(|(known, _)| known == name)?;
            return look(value, schema, named, depth);
        }
        RefOr::T(schema) => schema,
    };
    match schema {
        Schema::Object(object) if !object.properties.is_empty() => {
            if value.is_array() {
                return Some(String::new());
            }
            object.properties.iter().find_map(|(name, schema)| {
                let inside = look(value.get(name)?, schema, named, depth)?;
                Some(format!(".{name}{inside}"))
            })
        }
        Schema::Array(list) => {
            let ArrayItems::RefOrSchema(of) = &list.items else { return None };
            value.as_array()?.iter().enumerate().find_map(|(number, item)| {
                let inside = look(item, of, named, depth)?;
                Some(format!("[{number}]{inside}"))
            })
        }
        // One of a type and null.
        Schema::OneOf(one_of) => one_of.items.iter().find_map(|schema| look(value, schema, named, depth)),
        _ => None,
    }
}
