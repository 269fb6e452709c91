//! Savepoints, written by a service at any moment and restored in the end, into an empty folder and for
//! another number of shards.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::engine::EngineOptions;
use crate::event::Timestamp;
use crate::outbox::Outgoing;
use crate::runtime::{recovery, savepoints};
use crate::store::{self, Savepoint, Store};

use super::engines::{feed, of_inputs, restore};
use super::life::Life;
use super::rules::Rules;
use super::world::World;

/// A savepoint that was reported as written.
pub struct Saved {
    file: PathBuf,
    /// Of how many inputs it is.
    entries: usize,
    /// The rules by then, each from one of them on.
    rules: Vec<(usize, Rules)>,
    positions: Vec<u8>,
}

impl World {
    /// Somebody asks for a savepoint, and gets it unless the disk does not let him.
    pub fn save(&mut self, life: &Life) {
        let snapshot = life.current.get();
        let Ok(positions) = snapshot.positions() else { return };
        if snapshot.number() == 0 {
            return;
        }
        let name = format!("s{}", self.lasting.disk.operations());
        let folder = savepoints::folder(Path::new("/state"));
        if let Ok(saved) = savepoints::write(&self.lasting.disk, &folder, &name, &snapshot) {
            let (entries, rules) = self.log.of(snapshot.time());
            let rules = self.log.rules[..rules].to_vec();
            self.saved.push(Saved { file: saved.file, entries, rules, positions: positions.to_vec() });
        }
    }

    /// With what each savepoint has, everything would have gone on as it did.
    pub fn check_saved(&mut self) {
        self.counts.saved = self.saved.len() as u64;
        for (place, saved) in std::mem::take(&mut self.saved).into_iter().enumerate() {
            let shards = 1 + self.random.size(7);
            self.check_restored(&saved, Path::new(&format!("/restored/{place}")), shards);
        }
    }

    fn check_restored(&self, saved: &Saved, folder: &Path, shards: usize) {
        let disk = Arc::new(self.lasting.disk.clone());
        let savepoint = Savepoint::open(&*disk, &saved.file).expect("it was reported as written");
        let Savepoint { time, journal, head, positions, rows, .. } = savepoint;
        assert_eq!(positions, saved.positions);
        let mut store = Store::open(disk, folder, self.lasting.settings.store).expect("nothing fails");
        let whole = store::Restore { time, head: &head, positions: &positions, journal };
        store.restore(&whole, rows).expect("the savepoint is whole");

        let rules = saved.rules.last().expect("it has some").1;
        let olds = if rules.resets { Ok(Vec::new()) } else { recovery::stored_rules(store.snapshot()) };
        let program = rules.after(&olds.expect("it was just written"));
        let options = EngineOptions { max_ahead: None, shards, ..EngineOptions::LIVE };
        let (mut restored, left) =
            restore(store.snapshot(), &program, options, None).expect("it was just written");
        assert_eq!(left, [], "the rules are the same");

        let (mut engine, _) =
            of_inputs(&self.log.entries[..saved.entries], &saved.rules, shards).expect("there was a service");
        // As long as the rules are the same.
        let end = self.log.rules.get(saved.rules.len()).map_or(self.log.entries.len(), |(from, _)| *from);
        let rest = &self.log.entries[saved.entries..end];
        let [found, expected] = [&mut restored, &mut engine].map(|engine| {
            feed(engine, rest, Timestamp::from_micros(0));
            engine.finish();
            engine.take_alerts().iter().map(Outgoing::new).collect::<Vec<_>>()
        });
        assert_eq!(found, expected, "{} does not go on like its service", saved.file.display());
    }
}
