//! `tripline routes`: where alerts would go.

mod given;
mod test;

use std::process::ExitCode;

use clap::Subcommand;

/// Try the routes of a configuration
#[derive(Debug, clap::Args)]
pub struct Routes {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Test(test::Test),
}

impl Routes {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.what {
            What::Test(command) => command.run(),
        }
    }
}
