//! `/v1/savepoints`: the state kept under a name.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response, StatusCode, header};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::disk::{Disk, RealDisk};
use crate::runtime::clock::SystemClock;
use crate::runtime::control::{Control, ControlError};
use crate::runtime::savepoints::{self, Listed};
use crate::source::Clock;

use super::problem::Problem;

/// How long the body of a request may take.
const BODY_PATIENCE: Duration = Duration::from_secs(10);

/// What is asked for.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// The name that it is to have; if none, one is made of the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Those that there are.
#[derive(Debug, Serialize, Deserialize)]
pub struct List {
    /// By name.
    pub savepoints: Vec<Listed>,
}

/// Makes a savepoint and answers when it is on the disk.
pub async fn create(State(control): State<Control>, request: Request) -> Result<Response<Body>, Problem> {
    let (head, body) = request.into_parts();
    let Wanted { name } = wanted(&head.headers, body).await?;
    let name = name.unwrap_or_else(|| savepoints::name_of(SystemClock.now()));
    let saved = control.savepoint(name).await?;
    Ok(super::json(StatusCode::CREATED, super::JSON, &saved))
}

async fn wanted(headers: &HeaderMap, body: Body) -> Result<Wanted, Problem> {
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case(super::JSON) {
        let detail = "the body has to be JSON: say `Content-Type: application/json`";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", detail));
    }
    let Ok(body) = timeout(BODY_PATIENCE, to_bytes(body, super::MAX_BODY)).await else {
        return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "slow", "the body did not come in time"));
    };
    let too_large = |_| {
        let detail = format!("the body has more than {} bytes, or did not come to its end", super::MAX_BODY);
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
    };
    let body = body.map_err(too_large)?;
    serde_json::from_slice(&body).map_err(|error| {
        Problem::bad(format!("the body cannot be read: {error}; write `{{\"name\": \"…\"}}`"))
    })
}

/// Lists them.
pub async fn list(State(control): State<Control>) -> Result<Response<Body>, Problem> {
    let state = control.state_folder().ok_or(ControlError::NoState)?;
    let folder = savepoints::folder(state);
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let listed = tokio::task::spawn_blocking(move || savepoints::list(&*disk, &folder)).await;
    let savepoints = match listed {
        Ok(listed) => listed.map_err(|error| ControlError::System(error.to_string()))?,
        // It has panicked, or the runtime ends.
        Err(_) => return Err(ControlError::Gone.into()),
    };
    Ok(super::json(StatusCode::OK, super::JSON, &List { savepoints }))
}
