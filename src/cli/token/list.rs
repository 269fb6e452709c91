//! `tripline token list`

use std::process::ExitCode;

use crate::access::{self, Entry};
use crate::cli::output;
use crate::event::Timestamp;
use crate::runtime::clock::SystemClock;
use crate::source::Clock;

use super::File;

/// List the tokens: who has them and what they may do
#[derive(Debug, clap::Args)]
pub struct List {
    #[command(flatten)]
    file: File,

    /// Write a JSON list instead of a table
    #[arg(long)]
    json: bool,
}

impl List {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let tokens = access::file::read(&self.file.path()?)?;
        if self.json {
            output::print_json(&tokens.entries())?;
        } else if tokens.entries().is_empty() {
            output::print("no tokens\n")?;
        } else {
            output::print(&describe(tokens.entries(), SystemClock.now()))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn describe(tokens: &[Entry], now: Timestamp) -> String {
    let head = ["name", "role", "", "made", "expires"].map(str::to_owned).to_vec();
    let row = |entry: &Entry| {
        let state = if entry.is_over(now) { "expired" } else { "" };
        let time =
            |time: Option<Timestamp>, none: &str| time.map_or(none.to_owned(), |time| time.to_string());
        let (made, expires) = (time(entry.created, ""), time(entry.expires, "never"));
        vec![entry.name.clone(), entry.role.to_string(), state.to_owned(), made, expires]
    };
    let rows: Vec<_> = std::iter::once(head).chain(tokens.iter().map(row)).collect();
    output::table(&rows, &[])
}
