//! Wrong, missing, expired and insufficient tokens on every route of the table; requests for others.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, Response, StatusCode, header};
use serde_json::{Value, json};

use super::{Bench, api, leading};
use crate::access::{Entry, Role, Token, TokenSet};
use crate::api::audit::Audit;
use crate::api::front::{Ending, Front};
use crate::api::gate::{Gate, Peer};
use crate::api::problem::{Kind, Problem};
use crate::api::routes::{ROUTES, Route};
use crate::config::{Api, AuditSettings};
use crate::event::Timestamp;
use crate::runtime::control::Control;
use crate::source::Clock;
use crate::watch;

/// It stands still.
struct Stopped(Timestamp);

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        self.0
    }
}

const ROLES: [Role; 3] = [Role::Read, Role::Operate, Role::Admin];

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("a time")
}

pub fn token(role: Role) -> Token {
    Token::new([role as u8; 32])
}

fn expired() -> Token {
    Token::new([100; 32])
}

/// A token of each role, and one that has expired.
fn write_tokens(path: &Path) {
    let mut tokens = TokenSet::default();
    for role in ROLES {
        let sha256 = token(role).digest();
        let expires = Some(at("2027-01-01T00:00:00Z"));
        let entry = Entry { name: role.name().into(), role, sha256, created: None, expires };
        tokens.add(entry).expect("it is new");
    }
    let expires = Some(at("2026-11-22T08:00:00Z"));
    let sha256 = expired().digest();
    let old = Entry { name: "old".into(), role: Role::Admin, sha256, created: None, expires };
    tokens.add(old).expect("it is new");
    std::fs::write(path, tokens.text()).expect("it can be written");
}

/// An API that wants tokens.
pub struct Guarded {
    pub front: Front,
    pub tokens: PathBuf,
    /// The file of the audit log.
    pub audit: PathBuf,
    pub stop: watch::Sender<bool>,
    bench: Bench,
}

impl Guarded {
    pub fn new(change: impl FnOnce(&mut Api)) -> Guarded {
        let mut bench = Bench::new();
        // Nobody answers: what is asked for does not matter here.
        drop(bench.requests.take());
        let tokens = bench.folder.path().join("tokens.toml");
        write_tokens(&tokens);
        let audit = bench.folder.path().join("audit.jsonl");
        let settings = AuditSettings { file: audit.clone(), rotate_size: 64 << 10, keep: 2 };
        let mut api = Api { tokens: Some(tokens.clone()), audit: Some(settings), ..api() };
        change(&mut api);
        let clock = Arc::new(Stopped(at("2026-11-22T08:00:00Z")));
        let (stop, stopped) = watch::channel(false);
        let log = Audit::open(api.audit.as_ref()).expect("it can be opened");
        let gate = Gate::new(&api, clock, log.clone()).expect("there are tokens");
        let front = Front::new(gate, leading(&bench.control), &api.limits, log, Ending::new(stopped));
        Guarded { front, tokens, audit, stop, bench }
    }

    pub fn control(&self) -> &Control {
        &self.bench.control
    }

    /// What the audit log has.
    pub fn records(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.audit).expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    pub fn change_tokens(&self, change: impl FnOnce(&mut TokenSet)) {
        let done = crate::access::file::change(&self.tokens, |tokens| {
            change(tokens);
            anyhow::Ok(())
        });
        done.expect("it can be changed");
    }

    pub async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let address = "192.0.2.7:4711".parse().expect("an address");
        self.front.answer(&Peer::Network { address, certificate: None }, request).await
    }

    pub async fn send(&self, request: Request<Body>) -> (StatusCode, Option<Kind>, HeaderMap) {
        let answer = self.answer(request).await;
        (answer.status(), answer.extensions().get().map(Problem::kind), answer.headers().clone())
    }

    /// Asks for a route, with these values of `Authorization`.
    async fn ask(&self, route: &Route, authorization: &[&str]) -> (StatusCode, Option<Kind>) {
        let mut request = Request::builder().method(&route.method).uri(route.path.replace(['{', '}'], ""));
        request = request.header(header::HOST, "localhost").header(header::CONTENT_TYPE, "application/json");
        for value in authorization {
            request = request.header(header::AUTHORIZATION, *value);
        }
        let (status, kind, headers) = self.send(request.body(Body::from("{}")).expect("a request")).await;
        let is_challenged = headers.contains_key(header::WWW_AUTHENTICATE);
        assert_eq!(status == StatusCode::UNAUTHORIZED, is_challenged, "{}", route.path);
        (status, kind)
    }
}

pub fn of(token: &Token) -> String {
    format!("Bearer {}", token.reveal())
}

#[tokio::test(start_paused = true)]
async fn every_route_wants_a_token_that_counts_and_has_its_role() {
    let guarded = Guarded::new(|_| {});
    for route in ROUTES.iter() {
        let name = format!("{} {}", route.method, route.path);
        let wrong = [
            (vec![], Kind::Unauthorized),
            (vec![of(&Token::new([77; 32]))], Kind::InvalidToken),
            (vec![of(&token(Role::Admin))[..70].to_owned()], Kind::InvalidToken),
            (vec![token(Role::Admin).digest().to_string()], Kind::InvalidToken),
            (vec![of(&expired())], Kind::InvalidToken),
            (vec!["Basic YWRtaW46YWRtaW4=".into()], Kind::InvalidToken),
            (vec![of(&token(Role::Admin)), of(&token(Role::Admin))], Kind::InvalidToken),
        ];
        for (given, expected) in wrong {
            let given: Vec<&str> = given.iter().map(String::as_str).collect();
            let (status, kind) = guarded.ask(route, &given).await;
            match route.role {
                Some(_) => {
                    assert_eq!((status, kind), (expected.status(), Some(expected)), "{name}: {given:?}")
                }
                None => assert!(!matches!(status.as_u16(), 401 | 403), "{name}: {given:?}: {status}"),
            }
        }
        for role in ROLES {
            let (status, kind) = guarded.ask(route, &[&of(&token(role))]).await;
            let is_refused = matches!(status.as_u16(), 401 | 403);
            let is_enough = route.role.is_none_or(|needed| role >= needed);
            assert_eq!(is_refused, !is_enough, "{name} with {role}: {status} {kind:?}");
            assert!(is_enough || kind == Some(Kind::Forbidden), "{name} with {role}: {kind:?}");
        }
    }
}

