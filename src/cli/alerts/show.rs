//! `tripline alerts show`

use std::process::ExitCode;

use crate::api::alerts::view::WholeAlert;
use crate::archive::{Archive, Delivery, Outcome};
use crate::cli::output;
use crate::cli::place::{self, Place};
use crate::cli::quarantine::visible;
use crate::routing::plain;

/// Show what was decided of an alert and what came of sending it, step by step, with the reasons
#[derive(Debug, clap::Args)]
pub struct Show {
    /// Its id, or the beginning of it
    #[arg(value_name = "ID")]
    id: String,

    #[command(flatten)]
    place: Place,

    /// Write a JSON object instead of text, with the events that it has captured
    #[arg(long)]
    json: bool,
}

impl Show {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let folder = self.place.folder()?;
        let alert = match place::service(&folder)? {
            Some(service) => place::block_on(service.alert(&self.id))??,
            None => {
                let archive = Archive::of(place::stopped(&folder)?);
                let whole = archive.whole(&archive.find(&self.id)?)?;
                WholeAlert::new(whole.expect("it was just found"), None)
            }
        };
        if self.json {
            output::print_json(&alert)?;
        } else {
            output::print(&describe(&alert))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn describe(whole: &WholeAlert) -> String {
    let alert = &whole.summary;
    let key: Vec<String> =
        alert.key.0.iter().map(|(name, value)| format!("{name}={}", visible(&plain(value)))).collect();
    let mut text = format!("{}\n{}\n", alert.id, visible(&alert.title));
    let (severity, kind, rule) = (alert.severity.name(), alert.kind.name(), &alert.rule);
    text.push_str(&format!("{severity} {kind} of `{rule}`"));
    if !key.is_empty() {
        text.push_str(&format!(" for {}", key.join(", ")));
    }
    text.push_str(&format!(", decided at {}\n\n", alert.decided_time));
    let decided = alert.decisions.iter().map(|decision| (decision.entry.at, decision.text.clone()));
    let delivered = whole.deliveries.iter().map(|delivery| (delivery.at, described(delivery)));
    let mut lines: Vec<_> = decided.chain(delivered).collect();
    lines.sort_by_key(|(at, _)| *at);
    for (at, line) in lines {
        text.push_str(&format!("{at}  {}\n", visible(&line)));
    }
    text
}

fn described(Delivery { sink, outcome, error, to, .. }: &Delivery) -> String {
    let why = if error.is_empty() { String::new() } else { format!(": {error}") };
    match outcome {
        Outcome::Accepted => format!("{sink} has accepted it"),
        Outcome::Failed => format!("an attempt to send it to {sink} has failed{why}"),
        Outcome::GivenUp => format!("given up for {sink}{why}"),
        Outcome::Forwarded => format!("given up for {sink}; {} gets it", to.as_deref().unwrap_or("another")),
    }
}
