//! `GET /metrics`: what the service counts, in the text format of Prometheus.

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, header};

use crate::runtime::control::Control;
use crate::telemetry::exposition::MEDIA_TYPE;

use super::problem::{Kind, Problem};

/// Gives all metrics as they are now, for Prometheus.
///
/// The page of metrics in the documentation has every one of them.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "health",
    responses((status = 200, description = "The metrics.", body = String, content_type = "text/plain"))
)]
pub async fn scrape(State(control): State<Control>) -> Result<Response<Body>, Problem> {
    // With thousands of rules it takes a while, and the system is asked, which may wait.
    let scraped = tokio::task::spawn_blocking(move || control.scrape()).await;
    let text = scraped.map_err(|error| {
        let detail = format!("the metrics cannot be put together: {error}; look at the log of the service");
        Problem::new(Kind::Failed, detail)
    })?;
    let answer = Response::builder()
        .header(header::CONTENT_TYPE, MEDIA_TYPE)
        .header(header::CACHE_CONTROL, "no-store")
        .body(Body::from(text));
    Ok(answer.expect("these headers are well formed"))
}
