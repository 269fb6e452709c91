//! `tripline token`: by what others are known who use the API.

mod list;
mod new;
mod revoke;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use super::{Misuse, run};

/// Make, list and revoke tokens, by which others may use the API
///
/// They are in the file that `tokens` names in `[api]` of the configuration: their names, roles and hashes. The service reads
/// the file again when it changes.
#[derive(Debug, clap::Args)]
pub struct Token {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    New(new::New),
    List(list::List),
    Revoke(revoke::Revoke),
}

impl Token {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.what {
            What::New(command) => command.run(),
            What::List(command) => command.run(),
            What::Revoke(command) => command.run(),
        }
    }
}

/// The file that a command works on.
#[derive(Debug, clap::Args)]
struct File {
    /// The configuration, whose `[api]` says which file
    #[arg(long, short, value_name = "FILE", default_value = "tripline.toml")]
    config: PathBuf,

    /// The file itself, for which no configuration is needed
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    file: Option<PathBuf>,
}

impl File {
    fn path(self) -> anyhow::Result<PathBuf> {
        if let Some(file) = self.file {
            return Ok(file);
        }
        let api = run::load_config(&self.config)?.config.api;
        let none = || {
            let config = self.config.display();
            Misuse(format!(
                "`{config}` names no file of tokens: write `tokens = \"tokens.toml\"` into `[api]`, or name a file with `--file`"
            ))
        };
        Ok(api.and_then(|api| api.tokens).ok_or_else(none)?)
    }
}
