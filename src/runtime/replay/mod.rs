//! Recorded events through the engine, as fast as they can be read.
//!
//! Enters: files of records, each a partition of a stream. Leaves: alerts in the order decided,
//! and a summary. Reading goes on where event time is held back most, so that what waits for its
//! turn in the engine stays small however long the files are. The result depends on the files'
//! content alone: partitions are numbered by sorted path.

mod decoders;
mod divided;
mod inputs;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::alert::Alert;
use crate::engine::ShardCounters;
use crate::engine::{Counters, Engine, EngineOptions};
use crate::event::{PartitionId, StreamId, Timestamp};
use crate::program::Program;
use crate::source::Decoding;
use crate::source::reader::{BatchLimits, Reason, Rejection};
use crate::source::recording::{self, OpenError};
use crate::table::Tables;

use super::workers;
use inputs::Inputs;

/// The clock during a replay if nothing else is said: recorded events know their own time, and results
/// must not depend on when a replay is made.
pub const REPLAY_CLOCK: Timestamp = Timestamp::from_micros(0);

/// How much is read from a partition before the next choice.
const TURN: BatchLimits = BatchLimits { events: 1024, bytes: 1 << 20 };
/// How many rejected records the summary shows.
const SHOWN_REJECTIONS: usize = 5;

/// A recording of a stream's events.
#[derive(Clone, Debug)]
pub struct Input {
    /// The stream.
    pub stream: StreamId,
    /// The file; `-` is standard input.
    pub path: PathBuf,
    /// How its records are written.
    pub decoding: Decoding,
}

/// How to replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Longest record in bytes; longer ones are passed over and counted.
    pub max_line: usize,
    /// Among how many threads the keys are divided.
    pub shards: usize,
    /// The clock, which stands still, and so the time at which every record arrives.
    pub clock: Timestamp,
}

/// Why a replay cannot begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// An input cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// An input is named twice for one stream, or standard input for two.
    #[error("`{}` is given twice", .0.display())]
    Twice(PathBuf),
    /// An input cannot be read to its end.
    #[error("cannot read `{}`: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What happened.
        error: io::Error,
    },
    /// There are no threads for the shards.
    #[error("cannot start a thread for each shard: {0}")]
    Threads(#[source] io::Error),
    /// The alerts cannot be written.
    #[error("cannot write the alerts: {0}")]
    Write(#[source] io::Error),
}

/// A record that is no event, as the summary shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejected {
    /// The file.
    pub path: PathBuf,
    /// Its line, from 1.
    pub line: u64,
    /// Why.
    pub why: Rejection,
}

/// What a replay has read and found.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// What the engine has counted of events.
    pub counters: Counters,
    /// What it has counted of rules.
    pub rules: ShardCounters,
    /// Records that are no events, by kind.
    pub rejected: BTreeMap<Reason, u64>,
    /// The first of them.
    pub shown: Vec<Rejected>,
}

/// A replay under way.
pub struct Replay {
    engine: Engine,
    inputs: Inputs,
    clock: Timestamp,
}

impl Replay {
    /// Opens the inputs. Lists and tables keep their contents to the end.
    ///
    /// # Errors
    /// When an input is given twice or cannot be opened, or there are no threads for the shards.
    pub fn open(
        program: Arc<Program>,
        tables: Arc<Tables>,
        inputs: Vec<Input>,
        settings: Settings,
    ) -> Result<Replay, ReplayError> {
        let options = EngineOptions { shards: settings.shards, ..EngineOptions::RECORDED };
        let (mut engine, helpers) =
            workers::engine_and_helpers(Arc::clone(&program), options, &Arc::default())
                .map_err(ReplayError::Threads)?;
        engine.set_tables(tables);
        let mut opened = Inputs::new(program, settings, inputs.len(), helpers);
        for (input, partition) in numbered(inputs)? {
            let recording = recording::open(&input.path, Some(input.decoding.compression))?;
            engine.open(input.stream, partition, settings.clock);
            opened.add((input.stream, partition), input, recording);
        }
        Ok(Replay { engine, inputs: opened, clock: settings.clock })
    }

    /// The size of all inputs as they are stored, when that is known.
    pub fn stored_size(&self) -> Option<u64> {
        self.inputs.stored_size()
    }

