//! A journal on a disk that fails by chance: crashes, kills, full and broken disks, in any order. What
//! was reported as durable is there afterwards, in order and once, and nothing else is than what was
//! appended.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::*;
use crate::disk::simulated::Random;
use crate::seeds::seeds;

/// What has happened, over all seeds, so that it is seen whether they show anything.
#[derive(Debug, Default)]
struct Counts {
    crashes: u64,
    kills: u64,
    crashes_while_opening: u64,
    lost: u64,
    found_undurable: u64,
    troubles: u64,
    trimmed: u64,
    refused: u64,
}

struct Play<'a> {
    random: Random,
    disk: SimulatedDisk,
    options: Options,
    running: Option<(Journal, Committer)>,
    /// What was appended under each number.
    appended: BTreeMap<u64, Vec<u8>>,
    /// The last number that anybody was told is durable.
    durable: Arc<Mutex<u64>>,
    trimmed: u64,
    records: u64,
    counts: &'a mut Counts,
}

impl<'a> Play<'a> {
    fn new(seed: u64, counts: &'a mut Counts) -> Play<'a> {
        let mut random = Random::new(seed);
        let limits = match random.size(3) {
            0 => Limits { disk: 4_096, waiting: 1_024, entry: 512, segment: 512 },
            1 => Limits { disk: 64 << 10, waiting: 4_096, entry: 600, segment: 2_048 },
            _ => Limits { disk: 256 << 10, waiting: 2_048, entry: 300, segment: 1 << 20 },
        };
        let durable = Arc::new(Mutex::new(0));
        let told = Arc::clone(&durable);
        let on_change: Listener = Arc::new(move |status| {
            let mut told = told.lock().expect("no panic");
            *told = status.durable.max(*told);
        });
        let options = Options { limits, on_change: Some(on_change), ..Options::default() };
        let (disk, appended) = (SimulatedDisk::new(random.bits()), BTreeMap::new());
        let mut play =
            Play { random, disk, options, running: None, appended, durable, trimmed: 0, records: 0, counts };
        play.open();
        play
    }

    fn durable(&self) -> u64 {
        *self.durable.lock().expect("no panic")
    }

    fn step(&mut self) {
        if self.disk.is_down() {
            return self.crash();
        }
        match self.random.size(42) {
            0..16 => self.append(),
            16..28 => self.round(),
            28..31 => self.trim(),
            31 => self.disk.fail_syncs(1 + self.random.below(3)),
            32 => self.disk.fail_writes(1 + self.random.below(3)),
            33 => self.disk.fail_by_chance([0, 0, 20, 200][self.random.size(4)]),
            34 => {
                let room = self.disk.used() + self.random.below(1_500);
                let is_limited = self.random.percent(50);
                self.disk.set_capacity(is_limited.then_some(room));
            }
            35 => self.disk.set_read_only(self.random.percent(30)),
            36 => self.disk.crash_at(self.disk.operations() + 1 + self.random.below(12)),
            37 => self.crash(),
            38 => self.kill(),
            39..41 => self.fail_once(),
            _ => self.finish(),
        }
        self.check_status();
    }

    fn append(&mut self) {
        let (journal, _) = self.running.as_ref().expect("it runs");
        let mut batch = Vec::new();
        for _ in 0..self.random.below(5) {
            self.records += 1;
            let most = if self.random.percent(10) { 460 } else { 60 };
            let length = self.random.size(most);
            let filler = self.random.bits().to_le_bytes()[0];
            batch.push([format!("{} ", self.records).as_bytes(), &vec![filler; length]].concat());
        }
        let records: Vec<&[u8]> = batch.iter().map(Vec::as_slice).collect();
        match append(journal, &records) {
            Ok(ticket) => self.appended.extend(ticket.numbers().zip(batch)),
            Err(_) => self.counts.refused += 1,
        }
    }

    fn round(&mut self) {
        let (journal, committer) = self.running.as_mut().expect("it runs");
        committer.round();
        self.counts.troubles += u64::from(journal.status().trouble.is_some());
    }

    /// A few operations fail, and sometimes the program or the power does not outlive that.
    fn fail_once(&mut self) {
        self.append();
        let first = self.disk.operations() + 1 + self.random.below(8);
        self.disk.fail_at(first..first + 1 + self.random.below(3));
        self.round();
        match self.random.size(4) {
            0 => self.kill(),
            1 => self.crash(),
            _ => {}
        }
    }

    /// As a checkpoint does, after the records were taken in.
    fn trim(&mut self) {
        let durable = self.durable();
        self.trimmed += self.random.below(durable - self.trimmed + 1);
        self.running.as_ref().expect("it runs").0.trim(self.trimmed);
        self.counts.trimmed += 1;
    }

    fn check_status(&self) {
        let Some((journal, _)) = &self.running else { return };
        let status = journal.status();
        let limits = self.options.limits;
        assert!(status.durable >= self.durable() && status.durable < status.next, "{status:?}");
        assert!(status.waiting_bytes <= limits.waiting, "{status:?}");
        // A crash just after its end was copied leaves a block twice.
        assert!(status.bytes <= limits.disk + limits.waiting as u64, "{status:?}");
        // What a failure leaves is removed before more is written.
        let most = limits.disk + limits.waiting as u64 + 1_024;
        assert!(self.disk.used() <= most, "{} bytes, {status:?}", self.disk.used());
    }

    /// The power goes, even if the program does not know it yet.
    fn crash(&mut self) {
        // Whoever is told that it ends must not be told that more is durable.
        self.disk.crash_at(self.disk.operations() + 1);
        self.running = None;
        self.disk.crash();
        self.counts.crashes += 1;
        self.open();
    }

    fn kill(&mut self) {
        // A program that was killed closes nothing.
        self.disk.kill();
        self.running = None;
        self.counts.kills += 1;
        self.open();
    }

    fn finish(&mut self) {
        let (_journal, committer) = self.running.take().expect("it runs");
        committer.finish();
        self.open();
    }

    /// Opens it, perhaps after it has failed or crashed a few times while it was opened.
    fn open(&mut self) {
        if self.disk.is_down() {
            self.disk.crash();
        }
        for _ in 0..self.random.size(3) {
            match self.random.size(4) {
                0 => self.disk.fail_by_chance(300),
                1 => self.disk.crash_at(self.disk.operations() + 1 + self.random.below(8)),
                _ => {}
            }
            match open_with(&self.disk, self.options.clone()) {
                Ok(_) => {}
                Err(JournalError::Io { .. }) => self.counts.crashes_while_opening += 1,
                Err(error) => panic!("{error}"),
            }
            if self.disk.is_down() || self.random.percent(50) { self.disk.crash() } else { self.disk.kill() }
        }
        self.calm();
        // A journal can be opened on a full disk, but not begun.
        let begun = self.disk.list(folder()).is_ok_and(|files| !files.is_empty());
        if !begun {
            self.disk.set_capacity(None);
        }
        let mut opened = open_with(&self.disk, self.options.clone());
        if let Err(JournalError::Io { error, .. }) = &opened {
            // The end that no mark vouches for has to be written once more.
            assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
            self.disk.set_capacity(None);
            opened = open_with(&self.disk, self.options.clone());
        }
        self.running = Some(opened.unwrap_or_else(|error| panic!("{error}")));
        self.check();
    }

    /// Nothing fails from now on, but for what needs room.
    fn calm(&self) {
        self.disk.fail_by_chance(0);
        self.disk.fail_syncs(0);
        self.disk.fail_writes(0);
        self.disk.set_read_only(false);
        self.disk.fail_at(0..0);
        self.disk.crash_at(u64::MAX);
    }

    /// Holds what is there against what was appended and reported.
    fn check(&mut self) {
        let (journal, _) = self.running.as_ref().expect("it runs");
        let status = journal.status();
        let durable = self.durable();
        assert!(status.durable >= durable, "{durable} was reported: {status:?}");
        assert!(status.oldest <= self.trimmed + 1, "{} was trimmed: {status:?}", self.trimmed);
        let found = read(journal, status.oldest).unwrap_or_else(|error| panic!("{error}"));
        let mut numbers = status.oldest..=status.durable;
        for (number, record) in &found {
            assert_eq!(Some(*number), numbers.next());
            assert_eq!(self.appended.get(number), Some(record), "number {number}");
        }
        assert_eq!(numbers.next(), None, "{status:?}");
        self.counts.found_undurable += status.durable - durable;
        // What was not found will not come back: its numbers are given out again.
        let lost = self.appended.split_off(&status.next);
        self.counts.lost += lost.len() as u64;
        *self.durable.lock().expect("no panic") = status.durable;
    }

    /// When all faults have gone, it works.
    fn end(mut self) {
        if self.disk.is_down() {
            self.crash();
        }
        self.calm();
        self.disk.set_capacity(None);
        let (journal, committer) = self.running.as_mut().expect("it runs");
        for _ in 0..3 {
            committer.round();
        }
        let status = journal.status();
        assert_eq!((&status.trouble, status.durable, status.waiting), (&None, status.next - 1, 0));
        journal.trim(status.durable);
        committer.round();
        keep(journal, committer, &[b"goes on"]);
        assert!(journal.status().bytes <= self.options.limits.segment + 1_024);
        self.appended.insert(status.next, b"goes on".to_vec());
        self.trimmed = status.durable;
        self.crash();
    }
}

#[test]
fn whatever_happens_nothing_reported_is_lost_and_nothing_is_invented() {
    let mut counts = Counts::default();
    let seeds = seeds(300, 3_000);
    let many = seeds.len() >= 100;
    for seed in seeds {
        let mut play = Play::new(seed.number, &mut counts);
        for _ in 0..play.random.size(150) {
            play.step();
        }
        play.end();
    }
    // Otherwise it would show little.
    let Counts { crashes, kills, crashes_while_opening, lost, found_undurable, troubles, trimmed, refused } =
        counts;
    let all = [crashes, kills, crashes_while_opening, lost, found_undurable, troubles, trimmed, refused];
    assert!(!many || all.iter().all(|count| *count > 50), "{counts:?}");
}

/// The same few actions with a crash at each of the operations that they take.
#[test]
fn a_crash_at_every_operation_loses_nothing() {
    for seed in seeds(8, 80) {
        let mut counts = Counts::default();
        let mut operation = 0;
        loop {
            operation += 1;
            let mut play = Play::new(seed.number, &mut counts);
            play.disk.crash_at(play.disk.operations() + operation);
            for number in 0..24 {
                play.append();
                if number % 3 == 2 {
                    play.round();
                }
                if number % 8 == 7 {
                    play.trim();
                }
            }
            let is_over = !play.disk.is_down();
            play.crash();
            play.end();
            if is_over {
                break;
            }
        }
        assert!(operation > 20, "only {operation} operations");
    }
}
