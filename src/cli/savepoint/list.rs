//! `tripline savepoint list`

use std::process::ExitCode;

use anyhow::Context as _;

use crate::cli::output::{self, grouped};
use crate::cli::place::{self, Place};
use crate::runtime::savepoints::{self, Listed};

use super::size;

/// List the savepoints of a state
#[derive(Debug, clap::Args)]
pub struct List {
    #[command(flatten)]
    place: Place,

    /// Write a JSON list instead of a table
    #[arg(long)]
    json: bool,
}

impl List {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let folder = savepoints::folder(&self.place.folder()?);
        let all = savepoints::list(&*place::disk(), &folder)
            .with_context(|| format!("cannot read the folder {}", folder.display()))?;
        if self.json {
            output::print_json(&all)?;
        } else if all.is_empty() {
            output::print(&format!("there are no savepoints in {}\n", folder.display()))?;
        } else {
            output::print(&describe(&all))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn describe(all: &[Listed]) -> String {
    let head = ["name", "state of", "checkpoint", "size"].map(str::to_owned).to_vec();
    let row = |one: &Listed| {
        let time = one.time.map_or("cannot be used".into(), |time| time.to_string());
        let checkpoint = one.checkpoint.map(grouped).unwrap_or_default();
        vec![one.name.clone(), time, checkpoint, one.bytes.map(size).unwrap_or_default()]
    };
    let rows: Vec<_> = std::iter::once(head).chain(all.iter().map(row)).collect();
    let mut text = output::table(&rows, &[2, 3]);
    for one in all {
        if let Some(problem) = &one.problem {
            text.push_str(&format!("\n{}: {problem}\n", one.name));
        }
    }
    text
}
