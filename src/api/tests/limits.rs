//! What those hear who ask for too much, too often or for too long.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, header};
use futures_util::{StreamExt as _, stream};
use tokio::time::{advance, timeout};

use super::Bench;
use super::access::{Guarded, of, token};
use crate::access::Role;
use crate::api::answer::JSON;
use crate::api::problem::{Kind, Problem};
use crate::config::ApiLimits;
use crate::rate::Rate;

const SECOND: Duration = Duration::from_secs(1);

fn bound(change: impl FnOnce(&mut ApiLimits)) -> Guarded {
    Guarded::new(|api| change(&mut api.limits))
}

fn get(path: &str, role: Option<Role>) -> Request<Body> {
    let mut request = Request::get(path).header(header::HOST, "localhost");
    if let Some(role) = role {
        request = request.header(header::AUTHORIZATION, of(&token(role)));
    }
    request.body(Body::empty()).expect("a request")
}

fn post(path: &str, body: Body) -> Request<Body> {
    let request = Request::post(path).header(header::HOST, "localhost").header(header::CONTENT_TYPE, JSON);
    request.header(header::AUTHORIZATION, of(&token(Role::Admin))).body(body).expect("a request")
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_too_large_is_refused_before_it_has_come() {
    let guarded = bound(|limits| limits.body = 100);
    let ask = |body: Body| async {
        let (status, kind, _) = guarded.send(post("/v1/silences", body)).await;
        (status.as_u16(), kind)
    };
    let without_end = || stream::repeat("          ").map(Ok::<_, io::Error>);
    assert_eq!(ask(Body::from(" ".repeat(100))).await, (400, Some(Kind::BadRequest)));
    assert_eq!(ask(Body::from(" ".repeat(101))).await, (413, Some(Kind::TooLarge)));
    assert_eq!(ask(Body::from_stream(without_end())).await, (413, Some(Kind::TooLarge)));
    let silent = Body::from_stream(without_end().take(3).chain(stream::pending()));
    assert_eq!(ask(silent).await, (408, Some(Kind::Slow)));
}

#[tokio::test(start_paused = true)]
async fn who_asks_too_often_is_told_to_wait_and_nobody_else() {
    let guarded = bound(|limits| limits.rate = Rate { count: 2, per: 60 * SECOND });
    let ask = |path: &'static str, role: Option<Role>| {
        let guarded = &guarded;
        async move {
            let (status, kind, headers) = guarded.send(get(path, role)).await;
            assert_eq!(kind == Some(Kind::TooMany), status.as_u16() == 429);
            let wait = headers.get(header::RETRY_AFTER).map(|wait| wait.to_str().expect("text"));
            assert_eq!(wait, (status.as_u16() == 429).then_some("30"));
            status.as_u16()
        }
    };
    for expected in [200, 200, 429, 429] {
        assert_eq!(ask("/v1/me", Some(Role::Read)).await, expected);
    }
    assert_eq!(ask("/v1/me", Some(Role::Admin)).await, 200);
    for expected in [401, 401, 429] {
        assert_eq!(ask("/v1/me", None).await, expected, "an address has a rate, too");
    }
    for path in ["/", "/v1/openapi.json", "/v1/nothing"] {
        assert_eq!(ask(path, None).await, 429, "{path}");
    }
    assert_eq!(ask("/livez", None).await, 200, "who watches the service is answered");
    advance(30 * SECOND).await;
    assert_eq!(ask("/v1/me", Some(Role::Read)).await, 200);
    assert_eq!(ask("/v1/me", Some(Role::Read)).await, 429);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_takes_too_long_is_given_up() {
    // Nobody answers.
    let bench = Bench::new();
    let (status, problem) = bench.get("/v1/state").await;
    let detail = problem["detail"].as_str().expect("a text");
    assert_eq!((status, detail.contains("within 30s (`api.limits.time`)")), (503, true), "{detail}");
    let (status, problem) = bench.post("/v1/silences/x/end", JSON, r#"{"by": "ana"}"#).await;
    let detail = problem["detail"].as_str().expect("a text");
    assert_eq!((status, detail.contains("it goes on")), (503, true), "{detail}");
    let savepoint = bench.post("/v1/savepoints", JSON, "{}");
    assert!(timeout(600 * SECOND, savepoint).await.is_err(), "a savepoint takes as long as it needs");
}

/// A stream of alerts, or why it cannot be had.
async fn follow(guarded: &Guarded, role: Role) -> Result<axum::body::BodyDataStream, Option<Kind>> {
    let answer = guarded.answer(get("/v1/alerts/stream", Some(role))).await;
    let problem = answer.extensions().get::<Problem>().map(Problem::kind);
    if answer.status().is_success() { Ok(answer.into_body().into_data_stream()) } else { Err(problem) }
}

#[tokio::test(start_paused = true)]
async fn streams_are_so_many_and_a_place_is_free_when_one_ends() {
    let guarded = bound(|limits| limits.streams = 2);
    let one = follow(&guarded, Role::Read).await.expect("there is a place");
    let _two = follow(&guarded, Role::Read).await.expect("there is a place");
    assert_eq!(follow(&guarded, Role::Admin).await.err(), Some(Some(Kind::Busy)));
    assert_eq!(guarded.send(get("/v1/me", Some(Role::Read))).await.0.as_u16(), 200, "others are answered");
    drop(one);
    assert!(follow(&guarded, Role::Read).await.is_ok());
}

/// Whether a stream has ended after a while.
async fn ends(stream: &mut axum::body::BodyDataStream) -> bool {
    let end = async { while stream.next().await.is_some() {} };
    timeout(60 * SECOND, end).await.is_ok()
}

#[tokio::test(start_paused = true)]
async fn streams_end_when_the_service_stops() {
    let guarded = bound(|_| {});
    let mut stream = follow(&guarded, Role::Read).await.expect("there is a place");
    assert!(!ends(&mut stream).await);
    guarded.stop.send_replace(true);
    assert!(ends(&mut stream).await);
}

#[tokio::test(start_paused = true)]
async fn streams_end_when_the_token_of_who_reads_is_revoked() {
    let guarded = bound(|_| {});
    let mut reader = follow(&guarded, Role::Read).await.expect("there is a place");
    let mut admin = follow(&guarded, Role::Admin).await.expect("there is a place");
    guarded.change_tokens(|tokens| drop(tokens.remove("read")));
    assert!(ends(&mut reader).await);
    assert!(!ends(&mut admin).await);
}
