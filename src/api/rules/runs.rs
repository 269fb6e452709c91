//! `/v1/rules/{name}/runs`: how many partial matches stand where.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::event::Timestamp;
use crate::runtime::clock::SystemClock;
use crate::runtime::control::Control;
use crate::source::Clock as _;

use super::super::extract::{Json, Path};
use super::super::problem::{self, Problem};
use super::{Name, found};

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
) -> Result<Json<RuleRuns>, Problem> {
    let about = control.made_of()?;
    found(about, &name)?;
    let standing = problem::in_time(control.standing(name.clone())).await?;
    let graph = about.program.graph(&name);
    let mut nodes = vec![0; graph.as_ref().map_or(0, |graph| graph.nodes.len())];
    for (state, count) in standing.states.iter().enumerate() {
        let place = graph.as_ref().and_then(|graph| graph.boxes.get(state).copied().flatten());
        if let Some(node) = place.and_then(|place| nodes.get_mut(place)) {
            *node += count;
        }
    }
    Ok(Json(RuleRuns {
        time: SystemClock.now(),
        keys: standing.keys,
        partial_matches: standing.runs,
        nodes,
        keys_not_read: standing.keys_not_read,
    }))
}
