//! What the service goes on from: the state of the last checkpoint.
//!
//! Enters: the folder of `[state]`. Leaves: the store and the journal in it, open; how far sources had
//! come; and an engine that goes on where the last checkpoint was made.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, bail};
use tokio::sync::Notify;
use tracing::{info, warn};

use crate::config::{ChangedRules, State};
use crate::disk::{Disk, RealDisk};
use crate::engine::{Engine, EngineOptions, Left, OldVersion, Restored, Restoring, StoredRules, Why};
use crate::journal::{self, Committer, Journal};
use crate::program::{OldRule, Program};
use crate::source::gate::Listening;
use crate::source::positions::Positions;
use crate::store::{self, Snapshot, Store, StoredRow};
use crate::stored::{Damaged, Row, Space};
use crate::telemetry::Metrics;
use crate::watch;

use super::shelf::Memory;
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
    /// How it is to be used.
    pub state: State,
    /// Told how far sources have come for good.
    pub settled: watch::Sender<Arc<Positions>>,
}

/// Opens the store in the folder, which is made if there is none. Nobody else can open it from now on.
///
/// # Errors
/// When it is in use, cannot be written, or is not what was written.
pub fn store(state: &State) -> anyhow::Result<Store> {
    let options = store::Options { archive: state.max_alerts, ..store::Options::default() };
    Ok(Store::open(Arc::new(RealDisk), &state.path, options)?)
}

/// The rules that the state of a store is of, the newest first, as [`Program::compile_with_old`] takes them;
/// none if old versions of rules are not to go on.
///
/// # Errors
/// When the state cannot be read.
pub fn old_rules(state: &State, store: &Store) -> anyhow::Result<Vec<OldRule>> {
    let snapshot = store.snapshot();
    let is_elsewhere = state.moving.is_some();
    if is_elsewhere || state.changed_rules == ChangedRules::Reset || snapshot.number() == 0 {
        return Ok(Vec::new());
    }
    stored_rules(snapshot).with_context(|| unreadable(snapshot))
}

/// The rules that a state is of, the newest first.
///
/// # Errors
/// When the state cannot be read.
pub fn stored_rules(snapshot: &Arc<Snapshot>) -> anyhow::Result<Vec<OldRule>> {
    let mut rules = StoredRules::new(&head(snapshot)?)?;
    for row in snapshot.rows(StoredRules::GROUP..StoredRules::GROUP + 1) {
        rules.row(as_row(&row?)?)?;
    }
    Ok(rules.finish())
}

/// A row of a store, or of a savepoint, as engines know it.
///
/// # Errors
/// When it is of no space that this version knows.
pub fn as_row(row: &StoredRow) -> Result<Row<'_>, Damaged> {
    Ok(Row { space: Space::of(row.space())?, group: row.group(), key: row.key(), value: row.value() })
}

fn unreadable(snapshot: &Snapshot) -> String {
    format!("the state in {} cannot be gone on from", snapshot.file().display())
}

/// Opens the journal beside a store, which is made if there is none. The journal's thread runs from now on.
///
/// # Errors
/// When it cannot be written, or is not what was written.
pub fn open(state: &State, store: Store, metrics: &Metrics) -> anyhow::Result<Opened> {
    let (opened, committer) = open_on(Arc::new(RealDisk), state, store, metrics)?;
    committer.start().context("cannot start the thread that writes the journal")?;
    Ok(opened)
}

/// The same on any disk, without the journal's thread: the committer does its work.
///
/// # Errors
/// As for [`open`].
pub fn open_on(
    disk: Arc<dyn Disk>,
    state: &State,
    store: Store,
    metrics: &Metrics,
) -> anyhow::Result<(Opened, Committer)> {
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
    let settled = watch::Sender::new(Arc::new(positions.clone()));
    Ok((Opened { store, positions, journal, listening, state: state.clone(), settled }, committer))
}

