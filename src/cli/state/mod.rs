//! `tripline state`: live partial matches.

mod record;
mod text;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;

use crate::engine::{EngineOptions, Left, Restoring, Why};
use crate::program::Program;
use crate::runtime::control::view::StateView;
use crate::runtime::control::{ControlError, Question, StateQuery};
use crate::runtime::recovery;
use crate::store::Snapshot;
use crate::stored::{Row, Space};

use super::listing::Listing;
use super::output::{self, complain, grouped};
use super::place;
use super::savepoint::inspect::take_all;
use super::{Misuse, rules, run};

use text::Page;

/// Show live partial matches: what has begun, and what it waits for
///
/// For each: which part of the pattern it is at, what it has captured, what it waits for, until when, and what
/// becomes of it then. Asks the service that runs; when none runs, looks at the state of its last checkpoint. Those
/// are shown first for whose key something is decided soonest.
#[derive(Debug, clap::Args)]
pub struct State {
    /// Only of this rule
    #[arg(long, short, value_name = "RULE")]
    rule: Option<String>,

    /// Only for keys with this value, or with this value in a part of that name, as `card=4711`; may be given for
    /// several parts
    #[arg(long, short, value_name = "VALUE")]
    key: Vec<String>,

    #[command(flatten)]
    listing: Listing,
}

impl State {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let Listing { limit, place, json } = &self.listing;
        let folder = place.folder()?;
        let query = StateQuery { rule: self.rule.clone(), key: self.key.clone(), limit: *limit };
        let view = match place::service(&folder)? {
            Some(service) => place::block_on(service.state(&query))??,
            None => self.stored(&folder, &query)?,
        };
        if *json {
            output::print_json(&view)?;
        } else {
            let style = output::style(&std::io::stdout());
            output::print(&Page::new(&view, &query, style).text())?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// What the last checkpoint has.
    fn stored(&self, folder: &Path, query: &StateQuery) -> anyhow::Result<StateView> {
        let snapshot = place::stopped(folder)?;
        let head = snapshot.head()?;
        let unreadable = || format!("the state in {} cannot be read", folder.display());
        let olds = recovery::stored_rules(&snapshot).with_context(unreadable)?;
        let path = run::load_config(&self.listing.place.config)?.config.rules.value;
        let (program, _) = rules::compile_with_old(&[path], &olds).show_and_take()?;
        let (view, left) =
            search(&Arc::new(program), &snapshot, &head, query).map_err(|error| match error.downcast() {
                Ok(error @ ControlError::NoRule(_)) => Misuse(error.to_string()).into(),
                Ok(error) => error.into(),
                Err(error) => error.context(unreadable()),
            })?;
        left.iter().for_each(say_left);
        Ok(view)
    }
}

/// Looks through a checkpoint.
fn search(
    program: &Arc<Program>,
    snapshot: &Arc<Snapshot>,
    head: &[u8],
    query: &StateQuery,
) -> anyhow::Result<(StateView, Vec<Left>)> {
    let look = query.look(program)?;
    let restoring = Restoring::new(Arc::clone(program), EngineOptions::RECORDED, head)?;
    let mut search = restoring.search(&look);
    match look.rows(program) {
        Some(rows) => {
            for (group, key) in rows {
                if let Some(value) = snapshot.row(Space::Runs.number(), group, &key)? {
                    search.row(Row { space: Space::Runs, group, key: &key, value: Some(&value) })?;
                }
            }
        }
        None => take_all(snapshot.all_rows(), |row| search.row(row))?,
    }
    let (found, left) = search.finish();
    let mut view = StateView::new(program, restoring.decided(), found);
    view.checkpoint = Some(snapshot.time());
    Ok((view, left))
}

/// Says what cannot be shown because the rules are not what they were.
fn say_left(left: &Left) {
    let why = match left.why {
        Why::Gone => "is not among the rules any more",
        Why::Changed => "means something else now, and its old version does not go on",
        Why::Off => "is off",
    };
    let (runs, keys) = (grouped(left.runs), grouped(left.keys));
    complain(&format!("note: `{}` {why}: {runs} partial matches of {keys} keys are not shown", left.rule));
}
