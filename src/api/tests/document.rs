//! The document of the API, and the routes that it describes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

use super::Bench;
use crate::api::document::{document, text};
use crate::api::routes::ROUTES;

fn written() -> Value {
    serde_json::to_value(document()).expect("it can be written")
}

/// Every method of every path.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let paths = document["paths"].as_object().expect("an object");
    let each = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().expect("an object").iter();
        methods.map(move |(method, operation)| (method.to_uppercase(), path.clone(), operation))
    });
    each.collect()
}

/// Calls for each object inside.
fn visit<'v>(value: &'v Value, each: &mut impl FnMut(&'v serde_json::Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            each(object);
            object.values().for_each(|value| visit(value, each));
        }
        Value::Array(list) => list.iter().for_each(|value| visit(value, each)),
        _ => {}
    }
}

#[test]
fn routes_and_document_are_the_same() {
    let document = written();
    assert_eq!(document["openapi"], json!("3.1.0"));
    let described: BTreeSet<(String, String)> =
        operations(&document).into_iter().map(|(method, path, _)| (method, path)).collect();
    let routed: BTreeSet<(String, String)> =
        ROUTES.iter().map(|route| (route.method.to_string(), route.path.clone())).collect();
    assert_eq!(described, routed);
    assert_eq!(routed.len(), ROUTES.len(), "a route stands in the table twice");
}

#[test]
fn every_operation_is_described_whole() {
    let document = written();
    let tags: BTreeSet<&str> =
        document["tags"].as_array().expect("a list").iter().filter_map(|tag| tag["name"].as_str()).collect();
    let mut ids = BTreeSet::new();
    let mut used = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let name = format!("{method} {path}");
        let id = operation["operationId"].as_str().expect("a text");
        assert!(ids.insert(id.to_owned()), "{name}: {id} is another one's");
        assert!(operation["summary"].as_str().is_some_and(|text| text.ends_with('.')), "{name}: no summary");
        let tag = operation["tags"][0].as_str().expect("a tag");
        assert!(tags.contains(tag), "{name}: {tag} is not described");
        used.insert(tag);
        let responses = operation["responses"].as_object().expect("an object");
        assert!(responses.keys().any(|status| status.starts_with(['1', '2'])), "{name}: no answer");
        assert!(responses.contains_key("431"), "{name}: the head of any request can be too large");
        let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        for parameter in parameters {
            assert!(parameter["description"].is_string(), "{name}: {}", parameter["name"]);
            assert!(parameter["schema"]["type"].is_string(), "{name}: {}", parameter["name"]);
        }
        let in_path = parameters.iter().filter(|parameter| parameter["in"] == "path").count();
        assert_eq!(in_path, path.matches('{').count(), "{name}: the names in the path");
        let body = &operation["requestBody"];
        assert_eq!(body.is_object(), method == "POST", "{name}: the body");
    }
    assert_eq!(used, tags);
}

#[test]
fn every_role_is_in_the_document() {
    let document = written();
    let operations = operations(&document);
    for route in ROUTES.iter() {
        let is_it = |(method, path, _): &&(String, String, &Value)| {
            *method == route.method.as_str() && *path == route.path
        };
        let (.., operation) = operations.iter().find(is_it).expect("it is described");
        let needed = match route.role {
            Some(role) => json!([{"token": [role.name()]}]),
            None => json!([]),
        };
        assert_eq!(operation["security"], needed, "{}", route.path);
    }
}

#[test]
fn every_type_that_is_named_is_described_and_is_one() {
    let document = written();
    let described = document["components"]["schemas"].as_object().expect("an object");
    let mut named = BTreeSet::new();
    visit(&document, &mut |object| {
        let name = object.get("$ref").and_then(Value::as_str);
        named.extend(name.map(|name| name.strip_prefix("#/components/schemas/").expect("a type").to_owned()));
    });
    let described: BTreeSet<String> = described.keys().cloned().collect();
    assert_eq!(described, named);
    let mut known: BTreeMap<&str, Value> = BTreeMap::new();
    for (name, schema) in ROUTES.iter().flat_map(|route| &route.described.schemas) {
        let schema = serde_json::to_value(schema).expect("it can be written");
        let before = known.entry(name).or_insert_with(|| schema.clone());
        assert_eq!(*before, schema, "`{name}` is the name of two types");
    }
}

#[tokio::test]
async fn the_document_is_served() {
    let bench = Bench::new();
    assert_eq!(bench.get("/v1/openapi.json").await, (200, written()));
}

#[test]
fn openapi_file_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, text()).expect("the file can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == text(),
        "docs/openapi.json is stale: `UPDATE_DOCS=1 cargo test openapi_file` rewrites it"
    );
}