#[tokio::test]
async fn tokens_that_are_revoked_or_made_count_from_the_next_request_on() {
    let guarded = Guarded::new(|_| {});
    let me = ROUTES.iter().find(|route| route.path == "/v1/me").expect("it is there");
    let ask = |token: Token| {
        let guarded = &guarded;
        async move { guarded.ask(me, &[&of(&token)]).await.0.as_u16() }
    };
    assert_eq!((ask(token(Role::Read)).await, ask(expired()).await), (200, 401));
    guarded.change_tokens(|tokens| drop(tokens.remove("read")));
    assert_eq!((ask(token(Role::Read)).await, ask(token(Role::Admin)).await), (401, 200));
    // A file that makes no sense, or is gone, lets in those of before, and nobody else.
    std::fs::write(&guarded.tokens, "x").expect("it can be written");
    assert_eq!((ask(token(Role::Read)).await, ask(token(Role::Admin)).await), (401, 200));
    std::fs::remove_file(&guarded.tokens).expect("it is there");
    assert_eq!((ask(token(Role::Read)).await, ask(token(Role::Admin)).await), (401, 200));
    // Written twice, it is another file that says the same.
    for _ in 0..2 {
        write_tokens(&guarded.tokens);
        assert_eq!(ask(token(Role::Read)).await, 200);
    }
    let records = guarded.records();
    let shown = |record: &Value| {
        let (who, action, target) = (&record["who"], &record["action"], &record["target"]);
        let path = guarded.tokens.to_str().expect("text");
        assert_eq!((who, action, target), (&json!("file"), &json!("tokens"), &json!(path)), "{record}");
        let names = |name: &str| {
            let all = record[name].as_array().expect("a list").iter();
            all.map(|one| one["name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
        };
        (names("before"), names("after"))
    };
    let changes: Vec<_> = records.iter().map(shown).collect();
    let read = || vec!["read".to_owned()];
    assert_eq!(changes, [(read(), vec![]), (vec![], read())], "{records:?}");
}

#[tokio::test]
async fn why_a_service_is_not_well_is_told_to_those_who_may_look() {
    let guarded = Guarded::new(|_| {});
    let ask = |authorization: Option<String>| {
        let mut request = Request::get("/readyz").header(header::HOST, "localhost");
        if let Some(value) = authorization {
            request = request.header(header::AUTHORIZATION, value);
        }
        let request = request.body(Body::empty()).expect("a request");
        let address = "192.0.2.7:4711".parse().expect("an address");
        let peer = Peer::Network { address, certificate: None };
        let front = guarded.front.clone();
        async move {
            let answer = front.answer(&peer, request).await;
            let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
            String::from_utf8(body.to_vec()).expect("text")
        }
    };
    assert_eq!(ask(None).await, r#"{"status":"failing"}"#);
    assert_eq!(ask(Some(of(&expired()))).await, r#"{"status":"failing"}"#);
    assert!(ask(Some(of(&token(Role::Read)))).await.contains("it starts"));
}

#[tokio::test]
async fn requests_for_others_and_of_pages_of_others_are_refused() {
    let guarded = Guarded::new(|api| api.hosts = vec!["tripline.example.com".into()]);
    let ask = |target: &str, hosts: &[&str], origin: Option<&str>| {
        let mut request = Request::builder().method(Method::GET).uri(target);
        for host in hosts {
            request = request.header(header::HOST, *host);
        }
        if let Some(origin) = origin {
            request = request.header(header::ORIGIN, origin);
        }
        let request = request.body(Body::empty()).expect("a request");
        let guarded = &guarded;
        async move {
            let (status, kind, headers) = guarded.send(request).await;
            assert!(!headers.keys().any(|name| name.as_str().starts_with("access-control")));
            (status.as_u16(), kind)
        }
    };
    for hosts in [&["localhost:7070"][..], &["127.0.0.1"], &["tripline.example.com"]] {
        assert_eq!(ask("/v1/openapi.json", hosts, None).await, (200, None));
    }
    for hosts in [&[][..], &["example.com"], &["10.0.0.1"], &["localhost", "localhost"], &[""]] {
        assert_eq!(ask("/v1/openapi.json", hosts, None).await, (421, Some(Kind::OtherHost)), "{hosts:?}");
    }
    let (status, _) = ask("http://example.com/v1/openapi.json", &["localhost"], None).await;
    assert_eq!(status, 421, "what the request line names counts, too");
    let local = &["localhost:7070"][..];
    for (origin, expected) in [
        ("http://localhost:7070", (200, None)),
        ("https://tripline.example.com", (200, None)),
        ("http://localhost:3000", (403, Some(Kind::OtherOrigin))),
        ("https://example.com", (403, Some(Kind::OtherOrigin))),
        ("null", (403, Some(Kind::OtherOrigin))),
    ] {
        assert_eq!(ask("/v1/openapi.json", local, Some(origin)).await, expected, "{origin}");
    }
}
