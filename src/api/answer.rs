//! What handlers answer.

use axum::body::Body;
use axum::http::{Response, StatusCode, header};
use axum::response::IntoResponse;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::{Ref, RefOr};

use super::extract::Json;
use super::handler::{Described, Given};

/// The media type of answers.
pub const JSON: &str = "application/json";

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response<Body> {
        json(StatusCode::OK, JSON, &self.0)
    }
}

impl<T: ToSchema> Given for Json<T> {
    fn describe(described: &mut Described) {
        answers::<T>(described, StatusCode::OK);
    }
}

/// What a handler answers that has changed something, with what there is to say of that in the audit log.
#[derive(Debug)]
pub struct Changed<T, const STATUS: u16 = 200> {
    answer: T,
    change: Change,
}

/// What a handler answers that has made something that was not there before.
pub type Created<T> = Changed<T, 201>;

/// What was changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    /// What it was done to: the name or id of a rule, an alert, a sink, ….
    pub target: String,
    /// How that was before, as far as it is known.
    pub before: Option<Value>,
    /// How it is now, as far as it is known.
    pub after: Option<Value>,
}

impl<T: Serialize, const STATUS: u16> Changed<T, STATUS> {
    /// Something was done to `target`, and this is answered, which is what the audit log has of how it is now.
    pub fn new(target: impl Into<String>, answer: T) -> Changed<T, STATUS> {
        let after = serde_json::to_value(&answer).ok();
        let change = Change { target: target.into(), before: None, after };
        Changed { answer, change }
    }

    /// How it was before.
    pub fn before(mut self, before: impl Serialize) -> Changed<T, STATUS> {
        self.change.before = serde_json::to_value(before).ok();
        self
    }
}

impl<T, const STATUS: u16> Changed<T, STATUS> {
    const STATUS: StatusCode = match StatusCode::from_u16(STATUS) {
        Ok(status) => status,
        Err(_) => panic!("it is a status"),
    };
}

impl<T: Serialize, const STATUS: u16> IntoResponse for Changed<T, STATUS> {
    fn into_response(self) -> Response<Body> {
        let mut answer = json(Self::STATUS, JSON, &self.answer);
        answer.extensions_mut().insert(self.change);
        answer
    }
}

impl<T: ToSchema, const STATUS: u16> Given for Changed<T, STATUS> {
    fn describe(described: &mut Described) {
        answers::<T>(described, Self::STATUS);
    }
}

/// Says that JSON of that type is answered. What the handler says in words stays.
fn answers<T: ToSchema>(described: &mut Described, status: StatusCode) {
    described.uses::<T>();
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(T::name()))).build();
    let responses = &mut described.operation.responses.responses;
    let response = responses
        .entry(status.as_str().to_owned())
        .or_insert_with(|| RefOr::T(utoipa::openapi::Response::default()));
    if let RefOr::T(response) = response {
        response.content.insert(JSON.to_owned(), RefOr::T(content));
    }
}

/// An answer of JSON.
pub fn json(status: StatusCode, media_type: &'static str, body: &impl Serialize) -> Response<Body> {
    // All that is answered is made of texts, numbers and lists of these.
    let body = serde_json::to_vec(body).expect("plain data can be written as JSON");
    let answer = Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, media_type)
        .header(header::CACHE_CONTROL, "no-store")
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .body(Body::from(body));
    answer.expect("these headers are well formed")
}
