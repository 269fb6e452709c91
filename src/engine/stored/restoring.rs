//! An engine that goes on from a state.
//!
//! Enters: a program, the head of a state and its rows, in any order. Leaves: an engine, and what of the state
//! was left out because the rules are others now.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use crate::alert::Alert;
use crate::event::stored::{Events, ReadAgain};
use crate::event::{KeyGroup, Timestamp};
use crate::history::stored::StoredLogs;
use crate::ordering::Ordering;
use crate::program::{Program, RuleId, RuleInfo};
use crate::shard::legend::{Left, Legend, Meaning, StoredLegend};
use crate::shard::{Again, Restore, Shard, ShardCounters, Shelving};
use crate::stored::{Damaged, Reader, Row, Shelf, Space};
use crate::table::Tables;

use super::super::executor::{Executor, Inline};
use super::super::stages::{Pending, Stages};
use super::super::texts::Texts;
use super::super::{Counters, Engine, EngineOptions, shards};
use super::{RestoreError, RowName, begin, latest, live_of_old};

/// An engine that goes on, and what of the state was left out.
#[derive(Debug)]
pub struct Restored {
    /// The engine.
    pub engine: Engine,
    /// The rules of which what they held was left out, in the order of their names; only those of which
    /// there was something.
    pub left: Vec<Left>,
    /// The old versions of rules that go on, in the order of their names; only those that have something.
    pub old: Vec<OldVersion>,
    /// How many events that waited for their turn were left out because their streams are gone.
    pub events_left: u64,
}

/// An old version of a rule that goes on with what it has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldVersion {
    /// The rule's name.
    pub rule: Arc<str>,
    /// Hash of what this version means.
    pub fingerprint: Arc<str>,
    /// How many partial matches it has.
    pub runs: u64,
    /// How many of its alerts no other rule has read yet.
    pub alerts: u64,
}

impl Engine {
    /// An engine that goes on where the one was that had this state: its last head and all its rows, in any
    /// order.
    ///
    /// # Errors
    /// When it is no such state.
    ///
    /// # Panics
    /// When the number of shards is out of its bounds.
    pub fn restore<'r>(
        program: Arc<Program>,
        options: EngineOptions,
        head: &[u8],
        rows: impl IntoIterator<Item = Row<'r>>,
    ) -> Result<Restored, RestoreError> {
        let mut restoring = Restoring::new(program, options, head)?;
        rows.into_iter().try_for_each(|row| restoring.row(row))?;
        restoring.finish()
    }
}

/// An engine to be, while the rows of a state are read.
pub struct Restoring {
    pub(super) program: Arc<Program>,
    options: EngineOptions,
    legend: Legend,
    pub(super) meaning: Meaning,
    pub(super) again: Again,
    /// How far event time had come in the last round.
    pub(super) passed: Timestamp,
    counters: Counters,
    ordering: Ordering,
    pending: Pending,
    alerts: Vec<Alert>,
    /// By stratum.
    pub(super) shards: Vec<Vec<Shard>>,
    /// The rows of logs of each shard.
    logs: Vec<Vec<StoredLogs>>,
    left: Vec<Left>,
    events_left: u64,
    shelving: Option<Arc<Shelving>>,
    texts: Texts,
}

impl Restoring {
    /// Reads the head of a state.
    ///
    /// # Errors
    /// When it is none.
    ///
    /// # Panics
    /// When the number of shards is out of its bounds.
    pub fn new(
        program: Arc<Program>,
        options: EngineOptions,
        head: &[u8],
    ) -> Result<Restoring, RestoreError> {
        Restoring::read(program, options, begin(head)?).map_err(RestoreError::Head)
    }

    fn read(program: Arc<Program>, options: EngineOptions, mut r: Reader<'_>) -> Result<Restoring, Damaged> {
        let (legend, meaning) = StoredLegend::restore(&mut r)?.take_over(&program);
        let again = Again::new(Arc::clone(&program));
        let events = Events::read(&mut r, &meaning.streams, &|stream, raw| again.read(stream, raw))?;
        let passed = Timestamp::read(&mut r)?;
        let counters = Counters { events: r.count()?, late: r.count()?, future: r.count()? };
        let mut shards = shards(&program, options, |stratum| Shard::new(Arc::clone(&program), stratum));
        ShardCounters::restore(&program, &meaning, &mut r, &mut shards)?;
        let ordering = Ordering::restore(program.streams(), &mut r, &meaning.streams)?;
        let mut left = meaning.left.clone();
        let pending = Pending::restore(&program, &meaning, &mut r, &events, &mut left)?;
        let alerts = r.list(|r| Alert::read(r, &events))?;
        r.end()?;
        let logs = shards.iter().map(|of_stratum| of_stratum.iter().map(|_| StoredLogs::default()).collect());
        Ok(Restoring {
            logs: logs.collect(),
            options,
            legend,
            meaning,
            again,
            passed,
            counters,
            ordering,
            pending,
            alerts,
            shards,
            left,
            events_left: 0,
            shelving: None,
            texts: Texts::new(&program),
            program,
        })
    }

