//! Stops at any moment, with or without a loss of power, and goes on: connections and a lasting source
//! through the journal, and a file that is followed, written and rotated meanwhile.
//!
//! The engine is a model: it knows what it has taken, and a checkpoint is a copy of that with the positions
//! of the same moment.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::*;
use crate::disk::simulated::Random;
use crate::seeds::seeds;
use crate::source::Source;
use crate::source::file::{Following, Paths, Start};
use crate::source::partition::Feed;
use crate::source::positions::{FileId, Kind};
use crate::source::together::Turn;

/// How often the file is looked at.
const POLL: Duration = Duration::from_millis(10);

/// Which records an engine has taken, by partition and offset, and which partitions it has.
#[derive(Clone, Default)]
struct Model {
    taken: BTreeMap<(u32, u64), String>,
    open: BTreeSet<u32>,
    /// Those of them that are read from files.
    files: BTreeSet<u32>,
    /// Which of those were open when a record was taken that went through the journal.
    beside: BTreeMap<String, BTreeSet<u32>>,
    keeper: Keeper,
}

impl Model {
    fn take(&mut self, input: &Input) {
        match input {
            Input::Opened { partition, origin, .. } => {
                assert!(self.open.insert(partition.0), "opened twice: {input:?}");
                if matches!(origin.kind, Kind::File(_)) {
                    self.files.insert(partition.0);
                }
            }
            Input::Closed { partition, .. } => {
                assert!(self.open.remove(&partition.0), "not open: {input:?}");
                self.files.remove(&partition.0);
            }
            Input::Connected { partition, .. } | Input::Disconnected { partition, .. } => {
                assert!(self.open.contains(&partition.0), "not open: {input:?}");
            }
            Input::Reached { .. } | Input::Brought { .. } | Input::Forgotten { .. } => {}
            Input::Events { partition, .. } => {
                assert!(self.open.contains(&partition.0), "not open: {input:?}");
                for (partition, offset, raw) in events(std::slice::from_ref(input)) {
                    let last = self.taken.range((partition, 0)..=(partition, u64::MAX)).next_back();
                    let last = last.map(|((_, offset), _)| *offset);
                    assert!(last.is_none_or(|last| last < offset), "{partition}: {offset} after {last:?}");
                    if !self.files.contains(&partition) {
                        self.beside.insert(raw.clone(), self.files.clone());
                    }
                    self.taken.insert((partition, offset), raw);
                }
            }
        }
        self.keeper.follow(input);
    }
}

/// What is there from one life to the next.
struct World {
    random: Random,
    disk: SimulatedDisk,
    folder: tempfile::TempDir,
    pattern: &'static str,
    /// What was stored last: an engine and its positions.
    stored: (Model, Vec<u8>),
    next_id: u64,
    /// What has been written to files.
    written: Vec<String>,
    /// What is missing of the last line.
    rest: String,
    /// How many times the file has been renamed.
    rotations: u64,
    /// What senders were told to be kept.
    promised: BTreeSet<String>,
    /// Where each record that went through the journal was, when the engine first got it.
    places: BTreeMap<String, (u32, u64)>,
    /// Which files were open then: they held event time back, and may have more to say.
    beside: BTreeMap<String, BTreeSet<u32>>,
}

/// What senders have sent in a life, each with the entry of the journal that promises it.
type Sent = Vec<(u64, String)>;

impl World {
    fn record(&mut self) -> String {
        self.next_id += 1;
        format!("{{\"id\":{}}}", self.next_id)
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("app.log")
    }

    /// Writes the rest of the last line, or a new one, or a part of one.
    fn write(&mut self) {
        let line = match self.rest.is_empty() {
            true => {
                let record = self.record();
                self.written.push(record.clone());
                record + "\n"
            }
            false => std::mem::take(&mut self.rest),
        };
        let (now, rest) = line.split_at(1 + self.random.size(line.len()).min(line.len() - 1));
        let mut file = OpenOptions::new().create(true).append(true).open(self.path()).expect("a file");
        file.write_all(now.as_bytes()).expect("written");
        self.rest = rest.to_owned();
    }

