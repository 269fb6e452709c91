//! Requests to the router, with an engine that answers; and a server that is asked over its socket.

mod access;
mod audit;
mod counting;
mod document;
mod limits;
mod tls;

use std::sync::{Arc, RwLock};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::answer::JSON;
use super::audit::Audit;
use super::client::{Client, ClientError};
use super::front::{Ending, Front};
use super::gate::{Gate, Peer};
use super::server::Server;
use super::{problem, routes, socket};
use crate::config::{Api, ApiLimits};
use crate::runtime::clock::SystemClock;
use crate::runtime::control::tests::{answering, control, engine_with, query};
use crate::runtime::control::{Control, Requests, ServicePart, StateQuery, Trouble};
use crate::watch;

struct Bench {
    front: Front,
    control: Control,
    requests: Option<Requests>,
    folder: TempDir,
}

impl Bench {
    fn new() -> Bench {
        let folder = tempfile::tempdir().expect("a folder");
        let (control, requests) = control(Some(folder.path()));
        Bench { front: front(&control), control, requests: Some(requests), folder }
    }

    /// Starts what answers.
    fn answering(mut self) -> Bench {
        answering(self.requests.take().expect("it is not answered yet"), engine_with(&EVENTS), None);
        self
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.send(Request::get(path).body(Body::empty()).expect("a request")).await
    }

    async fn post(&self, path: &str, media: &str, body: &str) -> (u16, Value) {
        let request = Request::post(path).header(header::CONTENT_TYPE, media);
        self.send(request.body(Body::from(body.to_owned())).expect("a request")).await
    }

    async fn send(&self, request: Request<Body>) -> (u16, Value) {
        let answer = self.front.answer(&Peer::Owner, request).await;
        let (head, body) = answer.into_parts();
        let body = to_bytes(body, 1 << 20).await.expect("a body");
        (head.status.as_u16(), serde_json::from_slice(&body).expect("JSON"))
    }
}

/// An API for everybody on this machine.
fn api() -> Api {
    Api {
        listen: "127.0.0.1:0".parse().expect("an address"),
        tokens: None,
        hosts: Vec::new(),
        tls: None,
        clients: Vec::new(),
        limits: ApiLimits::default(),
        audit: None,
    }
}

/// What leads requests to handlers.
fn leading(control: &Control) -> Arc<RwLock<Router>> {
    Arc::new(RwLock::new(routes::router(control.clone())))
}

/// What answers over a socket and at an address.
fn server(control: &Control, api: Option<&Api>) -> Server {
    Server::new(control.clone(), Arc::new(SystemClock), api, no_audit())
}

/// What nobody answers.
pub fn unanswered() -> Control {
    control(None).0
}

/// What answers requests of the owner.
pub fn front(control: &Control) -> Front {
    let (stop, stopped) = watch::channel(false);
    // Nobody stops it.
    std::mem::forget(stop);
    let gate = Gate::for_owner(Arc::new(SystemClock));
    Front::new(gate, leading(control), &ApiLimits::default(), no_audit(), Ending::new(stopped))
}

/// What is changed stands in the log alone.
fn no_audit() -> Audit {
    Audit::open(None).expect("there is nothing to be opened")
}

/// Two small charges of one card, one of another.
const EVENTS: [&str; 3] = [
    r#"{"card": "c1", "amount": 1.0, "at": "2026-03-01T08:00:00Z"}"#,
    r#"{"card": "c2", "amount": 2.0, "at": "2026-03-01T08:01:00Z"}"#,
    r#"{"card": "c1", "amount": 3.0, "at": "2026-03-01T08:02:00Z"}"#,
];

fn detail(answer: &(u16, Value)) -> (u16, &str, &str) {
    let text = |name: &str| answer.1[name].as_str().expect("a text");
    (answer.0, text("type").strip_prefix(problem::TYPES).expect("a type"), text("detail"))
}

