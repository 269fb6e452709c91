//! What must outlive the program that runs the rules: the state of an engine as bytes.
//!
//! Leaves: at each call of [`Engine::changes`] a *head*, which is written whole, and the *rows* that have
//! changed since the last call. A row holds what is held for one key, some past events of one, or some events
//! that wait for their turn; the head holds all else: what the numbers in rows stand for, alerts that wait to
//! be read or taken, how far event time has come on each partition, and counts.
//!
//! Enters: a head and all rows that there are, in any order ([`Restoring`]). An engine that is given the
//! state of another goes on exactly where that one was: the same events after it give the same alerts. It
//! may have another number of shards, and other rules: what belongs to a rule that means something else
//! now is left out and said ([`Left`]); what belongs to others is found again, wherever their names,
//! streams and fields stand now.

mod look;
mod memory;

use std::collections::HashSet;
use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::alert::Alert;
use crate::event::stored::{EventWriter, Events, ReadAgain};
use crate::event::{Duration, KeyGroup, Timestamp};
use crate::history::stored::StoredLogs;
use crate::ordering::Ordering;
use crate::program::{OldRule, Program, RuleId, RuleInfo};
use crate::shard::legend::{Left, Legend, Meaning, StoredLegend};
use crate::shard::{Again, Restore, Shard, ShardCounters, Shelving};
use crate::stored::{Damaged, Reader, Row, Rows, Shelf, Space, Writer, merged};
use crate::table::Tables;

use super::executor::{Executor, Inline};
use super::stages::{Pending, Stages};
use super::texts::{self, Texts};
use super::{Counters, Engine, EngineOptions, shards};

pub use look::{RowSearch, StoredRuleSummary, Summary};
pub use memory::StateInMemory;

/// What a head begins with.
const MAGIC: &[u8] = b"tripline state\n";
/// The one format that is written and read.
const FORMAT: u32 = 1;

/// What has become of the state of an engine.
#[derive(Debug)]
pub struct Changes {
    /// Takes the place of the head before.
    pub head: Vec<u8>,
    lists: Vec<Rows>,
    generation: u64,
}

impl Changes {
    /// The number to be said to [`Engine::stored`] when these changes, and all before them, have been kept.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The rows that have changed, in the order of their groups: each takes the place of the one before
    /// with the same space and key. No two are of the same space and key.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        merged(&self.lists)
    }

    /// These changes together with those before them that could not be kept. Of two of a row the later one
    /// counts.
    pub fn with_older(mut self, older: &Changes) -> Changes {
        let newer: HashSet<(Space, &[u8])> = self.rows().map(|row| (row.space, row.key)).collect();
        let mut rest = Rows::default();
        for row in older.rows().filter(|row| !newer.contains(&(row.space, row.key))) {
            let key = |w: &mut Writer| w.plain(row.key);
            match row.value {
                Some(value) => rest.write(row.space, row.group, key, |w| w.plain(value)),
                None => rest.remove(row.space, row.group, key),
            }
        }
        drop(newer);
        self.lists.push(rest);
        self
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.lists.iter().map(Rows::len).sum()
    }

    /// Whether no row has changed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes there are.
    pub fn bytes(&self) -> usize {
        self.head.len() + self.lists.iter().map(Rows::bytes).sum::<usize>()
    }
}

/// Why an engine cannot go on from a state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// It is something else.
    #[error("this is no state of Tripline")]
    Foreign,
    /// It was written by a newer version.
    #[error(
        "the state has the format {found}; this version of Tripline reads the format {FORMAT}: use the version that wrote it, or a newer one"
    )]
    Newer {
        /// The format that it has.
        found: u32,
    },
    /// The head is not what was written.
    #[error("the head of the state is damaged: {0}")]
    Head(Damaged),
    /// A row is not what was written, or one is missing.
    #[error("a row of the state is damaged ({row}): {damaged}")]
    Row {
        /// Which one.
        row: String,
        /// What is wrong.
        damaged: Damaged,
    },
    /// Rows are missing, or do not belong together.
    #[error("the rows of the state are damaged: {0}")]
    Rows(Damaged),
}

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

/// The rules of a state, while the rows with their texts are read.
#[derive(Debug)]
pub struct StoredRules {
    /// With the number of each, the newest first.
    rules: Vec<(u32, OldRule)>,
}

impl StoredRules {
    /// The group of rows in which the texts of rules are, besides others: they are all that is needed.
    pub const GROUP: u16 = texts::GROUP;

    /// Reads the head of a state.
    ///
    /// # Errors
    /// When it is none.
    pub fn new(head: &[u8]) -> Result<StoredRules, RestoreError> {
        let legend = StoredLegend::restore(&mut begin(head)?).map_err(RestoreError::Head)?;
        Ok(StoredRules { rules: legend.rules() })
    }