    fn finish_line(&mut self) {
        while !self.rest.is_empty() {
            self.write();
        }
    }

    /// Whether the file is one of which the checkpoint knows. Without a pattern, two that come after that
    /// could not be told apart: they are made faster than the clock of the file system ticks.
    fn is_stored(&self) -> bool {
        let Ok(data) = self.path().metadata() else { return false };
        let files = self
            .stored
            .0
            .keeper
            .positions()
            .open()
            .filter_map(|(_, _, position)| position.reached.file.as_ref()?.current);
        files.map(|piece| piece.file).any(|file| file == FileId::of(&data))
    }

    fn rotate(&mut self) {
        if self.pattern.contains('*') && self.path().exists() || self.is_stored() {
            self.finish_line();
            self.rotations += 1;
            let old = self.folder.path().join(format!("app.log.{}", self.rotations));
            fs::rename(self.path(), old).expect("renamed");
            self.write();
        }
    }

    /// The engine has got something that will not be lost again.
    fn note_places(&mut self, model: &Model) {
        for (place, record) in &model.taken {
            let known = self.places.insert(record.clone(), *place);
            assert!(known.is_none_or(|known| known == *place), "{record}: {known:?}, then {place:?}");
        }
    }

    /// What the engine had got when it ended, stored or not. What comes again must find what it found.
    fn note_files(&mut self, model: &Model) {
        for (record, files) in &model.beside {
            let known = self.beside.entry(record.clone()).or_insert_with(|| files.clone());
            assert!(
                known.is_subset(files),
                "{record} came when {known:?} were open, and again with {files:?}"
            );
        }
    }

    async fn live(&mut self, steps: u64) {
        let (mut model, positions) = self.stored.clone();
        let positions = Positions::of_stored(&positions).expect("they were encoded");
        model.keeper = Keeper::new(positions.clone(), ["s"]);
        let (journal, mut committer, listening) = journal(&self.disk, positions.journal, limits());
        let mut life =
            Life::begin(journal.clone(), &listening, positions, &Format::Json, |input| model.take(input))
                .await;
        assert_eq!(life.positions, *model.keeper.positions(), "both follow the same inputs");
        let following = self.follow(&life);
        let (conn, lasting) = (life.inlet("conn", &Format::Json), life.inlet("lasting", &Format::Json));
        let mut feeds = vec![Feed::begin(&lasting, Kind::Source).await.expect("it begins")];
        let mut sent = Sent::new();
        if self.random.percent(30) {
            self.disk.crash_at(self.disk.operations() + self.random.below(60));
        }
        for _ in 0..steps {
            match self.random.below(12) {
                0 => feeds.push(Feed::begin(&conn, connection()).await.expect("it begins")),
                1 if feeds.len() > 1 => {
                    let feed = feeds.swap_remove(1 + self.random.size(feeds.len() - 1));
                    feed.close().await;
                }
                2..=4 => {
                    let feed = self.random.size(feeds.len());
                    if !self.send(&mut feeds[feed], &journal, &mut committer, &mut sent).await {
                        break;
                    }
                }
                5 | 6 => self.write(),
                7 if self.random.percent(30) => self.rotate(),
                8 => {
                    if self.random.percent(20) {
                        self.disk.fail_syncs(1 + self.random.below(2));
                    }
                    committer.round();
                }
                9 => tokio::time::sleep(POLL * 2).await,
                10 => {
                    for input in life.arrived().await {
                        model.take(&input);
                    }
                }
                11 if self.random.percent(30) => {
                    self.note_places(&model);
                    self.stored = (model.clone(), model.keeper.positions().encode());
                    journal.trim(model.keeper.positions().journal);
                }
                _ => {}
            }
            let durable = journal.status().durable;
            let kept = sent.extract_if(.., |(number, _)| *number <= durable);
            self.promised.extend(kept.map(|(_, record)| record));
        }
        following.abort();
        let _ = following.await;
        self.note_files(&model);
        match self.random.below(3) {
            0 => self.disk.crash(),
            1 => self.disk.kill(),
            _ => committer.finish(),
        }
        // What was to fail and has not by now does not fail before the next life.
        self.disk.crash_at(u64::MAX);
        self.disk.fail_syncs(0);
        if self.disk.is_down() {
            self.disk.crash();
        }
    }

