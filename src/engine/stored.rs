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
//! now is left out and said ([`Restored::left`]); what belongs to others is found again, wherever their names,
//! streams and fields stand now.

mod look;
mod memory;
mod restoring;

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::event::stored::EventWriter;
use crate::event::{Duration, Timestamp};
use crate::ordering::Ordering;
use crate::program::{OldRule, RuleId};
use crate::shard::legend::{Legend, StoredLegend};
use crate::shard::{ShardCounters, Shelving};
use crate::stored::{Damaged, Reader, Row, Rows, Shelf, Space, Writer, merged};

use super::texts;
use super::{Counters, Engine};

pub use look::{RowSearch, StoredRuleSummary, Summary};
pub use memory::StateInMemory;
pub use restoring::{OldVersion, Restored, Restoring};

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

    /// The rules, the newest first, as [`Program::compile_with_old`](crate::program::Program::compile_with_old) takes them.
    pub fn finish(self) -> Vec<OldRule> {
        self.rules.into_iter().map(|(_, rule)| rule).collect()
    }
}

/// The rules of a state, the newest first, as [`Program::compile_with_old`](crate::program::Program::compile_with_old) takes them.
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
