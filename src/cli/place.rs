//! The folder of a state that a command works on, and the service that uses it, if one runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::api::client::Client;
use crate::disk::{Disk, RealDisk};
use crate::store::{self, Snapshot, StoreError};

use super::{Misuse, run};

/// The state a command works on.
#[derive(Debug, clap::Args)]
pub struct Place {
    /// The configuration, whose `[state]` says which folder
    #[arg(long, short, value_name = "FILE", default_value = "tripline.toml")]
    pub config: PathBuf,

    /// The folder itself, for which no configuration is needed
    #[arg(long, value_name = "FOLDER")]
    pub state: Option<PathBuf>,
}

impl Place {
    /// The folder.
    pub fn folder(&self) -> anyhow::Result<PathBuf> {
        if let Some(folder) = &self.state {
            return Ok(folder.clone());
        }
        match run::load_config(&self.config)?.config.state {
            Some(state) => Ok(state.path),
            None => Err(Misuse(format!(
                "`{}` has no `[state]`, so that nothing is kept; name a folder with `--state`",
                self.config.display()
            ))
            .into()),
        }
    }
}

/// The disk of this machine.
pub fn disk() -> Arc<dyn Disk> {
    Arc::new(RealDisk)
}

/// What a command asks a service on.
pub fn block_on<T>(work: impl Future<Output = T>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(work))
}

/// The service that uses a folder, if one runs.
pub fn service(folder: &Path) -> anyhow::Result<Option<Client>> {
    // Its timers and sockets belong to where it is asked; making it needs none.
    Ok(Client::find(folder)?)
}

/// The service that uses a folder, which has to run.
pub fn running(folder: &Path) -> anyhow::Result<Client> {
    let none = || {
        let message = format!(
            "no service runs that keeps its state in {}; start it, and say it then",
            folder.display()
        );
        anyhow::Error::msg(message)
    };
    service(folder)?.ok_or_else(none)
}

/// The state in a folder that no service uses.
pub fn stopped(folder: &Path) -> anyhow::Result<Arc<Snapshot>> {
    let snapshot = store::look(&disk(), folder).map_err(not_there)?;
    if snapshot.number() == 0 {
        return Err(Misuse(format!("nothing is stored in {} yet", folder.display())).into());
    }
    Ok(snapshot)
}

/// What is wrong with a store, for people who may not know whether the service runs.
pub fn not_there(error: StoreError) -> anyhow::Error {
    match error {
        StoreError::InUse { folder, process } => {
            let process = process.map(|process| format!(" ({process})")).unwrap_or_default();
            let message = format!(
                "the state in {} is in use by a process{process} that does not answer at `{}`: it starts, stops, or another \
                 command is at work; try again, or look at its log",
                folder.display(),
                crate::api::socket::NAME
            );
            anyhow::Error::msg(message)
        }
        error @ (StoreError::Missing { .. } | StoreError::Foreign { .. } | StoreError::Newer { .. }) => {
            Misuse(error.to_string()).into()
        }
        error => error.into(),
    }
}
