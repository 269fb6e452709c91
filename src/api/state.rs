//! `GET /v1/state`: live partial matches.

use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode, Uri};
use tokio::time::timeout;

use crate::runtime::control::{Control, MOST_SHOWN, StateQuery};

use super::problem::Problem;

/// How many partial matches are shown if nothing is said.
const SHOWN: usize = 100;
/// How long the engine may take to come to it.
const PATIENCE: Duration = Duration::from_secs(30);
/// The most parts of a key that can be asked for.
const MOST_PARTS: usize = 32;

/// Shows partial matches: of the rule `rule`, for keys that have each `key`, so many as `limit` says.
pub async fn look(State(control): State<Control>, uri: Uri) -> Result<Response<Body>, Problem> {
    let asked = control.state(wanted(&uri)?);
    let Ok(view) = timeout(PATIENCE, asked).await else {
        let detail =
            format!("the engine did not come to it within {} s; ask again later", PATIENCE.as_secs());
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail));
    };
    Ok(super::json(StatusCode::OK, super::JSON, &view?))
}

fn wanted(uri: &Uri) -> Result<StateQuery, Problem> {
    let mut wanted = StateQuery { limit: SHOWN, ..StateQuery::default() };
    for (name, value) in super::query(uri) {
        match &*name {
            "rule" if wanted.rule.is_some() => return Err(Problem::bad("`rule` is given twice")),
            "rule" => wanted.rule = Some(value.into_owned()),
            "key" if wanted.key.len() >= MOST_PARTS => {
                return Err(Problem::bad(format!("more than {MOST_PARTS} parts of a key are given")));
            }
            "key" => wanted.key.push(value.into_owned()),
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (0..=MOST_SHOWN).contains(limit));
                let why = || Problem::bad(format!("`limit` is a number from 0 to {MOST_SHOWN}"));
                wanted.limit = limit.ok_or_else(why)?;
            }
            _ => {
                return Err(Problem::bad(format!(
                    "`{name}` is not known here; possible are `rule`, `key` and `limit`"
                )));
            }
        }
    }
    Ok(wanted)
}
