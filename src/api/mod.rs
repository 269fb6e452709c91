//! The API of a running service: HTTP with JSON, for commands on the same machine and for those that watch it.
//!
//! Enters: requests. Leaves: answers of [`Control`], as JSON; what goes wrong as problem details (RFC 9457). One
//! file a resource; [`problem`] is how mistakes are told, [`server`] speaks HTTP on a socket in the folder of the
//! state ([`socket`]) and on an address of this machine, [`client`] is how commands ask, and [`probe`] how they ask
//! whether it is well.
//!
//! | | |
//! |---|---|
//! | `GET /livez` | 200 as long as the service works at all |
//! | `GET /readyz` | 200 when it takes events, or 503 with the reasons |
//! | `GET /metrics` | the metrics, for Prometheus |
//! | `GET /v1/state` | partial matches: `rule`, `key` (may be given several times), `limit` |
//! | `GET /v1/savepoints` | the savepoints that there are |
//! | `POST /v1/savepoints` | makes one: `{"name": "…"}`, or a name is found |
//! | `GET /v1/outbox` | alerts that wait or were given up: `sink`, `rule`, `before`, `id`, `limit` |
//! | `POST /v1/outbox/retry`, `POST /v1/outbox/drop` | sends again, or drops, what was given up: `{"sink": "…"}` |
//! | `POST /v1/outbox/waiting/retry`, `…/drop` | tries at once, or drops, what waits: `{"sink": "…"}` |
//! | `POST /v1/sinks/enable` | uses a sink again that a 410 has disabled: `{"sink": "…"}` |
//! | `GET /v1/alerts` | what was decided of the last alerts: `rule`, `reason`, `limit` |
//! | `GET /v1/alerts/ID` | the same of one; an id may be the beginning of one here and below |
//! | `POST /v1/alerts/ID/ack` | somebody has seen it: `{"by": "…", "comment": "…"}` |
//! | `POST /v1/alerts/ID/resolve` | somebody says that it is over; the same body |
//! | `GET /v1/silences` | the silences that there are |
//! | `POST /v1/silences` | makes one: `{"match": {…}, "ends": "…", "author": "…", "comment": "…"}` |
//! | `POST /v1/silences/ID/end` | ends one; the body is that of `ack` |
//!
//! Nobody has to show who they are. So it is there for this machine only: the socket is its owner's, and the
//! address must be one that no other machine can reach. Requests that a web page could make a browser send are
//! refused: those for another host's name, and those that change something and are not JSON.

mod alerts;
mod body;
pub mod client;
pub mod health;
mod metrics;
mod outbox;
pub mod probe;
mod problem;
mod savepoints;
pub mod server;
mod silences;
pub mod socket;
mod state;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Response, StatusCode, Uri, header};
use axum::routing::{get, post};
use serde::Serialize;

use crate::diagnostic::did_you_mean;
use crate::runtime::control::Control;

use problem::Problem;

/// The largest body of a request.
const MAX_BODY: usize = 64 << 10;

/// What leads requests to their resources.
pub fn router(control: Control) -> Router {
    Router::new()
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::scrape))
        .route("/v1/state", get(state::look))
        .route("/v1/savepoints", get(savepoints::list).post(savepoints::create))
        .route("/v1/outbox", get(outbox::look))
        .route("/v1/outbox/retry", post(outbox::retry))
        .route("/v1/outbox/drop", post(outbox::discard))
        .route("/v1/outbox/waiting/retry", post(outbox::hurry))
        .route("/v1/outbox/waiting/drop", post(outbox::discard_waiting))
        .route("/v1/sinks/enable", post(outbox::enable))
        .route("/v1/alerts", get(alerts::list))
        .route("/v1/alerts/{id}", get(alerts::show))
        .route("/v1/alerts/{id}/ack", post(alerts::acknowledge))
        .route("/v1/alerts/{id}/resolve", post(alerts::resolve))
        .route("/v1/silences", get(silences::list).post(silences::add))
        .route("/v1/silences/{id}/end", post(silences::end))
        .fallback(nothing)
        .method_not_allowed_fallback(other_method)
        .with_state(control)
}

async fn nothing(uri: Uri) -> Problem {
    const PATHS: [&str; 13] = [
        "/livez",
        "/readyz",
        "/metrics",
        "/v1/state",
        "/v1/savepoints",
        "/v1/outbox",
        "/v1/outbox/retry",
        "/v1/outbox/drop",
        "/v1/outbox/waiting/retry",
        "/v1/outbox/waiting/drop",
        "/v1/sinks/enable",
        "/v1/alerts",
        "/v1/silences",
    ];
    let hint = did_you_mean(uri.path(), PATHS);
    Problem::new(StatusCode::NOT_FOUND, "no-such-path", format!("there is nothing here{hint}"))
}

async fn other_method(method: Method, uri: Uri) -> Problem {
    let detail = format!("`{}` cannot be asked with {method}", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail)
}

/// An answer of JSON.
fn json(status: StatusCode, media_type: &'static str, body: &impl Serialize) -> Response<Body> {
    // All that is answered is made of texts, numbers and lists of these.
    let body = serde_json::to_vec(body).expect("plain data can be written as JSON");
    let answer = Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, media_type)
        .header(header::CACHE_CONTROL, "no-store")
        .body(Body::from(body));
    answer.expect("these headers are well formed")
}

const JSON: &str = "application/json";

/// What stands behind the `?` of a URL.
fn query(uri: &Uri) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
    url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).collect()
}
