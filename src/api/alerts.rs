//! `/v1/alerts`: what was decided of alerts, and what people say of them.

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{Response, StatusCode, Uri};

use crate::diagnostic::did_you_mean;
use crate::runtime::control::{Control, MOST_SHOWN};
use crate::runtime::routing::desk::{self, AlertQuery, ById, Said};
use crate::telemetry::catalogue::DECISION_REASONS;

use super::body;
use super::problem::{self, Problem};

/// How many alerts are shown if nothing is said.
const SHOWN: usize = 100;
/// How what somebody says is written.
const EXAMPLE: &str = r#"{"by": "ana", "comment": "…"}"#;

/// Lists the last alerts: of the rule `rule`, of which something was decided for `reason`, so many as `limit` says.
pub async fn list(State(control): State<Control>, uri: Uri) -> Result<Response<Body>, Problem> {
    let wanted = wanted(&uri)?;
    let asked = control.desk().ask(|reply| desk::Request::Alerts(wanted, reply));
    Ok(super::json(StatusCode::OK, super::JSON, &problem::in_time(asked).await?))
}

fn wanted(uri: &Uri) -> Result<AlertQuery, Problem> {
    let mut wanted = AlertQuery { limit: SHOWN, ..AlertQuery::default() };
    for (name, value) in super::query(uri) {
        match &*name {
            "rule" => wanted.rule = Some(value.into_owned()),
            "reason" if DECISION_REASONS.contains(&&*value) => wanted.reason = Some(value.into_owned()),
            "reason" => {
                let hint = did_you_mean(&value, DECISION_REASONS);
                return Err(Problem::bad(format!("nothing is decided for the reason `{value}`{hint}")));
            }
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (0..=MOST_SHOWN).contains(limit));
                let why = || Problem::bad(format!("`limit` is a number from 0 to {MOST_SHOWN}"));
                wanted.limit = limit.ok_or_else(why)?;
            }
            _ => {
                return Err(Problem::bad(format!(
                    "`{name}` is not known here; possible are `rule`, `reason` and `limit`"
                )));
            }
        }
    }
    Ok(wanted)
}

/// Shows what was decided of an alert.
pub async fn show(State(control): State<Control>, Path(id): Path<String>) -> Result<Response<Body>, Problem> {
    let asked = control.desk().ask(|reply| desk::Request::Alert(id, reply));
    Ok(super::json(StatusCode::OK, super::JSON, &problem::in_time(asked).await?))
}

/// Somebody has seen an alert.
pub async fn acknowledge(
    State(control): State<Control>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let said = said(request).await?;
    let asked = control.desk().ask(|reply| desk::Request::Acknowledge(ById { id, said }, reply));
    Ok(super::json(StatusCode::OK, super::JSON, &problem::in_time(asked).await?))
}

/// Somebody says that what an alert tells of is over.
pub async fn resolve(
    State(control): State<Control>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let said = said(request).await?;
    let asked = control.desk().ask(|reply| desk::Request::Resolve(ById { id, said }, reply));
    Ok(super::json(StatusCode::OK, super::JSON, &problem::in_time(asked).await?))
}

/// What somebody says.
///
/// # Errors
/// When it is not said who does, or too much is said.
pub async fn said(request: Request) -> Result<Said, Problem> {
    let said: Said = body::read(request, EXAMPLE).await?;
    if said.by.trim().is_empty() {
        return Err(Problem::bad(format!("`by` says who you are: write `{EXAMPLE}`")));
    }
    if said.by.len() + said.comment.len() > MOST_SAID {
        return Err(Problem::bad(format!("`by` and `comment` have more than {MOST_SAID} bytes")));
    }
    Ok(said)
}

/// The most bytes that somebody can say.
const MOST_SAID: usize = 4_000;
