//! `tripline run`: the service.

mod load;
mod open_files;
mod serve;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::ValueEnum;

use crate::config::{self, Config};
use crate::event::seed_hashes;
use crate::telemetry::log;

use super::Misuse;
use super::output::{self, plural};

/// Run the rules over live events
///
/// Takes events from the sources of the configuration and sends alerts to its sinks until it is asked
/// to stop (SIGTERM, SIGINT) or all sources have ended. It then finishes what it has received and
/// delivers its alerts; asked a second time, it stops at once. On SIGHUP, and on `POST /v1/reload`, it reads
/// the configuration and the rules again and goes on with these from its state. The log goes to standard
/// error.
///
/// Exits with 0 after a clean stop, with 1 when something could not be started or not everything was
/// delivered, and with 2 when the configuration or the rules are wrong.
#[derive(Debug, clap::Args)]
pub struct Run {
    /// The configuration
    #[arg(long, short, value_name = "FILE", default_value = "tripline.toml")]
    config: PathBuf,

    /// What to log: a level (error, warn, info, debug, trace), or a list such as
    /// `info,tripline::sink=debug` [default: what RUST_LOG says, or info]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,

    /// The form of the log: `text` for people, `json` for machines
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

impl Run {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let level = self.log_level.clone().or_else(|| std::env::var("RUST_LOG").ok());
        let format = match self.log_format {
            LogFormat::Text => log::Format::Text,
            LogFormat::Json => log::Format::Json,
        };
        log::begin(format, level.as_deref().unwrap_or("info")).map_err(|error| Misuse(error.to_string()))?;
        // What comes over the network must not know how it will be hashed.
        seed_hashes(rand::random());
        let loading = match load::load(&self.config, None) {
            Ok((loading, said)) => {
                said.show();
                loading
            }
            Err(load::Wrong { said, why }) => {
                said.show();
                return Err(Misuse(why).into());
            }
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("cannot start the threads for input and output")?;
        let code = runtime.block_on(serve::serve(&self.config, loading));
        // A thread may be waiting in a read or write that never returns.
        runtime.shutdown_background();
        code
    }
}

/// A configuration that is right by itself.
pub struct Configured {
    /// The configuration.
    pub config: Config,
}

/// Reads a configuration; what is wrong with it goes to standard error.
pub fn load_config(path: &Path) -> anyhow::Result<Configured> {
    let config::Loaded { config, diagnostics, sources, .. } = config::load(path).map_err(Misuse)?;
    output::show(&diagnostics, &sources);
    match config {
        Some(config) => Ok(Configured { config }),
        None => {
            let (errors, _) = diagnostics.counts();
            Err(Misuse(format!("the configuration has {}", plural(errors, "error"))).into())
        }
    }
}
