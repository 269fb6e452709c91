//! `tripline silences`: for a time, nobody is told of some alerts.

pub(in crate::cli) mod add;
mod end;
mod list;

use std::process::ExitCode;

use clap::Subcommand;

/// Make, list and end silences: for a time, nobody is told of some alerts
///
/// What is silenced is decided and kept, but goes nowhere: `tripline alerts list --reason silenced` shows it.
#[derive(Debug, clap::Args)]
pub struct Silences {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Add(add::Add),
    List(list::List),
    End(end::End),
}

impl Silences {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.what {
            What::Add(command) => command.run(),
            What::List(command) => command.run(),
            What::End(command) => command.run(),
        }
    }
}
