//! Damaged states: each is a state or refused, without a panic and without much memory.

use std::sync::LazyLock;

use tripline::engine::{Engine, EngineOptions, RestoreError, Restoring, StateInMemory};
use tripline::stored::Row;

use crate::allocator::largest;
use crate::state::{Owned, Stored, sample};

static SAMPLE: LazyLock<Stored> = LazyLock::new(sample);

/// No list or text may ask for more than this, whatever it says of its length.
const LARGE: usize = 1 << 20;

/// A row as engines take it.
fn borrowed((space, group, key, value): &Owned) -> Row<'_> {
    Row { space: *space, group: *group, key, value: Some(value) }
}

/// Whether a state with this head and this row alone can be restored.
fn restored(head: &[u8], row: Option<&Owned>) -> bool {
    let row = row.map(borrowed);
    let (found, largest) =
        largest(|| Engine::restore(SAMPLE.program.clone(), EngineOptions::RECORDED, head, row).is_ok());
    assert!(largest < LARGE, "{largest} bytes at once");
    found
}

/// Every how many bytes are damaged: all of a kind take minutes.
fn every(usual: usize) -> usize {
    if std::env::var("TRIPLINE_CASES").is_ok_and(|cases| cases == "many") {
        usual.div_ceil(10)
    } else {
        usual
    }
}

/// The bytes with each bit of some changed, one at a time.
fn flipped(bytes: &[u8], step: usize) -> impl Iterator<Item = Vec<u8>> {
    (0..bytes.len()).step_by(step).map(|at| {
        let mut bytes = bytes.to_vec();
        // Another bit each time.
        bytes[at] ^= 1 << (at * 5 % 8);
        bytes
    })
}

/// The bytes cut off.
fn cut(bytes: &[u8], step: usize) -> impl Iterator<Item = Vec<u8>> {
    (0..bytes.len()).step_by(step).map(|end| bytes[..end].to_vec())
}

#[test]
fn the_sample_is_a_state_and_has_something_of_everything() {
    let Stored { head, rows, program } = &*SAMPLE;
    assert!(SAMPLE.go_on(head, rows));
    let rows = rows.iter().map(borrowed);
    let restored = StateInMemory::new(head, rows).restore(program.clone(), EngineOptions::RECORDED);
    let mut engine = restored.expect("it is a state").engine;
    for rule in ["lone", "together", "one_by_one", "keeps_one", "waits", "everyone", "reads"] {
        assert!(!engine.runs(rule).is_empty(), "`{rule}` has no partial matches");
    }
    assert!(engine.waiting() > 0 && engine.stats().past_events > 100);
    assert!(!engine.take_alerts().is_empty());
}

#[test]
fn heads_that_are_damaged_are_refused_or_are_heads() {
    let head = &SAMPLE.head;
    let accepted = flipped(head, every(10)).filter(|head| restored(head, None)).count();
    // Most of it are records, names, times and counts.
    assert!(accepted * every(10) * 20 < head.len() * 19, "{accepted} of {}", head.len());
    for head in cut(head, every(10)) {
        assert!(!restored(&head, None), "{} bytes", head.len());
    }
    for head in flipped(head, every(500)) {
        SAMPLE.go_on(&head, &SAMPLE.rows);
    }
}

#[test]
fn rows_that_are_damaged_are_refused_or_are_rows() {
    let Stored { head, rows, .. } = &*SAMPLE;
    let (mut tried, mut accepted) = (0, 0);
    for (space, group, key, value) in rows {
        assert!(restored(head, Some(&(*space, *group, key.clone(), value.clone()))));
        for value in flipped(value, every(20)) {
            tried += 1;
            accepted += usize::from(restored(head, Some(&(*space, *group, key.clone(), value))));
        }
        for key in flipped(key, every(3)) {
            // It would be in another group.
            restored(head, Some(&(*space, *group, key, value.clone())));
        }
        for value in cut(value, every(40)) {
            assert!(!restored(head, Some(&(*space, *group, key.clone(), value))));
        }
    }
    assert!(tried > 500 && accepted * 20 < tried * 19, "{accepted} of {tried}");
}

#[test]
fn an_engine_goes_on_from_what_was_not_refused() {
    let Stored { head, rows, .. } = &*SAMPLE;
    let (mut accepted, mut tried) = (0, 0);
    for (place, (_, _, _, value)) in rows.iter().enumerate() {
        for value in flipped(value, every(400)) {
            let mut rows = rows.clone();
            rows[place].3 = value;
            tried += 1;
            accepted += usize::from(SAMPLE.go_on(head, &rows));
        }
    }
    assert!(accepted > 10 && accepted < tried, "{accepted} of {tried}");
}

#[test]
fn what_is_no_state_and_what_is_newer_is_told_apart() {
    let restore = |head: &[u8]| {
        Restoring::new(SAMPLE.program.clone(), EngineOptions::RECORDED, head)
            .err()
            .map(|error| error.to_string())
    };
    assert_eq!(restore(b"something else"), Some(RestoreError::Foreign.to_string()));
    assert_eq!(restore(&[]), Some(RestoreError::Foreign.to_string()));
    let mut newer = SAMPLE.head.clone();
    let version = newer.iter().position(|byte| *byte == b'\n').expect("the first line ends") + 1;
    newer[version] = 2;
    let error = restore(&newer).expect("it is not read");
    assert_eq!(error, RestoreError::Newer { found: 2 }.to_string());
    assert!(error.contains("format 2") && error.contains("format 1"), "{error}");
}

#[test]
fn rows_that_are_missing_or_there_twice_are_noticed() {
    let Stored { head, rows, program } = &*SAMPLE;
    let restore = |rows: &[&Owned]| {
        let rows = rows.iter().copied().map(borrowed);
        Engine::restore(program.clone(), EngineOptions::RECORDED, head, rows).map(|_| ())
    };
    let all: Vec<&Owned> = rows.iter().collect();
    assert!(restore(&all).is_ok());
    for row in &all {
        let error = restore(&[all.clone(), vec![*row]].concat()).expect_err("a row is there twice");
        assert!(matches!(error, RestoreError::Row { .. } | RestoreError::Rows(_)), "{error}");
    }
}
