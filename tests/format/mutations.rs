//! Seeds, damaged at random, through every fuzz target.
//!
//! `TRIPLINE_CASES` sets how many are tried for each target, `TRIPLINE_SEED` the first; a failure prints
//! the number that repeats it.

use std::panic::catch_unwind;

use crate::fuzz::{TARGETS, seeds};
use crate::project;
use crate::random::Random;

/// What is put into texts.
const PIECES: [&str; 40] = [
    "#",
    "\n",
    "\r\n",
    " ",
    "\"",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ",",
    ".",
    ":",
    "=",
    "==",
    "??",
    "-",
    "+",
    "not ",
    " and ",
    " or ",
    " in ",
    " where ",
    " then ",
    "then not ",
    " within 5s ",
    "1",
    "5s",
    "stop\n",
    "at 1s ",
    "expect ",
    "event ",
    "\u{feff}",
    "×",
    "# comment\n",
    "\n# comment\n",
    "\\",
    "{{",
    "over ",
];
/// Inputs stay about as large as this, so that all are quick.
const LARGEST: usize = 4_000;

/// Damages an input in a few places.
fn mutated(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = random.pick(seeds);
    bytes.truncate(LARGEST);
    for _ in 0..random.number(1, 4) {
        let place = |random: &mut Random, bytes: &[u8]| random.number(0, bytes.len() as u32) as usize;
        let (a, b) = (place(random, &bytes), place(random, &bytes));
        let (from, to) = (a.min(b), a.max(b).min(a.min(b) + 200));
        match random.number(0, 5) {
            0 => drop(bytes.drain(from..to)),
            1 => {
                let copy = bytes[from..to].to_vec();
                bytes.splice(b..b, copy);
            }
            2 => {
                let other = random.pick(seeds);
                let from = place(random, &other);
                let to = (from + random.number(1, 100) as usize).min(other.len());
                bytes.splice(a..a, other[from..to].iter().copied());
            }
            3 if a < bytes.len() => bytes[a] = random.number(0, 255) as u8,
            _ => drop(bytes.splice(a..a, random.pick(&PIECES).bytes())),
        }
    }
    bytes
}

#[test]
fn damaged_seeds_survive_every_target() {
    for (name, target) in TARGETS {
        let seeds = seeds(project(), name);
        for seed in crate::seeds::seeds(500) {
            let input = mutated(&seeds, &mut Random::new(seed));
            let outcome = catch_unwind(|| target(&input));
            assert!(
                outcome.is_ok(),
                "{name} fails: repeat it with TRIPLINE_SEED={seed} TRIPLINE_CASES=1\n{}",
                String::from_utf8_lossy(&input)
            );
        }
    }
}
