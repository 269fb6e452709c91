//! The bodies of requests: JSON, of a bounded size, in a bounded time.

use std::time::Duration;

use axum::body::to_bytes;
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

/// The largest body of a request.
const MAX_BODY: usize = 64 << 10;
/// How long the body of a request may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The body of a request. Who has sent something else is shown the example that the type has in the document.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<S, T> FromRequest<S> for Json<T>
where
    S: Send + Sync,
    T: DeserializeOwned + PartialSchema,
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
        let Ok(body) = timeout(PATIENCE, to_bytes(body, MAX_BODY)).await else {
            return Err(Problem::new(Kind::Slow, "the body did not come in time"));
        };
        let too_large = |_| {
            let detail = format!("the body has more than {MAX_BODY} bytes, or did not come to its end");
            Problem::new(Kind::TooLarge, detail)
        };
        let body = body.map_err(too_large)?;
        let read = serde_json::from_slice(&body);
        read.map(Json).map_err(|error| {
            let example = example::<T>().map(|example| format!("; write `{example}`")).unwrap_or_default();
            Problem::bad(format!("the body cannot be read: {error}{example}"))
        })
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
