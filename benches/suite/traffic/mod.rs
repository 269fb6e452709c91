//! Made-up traffic as JSON lines: the same for the same number of events on every machine.
//!
//! Each kind has a background that no rule reports, and cases planted in it, about as often as in
//! reality: a few alerts for a thousand events. An event comes each millisecond; one in five is sent up
//! to two seconds after it happened, which the streams allow with `late 5s`.

pub mod cards;
pub mod keys;
pub mod logins;
pub mod orders;
pub mod rising;
pub mod sets;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// Event time of the first event, in milliseconds: 2026-03-01.
const START_MS: u64 = 1_772_323_200_000;

/// How far behind an event may be sent, in milliseconds.
const DISORDER_MS: u64 = 2_000;

/// Chance that is the same every time.
pub struct Chance(ChaCha8Rng);

impl Chance {
    /// Chance of its own for each seed.
    pub fn new(seed: u64) -> Chance {
        Chance(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A whole number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.0.random_range(0..n)
    }

    /// A whole number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0.random_range(low..=high)
    }

    /// Whether something happens that does so `n` times in a thousand.
    pub fn in_thousand(&mut self, n: u64) -> bool {
        self.below(1_000) < n
    }

    /// The event time of the event with this number, in milliseconds: now, or a little before.
    pub fn time_ms(&mut self, number: u64) -> u64 {
        let behind = if self.below(5) == 0 { self.below(DISORDER_MS) } else { 0 };
        START_MS + number - behind.min(number)
    }
}

/// One of `keys` keys for each number: each once in as many numbers, in an order that has nothing to do with
/// where it is kept.
fn spread(number: u64, keys: u64) -> u64 {
    // Prime, and so without a factor in common with the number of keys unless that is a multiple of it.
    const STEP: u64 = 2_654_435_761;
    number.wrapping_mul(STEP) % keys
}

/// What is planted: events that are to come at given numbers.
pub struct Script<T> {
    due: BinaryHeap<Reverse<(u64, T)>>,
}

impl<T: Ord> Script<T> {
    /// Nothing is planted.
    pub fn new() -> Script<T> {
        Script { due: BinaryHeap::new() }
    }

    /// Plants an event at a number, or as soon after it as there is room.
    pub fn plant(&mut self, number: u64, event: T) {
        self.due.push(Reverse((number, event)));
    }

    /// How many events are still to come.
    pub fn len(&self) -> u64 {
        self.due.len() as u64
    }

    /// The planted event that is to be the one with this number, if there is one.
    pub fn due(&mut self, number: u64) -> Option<T> {
        if self.due.peek().is_some_and(|Reverse((due, _))| *due <= number) {
            return self.due.pop().map(|Reverse((_, event))| event);
        }
        None
    }
}

/// Writes a file.
pub fn to_file(file: &Path, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) {
    let opened = File::create(file).map(|file| BufWriter::with_capacity(1 << 20, file));
    let written = opened.and_then(|mut out| {
        write(&mut out)?;
        out.flush()
    });
    written.unwrap_or_else(|error| panic!("{} cannot be written: {error}", file.display()));
}

const COUNTRIES: [&str; 20] = [
    "DE", "FR", "NL", "ES", "IT", "PL", "AT", "BE", "CZ", "DK", "SE", "NO", "FI", "PT", "IE", "GR", "HU",
    "RO", "US", "GB",
];
