//! `tripline alerts`: what was decided of alerts, and what people say of them.

mod list;
pub(in crate::cli) mod say;
mod show;

use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;

use crate::routing::Router;

use super::place;

/// See where alerts went and why; acknowledge and resolve them
///
/// The service keeps alerts for as long as `state.keep_alerts` says. An alert is named by its id, or by the beginning of
/// it.
#[derive(Debug, clap::Args)]
pub struct Alerts {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    List(list::List),
    Show(show::Show),
    Ack(say::Ack),
    Resolve(say::Resolve),
}

impl Alerts {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.what {
            What::List(command) => command.run(),
            What::Show(command) => command.run(),
            What::Ack(command) => command.run(),
            What::Resolve(command) => command.run(),
        }
    }
}

/// Routing as a service has left it that does not run.
pub(in crate::cli) fn stored(folder: &Path) -> anyhow::Result<Router> {
    let rows = place::stopped(folder)?.routing()?;
    Ok(Router::new(Default::default(), rows.iter().map(|(key, value)| (&**key, &**value)))?)
}
