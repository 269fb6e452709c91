//! Tests of the journal as a whole, most of them on a disk that fails.

mod bounds;
mod damage;
mod real;
mod simulation;
mod trouble;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::*;
use crate::disk::{Disk, SimulatedDisk};

/// Where the journals of these tests are.
fn folder() -> &'static Path {
    Path::new("/state/journal")
}

fn segment(sequence: u64) -> PathBuf {
    folder().join(format!("{sequence:010}.journal"))
}

fn shared(disk: &SimulatedDisk) -> Arc<dyn Disk> {
    Arc::new(disk.clone())
}

fn open_with(disk: &SimulatedDisk, options: Options) -> Result<(Journal, Committer), JournalError> {
    Journal::open(shared(disk), folder(), options)
}

fn open(disk: &SimulatedDisk) -> (Journal, Committer) {
    open_with(disk, Options::default()).expect("it can be opened")
}

/// Small enough that a few records fill a segment.
fn small() -> Options {
    let limits = Limits { disk: 4_096, waiting: 1_024, entry: 512, segment: 512 };
    Options { limits, ..Options::default() }
}

fn entry(record: &[u8]) -> Entry<'_> {
    Entry { stream: "payments", partition: 3, offset: 7, arrival: Timestamp::from_micros(11), record }
}

fn append(journal: &Journal, records: &[&[u8]]) -> Result<Ticket, AppendError> {
    let batch: Vec<Entry<'_>> = records.iter().map(|record| entry(record)).collect();
    journal.append(&batch)
}

/// Whether the entries of a batch are durable.
fn is_durable(journal: &Journal, ticket: &Ticket) -> bool {
    ticket.numbers().is_empty() || *ticket.numbers().end() <= journal.status().durable
}

/// Appends records and makes them durable.
fn keep(journal: &Journal, committer: &mut Committer, records: &[&[u8]]) {
    let ticket = append(journal, records).expect("there is room");
    committer.round();
    assert!(is_durable(journal, &ticket));
}

/// The numbers and records from a number on.
fn read(journal: &Journal, from: u64) -> Result<Vec<(u64, Vec<u8>)>, JournalError> {
    let mut reader = journal.read_from(from)?;
    let mut found = Vec::new();
    while let Some((number, entry)) = reader.read()? {
        found.push((number, entry.record.to_vec()));
    }
    Ok(found)
}

fn records(journal: &Journal) -> Vec<String> {
    let found = read(journal, journal.status().oldest).expect("it can be read");
    found.into_iter().map(|(_, record)| String::from_utf8(record).expect("text")).collect()
}

#[test]
fn what_is_durable_is_there_after_a_crash_with_where_it_came_from() {
    let disk = SimulatedDisk::new(1);
    let (journal, mut committer) = open(&disk);
    let ticket = append(&journal, &[b"one", b"two"]).expect("there is room");
    assert_eq!((ticket.numbers(), is_durable(&journal, &ticket)), (1..=2, false));
    assert_eq!((journal.status().waiting, journal.status().durable), (2, 0));
    committer.round();
    assert!(is_durable(&journal, &ticket));
    disk.crash();
    let (journal, _committer) = open(&disk);
    let mut reader = journal.read_from(0).expect("nothing has been trimmed");
    assert_eq!(reader.read().expect("it can be read"), Some((1, entry(b"one"))));
    assert_eq!(reader.read().expect("it can be read"), Some((2, entry(b"two"))));
    assert_eq!(reader.read().expect("it can be read"), None);
    let inspection = inspect(&shared(&disk), folder()).expect("it can be read");
    assert_eq!((inspection.entries(), inspection.bytes), (2, journal.status().bytes));
    let (oldest, newest) =
        (inspection.oldest.expect("there is one"), inspection.newest.expect("there is one"));
    assert_eq!((oldest.number, newest.number, &*newest.stream, newest.partition), (1, 2, "payments", 3));
    assert_eq!((newest.offset, newest.arrival, inspection.torn), (7, Timestamp::from_micros(11), None));
}

