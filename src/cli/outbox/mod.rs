//! `tripline outbox`: alerts that wait for sinks, and those that were given up.

mod change;
mod list;

use std::process::ExitCode;

use clap::Subcommand;

use crate::event::Timestamp;
use crate::runtime::clock::SystemClock;
use crate::runtime::outbox::{Done, Order, Which};
use crate::source::Clock;
use crate::store::{self, Store};

use super::place::{self, Place};

/// Look at alerts that wait for sinks or were given up, and send these again
///
/// An alert waits in the outbox until its sink has accepted it. One that was given up is kept as a dead letter. Asks the
/// service that runs; when none runs, works on its state.
#[derive(Debug, clap::Args)]
pub struct Outbox {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    List(list::List),
    Retry(change::Retry),
    Drop(change::Discard),
}

impl Outbox {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.what {
            What::List(command) => command.run(),
            What::Retry(command) => command.run(),
            What::Drop(command) => command.run(),
        }
    }
}

/// Which alerts.
#[derive(Debug, clap::Args)]
struct Filter {
    /// Only for this sink
    #[arg(long, short, value_name = "SINK")]
    sink: Option<String>,

    /// Only of this rule
    #[arg(long, short, value_name = "RULE")]
    rule: Option<String>,

    /// Only those that have waited, or were given up, since before this time, as 2026-03-01T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    before: Option<Timestamp>,
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).ok_or_else(|| "a time is written `2026-03-01T08:00:00Z`".into())
}

impl Filter {
    fn which(&self, ids: &[String]) -> Which {
        Which { sink: self.sink.clone(), rule: self.rule.clone(), before: self.before, ids: ids.to_vec() }
    }
}

/// Has something done: by the service that runs, or on the state of one that does not.
pub fn carry_out(place: &Place, order: Order) -> anyhow::Result<Done> {
    let folder = place.folder()?;
    if let Some(service) = place::service(&folder)? {
        return Ok(place::block_on(service.order(&order))??);
    }
    // Nothing is to be made where nothing is.
    drop(place::stopped(&folder)?);
    let mut store =
        Store::open(place::disk(), &folder, store::Options::default()).map_err(place::not_there)?;
    let snapshot = store.snapshot().clone();
    let changes = order.changes(&snapshot, SystemClock.now())?;
    let count = changes.len() as u64;
    store.change_outbox(&changes)?;
    store.close()?;
    Ok(Done { count })
}