    /// Takes a row of the state, whichever it is.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn row(&mut self, row: Row<'_>) -> Result<(), RestoreError> {
        if row.space != Space::Rules {
            return Ok(());
        }
        let damaged = |damaged| RestoreError::Row { row: RowName(row).to_string(), damaged };
        let (number, text) = texts::read(row).map_err(damaged)?;
        // The newest have the greatest numbers.
        let place = self.rules.binary_search_by(|(known, _)| number.cmp(known));
        place.into_iter().for_each(|place| self.rules[place].1.text = text.into());
        Ok(())
    }

    /// The rules, the newest first, as [`Program::compile_with_old`] takes them.
    pub fn finish(self) -> Vec<OldRule> {
        self.rules.into_iter().map(|(_, rule)| rule).collect()
    }
}

/// The rules of a state, the newest first, as [`Program::compile_with_old`] takes them.
///
/// # Errors
/// When it is no state.
pub fn stored_rules<'r>(
    head: &[u8],
    rows: impl IntoIterator<Item = Row<'r>>,
) -> Result<Vec<OldRule>, RestoreError> {
    let mut rules = StoredRules::new(head)?;
    rows.into_iter().try_for_each(|row| rules.row(row))?;
    Ok(rules.finish())
}

/// No event that has been looked at is later. Of one whose stream is gone, the time before it is known.
fn latest(ordering: &Ordering) -> Timestamp {
    ordering.reached().saturating_add(Duration::from_micros(1))
}

/// Reads what each head begins with.
fn begin(head: &[u8]) -> Result<Reader<'_>, RestoreError> {
    let mut r = Reader::new(head.strip_prefix(MAGIC).ok_or(RestoreError::Foreign)?);
    match r.small().map_err(RestoreError::Head)? {
        FORMAT => Ok(r),
        found => Err(RestoreError::Newer { found }),
    }
}

impl Engine {
    /// What has changed of the state since this was called last; of an engine that has not gone on from a
    /// stored state, at first everything. What was submitted to the shards is matched before.
    ///
    /// Who calls it must keep what it gives: it is not given again.
    pub fn changes(&mut self) -> Changes {
        self.settle();
        let legend = match self.legend.take() {
            Some(legend) => legend,
            None => Arc::new(Legend::new(&self.program)),
        };
        // In the order of the lists, from the last: each gets the room that it had.
        let mut spare = std::mem::take(&mut self.spare);
        let mut room = || {
            let mut rows = spare.pop().unwrap_or_default();
            rows.clear();
            rows
        };
        let (mut of_rules, mut waiting) = (room(), room());
        let spare = Mutex::new(spare);
        self.generation += 1;
        let generation = self.generation;
        let of_shards = self.ask({
            let legend = Arc::clone(&legend);
            move |shard| {
                let rows = spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
                shard.changes(&legend, rows.unwrap_or_default(), generation)
            }
        });
        let has_outdated = of_shards.iter().any(|(_, changes)| changes.has_outdated);
        let legend = match legend.has_older() && !has_outdated {
            true => Arc::new((*legend).clone().without_older(&self.program)),
            false => legend,
        };
        let mut counters = ShardCounters::new(self.program.compiled().len());
        of_shards.iter().for_each(|(_, changes)| counters.add(&changes.counters));
        let legend = self
            .without_ended(legend, &live_of_old(of_shards.iter().map(|(_, changes)| &*changes.live_of_old)));
        let mut lists: Vec<Rows> = of_shards.into_iter().map(|(_, changes)| changes.rows).collect();
        self.ordering.changes(&legend.streams, &mut waiting);
        lists.push(waiting);
        self.texts.changes(&self.program, &legend, &mut of_rules);
        lists.push(of_rules);
        let head = self.head(&legend, &counters);
        self.legend = Some(legend);
        Changes { head, lists, generation }
    }

    /// All that [`Engine::changes`] has given is kept, up to the changes of this [`Changes::generation`], and can
    /// be read from the shelf of [`Engine::shelve`]: what has not changed since may leave memory. To be said
    /// only when it is so; changes that were not kept may be kept later, together with others.
    pub fn stored(&mut self, generation: u64) {
        self.stored = self.stored.max(generation);
        if let Some(shelving) = &self.shelving {
            shelving.are_stored(self.stored);
        }
    }

