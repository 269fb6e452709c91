//! `/v1/outbox`: alerts that wait for sinks or were given up; `/v1/sinks/enable`.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::event::Timestamp;
use crate::runtime::control::{Control, ControlError};
use crate::runtime::outbox::{Done, Order, OutboxView, Which};

use super::answer::Changed;
use super::extract::{Json, Limit, Query};
use super::problem::Problem;

/// Which alerts of the outbox are shown.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Wanted {
    /// Those for this sink.
    sink: Option<String>,
    /// Those of this rule.
    rule: Option<String>,
    /// Those that began to wait, or were given up, before this time.
    #[param(inline)]
    before: Option<Timestamp>,
    /// Those with this id. May be given several times.
    #[serde(default)]
    #[param(max_items = 1_000)]
    id: Vec<String>,
    /// So many of each at most.
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
}

/// A sink that is to be used again.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"sink": "desk"})))]
pub struct Enable {
    /// Its name.
    pub sink: String,
}

/// Shows what waits for sinks and what was given up.
#[utoipa::path(
    get,
    path = "/v1/outbox",
    tag = "outbox",
    responses((status = 200, description = "What waits, and what was given up."))
)]
pub async fn look(
    State(control): State<Control>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<OutboxView>, Problem> {
    let Wanted { sink, rule, before, id: ids, limit: Limit(limit) } = wanted;
    let which = Which { sink, rule, before, ids };
    let looked = tokio::task::spawn_blocking(move || control.outbox().map(|desk| desk.look(&which, limit)));
    let view = looked.await.map_err(|_| ControlError::Gone)???;
    Ok(Json(view))
}

/// Sends alerts again that were given up.
#[utoipa::path(
    post,
    path = "/v1/outbox/retry",
    tag = "outbox",
    responses((status = 200, description = "How many wait again."))
)]
pub async fn retry(
    State(control): State<Control>,
    Json(which): Json<Which>,
) -> Result<Changed<Done>, Problem> {
    order(&control, Order::Retry(which)).await
}

/// Drops alerts that were given up.
#[utoipa::path(
    post,
    path = "/v1/outbox/drop",
    tag = "outbox",
    responses((status = 200, description = "How many were dropped."))
)]
pub async fn discard(
    State(control): State<Control>,
    Json(which): Json<Which>,
) -> Result<Changed<Done>, Problem> {
    order(&control, Order::Drop(which)).await
}

/// Tries alerts at once that wait.
#[utoipa::path(
    post,
    path = "/v1/outbox/waiting/retry",
    tag = "outbox",
    responses((status = 200, description = "How many are tried."))
)]
pub async fn hurry(
    State(control): State<Control>,
    Json(which): Json<Which>,
) -> Result<Changed<Done>, Problem> {
    order(&control, Order::Hurry(which)).await
}

/// Drops alerts that wait.
#[utoipa::path(
    post,
    path = "/v1/outbox/waiting/drop",
    tag = "outbox",
    responses((status = 200, description = "How many were dropped."))
)]
pub async fn discard_waiting(
    State(control): State<Control>,
    Json(which): Json<Which>,
) -> Result<Changed<Done>, Problem> {
    order(&control, Order::Discard(which)).await
}

/// Uses a sink again whose receiver has said that it wants nothing any more.
#[utoipa::path(
    post,
    path = "/v1/sinks/enable",
    tag = "outbox",
    responses((status = 200, description = "Whether it was disabled: 1 or 0."))
)]
pub async fn enable(
    State(control): State<Control>,
    Json(Enable { sink }): Json<Enable>,
) -> Result<Changed<Done>, Problem> {
    order(&control, Order::Enable(sink)).await
}

async fn order(control: &Control, order: Order) -> Result<Changed<Done>, Problem> {
    let target = match &order {
        Order::Retry(which) | Order::Drop(which) | Order::Hurry(which) | Order::Discard(which) => {
            // It is all texts.
            serde_json::to_string(which).unwrap_or_default()
        }
        Order::Enable(sink) => sink.clone(),
    };
    let done = control.outbox()?.order(order).await?;
    Ok(Changed::new(target, done))
}
