//! `GET /livez` and `GET /readyz`: whether the service is alive, and whether it takes events.

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use serde::Serialize;

use crate::runtime::control::{Control, Trouble};

#[derive(Serialize)]
struct Report {
    status: &'static str,
    /// Why it is not as it should be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<Trouble>,
    /// What does not work, although it is no reason to send no events.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<Trouble>,
}

/// Whether the service works at all; who hears that it does not should start it again.
pub async fn live(State(control): State<Control>) -> Response<Body> {
    let failure = control.health().failure();
    let reasons = failure.into_iter().map(|why| Trouble { part: "service".into(), why });
    report(reasons.collect(), Vec::new())
}

/// Whether the service takes events; who hears that it does not should send none for now.
pub async fn ready(State(control): State<Control>) -> Response<Body> {
    report(control.health().reasons(), control.health().notes())
}

fn report(reasons: Vec<Trouble>, notes: Vec<Trouble>) -> Response<Body> {
    let (code, status) = match (reasons.is_empty(), notes.is_empty()) {
        (true, true) => (StatusCode::OK, "ok"),
        (true, false) => (StatusCode::OK, "degraded"),
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "failing"),
    };
    super::json(code, super::JSON, &Report { status, reasons, notes })
}
