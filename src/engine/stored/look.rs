//! Looking at a stored state without an engine that goes on from it.
//!
//! Enters: a head, and rows one after the other. Leaves: partial matches of a program's rules ([`RowSearch`]), or
//! without any program what there is of each rule ([`Summary`]). No more than a row is held at a time.

use std::collections::BTreeMap;

use super::{RestoreError, Restoring, RowName, begin};
use crate::event::stored::{Events, Streams};
use crate::event::{Key, Timestamp};
use crate::history::stored::StoredLogs;
use crate::matcher::RunSet;
use crate::program::Program;
use crate::shard::Restore;
use crate::shard::legend::{Left, StoredLegend};
use crate::shard::look::{Found, Look, Search, runs_of_row};
use crate::stored::{Damaged, Reader, Row, Space, Writer};

/// Partial matches that are looked for among rows.
pub struct RowSearch<'a> {
    restoring: &'a Restoring,
    look: &'a Look,
    search: Search<'a, (Key, RunSet)>,
    left: Vec<Left>,
}

impl Restoring {
    /// All times before this had been decided.
    pub fn decided(&self) -> Timestamp {
        self.passed
    }

    /// Looks for partial matches among the rows of the state, which are not taken.
    pub fn search<'a>(&'a self, look: &'a Look) -> RowSearch<'a> {
        let search = Search::new(&self.program, look, self.passed);
        RowSearch { restoring: self, look, search, left: self.meaning.left.clone() }
    }
}

impl RowSearch<'_> {
    /// Looks at a row.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn row(&mut self, row: Row<'_>) -> Result<(), RestoreError> {
        self.take(row).map_err(|damaged| RestoreError::Row { row: RowName(row).to_string(), damaged })
    }

    fn take(&mut self, row: Row<'_>) -> Result<(), Damaged> {
        let Restoring { program, meaning, again, passed, shards, .. } = self.restoring;
        if row.space != Space::Runs {
            return Ok(());
        }
        let mut key = Reader::new(row.key);
        let stratum = key.small()? as usize;
        let key = Key::read(&mut key)?;
        if !self.look.wants_any(&key) || stratum >= shards.len() {
            return Ok(());
        }
        let again: &crate::event::stored::ReadAgain<'_> = &|stream, raw| again.read(stream, raw);
        let mut value = Reader::new(row.value.unwrap_or_default());
        let events = Events::read(&mut value, &meaning.streams, again)?;
        let left = &mut self.left;
        let mut restore = Restore {
            program,
            meaning,
            again,
            passed: *passed,
            latest: Timestamp::MAX,
            stratum,
            left,
            counts: Vec::new(),
        };
        let (key, all) = runs_of_row(key, &mut value, &events, &mut restore)?;
        for (rule, runs) in all {
            self.search.offer(rule, &key, &runs, || (key.clone(), runs.clone()));
        }
        Ok(())
    }

    /// What was found, and what there is of rules that are not what they were.
    pub fn finish(self) -> (Found, Vec<Left>) {
        let mut left = self.left;
        left.retain(|left| left.keys > 0);
        left.sort_by(|one, other| one.rule.cmp(&other.rule));
        (self.search.finish(|(key, runs), view, _| view(key, runs)), left)
    }
}

impl Look {
    /// The rows that say all of what it asks, if these are few: their groups and keys, in [`Space::Runs`].
    pub fn rows(&self, program: &Program) -> Option<Vec<(u16, Vec<u8>)>> {
        let keys = self.only()?;
        let all = keys.iter().flat_map(|key| (0..program.strata()).map(move |stratum| (key, stratum)));
        let row = |(key, stratum): (&&Key, usize)| {
            let mut w = Writer::default();
            w.size(stratum);
            key.write(&mut w);
            (key.group().0, w.into_bytes())
        };
        Some(all.map(row).collect())
    }
}

/// What a state holds, as far as it says so without the rules it belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The rules that it has something of, or had.
    pub rules: Vec<StoredRuleSummary>,
    /// The streams whose events it may hold, each once.
    pub streams: Vec<String>,
    /// All times before this had passed when the last events were matched.
    pub passed: Timestamp,
    /// How many events were taken since the state began.
    pub events: u64,
    /// How many events of the past are kept for aggregates.
    pub past_events: u64,
    /// How many events wait for their turn in event time.
    pub waiting: u64,
    /// The rules by the numbers of their runs.
    numbers: BTreeMap<u32, usize>,
}

/// What a state holds of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRuleSummary {
    /// Its name.
    pub rule: String,
    /// The hash of its meaning.
    pub fingerprint: String,
    /// For how many keys there are partial matches.
    pub keys: u64,
    /// How many partial matches there are.
    pub runs: u64,
}

impl Summary {
    /// Reads the head of a state.
    ///
    /// # Errors
    /// When it is none.
    pub fn new(head: &[u8]) -> Result<Summary, RestoreError> {
        Summary::read(&mut begin(head)?).map_err(RestoreError::Head)
    }

    fn read(r: &mut Reader<'_>) -> Result<Summary, Damaged> {
        let legend = StoredLegend::restore(r)?;
        Events::read(r, &Streams::default(), &|_, _| None)?;
        let (passed, events) = (Timestamp::read(r)?, r.count()?);
        let mut summary = Summary { passed, events, ..Summary::default() };
        for (name, fingerprint, number) in legend.numbers() {
            summary.numbers.insert(number, summary.rules.len());
            let (rule, fingerprint) = (name.to_owned(), fingerprint.to_owned());
            summary.rules.push(StoredRuleSummary { rule, fingerprint, keys: 0, runs: 0 });
        }
        summary.streams = legend.streams().map(str::to_owned).collect();
        summary.streams.sort();
        summary.streams.dedup();
        Ok(summary)
    }

    /// Counts a row of the state.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn row(&mut self, row: Row<'_>) -> Result<(), RestoreError> {
        self.take(row).map_err(|damaged| RestoreError::Row { row: RowName(row).to_string(), damaged })
    }

    fn take(&mut self, row: Row<'_>) -> Result<(), Damaged> {
        let mut value = Reader::new(row.value.unwrap_or_default());
        if row.space == Space::Rules {
            return Ok(());
        }
        if row.space == Space::Past {
            value.small()?;
            self.past_events += StoredLogs::count(&mut value)?;
            return Ok(());
        }
        let events = Events::read(&mut value, &Streams::default(), &|_, _| None)?;
        if row.space == Space::Waiting {
            self.waiting += events.len() as u64;
            return Ok(());
        }
        for _ in 0..value.len()? {
            let (number, body) = (value.small()?, value.bytes()?);
            // What a `limit` counts has a number of its own.
            if let Some(place) = self.numbers.get(&number) {
                let rule = &mut self.rules[*place];
                rule.keys += 1;
                rule.runs += RunSet::stored_count(&mut Reader::new(body))?;
            }
        }
        value.end()
    }
}
