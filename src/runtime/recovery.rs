//! What the service goes on from: the state of the last checkpoint.
//!
//! Enters: the folder of `[state]`. Leaves: the store and the journal in it, open; how far sources had
//! come; and an engine that goes on where the last checkpoint was made.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use tokio::sync::Notify;
use tracing::{info, warn};

use crate::config::State;
use crate::disk::{Disk, RealDisk};
use crate::engine::{Engine, EngineOptions, Left, Restored, Restoring, Why};
use crate::event::Duration;
use crate::journal::{self, Journal};
use crate::program::Program;
use crate::source::gate::Listening;
use crate::source::positions::Positions;
use crate::store::{self, Snapshot, Store};
use crate::stored::{Row, Space};
use crate::telemetry::Metrics;

use super::workers;

/// What there is in the folder.
pub struct Opened {
    /// The store.
    pub store: Store,
    /// How far sources had come by the last checkpoint.
    pub positions: Positions,
    /// What came since and cannot be asked for again.
    pub journal: Journal,
    /// Hears from the journal.
    pub listening: Listening,
    /// How often what has changed is to be stored.
    pub checkpoint: Duration,
}

/// Opens the store and the journal, which are made if there are none. The journal's thread runs from now on.
///
/// # Errors
/// When they are in use, cannot be written, or are not what was written.
pub fn open(state: &State, metrics: &Metrics) -> anyhow::Result<Opened> {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let store = Store::open(Arc::clone(&disk), &state.path, store::Options::default())?;
    let positions = positions(store.snapshot())?;
    let counted = metrics.journal.clone().expect("a service with a journal counts what it does");
    let listening = Listening::new(counted);
    let options = journal::Options {
        limits: state.journal,
        known: positions.journal,
        on_change: Some(listening.listener()),
        ..journal::Options::default()
    };
    let (journal, committer) = Journal::open(disk, &state.journal_folder(), options)?;
    committer.start().context("cannot start the thread that writes the journal")?;
    Ok(Opened { store, positions, journal, listening, checkpoint: state.checkpoint })
}

/// How far sources had come by a checkpoint.
///
/// # Errors
/// When that cannot be read.
fn positions(snapshot: &Snapshot) -> anyhow::Result<Positions> {
    let bytes = snapshot.positions()?;
    if bytes.is_empty() {
        return Ok(Positions::default());
    }
    let damaged = || format!("the positions of sources in {} cannot be read", snapshot.file().display());
    Positions::decode(&bytes).with_context(damaged)
}

/// An engine that goes on from a checkpoint, or begins if there was none. Its shards tell `news` of what
/// they have done.
///
/// # Errors
/// When the checkpoint cannot be read, or no threads can be started.
pub fn engine(
    snapshot: &Arc<Snapshot>,
    program: &Arc<Program>,
    options: EngineOptions,
    news: &Arc<Notify>,
) -> anyhow::Result<Engine> {
    if snapshot.number() == 0 {
        info!(folder = %snapshot.file().display(), "nothing is stored yet: beginning anew");
        return workers::engine(Arc::clone(program), options, news).context("cannot start the shards");
    }
    let begun = Instant::now();
    let unreadable = || format!("the state in {} cannot be gone on from", snapshot.file().display());
    let mut restoring =
        Restoring::new(Arc::clone(program), options, &snapshot.head()?).with_context(unreadable)?;
    let mut rows = 0_u64;
    for row in snapshot.all_rows() {
        let row = row?;
        let space = Space::of(row.space()).with_context(unreadable)?;
        let row = Row { space, group: row.group(), key: row.key(), value: row.value() };
        restoring.row(row).with_context(unreadable)?;
        rows += 1;
    }
    let restored = workers::restored(restoring, news).with_context(unreadable)?;
    let Restored { mut engine, left, events_left } = restored.context("cannot start the shards")?;
    left.iter().for_each(say_left);
    if events_left > 0 {
        warn!(
            events = events_left,
            "left out: events that waited for their turn, of streams that the rules do not have any more"
        );
    }
    let stats = engine.stats();
    info!(
        checkpoint = snapshot.number(),
        made = %snapshot.time(),
        rows,
        keys = stats.live_keys,
        runs = stats.live_runs,
        waiting = engine.waiting(),
        seconds = begun.elapsed().as_secs_f64(),
        "going on from the last checkpoint"
    );
    Ok(engine)
}

/// Says what of the state belongs to a rule that is not what it was.
fn say_left(left: &Left) {
    let Left { rule, why, keys, runs, past_events, alerts } = left;
    let why = match why {
        Why::Gone => "there is no such rule any more",
        Why::Changed => "the rule means something else now",
        Why::Off => "the rule is off",
    };
    warn!(%rule, keys, runs, past_events, alerts, "left out what the rule held: {why}");
}
