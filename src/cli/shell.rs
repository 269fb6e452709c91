//! `tripline completions` and `tripline man`: made from the same definitions as `--help`.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell;

use super::{Cli, output};

/// Print a script that completes the command line in a shell
///
/// For example `tripline completions bash > ~/.local/share/bash-completion/completions/tripline`.
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

impl Completions {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        // Writing to a closed pipe would panic in the library; writing to memory cannot fail.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "tripline", &mut script);
        output::print(&String::from_utf8_lossy(&script))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Write the manual pages
///
/// With a folder, writes a page for the program and one for each of its commands there; without one,
/// prints that of the program.
#[derive(Debug, clap::Args)]
pub struct Man {
    /// The folder, such as ~/.local/share/man/man1
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl Man {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let command = Cli::command();
        match self.folder {
            None => output::print(&page(&command)?)?,
            Some(folder) => {
                let write = || -> io::Result<()> {
                    fs::create_dir_all(&folder)?;
                    clap_mangen::generate_to(command, &folder)
                };
                write().with_context(|| format!("cannot write to `{}`", folder.display()))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn page(command: &clap::Command) -> anyhow::Result<String> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}
