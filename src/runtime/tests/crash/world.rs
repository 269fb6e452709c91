//! What happens, by a seed: what is sent, what the parts do in which order, and what goes wrong.

use std::sync::{Arc, Mutex};
use std::time::Duration as Wait;

use crate::disk::SimulatedDisk;
use crate::disk::simulated::{Moment, Random};
use crate::source::gate::Partitions;

use super::book::{Book, How, Record};
use super::life::{Lasting, Life, Over, SimulatedClock};
use super::log::Log;
use super::rules::{self, Rules};
use super::save::Saved;
use super::say;
use super::settings::Settings;
use super::sinks::Outside;
use super::sources::SOURCES;

/// What is to go wrong.
#[derive(Clone, Copy, Debug)]
pub enum Trouble {
    /// Whatever the seed says.
    Any,
    /// Nothing but that the service is stopped and started again.
    None,
    /// The power goes at this operation of the disk, or the program is killed there.
    At { operation: u64, moment: Moment, kills: bool },
}

/// What has happened, so that it is seen whether a run shows anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub lives: u64,
    pub crashes: u64,
    pub crashes_at_work: u64,
    pub kills: u64,
    pub stops: u64,
    pub failed_starts: u64,
    pub failed_commits: u64,
    pub events: u64,
    pub alerts: u64,
    pub deliveries: u64,
    pub dead: u64,
    pub operations: u64,
    pub changes: u64,
    pub late: u64,
    pub saved: u64,
}

impl Counts {
    /// Takes over what was counted elsewhere.
    pub fn add(&mut self, more: Counts) {
        let Counts { lives, crashes, crashes_at_work, kills, stops, failed_starts, .. } = more;
        let Counts {
            failed_commits, events, alerts, deliveries, dead, operations, changes, late, saved, ..
        } = more;
        self.lives += lives;
        self.crashes += crashes;
        self.crashes_at_work += crashes_at_work;
        self.kills += kills;
        self.stops += stops;
        self.failed_starts += failed_starts;
        self.failed_commits += failed_commits;
        self.events += events;
        self.alerts += alerts;
        self.deliveries += deliveries;
        self.dead += dead;
        self.operations += operations;
        self.changes += changes;
        self.late += late;
        self.saved += saved;
    }
}

/// A path with a file, which the source can read again. When the file gets another name, the one that
/// stands in its place goes on where it ended.
pub struct File {
    pub source: usize,
    pub path: &'static str,
    pub parcel: usize,
    /// All files that have stood there, each with its number and what is in it.
    pub pieces: Vec<(u64, Vec<u8>)>,
    pub has_ended: bool,
    /// What is written next is in another file.
    pub rotates: bool,
}

/// Everything there is.
pub struct World {
    pub random: Random,
    pub trouble: Trouble,
    pub lasting: Lasting,
    pub log: Log,
    pub counts: Counts,
    pub files: Vec<File>,
    /// The time of the newest record, in milliseconds.
    pub time: u64,
    /// The number of the next record.
    pub next: u64,
    /// The connections that are open: the source and the parcel.
    pub connections: Vec<(usize, usize)>,
    /// What clients were not told to be kept, and send again: by source.
    pub again: Vec<(usize, Record)>,
    /// The savepoints that there should be.
    pub saved: Vec<Saved>,
    /// Whether rules change between lives.
    changes_rules: bool,
}

impl World {
    pub fn new(seed: u64, trouble: Trouble) -> World {
        let mut random = Random::new(seed);
        let settings = Settings::new(&mut random);
        let settings = if matches!(trouble, Trouble::Any) { settings } else { settings.in_large_steps() };
        // Not both: what is expected is found out in another way.
        let (changes_rules, streams) = match Random::new(seed ^ 0x5eed).size(20) {
            0..7 => (true, 0),
            7..11 => (false, rules::IDLE),
            _ => (false, 0),
        };
        let clock = SimulatedClock::default();
        clock.set(1_700_000_000);
        let mut book = Book::default();
        let mut files = Vec::new();
        for &source in settings.sources.iter().filter(|source| SOURCES[**source].2 == Partitions::Files) {
            for (number, path) in (0..).zip(["/one", "/two"]).take(1 + random.size(2)) {
                let (number, parcel) = (10 * source as u64 + number, book.begin(How::File));
                let pieces = vec![(100 * number, Vec::new())];
                files.push(File { source, path, parcel, pieces, has_ended: false, rotates: false });
            }
        }
        let lasting = Lasting {
            disk: SimulatedDisk::new(random.bits()),
            clock: Arc::new(clock),
            outside: Outside::default(),
            book: Arc::new(Mutex::new(book)),
            settings: Arc::new(settings),
            rules: Rules { set: random.size(rules::COUNT), version: 0, resets: false, streams },
        };
        let (log, counts) = (Log::default(), Counts::default());
        if let Trouble::At { operation, moment, .. } = trouble {
            lasting.disk.crash_at_moment(operation, moment);
        }
        World {
            random,
            trouble,
            lasting,
            log,
            counts,
            files,
            time: 1_000,
            next: 1,
            connections: Vec::new(),
            again: Vec::new(),
            saved: Vec::new(),
            changes_rules,
        }
    }

