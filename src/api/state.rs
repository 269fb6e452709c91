//! `GET /v1/state`: live partial matches.

use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::runtime::control::view::StateView;
use crate::runtime::control::{Control, StateQuery};

use super::extract::{Json, Limit, Query};
use super::problem::Problem;

/// Which partial matches are shown.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Wanted {
    /// Those of this rule.
    rule: Option<String>,
    /// Those for keys that have this value, or this value of this name: `c1` or `card=c1`. May be given several times.
    #[serde(default)]
    #[param(max_items = 32)]
    key: Vec<String>,
    /// So many at most.
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
}

/// Shows live partial matches.
#[utoipa::path(
    get,
    path = "/v1/state",
    tag = "state",
    responses((status = 200, description = "Some of the partial matches, and how many there are."))
)]
pub async fn look(
    State(control): State<Control>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<StateView>, Problem> {
    let Wanted { rule, key, limit: Limit(limit) } = wanted;
    Ok(Json(control.look(StateQuery { rule, key, limit }).await?))
}
