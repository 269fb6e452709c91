//! `/v1/outbox`: alerts that wait for sinks or were given up; `/v1/sinks/enable`.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode, Uri};
use serde::{Deserialize, Serialize};

use crate::runtime::control::{Control, MOST_SHOWN};
use crate::runtime::outbox::{Order, Which};

use super::body;
use super::problem::Problem;

/// How many alerts are shown if nothing is said.
const SHOWN: usize = 100;

/// A sink that is to be used again.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enable {
    /// Its name.
    pub sink: String,
}

/// Shows what waits and what was given up: for the sink `sink`, of the rule `rule`, from before `before`, with an `id`, so many of
/// each as `limit` says.
pub async fn look(State(control): State<Control>, uri: Uri) -> Result<Response<Body>, Problem> {
    let (which, limit) = wanted(&uri)?;
    let looked = tokio::task::spawn_blocking(move || control.outbox().map(|desk| desk.look(&which, limit)));
    let stopping = |_| Problem::from(crate::runtime::control::ControlError::Gone);
    let view = looked.await.map_err(stopping)???;
    Ok(super::json(StatusCode::OK, super::JSON, &view))
}

fn wanted(uri: &Uri) -> Result<(Which, usize), Problem> {
    let (mut which, mut limit) = (Which::default(), SHOWN);
    for (name, value) in super::query(uri) {
        let value = value.into_owned();
        match &*name {
            "sink" => which.sink = Some(value),
            "rule" => which.rule = Some(value),
            "before" => which.before = Some(value),
            "id" => which.ids.push(value),
            "limit" => {
                let number = value.parse().ok().filter(|limit| (0..=MOST_SHOWN).contains(limit));
                limit = number
                    .ok_or_else(|| Problem::bad(format!("`limit` is a number from 0 to {MOST_SHOWN}")))?;
            }
            _ => {
                return Err(Problem::bad(format!(
                    "`{name}` is not known here; possible are `sink`, `rule`, `before`, `id` and `limit`"
                )));
            }
        }
    }
    Ok((which, limit))
}

/// Sends alerts again that were given up.
pub async fn retry(State(control): State<Control>, request: Request) -> Result<Response<Body>, Problem> {
    let which = body::read(request, "{\"sink\": \"…\"}").await?;
    order(&control, Order::Retry(which)).await
}

/// Drops alerts that were given up.
pub async fn discard(State(control): State<Control>, request: Request) -> Result<Response<Body>, Problem> {
    let which = body::read(request, "{\"sink\": \"…\"}").await?;
    order(&control, Order::Drop(which)).await
}

/// Tries alerts at once that wait.
pub async fn hurry(State(control): State<Control>, request: Request) -> Result<Response<Body>, Problem> {
    let which = body::read(request, "{\"sink\": \"…\"}").await?;
    order(&control, Order::Hurry(which)).await
}

/// Drops alerts that wait.
pub async fn discard_waiting(
    State(control): State<Control>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let which = body::read(request, "{\"sink\": \"…\"}").await?;
    order(&control, Order::Discard(which)).await
}

/// Uses a sink again.
pub async fn enable(State(control): State<Control>, request: Request) -> Result<Response<Body>, Problem> {
    let Enable { sink } = body::read(request, "{\"sink\": \"…\"}").await?;
    order(&control, Order::Enable(sink)).await
}

async fn order(control: &Control, order: Order) -> Result<Response<Body>, Problem> {
    let done = control.outbox()?.order(order).await?;
    Ok(super::json(StatusCode::OK, super::JSON, &done))
}
