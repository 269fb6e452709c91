//! `tripline alerts list`

use std::process::ExitCode;

use clap::builder::PossibleValuesParser;

use crate::cli::listing::Listing;
use crate::cli::output;
use crate::cli::place;
use crate::cli::quarantine::visible;
use crate::routing::Record;
use crate::runtime::routing::desk::{self, AlertList, AlertQuery};
use crate::telemetry::catalogue::DECISION_REASONS;

/// How much of a title is shown.
const LONGEST_TITLE: usize = 60;

/// List the last alerts with what became of them, the newest first
#[derive(Debug, clap::Args)]
pub struct List {
    /// Only of this rule
    #[arg(long, short, value_name = "RULE")]
    rule: Option<String>,

    /// Only those of which something was decided for this reason
    #[arg(long, value_name = "REASON", value_parser = PossibleValuesParser::new(DECISION_REASONS))]
    reason: Option<String>,

    #[command(flatten)]
    listing: Listing,
}

impl List {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let Listing { limit, place, json } = self.listing;
        let folder = place.folder()?;
        let query = AlertQuery { rule: self.rule, reason: self.reason, limit };
        let found = match place::service(&folder)? {
            Some(service) => place::block_on(service.alerts(&query))??,
            None => desk::alerts(&super::stored(&folder)?, &query),
        };
        if json {
            output::print_json(&found)?;
        } else {
            output::print(&describe(&found))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn describe(AlertList { total, alerts }: &AlertList) -> String {
    if *total == 0 {
        return "no alerts\n".into();
    }
    let head = ["time", "id", "severity", "rule", "title", "last decision"].map(str::to_owned).to_vec();
    let row = |record: &Record| {
        let decision = record.decisions.last().map(|entry| entry.decision.to_string()).unwrap_or_default();
        let title = output::shortened(&visible(&record.title), LONGEST_TITLE);
        let id = record.id.chars().take(8).collect();
        let (severity, rule) = (record.severity.name().to_owned(), record.rule.clone());
        vec![record.time.to_string(), id, severity, rule, title, visible(&decision)]
    };
    let rows: Vec<_> = std::iter::once(head).chain(alerts.iter().map(row)).collect();
    let mut text = output::table(&rows, &[]);
    if *total > alerts.len() {
        text.push_str(&format!("\n{} more; `--limit` shows them\n", total - alerts.len()));
    }
    text
}
