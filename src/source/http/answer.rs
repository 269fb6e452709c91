//! What a request comes to, and how that is said: every answer is a JSON object.
//!
//! What a client has sent is never put anywhere else than into JSON text.

use std::fmt;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde::Serialize;

use crate::journal::{AppendError, Cause};
use crate::source::reader::Rejection;

/// How many of a body's bad records an answer lists.
pub const LISTED: usize = 100;
/// When to come again to a service that stops: it may be back soon.
const AFTER_A_STOP: Duration = Duration::from_secs(5);
/// When to come again while the disk is in trouble.
const AFTER_TROUBLE: Duration = Duration::from_secs(5);

/// A body that has been taken.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// How many of its records are on their way to the engine.
    pub accepted: u64,
    /// Those that were set aside.
    pub bad: Bad,
}

/// The bad records of a body.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Bad {
    /// How many there are.
    pub count: u64,
    /// The first of them.
    pub first: Vec<BadRecord>,
}

/// A record that is no event.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct BadRecord {
    /// Where it stands.
    #[serde(flatten)]
    pub place: Place,
    /// The word for the mistake, as metrics count it.
    pub reason: &'static str,
    /// The mistake, for people.
    pub detail: String,
}

/// How people find a record in the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The line on which it begins, or its number where records are not lines; from 1.
    Line(u64),
    /// Its number in a list, from 1.
    Element(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Line(number) => write!(f, "line {number}"),
            Place::Element(number) => write!(f, "element {number}"),
        }
    }
}

impl Bad {
    /// One more.
    pub fn add(&mut self, place: Place, why: &Rejection) {
        self.count += 1;
        if self.first.len() < LISTED {
            self.first.push(BadRecord { place, reason: why.reason().name(), detail: why.to_string() });
        }
    }
}

/// Why nothing of a request is taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It does not have a token that is known.
    #[error("this needs a token that is known here: `Authorization: Bearer TOKEN`")]
    Unauthorized,
    /// There is nothing at that path.
    #[error("there is nothing here; events go to `/v1/events/STREAM`")]
    NoSuchPath,
    /// The source feeds no stream of that name.
    #[error("{why}")]
    NoSuchStream {
        /// The sentence.
        why: String,
        /// The name that was probably meant.
        meant: Option<String>,
        /// The names there are.
        streams: Vec<String>,
    },
    /// Events are not asked for.
    #[error("events are sent with POST")]
    Method,
    /// The part of the URL after `?` cannot be understood.
    #[error("`{0}` is not known here; possible are `bad=refuse` and `bad=quarantine`")]
    Query(String),
    /// The body is of a type that is not read.
    #[error("the body has the type `{found}`; say `Content-Type: {wanted}`{}", curl(found))]
    MediaType {
        /// What the request says.
        found: String,
        /// What it may say.
        wanted: String,
    },
    /// The body is encoded in a way that is not read.
    #[error("the body has the encoding `{0}`; possible are `gzip` and `zstd`")]
    Encoding(String),
    /// The body is larger than allowed.
    #[error("the body has more than the {limit} bytes that `max_body` allows{}", or(*decompressed))]
    TooLarge {
        /// How many bytes are allowed.
        limit: usize,
        /// Whether it is so only when it has been decompressed.
        decompressed: bool,
    },
    /// The body has more records than allowed.
    #[error("the body has more than the {limit} records that `max_records` allows; send it in parts")]
    TooMany {
        /// How many are allowed.
        limit: usize,
    },
    /// The body did not come in time.
    #[error("the body did not come within {} s", .0.as_secs_f64())]
    Slow(Duration),
    /// The body cannot be read.
    #[error("the body cannot be read: {0}")]
    Unreadable(String),
    /// There is nothing in the body.
    #[error("the body has no records")]
    Empty,
    /// Some records are bad, and the sender wants all of them or none.
    #[error("nothing is taken, because {}", bad(.0))]
    Bad(Bad),
    /// The engine has no room for more.
    #[error("the engine is behind; send it again later")]
    Behind {
        /// After this time.
        retry: Duration,
    },
    /// The service cannot take it.
    #[error("{0}; send it again later")]
    Unavailable(&'static str),
    /// The journal does not take it.
    #[error("records cannot be kept just now: {}; nothing is taken, send it again later", reason(why))]
    NotKept {
        /// Why.
        why: AppendError,
        /// Come again after this time.
        retry: Duration,
    },
    /// It was taken, and then it could not be made sure that it is kept.
    #[error(
        "records cannot be kept just now: {}; this body may be kept once that is over, so that its events may count \
         twice if you send it again",
        trouble(*.0)
    )]
    Uncertain(Cause),
}

fn curl(media: &str) -> &'static str {
    if media == "application/x-www-form-urlencoded" { " (curl has to be told so)" } else { "" }
}

fn or(decompressed: bool) -> &'static str {
    if decompressed { ", when it has been decompressed" } else { "" }
}

