//! `/v1/savepoints`: the state kept under a name.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::disk::{Disk, RealDisk};
use crate::runtime::clock::SystemClock;
use crate::runtime::control::{Control, ControlError};
use crate::runtime::savepoints::{self, Listed, Saved};
use crate::source::Clock;

use super::answer::Created;
use super::extract::Json;
use super::problem::Problem;

/// A savepoint that is asked for.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewSavepoint, examples(json!({"name": "before-upgrade"})))]
pub struct Wanted {
    /// The name that it is to have; if none, one is made of the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    pub name: Option<String>,
}

/// The savepoints that there are.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = SavepointList)]
pub struct List {
    /// By name.
    pub savepoints: Vec<Listed>,
}

/// Makes a savepoint, and answers when it is on the disk.
#[utoipa::path(
    post,
    path = "/v1/savepoints",
    tag = "savepoints",
    responses((status = 201, description = "The savepoint is on the disk."))
)]
pub async fn create(
    State(control): State<Control>,
    Json(wanted): Json<Wanted>,
) -> Result<Created<Saved>, Problem> {
    let name = wanted.name.unwrap_or_else(|| savepoints::name_of(SystemClock.now()));
    let saved = control.savepoint(name).await?;
    Ok(Created::new(saved.name.clone(), saved))
}

/// Lists the savepoints.
#[utoipa::path(
    get,
    path = "/v1/savepoints",
    tag = "savepoints",
    responses((status = 200, description = "The savepoints, by name."))
)]
pub async fn list(State(control): State<Control>) -> Result<Json<List>, Problem> {
    let state = control.state_folder().ok_or(ControlError::NoState)?;
    let folder = savepoints::folder(state);
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let listed = tokio::task::spawn_blocking(move || savepoints::list(&*disk, &folder)).await;
    let savepoints = match listed {
        Ok(listed) => listed.map_err(|error| ControlError::System(error.to_string()))?,
        // It has panicked, or the runtime ends.
        Err(_) => return Err(ControlError::Gone.into()),
    };
    Ok(Json(List { savepoints }))
}
