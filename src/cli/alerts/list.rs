//! `tripline alerts list`

use std::process::ExitCode;

use clap::builder::PossibleValuesParser;

use crate::alert::Severity;
use crate::api::alerts::view::AlertPage;
use crate::archive::{AlertView, Archive, Page, Query, Status};
use crate::cli::listing::Listing;
use crate::cli::output;
use crate::cli::place;
use crate::cli::quarantine::visible;
use crate::event::Timestamp;
use crate::telemetry::catalogue::DECISION_REASONS;

/// How much of a title is shown.
const LONGEST_TITLE: usize = 60;

/// List the last alerts with what became of them, the newest first
///
/// Those are listed for which all that is asked is so.
#[derive(Debug, clap::Args)]
pub struct List {
    /// Only of this rule; may be given several times
    #[arg(long, short, value_name = "RULE")]
    rule: Vec<String>,

    /// Only those that matter so much; may be given several times
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    severity: Vec<Severity>,

    /// Only those whose key has this value, or this value of this name: `c1` or `card=c1`; may be given several times
    #[arg(long, short, value_name = "KEY")]
    key: Vec<String>,

    /// Only those with this in their title or in what is sent of them
    #[arg(long, short, value_name = "TEXT")]
    text: Option<String>,

    /// Only those that came at this time or later, for example 2026-03-01T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,

    /// Only those that came before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,

    /// Only those in this condition: open, acknowledged, resolved or held; may be given several times
    #[arg(long, value_name = "STATUS", value_parser = status)]
    status: Vec<Status>,

    /// Only those of which something was decided for this reason
    #[arg(long, value_name = "REASON", value_parser = PossibleValuesParser::new(DECISION_REASONS))]
    reason: Option<String>,

    #[command(flatten)]
    listing: Listing,
}

fn severity(text: &str) -> Result<Severity, String> {
    Severity::of_name(text).ok_or_else(|| one_of(Severity::ALL.map(Severity::name)))
}

fn status(text: &str) -> Result<Status, String> {
    Status::of_name(text).ok_or_else(|| one_of(Status::ALL.map(Status::name)))
}

fn one_of<const N: usize>(names: [&str; N]) -> String {
    format!("it has to be one of {}", names.join(", "))
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).ok_or_else(|| "it is no time; write it as 2026-03-01T08:00:00Z".to_owned())
}

impl List {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let List { rule, severity, key, text, since, until, status, reason, listing } = self;
        let Listing { limit, place, json } = listing;
        let folder = place.folder()?;
        let query = Query {
            rules: rule,
            severities: severity,
            kinds: Vec::new(),
            keys: key,
            text,
            since,
            until,
            reason,
            statuses: status,
        };
        let found = match place::service(&folder)? {
            Some(service) => place::block_on(service.alerts(&query, limit))??,
            None => {
                let page = Page { before: None, limit };
                AlertPage::from(Archive::of(place::stopped(&folder)?).search(&query, page)?)
            }
        };
        if json {
            output::print_json(&found)?;
        } else {
            output::print(&describe(&found))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn describe(AlertPage { alerts, next, searched_to }: &AlertPage) -> String {
    if alerts.is_empty() && next.is_none() {
        return "no alerts\n".into();
    }
    let head = ["time", "id", "severity", "rule", "title", "last decision"].map(str::to_owned).to_vec();
    let row = |alert: &AlertView| {
        let decision = alert.decisions.last().map_or("", |decision| &decision.text);
        let title = output::shortened(&visible(&alert.title), LONGEST_TITLE);
        let id = alert.id.chars().take(8).collect();
        let (severity, rule) = (alert.severity.name().to_owned(), alert.rule.clone());
        vec![alert.time.to_string(), id, severity, rule, title, visible(decision)]
    };
    let rows: Vec<_> = std::iter::once(head).chain(alerts.iter().map(row)).collect();
    let mut text = output::table(&rows, &[]);
    if let Some(searched_to) = searched_to {
        text.push_str(&format!(
            "\nit was looked back to {searched_to}; `--until {searched_to}` goes on from there\n"
        ));
    } else if next.is_some() {
        text.push_str("\nthere are more; `--limit` shows them\n");
    }
    text
}