#[test]
fn numbers_go_on_after_everything_was_trimmed_and_after_restarts() {
    let disk = SimulatedDisk::new(1);
    for life in 0..4 {
        let (journal, mut committer) = open_with(&disk, small()).expect("it can be opened");
        assert_eq!(journal.status().next, 10 * life + 1);
        for _ in 0..10 {
            keep(&journal, &mut committer, &[&[b'x'; 200]]);
        }
        journal.trim(10 * (life + 1));
        committer.round();
        assert_eq!(journal.status().segments, 1, "only the last one is left");
        if life % 2 == 0 { committer.finish() } else { disk.crash() }
    }
}

#[test]
fn numbers_that_the_state_knows_are_not_given_out_again() {
    let disk = SimulatedDisk::new(1);
    let (journal, mut committer) = open(&disk);
    keep(&journal, &mut committer, &[b"one", b"two"]);
    disk.crash();
    let options = Options { known: 100, ..Options::default() };
    let (journal, mut committer) = open_with(&disk, options).expect("it can be opened");
    assert_eq!(append(&journal, &[b"three"]).expect("there is room").numbers(), 101..=101);
    committer.round();
    disk.crash();
    let (journal, _committer) = open(&disk);
    assert_eq!(journal.status().next, 102);
    let found = read(&journal, 1).expect("there is no gap");
    assert_eq!(found.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 2, 101]);
    assert_eq!(read(&journal, 101).expect("it can be read").len(), 1);
}

#[test]
fn what_was_trimmed_is_missed() {
    let disk = SimulatedDisk::new(1);
    let (journal, mut committer) = open_with(&disk, small()).expect("it can be opened");
    for _ in 0..10 {
        keep(&journal, &mut committer, &[&[b'x'; 150]]);
    }
    journal.trim(5);
    committer.round();
    assert_eq!(journal.status().oldest, 5, "two entries fill a segment, and no more is removed than may");
    assert_eq!(read(&journal, 6).expect("it can be read").len(), 5);
    let error = read(&journal, 4).expect_err("it is gone");
    assert_eq!(
        error.to_string(),
        "the journal in /state/journal begins with entry 5 and entry 4 is asked for: its files or the state \
         have been brought back from different times; use a state and a journal that belong together"
    );
}

#[test]
fn a_journal_has_one_writer() {
    let disk = SimulatedDisk::new(1);
    let (_journal, committer) = open(&disk);
    let error = open_with(&disk, Options::default()).expect_err("it is in use");
    assert_eq!(
        error.to_string(),
        "the journal in /state/journal is in use by another process; stop that one first, or give this one \
         a folder of its own"
    );
    drop(committer);
    open(&disk);
    assert!(open_with(&disk, Options::default()).is_ok(), "the one before was dropped");
    disk.kill();
    open(&disk);
}

#[test]
fn whoever_listens_to_a_journal_that_ends_is_told() {
    let disk = SimulatedDisk::new(1);
    let (sender, told) = std::sync::mpsc::channel();
    let on_change: Listener = Arc::new(move |status| {
        sender.send((status.durable, status.has_ended)).expect("somebody listens");
    });
    let options = Options { on_change: Some(on_change), ..Options::default() };
    let (journal, committer) = open_with(&disk, options).expect("it can be opened");
    append(&journal, &[b"one"]).expect("there is room");
    drop(committer);
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [(0, true)]);
    assert_eq!(append(&journal, &[b"two"]).expect_err("it has ended"), AppendError::Ended);
}

#[test]
fn what_was_appended_is_written_at_the_end() {
    let disk = SimulatedDisk::new(1);
    let (journal, committer) = open(&disk);
    let ticket = append(&journal, &[b"one"]).expect("there is room");
    let empty = append(&journal, &[]).expect("there is room");
    assert!(is_durable(&journal, &empty) && empty.numbers().is_empty());
    committer.finish();
    assert!(is_durable(&journal, &ticket));
    disk.crash();
    assert_eq!(records(&open(&disk).0), ["one"]);
}