    /// Lives until everything has come.
    async fn settle(&mut self) -> Model {
        let (mut model, positions) = self.stored.clone();
        let positions = Positions::of_stored(&positions).expect("they were encoded");
        model.keeper = Keeper::new(positions.clone(), ["s"]);
        let (journal, mut committer, listening) = journal(&self.disk, positions.journal, limits());
        let mut life =
            Life::begin(journal, &listening, positions, &Format::Json, |input| model.take(input)).await;
        let following = self.follow(&life);
        for _ in 0..60 * (self.rotations + 1) {
            tokio::time::sleep(POLL).await;
            committer.round();
            for input in life.arrived().await {
                model.take(&input);
            }
        }
        following.abort();
        self.note_places(&model);
        self.note_files(&model);
        model
    }

    /// Sends records, and lets the disk work when that is waited for. Gives whether it got through.
    async fn send(
        &mut self,
        feed: &mut Feed<'_>,
        journal: &Journal,
        committer: &mut Committer,
        sent: &mut Sent,
    ) -> bool {
        for _ in 0..=self.random.below(6) {
            let record = self.record();
            let line = format!("{record}\n");
            let disk = async {
                for _ in 0..30 {
                    tokio::task::yield_now().await;
                    committer.round();
                }
            };
            tokio::select! {
                biased;
                taken = feed.take(line.as_bytes()) => taken.expect("the engine is there"),
                () = disk => return false,
            }
            sent.push((journal.status().next - 1, record));
        }
        true
    }

    fn follow(&self, life: &Life) -> JoinHandle<()> {
        let paths = Paths::new(self.pattern, self.folder.path()).expect("a path");
        let source = Following::new(paths, Start::Beginning, POLL, 100);
        tokio::spawn(Box::new(source).run(vec![life.inlet("file", &Format::Json)], Turn::alone()))
    }
}

fn limits() -> Limits {
    Limits { disk: 8 << 20, waiting: 1 << 20, entry: 8 << 10, segment: 4 << 10 }
}

fn play(seed: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let mut random = Random::new(seed);
    // With a pattern, files are found under their new names; without, by them.
    let pattern = ["app.log", "app.log*"][random.size(2)];
    let mut world = World {
        random,
        disk: SimulatedDisk::new(seed),
        folder: tempfile::tempdir().expect("a folder"),
        pattern,
        stored: (Model::default(), Vec::new()),
        next_id: 0,
        written: Vec::new(),
        rest: String::new(),
        rotations: 0,
        promised: BTreeSet::new(),
        places: BTreeMap::new(),
        beside: BTreeMap::new(),
    };
    let model = runtime.expect("a runtime").block_on(async {
        for _ in 0..1 + world.random.below(6) {
            let steps = world.random.below(60);
            world.live(steps).await;
            // While nobody looks.
            for _ in 0..world.random.below(3) {
                if world.random.percent(50) { world.write() } else { world.rotate() }
            }
        }
        world.finish_line();
        world.settle().await
    });
    let mut times: BTreeMap<&str, u32> = BTreeMap::new();
    model.taken.values().for_each(|record| *times.entry(record).or_default() += 1);
    assert!(times.values().all(|count| *count == 1), "twice: {times:?}");
    let missing = |record: &&String| !times.contains_key(record.as_str());
    let lost: Vec<&String> = world.promised.iter().chain(&world.written).filter(missing).collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
    let open: BTreeSet<u32> = model.keeper.positions().open().map(|(_, partition, _)| partition.0).collect();
    assert_eq!(open, model.open);
}

#[test]
fn whatever_stops_it_every_record_is_taken_once_and_in_its_place() {
    seeds(40, 400).for_each(|seed| play(seed.number));
}
