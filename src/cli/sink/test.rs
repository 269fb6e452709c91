//! `tripline sink test`: does a sink work?

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::cli::output::{self, complain};
use crate::cli::quarantine::visible;
use crate::cli::{place, run};
use crate::runtime::sinks;
use crate::sink::{Again, DeliveryError};

use super::find;

/// Send a sample through a sink, as it is configured
///
/// The sample says that it is a test. Shows what the receiver has answered. Exits with 0 if it has accepted it, and with
/// 1 if not.
#[derive(Debug, clap::Args)]
pub struct Test {
    /// The name of the sink
    #[arg(value_name = "SINK")]
    name: String,

    /// The configuration
    #[arg(long, short, value_name = "FILE", default_value = "tripline.toml")]
    config: PathBuf,

    /// Write a JSON object instead of a sentence
    #[arg(long)]
    json: bool,
}

impl Test {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let config = run::load_config(&self.config)?.config;
        let sink = find(&config, &self.name)?;
        let id = format!("test_{:016x}", rand::random::<u64>());
        let begun = Instant::now();
        let failure = place::block_on(sinks::try_out(sink, &id))??;
        self.say(&id, begun.elapsed(), failure.as_ref())?;
        Ok(if failure.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn say(&self, id: &str, time: Duration, failure: Option<&DeliveryError>) -> anyhow::Result<()> {
        let milliseconds = time.as_millis() as u64;
        if self.json {
            let why = failure.map(ToString::to_string);
            let told = serde_json::json!({
                "sink": self.name, "id": id, "accepted": failure.is_none(), "milliseconds": milliseconds, "error": why,
            });
            return output::print_json(&told);
        }
        match failure {
            None => {
                let text =
                    format!("`{}` has accepted the sample `{id}` after {milliseconds} ms\n", self.name);
                Ok(output::print(&text)?)
            }
            Some(failure) => {
                let (name, why) = (&self.name, visible(&failure.to_string()));
                complain(&format!(
                    "error: `{name}` has not accepted the sample `{id}` after {milliseconds} ms: {why}"
                ));
                complain(&format!("  = help: {}", advice(failure)));
                Ok(())
            }
        }
    }
}

/// What to do about it.
fn advice(failure: &DeliveryError) -> &'static str {
    match failure {
        DeliveryError::Status { status: 401 | 403 | 407, .. } => {
            "the receiver does not know who sends: look at `secret` and `headers`, and whether the URL is still valid"
        }
        DeliveryError::Status { status: 404 | 405, .. } => {
            "there is nothing at this URL that takes a POST: look at `url`"
        }
        DeliveryError::Status { status: 410, .. } => {
            "the receiver wants nothing any more; a service would disable the sink until its URL is another one"
        }
        DeliveryError::Status { status: 300..=399, .. } => {
            "redirects are not followed: set `url` to where it leads, if you trust that"
        }
        DeliveryError::Status { status: 400 | 415 | 422, .. } => {
            "the receiver does not take such a body: look at what it expects, and at `template`"
        }
        DeliveryError::Unreachable(_) => {
            "look whether the receiver runs, at its address and its certificate, and at `timeout`"
        }
        DeliveryError::Write(_) => "look at the path, its owner and the room on the disk",
        _ => match failure.again() {
            Again::Never => "a service would give such an alert up at once",
            Again::Later | Again::After(_) => "a service would try again",
        },
    }
}
