//! An engine that keeps its state, in a process of its own: what checkpoints cost when very many keys
//! have a run and some of them change.
//!
//! Every key gets an event, which begins its run. Then, for each checkpoint, some keys in turn get one
//! more, which takes the place of the run. Events are made and decoded before the clock runs. The store is
//! the real one, on the disk where the folder is.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use tripline::codec::Decoder;
use tripline::codec::json::JsonDecoder;
use tripline::diagnostic::Sources;
use tripline::disk::RealDisk;
use tripline::engine::{Changes, Engine, EngineOptions};
use tripline::event::{Event, PartitionId, Position, Timestamp};
use tripline::program::Program;
use tripline::store::{Commit, Committed, Options, Row, Store};

use crate::child::Task;
use crate::traffic::cards;
use crate::usage;

/// Events made at once, before the clock runs.
const BATCH: u64 = 10_000;

/// What to measure.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    /// The file of the rules; they have a stream `payments` as the traffic of cards has it.
    pub rules: PathBuf,
    /// How many keys have a run.
    pub keys: u64,
    /// How many of them change between two checkpoints.
    pub changed: u64,
    /// How many checkpoints there are after the first one, which has everything.
    pub checkpoints: usize,
    /// Where the store is made.
    pub folder: PathBuf,
}

/// What was measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// How many keys there are, each with a run.
    pub live_keys: u64,
    /// Resident memory before the first event, with all runs, after the first checkpoint, and at the end,
    /// in megabytes.
    pub memory_mb: [f64; 4],
    /// The checkpoint of everything.
    pub first: Checkpoint,
    /// Those after it.
    pub further: Vec<Checkpoint>,
    /// CPU time of the events between checkpoints, in seconds an event.
    pub event_s: f64,
    /// How many bytes the rows have that count.
    pub live_bytes: u64,
    /// How many bytes the file has at the end.
    pub file_bytes: u64,
}

/// What one checkpoint took. Times are in seconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Checkpoint {
    /// So long the engine stood still.
    pub pause_s: f64,
    /// CPU time of that.
    pub pause_cpu_s: f64,
    /// How many rows there were, and how many bytes.
    pub rows: u64,
    /// How many bytes they and the head had.
    pub bytes: u64,
    /// From the changes to the end of the commit.
    pub commit_s: f64,
    /// CPU time of that.
    pub commit_cpu_s: f64,
    /// The part of the commit for merging.
    pub merge_s: f64,
    /// The part for writing, sorting not included.
    pub write_s: f64,
    /// The part for making it durable.
    pub sync_s: f64,
    /// Bytes that came to the disk.
    pub written: u64,
}

impl Task for Job {
    const WORD: &str = "stored";

    type Outcome = Outcome;

    fn run(&self) -> Outcome {
        let mut keeper = Keeper::new(self);
        let empty = resident_mb();
        keeper.feed(self.keys);
        let full = resident_mb();
        let first = keeper.checkpoint();
        let stored = resident_mb();
        let (mut further, mut events_s) = (Vec::new(), 0.0);
        for _ in 0..self.checkpoints {
            events_s += keeper.feed(self.changed);
            further.push(keeper.checkpoint());
        }
        let snapshot = keeper.store.snapshot();
        let rows = snapshot.all_rows().map(|row| row.expect("the store can be read"));
        let live = rows.map(|row| row.key().len() + row.value().unwrap_or_default().len());
        let outcome = Outcome {
            live_keys: keeper.engine.stats().live_keys as u64,
            memory_mb: [empty, full, stored, resident_mb()],
            first,
            further,
            event_s: events_s / (self.changed * self.checkpoints as u64) as f64,
            live_bytes: live.sum::<usize>() as u64,
            file_bytes: snapshot.file_size().expect("the system tells how large a file is"),
        };
        keeper.store.close().expect("the store can be closed");
        outcome
    }
}

