//! `/v1/silences`: for a time, nobody is told of some alerts.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::routing::{NewSilence, Silence};
use crate::runtime::control::Control;
use crate::runtime::routing::desk::{self, ById, Said};

use super::alerts;
use super::answer::{Changed, Created};
use super::extract::{Json, Path};
use super::problem::Problem;

/// The silences that there are.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = SilenceList)]
pub struct List {
    /// The one that ends first before the others; those that are over last for some days.
    pub silences: Vec<Silence>,
}

/// A silence.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct Id {
    /// The id of a silence, or the beginning of it.
    id: String,
}

/// Lists the silences.
#[utoipa::path(
    get,
    path = "/v1/silences",
    tag = "silences",
    responses((status = 200, description = "The silences, those that end first before the others."))
)]
pub async fn list(State(control): State<Control>) -> Result<Json<List>, Problem> {
    let asked = control.desk().ask(desk::Request::Silences);
    let silences = asked.await?;
    Ok(Json(List { silences }))
}

/// Makes a silence.
#[utoipa::path(
    post,
    path = "/v1/silences",
    tag = "silences",
    responses((status = 201, description = "The silence, with its id."))
)]
pub async fn add(
    State(control): State<Control>,
    Json(wanted): Json<NewSilence>,
) -> Result<Created<Silence>, Problem> {
    let asked = control.desk().ask(|reply| desk::Request::Silence(wanted, reply));
    let silence = asked.await?;
    Ok(Created::new(silence.id.clone(), silence))
}

/// Ends a silence.
#[utoipa::path(
    post,
    path = "/v1/silences/{id}/end",
    tag = "silences",
    responses((status = 200, description = "The silence, which is over now."))
)]
pub async fn end(
    State(control): State<Control>,
    Path(Id { id }): Path<Id>,
    Json(said): Json<Said>,
) -> Result<Changed<Silence>, Problem> {
    let said = alerts::check(said)?;
    let before = control.desk().ask(desk::Request::Silences).await?;
    let asked = control.desk().ask(|reply| desk::Request::EndSilence(ById { id, said }, reply));
    let silence = asked.await?;
    let before = before.into_iter().find(|before| before.id == silence.id);
    Ok(Changed::new(silence.id.clone(), silence).before(before))
}
