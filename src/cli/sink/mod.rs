//! `tripline sink`: the sinks of a configuration.

mod enable;
mod list;
mod test;

use std::process::ExitCode;

use clap::Subcommand;

use crate::config::{Config, Sink};
use crate::diagnostic::did_you_mean;

use super::Misuse;

/// Look at sinks, try one, use one again
#[derive(Debug, clap::Args)]
pub struct SinkCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    List(list::List),
    Test(test::Test),
    Enable(enable::Enable),
}

impl SinkCommand {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.what {
            What::List(command) => command.run(),
            What::Test(command) => command.run(),
            What::Enable(command) => command.run(),
        }
    }
}

/// The sink of that name.
fn find<'a>(config: &'a Config, name: &str) -> Result<&'a Sink, Misuse> {
    let names = || config.sinks.iter().map(|sink| sink.name.value.as_str());
    config.sinks.iter().find(|sink| sink.name.value == name).ok_or_else(|| {
        let hint = did_you_mean(name, names());
        Misuse(format!("there is no sink `{name}`{hint}"))
    })
}