/// An engine, the events for it, and the store of its state.
struct Keeper {
    engine: Engine,
    decoder: JsonDecoder,
    store: Store,
    keys: u64,
    number: u64,
}

impl Keeper {
    fn new(job: &Job) -> Keeper {
        let text = std::fs::read_to_string(&job.rules).expect("the rules can be read");
        let (program, diagnostics) = Program::compile(&Sources::new([("rules.trip", text)]));
        let program = Arc::new(program.unwrap_or_else(|| panic!("{diagnostics:?}")));
        let stream = program.stream("payments").expect("the stream is declared");
        let mut engine = Engine::new(Arc::clone(&program), EngineOptions::RECORDED);
        engine.open(stream, PartitionId(0), Timestamp::FIRST);
        let decoder = JsonDecoder::keeping(program.kept(stream), stream, program.schema(stream));
        let store = Store::open(Arc::new(RealDisk), &job.folder, Options::default());
        Keeper { engine, decoder, store: store.expect("a store can be made"), keys: job.keys, number: 0 }
    }

    /// Gives the engine so many events. Returns the CPU time that they took it, in seconds.
    fn feed(&mut self, count: u64) -> f64 {
        let (end, mut taken_s) = (self.number + count, 0.0);
        while self.number < end {
            let events = self.events(BATCH.min(end - self.number));
            let before = usage::own_cpu_s();
            for event in events {
                self.engine.offer(event, Timestamp::FIRST).expect("the events are in order");
            }
            self.engine.run();
            taken_s += usage::own_cpu_s() - before;
        }
        assert!(self.engine.take_alerts().is_empty(), "no rule reports this traffic");
        taken_s
    }

    /// The next events, made and decoded.
    fn events(&mut self, count: u64) -> Vec<Event> {
        let mut lines = Vec::new();
        let numbers = self.number..self.number + count;
        cards::in_turn(&mut lines, numbers, self.keys).expect("memory can be written");
        let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let mut events = Vec::new();
        for line in lines {
            let position = Position { partition: PartitionId(0), offset: self.number };
            let event = self.decoder.decode(line, position, Timestamp::FIRST);
            events.push(event.expect("the line is well-formed").expect("the line is an event"));
            self.number += 1;
        }
        events
    }

    fn checkpoint(&mut self) -> Checkpoint {
        let (changes, pause_s, pause_cpu_s) = timed(|| self.engine.changes());
        let (committed, commit_s, commit_cpu_s) = timed(|| commit(&mut self.store, &changes));
        let (rows, bytes) = (changes.len() as u64, changes.bytes() as u64);
        self.engine.reuse(changes);
        Checkpoint {
            pause_s,
            pause_cpu_s,
            rows,
            bytes,
            commit_s,
            commit_cpu_s,
            merge_s: committed.merge_time.as_secs_f64(),
            write_s: committed.write_time.as_secs_f64(),
            sync_s: committed.sync_time.as_secs_f64(),
            written: committed.bytes,
        }
    }
}

/// Stores changes as the service does it.
fn commit(store: &mut Store, changes: &Changes) -> Committed {
    let rows = changes.rows().map(|row| Row {
        space: row.space.number(),
        group: row.group,
        key: row.key,
        value: row.value,
    });
    let rows: Vec<Row<'_>> = rows.collect();
    let commit = Commit { head: &changes.head, rows: &rows, ..Commit::default() };
    store.commit(&commit).expect("the disk works and has room")
}

/// What something gives, the time that it takes, and its CPU time, in seconds.
fn timed<T>(act: impl FnOnce() -> T) -> (T, f64, f64) {
    let (begun, cpu_s) = (Instant::now(), usage::own_cpu_s());
    let result = act();
    (result, begun.elapsed().as_secs_f64(), usage::own_cpu_s() - cpu_s)
}

/// Resident memory of this process in megabytes; 0 where the system does not tell.
fn resident_mb() -> f64 {
    usage::memory(std::process::id()).map_or(0.0, |memory| memory.now_mb)
}
