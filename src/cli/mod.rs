//! The command line: one file a command.
//!
//! Exit codes: 0 when a command did what was asked; 1 when it found what it looks for (`check`:
//! errors in the rules; `test`: a test that fails; `fmt --check`: files to format) or failed on the way; 2
//! when it could not begin, because the arguments, the rules, the configuration or the named files are
//! wrong.

mod alerts;
mod check;
mod cost;
mod explain;
mod fmt;
mod graph;
mod health;
mod init;
mod listing;
mod lsp;
mod outbox;
mod output;
mod place;
mod quarantine;
mod replay;
mod routes;
mod rules;
mod run;
mod savepoint;
mod shell;
mod silences;
mod sink;
mod state;
mod test;
mod token;

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
    Init(init::Init),
    Check(check::Check),
    Test(test::Test),
    Explain(explain::Explain),
    Fmt(fmt::Fmt),
    Replay(replay::Replay),
    Run(run::Run),
    Health(health::Health),
    Routes(routes::Routes),
    State(state::State),
    Alerts(alerts::Alerts),
    Silences(silences::Silences),
    Savepoint(savepoint::Savepoint),
    Sink(sink::SinkCommand),
    Outbox(outbox::Outbox),
    Quarantine(quarantine::Quarantine),
    Token(token::Token),
    Graph(graph::Graph),
    Lsp(lsp::Lsp),
    Completions(shell::Completions),
    Man(shell::Man),
}

/// A command could not begin, because of what it was given.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Misuse(String);

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Init(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Test(command) => command.run(),
        Command::Explain(command) => command.run(),
        Command::Fmt(command) => command.run(),
        Command::Replay(command) => command.run(),
        Command::Run(command) => command.run(),
        Command::Health(command) => command.run(),
        Command::Routes(command) => command.run(),
        Command::State(command) => command.run(),
        Command::Alerts(command) => command.run(),
        Command::Silences(command) => command.run(),
        Command::Savepoint(command) => command.run(),
        Command::Sink(command) => command.run(),
        Command::Outbox(command) => command.run(),
        Command::Quarantine(command) => command.run(),
        Command::Token(command) => command.run(),
        Command::Graph(command) => command.run(),
        Command::Lsp(command) => command.run(),
        Command::Completions(command) => command.run(),
        Command::Man(command) => command.run(),
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
