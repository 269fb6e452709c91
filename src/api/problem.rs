//! How what goes wrong is told: problem details, RFC 9457.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::disk::Cause;
use crate::routing::Refused;
use crate::runtime::control::ControlError;

/// What the type of each problem begins with; a name follows that stays as it is.
pub const TYPES: &str = "urn:tripline:problem:";

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    kind: &'static str,
    detail: String,
}

/// The same as it is sent.
#[derive(Debug, Serialize, Deserialize)]
pub struct Sent {
    /// What kind of problem it is, for machines.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The status.
    pub status: u16,
    /// What is wrong and what to do, for people.
    pub detail: String,
}

impl Problem {
    /// A problem of some kind.
    pub fn new(status: StatusCode, kind: &'static str, detail: impl Into<String>) -> Problem {
        Problem { status, kind, detail: detail.into() }
    }

    /// A request that makes no sense.
    pub fn bad(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, "bad-request", detail)
    }
}

/// How long an answer may take that waits for the disk.
const PATIENCE: Duration = Duration::from_secs(30);

/// What somebody who was asked answers.
///
/// # Errors
/// What he says, or that he does not come to it.
pub async fn in_time<T>(asked: impl Future<Output = Result<T, ControlError>>) -> Result<T, Problem> {
    let Ok(answer) = timeout(PATIENCE, asked).await else {
        let detail =
            format!("the service did not come to it within {} s; ask again later", PATIENCE.as_secs());
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail));
    };
    Ok(answer?)
}

impl From<ControlError> for Problem {
    fn from(error: ControlError) -> Problem {
        let (status, kind) = match &error {
            ControlError::Gone => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
            ControlError::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            ControlError::NoRule(_) => (StatusCode::NOT_FOUND, "no-such-rule"),
            ControlError::Asked(_) => (StatusCode::BAD_REQUEST, "bad-request"),
            ControlError::NoState | ControlError::Elsewhere => (StatusCode::CONFLICT, "no-state"),
            ControlError::Name(_) => (StatusCode::BAD_REQUEST, "bad-name"),
            ControlError::Exists(_) => (StatusCode::CONFLICT, "exists"),
            ControlError::Refused(Refused::Unknown { .. }) => (StatusCode::NOT_FOUND, "no-such-id"),
            ControlError::Refused(Refused::Ambiguous { .. } | Refused::Many | Refused::Ended { .. }) => {
                (StatusCode::CONFLICT, "refused")
            }
            ControlError::Refused(_) => (StatusCode::BAD_REQUEST, "refused"),
            ControlError::Saving => (StatusCode::CONFLICT, "busy"),
            ControlError::Store(error) if error.cause() == Some(Cause::Full) => {
                (StatusCode::INSUFFICIENT_STORAGE, "disk")
            }
            ControlError::Store(_) | ControlError::System(_) => (StatusCode::INTERNAL_SERVER_ERROR, "disk"),
        };
        Problem::new(status, kind, error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let Problem { status, kind, detail } = self;
        let sent = Sent {
            kind: format!("{TYPES}{kind}"),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            detail,
        };
        let mut answer = super::json(status, "application/problem+json", &sent);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        answer
    }
}
