//! Tests of the store as a whole, most of them on a disk that fails.

mod archive;
mod damage;
mod model;
mod outbox;
mod real;
mod savepoint;
mod simulation;
mod trouble;

use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::disk::{Disk, SimulatedDisk};
use crate::event::Timestamp;

/// Where the stores of these tests are.
fn folder() -> &'static Path {
    Path::new("/state")
}

fn shared(disk: &SimulatedDisk) -> Arc<dyn Disk> {
    Arc::new(disk.clone())
}

/// Small enough that a few rows are merged.
fn small() -> Options {
    let sizes = Sizes { blob: 300, portion: 600 };
    Options { cache: 64 << 10, dead: DeadLimits { letters: 5, bytes: 200 }, ids: 1_000, archive: 400, sizes }
}

fn open_with(disk: &SimulatedDisk, options: Options) -> Result<Store, StoreError> {
    Store::open(shared(disk), folder(), options)
}

fn open(disk: &SimulatedDisk) -> Store {
    open_with(disk, small()).expect("it can be opened")
}

fn at(time: i64) -> Timestamp {
    Timestamp::from_micros(time)
}

fn row<'a>(group: u16, key: &'a [u8], value: &'a [u8]) -> Row<'a> {
    Row { space: 0, group, key, value: Some(value) }
}

/// The rows as texts.
fn rows(snapshot: &Arc<Snapshot>) -> Vec<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let rows = snapshot.all_rows().map(|row| {
        let row = row.expect("it can be read");
        let value = text(row.value().expect("rows that are removed are not given out"));
        format!("{} {} {}={value}", row.group(), row.space(), text(row.key()))
    });
    rows.collect()
}

#[test]
fn what_was_committed_is_there_after_a_crash() {
    let disk = SimulatedDisk::new(1);
    let mut store = open(&disk);
    assert_eq!((store.snapshot().number(), rows(store.snapshot())), (0, Vec::new()));
    let changed = [row(2, b"b", b"1"), row(1, b"a", b"2"), Row { space: 1, ..row(2, b"a", b"3") }];
    let commit = Commit {
        time: at(7),
        head: b"head",
        rows: &changed,
        positions: b"here",
        journal: 9,
        ..Commit::default()
    };
    let committed = store.commit(&commit).expect("it can be stored");
    assert_eq!((committed.number, committed.blobs, committed.merged_blobs), (1, 1, 0));
    assert!(committed.bytes > 0);
    disk.crash();
    let store = open(&disk);
    let snapshot = store.snapshot();
    assert_eq!((snapshot.number(), snapshot.time(), snapshot.journal()), (1, at(7), 9));
    assert_eq!(snapshot.head().expect("it can be read"), b"head");
    assert_eq!(rows(snapshot), ["1 0 a=2", "2 0 b=1", "2 1 a=3"]);
    assert_eq!(snapshot.positions().expect("they can be read"), b"here");
    assert_eq!(snapshot.row(1, 2, b"a").expect("it can be read"), Some(b"3".to_vec()));
    assert_eq!(snapshot.row(1, 2, b"b").expect("it can be read"), None);
}

#[test]
fn threads_can_share_what_they_have_to() {
    fn is_sent<T: Send>() {}
    fn is_shared<T: Send + Sync>() {}
    is_sent::<Store>();
    is_sent::<Rows>();
    is_shared::<Snapshot>();
    is_shared::<Current>();
    is_shared::<StoredRow>();
}

#[test]
fn rows_change_and_vanish_and_older_snapshots_stay() {
    let disk = SimulatedDisk::new(1);
    let mut store = open(&disk);
    let commit = |store: &mut Store, rows: &[Row<'_>]| {
        store.commit(&Commit { rows, ..Commit::default() }).expect("it can be stored");
    };
    commit(&mut store, &[row(1, b"a", b"1"), row(1, b"b", b"1"), row(2, b"c", b"1")]);
    let before = Arc::clone(store.snapshot());
    commit(&mut store, &[row(1, b"b", b"2"), Row { value: None, ..row(2, b"c", b"") }, row(3, b"d", b"2")]);
    assert_eq!(rows(store.snapshot()), ["1 0 a=1", "1 0 b=2", "3 0 d=2"]);
    assert_eq!(store.snapshot().row(0, 2, b"c").expect("it can be read"), None);
    assert_eq!(rows(&before), ["1 0 a=1", "1 0 b=1", "2 0 c=1"]);
    let part: Vec<u16> =
        store.snapshot().rows(2..4).map(|row| row.expect("it can be read").group()).collect();
    assert_eq!(part, [3]);
    assert_eq!(store.current().get().number(), 2);
    assert_eq!(before.number(), 1);
}

