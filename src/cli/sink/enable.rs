//! `tripline sink enable`

use std::process::ExitCode;

use crate::cli::outbox::carry_out;
use crate::cli::output;
use crate::cli::place::Place;
use crate::runtime::outbox::Order;

/// Use a sink again whose receiver has answered that it wants nothing any more
#[derive(Debug, clap::Args)]
pub struct Enable {
    /// Its name
    #[arg(value_name = "SINK")]
    name: String,

    #[command(flatten)]
    place: Place,
}

impl Enable {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let done = carry_out(&self.place, Order::Enable(self.name.clone()))?;
        let text = match done.count {
            0 => format!("`{}` is not disabled\n", self.name),
            _ => format!("`{}` is used again\n", self.name),
        };
        output::print(&text)?;
        Ok(ExitCode::SUCCESS)
    }
}
