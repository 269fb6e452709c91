//! A registry that is asked over HTTP: what it says, and what it is like when it does not answer.

mod server;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{advance, timeout};

use self::server::Server;
use super::*;
use crate::codec::schemas::{Kind, Registered};

const ABSENT_FOR: Duration = Duration::from_secs(30);

fn settings(urls: &[&str]) -> Settings {
    Settings {
        urls: urls.iter().map(|url| Url::parse(url).expect("a URL")).collect(),
        credentials: Credentials::None,
        ca: None,
        timeout: Duration::from_secs(5),
        backoff: Backoff { first: Duration::from_millis(1), most: Duration::from_millis(4) },
        absent_for: ABSENT_FOR,
    }
}

fn registry(settings: &Settings) -> Registry {
    let metrics = Arc::new(RegistryMetrics::new("main"));
    Registry::new("main", settings, metrics).expect("it can be asked")
}

async fn schema(registry: &Registry, id: u32) -> Arc<Registered> {
    match registry.fetch(SchemaId::Number(id)).await {
        Answer::Schema(schema) => schema,
        Answer::Absent(why) => panic!("there is no schema {id}: {why}"),
    }
}

async fn absence(registry: &Registry, id: SchemaId) -> String {
    match registry.fetch(id).await {
        Answer::Schema(schema) => panic!("there is a schema: {schema:?}"),
        Answer::Absent(why) => why.to_string(),
    }
}