    /// Keeps the memory that keys take below about so many bytes: what is held for those that were not needed
    /// for the longest time leaves memory, if it has been stored ([`Engine::stored`]), and is read from the
    /// shelf when it is needed again. What matches is the same. What has changed since it was stored last
    /// stays in any case, and so do about 90 bytes for each key that is away; of the limit these leave at least
    /// half to the others.
    pub fn shelve(&mut self, limit_bytes: usize, shelf: Arc<dyn Shelf>) {
        self.settle();
        let legend = self.legend.get_or_insert_with(|| Arc::new(Legend::new(&self.program)));
        let legend = Arc::clone(legend);
        let shards = self.options.shards * self.program.strata();
        let shelving = Arc::new(Shelving::new(&self.program, &legend, (limit_bytes, shards), shelf));
        shelving.are_stored(self.stored);
        self.shelving = Some(Arc::clone(&shelving));
        self.executor.visit(Arc::new(move |_, shard| shard.shelve(Arc::clone(&shelving), &legend)));
    }

    /// What things are called, without the old versions of rules that have come to an end: nothing is left that
    /// names them, but for what their limits count. `live` has the number of runs of each old version.
    fn without_ended(&mut self, legend: Arc<Legend>, live: &[u64]) -> Arc<Legend> {
        let known: Vec<(RuleId, u64)> = self
            .program
            .olds()
            .zip(live.iter().copied())
            .filter(|(rule, _)| legend.runs(*rule).is_some())
            .collect();
        let is_over = |(rule, live): (RuleId, u64)| live == 0 && !self.stages.pending().has_of(rule);
        let mut going_on: Vec<RuleId> = Vec::new();
        let mut ended: Vec<RuleId> = Vec::new();
        for one in known {
            if is_over(one) { ended.push(one.0) } else { going_on.push(one.0) }
        }
        // An old version that reads the alerts of others means what it meant only as long as these are there:
        // without them it could not be taken over at the next start.
        while let Some(reader) = going_on.pop() {
            let program = &self.program;
            going_on.extend(ended.extract_if(.., |rule| program.reads_alerts_of(reader, *rule)));
        }
        ended.iter().filter_map(|rule| legend.runs(*rule)).for_each(|number| self.texts.ended(number));
        if ended.is_empty() {
            return legend;
        }
        // Of one that had nothing when it was restored, nobody was told.
        self.ended.extend(self.going_on.extract_if(.., |rule| ended.contains(rule)));
        Arc::new((*legend).clone().without(&ended, &self.program))
    }

    /// Uses the room that changes have taken for those that come, when what they say has been kept: new
    /// memory costs more than all else.
    pub fn reuse(&mut self, changes: Changes) {
        self.spare = changes.lists;
    }

    fn head(&self, legend: &Legend, counters: &ShardCounters) -> Vec<u8> {
        let mut w = Writer::default();
        w.plain(MAGIC);
        w.number(FORMAT.into());
        w.plain(legend.as_bytes());
        let mut of_events = EventWriter::default();
        let body = &mut of_events.body;
        self.passed.write(body);
        let Counters { events, late, future } = self.counters;
        [events, late, future].iter().for_each(|count| body.number(*count));
        counters.store(legend, body);
        self.ordering.store(&mut of_events, &legend.streams);
        self.stages.pending().store(legend, &mut of_events);
        of_events.body.size(self.alerts.len());
        self.alerts.iter().for_each(|alert| alert.write(&mut of_events, &legend.streams));
        of_events.finish(&mut w);
        w.into_bytes()
    }

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
    program: Arc<Program>,
    options: EngineOptions,
    legend: Legend,
    meaning: Meaning,
    again: Again,
    /// How far event time had come in the last round.
    passed: Timestamp,
    counters: Counters,
    ordering: Ordering,
    pending: Pending,
    alerts: Vec<Alert>,
    /// By stratum.
    shards: Vec<Vec<Shard>>,
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

/// How many runs each old version of a rule has in all shards.
fn live_of_old<'s>(shards: impl Iterator<Item = &'s [usize]>) -> Vec<u64> {
    let mut sums = Vec::new();
    for live in shards {
        sums.resize(live.len(), 0);
        sums.iter_mut().zip(live).for_each(|(sum, live)| *sum += *live as u64);
    }
    sums
}

impl fmt::Debug for Restoring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Restoring").field("options", &self.options).field("left", &self.left).finish()
    }
}

/// A row as an error names it.
struct RowName<'a>(Row<'a>);

impl fmt::Display for RowName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// So many bytes of the key are shown.
        const SHOWN: usize = 32;
        let RowName(row) = self;
        write!(f, "{:?}, group {}, key ", row.space, row.group)?;
        row.key.iter().take(SHOWN).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        if row.key.len() > SHOWN { f.write_str("…") } else { Ok(()) }
    }
}
