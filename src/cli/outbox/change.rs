//! `tripline outbox retry` and `tripline outbox drop`

use std::process::ExitCode;

use crate::cli::Misuse;
use crate::cli::output::{self, plural};
use crate::cli::place::{self, Place};
use crate::runtime::control::MOST_SHOWN;
use crate::runtime::outbox::{Order, Which, look};

use super::{Filter, carry_out};

/// Send alerts again that were given up
///
/// They are put behind all others that wait for their sinks, with the same ids, and are tried as new ones are. With
/// `--waiting`, alerts that wait for another try are tried at once instead.
#[derive(Debug, clap::Args)]
pub struct Retry {
    #[command(flatten)]
    chosen: Chosen,
}

/// Drop alerts that were given up: they are not kept any longer
///
/// With `--waiting`, alerts are dropped instead that wait for their sinks and were never accepted. One that is under way at
/// this moment may arrive all the same.
#[derive(Debug, clap::Args)]
pub struct Discard {
    #[command(flatten)]
    chosen: Chosen,
}

#[derive(Debug, clap::Args)]
struct Chosen {
    /// The ids of the alerts
    #[arg(value_name = "ID")]
    ids: Vec<String>,

    #[command(flatten)]
    filter: Filter,

    /// All that there are
    #[arg(long)]
    all: bool,

    /// Of those that wait, and not of those that were given up
    #[arg(long)]
    waiting: bool,

    /// Say how many these are, and do nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    place: Place,

    /// Write a JSON object instead of a sentence
    #[arg(long)]
    json: bool,
}

impl Retry {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.chosen.waiting {
            true => self.chosen.run(Order::Hurry, "tried at once"),
            false => self.chosen.run(Order::Retry, "sent again"),
        }
    }
}

impl Discard {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let order = if self.chosen.waiting { Order::Discard } else { Order::Drop };
        self.chosen.run(order, "dropped")
    }
}

impl Chosen {
    fn run(self, order: impl FnOnce(Which) -> Order, done: &str) -> anyhow::Result<ExitCode> {
        let which = self.filter.which(&self.ids);
        if which == Which::default() && !self.all {
            let message = "say which: ids, `--sink`, `--rule`, `--before`, or `--all`; `tripline outbox list` shows what there is";
            return Err(Misuse(message.into()).into());
        }
        let count = match self.dry_run {
            true => self.count(&which)?,
            false => carry_out(&self.place, order(which))?.count,
        };
        if self.json {
            output::print_json(&serde_json::json!({"count": count, "dry_run": self.dry_run}))?;
        } else {
            let verb = match (self.dry_run, count) {
                (true, _) => "would be",
                (false, 1) => "is",
                (false, _) => "are",
            };
            let alerts = plural(usize::try_from(count).unwrap_or(usize::MAX), "alert");
            output::print(&format!("{alerts} {verb} {done}\n"))?;
        }
        // Who names alerts expects that there are some.
        Ok(if count == 0 && !self.ids.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    fn count(&self, which: &Which) -> anyhow::Result<u64> {
        let folder = self.place.folder()?;
        let view = match place::service(&folder)? {
            Some(service) => place::block_on(service.outbox(which, MOST_SHOWN))??,
            None => look(&*place::stopped(&folder)?, which, MOST_SHOWN)?,
        };
        Ok(view.sinks.iter().map(|sink| if self.waiting { sink.waiting } else { sink.dead }).sum())
    }
}
