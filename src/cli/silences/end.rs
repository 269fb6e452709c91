//! `tripline silences end`

use std::process::ExitCode;

use crate::cli::alerts::say::Who;
use crate::cli::output;
use crate::cli::place::{self, Place};

/// End a silence now
#[derive(Debug, clap::Args)]
pub struct End {
    /// Its id, or the beginning of it
    #[arg(value_name = "ID")]
    id: String,

    #[command(flatten)]
    who: Who,

    #[command(flatten)]
    place: Place,

    /// Write a JSON object instead of a sentence
    #[arg(long)]
    json: bool,
}

impl End {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let service = place::running(&self.place.folder()?)?;
        let silence = place::block_on(service.end_silence(&self.id, &self.who.said()))??;
        if self.json {
            output::print_json(&silence)?;
        } else {
            output::print(&format!("{} is over: {} are told of again\n", silence.id, silence.matcher))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
