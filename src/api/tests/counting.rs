//! What is counted of requests.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method, Request, header};
use futures_util::{FutureExt, StreamExt};

use super::{Bench, front};
use crate::api::answer::JSON;
use crate::api::counting;
use crate::api::gate::Peer;
use crate::runtime::control::control;
use crate::telemetry::Metrics;
use crate::telemetry::exposition::text;

/// A service that counts.
fn bench() -> (Bench, Arc<Metrics>) {
    let bench = Bench::new();
    let metrics = Arc::new(Metrics::new([], [], []).with_api(counting::metrics()));
    let (control, requests) = control(Some(bench.folder.path()), Arc::clone(&metrics));
    control.health().started();
    (Bench { front: front(&control), control, requests: Some(requests), ..bench }, metrics)
}

/// What is not 0 of requests.
fn counted(metrics: &Metrics) -> Vec<String> {
    let text = text(metrics);
    let lines = text.lines().filter_map(|line| line.strip_prefix("tripline_api_requests_total"));
    lines.filter(|line| !line.ends_with(" 0")).map(str::to_owned).collect()
}

#[tokio::test]
async fn requests_are_counted_by_the_route_that_they_fit() {
    let (bench, metrics) = bench();
    bench.get("/readyz").await;
    // Nobody has said what this service is made of.
    bench.get("/v1/rules/secret-of-somebody").await;
    bench.get("/v1/nothing/secret-of-somebody").await;
    bench.post("/v1/savepoints", JSON, r#"{"name": "../x"}"#).await;
    let head = Request::builder().method(Method::HEAD).uri("/livez").body(Body::empty()).expect("a request");
    bench.front.answer(&Peer::Owner, head).await;
    let page = Request::get("/").body(Body::empty()).expect("a request");
    bench.front.answer(&Peer::Owner, page).await;
    assert_eq!(
        counted(&metrics),
        [
            r#"{method="GET",route="/livez",status="2xx"} 1"#,
            r#"{method="GET",route="/readyz",status="2xx"} 1"#,
            r#"{method="GET",route="/v1/rules/{name}",status="5xx"} 1"#,
            r#"{method="POST",route="/v1/savepoints",status="4xx"} 1"#,
            r#"{method="other",route="other",status="2xx"} 1"#,
            r#"{method="other",route="other",status="4xx"} 1"#,
        ]
    );
    assert_eq!(metrics.api.time.count(), 6);
    assert!(!text(&metrics).contains("secret-of-somebody"), "what was asked is no label");
}

#[tokio::test]
async fn who_does_not_pass_the_gate_is_counted_too() {
    let (bench, metrics) = bench();
    let address = "192.0.2.7:4711".parse().expect("an address");
    let peer = Peer::Network { address, certificate: None };
    for path in ["/v1/rules/secret-of-somebody", "/"] {
        let request = Request::get(path).header(header::HOST, "example.com");
        let answer = bench.front.answer(&peer, request.body(Body::empty()).expect("a request")).await;
        assert_eq!(answer.status().as_u16(), 421, "{path}");
    }
    assert_eq!(
        counted(&metrics),
        [
            r#"{method="GET",route="/v1/rules/{name}",status="4xx"} 1"#,
            r#"{method="other",route="other",status="4xx"} 1"#
        ]
    );
}

#[tokio::test]
async fn who_reads_a_stream_is_counted_until_they_have_gone() {
    let (bench, metrics) = bench();
    let readers = || metrics.api.readers.of("sse").get();
    let follow = || Request::get("/v1/alerts/stream").body(Body::empty()).expect("a request");
    let first = bench.front.answer(&Peer::Owner, follow()).await;
    let second = bench.front.answer(&Peer::Owner, follow()).await;
    assert_eq!(readers(), 2);
    let mut read = second.into_body().into_data_stream();
    assert!(read.next().now_or_never().is_none(), "nothing has happened yet");
    drop(first);
    assert_eq!(readers(), 1);
    drop(read);
    assert_eq!((readers(), metrics.api.time.count()), (0, 0));
}
