//! `tripline silences list`

use std::process::ExitCode;

use crate::cli::alerts::stored;
use crate::cli::output;
use crate::cli::place::{self, Place};
use crate::cli::quarantine::visible;
use crate::event::Timestamp;
use crate::routing::Silence;
use crate::runtime::clock::SystemClock;
use crate::source::Clock;

/// List the silences
#[derive(Debug, clap::Args)]
pub struct List {
    /// Those that are over too, for five days
    #[arg(long)]
    all: bool,

    #[command(flatten)]
    place: Place,

    /// Write a JSON list instead of a table
    #[arg(long)]
    json: bool,
}

impl List {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let folder = self.place.folder()?;
        let mut silences = match place::service(&folder)? {
            Some(service) => place::block_on(service.silences())??,
            None => stored(&folder)?.silences().list(),
        };
        let now = SystemClock.now();
        silences.retain(|silence| self.all || !silence.is_over(now));
        if self.json {
            output::print_json(&silences)?;
        } else if silences.is_empty() {
            output::print("no silences\n")?;
        } else {
            output::print(&describe(&silences, now))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn describe(silences: &[Silence], now: Timestamp) -> String {
    let head = ["id", "", "from", "until", "by", "alerts", "comment"].map(str::to_owned).to_vec();
    let row = |silence: &Silence| {
        let state = match () {
            () if silence.is_over(now) => "over",
            () if silence.holds(now) => "holds",
            () => "to come",
        };
        let (from, until) = (silence.starts.to_string(), silence.ends.to_string());
        let (alerts, comment) = (visible(&silence.matcher.to_string()), visible(&silence.comment));
        vec![silence.id.clone(), state.to_owned(), from, until, visible(&silence.author), alerts, comment]
    };
    let rows: Vec<_> = std::iter::once(head).chain(silences.iter().map(row)).collect();
    output::table(&rows, &[])
}