#[test]
fn a_store_is_merged_as_it_changes_and_never_becomes_large() {
    let disk = SimulatedDisk::new(1);
    let mut store = open(&disk);
    let keys: Vec<[u8; 2]> = (0..400_u16).map(u16::to_be_bytes).collect();
    let value = |round: usize| [u8::try_from(round % 200).expect("small"); 20];
    let all: Vec<Row<'_>> = keys.iter().map(|key| row(u16::from(key[1]), key, &[0; 20])).collect();
    store.commit(&Commit { rows: &all, ..Commit::default() }).expect("it can be stored");
    let live = store.snapshot().size().base_bytes;
    let (mut merged, mut most_runs) = (0, 0);
    for round in 1..400_usize {
        let value = value(round);
        let some = keys.iter().skip(round * 37 % 380).take(20);
        let some: Vec<Row<'_>> = some.map(|key| row(u16::from(key[1]), key, &value)).collect();
        let committed = store.commit(&Commit { rows: &some, ..Commit::default() }).expect("it can be stored");
        merged += committed.merged_blobs;
        let size = store.snapshot().size();
        assert!(size.run_bytes <= 2 * live && size.base_bytes <= 2 * live, "{size:?} of {live}");
        most_runs = most_runs.max(size.runs);
    }
    assert!(merged > 100 && most_runs < 40, "{merged} {most_runs}");
    // Each of these rows was changed in the last round that had its key.
    let found: Vec<(Vec<u8>, Vec<u8>)> = store
        .snapshot()
        .all_rows()
        .map(|row| row.expect("it can be read"))
        .map(|row| (row.key().to_vec(), row.value().expect("it is there").to_vec()))
        .collect();
    assert_eq!(found.len(), 400);
    for (key, found) in found {
        let index = keys.iter().position(|known| known[..] == key).expect("it is one of them");
        let last =
            (1..400_usize).rev().find(|round| (round * 37 % 380..round * 37 % 380 + 20).contains(&index));
        assert_eq!(found, value(last.unwrap_or(0)));
    }
    let removed: Vec<Row<'_>> = all.iter().map(|row| Row { value: None, ..*row }).collect();
    store.commit(&Commit { rows: &removed, ..Commit::default() }).expect("it can be stored");
    for _ in 0..200 {
        store.commit(&Commit { rows: &[row(0, b"x", b"1")], ..Commit::default() }).expect("it can be stored");
    }
    let size = store.snapshot().size();
    assert!(size.base_bytes + size.run_bytes < live, "{size:?} of {live}");
    assert_eq!(rows(store.snapshot()), ["0 0 x=1"]);
}

#[test]
fn where_all_rows_change_each_is_written_about_once() {
    let disk = SimulatedDisk::new(1);
    let mut store = open(&disk);
    let keys: Vec<[u8; 2]> = (0..400_u16).map(u16::to_be_bytes).collect();
    let (mut written, rounds) = (0, 40_u8);
    for round in 0..rounds {
        let value = [round; 20];
        // Some vanish and come back.
        let value = |index: usize| (index % 50 != usize::from(round) % 50).then_some(&value[..]);
        let all = keys.iter().enumerate().rev();
        let all = all.map(|(index, key)| Row { value: value(index), ..row(u16::from(key[1]), key, b"") });
        let all: Vec<Row<'_>> = all.collect();
        let committed = store.commit(&Commit { rows: &all, ..Commit::default() }).expect("it can be stored");
        written += committed.blobs + committed.merged_blobs;
        let found: Vec<(Vec<u8>, Vec<u8>)> = store
            .snapshot()
            .all_rows()
            .map(|row| row.expect("it can be read"))
            .map(|row| (row.key().to_vec(), row.value().expect("it is there").to_vec()))
            .collect();
        let mut expected: Vec<(Vec<u8>, Vec<u8>)> =
            all.iter().filter_map(|row| Some((row.key.to_vec(), row.value?.to_vec()))).collect();
        expected.sort_by_key(|(key, _)| (key[1], key.clone()));
        assert_eq!(found, expected, "{round}");
    }
    let once = store.snapshot().size().base * u64::from(rounds);
    assert!(written <= once * 5 / 4, "{written} blobs were written, and {once} are enough");
}
