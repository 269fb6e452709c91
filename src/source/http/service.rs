//! Decides about requests.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, Request, State};
use axum::http::header::CONNECTION;
use axum::http::{HeaderMap, HeaderValue, Method, Response};
use axum::routing::any;
use tokio::sync::Semaphore;
use tracing::warn;

use crate::diagnostic::nearest;
use crate::source::{Inlet, Stop};
use crate::telemetry::catalogue::HttpMetrics;

use super::answer::{Refusal, Taken, answer};
use super::body::{self, Limits, Room};
use super::connection::Conversation;
use super::intake::{Intake, OnBad, Shape};
use super::token::Tokens;
use super::{Known, Settings, media};

/// How many bodies of a source are decoded, or wait decoded for room in the queue, at a time.
const DECODED_AT_ONCE: usize = 4;

/// What answers the requests of a source.
pub struct Service {
    intakes: BTreeMap<Box<str>, Intake>,
    alert_streams: BTreeMap<String, String>,
    tokens: Option<Tokens>,
    limits: Limits,
    room: Room,
    turns: Semaphore,
    stop: Stop,
    metrics: Arc<HttpMetrics>,
    /// One of those of the source, for what concerns no stream.
    any: Inlet,
}

impl Service {
    /// For requests to the streams of `inlets`, of which there is at least one.
    pub fn new(settings: Settings, tokens: Option<Tokens>, known: Known, inlets: Vec<Inlet>) -> Service {
        let any = inlets.first().expect("a source feeds a stream").clone();
        let limits =
            Limits { max_body: settings.max_body, read_timeout: settings.read_timeout, wait: settings.wait };
        let intake = |inlet: Inlet| {
            let name: Box<str> = inlet.identity.schema.name.as_str().into();
            (name, Intake::new(inlet, settings.max_records))
        };
        Service {
            intakes: inlets.into_iter().map(intake).collect(),
            alert_streams: known.alert_streams,
            tokens,
            limits,
            room: Room::new(settings.max_bodies),
            turns: Semaphore::new(DECODED_AT_ONCE),
            stop: any.around.stop.clone(),
            metrics: known.metrics,
            any,
        }
    }

    /// How long the head of a request may take.
    pub fn read_timeout(&self) -> Duration {
        self.limits.read_timeout
    }

    /// What leads requests to the service.
    pub fn router(self: Arc<Service>) -> Router {
        Router::new().route("/v1/events/{stream}", any(events)).fallback(nothing).with_state(self)
    }

    async fn take(
        &self,
        stream: Result<Path<String>, PathRejection>,
        request: Request,
        conversation: &Conversation,
    ) -> Result<Taken, Refusal> {
        self.admit(request.headers())?;
        // What cannot be decoded to text is no name.
        let Path(stream) = stream.map_err(|_| Refusal::NoSuchPath)?;
        self.take_in(&stream, request, || conversation.note_unread(false)).await
    }

    /// Whether it feeds that stream.
    pub fn feeds(&self, stream: &str) -> bool {
        self.intakes.contains_key(stream)
    }

    /// Takes the body of a request as records of a stream, whoever has sent it, and says when it has come.
    ///
    /// # Errors
    /// When nothing of it is taken.
    pub async fn take_in(
        &self,
        stream: &str,
        request: Request,
        has_come: impl FnOnce(),
    ) -> Result<Taken, Refusal> {
        let (head, body) = request.into_parts();
        let intake = self.intake(stream)?;
        if head.method != Method::POST {
            return Err(Refusal::Method);
        }
        let on_bad = on_bad(head.uri.query())?;
        let identity = &intake.inlet().identity;
        let lines = media::is_lines(&head.headers, &identity.decoding.format)?;
        let compression = body::compression(&head.headers)?;
        let received = body::receive(&head.headers, body, self.limits, &self.room, self.stop.clone()).await?;
        has_come();
        identity.metrics.bytes.add(received.bytes.len() as u64);
        let received = received.decompress(compression, self.limits.max_body).await?;
        let shape = Shape::of(&received.bytes, &identity.decoding, lines);
        intake.take(&received.bytes, shape, on_bad, &self.turns, self.limits.wait).await
    }

    fn admit(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        match &self.tokens {
            Some(tokens) if !tokens.know(headers) => Err(Refusal::Unauthorized),
            _ => Ok(()),
        }
    }

    fn intake(&self, name: &str) -> Result<&Intake, Refusal> {
        if let Some(intake) = self.intakes.get(name) {
            return Ok(intake);
        }
        let names = || self.intakes.keys().map(|name| &**name);
        let why = match self.alert_streams.get(name) {
            Some(rule) => {
                format!("`{name}` carries the alerts of the rule `{rule}`; nothing can be sent to it")
            }
            None => format!("no stream `{}` is fed here", shortened(name)),
        };
        let meant = nearest(name, names()).map(str::to_owned);
        Err(Refusal::NoSuchStream { why, meant, streams: names().map(str::to_owned).collect() })
    }

    /// Makes the answer, and a note of it in the metrics and the log.
    fn answer(
        &self,
        stream: &str,
        outcome: &Result<Taken, Refusal>,
        conversation: &Conversation,
    ) -> Response<Body> {
        let mut answer = answer(outcome);
        self.metrics.requests.of(answer.status().as_str()).add(1);
        if conversation.is_unread() {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if let Err(refusal) = outcome
            && let Some(held_back) = self.any.reports.may_log()
        {
            warn!(
                source = %self.any.identity.name,
                peer = %conversation.peer,
                stream = ?shortened(stream),
                status = answer.status().as_u16(),
                reason = ?refusal.to_string(),
                not_logged = held_back,
                "refused a request"
            );
        }
        answer
    }
}

async fn events(
    State(service): State<Arc<Service>>,
    Extension(conversation): Extension<Arc<Conversation>>,
    stream: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response<Body> {
    conversation.note_unread(!request.body().is_end_stream());
    let name = stream.as_deref().map_or_else(|_| String::new(), Clone::clone);
    let outcome = service.take(stream, request, &conversation).await;
    service.answer(&name, &outcome, &conversation)
}

async fn nothing(
    State(service): State<Arc<Service>>,
    Extension(conversation): Extension<Arc<Conversation>>,
    request: Request,
) -> Response<Body> {
    conversation.note_unread(!request.body().is_end_stream());
    let outcome = service.admit(request.headers()).and(Err(Refusal::NoSuchPath));
    service.answer("", &outcome, &conversation)
}

/// What the part of the URL after `?` asks for.
fn on_bad(query: Option<&str>) -> Result<OnBad, Refusal> {
    let mut on_bad = OnBad::Refuse;
    for part in query.unwrap_or_default().split('&').filter(|part| !part.is_empty()) {
        on_bad = match part {
            "bad=refuse" => OnBad::Refuse,
            "bad=quarantine" => OnBad::Quarantine,
            other => return Err(Refusal::Query(shortened(other))),
        };
    }
    Ok(on_bad)
}

/// What was sent, for a message.
pub(super) fn shortened(text: &str) -> String {
    const SHOWN: usize = 100;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
