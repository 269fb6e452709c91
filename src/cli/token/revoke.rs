//! `tripline token revoke`

use std::process::ExitCode;

use crate::access;
use crate::cli::{Misuse, output};
use crate::diagnostic::did_you_mean;

use super::File;

/// Revoke a token: it counts no longer
///
/// The service takes no notice of it any more from the next request on.
#[derive(Debug, clap::Args)]
pub struct Revoke {
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,

    #[command(flatten)]
    file: File,
}

impl Revoke {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let path = self.file.path()?;
        access::file::change(&path, |tokens| {
            let removed = tokens.remove(&self.name);
            let names = tokens.entries().iter().map(|entry| entry.name.as_str());
            let none = || {
                let hint = did_you_mean(&self.name, names);
                Misuse(format!("there is no token `{}` in `{}`{hint}", self.name, path.display()))
            };
            anyhow::Ok(removed.map(drop).ok_or_else(none)?)
        })?;
        output::print(&format!("the token `{}` counts no longer\n", self.name))?;
        Ok(ExitCode::SUCCESS)
    }
}
