//! `/v1/events/{stream}`: events in, as the HTTP source takes them that feeds the stream.

use axum::body::Body;
use axum::extract::{FromRequest, Request, State};
use axum::http::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::runtime::control::Control;
use crate::source::http::answer::{Bad, BadRecord, Refusal, Taken};

use super::answer::{JSON, json};
use super::extract::{Path, Query};
use super::handler;
use super::problem::{Kind, Problem};

/// A stream.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct Stream {
    /// The name of a stream.
    stream: String,
}

/// What becomes of bad records.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Wanted {
    /// `refuse`: a body with bad records is refused whole. `quarantine`: they are set aside, and the others are taken.
    #[serde(default)]
    #[param(inline)]
    #[expect(dead_code, reason = "the source reads it again")]
    bad: OnBad,
}

/// What becomes of bad records.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum OnBad {
    /// The whole body is refused.
    #[default]
    Refuse,
    /// They are set aside.
    Quarantine,
}

/// What has become of a body.
#[derive(Debug, Serialize, ToSchema)]
pub struct Fed {
    /// How many records are on their way to the engine.
    accepted: u64,
    /// How many were set aside.
    rejected: u64,
    /// The first of these.
    errors: Vec<RecordError>,
}

/// A record that is no event.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordError {
    /// Where it stands in the body.
    place: String,
    /// The kind of mistake, as metrics count it.
    reason: String,
    /// The mistake, for people.
    detail: String,
}

/// The request as it comes, so that its body need not be held twice.
pub struct Incoming(Request);

impl<S: Send + Sync> FromRequest<S> for Incoming {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Incoming, Problem> {
        Ok(Incoming(request))
    }
}

impl handler::Taken for Incoming {}

/// Feeds events to a stream.
///
/// They are taken by the HTTP source that feeds the stream, in its format, with its limits and compressions, all of a body or
/// nothing of it; its tokens are not asked for. What has been answered with 202 is not lost.
#[utoipa::path(
    post,
    path = "/v1/events/{stream}",
    tag = "events",
    request_body(
        description = "Records in the format of the source: JSON objects, one a line or in a list, unless it says otherwise.",
        content((Object = "application/json"), (String = "application/x-ndjson"))
    ),
    responses((status = 202, description = "They are on their way to the engine.", body = Fed))
)]
pub async fn feed(
    State(control): State<Control>,
    Path(Stream { stream }): Path<Stream>,
    Query(Wanted { .. }): Query<Wanted>,
    Incoming(request): Incoming,
) -> Result<Response<Body>, Problem> {
    let Taken { accepted, bad } = control.doors().take(&stream, request).await?;
    let errors = bad.first.iter().map(RecordError::from).collect();
    Ok(json(StatusCode::ACCEPTED, JSON, &Fed { accepted, rejected: bad.count, errors }))
}

impl From<&BadRecord> for RecordError {
    fn from(record: &BadRecord) -> RecordError {
        let (place, reason, detail) =
            (record.place.to_string(), record.reason.to_owned(), record.detail.clone());
        RecordError { place, reason, detail }
    }
}

/// Most bad records that are named in a sentence.
const NAMED: usize = 3;

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        let kind = match &refusal {
            Refusal::NoSuchStream { .. } | Refusal::NoSuchPath => Kind::NoSuchStream,
            Refusal::Query(_) | Refusal::Unreadable(_) | Refusal::Empty => Kind::BadRequest,
            Refusal::MediaType { .. } | Refusal::Encoding(_) => Kind::MediaType,
            Refusal::TooLarge { .. } | Refusal::TooMany { .. } => Kind::TooLarge,
            Refusal::Slow(_) => Kind::Slow,
            Refusal::Bad(_) => Kind::BadRecords,
            Refusal::Behind { .. }
            | Refusal::Unavailable(_)
            | Refusal::NotKept { .. }
            | Refusal::Uncertain(_)
            // Neither is said of requests that come in here.
            | Refusal::Unauthorized
            | Refusal::Method => Kind::Busy,
        };
        let more = match &refusal {
            Refusal::NoSuchStream { meant: Some(meant), .. } => format!("; did you mean `{meant}`?"),
            Refusal::Bad(bad) => named(bad),
            _ => String::new(),
        };
        let problem = Problem::new(kind, format!("{refusal}{more}"));
        match refusal.wait() {
            Some(wait) => problem.over_after(wait),
            None => problem,
        }
    }
}

/// The first of bad records.
fn named(bad: &Bad) -> String {
    let first = bad.first.iter().take(NAMED);
    let named: Vec<String> = first.map(|record| format!("{}: {}", record.place, record.detail)).collect();
    let more = if bad.count > NAMED as u64 { "; …" } else { "" };
    format!(" ({}{more}); `?bad=quarantine` takes the others", named.join("; "))
}
