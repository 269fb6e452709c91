//! `/v1/alerts`: alerts that were made, what was decided of them and what people say of them.

mod stream;
pub mod view;
mod wanted;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::archive::{Archive, Bucket, FindError};
use crate::event::Timestamp;
use crate::routing::{Settled, check_text};
use crate::runtime::clock::SystemClock;
use crate::runtime::control::{Control, ControlError};
use crate::runtime::routing::desk::{self, ById, Said};
use crate::source::Clock as _;

use super::answer::Changed;
use super::extract::{Both, Json, Path, Query};
use super::problem::{Kind, Problem};

use view::{AlertPage, WholeAlert};
use wanted::{Part, Wanted};

pub use stream::{__path_follow, __path_talk, follow, talk};

/// An alert.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct Id {
    /// The id of an alert, or the beginning of it.
    id: String,
}

/// Which stretches of time are counted.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Stretches {
    /// Alerts that came then or later.
    #[param(inline)]
    since: Timestamp,
    /// Alerts that came before. Without it: now.
    #[param(inline)]
    until: Option<Timestamp>,
    /// The length of a stretch in seconds; there can be 1,000 of them.
    #[param(minimum = 1, maximum = 31_536_000)]
    step: u32,
}

/// How many alerts came when.
#[derive(Debug, Serialize, ToSchema)]
pub struct Counts {
    /// When the first stretch begins.
    since: Timestamp,
    /// When the last one ends.
    until: Timestamp,
    /// The length of a stretch in seconds.
    step_seconds: u32,
    /// The stretches, in order.
    buckets: Vec<Bucket>,
}

/// The most stretches that are counted at once.
const MOST_STRETCHES: i64 = 1_000;

/// Looks for alerts.
///
/// A search that has looked at many and found few answers with what it has, and says where to go on.
#[utoipa::path(
    get,
    path = "/v1/alerts",
    tag = "alerts",
    responses((status = 200, description = "The alerts, the last ones first."))
)]
pub async fn list(
    State(control): State<Control>,
    Query(Both(wanted, part)): Query<Both<Wanted, Part>>,
) -> Result<Json<AlertPage>, Problem> {
    let (query, page) = (wanted.query(), part.page());
    let found = look(&control, move |archive| archive.search(&query, page)).await?;
    Ok(Json(found.into()))
}

/// Counts alerts by time and severity.
#[utoipa::path(
    get,
    path = "/v1/alerts/counts",
    tag = "alerts",
    responses((status = 200, description = "How many came in each stretch of time."))
)]
pub async fn counts(
    State(control): State<Control>,
    Query(wanted): Query<Stretches>,
) -> Result<Json<Counts>, Problem> {
    let Stretches { since, until, step } = wanted;
    let until = until.unwrap_or_else(|| SystemClock.now());
    let micros = i64::from(step) * 1_000_000;
    let length = until.as_micros().saturating_sub(since.as_micros());
    if length <= 0 || length / micros >= MOST_STRETCHES {
        let why = format!("`until` has to be behind `since`, by less than {MOST_STRETCHES} times `step`");
        return Err(Problem::bad(why));
    }
    let buckets = look(&control, move |archive| archive.counts(since, until, micros)).await?;
    Ok(Json(Counts { since, until, step_seconds: step, buckets }))
}

/// Shows all of an alert.
///
/// What it says, the events that it has captured, what was decided of it and what has come of sending it.
#[utoipa::path(
    get,
    path = "/v1/alerts/{id}",
    tag = "alerts",
    responses((status = 200, description = "The alert."))
)]
pub async fn show(
    State(control): State<Control>,
    Path(Id { id }): Path<Id>,
) -> Result<Json<WholeAlert>, Problem> {
    let wanted = id.clone();
    let found = look(&control, move |archive| {
        archive.find(&wanted).and_then(|id| archive.whole(&id).map_err(FindError::from))
    });
    let whole =
        found.await?.ok_or_else(|| Problem::new(Kind::NoSuchId, format!("the alert `{id}` is gone")))?;
    let about = control.made_of().ok();
    Ok(Json(WholeAlert::new(whole, about.map(|about| &*about.program))))
}

/// Looks at what is kept, on a thread that may wait for the disk.
async fn look<T: Send + 'static, E: Send + 'static>(
    control: &Control,
    look: impl FnOnce(&Archive) -> Result<T, E> + Send + 'static,
) -> Result<T, Problem>
where
    Problem: From<E>,
{
    let archive = control.archive().clone();
    let looked =
        async { tokio::task::spawn_blocking(move || look(&archive)).await.map_err(|_| ControlError::Gone) };
    Ok(looked.await??)
}

/// Somebody has seen an alert.
///
/// It is not escalated any further.
#[utoipa::path(
    post,
    path = "/v1/alerts/{id}/ack",
    tag = "alerts",
    responses((status = 200, description = "What has come of it."))
)]
pub async fn acknowledge(
    State(control): State<Control>,
    Path(Id { id }): Path<Id>,
    Json(said): Json<Said>,
) -> Result<Changed<Settled>, Problem> {
    let said = check(said)?;
    let asked = control.desk().ask(|reply| desk::Request::Acknowledge(ById { id, said }, reply));
    let settled = asked.await?;
    Ok(Changed::new(settled.alert.clone(), settled))
}

/// Somebody says that what an alert tells of is over.
#[utoipa::path(
    post,
    path = "/v1/alerts/{id}/resolve",
    tag = "alerts",
    responses((status = 200, description = "What has come of it."))
)]
pub async fn resolve(
    State(control): State<Control>,
    Path(Id { id }): Path<Id>,
    Json(said): Json<Said>,
) -> Result<Changed<Settled>, Problem> {
    let said = check(said)?;
    let asked = control.desk().ask(|reply| desk::Request::Resolve(ById { id, said }, reply));
    let settled = asked.await?;
    Ok(Changed::new(settled.alert.clone(), settled))
}

/// What somebody says, if it is not said by nobody and not too much.
pub fn check(said: Said) -> Result<Said, Problem> {
    check_text("by", &said.by, 1)
        .and_then(|()| check_text("comment", &said.comment, 0))
        .map_err(ControlError::from)?;
    Ok(said)
}