    /// Reads the inputs to their ends. Alerts are given to `alerts` as they are decided; `progress`
    /// learns after each step how many of the stored bytes have been read and how many events that
    /// were.
    ///
    /// # Errors
    /// When an input cannot be read or `alerts` fails. What was decided before has been given out.
    ///
    /// # Panics
    /// When a shard or a decoder has failed: nothing can be said of the results any more.
    pub fn run(
        mut self,
        mut alerts: impl FnMut(Vec<Alert>) -> io::Result<()>,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<Summary, ReplayError> {
        let mut rejections = Rejections::default();
        while let Some(id) = self.choose() {
            let turn = self.inputs.turn(&id, &mut rejections);
            for event in turn.batch.events {
                // A refusal has been counted by the engine and shows in the summary.
                let _ = self.engine.offer(event, self.clock);
            }
            self.engine.run();
            // What came before a failure still counts.
            if let Some(error) = turn.failure {
                self.engine.settle();
                alerts(self.engine.take_alerts()).map_err(ReplayError::Write)?;
                return Err(ReplayError::Read { path: self.inputs.path(&id).to_path_buf(), error });
            }
            if turn.ended {
                self.engine.close(id.0, id.1);
            }
            alerts(self.engine.take_alerts()).map_err(ReplayError::Write)?;
            progress(self.inputs.stored_read(), self.engine.counters().events);
        }
        self.engine.finish();
        alerts(self.engine.take_alerts()).map_err(ReplayError::Write)?;
        Ok(Summary {
            counters: self.engine.counters(),
            rules: self.engine.stats().rules,
            rejected: rejections.counts,
            shown: rejections.shown,
        })
    }

    /// The input to read from next; `None` when all have ended.
    fn choose(&self) -> Option<inputs::Id> {
        let behind = self.engine.behind().filter(|id| self.inputs.is_open(id));
        behind.or_else(|| self.inputs.first())
    }
}

/// Numbers the inputs of each stream by sorted path.
fn numbered(mut inputs: Vec<Input>) -> Result<Vec<(Input, PartitionId)>, ReplayError> {
    inputs.sort_by(|one, other| (one.stream, &one.path).cmp(&(other.stream, &other.path)));
    let mut seen = BTreeSet::new();
    let mut next: BTreeMap<StreamId, u32> = BTreeMap::new();
    let mut numbered = Vec::with_capacity(inputs.len());
    for input in inputs {
        let standard_input = input.path.as_os_str() == recording::STANDARD_INPUT;
        let stream = if standard_input { None } else { Some(input.stream) };
        if !seen.insert((stream, input.path.clone())) {
            return Err(ReplayError::Twice(input.path));
        }
        let number = next.entry(input.stream).or_default();
        numbered.push((input, PartitionId(*number)));
        *number += 1;
    }
    Ok(numbered)
}

/// What the summary says of rejected records.
#[derive(Default)]
struct Rejections {
    counts: BTreeMap<Reason, u64>,
    shown: Vec<Rejected>,
}

impl Rejections {
    /// There are `count` more of a kind.
    fn count(&mut self, reason: Reason, count: u64) {
        *self.counts.entry(reason).or_default() += count;
    }

    /// Keeps the next one if it is one of the first.
    fn show(&mut self, path: &Path, line: u64, why: &Rejection) {
        if self.shown.len() < SHOWN_REJECTIONS {
            self.shown.push(Rejected { path: path.to_path_buf(), line, why: why.clone() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Format;
    use crate::source::compression::Compression;
    use crate::source::framing::Framing;

    fn input(stream: u32, path: &str) -> Input {
        let decoding =
            Decoding { format: Format::Json, framing: Framing::Lines, compression: Compression::None };
        Input { stream: StreamId(stream), path: path.into(), decoding }
    }

    #[test]
    fn partitions_are_numbered_by_path_whatever_the_order_given() {
        let given = |inputs| -> Vec<(u32, PathBuf, u32)> {
            let numbered = numbered(inputs).expect("no input is given twice");
            numbered.into_iter().map(|(input, number)| (input.stream.0, input.path, number.0)).collect()
        };
        let expected = vec![(0, "a".into(), 0), (0, "b".into(), 1), (1, "x".into(), 0)];
        assert_eq!(given(vec![input(0, "b"), input(1, "x"), input(0, "a")]), expected);
        assert_eq!(given(vec![input(1, "x"), input(0, "a"), input(0, "b")]), expected);
    }

    #[test]
    fn a_file_may_feed_two_streams_but_not_one_twice() {
        assert!(numbered(vec![input(0, "a"), input(1, "a")]).is_ok());
        assert!(matches!(numbered(vec![input(0, "a"), input(0, "a")]), Err(ReplayError::Twice(_))));
        assert!(matches!(numbered(vec![input(0, "-"), input(1, "-")]), Err(ReplayError::Twice(_))));
    }
}
