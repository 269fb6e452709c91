//! The bodies of requests: JSON, of a bounded size, in a bounded time.

use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::problem::Problem;

/// How long the body of a request may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Reads the body of a request. `example` is shown to who has sent something else.
pub async fn read<T: DeserializeOwned>(request: Request, example: &str) -> Result<T, Problem> {
    let (head, body) = request.into_parts();
    let media =
        head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case(super::JSON) {
        let detail = "the body has to be JSON: say `Content-Type: application/json`";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", detail));
    }
    let Ok(body) = timeout(PATIENCE, to_bytes(body, super::MAX_BODY)).await else {
        return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "slow", "the body did not come in time"));
    };
    let too_large = |_| {
        let detail = format!("the body has more than {} bytes, or did not come to its end", super::MAX_BODY);
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
    };
    let body = body.map_err(too_large)?;
    serde_json::from_slice(&body)
        .map_err(|error| Problem::bad(format!("the body cannot be read: {error}; write `{example}`")))
}
