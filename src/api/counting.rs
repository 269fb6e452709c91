//! What is counted of requests: which route they fit, how they are answered, how long that takes, and who reads a stream.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, Response, StatusCode, header};
use axum::middleware::Next;
use tokio::time::Instant;

use crate::runtime::control::Control;
use crate::telemetry::catalogue::ApiMetrics;

use super::routes::ROUTES;

/// The metrics of this API.
pub fn metrics() -> Arc<ApiMetrics> {
    Arc::new(ApiMetrics::of(ROUTES.iter().map(|route| (route.method.as_str(), route.path.as_str()))))
}

/// Counts a request and its answer.
pub async fn count(State(control): State<Control>, request: Request, next: Next) -> Response<Body> {
    // Whoever wants the head of an answer alone is counted with those who want the whole of it.
    let method = if request.method() == Method::HEAD { Method::GET } else { request.method().clone() };
    let path = request.extensions().get::<MatchedPath>().cloned();
    let begun = Instant::now();
    let answer = next.run(request).await;
    let metrics = &control.metrics().api;
    let path = path.as_ref().map_or("", MatchedPath::as_str);
    metrics.requests.answered(method.as_str(), path, answer.status().as_u16());
    if !is_stream(&answer) {
        metrics.time.record(begun.elapsed());
    }
    answer
}

/// Whether the answer has no end.
fn is_stream(answer: &Response<Body>) -> bool {
    let media = answer.headers().get(header::CONTENT_TYPE);
    answer.status() == StatusCode::SWITCHING_PROTOCOLS
        || media.is_some_and(|media| media.as_bytes().starts_with(b"text/event-stream"))
}

/// Somebody who reads alerts as they come, for as long as this is there.
#[derive(Debug)]
pub struct Reader {
    metrics: Arc<ApiMetrics>,
    protocol: &'static str,
}

impl Reader {
    /// Somebody begins to read over one of
    /// [`STREAM_PROTOCOLS`](crate::telemetry::catalogue::STREAM_PROTOCOLS).
    pub fn new(control: &Control, protocol: &'static str) -> Reader {
        let metrics = Arc::clone(&control.metrics().api);
        metrics.readers.of(protocol).increase();
        Reader { metrics, protocol }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.metrics.readers.of(self.protocol).decrease();
    }
}
