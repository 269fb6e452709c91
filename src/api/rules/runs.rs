//! `/v1/rules/{name}/runs`: how many partial matches stand where.

use axum::extract::State;
use serde::Serialize;
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use crate::engine::NearMiss;
use crate::event::Timestamp;
use crate::runtime::clock::SystemClock;
use crate::runtime::control::{Control, StandingQuery};
use crate::source::Clock as _;

use super::super::extract::{self, Path};
use super::super::problem::Problem;
use super::{Name, found};

/// So many near misses are shown.
const SHOWN: usize = 20;

/// Where the partial matches of a rule stand.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleRuns {
    /// When that was.
    pub time: Timestamp,
    /// How many keys have some.
    pub keys: u64,
    /// How many there are, of those held together at most.
    pub partial_matches: u64,
    /// How many stand in each box of the picture of the rule's automaton.
    pub nodes: Vec<u64>,
    /// How many keys have not been looked at, because they are not in memory.
    pub keys_not_read: u64,
    /// Some that ran out of time when a single event was lacking, the last ones first; they are not counted here, and
    /// forgotten by a restart.
    pub near_misses: Vec<MissView>,
}

/// A partial match that ran out of time when a single event was lacking.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NearMiss)]
pub struct MissView {
    /// Its key.
    pub key: Map<String, Json>,
    /// When its first event was.
    pub since: Timestamp,
    /// When its time was over.
    pub ended: Timestamp,
    /// How many events it had captured.
    pub captured: usize,
    /// What it waited for.
    pub waited_for: Vec<String>,
}

impl From<&NearMiss> for MissView {
    fn from(NearMiss { ended, run }: &NearMiss) -> MissView {
        let key = run.key.iter().map(|(name, value)| {
            (name.to_string(), serde_json::to_value(value).expect("a value can be written as JSON"))
        });
        let waits = run.waits.iter().filter(|wait| wait.missing == 0);
        MissView {
            key: key.collect(),
            since: run.captured.first().map_or(*ended, |(_, event)| event.time()),
            ended: *ended,
            captured: run.captured.len(),
            waited_for: waits.map(|wait| wait.event.to_string()).collect(),
        }
    }
}

/// Shows how many partial matches of a rule stand in each box of its automaton.
#[utoipa::path(
    get,
    path = "/v1/rules/{name}/runs",
    tag = "rules",
    responses((status = 200, description = "How many there are."))
)]
pub async fn runs(
    State(control): State<Control>,
    Path(Name { name }): Path<Name>,
) -> Result<extract::Json<RuleRuns>, Problem> {
    let about = control.made_of()?;
    found(about, &name)?;
    let standing = control.look(StandingQuery(name.clone())).await?;
    let graph = about.program.graph(&name);
    let mut nodes = vec![0; graph.as_ref().map_or(0, |graph| graph.nodes.len())];
    for (state, count) in standing.states.iter().enumerate() {
        let place = graph.as_ref().and_then(|graph| graph.boxes.get(state).copied().flatten());
        if let Some(node) = place.and_then(|place| nodes.get_mut(place)) {
            *node += count;
        }
    }
    Ok(extract::Json(RuleRuns {
        time: SystemClock.now(),
        keys: standing.keys,
        partial_matches: standing.runs,
        nodes,
        keys_not_read: standing.keys_not_read,
        near_misses: standing.near_misses.iter().take(SHOWN).map(MissView::from).collect(),
    }))
}