#[tokio::test]
async fn health_is_told_with_its_reasons() {
    let bench = Bench::new();
    assert_eq!(bench.get("/livez").await, (200, json!({"status": "ok"})));
    let (status, body) = bench.get("/readyz").await;
    assert_eq!((status, &body["reasons"][0]["part"]), (503, &json!("service")));
    let health = bench.control.health();
    health.started();
    assert_eq!(bench.get("/readyz").await, (200, json!({"status": "ok"})));
    health.ask_for_notes(|| vec![Trouble { part: "sink desk".into(), why: "it is down".into() }]);
    let notes = json!([{"part": "sink desk", "why": "it is down"}]);
    assert_eq!(bench.get("/readyz").await, (200, json!({"status": "degraded", "notes": notes})));
    health.trouble(ServicePart::Store, "the disk is full");
    let reasons = json!([{"part": "store", "why": "the disk is full"}]);
    let failing = json!({"status": "failing", "reasons": reasons, "notes": notes});
    assert_eq!(bench.get("/readyz").await, (503, failing));
    assert_eq!(bench.get("/livez").await.0, 200);
    health.failed("a shard has failed");
    assert_eq!(bench.get("/livez").await.0, 503);
}

#[tokio::test]
async fn partial_matches_are_shown_by_rule_and_key() {
    let bench = Bench::new().answering();
    let (status, all) = bench.get("/v1/state").await;
    assert_eq!((status, &all["total"], &all["event_time"]), (200, &json!(3), &json!("2026-03-01T08:02:00Z")));
    let (_, one) = bench.get("/v1/state?rule=testing&key=card%3Dc1&limit=1").await;
    assert_eq!(one["rules"][0]["keys"], json!(1));
    let first = &one["partial_matches"][0];
    assert_eq!(first["key"], json!({"card": "c1"}));
    assert_eq!(first["step"], json!({"number": 2, "of": 2, "element": "big", "taken": 0}));
    assert_eq!((&first["until"], &first["then"]), (&json!("2026-03-01T09:00:00Z"), &json!("dropped")));
    assert_eq!(first["captured"][1]["record"]["amount"], json!(3.0));
    assert_eq!((&first["of_key"], &one["total"]), (&json!(2), &json!(2)));
    let waits: Vec<_> =
        first["waits_for"].as_array().expect("a list").iter().map(|wait| &wait["event"]).collect();
    assert_eq!(waits, ["small", "big"]);
    let (_, none) = bench.get("/v1/state?key=c3").await;
    assert_eq!((&none["total"], &none["partial_matches"]), (&json!(0), &json!([])));
}