/// Why the journal takes nothing, without what is of no concern to clients.
fn reason(why: &AppendError) -> &'static str {
    match why {
        AppendError::Trouble(what) => trouble(what.cause),
        AppendError::Busy { .. } => "the disk is slower than what comes",
        AppendError::Full { .. } => "the journal is full",
        AppendError::EntryTooLarge { .. } | AppendError::BatchTooLarge { .. } => {
            "the body is too large for the journal"
        }
        AppendError::Ended => "the service is stopping",
    }
}

fn trouble(cause: Cause) -> &'static str {
    match cause {
        Cause::Full => "the disk is full",
        Cause::ReadOnly => "the disk may not be written",
        Cause::Gone => "the folder of the journal is not there",
        Cause::NoFolder => "the folder of the journal is none",
        Cause::Broken => "the disk fails",
    }
}

fn bad(bad: &Bad) -> String {
    match bad.count {
        1 => "a record is bad".into(),
        count => format!("{count} records are bad"),
    }
}

impl Refusal {
    /// Its status.
    pub fn status(&self) -> StatusCode {
        match self {
            Refusal::Unauthorized => StatusCode::UNAUTHORIZED,
            Refusal::NoSuchPath | Refusal::NoSuchStream { .. } => StatusCode::NOT_FOUND,
            Refusal::Method => StatusCode::METHOD_NOT_ALLOWED,
            Refusal::Query(_) | Refusal::Unreadable(_) | Refusal::Empty | Refusal::Bad(_) => {
                StatusCode::BAD_REQUEST
            }
            Refusal::MediaType { .. } | Refusal::Encoding(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Refusal::TooLarge { .. } | Refusal::TooMany { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::Slow(_) => StatusCode::REQUEST_TIMEOUT,
            Refusal::Behind { .. } => StatusCode::TOO_MANY_REQUESTS,
            Refusal::Unavailable(_) | Refusal::NotKept { .. } | Refusal::Uncertain(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// The header that the status asks for.
    fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        let words = HeaderValue::from_static;
        Some(match self {
            Refusal::Unauthorized => (header::WWW_AUTHENTICATE, words("Bearer realm=\"tripline\"")),
            Refusal::Method => (header::ALLOW, words("POST")),
            Refusal::Encoding(_) => (header::ACCEPT_ENCODING, words("gzip, zstd")),
            _ => (header::RETRY_AFTER, retry_after(self.wait()?)),
        })
    }

    /// After which time the same may be accepted, if it may.
    pub fn wait(&self) -> Option<Duration> {
        Some(match self {
            Refusal::Behind { retry } => *retry,
            Refusal::NotKept { retry, .. } => (*retry).max(AFTER_TROUBLE),
            Refusal::Uncertain(_) => AFTER_TROUBLE,
            Refusal::Unavailable(_) => AFTER_A_STOP,
            _ => return None,
        })
    }
}

/// What `Retry-After` says of a time: whole seconds, rounded up and not none.
pub fn retry_after(time: Duration) -> HeaderValue {
    HeaderValue::from(time.as_secs_f64().ceil().max(1.0) as u64)
}

/// The body of an answer.
#[derive(Default, Serialize)]
struct Said<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    did_you_mean: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    streams: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rejected: Option<u64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [BadRecord],
}

/// The answer.
pub fn answer(outcome: &Result<Taken, Refusal>) -> Response<Body> {
    match outcome {
        Ok(Taken { accepted, bad }) => {
            let rejected = (bad.count > 0).then_some(bad.count);
            let said = Said { accepted: Some(*accepted), rejected, errors: &bad.first, ..Said::default() };
            response(StatusCode::ACCEPTED, None, &said)
        }
        Err(refusal) => {
            let mut said = Said { error: Some(refusal.to_string()), ..Said::default() };
            match refusal {
                Refusal::NoSuchStream { meant, streams, .. } => {
                    (said.did_you_mean, said.streams) = (meant.as_deref(), Some(streams.as_slice()));
                }
                Refusal::Bad(bad) => {
                    (said.accepted, said.rejected, said.errors) = (Some(0), Some(bad.count), &bad.first);
                }
                _ => {}
            }
            response(refusal.status(), refusal.header(), &said)
        }
    }
}

fn response(status: StatusCode, extra: Option<(HeaderName, HeaderValue)>, said: &Said<'_>) -> Response<Body> {
    let mut body = serde_json::to_vec(said).expect("it has text for keys and is written to memory");
    // So that a terminal shows the prompt on a line of its own.
    body.push(b'\n');
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // No browser is to take what was sent for a page.
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.extend(extra);
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Malformed;
    use crate::telemetry::catalogue::REQUEST_STATUSES;
    use http_body_util::BodyExt;

    /// The status, the header that belongs to it and the body.
    fn said(outcome: &Result<Taken, Refusal>) -> String {
        let (head, body) = answer(outcome).into_parts();
        assert!(REQUEST_STATUSES.contains(&head.status.as_str()), "{} is counted", head.status);
        assert_eq!(head.headers[header::CONTENT_TYPE], "application/json");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let body = runtime.block_on(body.collect()).expect("it is there").to_bytes();
        let special = head
            .headers
            .iter()
            .find(|(name, _)| **name != header::CONTENT_TYPE && **name != header::X_CONTENT_TYPE_OPTIONS);
        let special = special.map(|(name, value)| format!(" {name}: {}", value.to_str().expect("text")));
        let text = std::str::from_utf8(&body).expect("JSON");
        format!("{}{} {}", head.status.as_u16(), special.unwrap_or_default(), text.trim_end())
    }

    fn bad() -> Bad {
        let mut bad = Bad::default();
        let why = Rejection::Malformed(Malformed::Missing { field: "id".into() });
        bad.add(Place::Line(3), &why);
        bad.add(Place::Element(4), &why);
        bad
    }

    #[test]
    fn every_answer_is_json_with_its_status_and_header() {
        let retry = Duration::from_millis(2_100);
        let why = "no stream `auht` is fed here".into();
        let shown: Vec<String> = [
            Ok(Taken { accepted: 7, bad: Bad::default() }),
            Ok(Taken { accepted: 7, bad: bad() }),
            Err(Refusal::Bad(bad())),
            Err(Refusal::Unauthorized),
            Err(Refusal::NoSuchPath),
            Err(Refusal::NoSuchStream {
                why,
                meant: Some("auth".into()),
                streams: vec!["auth".into(), "logins".into()],
            }),
            Err(Refusal::Method),
            Err(Refusal::Query("<b>\"".into())),
            Err(Refusal::MediaType {
                found: "application/x-www-form-urlencoded".into(),
                wanted: "application/json".into(),
            }),
            Err(Refusal::Encoding("br".into())),
            Err(Refusal::TooLarge { limit: 10, decompressed: true }),
            Err(Refusal::TooMany { limit: 10 }),
            Err(Refusal::Slow(Duration::from_millis(1_500))),
            Err(Refusal::Unreadable("it broke off".into())),
            Err(Refusal::Empty),
            Err(Refusal::Behind { retry }),
            Err(Refusal::Behind { retry: Duration::ZERO }),
            Err(Refusal::Unavailable("the service is stopping")),
            Err(Refusal::NotKept { why: AppendError::Busy { waiting: 2, most: 1 }, retry }),
            Err(Refusal::Uncertain(Cause::Full)),
        ]
        .iter()
        .map(said)
        .collect();
        insta::assert_snapshot!(shown.join("\n"), @r##"
        202 {"accepted":7}
        202 {"accepted":7,"rejected":2,"errors":[{"line":3,"reason":"missing_field","detail":"the required field `id` is missing"},{"element":4,"reason":"missing_field","detail":"the required field `id` is missing"}]}
        400 {"error":"nothing is taken, because 2 records are bad","accepted":0,"rejected":2,"errors":[{"line":3,"reason":"missing_field","detail":"the required field `id` is missing"},{"element":4,"reason":"missing_field","detail":"the required field `id` is missing"}]}
        401 www-authenticate: Bearer realm="tripline" {"error":"this needs a token that is known here: `Authorization: Bearer TOKEN`"}
        404 {"error":"there is nothing here; events go to `/v1/events/STREAM`"}
        404 {"error":"no stream `auht` is fed here","did_you_mean":"auth","streams":["auth","logins"]}
        405 allow: POST {"error":"events are sent with POST"}
        400 {"error":"`<b>\"` is not known here; possible are `bad=refuse` and `bad=quarantine`"}
        415 {"error":"the body has the type `application/x-www-form-urlencoded`; say `Content-Type: application/json` (curl has to be told so)"}
        415 accept-encoding: gzip, zstd {"error":"the body has the encoding `br`; possible are `gzip` and `zstd`"}
        413 {"error":"the body has more than the 10 bytes that `max_body` allows, when it has been decompressed"}
        413 {"error":"the body has more than the 10 records that `max_records` allows; send it in parts"}
        408 {"error":"the body did not come within 1.5 s"}
        400 {"error":"the body cannot be read: it broke off"}
        400 {"error":"the body has no records"}
        429 retry-after: 3 {"error":"the engine is behind; send it again later"}
        429 retry-after: 1 {"error":"the engine is behind; send it again later"}
        503 retry-after: 5 {"error":"the service is stopping; send it again later"}
        503 retry-after: 5 {"error":"records cannot be kept just now: the disk is slower than what comes; nothing is taken, send it again later"}
        503 retry-after: 5 {"error":"records cannot be kept just now: the disk is full; this body may be kept once that is over, so that its events may count twice if you send it again"}
        "##);
    }
}