/// How far sources had come by a checkpoint.
///
/// # Errors
/// When that cannot be read.
fn positions(snapshot: &Snapshot) -> anyhow::Result<Positions> {
    let damaged = || format!("the positions of sources in {} cannot be read", snapshot.file().display());
    Positions::of_stored(&snapshot.positions()?).with_context(damaged)
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
    memory: Option<Memory>,
    news: &Arc<Notify>,
) -> anyhow::Result<Engine> {
    if snapshot.number() == 0 {
        info!(folder = %snapshot.file().display(), "nothing is stored yet: beginning anew");
        let engine = workers::engine(Arc::clone(program), options, news);
        let mut engine = engine.context("cannot start the shards")?;
        if let Some(Memory { limit, shelf }) = memory {
            engine.shelve(limit, shelf);
        }
        return Ok(engine);
    }
    let begun = Instant::now();
    let unreadable = || unreadable(snapshot);
    let (restoring, rows) = read(snapshot, program, options, memory)?;
    let restored = workers::restored(restoring, news).with_context(unreadable)?;
    let Restored { mut engine, left, old, events_left } = restored.context("cannot start the shards")?;
    old.iter().for_each(say_old);
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
        cold = stats.cold_keys,
        waiting = engine.waiting(),
        seconds = begun.elapsed().as_secs_f64(),
        "going on from the last checkpoint"
    );
    Ok(engine)
}

/// The head of the state of an engine.
fn head(snapshot: &Snapshot) -> anyhow::Result<Vec<u8>> {
    let head = snapshot.head()?;
    if head.is_empty() {
        bail!(
            "what the rules hold is not in the folder: the service keeps it in a topic of Kafka (`state.topic`), and a service \
             that does not needs another folder"
        );
    }
    Ok(head)
}

/// Makes sure that a store has no state of an engine, as where state is kept elsewhere: it would be forgotten there.
///
/// # Errors
/// When there is one.
pub fn no_engine(snapshot: &Snapshot) -> anyhow::Result<()> {
    if snapshot.number() > 0 && !snapshot.head()?.is_empty() {
        bail!(
            "the folder {} has the state of a service that kept it there, and with `state.topic` it is kept elsewhere: use \
             another folder",
            snapshot.file().display()
        );
    }
    Ok(())
}

/// Reads the state of a checkpoint; also says how many rows it has.
///
/// # Errors
/// When it cannot be read.
pub fn read(
    snapshot: &Arc<Snapshot>,
    program: &Arc<Program>,
    options: EngineOptions,
    memory: Option<Memory>,
) -> anyhow::Result<(Restoring, u64)> {
    let unreadable = || unreadable(snapshot);
    let mut restoring =
        Restoring::new(Arc::clone(program), options, &head(snapshot)?).with_context(unreadable)?;
    if let Some(Memory { limit, shelf }) = memory {
        restoring.shelve(limit, shelf);
    }
    let mut rows = 0_u64;
    for row in snapshot.all_rows() {
        let row = row?;
        restoring.row(as_row(&row).with_context(unreadable)?).with_context(unreadable)?;
        rows += 1;
    }
    Ok((restoring, rows))
}

/// Says that what a rule has begun is completed by the version that began it.
pub(super) fn say_old(old: &OldVersion) {
    let OldVersion { rule, fingerprint, runs, alerts } = old;
    info!(
        %rule,
        old_fingerprint = %fingerprint,
        runs,
        alerts,
        "the rule means something else now; its old version completes what it has begun, and begins nothing"
    );
}

/// Says what of the state belongs to a rule that is not what it was.
pub(super) fn say_left(left: &Left) {
    let Left { rule, fingerprint, why, refused, keys, runs, past_events, alerts } = left;
    let why = match why {
        Why::Gone => "there is no such rule any more",
        Why::Changed => "the rule means something else now",
        Why::Off => "the rule is off",
    };
    let refused = refused.as_ref().map(|refused| format!("; its old version cannot go on: {refused}"));
    warn!(
        %rule,
        old_fingerprint = %fingerprint,
        keys,
        runs,
        past_events,
        alerts,
        "left out what the rule held: {why}{}",
        refused.unwrap_or_default()
    );
}
