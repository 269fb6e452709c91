//! The command line: one file a command.
//!
//! Exit codes: 0 when a command did what was asked; 1 when it found what it looks for (`check`:
//! errors in the rules; `test`: a test that fails) or failed on the way; 2 when it could not begin, because the arguments, the
//! rules, the configuration or the named files are wrong.

mod check;
mod cost;
mod explain;
mod graph;
mod output;
mod replay;
mod rules;
mod run;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Rules and alerts for streams of events.
///
/// People write rules in *.trip files; each rule describes a pattern of events, and Tripline raises
/// an alert when the pattern occurs.
#[derive(Debug, Parser)]
#[command(name = "tripline", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Run),
    Check(check::Check),
    Replay(replay::Replay),
    Test(test::Test),
    Graph(graph::Graph),
    Explain(explain::Explain),
}

/// A command could not begin, because of what it was given.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Misuse(String);

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Run(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Replay(command) => command.run(),
        Command::Test(command) => command.run(),
        Command::Graph(command) => command.run(),
        Command::Explain(command) => command.run(),
    };
    match result {
        Ok(code) => code,
        // Whoever read our output has seen enough.
        Err(error) if output::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&format!("error: {error:#}"));
            ExitCode::from(if error.is::<Misuse>() { 2 } else { 1 })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
