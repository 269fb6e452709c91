//! `tripline lsp`: help for editors.

use std::io;
use std::process::ExitCode;

use crate::lsp;
use crate::telemetry::log;

use super::Misuse;

/// Serve an editor: mistakes as you type, completion, renaming
///
/// Editors start this themselves and speak the Language Server Protocol with it over standard input and
/// output; docs/editors.md says how to set them up. The log goes to standard error.
#[derive(Debug, clap::Args)]
pub struct Lsp {
    /// Does nothing: it is the only way, and some editors say it
    #[arg(long, hide = true)]
    stdio: bool,

    /// What to log: a level (error, warn, info, debug, trace) or a list such as `warn,tripline::lsp=debug`
    /// [default: what RUST_LOG says, or warn]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
}

impl Lsp {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let level = self.log_level.or_else(|| std::env::var("RUST_LOG").ok());
        let level = level.as_deref().unwrap_or("warn");
        log::begin(log::Format::Text, level).map_err(|error| Misuse(error.to_string()))?;
        let was_asked = lsp::serve(io::stdin(), io::stdout().lock())?;
        Ok(if was_asked { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