    /// Keeps memory below a limit, like [`Engine::shelve`], from the next row on: those for which there is no
    /// room stay on the shelf, which must have all rows that are taken. To be called before the first one.
    pub fn shelve(&mut self, limit_bytes: usize, shelf: Arc<dyn Shelf>) {
        let shards = self.shards.iter().map(Vec::len).sum();
        let shelving = Arc::new(Shelving::new(&self.program, &self.legend, (limit_bytes, shards), shelf));
        for shard in self.shards.iter_mut().flatten() {
            shard.shelve(Arc::clone(&shelving), &self.legend);
        }
        self.shelving = Some(shelving);
    }

    /// Among how many shards the keys are divided.
    #[cfg(feature = "service")]
    pub(crate) fn shards(&self) -> usize {
        self.options.shards
    }

    /// Takes a row of the state.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn row(&mut self, row: Row<'_>) -> Result<(), RestoreError> {
        self.take(row).map_err(|damaged| RestoreError::Row { row: RowName(row).to_string(), damaged })
    }

    fn take(&mut self, row: Row<'_>) -> Result<(), Damaged> {
        let again = &self.again;
        let again: &ReadAgain<'_> = &|stream, raw| again.read(stream, raw);
        if row.space == Space::Waiting {
            let (schemas, streams) = (self.program.streams(), &self.meaning.streams);
            self.events_left += self.ordering.restore_row(schemas, row, streams, again)?;
            return Ok(());
        }
        if row.space == Space::Rules {
            return self.texts.restore(row, &self.program, &self.meaning);
        }
        let mut key = Reader::new(row.key);
        let stratum = key.small()? as usize;
        if usize::from(row.group) >= KeyGroup::COUNT {
            return Err(Damaged::new("there is no such group of keys"));
        }
        let shard = usize::from(row.group) * self.options.shards / KeyGroup::COUNT;
        // Rules of more strata than there are now are all left out: it does not matter who finds that.
        let stratum_now = stratum.min(self.shards.len() - 1);
        let mut restore = Restore {
            program: &self.program,
            meaning: &self.meaning,
            again,
            passed: self.passed,
            latest: latest(&self.ordering),
            stratum,
            left: &mut self.left,
            counts: Vec::new(),
        };
        let logs = &mut self.logs[stratum_now][shard];
        self.shards[stratum_now][shard].restore(row, key, &mut restore, logs)
    }

    /// The engine, when all rows have been taken.
    ///
    /// # Errors
    /// When rows are missing.
    pub fn finish(self) -> Result<Restored, RestoreError> {
        let inline = |shards| Ok::<_, Infallible>(Box::new(Inline::new(shards)) as Box<dyn Executor>);
        let Ok(restored) = self.finish_with(inline)?;
        Ok(restored)
    }

    /// The same with shards that an executor runs.
    ///
    /// # Errors
    /// When rows are missing, or there is no executor.
    pub(crate) fn finish_with<E>(
        mut self,
        executor: impl FnOnce(Vec<Vec<Shard>>) -> Result<Box<dyn Executor>, E>,
    ) -> Result<Result<Restored, E>, RestoreError> {
        let latest = latest(&self.ordering);
        let shards = self.shards.iter_mut().flatten();
        for (shard, logs) in shards.zip(self.logs.into_iter().flatten()) {
            shard.restored(self.passed, latest, logs).map_err(RestoreError::Rows)?;
        }
        let mut left = self.left;
        left.retain(Left::is_something);
        left.sort_by(|one, other| one.rule.cmp(&other.rule));
        let live = live_of_old(self.shards.iter().flatten().map(Shard::live_runs_of_old));
        let old: Vec<(RuleId, OldVersion)> = self
            .program
            .olds()
            .zip(live)
            .map(|(id, runs)| (id, OldVersion::of(self.program.info(id), runs, self.pending.count_of(id))))
            .filter(|(_, old)| old.runs > 0 || old.alerts > 0)
            .collect();
        let (going_on, old) = old.into_iter().unzip();
        let executor = match executor(self.shards) {
            Ok(executor) => executor,
            Err(error) => return Ok(Err(error)),
        };
        let engine = Engine {
            // Event time may have gone on after the last round, of which the shards do not know.
            passed: Timestamp::MIN,
            ordering: self.ordering,
            stages: Stages::new(Arc::clone(&self.program), self.options.shards, self.pending),
            executor,
            tables: Arc::new(Tables::unread(self.program.tables())),
            alerts: self.alerts,
            counters: self.counters,
            options: self.options,
            legend: Some(Arc::new(self.legend)),
            spare: Vec::new(),
            generation: 0,
            stored: 0,
            shelving: self.shelving,
            texts: self.texts,
            going_on,
            ended: Vec::new(),
            program: self.program,
        };
        Ok(Ok(Restored { engine, left, old, events_left: self.events_left }))
    }
}

impl OldVersion {
    fn of(info: &RuleInfo, runs: u64, alerts: u64) -> OldVersion {
        OldVersion { rule: Arc::clone(&info.name), fingerprint: Arc::clone(&info.fingerprint), runs, alerts }
    }
}

impl fmt::Debug for Restoring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Restoring").field("options", &self.options).field("left", &self.left).finish()
    }
}
