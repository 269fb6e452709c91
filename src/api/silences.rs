//! `/v1/silences`: for a time, nobody is told of some alerts.

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{Response, StatusCode};
use serde::{Deserialize, Serialize};

use crate::routing::{NewSilence, Silence};
use crate::runtime::control::Control;
use crate::runtime::routing::desk::{self, ById};

use super::problem::{self, Problem};
use super::{alerts, body};

/// How a silence is written.
const EXAMPLE: &str =
    r#"{"match": {"rules": ["card_*"]}, "ends": "2026-01-01T18:00:00Z", "author": "ana", "comment": "…"}"#;

/// The silences that there are.
#[derive(Debug, Serialize, Deserialize)]
pub struct List {
    /// The one that ends first before the others; those that are over last for some days.
    pub silences: Vec<Silence>,
}

/// Lists them.
pub async fn list(State(control): State<Control>) -> Result<Response<Body>, Problem> {
    let asked = control.desk().ask(desk::Request::Silences);
    let silences = problem::in_time(asked).await?;
    Ok(super::json(StatusCode::OK, super::JSON, &List { silences }))
}

/// Makes one.
pub async fn add(State(control): State<Control>, request: Request) -> Result<Response<Body>, Problem> {
    let wanted: NewSilence = body::read(request, EXAMPLE).await?;
    let asked = control.desk().ask(|reply| desk::Request::Silence(wanted, reply));
    Ok(super::json(StatusCode::CREATED, super::JSON, &problem::in_time(asked).await?))
}

/// Ends one.
pub async fn end(
    State(control): State<Control>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let said = alerts::said(request).await?;
    let asked = control.desk().ask(|reply| desk::Request::EndSilence(ById { id, said }, reply));
    Ok(super::json(StatusCode::OK, super::JSON, &problem::in_time(asked).await?))
}
