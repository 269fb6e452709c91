//! `tripline init`: a project to begin with.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use super::{Misuse, output};

/// Make a project with rules, tests, sample events and a configuration
///
/// Nothing that exists is overwritten.
#[derive(Debug, clap::Args)]
pub struct Init {
    /// The folder; made if it does not exist
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// The files of the project: real ones, which the tests check, run and format.
const FILES: [(&str, &str); 5] = [
    ("README.md", include_str!("template/README.md")),
    ("tripline.toml", include_str!("template/tripline.toml")),
    ("rules/streams.trip", include_str!("template/rules/streams.trip")),
    ("rules/guessed_password.trip", include_str!("template/rules/guessed_password.trip")),
    ("events/logins.jsonl", include_str!("template/events/logins.jsonl")),
];

impl Init {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let there = |(name, _): &(&str, &str)| self.folder.join(name).symlink_metadata().is_ok();
        let taken: Vec<String> =
            FILES.iter().filter(|file| there(file)).map(|(name, _)| format!("`{name}`")).collect();
        if !taken.is_empty() {
            let message = format!(
                "`{}` already has {}; name a folder that is new or empty",
                self.folder.display(),
                taken.join(", ")
            );
            return Err(Misuse(message).into());
        }
        for (name, text) in FILES {
            write_new(&self.folder.join(name), text)?;
        }
        output::print(&self.next_steps())?;
        Ok(ExitCode::SUCCESS)
    }

    fn next_steps(&self) -> String {
        let mut text = format!("Made in `{}`:\n", self.folder.display());
        FILES.iter().for_each(|(name, _)| text.push_str(&format!("  {name}\n")));
        text + "\nGo there, and try:\n  \
                tripline test rules\n  \
                tripline replay rules --input logins=events/logins.jsonl\n  \
                tripline run\n"
    }
}

/// Writes a file that must not exist yet, and the folders around it.
fn write_new(path: &Path, text: &str) -> anyhow::Result<()> {
    let write = || {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
    };
    write().with_context(|| format!("cannot write `{}`", path.display()))
}
