//! How what goes wrong is told: problem details, RFC 9457.
//!
//! [`Kind`] is the catalogue: what kinds there are, the status of each and what it means. The document of the API and its
//! page are made from it.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::Refused as NotLetIn;
use crate::archive::FindError;
use crate::disk::Cause;
use crate::routing::Refused;
use crate::runtime::control::ControlError;
use crate::source::http::answer::retry_after;
use crate::store::StoreError;

/// What the type of each problem begins with; the name of its kind follows, which stays as it is.
pub const TYPES: &str = "urn:tripline:problem:";
/// The media type of problem details.
pub const MEDIA_TYPE: &str = "application/problem+json";

macro_rules! kinds {
    ($($(#[doc = $means:literal])+ $kind:ident = $status:ident, $name:literal;)*) => {
        /// What kinds of problems there are.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kind {
            $($(#[doc = $means])+ $kind,)*
        }

        impl Kind {
            /// The status that it has.
            pub fn status(self) -> StatusCode {
                match self {
                    $(Kind::$kind => StatusCode::$status,)*
                }
            }

            /// What machines know it by.
            pub fn name(self) -> &'static str {
                match self {
                    $(Kind::$kind => $name,)*
                }
            }

            /// What it means, in words for people.
            pub fn means(self) -> &'static str {
                match self {
                    $(Kind::$kind => concat!($($means),+).trim_ascii_start(),)*
                }
            }
        }
    };
}

kinds! {
    /// The request makes no sense.
    BadRequest = BAD_REQUEST, "bad-request";
    /// The name cannot be used.
    BadName = BAD_REQUEST, "bad-name";
    /// It is not known who asks; show a token.
    Unauthorized = UNAUTHORIZED, "unauthorized";
    /// The token that was shown does not count: it is unknown, expired, or none.
    InvalidToken = UNAUTHORIZED, "invalid-token";
    /// Who asks may not do this.
    Forbidden = FORBIDDEN, "forbidden";
    /// A page of somebody else has made a browser ask.
    OtherOrigin = FORBIDDEN, "other-origin";
    /// There is nothing at this path.
    NoSuchPath = NOT_FOUND, "no-such-path";
    /// There is no such rule.
    NoSuchRule = NOT_FOUND, "no-such-rule";
    /// There is nothing of that id.
    NoSuchId = NOT_FOUND, "no-such-id";
    /// There is no such stream, or nothing feeds it over HTTP.
    NoSuchStream = NOT_FOUND, "no-such-stream";
    /// The path cannot be asked in this way.
    MethodNotAllowed = METHOD_NOT_ALLOWED, "method-not-allowed";
    /// The body did not come in time.
    Slow = REQUEST_TIMEOUT, "slow";
    /// The service keeps no state that could be asked for.
    NoState = CONFLICT, "no-state";
    /// There is one of that name.
    Exists = CONFLICT, "exists";
    /// It cannot be done as things stand.
    Refused = CONFLICT, "refused";
    /// Another savepoint is being made.
    Saving = CONFLICT, "saving";
    /// The rules or the configuration are wrong.
    WrongRules = UNPROCESSABLE_ENTITY, "wrong-rules";
    /// Some records of the body are no events, and nothing of it is taken.
    BadRecords = UNPROCESSABLE_ENTITY, "bad-records";
    /// There were too many requests of the same in a short time; ask again later.
    TooMany = TOO_MANY_REQUESTS, "too-many";
    /// The path speaks WebSocket.
    NoWebSocket = UPGRADE_REQUIRED, "no-websocket";
    /// The body is too large.
    TooLarge = PAYLOAD_TOO_LARGE, "too-large";
    /// The body is not JSON, or does not say so.
    MediaType = UNSUPPORTED_MEDIA_TYPE, "media-type";
    /// The request is for a name that is not one of this service.
    OtherHost = MISDIRECTED_REQUEST, "other-host";
    /// The disk fails.
    Disk = INTERNAL_SERVER_ERROR, "disk";
    /// Something has gone wrong in the service itself; its log says what.
    Failed = INTERNAL_SERVER_ERROR, "failed";
    /// The service has other things to do; ask again later.
    Busy = SERVICE_UNAVAILABLE, "busy";
    /// The service is stopping.
    Stopping = SERVICE_UNAVAILABLE, "stopping";
    /// The disk is full.
    DiskFull = INSUFFICIENT_STORAGE, "disk-full";
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    kind: Kind,
    detail: String,
    /// When it may be over.
    wait: Duration,
}

/// What went wrong (RFC 9457).
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Problem)]
pub struct Sent {
    /// What kind of problem it is, for machines: `urn:tripline:problem:` and a name that stays as it is.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The status.
    pub status: u16,
    /// What is wrong and what to do, for people.
    pub detail: String,
}

