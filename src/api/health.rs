//! `GET /livez` and `GET /readyz`: whether the service is alive, and whether it takes events.

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::runtime::control::{Control, Trouble};

use super::answer;
use super::gate::Asker;

/// Where it is asked. Those who watch a service ask here, however many others do.
pub const PATHS: [&str; 2] = ["/livez", "/readyz"];

/// How a service is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Health)]
pub struct Report {
    /// The same in a word.
    pub status: Status,
    /// Why it is not as it should be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Trouble>,
    /// What does not work, although it is no reason to send no events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Trouble>,
}

/// How a service is, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = HealthStatus)]
pub enum Status {
    /// As it should be.
    Ok,
    /// Something does not work, but it is as it should be for those who ask.
    Degraded,
    /// It is not as it should be.
    Failing,
}

/// Whether the service works at all.
///
/// Who hears that it does not should start it again. Why it does not is told to those alone who may look.
#[utoipa::path(
    get,
    path = "/livez",
    tag = "health",
    responses(
        (status = 200, description = "It works.", body = Report),
        (status = 503, description = "It does not.", body = Report)
    )
)]
pub async fn live(State(control): State<Control>, asker: Asker) -> Response<Body> {
    let failure = control.health().failure();
    let reasons = failure.into_iter().map(|why| Trouble { part: "service".into(), why });
    answer(Report::of(reasons.collect(), Vec::new()), &asker)
}

/// Whether the service takes events.
///
/// Who hears that it does not should send none for now. Why it does not is told to those alone who may look.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "health",
    responses(
        (status = 200, description = "It takes events.", body = Report),
        (status = 503, description = "It takes none.", body = Report)
    )
)]
pub async fn ready(State(control): State<Control>, asker: Asker) -> Response<Body> {
    answer(readiness(&control), &asker)
}

/// Whether a service takes events, and what does not work.
pub fn readiness(control: &Control) -> Report {
    Report::of(control.health().reasons(), control.health().notes())
}

impl Report {
    fn of(reasons: Vec<Trouble>, notes: Vec<Trouble>) -> Report {
        let status = match (reasons.is_empty(), notes.is_empty()) {
            (true, true) => Status::Ok,
            (true, false) => Status::Degraded,
            (false, _) => Status::Failing,
        };
        Report { status, reasons, notes }
    }
}

/// Everybody may know how it is, and those who are known also why.
fn answer(report: Report, asker: &Asker) -> Response<Body> {
    let code = match report.status {
        Status::Ok | Status::Degraded => StatusCode::OK,
        Status::Failing => StatusCode::SERVICE_UNAVAILABLE,
    };
    let report = match asker.who {
        Ok(_) => report,
        Err(_) => Report { reasons: Vec::new(), notes: Vec::new(), ..report },
    };
    answer::json(code, answer::JSON, &report)
}