#[tokio::test]
async fn what_is_asked_wrongly_is_told() {
    let bench = Bench::new().answering();
    let wrong = bench.get("/v1/state?rule=testin").await;
    assert_eq!(detail(&wrong), (404, "no-such-rule", "there is no rule `testin`; did you mean `testing`?"));
    let wrong = bench.get("/v1/state?limit=1001").await;
    assert_eq!(detail(&wrong), (400, "bad-request", "`limit` is a number from 0 to 1000"));
    let wrong = bench.get("/v1/state?cards=1").await;
    let detail_of = "`cards` is not known here; possible are `rule`, `key`, `limit`";
    assert_eq!(detail(&wrong), (400, "bad-request", detail_of));
    let wrong = bench.get("/v1/alerts?reason=silence").await;
    let detail_of = "`reason` cannot be `silence`; did you mean `silenced`?";
    assert_eq!(detail(&wrong), (400, "bad-request", detail_of));
    let wrong = bench.get("/v1/alerts/%ff").await;
    assert_eq!(detail(&wrong).1, "bad-request");
    assert_eq!(detail(&bench.get("/v1/stat").await).1, "no-such-path");
    let wrong = bench.post("/v1/state", JSON, "{}").await;
    assert_eq!(detail(&wrong), (405, "method-not-allowed", "`/v1/state` cannot be asked with POST"));
    let wrong = bench.post("/v1/savepoints", "text/plain", "{}").await;
    assert_eq!(detail(&wrong).0, 415);
    let wrong = bench.post("/v1/savepoints", JSON, "{\"nam\": 1}").await;
    assert_eq!(detail(&wrong).1, "bad-request");
    let wrong = bench.post("/v1/savepoints", JSON, &" ".repeat((1 << 20) + 1)).await;
    assert_eq!(detail(&wrong).0, 413);
    let wrong = bench.post("/v1/savepoints", JSON, r#"{"name": "../../etc/passwd"}"#).await;
    assert_eq!(detail(&wrong).1, "bad-name");
}

#[tokio::test]
async fn who_asks_a_service_that_has_gone_or_keeps_nothing_is_told() {
    let mut bench = Bench::new();
    drop(bench.requests.take());
    assert_eq!(detail(&bench.get("/v1/state").await).1, "stopping");
    let (without, _requests) = control(None);
    let bench = Bench { front: front(&without), ..bench };
    assert_eq!(detail(&bench.get("/v1/savepoints").await).1, "no-state");
    assert_eq!(detail(&bench.post("/v1/savepoints", JSON, "{}").await).1, "no-state");
}

#[tokio::test]
async fn a_service_is_asked_over_the_socket_in_its_folder() {
    // Too long for a socket by itself.
    let bench = Bench::new().answering();
    let state = bench.folder.path().join("long".repeat(30));
    std::fs::create_dir(&state).expect("a folder");
    assert!(Client::find(&state).expect("it can be looked").is_none());
    let mut server = server(&bench.control, None);
    server.listen_in(&state).expect("it can listen");
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(state.join(socket::NAME)).expect("a socket").permissions(),
    );
    assert_eq!(mode & 0o777, socket::MODE);
    let client = Client::find(&state).expect("it can be looked").expect("one runs");
    let view = client.state(&StateQuery { key: vec!["c2".into()], ..query() }).await.expect("an answer");
    assert_eq!((view.total, view.partial_matches.len()), (1, 1));
    let wrong = client.state(&StateQuery { rule: Some("x".into()), ..query() }).await;
    assert!(matches!(wrong, Err(ClientError::Refused(why)) if why == "there is no rule `x`"));
    let wrong = client.savepoint(Some("a/b")).await;
    assert!(matches!(wrong, Err(ClientError::Refused(_))));
    server.stop().await;
    assert!(!state.join(socket::NAME).exists(), "it is removed at the end");
    assert!(Client::find(&state).expect("it can be looked").is_none());
}

#[tokio::test]
async fn over_the_network_only_requests_for_this_machine_are_answered() {
    let bench = Bench::new();
    let mut server = server(&bench.control, None);
    let address = server.listen(&api()).await.expect("a free port");
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().expect("a client");
    let get = |host: &str| http.get(format!("http://{address}/livez")).header("host", host).send();
    assert_eq!(get("localhost").await.expect("an answer").status().as_u16(), 200);
    assert_eq!(get("evil.example.com").await.expect("an answer").status().as_u16(), 421);
    server.stop().await;
}

/// More than there are places.
const MANY: usize = 200;

#[tokio::test]
async fn who_leaves_an_answer_without_an_end_leaves_its_place() {
    let bench = Bench::new();
    let limits = ApiLimits { connections: MANY / 4, streams: MANY / 5, ..ApiLimits::default() };
    let api = Api { limits, ..api() };
    let mut server = server(&bench.control, Some(&api));
    let address = server.listen(&api).await.expect("a free port");
    for number in 0..MANY {
        let mut reader = TcpStream::connect(address).await.expect("a connection");
        let asked = b"GET /v1/alerts/stream HTTP/1.1\r\nhost: localhost\r\n\r\n";
        reader.write_all(asked).await.expect("sent");
        let mut head = [0; 12];
        let read = timeout(Duration::from_secs(10), reader.read_exact(&mut head)).await;
        read.unwrap_or_else(|_| panic!("reader {number} has no place")).expect("an answer");
        assert_eq!(&head, b"HTTP/1.1 200");
    }
    server.stop().await;
}