impl Problem {
    /// A problem of some kind. `detail` says what is wrong and what to do.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Problem {
        Problem { kind, detail: detail.into(), wait: Duration::from_secs(1) }
    }

    /// The same, which is over after that time. Of use for kinds that pass; others tell nobody to wait.
    pub fn over_after(self, wait: Duration) -> Problem {
        Problem { wait, ..self }
    }

    /// What kind it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What is wrong and what to do.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// A request that makes no sense.
    pub fn bad(detail: impl Into<String>) -> Problem {
        Problem::new(Kind::BadRequest, detail)
    }

    /// The header that belongs to it.
    fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        match self.kind {
            Kind::Unauthorized => {
                Some((header::WWW_AUTHENTICATE, HeaderValue::from_static(r#"Bearer realm="tripline""#)))
            }
            Kind::InvalidToken => {
                let challenge = HeaderValue::from_static(r#"Bearer realm="tripline", error="invalid_token""#);
                Some((header::WWW_AUTHENTICATE, challenge))
            }
            Kind::Busy | Kind::Stopping | Kind::TooMany => {
                Some((header::RETRY_AFTER, retry_after(self.wait)))
            }
            _ => None,
        }
    }
}

impl From<FindError> for Problem {
    fn from(error: FindError) -> Problem {
        let kind = match error {
            FindError::Unknown(_) => Kind::NoSuchId,
            FindError::Several { .. } => Kind::Refused,
            FindError::Store(error) => return error.into(),
        };
        Problem::new(kind, error.to_string())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        ControlError::from(error).into()
    }
}

impl From<ControlError> for Problem {
    fn from(error: ControlError) -> Problem {
        let kind = match &error {
            ControlError::Gone => Kind::Stopping,
            ControlError::Busy => Kind::Busy,
            ControlError::NoRule(_) => Kind::NoSuchRule,
            ControlError::NoState | ControlError::Elsewhere => Kind::NoState,
            ControlError::Name(_) => Kind::BadName,
            ControlError::Exists(_) => Kind::Exists,
            ControlError::Refused(Refused::Unknown { .. }) => Kind::NoSuchId,
            ControlError::Refused(Refused::Ambiguous { .. } | Refused::Many | Refused::Ended { .. }) => {
                Kind::Refused
            }
            ControlError::Refused(_) => Kind::BadRequest,
            ControlError::Saving => Kind::Saving,
            // It is opened again when the service begins anew.
            ControlError::Store(StoreError::Ended { .. }) => Kind::Stopping,
            ControlError::Store(error) if error.cause() == Some(Cause::Full) => Kind::DiskFull,
            ControlError::Rules(_) => Kind::WrongRules,
            ControlError::Store(_) | ControlError::System(_) => Kind::Disk,
        };
        Problem::new(kind, error.to_string())
    }
}

impl From<NotLetIn> for Problem {
    fn from(refused: NotLetIn) -> Problem {
        let kind = match &refused {
            NotLetIn::Nothing | NotLetIn::Certificate { .. } => Kind::Unauthorized,
            NotLetIn::Wrong | NotLetIn::Unknown | NotLetIn::Expired { .. } => Kind::InvalidToken,
            NotLetIn::Role { .. } => Kind::Forbidden,
        };
        Problem::new(kind, refused.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let Problem { kind, detail, .. } = &self;
        let status = kind.status();
        let sent = Sent {
            kind: format!("{TYPES}{}", kind.name()),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            detail: detail.clone(),
        };
        let mut answer = super::answer::json(status, MEDIA_TYPE, &sent);
        answer.headers_mut().extend(self.header());
        // So that the route can hold it against what it says of itself, and the audit log can say it.
        answer.extensions_mut().insert(self);
        answer
    }
}
