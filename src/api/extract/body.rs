//! The bodies of requests: JSON, of a bounded size, in a bounded time.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::header;
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{Ref, RefOr, Required};
use utoipa::{PartialSchema, ToSchema};

use crate::api::answer;
use crate::api::handler::{Described, Taken};
use crate::api::problem::{Kind, Problem};

use super::shape;

/// How long the body of a request may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The most bytes that the body of a request may have.
#[derive(Clone, Copy, Debug)]
pub struct MostBytes(pub usize);

/// The bytes of a body, of which there may be so many.
///
/// # Errors
/// When there are more, or they do not come in time.
pub async fn whole(body: Body, most: usize) -> Result<Bytes, Problem> {
    let too_large = || {
        let detail =
            format!("the body has more than {most} bytes (`api.limits.body`), or did not come to its end");
        Problem::new(Kind::TooLarge, detail)
    };
    // What is too large by its own word is not waited for.
    if body.size_hint().lower() > most as u64 {
        return Err(too_large());
    }
    match timeout(PATIENCE, to_bytes(body, most)).await {
        Ok(read) => read.map_err(|_| too_large()),
        Err(_) => {
            let detail = format!("the body did not come within {} s", PATIENCE.as_secs());
            Err(Problem::new(Kind::Slow, detail))
        }
    }
}

/// The body of a request. Who has sent something else is shown the example that the type has in the document.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<S, T> FromRequest<S> for Json<T>
where
    S: Send + Sync,
    T: DeserializeOwned + ToSchema,
{
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Json<T>, Problem> {
        let (head, body) = request.into_parts();
        let media = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media = media.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        // A web page can make a browser send other types without asking first.
        if !media.eq_ignore_ascii_case(answer::JSON) {
            let detail = "the body has to be JSON: say `Content-Type: application/json`";
            return Err(Problem::new(Kind::MediaType, detail));
        }
        let MostBytes(most) = *head.extensions.get().expect("`Front` gives one to every request");
        let body = whole(body, most).await?;
        read(&body).map(Json)
    }
}

/// What a body says.
fn read<T: DeserializeOwned + ToSchema>(body: &[u8]) -> Result<T, Problem> {
    let wrong = |why: String| {
        let example = example::<T>().map(|example| format!("; write `{example}`")).unwrap_or_default();
        Problem::bad(format!("the body cannot be read: {why}{example}"))
    };
    let said: T = serde_json::from_slice(body).map_err(|error| wrong(error.to_string()))?;
    let value = serde_json::from_slice(body).map_err(|error| wrong(error.to_string()))?;
    let mut named = Vec::new();
    T::schemas(&mut named);
    match shape::list_for_object(&value, &T::schema(), &named) {
        Some(place) => {
            let what = if place.is_empty() {
                "it".to_owned()
            } else {
                format!("`{}`", place.trim_start_matches('.'))
            };
            Err(wrong(format!("{what} has to be an object, not a list")))
        }
        None => Ok(said),
    }
}

impl<T: ToSchema> Taken for Json<T> {
    fn describe(described: &mut Described) {
        described.uses::<T>();
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(T::name()))).build();
        let body = RequestBodyBuilder::new().content(answer::JSON, content).required(Some(Required::True));
        described.operation.request_body = Some(RefOr::T(body.build()));
    }
}

/// How the document writes a body of that type.
fn example<T: PartialSchema>() -> Option<serde_json::Value> {
    match T::schema() {
        RefOr::T(Schema::Object(object)) => object.examples.into_iter().next(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};
    use serde_json::json;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize, ToSchema)]
    #[serde(deny_unknown_fields, default)]
    #[schema(examples(json!({"name": "a"})))]
    struct Outer {
        name: Option<String>,
        inner: Inner,
        more: Vec<Inner>,
        maybe: Option<Inner>,
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
    #[serde(deny_unknown_fields, default)]
    struct Inner {
        number: u8,
        again: Vec<String>,
    }

    fn fail(body: &serde_json::Value) -> String {
        format!("{:?}", read::<Outer>(body.to_string().as_bytes()).expect_err("it is wrong"))
    }

    #[test]
    fn a_list_is_no_object_however_deep() {
        for (body, place) in [
            (json!([]), "it"),
            (json!([null, {}, []]), "it"),
            (json!({"inner": [1]}), "`inner`"),
            (json!({"more": [{"number": 1}, [2]]}), "`more[1]`"),
            (json!({"maybe": []}), "`maybe`"),
        ] {
            let said = fail(&body);
            let wanted = format!("the body cannot be read: {place} has to be an object, not a list");
            assert!(said.contains(&wanted), "{body}: {said}");
        }
    }

    #[test]
    fn what_is_described_is_read() {
        let body = json!({"name": "b", "inner": {"number": 1, "again": ["x"]}, "more": [{}], "maybe": null});
        let inner = Inner { number: 1, again: vec!["x".into()] };
        let all = Outer { name: Some("b".into()), inner, more: vec![Inner::default()], maybe: None };
        assert_eq!(read::<Outer>(body.to_string().as_bytes()).expect("it is right"), all);
        assert!(fail(&json!({"nam": 1})).contains("write `{\\\"name\\\":\\\"a\\\"}`"));
        assert!(fail(&json!(null)).contains("cannot be read"));
    }
}
