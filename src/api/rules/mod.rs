//! `/v1/rules`: the rules of the service, what they do, and whether they run.

pub mod check;
mod runs;
pub mod view;

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::diagnostic::did_you_mean;
use crate::language::{self, explain::RuleSet};
use crate::program::Mode;
use crate::runtime::clock::SystemClock;
use crate::runtime::control::orders::ModeOrder;
use crate::runtime::control::{About, Control, ControlError};
use crate::runtime::routing::desk::Said;
use crate::source::Clock as _;

use super::alerts;
use super::answer::Changed;
use super::extract::{Json, Path};
use super::problem::{Kind, Problem};

use view::{Place, RuleList, RuleSummary, TextPart, WholeRule};

pub use check::{__path_validate, validate};
pub use runs::{__path_runs, runs};

/// A rule.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct Name {
    /// The name of a rule.
    name: String,
}

/// In which mode a rule is to be.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"mode": "shadow", "by": "ana", "comment": "too loud since the release"})))]
pub struct WantedMode {
    /// The mode. That of its text ends what was wanted otherwise.
    mode: Mode,
    /// Who wants it so.
    #[schema(min_length = 1, max_length = 1_000, pattern = r"\S")]
    by: String,
    /// Why.
    #[serde(default)]
    #[schema(max_length = 1_000)]
    comment: String,
    /// Whether that is wanted although the service keeps no state, so that all partial matches are lost.
    #[serde(default)]
    force: bool,
}

/// Lists the rules.
#[utoipa::path(get, path = "/v1/rules", tag = "rules", responses((status = 200, description = "The rules, by name.")))]
pub async fn list(State(control): State<Control>) -> Result<Json<RuleList>, Problem> {
    aside(&control, |control, about| Ok(RuleList::of(control, about)?)).await.map(Json)
}

/// Shows a rule.
///
/// Its text, the same in words and as an automaton, and what it costs to run.
#[utoipa::path(get, path = "/v1/rules/{name}", tag = "rules", responses((status = 200, description = "The rule.")))]
pub async fn show(
    State(control): State<Control>,
    Path(Name { name }): Path<Name>,
) -> Result<Json<WholeRule>, Problem> {
    aside(&control, move |control, about| whole(control, about, &name)).await.map(Json)
}

/// Puts a rule into another mode.
///
/// The service begins anew with that, from its state: who asks it meanwhile is told to come back in a moment. It holds until
/// the mode of its text is wanted, also after a restart.
#[utoipa::path(
    post,
    path = "/v1/rules/{name}/mode",
    tag = "rules",
    responses((status = 200, description = "The rule as it is now."))
)]
pub async fn set_mode(
    State(control): State<Control>,
    Path(Name { name }): Path<Name>,
    Json(wanted): Json<WantedMode>,
) -> Result<Changed<RuleSummary>, Problem> {
    let WantedMode { mode, by, comment, force } = wanted;
    let Said { by, comment } = alerts::check(Said { by, comment })?;
    let before = summary(&control, &name).await?;
    keeps_state_or(force, &control)?;
    let order = ModeOrder { rule: name, mode, by, comment, since: SystemClock.now() };
    let wanted = (mode != before.mode_of_text).then(|| order.wanted());
    control.order(Some(order)).await?;
    let after = RuleSummary { mode, mode_wanted: wanted, ..before.clone() };
    Ok(Changed::new(before.name.clone(), after).before(before))
}

/// Beginning anew without a state loses what was begun.
pub fn keeps_state_or(force: bool, control: &Control) -> Result<(), Problem> {
    if force || control.state_folder().is_some() {
        return Ok(());
    }
    let why = "the service keeps no state (there is no `[state]` in its configuration), so that it would begin anew without its \
               partial matches; say `\"force\": true` if that is all right";
    Err(Problem::new(Kind::NoState, why))
}

async fn summary(control: &Control, name: &str) -> Result<RuleSummary, Problem> {
    let name = name.to_owned();
    aside(control, move |control, about| {
        let info = found(about, &name)?;
        let places = view::places(&about.rules);
        Ok(RuleSummary::new(control, about, info, places.get(&name))?)
    })
    .await
}

/// Does something with what the service is made of, on a thread that may wait for the disk and work for a while.
pub async fn aside<T: Send + 'static>(
    control: &Control,
    work: impl FnOnce(&Control, &About) -> Result<T, ControlError> + Send + 'static,
) -> Result<T, Problem> {
    let (control, about) = (control.clone(), Arc::clone(control.made_of()?));
    let done = async {
        tokio::task::spawn_blocking(move || work(&control, &about)).await.unwrap_or(Err(ControlError::Gone))
    };
    done.await.map_err(Problem::from)
}

/// What is known of a rule.
fn found<'a>(about: &'a About, name: &str) -> Result<&'a crate::program::RuleInfo, ControlError> {
    about.program.rules().iter().find(|rule| *rule.name == *name).ok_or_else(|| {
        let names = about.program.rules().iter().map(|rule| &*rule.name);
        ControlError::NoRule(format!("there is no rule `{name}`{}", did_you_mean(name, names)))
    })
}

fn whole(control: &Control, about: &About, name: &str) -> Result<WholeRule, ControlError> {
    let info = found(about, name)?;
    let trees: Vec<_> = about.rules.iter().map(|(id, file)| language::parse(id, &file.text).0).collect();
    let places = view::places(&about.rules);
    let Some(place @ Place { span, .. }) = places.get(name) else {
        return Err(ControlError::NoRule(format!("the text of the rule `{name}` is not there any more")));
    };
    let set = RuleSet::new(&trees);
    let explained = set.rule(name).map(|rule| set.explain(rule));
    let parts = language::highlight(&about.rules, &trees, span.file);
    let of_rule = parts.into_iter().filter(|part| span.start <= part.start && part.end <= span.end);
    Ok(WholeRule {
        summary: RuleSummary::new(control, about, info, Some(place))?,
        text: about.rules.text(*span).to_owned(),
        tokens: of_rule.map(|part| TextPart::new(part, span.start)).collect(),
        words: explained.map(|explained| explained.to_markdown()).unwrap_or_default(),
        cost: about.program.cost(name).map(|cost| cost.summary()).unwrap_or_default(),
        graph: about.program.graph(name).map(view::GraphView::from),
    })
}
