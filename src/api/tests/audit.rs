//! That everything that is changed leaves a record, and what stands in it.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::access::{Guarded, of, token};
use crate::access::Role;
use crate::api::answer::JSON;
use crate::api::audit::Audit;
use crate::api::routes::ROUTES;
use crate::config::AuditSettings;
use crate::event::Timestamp;
use crate::routing::{NewSilence, Silence};
use crate::runtime::control::Control;
use crate::runtime::routing::desk;

const SILENCE: &str = r#"{"match": {"rules": ["testing"]}, "ends": "2026-11-23T08:00:00Z", "author": "ana", "comment": "we know"}"#;

/// The silence that there is.
fn silence() -> Silence {
    let NewSilence { matcher, ends, author, comment, .. } = serde_json::from_str(SILENCE).expect("a silence");
    let at = Timestamp::parse("2026-11-22T08:00:00Z").expect("a time");
    Silence { id: "5f3c".into(), matcher, starts: at, ends, author, comment, created: at, ended_by: None }
}

/// Answers what is asked of silences after that time; of nothing else is there anything.
fn attend(control: &Control, after: Duration) {
    let desk = control.desk().clone();
    tokio::spawn(async move {
        sleep(after).await;
        loop {
            for request in desk.take() {
                let _ = match request {
                    desk::Request::Silences(reply) => reply.send(Ok(vec![silence()])).is_ok(),
                    desk::Request::Silence(_, reply) => reply.send(Ok(silence())).is_ok(),
                    desk::Request::EndSilence(by, reply) => {
                        reply.send(Ok(Silence { ended_by: Some(by.said.by), ..silence() })).is_ok()
                    }
                    _ => false,
                };
            }
            sleep(Duration::from_millis(10)).await;
        }
    });
}

fn ask(method: &Method, path: &str, role: Role, body: &str) -> Request<Body> {
    let request = Request::builder().method(method).uri(path).header(header::HOST, "localhost");
    let request = request.header(header::CONTENT_TYPE, JSON).header(header::AUTHORIZATION, of(&token(role)));
    request.body(Body::from(body.to_owned())).expect("a request")
}

#[tokio::test(start_paused = true)]
async fn every_route_that_changes_something_leaves_a_record() {
    let guarded = Guarded::new(|_| {});
    attend(guarded.control(), Duration::ZERO);
    let mut expected = Vec::new();
    for route in ROUTES.iter() {
        let path = route.path.replace(['{', '}'], "");
        let (status, kind, _) = guarded.send(ask(&route.method, &path, Role::Admin, "{}")).await;
        if route.changes() {
            let outcome = kind.map_or("done", |kind| kind.name());
            expected.push((format!("{} {}", route.method, route.path), outcome, status.as_u16()));
        }
    }
    assert!(expected.len() > 8, "{expected:?}");
    let records = guarded.records();
    let found: Vec<_> = records
        .iter()
        .map(|record| {
            let text = |name: &str| record[name].as_str().expect("a text");
            assert_eq!((text("who"), text("by"), text("role")), ("admin", "token", "admin"), "{record}");
            assert_eq!((text("from"), text("time")), ("192.0.2.7", "2026-11-22T08:00:00Z"), "{record}");
            let status = u16::try_from(record["status"].as_u64().expect("a number")).expect("a status");
            (text("action").to_owned(), text("outcome"), status)
        })
        .collect();
    assert_eq!(found, expected);
}

#[tokio::test(start_paused = true)]
async fn a_record_says_who_what_and_how_it_was_before_and_after() {
    let guarded = Guarded::new(|_| {});
    attend(guarded.control(), Duration::ZERO);
    let post = |path: &'static str, role, body: &'static str| {
        let guarded = &guarded;
        async move { guarded.send(ask(&Method::POST, path, role, body)).await.0.as_u16() }
    };
    assert_eq!(post("/v1/silences", Role::Operate, SILENCE).await, 201);
    assert_eq!(post("/v1/silences/5f/end", Role::Operate, r#"{"by": "ana"}"#).await, 200);
    assert_eq!(post("/v1/silences/5f/end", Role::Operate, r#"{"by": 1}"#).await, 400);
    assert_eq!(post("/v1/silences/5f/end", Role::Read, r#"{"by": "ana"}"#).await, 403);
    let before = serde_json::to_value(silence()).expect("JSON");
    let mut after = before.clone();
    after["ended_by"] = json!("ana");
    let head = json!({
        "time": "2026-11-22T08:00:00Z", "who": "operate", "by": "token", "role": "operate", "from": "192.0.2.7",
    });
    let with = |rest: Value| {
        let (mut all, Value::Object(rest)) = (head.clone(), rest) else { unreachable!("it is an object") };
        all.as_object_mut().expect("an object").extend(rest);
        all
    };
    let mut records = guarded.records();
    let why = records[2].as_object_mut().and_then(|record| record.remove("why")).expect("it says why");
    assert!(why.as_str().is_some_and(|why| why.contains("the body cannot be read")), "{why}");
    let end = "POST /v1/silences/{id}/end";
    let expected = [
        with(json!({"action": "POST /v1/silences", "target": "5f3c", "outcome": "done", "status": 201,
            "before": null, "after": before})),
        with(json!({"action": end, "target": "5f3c", "outcome": "done", "status": 200, "before": before,
            "after": after})),
        with(json!({"action": end, "target": "5f", "outcome": "bad-request", "status": 400, "before": null,
            "after": null})),
    ];
    assert_eq!(records, expected, "whoever may not do something changes nothing");
}

#[tokio::test(start_paused = true)]
async fn a_change_is_made_and_recorded_although_nobody_waits_for_it() {
    let guarded = Guarded::new(|_| {});
    attend(guarded.control(), Duration::from_secs(100));
    let status = guarded.send(ask(&Method::POST, "/v1/silences", Role::Operate, SILENCE)).await.0;
    assert_eq!((status.as_u16(), guarded.records().len()), (503, 0), "it takes too long");
    {
        let gone = guarded.answer(ask(&Method::POST, "/v1/silences", Role::Admin, SILENCE));
        assert!(tokio::time::timeout(Duration::from_secs(1), gone).await.is_err(), "whoever asked goes away");
    }
    sleep(Duration::from_secs(100)).await;
    let mut who: Vec<_> = guarded.records().into_iter().map(|record| record["who"].clone()).collect();
    who.sort_unstable_by_key(Value::to_string);
    assert_eq!(who, ["admin", "operate"]);
}

#[tokio::test(start_paused = true)]
async fn the_audit_log_is_bounded() {
    let guarded = Guarded::new(|_| {});
    let path = format!("/v1/silences/{}/end", "x".repeat(16 << 10));
    for _ in 0..20 {
        guarded.send(ask(&Method::POST, &path, Role::Admin, r#"{"by": 1}"#)).await;
    }
    let folder = guarded.audit.parent().expect("it has a folder");
    let mut sizes = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        if entry.file_name().to_string_lossy().starts_with("audit.jsonl") {
            sizes.push(entry.metadata().expect("it is there").len());
        }
    }
    assert!(sizes.len() == 3 && sizes.iter().all(|size| *size <= 64 << 10), "{sizes:?}");
}

#[test]
fn an_audit_log_that_cannot_be_opened_is_told_at_the_start() {
    let file = tempfile::tempdir().expect("a folder").path().join("gone").join("audit.jsonl");
    let settings = AuditSettings { file, rotate_size: 64 << 10, keep: 2 };
    let why = Audit::open(Some(&settings)).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(why.starts_with("cannot open the audit log `") && why.contains("api.audit.file"), "{why}");
}
