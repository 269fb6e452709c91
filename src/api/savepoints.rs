//! `/v1/savepoints`: the state kept under a name.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use serde::{Deserialize, Serialize};

use crate::disk::{Disk, RealDisk};
use crate::runtime::clock::SystemClock;
use crate::runtime::control::{Control, ControlError};
use crate::runtime::savepoints::{self, Listed};
use crate::source::Clock;

use super::body;
use super::problem::Problem;

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
    let Wanted { name } = body::read(request, "{\"name\": \"…\"}").await?;
    let name = name.unwrap_or_else(|| savepoints::name_of(SystemClock.now()));
    let saved = control.savepoint(name).await?;
    Ok(super::json(StatusCode::CREATED, super::JSON, &saved))
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
