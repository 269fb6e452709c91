//! The answers of a registry, as JSON: what they say of schemas. Pure.

use serde::Deserialize;

use crate::codec::schemas::Kind;

/// The body of `GET /schemas/ids/ID`, and of `GET /subjects/SUBJECT/versions/VERSION`.
#[derive(Debug, Deserialize)]
pub(super) struct Schema {
    /// The text of the schema.
    pub(super) schema: Box<str>,
    /// Avro schemas do not say of what kind they are.
    #[serde(rename = "schemaType", default)]
    kind: Option<String>,
    /// What it refers to.
    #[serde(default, deserialize_with = "null_is_none")]
    pub(super) references: Vec<Reference>,
}

/// A reference in a schema.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(super) struct Reference {
    /// By which name the schema refers to it.
    pub(super) name: Box<str>,
    /// Under which subject it is registered.
    pub(super) subject: String,
    /// As which version of it.
    pub(super) version: i64,
}

/// The body of an answer that is no success.
#[derive(Debug, Deserialize)]
struct Refusal {
    error_code: i64,
    #[serde(default)]
    message: String,
}

impl Schema {
    /// Its kind.
    ///
    /// # Errors
    /// With the word for it, when it is none that we know.
    pub(super) fn kind(&self) -> Result<Kind, &str> {
        match self.kind.as_deref() {
            None | Some("AVRO") => Ok(Kind::Avro),
            Some("PROTOBUF") => Ok(Kind::Protobuf),
            Some("JSON") => Ok(Kind::Json),
            Some(other) => Err(other),
        }
    }
}

/// What a registry that answers 404 says of what is not there. `None`: it is not the registry that says so,
/// but something else at that address, such as a server with other paths.
pub(super) fn absent(body: &[u8]) -> Option<String> {
    let refusal: Refusal = serde_json::from_slice(body).ok()?;
    // 404 alone is what the registry's server says of paths that it does not know.
    (40_400..40_500).contains(&refusal.error_code).then(|| {
        if refusal.message.is_empty() { format!("error {}", refusal.error_code) } else { refusal.message }
    })
}

/// Some registries write `null` where there is nothing.
fn null_is_none<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Reference>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_without_a_kind_is_avro() {
        let kind = |body: &str| {
            let schema: Schema = serde_json::from_str(body).expect("a body");
            schema.kind().map_err(str::to_owned)
        };
        assert_eq!(kind(r#"{"schema": "\"int\"", "references": null}"#), Ok(Kind::Avro));
        assert_eq!(kind(r#"{"schema": "\"int\"", "schemaType": "AVRO"}"#), Ok(Kind::Avro));
        assert_eq!(kind(r#"{"schema": "", "schemaType": "PROTOBUF", "id": 3}"#), Ok(Kind::Protobuf));
        assert_eq!(kind(r#"{"schema": "", "schemaType": "XML"}"#), Err("XML".to_owned()));
    }

    #[test]
    fn only_the_registry_can_say_that_there_is_no_schema() {
        let said = |body: &str| absent(body.as_bytes());
        assert_eq!(
            said(r#"{"error_code": 40403, "message": "Schema 7 not found"}"#).as_deref(),
            Some("Schema 7 not found")
        );
        assert_eq!(said(r#"{"error_code": 40403}"#).as_deref(), Some("error 40403"));
        for other in [r#"{"error_code": 404, "message": "HTTP 404 Not Found"}"#, "<html>", "", "{}"] {
            assert_eq!(said(other), None, "{other}");
        }
    }
}
