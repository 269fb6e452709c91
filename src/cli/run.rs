//! `tripline run`: the service.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::ValueEnum;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

use crate::api::server::Server;
use crate::config::tables::Loaded;
use crate::config::{self, Config};
use crate::diagnostic::Sources;
use crate::event::seed_hashes;
use crate::program::Program;
use crate::runtime::clock::SystemClock;
use crate::runtime::service::{self, Service, Start};
use crate::runtime::{control, recovery};
use crate::store::Store;
use crate::telemetry::log;

use super::Misuse;
use super::output::{self, plural};
use super::rules::{self, Ready};

/// Run the rules over live events
///
/// Takes events from the sources of the configuration and sends alerts to its sinks until it is asked
/// to stop (SIGTERM, SIGINT) or all sources have ended. It then finishes what it has received and
/// delivers its alerts; asked a second time, it stops at once. The log goes to standard error.
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
        let Loading { config, program, tables } = self.load()?;
        let (store, program) = open_state(&config, program)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("cannot start the threads for input and output")?;
        let code = runtime.block_on(serve(config, program, tables, store));
        // A thread may be waiting in a read or write that never returns.
        runtime.shutdown_background();
        code
    }

    fn load(&self) -> anyhow::Result<Loading> {
        let Configured { config, sources } = load_config(&self.config)?;
        let compiled = rules::compile(std::slice::from_ref(&config.rules.value));
        let Ready { program, tables, .. } = compiled.show_and_take_all()?;
        let misfits = config.check(&program);
        output::show(&misfits, &sources);
        if misfits.has_errors() {
            let (errors, _) = misfits.counts();
            let errors = plural(errors, "error");
            return Err(Misuse(format!("the configuration and the rules do not fit: {errors}")).into());
        }
        Ok(Loading { config, program, tables })
    }
}

/// What a service is made of.
struct Loading {
    config: Config,
    program: Arc<Program>,
    tables: Loaded,
}

/// Opens the store of a service that keeps state, and adds to its rules the old versions of those that have
/// changed since the state was stored.
fn open_state(config: &Config, program: Arc<Program>) -> anyhow::Result<(Option<Store>, Arc<Program>)> {
    let Some(state) = &config.state else { return Ok((None, program)) };
    let store = recovery::store(state)?;
    let olds = recovery::old_rules(state, &store)?;
    let with_old = match olds.is_empty() {
        true => None,
        // What there is to say about the rules has been said.
        false => rules::compile_with_old(std::slice::from_ref(&config.rules.value), &olds).program,
    };
    Ok((Some(store), with_old.map_or(program, Arc::new)))
}

/// A configuration that is right by itself.
pub struct Configured {
    /// The configuration.
    pub config: Config,
    /// The file that what is said about it points into.
    pub sources: Sources,
}

/// Reads a configuration; what is wrong with it goes to standard error.
pub fn load_config(path: &Path) -> anyhow::Result<Configured> {
    let config::Loaded { config, diagnostics, sources } = config::load(path).map_err(Misuse)?;
    output::show(&diagnostics, &sources);
    match config {
        Some(config) => Ok(Configured { config, sources }),
        None => {
            let (errors, _) = diagnostics.counts();
            Err(Misuse(format!("the configuration has {}", plural(errors, "error"))).into())
        }
    }
}

async fn serve(
    config: Config,
    program: Arc<Program>,
    tables: Loaded,
    store: Option<Store>,
) -> anyhow::Result<ExitCode> {
    // Before anything is opened, so that a signal from now on stops cleanly.
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for signals")?;
    // A file that may not grow further is an error of writing, like a full disk, and not the end: that is what
    // this signal would be if nobody listened.
    let _file_too_large =
        signal(SignalKind::from_raw(nix::libc::SIGXFSZ)).context("cannot listen for signals")?;
    let state = config.state.as_ref().map(|state| state.path.clone());
    let (control, requests) = control::control(state.as_deref(), service::metrics(&config, &program));
    let mut api = Server::new(control.clone());
    if let Some(address) = config.api {
        api.listen(address).await?;
    }
    if let Some(state) = &state
        && let Err(error) = api.listen_in(state)
    {
        warn!(%error, "`tripline state`, `tripline savepoint` and `tripline outbox` cannot reach this service");
    }
    let clock = Arc::new(SystemClock);
    let start = Start { config, program, tables, store, control, requests, clock };
    let result = run(start, &mut terminate, &mut interrupt).await;
    api.stop().await;
    result
}

/// Runs a service until it has ended or is asked to stop.
async fn run(start: Start, terminate: &mut Signal, interrupt: &mut Signal) -> anyhow::Result<ExitCode> {
    let service = Service::start(start).await?;
    let (asked, stop) = tokio::sync::oneshot::channel::<()>();
    let mut asked = Some(asked);
    let run = service.run(async {
        // The sender is kept until it is used.
        let _ = stop.await;
    });
    tokio::pin!(run);
    loop {
        let signal = tokio::select! {
            outcome = &mut run => {
                return Ok(if outcome?.complete { ExitCode::SUCCESS } else { ExitCode::FAILURE });
            }
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        match asked.take() {
            Some(asked) => {
                info!(signal, "asked to stop");
                let _ = asked.send(());
            }
            None => {
                warn!(signal, "asked again: stopping at once");
                return Ok(ExitCode::FAILURE);
            }
        }
    }
}
