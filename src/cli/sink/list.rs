//! `tripline sink list`

use std::collections::BTreeMap;
use std::process::ExitCode;

use serde::Serialize;

use crate::cli::output::{self, grouped, shortened};
use crate::cli::place::{self, Place};
use crate::cli::quarantine::visible;
use crate::cli::run;
use crate::config::Config;
use crate::runtime::outbox::{SinkView, Which, look};

/// How much of a reason is shown, in letters.
const SHOWN: usize = 80;

/// Say which sinks there are, and what waits for them
#[derive(Debug, clap::Args)]
pub struct List {
    #[command(flatten)]
    place: Place,

    /// Write a JSON object instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Listed {
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fallback: Option<String>,
    /// Nothing is known of it without a state.
    #[serde(flatten)]
    state: Option<SinkView>,
}

impl List {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let config = run::load_config(&self.place.config)?.config;
        let state = self.state(&config)?;
        let listed = config.sinks.iter().map(|sink| {
            let name = sink.name.value.clone();
            let known = state.as_ref().map(|state| state.get(&name).cloned().unwrap_or_default());
            let state = known.map(|known| SinkView { sink: name.clone(), ..known });
            let fallback = sink.delivery.fallback.as_ref().map(|name| name.value.clone());
            Listed { name, kind: sink.kind.name(), fallback, state }
        });
        let listed: Vec<Listed> = listed.collect();
        match self.json {
            true => output::print_json(&listed)?,
            false => output::print(&text(&listed))?,
        }
        Ok(ExitCode::SUCCESS)
    }

    /// What is known of sinks, by name, if the service keeps state and has stored some.
    fn state(&self, config: &Config) -> anyhow::Result<Option<BTreeMap<String, SinkView>>> {
        if config.state.is_none() && self.place.state.is_none() {
            return Ok(None);
        }
        let folder = self.place.folder()?;
        let which = Which::default();
        let view = match place::service(&folder)? {
            Some(service) => place::block_on(service.outbox(&which, 0))??,
            None if !folder.exists() => return Ok(None),
            None => look(&*place::stopped(&folder)?, &which, 0)?,
        };
        Ok(Some(view.sinks.into_iter().map(|sink| (sink.sink.clone(), sink)).collect()))
    }
}

fn text(listed: &[Listed]) -> String {
    if listed.is_empty() {
        return "there are no sinks\n".into();
    }
    let head = ["sink", "type", "waiting", "given up", "fallback", ""].map(str::to_owned);
    let rows = listed.iter().map(|Listed { name, kind, fallback, state }| {
        let number =
            |of: fn(&SinkView) -> u64| state.as_ref().map(|state| grouped(of(state))).unwrap_or_default();
        let disabled = state.as_ref().and_then(|state| state.disabled.as_ref());
        let disabled = disabled.map(|why| format!("disabled {}", visible(why))).unwrap_or_default();
        [
            name.clone(),
            (*kind).to_owned(),
            number(|state| state.waiting),
            number(|state| state.dead),
            fallback.clone().unwrap_or_default(),
            shortened(&disabled, SHOWN),
        ]
    });
    output::table(&std::iter::once(head).chain(rows).collect::<Vec<_>>(), &[2, 3])
}
