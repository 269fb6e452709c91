//! `tripline outbox list`

use std::process::ExitCode;

use crate::cli::listing::Listing;
use crate::cli::output::{self, grouped, shortened};
use crate::cli::place;
use crate::cli::quarantine::visible;
use crate::runtime::outbox::{AlertView, OutboxView, look};

use super::Filter;

/// How much of a title or an error is shown, in letters.
const SHOWN: usize = 80;

/// Say what waits for sinks and what was given up
#[derive(Debug, clap::Args)]
pub struct List {
    #[command(flatten)]
    filter: Filter,

    #[command(flatten)]
    listing: Listing,
}

impl List {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let Listing { limit, place, json } = self.listing;
        let (folder, which) = (place.folder()?, self.filter.which(&[]));
        let view = match place::service(&folder)? {
            Some(service) => place::block_on(service.outbox(&which, limit))??,
            None => look(&*place::stopped(&folder)?, &which, limit)?,
        };
        match json {
            true => output::print_json(&view)?,
            false => output::print(&text(&view))?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn text(view: &OutboxView) -> String {
    if view.sinks.is_empty() {
        return "nothing waits, and nothing was given up\n".into();
    }
    let head = ["sink", "waiting", "given up", ""].map(str::to_owned);
    let rows = view.sinks.iter().map(|sink| {
        let disabled =
            sink.disabled.as_ref().map(|why| format!("disabled {}", visible(why))).unwrap_or_default();
        [sink.sink.clone(), grouped(sink.waiting), grouped(sink.dead), shortened(&disabled, SHOWN)]
    });
    let mut text = output::table(&std::iter::once(head).chain(rows).collect::<Vec<_>>(), &[1, 2]);
    add(&mut text, "waiting, the first first", "since", &view.waiting);
    add(&mut text, "given up, the last last", "on", &view.dead);
    if !view.dead.is_empty() {
        text.push_str("\n`tripline outbox retry ID` sends one again, `--sink NAME` or `--all` several.\n");
    }
    text
}

fn add(text: &mut String, title: &str, since: &str, alerts: &[AlertView]) {
    if alerts.is_empty() {
        return;
    }
    text.push_str(&format!("\n{title}:\n"));
    for AlertView { id, sink, rule, title, time, tries, again, error } in alerts {
        let title = shortened(&visible(title), SHOWN);
        text.push_str(&format!("  {id}  {sink}  {rule}: {title}\n    {since} {time}"));
        if *tries > 0 {
            let again = again.as_ref().map(|again| format!(", again by {again}")).unwrap_or_default();
            text.push_str(&format!(", failed {tries} times{again}"));
        }
        if !error.is_empty() {
            text.push_str(&format!(": {}", shortened(&visible(error), SHOWN)));
        }
        text.push('\n');
    }
}
