//! Random commits on a disk that fails and loses power, held against a model.

use super::model::{Change, Content, Model};
use super::*;
use crate::disk::simulated::Random;
use crate::seeds::seeds;

/// What has happened, over all seeds, so that it is seen whether they show anything.
#[derive(Debug, Default)]
struct Counts {
    commits: u64,
    merges: u64,
    failures: u64,
    crashes: u64,
    crashes_in_commits: u64,
    kills: u64,
    failures_while_opening: u64,
    found_unreported: u64,
}

struct Play<'a> {
    random: Random,
    disk: SimulatedDisk,
    options: Options,
    store: Option<Store>,
    /// What was reported last, and what commits that failed may have made of it.
    possible: Vec<Model>,
    counts: &'a mut Counts,
}

impl<'a> Play<'a> {
    fn new(seed: u64, counts: &'a mut Counts) -> Play<'a> {
        let mut random = Random::new(seed);
        let sizes = [
            Sizes { blob: 200, portion: 300 },
            Sizes { blob: 300, portion: 1_000 },
            Sizes { blob: 4_000, portion: 4_000 },
            Sizes { blob: 1, portion: 1 },
        ];
        let options = Options { sizes: sizes[random.size(4)], ..small() };
        let disk = SimulatedDisk::new(random.bits());
        let possible = vec![Model::default()];
        let mut play = Play { random, disk, options, store: None, possible, counts };
        play.open();
        play
    }

    fn step(&mut self) {
        if self.disk.is_down() {
            return self.crash();
        }
        match self.random.size(40) {
            0..24 => self.commit(),
            24 => self.disk.fail_syncs(1 + self.random.below(3)),
            25 => self.disk.fail_writes(1 + self.random.below(3)),
            26 => self.disk.fail_by_chance([0, 0, 20, 200][self.random.size(4)]),
            27 => {
                let room = self.disk.used() + self.random.below(200_000);
                let is_limited = self.random.percent(50);
                self.disk.set_capacity(is_limited.then_some(room));
            }
            28 => self.disk.set_read_only(self.random.percent(30)),
            29..33 => self.crash_in_commit(),
            33 => self.crash(),
            34 | 35 => self.kill(),
            36..38 => self.fail_once(),
            38 => self.reopen(),
            _ => self.calm(),
        }
    }

    fn commit(&mut self) {
        if self.possible.len() > 8 {
            return self.crash();
        }
        let change = Change::random(&mut self.random, &self.possible[0]);
        let store = self.store.as_mut().expect("it is open");
        let committed = change.commit(store);
        self.counts.commits += 1;
        let after = self.possible.iter().map(|model| model.after(&change));
        match committed {
            Ok(committed) => {
                self.counts.merges += u64::from(committed.merged_blobs > 0);
                let number = committed.number;
                self.possible = after.filter(|model| model.content.number == number).collect();
                // The power may go between the end of a commit and the next look at it.
                if !self.disk.is_down() {
                    self.check();
                }
            }
            Err(error) => {
                assert!(error.is_temporary(), "{error}");
                self.counts.failures += 1;
                let after: Vec<Model> = after.collect();
                self.possible.extend(after);
                if self.random.percent(50) {
                    self.check_readable();
                }
            }
        }
    }

    /// Although it cannot be written, it may be possible to read it.
    fn check_readable(&mut self) {
        let snapshot = self.store.as_ref().expect("it is open").current().get();
        // What is empty can be read even when it has ended.
        if snapshot.number() == 0 || self.disk.is_down() {
            return;
        }
        match snapshot.head() {
            Ok(_) => drop(self.find()),
            Err(error) => {
                assert!(matches!(error, StoreError::Ended { .. } | StoreError::Disk { .. }), "{error}")
            }
        }
    }

    fn crash_in_commit(&mut self) {
        // A commit takes about twenty operations.
        self.disk.crash_at(self.disk.operations() + 1 + self.random.below(25));
        self.commit();
        self.counts.crashes_in_commits += u64::from(self.disk.is_down());
        if self.disk.is_down() {
            self.crash();
        }
    }

    /// A few operations fail, and sometimes the program or the power does not outlive that.
    fn fail_once(&mut self) {
        let first = self.disk.operations() + 1 + self.random.below(25);
        self.disk.fail_at(first..first + 1 + self.random.below(3));
        self.commit();
        match self.random.size(4) {
            0 => self.kill(),
            1 => self.crash(),
            _ => {}
        }
    }

    /// The power goes, even if the program does not know it yet.
    fn crash(&mut self) {
        self.disk.crash_at(self.disk.operations() + 1);
        self.store = None;
        self.disk.crash();
        self.counts.crashes += 1;
        self.open();
    }

    fn kill(&mut self) {
        // A program that was killed closes nothing.
        self.disk.kill();
        self.store = None;
        self.counts.kills += 1;
        self.open();
    }

    fn reopen(&mut self) {
        let store = self.store.take().expect("it is open");
        // Whether that works or not changes nothing.
        let _ = store.close();
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
                1 => self.disk.crash_at(self.disk.operations() + 1 + self.random.below(12)),
                _ => {}
            }
            match open_with(&self.disk, self.options) {
                Ok(_) => {}
                Err(error) if error.cause().is_some() => self.counts.failures_while_opening += 1,
                Err(error) => panic!("{error}"),
            }
            if self.disk.is_down() || self.random.percent(50) { self.disk.crash() } else { self.disk.kill() }
        }
        self.calm();
        self.disk.set_capacity(None);
        let store = open_with(&self.disk, self.options).unwrap_or_else(|error| panic!("{error}"));
        self.store = Some(store);
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

    /// Holds what is there against what it may be: which of these it is.
    fn find(&mut self) -> usize {
        let store = self.store.as_ref().expect("it is open");
        let content = Content::of(store.snapshot(), &mut self.random);
        let model = self.possible.iter().rposition(|model| model.content == content);
        model.unwrap_or_else(|| {
            let possible: Vec<u64> = self.possible.iter().map(|model| model.content.number).collect();
            panic!("commit {} is found, with this content it is none of {possible:?}", content.number)
        })
    }

    /// Nothing else is possible from now on.
    fn check(&mut self) {
        let model = self.find();
        self.counts.found_unreported += u64::from(model > 0);
        self.possible = vec![self.possible.swap_remove(model)];
        let ids = self.store.as_ref().expect("it is open").ids();
        assert_eq!(ids, self.possible[0].ids());
    }

    /// When all faults have gone, it works.
    fn end(mut self) {
        if self.disk.is_down() {
            self.crash();
        }
        self.calm();
        self.disk.set_capacity(None);
        let before = self.counts.failures;
        for _ in 0..3 {
            self.commit();
        }
        assert_eq!((before, self.possible.len()), (self.counts.failures, 1));
        self.crash();
    }
}

#[test]
fn whatever_happens_the_state_is_that_of_a_commit_and_none_that_was_reported_is_lost() {
    let mut counts = Counts::default();
    let seeds = seeds(40, 500);
    let many = seeds.len() >= 40;
    for seed in seeds {
        let mut play = Play::new(seed.number, &mut counts);
        for _ in 0..play.random.size(60) {
            play.step();
        }
        play.end();
    }
    // Otherwise it would show little.
    let Counts { commits, merges, failures, crashes, .. } = counts;
    assert!(!many || merges > commits / 20 && failures > commits / 20 && crashes > 50, "{counts:?}");
}