    /// A life with so many steps, however it ends.
    pub async fn live(&mut self, steps: u64) {
        self.change_rules();
        self.wait();
        self.write_meanwhile();
        let Some(mut life) = self.begin().await else { return };
        for _ in 0..steps {
            if self.lasting.disk.is_down() {
                break;
            }
            if let Err(Over(_)) = self.step(&mut life).await {
                break;
            }
            life.settle().await;
        }
        self.end(life).await;
    }

    /// Nobody is there for a while.
    pub fn wait(&mut self) {
        if self.lasting.rules.idle() {
            self.lasting.clock.advance(Wait::from_millis(self.random.below(20_000)));
        }
    }

    /// Somebody changes a rule while the service is not there, in some worlds.
    pub fn change_rules(&mut self) {
        if self.changes_rules && self.random.percent(60) {
            self.lasting.rules.version = self.random.size(rules::VERSIONS);
            self.lasting.rules.resets = self.random.percent(30);
        }
    }

    /// Starts the service, perhaps not at the first try.
    pub async fn begin(&mut self) -> Option<Life> {
        self.counts.lives += 1;
        let tries = if matches!(self.trouble, Trouble::Any) { self.random.size(3) } else { 0 };
        for _ in 0..tries {
            match self.random.size(4) {
                0 => self.lasting.disk.fail_by_chance(200),
                1 => self.crash_soon(30),
                _ => {}
            }
            if let Some(life) = self.try_begin().await {
                return Some(life);
            }
        }
        loop {
            if let Some(life) = self.try_begin().await {
                return Some(life);
            }
            // At the next try nothing is to fail.
            assert!(!matches!(self.trouble, Trouble::None), "it does not start");
        }
    }

    async fn try_begin(&mut self) -> Option<Life> {
        let shards = [1, 1, 2, 3, 7][self.random.size(5)];
        match Life::begin(&self.lasting, shards, &mut self.log).await {
            Ok(mut life) => {
                self.start_sources(&mut life);
                Some(life)
            }
            Err(Over(why)) => {
                assert!(self.counts.failed_starts < 50, "it does not start: {why}");
                self.counts.failed_starts += 1;
                self.revive();
                None
            }
        }
    }

    /// After the service has died: the machine is there again, and nothing fails for now.
    fn revive(&mut self) {
        let disk = &self.lasting.disk;
        say(|| format!("over; the power had gone: {}", self.lasting.disk.is_down()));
        let kills = match self.trouble {
            Trouble::At { kills, .. } => kills,
            _ => self.random.percent(50),
        };
        self.counts.crashes_at_work += u64::from(disk.is_down());
        if kills {
            self.counts.kills += 1;
            disk.kill();
        } else {
            self.counts.crashes += 1;
            disk.crash();
        }
        disk.set_capacity(None);
    }

    async fn end(&mut self, life: Life) {
        let stops = match self.trouble {
            Trouble::Any => self.random.percent(35),
            _ => true,
        };
        if stops && !self.lasting.disk.is_down() {
            let delivers = self.random.percent(50);
            let stopped = life.stop(delivers, &mut self.log).await;
            self.lasting.outside.open(false);
            match stopped {
                Ok(()) => self.counts.stops += 1,
                Err(Over(_)) => self.revive(),
            }
        } else {
            // Whoever holds a file of it finds it dead.
            self.revive();
            life.end().await;
        }
        self.hang_up();
    }

    /// The service dies where it stands.
    pub async fn end_at_once(&mut self, life: Life) {
        self.revive();
        life.end().await;
        self.hang_up();
    }

    /// Clients notice that their connections are gone, and keep what they were not told to be kept.
    fn hang_up(&mut self) {
        let mut book = self.lasting.book.lock().expect("no panic");
        // Who waits for an answer to a body will not get one.
        book.parcels.iter_mut().for_each(|parcel| parcel.is_open = false);
        for (source, parcel) in self.connections.drain(..) {
            let parcel = &book.parcels[parcel];
            self.again.extend(parcel.sent[parcel.promised..].iter().map(|record| (source, record.clone())));
        }
    }
}
