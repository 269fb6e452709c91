//! `/v1/alerts`: what was decided of alerts, and what people say of them.

use axum::extract::State;
use serde::Deserialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::routing::{Record, Settled};
use crate::runtime::control::Control;
use crate::runtime::routing::desk::{self, AlertList, AlertQuery, ById, Said};
use crate::telemetry::catalogue::DECISION_REASONS;

use super::answer::Changed;
use super::extract::{Json, Limit, Path, Query};
use super::problem::{self, Problem};

/// Which alerts are shown.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Wanted {
    /// Those of this rule.
    rule: Option<String>,
    /// Those of which something was decided for this reason.
    #[param(inline)]
    reason: Option<Reason>,
    /// So many at most, the last ones first.
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
}

/// One of [`DECISION_REASONS`].
#[derive(Debug, Deserialize)]
struct Reason(String);

impl PartialSchema for Reason {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(DECISION_REASONS)).into()
    }
}

impl ToSchema for Reason {}

/// An alert.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct Id {
    /// The id of an alert, or the beginning of it.
    id: String,
}

/// Lists the last alerts.
#[utoipa::path(
    get,
    path = "/v1/alerts",
    tag = "alerts",
    responses((status = 200, description = "The alerts, the last ones first."))
)]
pub async fn list(
    State(control): State<Control>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<AlertList>, Problem> {
    let Wanted { rule, reason, limit: Limit(limit) } = wanted;
    let query = AlertQuery { rule, reason: reason.map(|Reason(name)| name), limit };
    let asked = control.desk().ask(|reply| desk::Request::Alerts(query, reply));
    problem::in_time(asked).await.map(Json)
}

/// Shows what was decided of an alert.
#[utoipa::path(
    get,
    path = "/v1/alerts/{id}",
    tag = "alerts",
    responses((status = 200, description = "The alert, and what was decided of it, in order."))
)]
pub async fn show(
    State(control): State<Control>,
    Path(Id { id }): Path<Id>,
) -> Result<Json<Record>, Problem> {
    let asked = control.desk().ask(|reply| desk::Request::Alert(id, reply));
    problem::in_time(asked).await.map(Json)
}

/// Somebody has seen an alert.
///
/// It is not escalated any further.
#[utoipa::path(
    post,
    path = "/v1/alerts/{id}/ack",
    tag = "alerts",
    responses((status = 200, description = "What has come of it."))
)]
pub async fn acknowledge(
    State(control): State<Control>,
    Path(Id { id }): Path<Id>,
    Json(said): Json<Said>,
) -> Result<Changed<Settled>, Problem> {
    let said = check(said)?;
    let asked = control.desk().ask(|reply| desk::Request::Acknowledge(ById { id, said }, reply));
    problem::in_time(asked).await.map(|settled| Changed::new(settled.alert.clone(), settled))
}

/// Somebody says that what an alert tells of is over.
#[utoipa::path(
    post,
    path = "/v1/alerts/{id}/resolve",
    tag = "alerts",
    responses((status = 200, description = "What has come of it."))
)]
pub async fn resolve(
    State(control): State<Control>,
    Path(Id { id }): Path<Id>,
    Json(said): Json<Said>,
) -> Result<Changed<Settled>, Problem> {
    let said = check(said)?;
    let asked = control.desk().ask(|reply| desk::Request::Resolve(ById { id, said }, reply));
    problem::in_time(asked).await.map(|settled| Changed::new(settled.alert.clone(), settled))
}

/// What somebody says, if it is not said by nobody and not too much.
pub fn check(said: Said) -> Result<Said, Problem> {
    if said.by.trim().is_empty() {
        return Err(Problem::bad("`by` says who you are, and cannot be empty"));
    }
    if said.by.len() + said.comment.len() > MOST_SAID {
        return Err(Problem::bad(format!("`by` and `comment` have more than {MOST_SAID} bytes")));
    }
    Ok(said)
}

/// The most bytes that somebody can say.
const MOST_SAID: usize = 4_000;