#[tokio::test]
async fn a_schema_is_asked_for_once() {
    let server = Server::start().await;
    server.says("/schemas/ids/7", 200, r#"{"schema": "\"int\""}"#);
    let registry = registry(&settings(&[&server.url("")]));
    for _ in 0..3 {
        let found = schema(&registry, 7).await;
        assert_eq!((found.kind, &*found.text), (Kind::Avro, "\"int\""));
    }
    assert_eq!(server.requests(), ["/schemas/ids/7"]);
    assert_eq!((registry.metrics.requests.get(), registry.metrics.schemas.get()), (1, 1));
}

#[tokio::test]
async fn many_that_want_one_schema_ask_once() {
    let server = Server::start().await;
    server.says("/schemas/ids/7", 200, r#"{"schema": "\"int\""}"#);
    let registry = registry(&settings(&[&server.url("")]));
    tokio::join!(schema(&registry, 7), schema(&registry, 7), schema(&registry, 7));
    assert_eq!(server.requests().len(), 1);
    assert!(lock(&registry.asked).is_empty());
}

#[tokio::test]
async fn a_guid_has_a_path_of_its_own() {
    let server = Server::start().await;
    let guid = "01020304-0506-0708-090a-0b0c0d0e0f10";
    server.says(&format!("/schemas/guids/{guid}"), 200, r#"{"schema": "{}", "schemaType": "JSON"}"#);
    let registry = registry(&settings(&[&server.url("")]));
    let id = SchemaId::Guid(std::array::from_fn(|index| index as u8 + 1));
    let Answer::Schema(found) = registry.fetch(id).await else { panic!("there is no schema") };
    assert_eq!(found.kind, Kind::Json);
}

#[tokio::test]
async fn references_come_with_it_each_behind_what_it_needs() {
    let server = Server::start().await;
    let with = |schema: &str, references: &[&str]| {
        let references: Vec<_> = references
            .iter()
            .map(|name| serde_json::json!({"name": name, "subject": format!("subject {name}"), "version": 2}))
            .collect();
        serde_json::json!({"schema": schema, "schemaType": "PROTOBUF", "references": references}).to_string()
    };
    server.says("/api/schemas/ids/1", 200, &with("top", &["b", "a"]));
    server.says("/api/subjects/subject%20a/versions/2", 200, &with("A", &[]));
    // A circle, which no registry should have, ends nevertheless.
    server.says("/api/subjects/subject%20b/versions/2", 200, &with("B", &["a", "b"]));
    let registry = registry(&settings(&[&server.url("/api/")]));
    let found = schema(&registry, 1).await;
    let order: Vec<&str> = found.references.iter().map(|reference| &*reference.text).collect();
    assert_eq!((&*found.text, order), ("top", vec!["A", "B"]));
    server.says("/api/schemas/ids/2", 200, &with("top", &["c"]));
    server.says(
        "/api/subjects/subject%20c/versions/2",
        404,
        r#"{"error_code": 40402, "message": "Version not found"}"#,
    );
    assert_eq!(
        absence(&registry, SchemaId::Number(2)).await,
        "it refers to `c`, version 2 of the subject `subject c`: Version not found"
    );
}

#[tokio::test(start_paused = true)]
async fn that_there_is_no_schema_is_asked_again_after_a_while() {
    let server = Server::start().await;
    server.says("/schemas/ids/7", 404, r#"{"error_code": 40403, "message": "Schema 7 not found"}"#);
    let registry = registry(&settings(&[&server.url("")]));
    for _ in 0..2 {
        assert_eq!(absence(&registry, SchemaId::Number(7)).await, "Schema 7 not found");
    }
    assert_eq!(server.requests().len(), 1);
    server.says("/schemas/ids/7", 200, r#"{"schema": "\"int\""}"#);
    advance(ABSENT_FOR).await;
    schema(&registry, 7).await;
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn whatever_is_no_answer_is_waited_for() {
    for (status, body) in [
        (500, "{}"),
        (503, ""),
        (429, ""),
        (401, r#"{"error_code": 401}"#),
        (404, "<html>not a registry</html>"),
        (404, r#"{"error_code": 404, "message": "HTTP 404 Not Found"}"#),
        (302, ""),
        (200, "<html>"),
        // What is no schema of Avro says something else.
        (500, r#"{"error_code": 40403}"#),
    ] {
        let server = Server::start().await;
        server.says("/schemas/ids/7", status, body);
        let registry = registry(&settings(&[&server.url("")]));
        let mut fetch = Box::pin(schema(&registry, 7));
        while server.requests().len() < 3 {
            // It asks again and again, and never says that there is none.
            assert!(timeout(Duration::from_millis(1), &mut fetch).await.is_err(), "{status} {body}");
        }
        assert_eq!(registry.metrics.waiting.get(), 1);
        server.says("/schemas/ids/7", 200, r#"{"schema": "\"int\""}"#);
        fetch.await;
        assert_eq!(registry.metrics.waiting.get(), 0);
        assert!(registry.metrics.failures.get() >= 2);
    }
}

#[tokio::test]
async fn another_address_is_asked_when_one_does_not_answer() {
    let (broken, server) = (Server::start().await, Server::start().await);
    broken.says("/schemas/ids/7", 500, "");
    server.says("/schemas/ids/7", 200, r#"{"schema": "\"int\""}"#);
    server.says("/schemas/ids/8", 200, r#"{"schema": "\"int\""}"#);
    // Nobody listens at the first.
    let urls = ["http://127.0.0.1:1", &broken.url(""), &server.url("")];
    let registry = registry(&settings(&urls));
    schema(&registry, 7).await;
    schema(&registry, 8).await;
    assert_eq!(broken.requests(), ["/schemas/ids/7"], "the one that answered is asked first");
    assert_eq!(registry.metrics.failures.get(), 0);
}

#[tokio::test]
async fn it_says_who_asks() {
    let server = Server::start().await;
    server.says("/schemas/ids/7", 200, r#"{"schema": "\"int\""}"#);
    let basic = Credentials::Basic { user: "ada".into(), password: Secret::text("password", "pa:ss") };
    for (credentials, header) in [
        (Credentials::None, None),
        (basic, Some("Basic YWRhOnBhOnNz")),
        (Credentials::Bearer(Secret::text("token", "token")), Some("Bearer token")),
    ] {
        let settings = Settings { credentials, ..settings(&[&server.url("")]) };
        schema(&registry(&settings), 7).await;
        assert_eq!(server.authorization().as_deref(), header);
    }
}
