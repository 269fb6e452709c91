//! A webhook that is received, and verified by the library that receivers use.

use std::collections::BTreeMap;
use std::path::PathBuf;

use standardwebhooks::Webhook;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;
use crate::sink::http::addresses::Rule;
use crate::sink::sample;
use crate::sink::template::Makes;

const ONE: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

fn settings(url: &str) -> Settings {
    let http = http::Settings { timeout: Duration::from_secs(10), ca: None, addresses: Rule::default() };
    Settings { url: Secret::text("url", url), secret: None, headers: Vec::new(), template: None, http }
}

/// Takes one request, which is its headers and its body, and answers it.
async fn receiver(answer: &'static str) -> (String, JoinHandle<(BTreeMap<String, String>, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/alerts", listener.local_addr().expect("an address"));
    let request = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
        loop {
            let read = stream.read(&mut buffer).await.expect("a request");
            text.extend_from_slice(&buffer[..read]);
            let shown = String::from_utf8_lossy(&text).into_owned();
            let Some((head, body)) = shown.split_once("\r\n\r\n") else { continue };
            let lines = head.lines().skip(1).filter_map(|line| line.split_once(": "));
            let headers: BTreeMap<_, _> =
                lines.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
            if headers["content-length"].parse::<usize>().expect("a number") == body.len() {
                stream.write_all(answer.as_bytes()).await.expect("it listens");
                return (headers, body.to_owned());
            }
        }
    });
    (url, request)
}

const FINE: &str = "HTTP/1.1 204 Fine\r\n\r\n";

fn verify(secret: &str, headers: &BTreeMap<String, String>, body: &str) -> bool {
    let map = headers.iter().map(|(name, value)| {
        let name = HeaderName::try_from(name.as_str()).expect("a name");
        (name, HeaderValue::try_from(value.as_str()).expect("a value"))
    });
    let map: HeaderMap = map.collect();
    Webhook::new(secret).expect("it is a secret").verify(body.as_bytes(), &map).is_ok()
}

async fn sent(settings: impl FnOnce(Settings) -> Settings) -> (BTreeMap<String, String>, String) {
    let (url, request) = receiver(FINE).await;
    let sink = WebhookSink::open(&settings(self::settings(&url))).expect("it can be opened");
    let attempt = sink.deliver(&[Arc::new(sample::outgoing("alert_1"))]).await;
    assert!(attempt.failure.is_none() && attempt.delivered == 1, "{attempt:?}");
    request.await.expect("no panic")
}

#[tokio::test]
async fn the_published_library_verifies_what_is_sent_by_each_secret_and_by_no_other() {
    let both = Secret::text("secret", &format!("{ONE} {OTHER}"));
    let (headers, body) = sent(|settings| Settings { secret: Some(both), ..settings }).await;
    assert_eq!((&*headers["webhook-id"], &*headers["content-type"]), ("alert_1", "application/json"));
    assert_eq!(body, sample::outgoing("alert_1").body);
    assert!(verify(ONE, &headers, &body) && verify(OTHER, &headers, &body));
    assert!(!verify("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &headers, &body));
    assert!(!verify(ONE, &headers, &body.replace("info", "high")), "it was signed as it was");
}

#[tokio::test]
async fn a_body_and_headers_can_be_given_and_what_is_signed_is_that_body() {
    let template =
        Template::new("{{ alert.title }}", Makes::Text, &sample::notification("i")).expect("it works");
    let (headers, body) = sent(|settings| Settings {
        secret: Some(Secret::text("secret", ONE)),
        headers: vec![
            (HeaderName::from_static("authorization"), Secret::text("headers", "Bearer t0ken")),
            (CONTENT_TYPE, Secret::text("headers", "text/plain")),
        ],
        template: Some(template),
        ..settings
    })
    .await;
    assert_eq!((&*headers["authorization"], &*headers["content-type"]), ("Bearer t0ken", "text/plain"));
    assert_eq!(body, "A \"test\" from Tripline: nothing is the matter");
    assert!(verify(ONE, &headers, &body));
}

#[tokio::test]
async fn a_receiver_that_says_410_is_gone_and_another_url_is_another_receiver() {
    let (url, _request) = receiver("HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n").await;
    let sink = WebhookSink::open(&settings(&url)).expect("it can be opened");
    let attempt = sink.deliver(&[Arc::new(sample::outgoing("alert_1"))]).await;
    assert!(attempt.failure.is_some_and(|failure| failure.is_gone()));
    let other = WebhookSink::open(&settings("http://127.0.0.1:1/other")).expect("it can be opened");
    assert_ne!(sink.receiver(), other.receiver());
    assert_eq!(sink.receiver().len(), 16);
}

#[tokio::test]
async fn a_name_that_stands_for_an_address_that_may_not_be_sent_to_is_not_connected_to() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://localhost:{}/", listener.local_addr().expect("an address").port());
    let mut strict = settings(&url);
    strict.http.addresses.denies_private = true;
    let sink = WebhookSink::open(&strict).expect("a name may stand for anything");
    let attempt = sink.deliver(&[Arc::new(sample::outgoing("alert_1"))]).await;
    let why = attempt.failure.expect("it may not").to_string();
    assert!(why.contains("is this machine, which is not sent to"), "{why}");
    let connected = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
    assert!(connected.is_err(), "it is not connected to");
}

#[test]
fn what_is_wrong_is_said_when_it_is_opened_and_shows_no_secret() {
    let why = |settings: Settings| {
        let error = WebhookSink::open(&settings).expect_err("it is wrong").to_string();
        assert!(!error.contains("hunter2"), "{error}");
        error
    };
    let plain = || settings("https://example.com/");
    let signing = Settings { secret: Some(Secret::text("secret", "hunter2")), ..plain() };
    assert!(why(signing).starts_with("`secret` cannot be used: a secret to sign with is `whsec_`"));
    let header = vec![(HeaderName::from_static("x-a"), Secret::text("headers.x-a", "hunter2\nx-b: 1"))];
    assert!(why(Settings { headers: header, ..plain() }).contains("`headers.x-a`"));
    assert!(why(settings("ftp://hunter2@example.com")).starts_with("what `url` says is no URL"));
    let mut unknown = plain();
    unknown.http.ca = Some(PathBuf::from("/no/such/file"));
    assert!(why(unknown).contains("`/no/such/file`"));
    assert!(why(settings("http://169.254.169.254/latest")).contains("is a link-local address"));
}
