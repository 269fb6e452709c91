//! `tripline alerts show`

use std::process::ExitCode;

use crate::cli::output;
use crate::cli::place::{self, Place};
use crate::cli::quarantine::visible;
use crate::routing::{Record, plain};

/// Show what was decided of an alert, step by step, with the reasons
#[derive(Debug, clap::Args)]
pub struct Show {
    /// Its id, or the beginning of it
    #[arg(value_name = "ID")]
    id: String,

    #[command(flatten)]
    place: Place,

    /// Write a JSON object instead of text
    #[arg(long)]
    json: bool,
}

impl Show {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let folder = self.place.folder()?;
        let record = match place::service(&folder)? {
            Some(service) => place::block_on(service.alert(&self.id))??,
            None => {
                let router = super::stored(&folder)?;
                let id = router.find(&self.id)?;
                router.log().get(&id).cloned().expect("it was just found")
            }
        };
        if self.json {
            output::print_json(&record)?;
        } else {
            output::print(&describe(&record))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn describe(record: &Record) -> String {
    let key: Vec<String> =
        record.key.0.iter().map(|(name, value)| format!("{name}={}", visible(&plain(value)))).collect();
    let mut text = format!("{}\n{}\n", record.id, visible(&record.title));
    let (severity, kind, rule) = (record.severity.name(), record.kind.name(), &record.rule);
    text.push_str(&format!("{severity} {kind} of `{rule}`"));
    if !key.is_empty() {
        text.push_str(&format!(" for {}", key.join(", ")));
    }
    text.push_str(&format!(", decided at {}\n\n", record.decided_time));
    for entry in &record.decisions {
        text.push_str(&format!("{}  {}\n", entry.at, visible(&entry.decision.to_string())));
    }
    text
}
