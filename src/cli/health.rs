//! `tripline health`: is the service well?

use std::process::ExitCode;

use reqwest::Url;

use crate::api::health::{Report, Status};
use crate::api::probe::{self, ProbeError, Question, Whom};
use crate::event::Duration;

use super::output::{self, complain};
use super::place::{self, Place};
use super::quarantine::visible;

/// Ask the service that runs whether it takes events
///
/// For the health checks of containers and for scripts. Exits with 0 when it does, also when something else does not work
/// (`degraded`, such as a sink that is down), and with 1 when it does not, or does not answer. It is asked over the socket in
/// the folder of its state; with `--state`, no configuration is read, so that one that is just being edited does not count.
#[derive(Debug, clap::Args)]
pub struct Health {
    /// Ask only whether it works at all; one that does not should be started again
    #[arg(long)]
    live: bool,

    /// Ask at this address, such as `http://127.0.0.1:7070`, and not over the socket
    #[arg(long, value_name = "URL", conflicts_with_all = ["config", "state"])]
    url: Option<Url>,

    /// How long an answer may take
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration)]
    timeout: Duration,

    #[command(flatten)]
    place: Place,

    /// Write a JSON object instead of text
    #[arg(long)]
    json: bool,
}

fn duration(text: &str) -> Result<Duration, String> {
    Duration::parse(text).ok_or_else(|| "a duration is written `500ms` or `5s`".into())
}

impl Health {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let whom = match self.url {
            Some(url) => Whom::Address(url),
            None => Whom::State(self.place.folder()?),
        };
        let question = if self.live { Question::Alive } else { Question::Ready };
        let patience = std::time::Duration::from_micros(self.timeout.as_micros().max(0) as u64);
        let report = match place::block_on(probe::ask(&whom, question, patience))? {
            Ok(report) => report,
            Err(error @ ProbeError::NoAddress(_)) => return Err(super::Misuse(error.to_string()).into()),
            Err(error) => {
                complain(&format!("error: {error}"));
                return Ok(ExitCode::FAILURE);
            }
        };
        match self.json {
            true => output::print_json(&report)?,
            false => output::print(&text(&report))?,
        }
        Ok(if report.status == Status::Failing { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

fn text(report: &Report) -> String {
    let word = match report.status {
        Status::Ok => "ok",
        Status::Degraded => "degraded",
        Status::Failing => "failing",
    };
    let troubles = report.reasons.iter().chain(&report.notes);
    let lines = troubles.map(|trouble| format!("  {}: {}\n", trouble.part, visible(&trouble.why)));
    format!("{word}\n{}", lines.collect::<String>())
}
